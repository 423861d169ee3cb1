"""What lesson 7 looks at: runs that differ, what they differ in, and what a verdict rests on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.clock import parse_utc
from workbench.guards import content, double_run
from workbench.hashing import content_hash, order_hash, sha256_texts
from workbench.lab.lesson import prepared
from workbench.lab.remade import Made, fitted, made
from workbench.lab.show import Shown, card, grid
from workbench.lab.stories.reproduce_exercises import EXERCISES
from workbench.manifests import write_json
from workbench.profiles.datasets import KEYS
from workbench.profiles.hands import grouped_split, put
from workbench.profiles.runs import CHAMPION, Runs
from workbench.stages.dataset import make_rows, observations

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.guards.evidence import Finding
    from workbench.lab.lineage import Lineage
    from workbench.lab.pipeline import Watcher
    from workbench.profiles.workspace import Workspace
    from workbench.records import DatasetCard

__all__ = [
    "EXERCISES",
    "digests",
    "moved",
    "own_tables",
    "prepare",
    "same_seed",
    "spread",
    "three_runs",
    "twice",
    "verdict",
    "verdicts",
]

DICE: Final = (1, 2, 3)
MANY: Final = 20
CHANGES: Final = ("whole", "photo", "late", "order", "moved")
MOVED: Final = "The run was recorded with scikit-learn 1.0.0, and the machine has another one."
"""What is changed before the champion is made again."""


def verdict(ws: Workspace) -> Shown:
    """Show what became of the champion when it was made again."""
    path = ws.root / "verdicts" / f"{Runs(ws).resolve(CHAMPION)}.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    facts = {
        "verdict": found["word"],
        "outcome": found["outcome"],
        "because of": ", ".join(found["causes"]) or "nothing differs",
    }
    return card("The champion, made again from the raw photos", facts)


def prepare(watcher: Watcher | None = None) -> Workspace:
    """Make what the lesson works on, for somebody who comes late."""
    return prepared(watcher=watcher)


def _card(ws: Workspace) -> DatasetCard:
    return Runs(ws).record(CHAMPION).dataset


def _rows(ws: Workspace) -> pa.Table:
    """Return the rows of the champion's dataset, without their split."""
    found = _card(ws)
    return make_rows(ws, parse_utc(found.cutoff_timestamp), found.feature_view)[0].drop_columns(["split"])


def _split(ws: Workspace, rows: pa.Table, splits: list[str]) -> Made:
    return fitted(ws, rows.append_column("split", [splits]), labels=_card(ws).labels)


def spread(ws: Workspace, n: int = MANY) -> list[Made]:
    """Make the same dataset with a split that nobody seeded, several times.

    Parameters
    ----------
    ws : Workspace
        With a champion.
    n : int
        How often. Here the dice are 1 to `n`, so that the page is the same for every reader.

    Returns
    -------
    list of Made
        In the order of the dice.
    """
    rows = _rows(ws)
    return [_split(ws, rows, grouped_split(rows, dice)) for dice in range(1, n + 1)]


def three_runs(runs: list[Made]) -> Shown:
    """Show the first three of them, and how far all of them lie apart."""
    rows = [(f"run {i}", one.n_test, one.accuracy, one.auc) for i, one in enumerate(runs[:3], 1)]
    aucs = sorted(one.auc for one in runs)
    foot = f"Of {len(runs)} such runs the lowest AUC is {aucs[0]:.2f}, the highest {aucs[-1]:.2f}. No line of code differs."
    return grid("Same code, same data", ("", "rows tested on", "accuracy", "AUC"), rows, foot)


def verdicts(lineage: Lineage) -> Shown:
    """Change one thing at a time, make the champion again, and show the verdict of the last stage."""
    from workbench.lab.tampering import TAMPERS

    rows = []
    for name in CHANGES:
        lineage.mend()
        print(f"made again: {name}", flush=True)  # noqa: T201 (a notebook's cell shows it)
        told = "Nothing." if name == "whole" else MOVED if name == "moved" else TAMPERS[name].told
        if name == "moved":
            record_other_version(lineage)
        elif name != "whole":
            lineage.tamper(name)
        verdict = lineage.again()
        rows.append((told, verdict.word, ", ".join(verdict.causes), f"{verdict.max_difference:.1g}"))
    lineage.mend()
    columns = ("what was changed", "verdict", "because of", "result moved by")
    foot = "The fit is repeated on the rows as they are stored. That they cannot be made from these photos any more is a cause of its own."
    return grid("The champion, made again from its id alone", columns, rows, foot)


def record_other_version(lineage: Lineage) -> None:
    """Write into the copy's record that the run was made with an older scikit-learn, as after an upgrade."""
    path = lineage.ws.runs / lineage.run_id / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["environment"]["packages"]["scikit-learn"] = "1.0.0"
    write_json(path, record)


def same_seed(ws: Workspace) -> Shown:
    """Show three runs with one seed on the same rows, which came in another order each time."""
    rows, found = _rows(ws).sort_by("row_id"), []
    for dice in DICE:
        order = np.random.default_rng(dice).permutation(rows.num_rows)
        shuffled = rows.take(order)
        dealt = np.random.default_rng(0).permutation(rows.num_rows)  # seeded, and by position
        one = _split(ws, shuffled, ["test" if place < rows.num_rows // 4 else "train" for place in dealt])
        equal = content_hash(shuffled, KEYS) == content_hash(rows, KEYS)
        in_order = order_hash(shuffled, KEYS) == order_hash(rows, KEYS)
        found.append((f"run {dice}", "0", _same(equal), _same(in_order), one.auc))
    columns = ("", "seed", "content hash", "order hash", "AUC")
    return grid("The seed is set, and the split deals positions", columns, found)


def _same(equal: bool) -> str:  # noqa: FBT001 (a word for a truth)
    return "same" if equal else "differs"


def moved(ws: Workspace) -> Shown:
    """Show the dataset as of its cutoff, and the one that a query without a cutoff gives a week later."""
    cutoff = parse_utc(_card(ws).cutoff_timestamp)
    history, today = observations(ws, cutoff), observations(ws, _newest(ws))
    then, now = (
        dict(zip(t["row_id"].to_pylist(), t["label_source"].to_pylist(), strict=True))
        for t in (history, today)
    )
    both = then.keys() & now.keys()
    rows = [
        ("rows", len(then), len(now)),
        ("rows that both have", len(both), len(both)),
        (
            "of these, with a reviewed label",
            *(sum(one[row] == "review" for row in both) for one in (then, now)),
        ),
    ]
    return grid(
        "One query, with its cutoff and without",
        ("", "as of 15 September", "all there is a week later"),
        rows,
    )


def _newest(ws: Workspace) -> Any:
    from workbench.manifests import read_table

    times = read_table(ws.manifests / "raw", ["ingestion_timestamp"])["ingestion_timestamp"].to_pylist()
    known = read_table(ws.manifests / "reviews", ["known_at"])["known_at"].to_pylist()
    return max(*times, *known)


def digests(ws: Workspace) -> Shown:
    """Show what two digests say of a backfill by an older encoder, and what became of the model."""
    import pyarrow.compute as pc

    from workbench.failures.digest_of_first_rows import backfilled
    from workbench.lab.effects import summary
    from workbench.profiles.models import matrix
    from workbench.profiles.tracking import HASHED, array_digest

    before = made(ws)
    rows = before.rows.sort_by("row_id")
    training = rows.filter(pc.equal(rows["split"], "train"))
    changed = backfilled(training, ws, 1.0)
    other = fitted(ws, _with(rows, changed), labels=_card(ws).labels)
    was, now = (array_digest(matrix(one), np.array(one["label"])) for one in (training, changed))
    told = content.check(content.measure(training, changed), ordered=False)
    wide = matrix(training).shape[1]
    facts = [
        ("rows, and columns", _same(training.num_rows == changed.num_rows)),
        ("MLflow's digest", _same(was == now)),
        ("our content hash", _same(not told.fired)),
        ("AUC on the same test rows", f"{before.auc:.3f}, then {other.auc:.3f}"),
    ]
    season = next(one for one in summary() if one["failure"] == "digest_of_first_rows")
    could, got = season["could_have_had"], season["got"]
    facts.append(("accuracy in production, mean of three full seasons", f"{could:.2f}, then {got:.2f}"))
    foot = (
        f"MLflow hashes the first {HASHED:,} numbers: {-(-HASHED // wide)} of {training.num_rows} rows. "
        + told.sentence.split(":")[0]
        + "."
    )
    return grid(
        "An older encoder filled the rows behind the first ones", ("what is compared", "says"), facts, foot
    )


def _with(rows: pa.Table, training: pa.Table) -> pa.Table:
    """Return all rows with the embeddings of the training rows put in."""
    import pyarrow as pa

    vectors = dict(zip(training["row_id"].to_pylist(), training["embedding"].to_pylist(), strict=True))
    both = zip(rows["row_id"].to_pylist(), rows["embedding"].to_pylist(), strict=True)
    kind = rows.schema.field("embedding").type
    return put(rows, "embedding", pa.array([vectors.get(row, own) for row, own in both], kind))


def twice(ws: Workspace) -> Shown:
    """Run the honest program and the one that asks the clock twice each, and let the guard compare."""
    from workbench.failures import load

    hands = {"honest": None, "age with now()": load("now_in_a_feature").inject(1.0)}
    rows = []
    for name, seams in hands.items():
        runs: list[Made] = []

        def run(seams: Any = seams, runs: list[Made] = runs) -> dict[str, str]:
            runs.append(made(ws, seams) if seams else made(ws))
            return _digests_of(runs[-1])

        finding = double_run.check(double_run.measure(run))
        rows.append((name, ", ".join(f"{one.auc:.3f}" for one in runs), _verdict(finding), finding.sentence))
    return grid("Each program, run twice", ("program", "AUC", "guard double_run", "says"), rows)


def _digests_of(one: Made) -> dict[str, str]:
    said = [f"{row} {p!r}" for row, p in sorted(one.said.items())]
    return {
        "rows": content_hash(one.rows, KEYS),
        "order": order_hash(one.rows, KEYS),
        "predictions": sha256_texts(said),
    }


def _verdict(finding: Finding) -> str:
    return "found" if finding.fired else "nothing found"


def own_tables(ws: Workspace, before: str = "", after: str = "", key: str = "row_id") -> Shown:
    """Compare two versions of a table: content first, then order.

    Parameters
    ----------
    ws : Workspace
        Of the lesson: its dataset is the demonstration.
    before, after : str
        CSV or Parquet files of the learner; empty for the demonstration.
    key : str
        Column that names a row, or several with commas between.

    Returns
    -------
    Shown
        What the guard `content` says.
    """
    from pathlib import Path

    from workbench.lab.own_files import read_rows

    keys = tuple(part.strip() for part in key.split(","))
    if before and after:
        one, two, title = (
            read_rows(Path(before).expanduser()),
            read_rows(Path(after).expanduser()),
            "Your two tables",
        )
    else:
        one = _rows(ws)
        two = one.take(np.arange(one.num_rows)[::-1])
        title = "The champion's rows, and the same rows in the opposite order"
    finding = content.check(content.measure(one, two, keys=keys))
    said = {"guard": "content", "rows": one.num_rows, "verdict": _verdict(finding), "says": finding.sentence}
    return card(title, said)
