"""The gym through the seven stages: what each of them promises, on one tiny gym that the command line has run."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from workbench.clock import parse_utc
from workbench.errors import DatasetError, OverwriteRefusedError, SettingsError
from workbench.hashing import sha256_bytes, sha256_file
from workbench.lab.pipeline import open_or_create, run_pipeline
from workbench.manifests import read_header, read_table
from workbench.profiles.datasets import read_dataset
from workbench.profiles.definitions import FILE, VIEW
from workbench.profiles.feature_checks import check_table
from workbench.profiles.log_door import LogDoor
from workbench.profiles.members import HORIZON, due_members, log_of, seen_members
from workbench.profiles.mornings import answered
from workbench.profiles.objects import raw_key
from workbench.profiles.runs import Runs
from workbench.profiles.settings import WorldSettings
from workbench.profiles.table_features import TableFeatures
from workbench.profiles.workspace import create, open_workspace
from workbench.stages import ORDER
from workbench.stages.clean import clean
from workbench.stages.dataset import dataset
from workbench.stages.extract import extract
from workbench.stages.ingest import ingest
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_features import COLUMNS, STORED
from workbench.worlds.gym_jobs import CORRECTED_AFTER, MONDAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from workbench.profiles.workspace import Workspace
    from workbench.records import Capture

pytestmark = pytest.mark.slow
KEYS = ["item_id", "event_timestamp"]


@pytest.fixture(scope="module")
def world() -> GymWorld:
    """Return the gym at its smallest, seed 0."""
    return GymWorld("tiny")


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, subprocess_env: dict[str, str]
) -> tuple[subprocess.CompletedProcess[str], Workspace]:
    """Run the seven stages as a learner does; return what was said, and the workspace."""
    root = tmp_path_factory.mktemp("gym") / "gym"
    command = [sys.executable, "-m", "workbench", "-w", str(root), "run", "--world", "gym", "--size", "tiny"]
    said = subprocess.run(
        command, env=subprocess_env, capture_output=True, text=True, timeout=280, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
    return said, open_workspace(str(root))


@pytest.fixture
def gym(run: tuple[subprocess.CompletedProcess[str], Workspace]) -> Workspace:
    """Return the workspace of the run. Read from it only; to change it, `copied`."""
    return run[1]


@pytest.fixture
def copied(gym: Workspace, tmp_path: Path) -> Workspace:
    """Return a copy of the workspace that the test may destroy."""
    shutil.copytree(gym.root, tmp_path / "copy", symlinks=True)
    return open_workspace(str(tmp_path / "copy"))


@pytest.fixture
def delivered(gym: Workspace, tmp_path: Path) -> Workspace:
    """Return a workspace with nothing but what was delivered."""
    ws = create(str(tmp_path / "delivered"), world=WorldSettings("gym", "tiny", 0))
    shutil.copytree(gym.root / "raw", ws.root / "raw")
    for kind in ("raw", "reviews"):
        shutil.copytree(gym.manifests / kind, ws.manifests / kind)
    return ws


class Delivering:
    """A gym that delivers other captures than its own."""

    def __init__(self, world: GymWorld, captures: Callable[[], Iterator[Capture]], mark: str) -> None:
        self.labels, self.notes, self.history_end = world.labels, world.notes, world.history_end
        self.fingerprint, self.reviews = mark, world.reviews
        self.n_captures, self.captures = world.n_captures, captures


def also(world: GymWorld, name: str, data: bytes) -> Delivering:
    """Return the gym with one more delivery of visits."""
    extra = replace(next(world.captures()), name=f"visits/{name}", payload=data, station="visits")

    def captures() -> Iterator[Capture]:
        yield from world.captures()
        yield extra

    return Delivering(world, captures, name)


def visits_of(world: GymWorld) -> pa.Table:
    """Return the rows of one delivery of visits."""
    data = next(capture.payload for capture in world.captures() if capture.station == "visits")
    return pq.read_table(io.BytesIO(data))


def packed(rows: pa.Table) -> bytes:
    """Return rows as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    return buffer.getvalue()


# -- the whole -------------------------------------------------------------------------------


def test_the_command_line_runs_all_seven_stages(run) -> None:
    said, ws = run
    assert ws.settings.world == WorldSettings("gym", "tiny", 0)
    assert all(stage in said.stdout + said.stderr for stage in ORDER)
    verdict = json.loads((ws.root / "verdicts" / f"{Runs(ws).resolve()}.json").read_text())
    assert verdict["word"] == "IDENTICAL"
    assert any("has the same content hash" in note for note in verdict["notes"])


def test_nothing_is_lost_between_the_stages(gym: Workspace, world: GymWorld) -> None:
    raw, cleaned = read_header(gym.manifests / "raw"), read_header(gym.manifests / "clean")
    assert raw.rows == world.n_captures > 100
    assert cleaned.counts == {"total_raw": raw.rows, "total_clean": raw.rows, "total_quarantined": 0}
    assert {name: rows.num_rows for name, rows in log_of(gym).items()} == {
        name: rows.num_rows for name, rows in world.log().items()
    }
    assert all(rows.equals(world.log()[name]) for name, rows in log_of(gym).items())
    card, rows = read_dataset(gym)
    assert rows.num_rows == seen_members(gym, world.history_end).num_rows == sum(card.split_counts.values())
    assert set(card.label_counts) == set(world.labels)


def test_a_second_run_skips_everything(copied: Workspace) -> None:
    reports = run_pipeline(copied)
    assert [report.stage for report in reports] == list(ORDER)
    assert all(report.skipped for report in reports)


# -- ingest ----------------------------------------------------------------------------------


def test_a_delivery_is_never_taken_twice_nor_changed(delivered: Workspace, world: GymWorld) -> None:
    before = {path: path.stat().st_mtime_ns for path in (delivered.root / "raw").rglob("*.parquet")}
    report = ingest(delivered, also(world, "more.parquet", packed(visits_of(world).slice(0, 3))))
    assert (report.counts["new"], report.counts["total_raw"]) == (1, world.n_captures + 1)
    assert {path: path.stat().st_mtime_ns for path in before} == before

    def changed() -> Iterator[Capture]:
        yield replace(next(world.captures()), payload=b"other bytes")

    with pytest.raises(OverwriteRefusedError, match="delivered before with other bytes"):
        ingest(delivered, Delivering(world, changed, "changed"))


def test_a_killed_ingest_goes_on_where_it_was(gym: Workspace, world: GymWorld, tmp_path: Path) -> None:
    ws = create(str(tmp_path / "killed"), world=WorldSettings("gym", "tiny", 0))

    def killed() -> Iterator[Capture]:
        for i, capture in enumerate(world.captures()):
            if i == 40:
                raise KeyboardInterrupt
            yield capture

    with pytest.raises(KeyboardInterrupt):
        ingest(ws, Delivering(world, killed, "killed"))
    report = ingest(ws, world)
    assert report.counts["total_raw"] == world.n_captures
    assert report.digest == read_header(gym.manifests / "raw").digest
    assert ingest(ws, world).skipped


def test_what_arrives_later_is_added(world: GymWorld, tmp_path: Path) -> None:
    ws = create(str(tmp_path / "early"), world=WorldSettings("gym", "tiny", 0))
    early = ingest(ws, world, until=world.history_end)
    assert 0 < early.counts["total_raw"] < world.n_captures
    later = ingest(ws, world)
    assert later.counts["new"] == world.n_captures - early.counts["total_raw"]


# -- clean -----------------------------------------------------------------------------------


def _null_key(rows: pa.Table) -> pa.Table:
    items = pa.array([None, *rows["item_id"].to_pylist()[1:]], pa.string())
    return rows.set_column(rows.column_names.index("item_id"), rows.schema.field("item_id"), items)


SPOILT = {
    "truncated": (lambda rows: packed(rows)[:-20], "unreadable", ""),
    "no Parquet at all": (lambda _: b"a,b\n1,2\n", "unreadable", ""),
    "a foreign column": (
        lambda rows: packed(rows.append_column("price", pa.array([1.0] * len(rows)))),
        "wrong_columns",
        "price: double",
    ),
    "a column that is gone": (
        lambda rows: packed(rows.drop_columns(["partner_club"])),
        "wrong_columns",
        "partner_club",
    ),
    "a key that is missing": (
        lambda rows: packed(_null_key(rows)),
        "missing_values",
        "1 rows without item_id",
    ),
    "a row that came twice": (
        lambda rows: packed(pa.concat_tables([rows, rows.slice(0, 2)])),
        "repeated_rows",
        "2 rows",
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_spoilt_delivery_is_quarantined_and_named(how, delivered: Workspace, world: GymWorld) -> None:
    spoil, reason, detail = SPOILT[how]
    ingest(delivered, also(world, "odd.parquet", spoil(visits_of(world))))
    report = clean(delivered)
    assert report.counts["total_quarantined"] == report.counts[reason] == 1
    assert report.counts["total_clean"] == world.n_captures
    odd = [row for row in read_table(delivered.manifests / "clean").to_pylist() if row["status"] != "clean"]
    assert [(row["name"], row["reason"]) for row in odd] == [("visits/odd.parquet", reason)]
    assert detail in odd[0]["detail"]
    assert odd[0]["detail"]
    assert log_of(delivered)["visits"].equals(world.log()["visits"]), "what is quarantined is not read"


@pytest.mark.parametrize("reason", ["missing_object", "tampered"])
def test_a_raw_object_that_is_gone_or_was_changed(reason, delivered: Workspace, world: GymWorld) -> None:
    assert clean(delivered).counts["total_quarantined"] == 0
    row = read_table(delivered.manifests / "raw").to_pylist()[7]
    path = delivered.root / row["uri"]
    assert sha256_file(path) == row["sha256"]
    data = bytearray(path.read_bytes())
    path.chmod(0o644)
    path.unlink()
    if reason == "tampered":
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    report = clean(delivered)
    assert report.counts[reason] == report.counts["total_quarantined"] == 1
    assert "1 raw object is gone or changed" in report.notes[0]
    odd = [r for r in read_table(delivered.manifests / "clean").to_pylist() if r["status"] != "clean"]
    assert [(r["name"], r["reason"]) for r in odd] == [(row["name"], reason)]


def test_the_same_events_under_another_name_are_refused(delivered: Workspace, world: GymWorld) -> None:
    ingest(delivered, also(world, "again.parquet", packed(visits_of(world))))
    assert clean(delivered).counts["total_quarantined"] == 0, "each file is right by itself"
    with pytest.raises(DatasetError, match="visits holds an event twice"):
        log_of(delivered)


# -- extract ---------------------------------------------------------------------------------


def test_extract_makes_the_same_file_again(copied: Workspace) -> None:
    path, before = copied.features / VIEW / FILE, read_header(copied.manifests / "extract")
    check_table(path)
    assert extract(copied).skipped
    was = pq.read_table(path)
    (copied.manifests / "extract" / "manifest.json").unlink()
    report = extract(copied)
    assert not report.skipped
    assert (report.digest, report.counts["extracted"]) == (before.digest, before.rows)
    assert pq.read_table(path).equals(was)


def _corrections(gym: Workspace) -> tuple[pa.Table, pa.Table]:
    """Return the first row and the corrected row of every Monday that was corrected, in one order."""
    rows = read_table(gym.manifests / "extract")
    late = pc.greater(rows["created_timestamp"], rows["event_timestamp"])
    corrected = rows.filter(late).sort_by([(name, "ascending") for name in KEYS])
    first = rows.filter(pc.invert(late)).join(corrected.select(KEYS), KEYS, join_type="left semi")
    return first.sort_by([(name, "ascending") for name in KEYS]), corrected


def test_a_correction_has_the_same_event_time_and_was_known_later(gym: Workspace) -> None:
    first, corrected = _corrections(gym)
    assert first.num_rows == corrected.num_rows > 100
    assert first.select(KEYS).equals(corrected.select(KEYS))
    for one, two in zip(first.to_pylist(), corrected.to_pylist(), strict=True):
        assert two["created_timestamp"] - one["created_timestamp"] == CORRECTED_AFTER
        assert two["created_timestamp"] <= GymWorld.history_end
        assert any(one[name] != two[name] for name in STORED)


def test_only_a_join_without_known_at_sees_a_correction(gym: Workspace) -> None:
    first, corrected = _corrections(gym)
    asked = first.select(KEYS).append_column("row_id", pa.array([str(i) for i in range(first.num_rows)]))
    door = TableFeatures(gym)
    assert door.as_of(asked).select(list(STORED)).equals(first.select(list(STORED)))
    late = door.as_of(asked, known_at=False)
    assert late.select(list(STORED)).equals(corrected.select(list(STORED)))


@pytest.mark.parametrize("known_at", [True, False])
def test_the_log_answers_as_the_feature_store_does(known_at, gym: Workspace) -> None:
    seen = seen_members(gym, GymWorld.history_end).select(["row_id", *KEYS])
    some = seen.filter(pc.is_in(seen["event_timestamp"], pa.array([GymWorld.cutoffs[k] for k in (1, 7, 13)])))
    kind = some.schema.field("event_timestamp")
    days = pa.array([timedelta(days=i % 5) for i in range(some.num_rows)], pa.duration("us"))
    asked = some.set_column(2, kind, pc.add(some["event_timestamp"], days).cast(kind.type))
    one = LogDoor(log_of(gym)).as_of(asked, known_at=known_at)
    two = TableFeatures(gym).as_of(asked, known_at=known_at)
    assert one.schema.equals(two.schema)
    assert one.equals(two)


# -- dataset ---------------------------------------------------------------------------------


def test_moments_are_split_whole_and_far_apart(gym: Workspace) -> None:
    card, rows = read_dataset(gym)
    moments: dict[str, set] = {}
    for when, split in zip(rows["event_timestamp"].to_pylist(), rows["split"].to_pylist(), strict=True):
        moments.setdefault(split, set()).add(when)
    assert set(moments) == {"train", "embargo", "test"}
    assert sum(len(times) for times in moments.values()) == len(set().union(*moments.values()))
    assert min(moments["test"]) - max(moments["train"]) >= HORIZON
    assert timedelta(seconds=card.embargo_s) >= timedelta(days=30)


def test_no_label_is_used_before_it_is_ripe(gym: Workspace) -> None:
    card, rows = read_dataset(gym)
    cutoff = parse_utc(card.cutoff_timestamp)
    assert cutoff == GymWorld.history_end
    assert max(rows["event_timestamp"].to_pylist()) + HORIZON <= cutoff
    assert max(rows["label_known_at"].to_pylist()) <= cutoff
    earlier = GymWorld.cutoffs[6] + timedelta(days=29)
    seen = seen_members(gym, earlier)
    assert max(seen["event_timestamp"].to_pylist()) == GymWorld.cutoffs[5]


# -- serve -----------------------------------------------------------------------------------


def test_every_member_is_answered_once_on_each_of_six_mornings(gym: Workspace) -> None:
    served = read_table(gym.served / Runs(gym).resolve())
    due = due_members(gym, GymWorld.history_end)
    assert tuple(due) == GymWorld.production_cutoffs
    wanted = [row_id for rows in due.values() for row_id in rows["row_id"].to_pylist()]
    assert sorted(served["row_id"].to_pylist()) == sorted(wanted)
    assert len(set(wanted)) == len(wanted) > 500
    header = read_header(gym.served / Runs(gym).resolve())
    assert header.counts == {"n_predicted": len(wanted), "n_unknown": 0}
    assert set(served["fetched_at"].to_pylist()) == set(due)
    assert pc.all(pc.less_equal(served["feature_timestamp"], served["fetched_at"])).as_py()


def _everybody(gym: Workspace) -> list[str]:
    return sorted(log_of(gym)["members"]["item_id"].to_pylist())


def _as_of(gym: Workspace, items: Sequence[str], when) -> list[dict | None]:
    at = pa.array([when] * len(items), pa.timestamp("us", "UTC"))
    found = TableFeatures(gym).as_of(pa.table({"row_id": items, "item_id": items, "event_timestamp": at}))
    return [
        {name: row[name] for name in COLUMNS} if row["feature_timestamp"] else None
        for row in found.to_pylist()
    ]


def test_an_earlier_morning_knows_nothing_of_a_later_one(copied: Workspace) -> None:
    """Nor of who joined later, nor of a correction that was made later: the store had died by then."""
    items = _everybody(copied)
    n_found = []
    for morning in (MONDAYS[-1], GymWorld.cutoffs[5], GymWorld.cutoffs[9]):
        answers = answered(copied, items, morning)
        assert [row.item_id for row in answers] == items
        times = [row.feature_timestamp for row in answers if row.found]
        assert max(times) == morning
        assert [row.values if row.found else None for row in answers] == _as_of(copied, items, morning)
        n_found.append(len(times))
    assert n_found[1] < n_found[2] < n_found[0] <= len(items)


def test_asking_for_a_morning_leaves_the_real_store_alone(copied: Workspace) -> None:
    items, store = _everybody(copied), copied.feast / "online.db"
    before, said = sha256_file(store), TableFeatures(copied).online(VIEW, items)
    assert max(row.feature_timestamp for row in said if row.found) == MONDAYS[-1]
    answered(copied, items, MONDAYS[30])
    assert sha256_file(store) == before
    assert TableFeatures(copied).online(VIEW, items) == said


# -- what is refused -------------------------------------------------------------------------


def test_errors_come_with_a_hint(gym: Workspace, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no simulated world 'gim'") as unknown:
        open_or_create(str(tmp_path / "a"), world="gim")
    assert "packhouse, gym" in unknown.value.hint
    with pytest.raises(SettingsError, match="photos have no world") as both:
        open_or_create(str(tmp_path / "b"), world="gym", photos=str(tmp_path))
    assert "--world" in both.value.hint
    with pytest.raises(DatasetError, match="no label was ripe at 2023-05-10") as early:
        dataset(gym, cutoff=parse_utc("2023-05-10T00:00:00Z"))
    assert "later --cutoff" in early.value.hint


def test_the_raw_key_is_the_content(gym: Workspace) -> None:
    for row in read_table(gym.manifests / "raw").to_pylist():
        data = (gym.root / row["uri"]).read_bytes()
        assert row["uri"] == raw_key(sha256_bytes(data), ".parquet")
