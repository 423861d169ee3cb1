"""What the lesson on training looks at: a column that knows, and four scores that were not earned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.failures import load
from workbench.lab import bars, verdicts
from workbench.lab.bench import prepare as prepared_world
from workbench.lab.lesson import Predict, lessons_root, prepared
from workbench.lab.show import Shown, card, code, grid, stack
from workbench.lab.side_by_side import SideBySide, side_by_side
from workbench.lab.stories import train_recipes as recipes
from workbench.lab.stories.train_exercises import EXERCISES
from workbench.profiles.members import HORIZON
from workbench.worlds.gym_features import COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.lab.pipeline import Watcher
    from workbench.profiles.workspace import Workspace

__all__ = [
    "EXERCISES", "ON_THE_METER", "before_the_split", "columns", "forty_seeds", "gym", "joined_today", "myth", "nuance", "own_file",
    "prepare", "screened", "stage", "weekly", "what_counts_most", "which_column", "without",
]  # fmt: skip

KNOWS: Final = "has_reason_for_cancellation"
CANDIDATES: Final = {
    "visits_30d": "visits in the last 30 days",
    "tenure_days": "days since joining",
    KNOWS: "whether a reason for leaving is in the members table",
    "paid_60d": "euros paid in the last 60 days",
}
"""Columns to choose from, and what each one says."""
MOST: Final = {
    "scaler_before_split": "The scaler is fitted before the split",
    "target_encoding_before_split": "The share of leavers in each postcode is computed before the split",
    "overlapping_windows_random_split": "There is a row a week, and rows are dealt at random",
    "lucky_seed": "Forty seeds of the split are tried, and the best is reported",
}
"""Failures of the gym, as a colleague would tell them."""

ON_THE_METER: Final = (
    "target_encoding_before_split",
    "column_that_knows",
    "overlapping_windows_random_split",
    "lucky_seed",
    "scaler_before_split",
)
"""Failures of the gym that the lesson's meter shows."""


def prepare(watcher: Watcher | None = None) -> Workspace:
    """Make what the lesson works on, for somebody who comes late."""
    ws = prepared(watcher=watcher)
    joined_today()
    return ws


def gym() -> Workspace:
    """Return a small gym with everything up to its features, made now or before."""
    print("the gym: two years of 400 members, and the features of every Monday", flush=True)  # noqa: T201 (a cell shows it)
    return prepared_world("gym", size="tiny")


def joined_today() -> SideBySide:
    """Train on the members table as it was exported today, and without the column that it adds."""
    return side_by_side("column_that_knows")


# -- which column? ----------------------------------------------------------------------------------------------


def columns(both: SideBySide) -> Shown:
    """Show how much some columns tell alone.

    Parameters
    ----------
    both : SideBySide
        From `joined_today`.

    Returns
    -------
    Shown
        AUC of a small tree on each column.
    """
    from workbench.guards import solo_feature
    from workbench.lab.watch import rows_of

    rows = rows_of(both.injected)
    of = {name: solo_feature.measure(rows, positive="leaves", columns=[name]).value for name in CANDIDATES}
    told = [(name, CANDIDATES[name], of[name]) for name in sorted(of, key=lambda name: -of[name])]
    others = [name for name in COLUMNS if name not in CANDIDATES]
    next_best = solo_feature.measure(rows, positive="leaves", columns=others).value
    n, leavers = rows.num_rows, rows["label"].to_pylist().count("leaves")
    foot = (
        f"{n:,} rows, {leavers} of members who leave within 30 days. 0.5 is a coin. "
        f"The best of the other {len(others)} columns has {next_best:.2f}."
    )
    return grid("How well one column alone tells who leaves", ("column", "what it says", "AUC"), told, foot)


def without(both: SideBySide, column: str) -> tuple[float, float]:
    """Return what the model claims and gets when one column is dropped.

    Parameters
    ----------
    both : SideBySide
        From `joined_today`.
    column : str
        Which.

    Returns
    -------
    tuple of float
        AUC on its own test set, and in production.
    """
    from workbench.guards.columns import auc_and_z
    from workbench.lab.pipeline import open_world_of
    from workbench.lab.watch import rows_of
    from workbench.lab.watch_tables import served_rows
    from workbench.profiles.models import arrays, fit, matrix, probabilities

    outcome = both.injected
    record, settings = outcome.record, outcome.ws.settings.train
    inputs = tuple(name for name in record.dataset.inputs if name != column)
    labels = record.dataset.labels
    rows, served, truth = rows_of(outcome), served_rows(outcome), open_world_of(outcome.ws).truth()
    model = fit(*arrays(rows, settings, "train", inputs), settings, inputs=inputs)
    features, told = arrays(rows, settings, "test", inputs)
    claimed = auc_and_z(np.array(told) == labels[-1], probabilities(model, features, labels)[:, -1])[0]
    right = dict(zip(truth["row_id"].to_pylist(), truth["label"].to_pylist(), strict=True)) if truth else {}
    positive = np.array([right[row_id] == labels[-1] for row_id in served["row_id"].to_pylist()])
    got = auc_and_z(positive, probabilities(model, matrix(served, inputs), labels)[:, -1])[0]
    return claimed, got


def which_column(both: SideBySide) -> Predict:
    """Ask which column has to go; each of them was dropped, and the model served.

    Parameters
    ----------
    both : SideBySide
        From `joined_today`.

    Returns
    -------
    Predict
        The answer is the column after whose drop the claim is nearest to what production gives.
    """
    found = {name: without(both, name) for name in CANDIDATES}
    answer = min(found, key=lambda name: abs(found[name][0] - found[name][1]))
    why = {
        name: f"Without it the model claims {claimed:.2f} and gets {got:.2f}."
        for name, (claimed, got) in found.items()
    }
    asked = "The model claims too much. You may drop one column. Which one?"
    return Predict(asked, answer=answer, options=[*CANDIDATES], why=why)


# -- the stage --------------------------------------------------------------------------------------------------


def stage(ws: Workspace) -> Shown:
    """Show what the stage fits on and how it scores, and what it has written down about its claim."""
    from workbench.profiles.runs import CHAMPION, Runs

    record = Runs(ws).record(CHAMPION)
    test = record.metrics["test"]
    auc, accuracy, constant = (test["metrics"][name] for name in ("roc_auc", "accuracy", "constant_accuracy"))
    facts = {
        "model": f"{record.params['family']}, {record.params['n_train']} rows, {record.params['n_features']} numbers each",
        "claimed AUC": f"{auc['value']:.2f}, 95 % from {auc['low']:.2f} to {auc['high']:.2f}",
        "claimed accuracy": f"{accuracy['value']:.2f}; always {record.params['constant']!r} gives {constant['value']:.2f}",
        "rests on": f"{test['n']} rows of {test['n_groups']} fruit",
        "dataset": "its id, its cutoff, the hash of its cells and that of their order",
        "also written down": "seed, settings, code, versions of every package, threads",
    }
    foot = "The interval comes from drawing whole fruit again, not rows: frames of one fruit are no new evidence."
    shown = code("workbench.stages.train:_training"), code("workbench.stages.train:_score_split")
    return stack(*shown, card("What the run says of itself", facts, foot))


# -- what counts? -----------------------------------------------------------------------------------------------


def what_counts_most() -> Predict:
    """Ask which of four habits raises a claim most; answered from the table of effects."""
    from workbench.lab.effects import summary

    of = {row["failure"]: row for row in summary() if row["failure"] in MOST}
    why = {
        MOST[name]: f"{row['excess_inflation']:+.3f} AUC, on average over {row['n']} full seasons."
        for name, row in of.items()
    }
    answer = MOST[max(of, key=lambda name: of[name]["excess_inflation"])]
    asked = "Which of these adds most to the score that is claimed?"
    return Predict(asked, answer=answer, options=[*MOST.values()], why=why)


def before_the_split(ws: Workspace) -> Shown:
    """Encode postcodes before the split and inside, and run both on shuffled labels.

    Parameters
    ----------
    ws : Workspace
        From `gym`.

    Returns
    -------
    Shown
        What each claims, and what the label shuffle says.
    """
    from workbench.guards import label_shuffle

    rows = recipes.known_rows(ws)
    labels = np.array(rows["label"].to_pylist()) == "leaves"
    told = []
    ways = {
        "by postcode, on all rows": recipes.encoded_before,
        "by district of 20 members, on all rows": recipes.encoded_by_district,
        "by postcode, inside the training part": recipes.encoded_inside,
    }
    for name, recipe in ways.items():
        found = recipe(rows, ws)
        rerun = recipes.rerun_of(recipe, rows, ws)
        said = label_shuffle.check(label_shuffle.measure(rerun, labels, repeats=3))
        told.append((name, found.auc, said.evidence.facts["auc"] if said.evidence else None, said.word))
    heads = ("share of leavers", "claimed AUC", "AUC on shuffled labels", "label shuffle")
    foot = "A postcode means nothing here. Most of these 400 members have one to themselves: the smaller the group, the more its share says about the row itself."
    return grid("The same column, the same model, the same split", heads, told, foot)


def screened() -> SideBySide:
    """Keep the best 25 of 1,500 columns of noise, judged on all rows, and judged on training rows."""
    return side_by_side("selection_before_split")


def weekly(ws: Workspace) -> Shown:
    """Deal weekly rows at random, and split them by time; with a forest and with a logistic regression.

    Parameters
    ----------
    ws : Workspace
        From `gym`.

    Returns
    -------
    Shown
        What each claims, and what the guard of overlapping windows says.
    """
    from workbench.guards import window_overlap

    rows = recipes.weekly_rows(ws)
    told = []
    for name, split in (
        ("rows at random", recipes.dealt_at_random(rows, ws)),
        ("by time, 30 days apart", recipes.by_time(rows)),
    ):
        forest, line = (recipes.told(rows, split, ws, family=family).auc for family in ("forest", "logistic"))
        found = window_overlap.measure(
            rows.append_column("split", [split]), horizon_s=HORIZON.total_seconds()
        )
        told.append((name, forest, line, f"{found.value:.0%}", window_overlap.check(found).word))
    heads = ("split", "forest claims", "logistic claims", "test rows that share a window", "window overlap")
    return grid(f"{rows.num_rows:,} weekly rows of the same members", heads, told)


def forty_seeds(ws: Workspace) -> Shown:
    """Split the same rows by forty seeds, and show what each one claims.

    Parameters
    ----------
    ws : Workspace
        From `gym`.

    Returns
    -------
    Shown
        A dot a seed, and a table.
    """
    scores = recipes.forty_scores(ws)
    mean, sd, best = float(np.mean(scores)), float(np.std(scores, ddof=1)), max(scores)
    rows = [
        ("mean of all seeds", mean),
        ("spread: standard deviation", sd),
        ("the best one", best),
        ("standard deviations above the mean", (best - mean) / sd),
    ]
    foot = f"One honest split in {len(scores)} claims as much: the dot on the right is one of them. A single number cannot tell."
    return stack(
        bars.strip(scores, "auc", f"One dot a seed, {len(scores)} splits of the same 1,600 rows"),
        grid("", ("", "AUC"), rows, foot),
    )


def myth(ws: Workspace) -> Shown:
    """Fit the scaler before the split and inside, and compare the claims to five digits.

    Parameters
    ----------
    ws : Workspace
        From `gym`.

    Returns
    -------
    Shown
        Measured now, and on full seasons.
    """
    from workbench.lab.effects import read

    rows = recipes.known_rows(ws)
    before, inside = (recipes.scaled(rows, ws, before=flag) for flag in (True, False))
    told = [("this gym, now", f"{before:.5f}", f"{inside:.5f}", f"{before - inside:+.5f}")]
    told += [
        (f"a full season, {one['n_claimed']} members", f"{one['claimed']:.5f}", f"{one['cured_claimed']:.5f}", f"{one['claimed'] - one['cured_claimed']:+.5f}")
        for one in read().to_pylist()
        if one["failure"] == "scaler_before_split"
    ]  # fmt: skip
    heads = ("where", "scaler on all rows", "scaler inside", "difference")
    return grid("The leak that every textbook warns of first: claimed AUC", heads, told)


def nuance() -> str:
    """Return what the table of effects says of the failures of this lesson, in Markdown.

    Returns
    -------
    str
        Means over the full seasons that were measured.
    """
    from workbench.lab.effects import read, summary

    of = {row["failure"]: row for row in summary()}
    rows = read().to_pylist()

    def mean(failure: str, what: str, **setting: Any) -> float:
        wanted = {"failure": failure, "strength": load(failure).strength.default} | setting
        return float(np.mean([row[what] for row in rows if wanted.items() <= row.items()]))

    boosted = {
        what: mean("column_that_knows", what, model="boosting") for what in ("excess_inflation", "damage")
    }
    few, many = (
        mean("target_encoding_before_split", "excess_inflation", strength=n, model="boosting")
        for n in (200.0, 1500.0)
    )
    wanted = {
        "failure": "selection_before_split",
        "strength": load("selection_before_split").strength.default,
    }
    shown = sum(row["excess_inflation_low"] > 0 for row in rows if wanted.items() <= row.items())
    knows, chosen, week = (
        of[name]
        for name in ("column_that_knows", "selection_before_split", "overlapping_windows_random_split")
    )
    plain = mean("overlapping_windows_random_split", "excess_inflation", model="logistic")
    return f"""
    - **A column that knows** adds {knows["excess_inflation"]:.2f} to the claim of a logistic regression and costs {knows["damage"]:.3f}: a lie, and hardly a loss in
      ranking. Its threshold is lost all the same: it acts on {knows["contacted"]:.1%} of members where 10 % were planned. A boosted
      model claims as much and loses {boosted["damage"]:.2f}. Same bug, another damage.
    - **Target encoding** is small where the groups are large: {few:.2f} with 200 postcodes for 3,000 members, {many:.2f} with 1,500.
      In a group of twenty one label hardly moves the share, and there is little to see.
    - **Screening noise columns** adds {chosen["excess_inflation"]:.2f} to the accuracy on average, and from {chosen["least"]:.2f} to {chosen["most"]:.2f} by season. With 60 test fruit the interval
      leaves zero out in {shown} of {chosen["n"]} seasons. The label shuffle fires in all of them.
    - **Weekly rows** add {week["excess_inflation"]:.2f} to a forest and {plain:+.2f} to a logistic regression, which cannot remember a member.
    - **A lucky seed** harms nobody but the reader of the report.
    """


def own_file(both: SideBySide, path: str = "", **named: Any) -> Shown:
    """Look for leakage in a file of the learner's, or in the rows with the column that knows.

    Parameters
    ----------
    both : SideBySide
        From `joined_today`.
    path : str
        CSV or Parquet; empty: the lesson's own file.
    **named : object
        As in `workbench.lab.own_data.Columns`.

    Returns
    -------
    Shown
        A real verdict.
    """
    from pyarrow import csv

    from workbench.lab.watch import rows_of

    target = lessons_root() / "lesson-05" / "joined_today.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    rows: pa.Table = rows_of(both.injected)
    csv.write_csv(rows.select(["item_id", "event_timestamp", "split", "label", KNOWS, *COLUMNS]), target)
    return verdicts.leakage(path, target, **named)
