"""Stage 6, serve: predict production from online features, through the service that training used.

Reads   a run (by default the champion), the online store, ``manifests/clean`` for what is due.
Writes  ``served/<run_id>/`` (a manifest with one row an item) and ``served/log/`` (one small file
        for every fetch, with the vector that came back).
Promises
    - the model is the file that was recorded at training, and its encoder is the view's encoder;
    - every prediction names its run, model version, dataset, photo, and the age of its features;
    - an item that the online store does not know is counted, never dropped in silence.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import parse_utc, timestamp_type
from workbench.errors import StageOrderError
from workbench.manifests import (
    Header,
    columns_of,
    has_manifest,
    is_whole,
    read_header,
    read_table,
    write_header,
    write_part,
)
from workbench.profiles.http_api import run_server
from workbench.profiles.members import due_members, has_tables
from workbench.profiles.runs import CHAMPION, MODEL_FILE, Runs
from workbench.profiles.scorer import Scorer, present
from workbench.records import StageReport, silent
from workbench.seams import HONEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

    from workbench.profiles.run_records import RunRecord
    from workbench.profiles.workspace import Workspace
    from workbench.records import Prediction, Progress
    from workbench.seams import Seams

BATCH: Final = 500


def serve(
    ws: Workspace, *, run_id: str | None = None, seams: Seams = HONEST, progress: Progress = silent
) -> StageReport:
    """Predict every item that came after the run's cutoff.

    Parameters
    ----------
    ws : Workspace
        With a trained model.
    run_id : str, optional
        A run id or an alias; default ``champion``.
    seams : Seams
        Where a failure may put a hand in; nothing is changed by default.
    progress : callable
        Called as ``progress(items done, items in all)``.

    Returns
    -------
    StageReport
        ``n_predicted`` and ``n_unknown``; ``where`` is ``served/<run_id>``.

    Raises
    ------
    StageOrderError
        If nothing has been trained yet.
    RunError
        If there is no such run.
    FeatureCheckError
        If the view holds embeddings of another encoder than the one the model was trained on.
    """
    record = _record(ws, run_id)
    folder = ws.served / record.run_id
    with ws.writing():
        source = _source(ws, record) | ({"changed": seams.changed} if seams.changed else {})
        if is_whole(folder) and read_header(folder).extra["source"] == source:
            return _report(ws, record, skipped=True)
        scorer = Scorer(ws, record.run_id)
        due = _due(ws, parse_utc(record.dataset.cutoff_timestamp))
        answers: list[tuple[str, Prediction]] = []
        unknown: list[str] = []
        for i, batch in enumerate(due, 1):
            known, missing = scorer.predict_known(
                list(batch.rows), now=batch.now, step=seams.online, that_morning=has_tables(ws)
            )
            answers += [(batch.rows[answer.item_id], answer) for answer in known]
            unknown += [batch.rows[item_id] for item_id in missing]
            progress(i, len(due))
        rows = _table(answers)
        counts = {"n_predicted": len(answers), "n_unknown": len(unknown)}
        extra = {"source": source, "unknown": unknown}
        part = write_part(folder, "part-0000", rows)
        write_header(folder, Header("served", counts, columns_of(rows), (part,), extra))
    return _report(ws, record, skipped=False)


def predict(
    ws: Workspace, item_ids: Sequence[str], *, run_id: str | None = None, now: datetime | None = None
) -> list[Prediction]:
    """Predict items from their online features.

    Parameters
    ----------
    ws : Workspace
        With a trained model.
    item_ids : sequence of str
        Which items.
    run_id : str, optional
        A run id or an alias; default ``champion``.
    now : datetime, optional
        The moment of the request, UTC; default the world's present.

    Returns
    -------
    list of Prediction
        In the order given, each with its provenance.

    Raises
    ------
    StageOrderError
        If nothing has been trained yet.
    EntityNotFoundError
        If the online store does not know one of them.
    """
    return Scorer(ws, _record(ws, run_id).run_id).predict(item_ids, now=now)


def run_http(
    ws: Workspace,
    port: int = 0,
    token: str | None = None,
    *,
    run_id: str | None = None,
    ready: Callable[[str, str], None] | None = None,
) -> None:
    """Answer predictions over HTTP on loopback until somebody stops it.

    Parameters
    ----------
    ws : Workspace
        With a trained model.
    port : int
        0 takes a free one.
    token : str, optional
        What callers must show; default a random one.
    run_id : str, optional
        A run id or an alias; default ``champion``.
    ready : callable, optional
        Called as ``ready(url, token)`` once the port is ours; default prints both.

    Raises
    ------
    SettingsError
        If the port is taken.
    StageOrderError
        If nothing has been trained yet.
    """
    scorer = Scorer(ws, _record(ws, run_id).run_id)
    run_server(scorer, port=port, token=token, ready=ready)


def production_items(ws: Workspace, cutoff: datetime) -> list[str]:
    """Return the items that passed the line after the cutoff, sorted.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest.
    cutoff : datetime
        UTC; of the dataset that the model was trained on.

    Returns
    -------
    list of str
        Each item once: the ones for which a decision is due.

    Raises
    ------
    StageOrderError
        If *clean* has not run.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    clean = ws.manifests / "clean"
    if not has_manifest(clean):
        raise StageOrderError("there is no clean manifest yet", hint="run `workbench clean` first")
    rows = read_table(clean, ["item_id", "station", "status", "captured_at"])
    on_line = pc.and_(pc.equal(rows["status"], "clean"), pc.equal(rows["station"], "line"))
    later = pc.greater(rows["captured_at"], pa.scalar(cutoff, timestamp_type()))
    return sorted(set(rows.filter(pc.and_(on_line, later))["item_id"].to_pylist()))


@dataclass(frozen=True, slots=True)
class _Batch:
    """Decisions that are due at one moment: item to the id of the row that answers it."""

    now: datetime
    rows: Mapping[str, str]


def _due(ws: Workspace, cutoff: datetime) -> list[_Batch]:
    """Return what production asks: of each fruit once, of each member on several mornings."""
    if has_tables(ws):
        return [
            _Batch(now, dict(zip(rows["item_id"].to_pylist(), rows["row_id"].to_pylist(), strict=True)))
            for now, rows in due_members(ws, cutoff).items()
        ]
    now, items = present(ws), production_items(ws, cutoff)
    starts = range(0, len(items), BATCH)
    return [_Batch(now, {item: item for item in items[start : start + BATCH]}) for start in starts]


def _record(ws: Workspace, ref: str | None) -> RunRecord:
    runs = Runs(ws)
    if ref is None and CHAMPION not in runs.aliases():
        raise StageOrderError("no model has been trained yet", hint="run `workbench train` first")
    return runs.record(ref or CHAMPION)


def _source(ws: Workspace, record: RunRecord) -> dict[str, Any]:
    """Return everything that decides what is predicted."""
    view = ws.features / record.dataset.feature_view / "view.json"
    digest = json.loads(view.read_text(encoding="utf-8")).get("digest") if view.is_file() else None
    clean = ws.manifests / "clean"
    parents = {"clean": read_header(clean).digest if has_manifest(clean) else None, "features": digest}
    return {"run_id": record.run_id, "model_sha256": record.files[MODEL_FILE], "parents": parents}


def _table(answers: Sequence[tuple[str, Prediction]]) -> pa.Table:
    import pyarrow as pa

    text, when = pa.string(), timestamp_type()
    said = [answer for _, answer in answers]

    def of(name: str) -> list[str | None]:
        return [answer.provenance.get(name) for answer in said]

    def times(name: str) -> pa.Array:
        return pa.array([parse_utc(answer.provenance[name]) for answer in said], when)

    return pa.table(
        {
            "row_id": pa.array([row_id for row_id, _ in answers], text),
            "item_id": pa.array([answer.item_id for answer in said], text),
            "label": pa.array([answer.label for answer in said], text),
            "probability": pa.array([answer.probability for answer in said], pa.float64()),
            "feature_image_id": pa.array(of("feature_image_id"), text),
            "feature_timestamp": times("feature_timestamp"),
            "fetched_at": times("fetched_at"),
            "feature_age_s": pa.array([answer.feature_age_s for answer in said], pa.float64()),
            "run_id": pa.array(of("run_id"), text),
            "dataset_id": pa.array(of("dataset_id"), text),
            "view": pa.array(of("feature_view"), text),
        }
    )


def _report(ws: Workspace, record: RunRecord, *, skipped: bool) -> StageReport:
    folder = ws.served / record.run_id
    header = read_header(folder)
    return StageReport(
        "serve",
        dict(header.counts),
        header.digest,
        skipped=skipped,
        where=ws.relative(folder),
        notes=_notes(ws, record, header.counts),
    )


def _notes(ws: Workspace, record: RunRecord, counts: Mapping[str, int]) -> tuple[str, ...]:
    rows = read_table(ws.served / record.run_id, ["label", "feature_age_s"])
    if not rows.num_rows:
        return (f"nothing came after the cutoff {record.dataset.cutoff_timestamp}",)
    positive = record.dataset.labels[-1]
    share = rows["label"].to_pylist().count(positive) / rows.num_rows
    age_h = median(rows["feature_age_s"].to_pylist()) / 3600
    notes = [f"{share:.1%} are called {positive!r}; features are {age_h:.1f} h old (median)"]
    if counts["n_unknown"]:
        notes.append(f"{counts['n_unknown']} items are not in the online store: run `workbench extract`")
    return tuple(notes)
