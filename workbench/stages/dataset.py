"""Stage 4, dataset: for each observation, the features as they were known at that moment.

Reads   ``manifests/clean`` and ``manifests/reviews``, the feature store.
Writes  ``datasets/<dataset_id>/``: a manifest, one Parquet part, ``card.json``.
Promises
    - point in time: features with event time <= observation and known-at <= observation;
    - no label that became known after the cutoff;
    - train, validation and test follow each other in time, share no group, and an embargo
      lies between them;
    - the card names the content by a hash that does not depend on writer, row order or machine.

``leaky=True`` writes the twin with the newest value of each item instead: one changed line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench import clock
from workbench.errors import DatasetError
from workbench.hashing import content_hash, order_hash
from workbench.manifests import read_header, read_table, require_made_from
from workbench.pit.tables import connect
from workbench.profiles.datasets import KEYS, find_dataset, free_id, point_to, write_dataset
from workbench.profiles.members import HORIZON, has_tables, seen_members
from workbench.profiles.table_features import door_of
from workbench.records import DatasetCard, EncoderCard, StageReport, silent
from workbench.seams import HONEST
from workbench.worlds.gym_features import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace
    from workbench.records import Progress
    from workbench.seams import Join, Seams

TEST_SHARE: Final = 0.25
VALIDATION_SHARE: Final = 0.15
MAX_EMBARGO_SHARE: Final = 0.02  # of the whole span: an hour would swallow an album shot in one afternoon

OBSERVATIONS: Final = """
SELECT c.image_id AS row_id, c.item_id, c."group", c.ingestion_timestamp AS event_timestamp,
       coalesce(r.reviewed_label, c.label_at_ingestion) AS label,
       CASE WHEN r.reviewed_label IS NULL THEN 'ingestion' ELSE 'review' END AS label_source,
       coalesce(r.known_at, c.ingestion_timestamp) AS label_known_at,
       c.bucket
FROM clean AS c
LEFT JOIN (SELECT item_id, arg_max(reviewed_label, (known_at, reviewed_at)) AS reviewed_label,
                  max(known_at) AS known_at
           FROM reviews WHERE known_at <= $cutoff GROUP BY item_id) AS r USING (item_id)
WHERE c.status = 'clean' AND c.station = 'line' AND c.ingestion_timestamp <= $cutoff
  AND coalesce(r.reviewed_label, c.label_at_ingestion) IS NOT NULL
ORDER BY row_id
"""


def dataset(
    ws: Workspace,
    *,
    cutoff: datetime | None = None,
    leaky: bool = False,
    seams: Seams = HONEST,
    progress: Progress = silent,
) -> StageReport:
    """Make a dataset as of a cutoff.

    Parameters
    ----------
    ws : Workspace
        With extracted features.
    cutoff : datetime, optional
        Nothing known later enters (UTC); default the end of the world's history.
    leaky : bool
        Take each item's newest features, whenever they became known: the twin without
        point-in-time correctness.
    seams : Seams
        Where a failure may put a hand in; nothing is changed by default.
    progress : callable
        Called as ``progress(steps done, steps in all)``.

    Returns
    -------
    StageReport
        Rows of each split; ``where`` is the dataset's folder.

    Raises
    ------
    StageOrderError
        If *extract* has not run since the last change of what it reads.
    DatasetError
        If nothing is left before the cutoff, a split lacks a class, or an observation has no features.
    RetrievalError
        If the feature store lost, added or reordered rows.
    """
    require_made_from(ws.manifests / "clean", ws.manifests / "raw")
    require_made_from(ws.manifests / "extract", ws.manifests / "clean")
    raw = read_header(ws.manifests / "raw")
    cutoff = clock.as_utc(cutoff) if cutoff else clock.parse_utc(raw.extra["history_end"])
    encoder = EncoderCard(**read_header(ws.manifests / "extract").extra["card"])
    source = _source(ws, cutoff, leaky, encoder) | ({"changed": seams.changed} if seams.changed else {})
    with ws.writing():
        if (made := find_dataset(ws, source)) is not None:
            return _report(ws, made, skipped=True)
        progress(1, 3)
        rows, embargo = make_rows(ws, cutoff, encoder.view, leaky=leaky, seams=seams)
        progress(2, 3)
        card = _card(ws, rows, encoder, source, embargo, seams.inputs)
        _check(rows, card)
        write_dataset(ws, rows, card, source)
        progress(3, 3)
    return _report(ws, card, skipped=False)


def make_rows(
    ws: Workspace,
    cutoff: datetime,
    view: str,
    *,
    leaky: bool = False,
    seams: Seams = HONEST,
    observed: pa.Table | None = None,
) -> tuple[pa.Table, timedelta]:
    """Make the rows of a dataset: observe, join, split. Nothing is written.

    Parameters
    ----------
    ws : Workspace
        With extracted features.
    cutoff : datetime
        UTC.
    view : str
        Name of the feature view.
    leaky : bool
        As in `dataset`.
    seams : Seams
        As in `dataset`.
    observed : pyarrow.Table, optional
        What `observations` gave before, for those who make rows again and again.

    Returns
    -------
    tuple of pyarrow.Table and timedelta
        The rows with their split, and the embargo that was used.
    """
    rows = seams.observe(observations(ws, cutoff) if observed is None else observed, ws)
    rows = seams.rows(_with_features(ws, rows, view, cutoff=cutoff, leaky=leaky, join=seams.join), ws)
    splits, embargo = _split(ws, rows)
    rows = rows.append_column("split", [seams.split(rows, ws) if seams.split else splits])
    return seams.after_split(rows, ws), embargo


def observations(ws: Workspace, cutoff: datetime) -> pa.Table:
    """Return everything that had a label by the cutoff, sorted by ``row_id``.

    A line capture that had arrived; in the gym a member at a time whose label was ripe.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest.
    cutoff : datetime
        UTC.

    Returns
    -------
    pyarrow.Table
        The columns of `OBSERVATIONS`.

    Raises
    ------
    DatasetError
        If there is none.
    """
    if has_tables(ws):
        return seen_members(ws, cutoff)
    with connect() as con:
        con.register("clean", read_table(ws.manifests / "clean"))
        con.register("reviews", read_table(ws.manifests / "reviews"))
        rows = con.sql(OBSERVATIONS, params={"cutoff": cutoff}).to_arrow_table()
    if not rows.num_rows:
        raise DatasetError(
            f"no labelled capture had arrived by {clock.iso(cutoff)}", hint="choose a later --cutoff"
        )
    when = clock.timestamp_type()  # DuckDB names the zone after its session
    for name in ("event_timestamp", "label_known_at"):
        rows = rows.set_column(rows.column_names.index(name), name, rows[name].cast(when))
    return rows


def split_by_time(
    groups: Sequence[Any],
    times: Sequence[datetime],
    embargo_s: float,
    *,
    validation: float = VALIDATION_SHARE,
    max_embargo: float = MAX_EMBARGO_SHARE,
) -> tuple[list[str], timedelta]:
    """Divide rows into train, validation and test by time, whole groups at once.

    The newest quarter of the groups is the test set, what lies before it the validation set.
    A group that ends less than the embargo before the next set begins is used nowhere.

    Parameters
    ----------
    groups : sequence
        One a row, of a kind that sorts: rows of one group never part.
    times : sequence of datetime
        One a row, UTC.
    embargo_s : float
        Seconds.
    validation : float
        Share of the groups in the validation set.
    max_embargo : float
        At most so much of the whole span is taken for the embargo.

    Returns
    -------
    tuple of list of str and timedelta
        ``train``, ``validation``, ``test`` or ``embargo`` for each row, in the order given,
        and the embargo that was used. The order of the rows does not matter.
    """
    from datetime import timedelta

    first: dict[Any, datetime] = {}
    last: dict[Any, datetime] = {}
    for group, when in zip(groups, times, strict=True):
        first[group] = min(first.get(group, when), when)
        last[group] = max(last.get(group, when), when)
    in_time = sorted(first, key=lambda group: (first[group], group))
    n_test = round(len(in_time) * TEST_SHARE)
    n_validation = round(len(in_time) * validation)
    n_train = len(in_time) - n_test - n_validation
    embargo = min(timedelta(seconds=embargo_s), (max(times) - min(times)) * max_embargo)
    role: dict[Any, str] = {}
    blocks = (
        ("train", 0, n_train),
        ("validation", n_train, n_train + n_validation),
        ("test", n_train + n_validation, len(in_time)),
    )
    for name, start, stop in blocks:
        border = first[in_time[stop]] - embargo if stop < len(in_time) else None
        for group in in_time[start:stop]:
            role[group] = "embargo" if border is not None and last[group] > border else name
    return [role[group] for group in groups], embargo


def _split(ws: Workspace, rows: pa.Table) -> tuple[list[str], timedelta]:
    """Split whole groups by time; in the gym whole moments: members come again, and labels overlap."""
    times = rows["event_timestamp"].to_pylist()
    if has_tables(ws):
        return split_by_time(times, times, HORIZON.total_seconds(), validation=0, max_embargo=1)
    return split_by_time(rows["group"].to_pylist(), times, ws.settings.embargo_s)


def _with_features(
    ws: Workspace, rows: pa.Table, view: str, *, cutoff: datetime, leaky: bool, join: Join | None = None
) -> pa.Table:
    """Ask the feature store; this is the line that the leaky twin changes."""
    keys, door = rows.select(["row_id", "item_id", "event_timestamp"]), door_of(ws)
    if join is not None:
        found = join(door, keys, view, ws)
        rows = _that_came_back(rows, found)
    elif leaky:
        found = door.latest(keys, view, now=cutoff if has_tables(ws) else _newest(ws))
    else:
        found = door.as_of(keys, view)
    for name in found.column_names[keys.num_columns :]:
        rows = rows.append_column(name, found[name])
    if unknown := rows["feature_timestamp" if has_tables(ws) else "embedding"].null_count:
        raise DatasetError(
            f"{unknown} of {rows.num_rows} observations have no features",
            hint="run `workbench extract` again; rows are never dropped in silence",
        )
    return rows


def _that_came_back(rows: pa.Table, found: pa.Table) -> pa.Table:
    """Return the observations that a join of somebody's own gave back: it may lose some."""
    import pyarrow.compute as pc

    if found.num_rows == rows.num_rows:
        return rows
    return rows.take(pc.index_in(found["row_id"], rows["row_id"].combine_chunks()))


def _newest(ws: Workspace) -> datetime:
    import pyarrow.compute as pc

    known = read_table(ws.manifests / "extract", ["created_timestamp"])["created_timestamp"]
    newest: datetime = pc.max(known).as_py()
    return newest


def _source(ws: Workspace, cutoff: datetime, leaky: bool, encoder: EncoderCard) -> dict[str, Any]:  # noqa: FBT001
    """Return everything that decides what is in the dataset."""
    parents = {
        kind: read_header(ws.manifests / kind).digest for kind in ("raw", "reviews", "clean", "extract")
    }
    return {
        "parents": parents,
        "cutoff": clock.iso(cutoff),
        "leaky": leaky,
        "view": encoder.view,
        "version": ws.settings.dataset_version,
        "embargo_s": ws.settings.embargo_s,
        "seed": ws.settings.train.seed,
    }


def _card(
    ws: Workspace,
    rows: pa.Table,
    encoder: EncoderCard,
    source: Mapping[str, Any],
    embargo: timedelta,
    more_inputs: tuple[str, ...],
) -> DatasetCard:
    content = content_hash(rows, KEYS)
    return DatasetCard(
        dataset_id=free_id(ws, source, content),
        content_hash=content,
        order_hash=order_hash(rows, KEYS),
        cutoff_timestamp=source["cutoff"],
        point_in_time=not source["leaky"],
        split_counts=_tally(rows, "split"),
        label_counts=_tally(rows, "label"),
        labels=tuple(read_header(ws.manifests / "raw").extra["labels"]),
        extraction_model=encoder.spec,
        extraction_fingerprint=encoder.fingerprint,
        preprocessing_version=encoder.preprocessing_version,
        cleaning_version=read_header(ws.manifests / "clean").extra["cleaning_version"],
        feature_view=encoder.view,
        embargo_s=embargo.total_seconds(),
        parents=source["parents"],
        seed=ws.settings.train.seed,
        inputs=(*(COLUMNS if has_tables(ws) else ("embedding",)), *more_inputs),
        changed=source.get("changed", ""),
    )


def _tally(rows: pa.Table, column: str) -> dict[str, int]:
    counted = rows[column].value_counts().to_pylist()
    return dict(sorted((pair["values"], pair["counts"]) for pair in counted))


def _check(rows: pa.Table, card: DatasetCard) -> None:
    """Refuse a dataset on which nothing can be learned or measured."""
    import pyarrow.compute as pc

    for split in ("train", "test"):
        seen = set(rows.filter(pc.equal(rows["split"], split))["label"].to_pylist())
        if seen != set(card.labels):
            raise DatasetError(
                f"the {split} split has the labels {sorted(seen)}, not all of {sorted(card.labels)}",
                hint="more of each class is needed over the whole time, or another --cutoff",
            )


def _report(ws: Workspace, card: DatasetCard, *, skipped: bool) -> StageReport:
    if skipped:
        point_to(ws, card)
    where = ws.relative(ws.datasets / card.dataset_id)
    return StageReport("dataset", dict(card.split_counts), card.content_hash, skipped=skipped, where=where)
