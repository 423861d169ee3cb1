"""What each guard says about a pipeline that was run on the bench."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from workbench.clock import parse_utc
from workbench.errors import GuardError
from workbench.guards import (
    content,
    double_run,
    embedding,
    exif_association,
    group_overlap,
    label_shuffle,
    pit_audit,
    row_identity,
    row_twins,
    solo_feature,
)
from workbench.guards.evidence import Finding
from workbench.hashing import content_hash, order_hash, sha256_bytes
from workbench.manifests import read_table
from workbench.profiles.datasets import KEYS, read_dataset
from workbench.profiles.hands import cameras_of, put
from workbench.profiles.members import has_tables
from workbench.profiles.models import arrays, fit, matrix, probabilities
from workbench.profiles.objects import objects_of
from workbench.records import silent
from workbench.seams import untouched
from workbench.stages.dataset import make_rows, observations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa

    from workbench.lab.bench import Outcome
    from workbench.records import Progress
    from workbench.seams import Join, Seams

Value = TypeVar("Value")
_MADE: Final[dict[tuple[Any, ...], Any]] = {}
_KEPT: Final = 64
MANY: Final = 5_000
"""Labels from which on each shuffle has a test set that says enough."""


def findings(outcome: Outcome, progress: Progress = silent) -> list[Finding]:
    """Let every guard look at a pipeline.

    Parameters
    ----------
    outcome : Outcome
        From `workbench.lab.bench.run_with`.
    progress : callable
        Called as ``progress(guards done, guards in all)``.

    Returns
    -------
    list of Finding
        One a guard, in the order of `GUARDS` or of `workbench.lab.watch_tables.TABLE_GUARDS`. What cannot be
        judged says so; nobody counts it as silent.
    """
    return remembered("findings", outcome, lambda: _findings(outcome, progress))


def remembered(what: str, outcome: Outcome, make: Callable[[], Value]) -> Value:
    """Return what was made for a pipeline before: twins and their cures meet again and again on the bench.

    Parameters
    ----------
    what : str
        Names it.
    outcome : Outcome
        The pipeline; a run id and what was changed name it.
    make : callable
        Makes it, without arguments.

    Returns
    -------
    Any
        Do not change it.
    """
    key = (what, outcome.ws.root, outcome.record.run_id, outcome.seams.changed)
    if key not in _MADE:
        while len(_MADE) >= _KEPT:
            _MADE.pop(next(iter(_MADE)))
        _MADE[key] = make()
    made: Value = _MADE[key]
    return made


def _findings(outcome: Outcome, progress: Progress) -> list[Finding]:
    from workbench.lab.watch_tables import TABLE_GUARDS  # it needs what is below

    found: list[Finding] = []
    guards = TABLE_GUARDS if has_tables(outcome.ws) else GUARDS
    for name, look in guards.items():
        progress(len(found), len(guards))
        try:
            found.append(look(outcome))
        except GuardError as error:
            found.append(Finding(name, None, error.message))
    return found


def rows_of(outcome: Outcome) -> pa.Table:
    """Return the rows of the dataset that a run was trained on."""
    return read_dataset(outcome.ws, outcome.record.dataset.dataset_id)[1]


def _before_training(outcome: Outcome) -> pa.Table:
    """Return the rows without what was done to training rows alone, such as augmentation."""
    if outcome.seams.after_split is untouched:
        return rows_of(outcome)
    return made_again(outcome, replace(outcome.seams, after_split=untouched))


def times(outcome: Outcome) -> Finding:
    """Look for features from after their observation."""
    return pit_audit.check(pit_audit.measure(rows_of(outcome)))


def _groups(outcome: Outcome) -> Finding:
    """Keep apart what will be new in production: items, and cameras where production shows a new one."""
    rows = rows_of(outcome)
    found = group_overlap.check(group_overlap.measure(rows, group="group", split="split"))
    cameras = cameras_of(outcome.ws, rows["feature_image_id"].to_pylist())
    served = read_table(outcome.ws.served / outcome.record.run_id, ["feature_image_id"])
    if found.fired or {*cameras_of(outcome.ws, served["feature_image_id"].to_pylist())} <= {*cameras}:
        return found
    return group_overlap.check(group_overlap.measure(put(rows, "device", cameras), group="device"))


def _devices(outcome: Outcome) -> Finding:
    """Ask whether the camera tells the label, among the rows that are used."""
    import pyarrow.compute as pc
    from threadpoolctl import threadpool_limits

    rows = _before_training(outcome)
    rows = rows.filter(pc.not_equal(rows["split"], "embargo"))
    rows = put(rows, "device", cameras_of(outcome.ws, rows["feature_image_id"].to_pylist()))
    with threadpool_limits(1):  # small matrices: two threads wait for each other
        measured = exif_association.measure(rows, embedding="embedding", group="group")
    return exif_association.check(measured)


def _content(outcome: Outcome) -> Finding:
    """Compare raw objects with their sha256 at ingestion, and what was fitted with what was recorded."""
    import pyarrow.compute as pc

    raw = read_table(outcome.ws.manifests / "raw", ["image_id", "uri", "sha256"])
    store = (outcome.seams.objects or objects_of)(outcome.ws)
    now = put(raw, "sha256", [sha256_bytes(store.get(uri)) for uri in raw["uri"].to_pylist()])
    found = content.check(content.measure(raw, now, keys=("image_id",)))
    if found.fired:
        return found
    rows = rows_of(outcome)
    rows = rows.filter(pc.equal(rows["split"], "train"))
    return content.check(content.measure(rows, outcome.seams.training(rows, outcome.ws)), ordered=False)


def twins(outcome: Outcome) -> Finding:
    """Look for test rows that are equal to a training row."""
    columns = list(outcome.record.dataset.inputs)
    return row_twins.check(row_twins.measure(rows_of(outcome), columns=columns, split="split"))


def single_columns(outcome: Outcome) -> Finding:
    """Look for a column that tells the label alone."""
    card = outcome.record.dataset
    columns = [name for name in card.inputs if name != "embedding"]
    if not columns:
        return Finding("solo_feature", fired=False, sentence="the model reads the embedding alone")
    measured = solo_feature.measure(
        rows_of(outcome), label="label", positive=card.labels[-1], columns=columns
    )
    return solo_feature.check(measured)


def identity(outcome: Outcome, asked: pa.Table | None = None) -> Finding:
    """Compare rows and labels with those that were asked for; unless they are given, with all that were labelled."""
    if asked is None:
        asked = _observed(outcome)
    return row_identity.check(row_identity.measure(asked, _before_training(outcome), columns=("label",)))


def _embeddings(outcome: Outcome) -> Finding:
    """Compare both what was trained on and what was served with the photos, embedded as they should be."""
    right = read_table(outcome.ws.manifests / "extract", ["image_id", "embedding"])
    rows = (
        _before_training(outcome)
        .select(["feature_image_id", "embedding"])
        .rename_columns(["image_id", "embedding"])
    )
    trained = embedding.check(embedding.measure(right, rows))
    if trained.fired:
        return trained
    return embedding.check(embedding.measure(right, served_vectors(outcome)))


def made_again(outcome: Outcome, seams: Seams | None = None, observed: pa.Table | None = None) -> pa.Table:
    """Make the rows of the dataset once more, with the same hands in it."""
    card, cutoff = outcome.record.dataset, parse_utc(outcome.record.dataset.cutoff_timestamp)
    seams = seams or outcome.seams
    return make_rows(outcome.ws, cutoff, card.feature_view, seams=seams, observed=observed)[0]


def _observed(outcome: Outcome) -> pa.Table:
    """Return all that had a label by the run's cutoff; asked for once a run, and shuffled a dozen times."""
    cutoff = parse_utc(outcome.record.dataset.cutoff_timestamp)
    return remembered("observations", outcome, lambda: observations(outcome.ws, cutoff))


def answers(outcome: Outcome, rows: pa.Table) -> tuple[pa.Table, np.ndarray[Any, Any]]:
    """Fit on the training rows, and return the test rows with the probability of the positive class."""
    import pyarrow.compute as pc

    card, settings = outcome.record.dataset, outcome.ws.settings.train
    if outcome.seams.fit is not None:
        model = outcome.seams.fit(rows, settings, card.inputs)
    else:
        training = outcome.seams.training(rows.filter(pc.equal(rows["split"], "train")), outcome.ws)
        model = fit(*arrays(training, settings, inputs=card.inputs), settings, inputs=card.inputs)
    test = rows.filter(pc.equal(rows["split"], "test")).sort_by("row_id")
    return test, probabilities(model, matrix(test, card.inputs), card.labels)[:, -1]


def twice(outcome: Outcome) -> Finding:
    """Make dataset and predictions again, and compare."""

    def run() -> dict[str, str]:
        rows = made_again(outcome)
        _, said = answers(outcome, rows)
        return {
            "rows": content_hash(rows.drop_columns(["split"]), KEYS),
            "order of the rows": order_hash(rows, KEYS),
            "split": content_hash(rows.select([*KEYS, "split"]), KEYS),
            "predictions": sha256_bytes(said.tobytes()),
        }

    return double_run.check(double_run.measure(run))


def shuffled(outcome: Outcome, unit: str = "group", observed: pa.Table | None = None) -> Finding:
    """Run everything after the labels, or after what was `observed`, on labels dealt to whole groups or rows."""
    card = outcome.record.dataset
    seen = _observed(outcome) if observed is None else observed
    of_group = dict(zip(seen[unit].to_pylist(), seen["label"].to_pylist(), strict=True))
    groups = sorted(of_group)
    seams = replace(outcome.seams, join=_joined_once(outcome.seams.join))

    def rerun(labels: Any) -> tuple[Any, Any]:
        dealt = {
            g: card.labels[-1] if label else card.labels[0] for g, label in zip(groups, labels, strict=True)
        }

        def observe(rows: pa.Table, ws: Any) -> pa.Table:
            rows = put(rows, "label", [dealt[group] for group in rows[unit].to_pylist()])
            return seams.observe(rows, ws) if observed is None else rows

        rows, said = answers(outcome, made_again(outcome, replace(seams, observe=observe), seen))
        return _by_group(rows, said, card.labels[-1], unit)

    labels = np.array([of_group[group] == card.labels[-1] for group in groups])
    repeats = _repeats(len(groups))
    if (
        observed is not None
    ):  # rows of which one in twenty leaves: the rarer class says how much a test set says
        repeats = max(repeats, min(12, 1000 // int(min(labels.sum(), (~labels).sum()))))
    return label_shuffle.check(label_shuffle.measure(rerun, labels, repeats=repeats))


def _joined_once(join: Join | None) -> Join:
    """Return a join that answers the same question once: it is given keys and times, never labels."""
    asked: list[tuple[pa.Table, pa.Table]] = []

    def once(door: Any, rows: pa.Table, view: str, ws: Any) -> pa.Table:
        if not (asked and asked[0][0].equals(rows)):
            asked[:] = [(rows, join(door, rows, view, ws) if join else door.as_of(rows, view))]
        return asked[0][1]

    return once


def _repeats(n_groups: int) -> int:
    """Return how often to shuffle: a quarter of few groups is a small test set, and one z says little."""
    return max(3 if n_groups > MANY else 6, min(12, 1440 // n_groups))


def _by_group(rows: pa.Table, said: Any, positive: str, unit: str) -> tuple[Any, Any]:
    """Return one label and one mean score a group: frames of one fruit are not independent."""
    names, codes = np.unique(np.array(rows[unit].to_pylist()), return_inverse=True)
    counts = np.bincount(codes, minlength=len(names))
    is_positive = np.array([label == positive for label in rows["label"].to_pylist()], float)
    return np.bincount(codes, is_positive) / counts > 0.5, np.bincount(codes, said) / counts


def served_vectors(outcome: Outcome) -> pa.Table:
    """Return what the model was given in production: ``image_id``, ``embedding`` and further inputs.

    Parameters
    ----------
    outcome : Outcome
        A run that was served.

    Returns
    -------
    pyarrow.Table
        One row an item, after every hand.
    """
    served = read_table(
        outcome.ws.served / outcome.record.run_id,
        ["item_id", "feature_image_id", "feature_timestamp", "fetched_at"],
    )
    right = read_table(outcome.ws.manifests / "extract", ["image_id", "embedding"])
    place = {image_id: i for i, image_id in enumerate(right["image_id"].to_pylist())}
    rows = right.take([place[image_id] for image_id in served["feature_image_id"].to_pylist()])
    given = served.rename_columns(["item_id", "feature_image_id", "feature_timestamp", "asked_at"])
    given = given.append_column("embedding", rows["embedding"])
    changed = outcome.seams.online(given, outcome.ws)
    return changed.rename_columns(
        ["image_id" if name == "feature_image_id" else name for name in changed.column_names]
    )


GUARDS: Final[Mapping[str, Callable[[Outcome], Finding]]] = {
    "pit_audit": times,
    "group_overlap": _groups,
    "row_twins": twins,
    "solo_feature": single_columns,
    "row_identity": identity,
    "embedding": _embeddings,
    "label_shuffle": shuffled,
    "double_run": twice,
    "exif_association": _devices,
    "content": _content,
}
"""Name of a guard to how it looks at a run on the bench."""
