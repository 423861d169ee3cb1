"""One body over a folder and a store in memory: raw objects are written once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from workbench.errors import OverwriteRefusedError, RawError
from workbench.hashing import sha256_bytes
from workbench.profiles.objects import Objects, raw_key

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """Each backend of the embedded profile."""
    return Objects.folder(tmp_path / "objects") if request.param == "folder" else Objects.memory()


def test_an_object_is_written_once(store: Objects) -> None:
    """The same bytes are welcome again; other bytes are refused and change nothing."""
    assert store.put_new("raw/a", b"first") is True
    assert store.put_new("raw/a", b"first") is False
    with pytest.raises(OverwriteRefusedError, match="raw/a exists"):
        store.put_new("raw/a", b"second")
    assert store.get("raw/a") == b"first"


def test_a_race_has_one_winner_a_key(store: Objects) -> None:
    """400 puts of different bytes on 50 keys from 8 threads: 50 are written, 350 refused, none is mixed."""

    def put(i: int) -> bool:
        try:
            return store.put_new(f"raw/{i % 50}", str(i).encode())
        except OverwriteRefusedError:
            return False

    with ThreadPoolExecutor(8) as pool:
        won = [i for i, wrote in enumerate(pool.map(put, range(400))) if wrote]
    assert len(won) == 50
    assert {store.get(f"raw/{i % 50}") for i in won} == {str(i).encode() for i in won}


@pytest.mark.parametrize("key", ["raw/with blank.jpg", "raw/ümläut.jpg", "raw/#%?.jpg", "raw/deep/er/x"])
def test_odd_keys_come_back(store: Objects, key: str) -> None:
    """Names with blanks, umlauts and signs are kept as they are."""
    store.put_new(key, key.encode())
    assert store.get(key) == key.encode()
    assert store.keys() == [key]
    assert store.exists(key)


@pytest.mark.parametrize("key", ["../outside", "raw/../../outside"])
def test_a_key_cannot_leave_the_store(store: Objects, key: str, tmp_path: Path) -> None:
    """Path traversal is refused on every backend."""
    with pytest.raises(Exception, match=r"."):
        store.put_new(key, b"x")
    assert not (tmp_path / "outside").exists()


def test_a_missing_object_is_named(store: Objects) -> None:
    """The sentence holds the key."""
    assert not store.exists("raw/none")
    with pytest.raises(RawError, match="raw/none is not in"):
        store.get("raw/none")


def test_the_key_is_the_content(store: Objects) -> None:
    """Same bytes, same key; a hostile suffix loses its signs."""
    sha = sha256_bytes(b"x")
    assert raw_key(sha, ".JPG") == f"raw/sha256/{sha[:2]}/{sha}.jpg"
    assert raw_key(sha, "./../e vil") == f"raw/sha256/{sha[:2]}/{sha}.evil"
    assert raw_key(sha) == f"raw/sha256/{sha[:2]}/{sha}"
    assert store.put_new(raw_key(sha), b"x")
