"""What failures of the gym do to rows, on a log that was really delivered."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from workbench.failures import (
    anchored_on_outcome,
    column_that_knows,
    lucky_seed,
    oversample_before_split,
    target_encoding_before_split,
    unripe_labels,
)
from workbench.lab.pipeline import run_stage
from workbench.profiles.gym_rows import at_random, by_member, observed_at
from workbench.profiles.hands import put
from workbench.profiles.members import due_members, log_of, seen_members
from workbench.profiles.settings import WorldSettings
from workbench.profiles.workspace import create
from workbench.worlds.gym import GymWorld

if TYPE_CHECKING:
    from workbench.profiles.workspace import Workspace

END = GymWorld.history_end
LAST = GymWorld.cutoffs[-1]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = create(str(tmp_path_factory.mktemp("gym") / "rows"), world=WorldSettings(name="gym"))
    for stage in ("ingest", "clean"):
        run_stage(made, stage)
    return made


@pytest.fixture(scope="module")
def seen(ws: Workspace) -> pa.Table:
    return seen_members(ws, END)


def test_observed_at_the_usual_times_is_what_a_dataset_has(ws: Workspace, seen: pa.Table) -> None:
    assert observed_at(GymWorld.cutoffs)(seen.slice(0, 0), ws).equals(seen)


def test_unripe_mondays_have_fewer_leavers(ws: Workspace, seen: pa.Table) -> None:
    def share(times: object) -> float:
        rows = observed_at(times)(seen, ws)  # type: ignore[arg-type]
        return rows["label"].to_pylist().count("leaves") / rows.num_rows

    ripe, unripe = unripe_labels.newest(0), unripe_labels.newest(4)
    assert len(ripe) == len(unripe) == 8
    assert ripe[-1] == LAST
    assert unripe[-1] + timedelta(days=3) == END
    assert share(unripe[-1:]) < share(ripe[-1:]) / 2
    assert share(unripe) < 0.9 * share(ripe)


def test_members_are_kept_together_or_not(ws: Workspace, seen: pa.Table) -> None:
    def on_both_sides(split: list[str]) -> int:
        sides = set(zip(seen["item_id"].to_pylist(), split, strict=True))
        return sum(n > 1 for n in Counter(item for item, _ in sides).values())

    assert on_both_sides(by_member(seen, ws)) == 0
    assert on_both_sides(at_random(seen, ws)) > 50


def test_nobody_has_a_reason_when_production_asks(ws: Workspace, seen: pa.Table) -> None:
    today = column_that_knows.flags(log_of(ws), seen, 1.0, END)
    assert 0.2 < np.mean(today) < 0.9
    half = column_that_knows.flags(log_of(ws), seen, 0.5, END)
    assert 0 < sum(half) < sum(today)
    step = column_that_knows.as_of_that_morning(1.0)
    for now, due in due_members(ws, END).items():
        asked = due.append_column("asked_at", pa.array([now] * due.num_rows))
        assert set(step(asked, ws)[column_that_knows.COLUMN].to_pylist()) == {0.0}


def test_leavers_are_copied_until_there_are_enough(ws: Workspace, seen: pa.Table) -> None:
    for share in (0.25, 1.0):
        rows = oversample_before_split.copied(share)(seen, ws)
        count = Counter(rows["label"].to_pylist())
        assert count["leaves"] == pytest.approx(share * count["stays"], abs=1)
        assert rows.slice(0, seen.num_rows).equals(seen)
        assert pc.count_distinct(rows["row_id"]).as_py() == rows.num_rows
        copies = rows.slice(seen.num_rows)
        assert set(copies["label"].to_pylist()) == {"leaves"}


def test_rows_56_days_apart_share_no_outcome(ws: Workspace, seen: pa.Table) -> None:
    times = sorted(set(oversample_before_split.apart(seen, ws)["event_timestamp"].to_pylist()))
    assert len(times) == 7
    assert min(np.diff(times)) > GymWorld.horizon


@pytest.mark.parametrize("days", [1, 7])
def test_leavers_are_seen_just_before_they_leave(ws: Workspace, seen: pa.Table, days: int) -> None:
    rows = anchored_on_outcome.anchored(days)(seen, ws).to_pylist()
    left = dict(
        zip(
            *(log_of(ws)["cancellations"][n].to_pylist() for n in ("item_id", "event_timestamp")), strict=True
        )
    )
    assert len({row["item_id"] for row in rows}) == len({row["row_id"] for row in rows}) == len(rows)
    assert {row["label"] for row in rows} == {"stays", "leaves"}
    for row in rows:
        expected = left[row["item_id"]] - timedelta(days=days) if row["label"] == "leaves" else LAST
        assert row["event_timestamp"] == expected
        assert row["event_timestamp"] + GymWorld.horizon <= END
        assert row["label_known_at"] <= END


def test_what_is_served_is_what_was_encoded(ws: Workspace, seen: pa.Table) -> None:
    column = target_encoding_before_split.COLUMN
    trained = target_encoding_before_split.encoded(seen, ws)[column].to_numpy()
    served = target_encoding_before_split.looked_up(seen, ws)[column].to_numpy()
    np.testing.assert_allclose(served, trained, rtol=1e-12)
    rows = put(seen, "split", by_member(seen, ws))
    tested = np.array(rows["split"].to_pylist()) == "test"
    trained = target_encoding_before_split.cross_fitted(rows, ws)[column].to_numpy()
    served = target_encoding_before_split.served(rows, ws)[column].to_numpy()
    np.testing.assert_allclose(served[tested], trained[tested], rtol=1e-12)


def test_a_cross_fitted_row_does_not_see_its_own_label(ws: Workspace, seen: pa.Table) -> None:
    """Its column stays the same when every label of its member, or of a test row, is another."""
    column = target_encoding_before_split.COLUMN
    rows = put(seen, "split", by_member(seen, ws))
    before = target_encoding_before_split.cross_fitted(rows, ws)[column].to_numpy()
    items, splits = rows["item_id"].to_pylist(), rows["split"].to_pylist()
    other = {"leaves": "stays", "stays": "leaves"}
    leaver = next(row for row in rows.to_pylist() if row["label"] == "leaves" and row["split"] == "train")
    own = [item == leaver["item_id"] for item in items]
    for turned in (own, [split == "test" for split in splits]):
        labels = [
            other[label] if turn else label
            for label, turn in zip(rows["label"].to_pylist(), turned, strict=True)
        ]
        after = target_encoding_before_split.cross_fitted(put(rows, "label", labels), ws)[column].to_numpy()
        np.testing.assert_array_equal(after[turned], before[turned])
    careless = target_encoding_before_split.encoded(rows, ws)[column].to_numpy()
    labels = [
        other[label] if turn else label for label, turn in zip(rows["label"].to_pylist(), own, strict=True)
    ]
    assert (
        target_encoding_before_split.encoded(put(rows, "label", labels), ws)[column].to_numpy() != careless
    )[own].all()


def test_the_luckiest_split_is_one_of_those_that_were_tried(ws: Workspace, seen: pa.Table) -> None:
    from workbench.profiles.gym_hands import computed
    from workbench.profiles.hands import grouped_split

    rows = computed(log_of(ws), lucky_seed.few(seen, ws))
    assert rows.num_rows == lucky_seed.FEW
    kept = lucky_seed.luckiest(6)(rows, ws)
    assert kept in [grouped_split(rows, seed) for seed in range(6)]
    assert lucky_seed.luckiest(1)(rows, ws) == grouped_split(rows, 0)
