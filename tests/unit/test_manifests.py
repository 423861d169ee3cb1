"""A manifest is whole or it is not there; what is changed by hand is noticed."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench import manifests
from workbench.errors import DiskError, ManifestError
from workbench.manifests import Header, Part, atomic, read_header, read_table, write_header, write_part


def table(start: int, n: int) -> pa.Table:
    return pa.table({"k": pa.array(range(start, start + n), pa.int64()), "x": [f"row {i}" for i in range(n)]})


@pytest.fixture
def folder(tmp_path):
    """A manifest of two parts, three and two rows."""
    folder = tmp_path / "raw"
    parts = [write_part(folder, "part-00001", table(3, 2)), write_part(folder, "part-00000", table(0, 3))]
    write_header(folder, Header("raw", {"total_raw": 5}, manifests.columns_of(table(0, 1)), tuple(parts)))
    return folder


# -- whole or not at all -----------------------------------------------------------------------------------------


def test_atomic_leaves_the_file_and_nothing_else(tmp_path):
    with atomic(tmp_path / "deep" / "a.txt") as temporary:
        temporary.write_text("new")
        assert temporary.name.startswith(".")
        assert not (tmp_path / "deep" / "a.txt").exists()
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_atomic_keeps_the_old_file_when_the_block_fails(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)), atomic(path) as temporary:  # noqa: PT012
        temporary.write_text("half of the n")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "cannot write to"),
        (errno.EACCES, "cannot write to"),
    ],
)
def test_what_the_system_says_becomes_a_sentence(tmp_path, monkeypatch, code, sentence):
    def fail(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DiskError, match=sentence) as caught:
        manifests.write_text(tmp_path / "a.txt", "text")
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_another_error_of_the_system_passes_through(tmp_path, monkeypatch):
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "bad disk")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="bad disk"):
        manifests.write_text(tmp_path / "a.txt", "text")


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, monkeypatch):
    def fail(*_args: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", fail)
    with pytest.raises(DiskError, match="cannot write to"), atomic(tmp_path / "no" / "a.txt"):
        pass


_FILL = """
import resource, signal, sys
from pathlib import Path
import pyarrow as pa
from workbench.errors import DiskError
from workbench.manifests import write_part
import numpy as np
folder = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_part(folder, "part-00000", pa.table({"x": np.random.default_rng(0).random(100_000)}))
except OSError as error:
    print(type(error).__name__, [p.name for p in folder.iterdir()])
"""


def test_a_file_that_really_cannot_grow_leaves_nothing_behind(tmp_path):
    """The system itself stops the write at 20 kB (EFBIG: not a full disk, so no such sentence)."""
    done = subprocess.run(
        [sys.executable, "-c", _FILL, str(tmp_path / "raw")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["OSError", "[]"], done.stdout + done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 20_000


def test_two_threads_may_write_the_same_file(tmp_path):
    path, failures = tmp_path / "a.json", []

    def write(number: int) -> None:
        try:
            for _ in range(20):
                manifests.write_json(path, {"number": number})
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert json.loads(path.read_text())["number"] in range(4)
    assert list(tmp_path.iterdir()) == [path]


# -- headers -----------------------------------------------------------------------------------------------------


def test_round_trip(folder):
    header = read_header(folder)
    assert (header.kind, header.rows, header.counts) == ("raw", 5, {"total_raw": 5})
    assert [part.name for part in header.parts] == ["part-00000.parquet", "part-00001.parquet"]
    assert header.columns == {"k": "int64", "x": "string"}
    assert read_table(folder)["k"].to_pylist() == [0, 1, 2, 3, 4]
    assert read_table(folder, ["x"]).column_names == ["x"]


def test_the_digest_ignores_the_order_of_parts_but_not_their_bytes():
    one, two = Part("a", 1, "11"), Part("b", 1, "22")
    digests = {
        Header("raw", {}, {}, (one, two)).digest,
        Header("raw", {}, {}, (two, one)).digest,
        Header("raw", {"other": 1}, {}, (one, two), {"more": "facts"}).digest,
    }
    assert len(digests) == 1
    assert Header("raw", {}, {}, (one, Part("b", 1, "23"))).digest not in digests
    assert Header("clean", {}, {}, (one, two)).digest not in digests


def test_equal_tables_give_equal_bytes(tmp_path):
    chunks = pa.concat_tables([table(0, 2), table(2, 1)])
    chunks = chunks.set_column(1, "x", table(0, 3)["x"])
    one = write_part(tmp_path, "one", table(0, 3))
    two = write_part(tmp_path, "two", chunks.replace_schema_metadata({"made": "by somebody else"}))
    assert one.sha256 == two.sha256


def test_an_unfinished_stage_has_no_manifest(tmp_path):
    write_part(tmp_path, "part-00000", table(0, 1))
    assert not manifests.has_manifest(tmp_path)
    with pytest.raises(ManifestError, match="there is no manifest"):
        read_header(tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw["parts"][0].update(sha256="0" * 64),
        lambda raw: raw["parts"].pop(),
        lambda raw: raw.update(kind="clean"),
        lambda raw: raw.update(digest="0" * 64),
    ],
    ids=["a hash", "a part", "the kind", "the digest"],
)
def test_a_header_that_was_edited_is_noticed(folder, spoil):
    path = folder / manifests.HEADER
    raw = json.loads(path.read_text())
    spoil(raw)
    path.write_text(json.dumps(raw))
    with pytest.raises(ManifestError, match="do not have the digest"):
        read_header(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"digest": "", "parts": [{"wrong": 1}]}'])
def test_a_header_that_is_none_is_refused(folder, text):
    (folder / manifests.HEADER).write_text(text)
    with pytest.raises(ManifestError, match="is not a manifest header"):
        read_header(folder)


# -- parts -------------------------------------------------------------------------------------------------------


def test_a_missing_part_is_named(folder):
    (folder / "part-00001.parquet").unlink()
    with pytest.raises(ManifestError, match="part-00001.parquet is missing"):
        read_table(folder)


def test_a_part_with_other_bytes_is_noticed(folder):
    path = folder / "part-00000.parquet"
    pq.write_table(table(0, 3).set_column(1, "x", pa.array(["a", "b", "changed"])), path)
    with pytest.raises(ManifestError, match="is not the file that the header describes"):
        read_table(folder)
    assert read_table(folder, verify=False)["x"][2].as_py() == "changed"


def test_a_manifest_of_no_parts_cannot_be_read_as_a_table(tmp_path):
    write_header(tmp_path, Header("raw", {}, {}, ()))
    with pytest.raises(ManifestError, match="no parts"):
        read_table(tmp_path)


# -- what a killed process leaves --------------------------------------------------------------------------------


def test_sweep_leaves_what_a_living_process_is_writing(folder):
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = folder / f".part-00002.parquet.{living.pid}.tmp"
    theirs.write_bytes(b"PAR1 half")
    ours = folder / f".part-00003.parquet.{os.getpid()}.tmp"
    ours.write_bytes(b"PAR1 half")
    try:
        assert manifests.sweep(folder) == 0
    finally:
        living.communicate(b"\n", timeout=30)
    assert manifests.sweep(folder) == 1
    assert ours.exists()


def test_sweep_takes_strays_and_nothing_else(folder):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    stray = folder / f".part-00002.parquet.{dead.pid}.tmp"
    stray.write_bytes(b"PAR1 half")
    (folder / ".hidden").write_text("kept")
    (folder / "notes.tmp").write_text("kept")
    assert manifests.sweep(folder.parent) == 1
    assert manifests.sweep(folder.parent) == 0
    assert not stray.exists()
    assert {p.name for p in folder.iterdir()} == {
        *(".hidden", "notes.tmp", manifests.HEADER),
        *("part-00000.parquet", "part-00001.parquet"),
    }
    assert manifests.sweep(folder / "nowhere") == 0
