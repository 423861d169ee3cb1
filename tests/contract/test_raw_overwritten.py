"""Photos that are improved in place: the door refuses, a hand around it is found, the bench harms nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workbench.errors import OverwriteRefusedError
from workbench.failures.raw_overwritten import improved, overwritten, victims
from workbench.hashing import sha256_bytes
from workbench.lab.again import reproduce_run
from workbench.manifests import read_table
from workbench.profiles.objects import objects_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.profiles.workspace import Workspace

SHARE = 0.02


def test_the_door_refuses(tiny_pipeline: Workspace) -> None:
    key, store = victims(tiny_pipeline, SHARE)[0], objects_of(tiny_pipeline)
    photo = store.get(key)
    with pytest.raises(OverwriteRefusedError):
        store.put_new(key, improved(photo))
    assert store.get(key) == photo


def test_the_failure_overwrites_a_copy_alone(tiny_pipeline: Workspace) -> None:
    raw = read_table(tiny_pipeline.manifests / "raw", ["uri", "sha256"]).to_pylist()
    hit = victims(tiny_pipeline, SHARE)
    copy, own = overwritten(SHARE)(tiny_pipeline), objects_of(tiny_pipeline)
    assert hit
    assert {row["uri"] for row in raw if sha256_bytes(copy.get(row["uri"])) != row["sha256"]} == {*hit}
    assert all(sha256_bytes(own.get(row["uri"])) == row["sha256"] for row in raw)


def test_a_hand_around_the_door_is_named(fresh_copy: Callable[[], Workspace]) -> None:
    pytest.importorskip("dvc")
    ws = fresh_copy()
    hit = victims(ws, SHARE)
    for key in hit:
        path = ws.root / key
        photo = path.read_bytes()
        path.unlink()  # it may be a link into the history
        path.write_bytes(improved(photo))

    verdict = reproduce_run(ws)
    assert str(verdict).startswith("DIFFERENT because of data rows")
    raw = read_table(ws.manifests / "raw", ["image_id", "uri"]).to_pylist()
    names = [row["image_id"] for row in raw if row["uri"] in hit]
    assert len(names) >= 2
    assert f"{len(names)} raw objects no longer have the sha256 taken at ingestion" in str(verdict)
    assert all(name in str(verdict) for name in names)
