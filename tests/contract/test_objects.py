"""One body over a folder, a store in memory and a real S3 server: raw objects are written once."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from workbench.cli.servers import free_port
from workbench.errors import OverwriteRefusedError, RawError, StackError, StackRefusedError
from workbench.hashing import sha256_bytes
from workbench.profiles.objects import Objects, raw_key
from workbench.profiles.stack import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.profiles.stack import S3Place


@pytest.fixture(params=["folder", "memory", pytest.param("seaweed", marks=pytest.mark.server)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """Return a store of each kind, empty."""
    if request.param == "seaweed":
        return Objects.s3(request.getfixturevalue("bucket_place"), prefix=secrets.token_hex(6))
    return Objects.folder(tmp_path / "objects") if request.param == "folder" else Objects.memory()


def test_an_object_is_written_once(store: Objects) -> None:
    """The same bytes are welcome again; other bytes are refused and change nothing."""
    assert store.put_new("raw/a", b"first") is True
    assert store.put_new("raw/a", b"first") is False
    with pytest.raises(OverwriteRefusedError, match="raw/a exists"):
        store.put_new("raw/a", b"second")
    assert store.get("raw/a") == b"first"


def test_sixteen_threads_on_one_key_have_one_winner(store: Objects) -> None:
    """All begin at the same moment; whoever is first has written, whole."""
    start = Barrier(16)

    def put(i: int) -> bool:
        start.wait()
        try:
            return store.put_new("raw/one", bytes([i]) * 50_000)
        except OverwriteRefusedError:
            return False

    with ThreadPoolExecutor(16) as pool:
        won = [i for i, wrote in enumerate(pool.map(put, range(16))) if wrote]
    assert len(won) == 1
    assert store.get("raw/one") == bytes([won[0]]) * 50_000


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
    """Path traversal is refused on every backend, for reading and writing."""
    with pytest.raises(ValueError, match=r"\.\."):
        store.put_new(key, b"x")
    with pytest.raises(ValueError, match=r"\.\."):
        store.get(key)
    assert not (tmp_path / "outside").exists()
    assert store.keys("") == []


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


@pytest.mark.server
@pytest.mark.parametrize("wrong", [{"secret": Secret("a-wrong-secret")}, {"key_id": "stranger"}])
def test_a_wrong_secret_or_key_is_named(bucket_place: S3Place, wrong: dict[str, object]) -> None:
    """The error says which server and which key; the secret is in no part of it."""
    place = replace(bucket_place, **wrong)
    store = Objects.s3(place, prefix="x")
    for call in (
        lambda: store.put_new("raw/a", b"x"),
        lambda: store.get("raw/a"),
        store.keys,
        lambda: store.exists("raw/a"),
    ):
        with pytest.raises(StackRefusedError, match=place.key_id) as caught:
            call()
        assert place.secret.reveal() not in repr(caught.value) + str(caught.value)
        assert caught.value.__cause__ is None
    assert place.secret.reveal() not in repr(store)


@pytest.mark.server
def test_no_server_is_named(bucket_place: S3Place) -> None:
    """Nobody waits for minutes, and the sentence says where nobody answers."""
    store = Objects.s3(replace(bucket_place, endpoint=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(StackError, match="no object store answers at http://127"):
        store.get("raw/a")
    with pytest.raises(StackError, match="no object store answers"):
        store.put_new("raw/a", b"x")


@pytest.mark.server
def test_learners_do_not_see_each_other(bucket_place: S3Place) -> None:
    """One bucket, two prefixes: the same key holds other bytes."""
    one, two = (Objects.s3(bucket_place, prefix=f"wb{secrets.token_hex(4)}") for _ in range(2))
    assert one.put_new("raw/a", b"one")
    assert two.put_new("raw/a", b"two")
    assert (one.get("raw/a"), two.get("raw/a")) == (b"one", b"two")
    assert one.keys() == two.keys() == ["raw/a"]
