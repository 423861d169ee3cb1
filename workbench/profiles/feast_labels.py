"""Which features behave like a label: one of them alone tells it, at the label's own time.

A name says little: ``reason`` or ``closed_at`` give a label away as well as ``churn_label`` does. So each label of the
repository is joined with all other features of its keys, as training would join them, and
`workbench.guards.solo_feature` looks at one after the other.

Labels   of label views the fields whose role is ``label`` (all of them, where no role is given), of other views the
         features that are named like a label. Those with two values are judged.
Misses   labels that are kept outside the repository, and labels with one value or with more than two.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from workbench.errors import GuardError
from workbench.guards.evidence import Finding
from workbench.profiles.feast_scratch import file_of, foreign, join_keys, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from re import Pattern

    import pyarrow as pa

    from workbench.profiles.feast_scratch import Repository, Scratch

GUARD: Final = "feature_tells_label"
MOST_ROWS: Final = 20_000
"""Labels of one view that are joined, the newest ones."""
_LABEL: Final = "workbench_label"
_ROLE: Final = "feast.io/field-role:"


class Label(NamedTuple):
    """A label that a repository keeps.

    Attributes
    ----------
    view : Any
        Feast's view.
    field : str
        Its feature that is a label.
    """

    view: Any
    field: str


def labels_of(repo: Repository, named: Pattern[str]) -> list[Label]:
    """Return the labels of a repository, if they are read from a file here.

    Parameters
    ----------
    repo : Repository
        As it was read.
    named : re.Pattern
        What a name of a label looks like.

    Returns
    -------
    list of Label
        View by view.
    """
    found = []
    for view in repo.views:
        path = file_of(repo, view)
        if path is not None and path.exists():
            is_label_view = view.name in repo.label_views
            fields = [field.name for field in view.features]
            chosen = _roles(view) if is_label_view else [name for name in fields if named.search(name)]
            found += [Label(view, name) for name in chosen]
    return found


def _roles(view: Any) -> list[str]:
    """Return the fields of a label view that are labels, by role; without roles all but who labelled."""
    names = [field.name for field in view.features]
    given = {name: view.tags.get(f"{_ROLE}{name}") for name in names}
    if any(given.values()):
        return [name for name in names if given[name] == "label"]
    return [name for name in names if name != getattr(view, "labeler_field", "")]


def look(scratch: Scratch, labels: Sequence[Label]) -> list[Finding]:
    """Judge every label with two values.

    Parameters
    ----------
    scratch : Scratch
        A feature store over the repository.
    labels : sequence of Label
        From `labels_of`.

    Returns
    -------
    list of Finding
        One a label that has two values and keys with other features; None where that was too little.
    """
    found: list[Finding] = []
    known = _known(scratch)
    for label in labels:
        try:
            with foreign():
                found += _look(scratch, label, known)
        except GuardError as error:
            said = error.message.removeprefix("solo_feature: ")
            found.append(Finding(GUARD, None, f"{label.view.name}.{label.field}: {said}"))
    return found


def _known(scratch: Scratch) -> dict[str, Any]:
    """Return the views whose files can be read, by name."""
    found = {}
    for view in scratch.repo.views:
        with contextlib.suppress(GuardError), foreign():
            if file_of(scratch.repo, view):
                found[view.name] = scratch.known(view)
    return found


def _look(scratch: Scratch, label: Label, known: dict[str, Any]) -> list[Finding]:
    from workbench.guards import solo_feature

    if label.view.name not in known:
        raise GuardError("its file cannot be read")
    own = known[label.view.name]
    rows, positive = _rows(scratch.repo, own, label)
    if positive is None:
        return []
    refs = _others(own, label, known, scratch.repo.label_views)
    if not refs:
        return []
    joined = scratch.as_of(rows, refs, known=False, full=True)
    names = [ref.replace(":", "__") for ref in refs]
    keys = join_keys(own)
    asked: dict[str, Any] = {"label": _LABEL, "positive": positive, "group": keys[0]}
    seen = solo_feature.measure(joined, columns=names, **asked)
    said = solo_feature.check(seen)
    sentence = f"{label.view.name}.{label.field}: {said.sentence}"
    return [Finding(GUARD, said.fired, sentence, replace(seen, guard=GUARD))]


def _others(own: Any, label: Label, known: dict[str, Any], label_views: frozenset[str]) -> list[str]:
    """Return the features that can be joined by the label's keys, but no other label."""
    keys = set(join_keys(own))
    return [
        f"{name}:{field.name}"
        for name, view in known.items()
        if join_keys(view) and set(join_keys(view)) <= keys and name not in label_views
        for field in view.features
        if (name, field.name) != (own.name, label.field)
    ]


def _rows(repo: Repository, view: Any, label: Label) -> tuple[pa.Table, str | None]:
    """Return keys, times and labels, newest first, and the rarer value; None where there are not two."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    source, keys = source_of(view), join_keys(view)
    back = {new: old for old, new in (source.field_mapping or {}).items()}
    wanted = {name: ds.field(back.get(name, name)) for name in keys}
    wanted |= {"event_timestamp": ds.field(source.timestamp_field)}
    wanted |= {_LABEL: ds.field(back.get(label.field, label.field))}
    rows = ds.dataset(file_of(repo, view), format="parquet").to_table(columns=wanted)
    rows = rows.filter(pc.is_valid(rows[_LABEL]))
    rows = rows.sort_by([("event_timestamp", "descending")]).slice(0, MOST_ROWS)
    counts = pc.value_counts(pc.cast(rows[_LABEL], "string")).to_pylist()
    rarer = min(counts, key=lambda one: (one["counts"], one["values"]), default=None)
    return rows, rarer["values"] if rarer and len(counts) == 2 else None
