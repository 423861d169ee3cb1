"""What the lesson on datasets looks at: one member's history, four queries, two joins, and who notices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from workbench import pit
from workbench.lab import verdicts
from workbench.lab.lesson import Predict, lessons_root, prepared
from workbench.lab.show import Shown, card, code, grid, stack
from workbench.lab.side_by_side import SideBySide, shown, side_by_side
from workbench.lab.stories.dataset_exercises import EXERCISES
from workbench.lab.stories.dataset_member import (
    FEAST,
    feature_rows,
    gym,
    member,
    moments,
    question,
    two_times,
)
from workbench.profiles.members import log_of, seen_members
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_features import COLUMNS, STORED, windows, with_on_demand

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pyarrow as pa

    from workbench.lab.pipeline import Watcher
    from workbench.profiles.workspace import Workspace
    from workbench.widgets import PitTimeline

__all__ = [
    "EXERCISES", "claimed", "cross_validated", "feature_rows", "four_queries", "gym", "joined", "member", "moments", "newest_photo", "nuance",
    "own_file", "positions", "prepare", "question", "stage", "two_audits", "two_times", "who_notices",
]  # fmt: skip

ASKED: Final = GymWorld.cutoffs[6]
"""The Monday for which the four queries are asked."""
BOTH_TIMES: Final = pit.Rule(
    keys=["item_id"],
    columns={
        "feature_timestamp": "event_timestamp",
        "known_at": "created_timestamp",
        **{name: name for name in STORED},
    },
)
EVENT_TIME: Final = replace(BOTH_TIMES, wait_until_known=False)
QUERIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "as it stands": {},
    "the window ends a week later": {"shift_days": 7},
    "recorded or not": {"known_at": False},
    "as the log is today": {"reference": GymWorld.history_end},
}
"""Four settings of one query, `workbench.worlds.gym_features.WINDOWS`; the first one is right."""


def prepare(watcher: Watcher | None = None) -> Workspace:
    """Make what the lesson works on, for somebody who comes late."""
    ws = prepared(watcher=watcher)
    gym()
    return ws


# -- the stage --------------------------------------------------------------------------------------------------


def stage(ws: Workspace) -> Shown:
    """Show the line of the stage that joins, and the card of the dataset that it made."""
    from workbench.profiles.datasets import read_dataset

    made, _ = read_dataset(ws)
    facts = {
        "cutoff": made.cutoff_timestamp,
        "point in time": made.point_in_time,
        "rows": ", ".join(f"{n} {name}" for name, n in made.split_counts.items()),
        "labels": ", ".join(f"{n} {name}" for name, n in made.label_counts.items()),
        "feature view": made.feature_view,
        "embargo": f"{made.embargo_s:g} s between the parts",
        "content": "a hash of all cells, and one of their order",
        "parents": ", ".join(f"{name} (by its digest)" for name in made.parents),
    }
    foot = "Written once. Whoever trains on it compares the rows with these hashes first."
    return stack(code("workbench.stages.dataset:_with_features"), card("The dataset's card", facts, foot))


def newest_photo() -> Shown:
    """Run the packhouse with the newest photo of each fruit instead of the one of the moment."""
    both = side_by_side("latest_value_join")
    return shown(both, "pit_audit", broken="the newest value", mended="as of the moment")


# -- the gym ----------------------------------------------------------------------------------------------------


def four_queries(ws: Workspace) -> Shown:
    """Cut the log on one Monday, and see which of four queries give other features.

    Parameters
    ----------
    ws : Workspace
        From `gym`.

    Returns
    -------
    Shown
        What the truncation test says about each.
    """
    from workbench.guards import truncation

    log, rows = log_of(ws), []
    asked = _asked_on(ws, ASKED)
    for name, how in QUERIES.items():

        def build(log: Mapping[str, pa.Table], how: Mapping[str, Any] = how) -> pa.Table:
            return windows(log, asked, **how)

        found = truncation.check(truncation.measure(build, log, ASKED))
        n = found.evidence.facts["rows_differ"] if found.evidence else 0
        columns = found.evidence.columns if found.evidence else ()
        changed = ", ".join(f"{key} = {_plain(value)}" for key, value in how.items()) or "nothing"
        rows.append((name, changed, n, len(columns), found.word))
    heads = ("the query", "what was changed", "members that differ", "columns", "truncation test")
    title = f"The log, cut on {ASKED:%d %B %Y}: {asked.num_rows} members"
    return grid(title, heads, rows, "Each query ran on the whole log, and on what had been recorded by then.")


def _asked_on(ws: Workspace, monday: datetime) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    seen = seen_members(ws, GymWorld.history_end)
    column = seen["event_timestamp"]
    there = seen.filter(pc.equal(column, pa.scalar(monday, column.type)))
    return there.select(["item_id", "event_timestamp"])


def _plain(value: Any) -> str:
    return f"{value:%d %b %Y}" if hasattr(value, "year") else str(value)


def joined(ws: Workspace, rule: pit.Rule) -> pa.Table:
    """Join every observation of the gym with the rows of the feature job.

    Parameters
    ----------
    ws : Workspace
        From `gym`.
    rule : pit.Rule
        `BOTH_TIMES` or `EVENT_TIME`.

    Returns
    -------
    pyarrow.Table
        One row an observation, with ``feature_timestamp``, ``known_at``, features and ``label``.
    """
    seen = seen_members(ws, GymWorld.history_end)
    asked = seen.select(["row_id", "item_id", "group", "event_timestamp", "label"])
    return with_on_demand(pit.as_of(asked, feature_rows(ws), rule))


def two_audits(ws: Workspace) -> Shown:
    """Audit both joins: no feature may have been recorded after its row's own time."""
    from workbench.guards import pit_audit

    found = []
    for name, rule in (("event time alone", EVENT_TIME), ("both times", BOTH_TIMES)):
        rows = joined(ws, rule)
        for known_at in (None, "known_at"):
            said = pit_audit.check(pit_audit.measure(rows, known_at=known_at))
            asked = "event time and known-at" if known_at else "event time"
            found.append((name, asked, said.word, said.sentence))
    return grid(
        "The audit of a finished dataset", ("joined on", "audit looks at", "verdict", "because"), found
    )


def claimed(rows: pa.Table) -> float:
    """Return what a test set claims that is split off as the stage does it: by time, with an embargo.

    Parameters
    ----------
    rows : pyarrow.Table
        From `joined`.

    Returns
    -------
    float
        AUC of a boosted model on the newest quarter of the Mondays.
    """
    import numpy as np
    from sklearn.metrics import roc_auc_score

    from workbench.stages.dataset import split_by_time

    times = rows["event_timestamp"].to_pylist()
    split, _ = split_by_time(times, times, GymWorld.horizon.total_seconds(), validation=0, max_embargo=1)
    features, leaves = _arrays(rows)
    train, test = (np.array(split) == side for side in ("train", "test"))
    model = _model().fit(features[train], leaves[train])
    return float(roc_auc_score(leaves[test], model.predict_proba(features[test])[:, 1]))


def cross_validated(rows: pa.Table) -> float:
    """Return the AUC of five-fold cross-validation, whole members held out.

    Parameters
    ----------
    rows : pyarrow.Table
        From `joined`.

    Returns
    -------
    float
        Mean of the folds.
    """
    from sklearn.model_selection import GroupKFold, cross_val_score

    how: dict[str, Any] = {"groups": rows["group"].to_pylist(), "cv": GroupKFold(5), "scoring": "roc_auc"}
    return float(cross_val_score(_model(), *_arrays(rows), **how).mean())


def _model() -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(max_iter=60, random_state=0)


def _arrays(rows: pa.Table) -> tuple[Any, Any]:
    import numpy as np

    features = np.stack([rows[name].to_numpy() for name in COLUMNS], axis=1)
    return features, np.array(rows["label"].to_pylist()) == "leaves"


def who_notices(ws: Workspace, widget: PitTimeline) -> Predict:
    """Ask who would notice the join on event time alone; each answer was tried.

    Parameters
    ----------
    ws : Workspace
        From `gym`.
    widget : PitTimeline
        From `moments`, as it begins.

    Returns
    -------
    Predict
        With what came out.
    """
    late, right = (joined(ws, rule) for rule in (EVENT_TIME, BOTH_TIMES))
    folds, embargo = (
        "Five-fold cross-validation, whole members held out",
        "An embargo of 30 days before the test set",
    )
    store, cut = (
        "The feature store: its join is point in time",
        "The feature code, run again on a log that ends on that Monday",
    )
    pick = next(one["value"] for one in widget.values if one["id"] == widget.picked[FEAST])
    why = {
        folds: f"It says {cross_validated(late):.2f} with the leak and {cross_validated(right):.2f} without: every fold came through the same join.",
        embargo: f"With it the test set claims {claimed(late):.2f} with the leak and {claimed(right):.2f} without: each row brings its own future along.",
        store: f"Its answer above was {pick:g}: by default it joins on event time alone.",
        cut: "The rows that were recorded later are gone, the answer changes, and that is all it takes.",
    }  # fmt: skip
    asked = "A colleague joins on event time alone, and the score rises. Who notices?"
    return Predict(asked, answer=cut, options=[folds, embargo, store, cut], why=why)


def nuance() -> str:
    """Return what the table of effects says of the leaks of this lesson, in Markdown.

    Returns
    -------
    str
        Means over the full seasons that were measured.
    """
    from workbench.failures import load
    from workbench.lab.effects import read, summary

    of = {row["failure"]: row for row in summary()}
    back, window, photo = (
        of[name] for name in ("back_dated_rows", "window_past_cutoff", "latest_value_join")
    )
    wanted = {"failure": "back_dated_rows", "strength": load("back_dated_rows").strength.default, "seed": 0}
    one = next(row for row in read().to_pylist() if wanted.items() <= row.items())
    return f"""
    Measured on full seasons, {back["n"]} of the gym and {photo["n"]} of the packhouse:

    - **Event time alone** adds {back["excess_inflation"]:.3f} to the AUC that is claimed, and costs {back["damage"]:.3f} in production.
      That is small, and it passes every review. In season 0 the claim is {one["claimed"]:.2f} and production gives {one["got"]:.2f}, so
      nothing looks wrong; an honest model would have claimed {one["cured_claimed"]:.2f}. The leak is as large as it is because this gym's job corrects
      history. Where nothing is ever corrected or late, a join on event time has nothing to leak.
    - **A window that ends a week late** adds {window["excess_inflation"]:.3f} and costs {window["damage"]:.3f}. The model is about as good as an honest one;
      what was promised is wrong.
    - **The newest photo** adds {photo["excess_inflation"]:.2f} to the accuracy that is claimed and costs {photo["damage"]:.2f}. Here the model itself is ruined.

    So inflation is not damage, and a small leak is no small matter where two models are compared by a hundredth.
    The next table is of another kind: X came back from the store in some order, y was kept in a list of its own,
    and both have the same length. Nothing is inflated; the model learns next to nothing. **Exercise 4** joins by key.
    """


def positions() -> SideBySide:
    """Run the packhouse with labels that were glued on by position."""
    return side_by_side("positional_labels_after_unordered_join")


def own_file(ws: Workspace, path: str = "", **columns: Any) -> Shown:
    """Look for leakage in a file of the learner's, or in the rows of the join on event time alone.

    Parameters
    ----------
    ws : Workspace
        From `gym`.
    path : str
        CSV or Parquet; empty: the lesson's own file.
    **columns : object
        As in `workbench.lab.own_data.Columns`.

    Returns
    -------
    Shown
        A real verdict.
    """
    from pyarrow import csv

    target = lessons_root() / "lesson-04" / "joined_on_event_time.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    csv.write_csv(joined(ws, EVENT_TIME).drop_columns(["feature_timestamp", "group"]), target)
    return verdicts.leakage(path, target, **columns)
