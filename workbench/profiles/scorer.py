"""A model together with the features that it was trained on: what answers in production.

Loaded once, used by the serve stage, the command line and the HTTP face. Every fetch from the
online store is written down with the vector that came back: without such a log nobody can ever
compare what was served with what was trained on. Feast's online stores keep times to the second:
``feature_timestamp`` and the age are that coarse; ``feature_image_id`` names the photo exactly.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.clock import as_utc, iso, timestamp_type, utc_now
from workbench.errors import EntityNotFoundError, FeatureCheckError
from workbench.manifests import has_manifest, read_table, write_parquet
from workbench.profiles.feature_checks import read_card
from workbench.profiles.members import has_tables
from workbench.profiles.models import matrix, probabilities
from workbench.profiles.mornings import answered
from workbench.profiles.runs import CHAMPION, Runs
from workbench.profiles.table_features import door_of
from workbench.records import Prediction
from workbench.seams import untouched
from workbench.worlds.gym_features import COLUMNS
from workbench.worlds.gym_jobs import MONDAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pyarrow as pa

    from workbench.profiles.features import OnlineRow
    from workbench.profiles.workspace import Workspace
    from workbench.seams import Step


class Scorer:
    """One run's model and its feature view, ready to answer; safe to use from several threads.

    Parameters
    ----------
    ws : Workspace
        Open.
    ref : str
        A run id or an alias. An alias is looked up once, here: what is served does not change
        under a caller's feet.

    Raises
    ------
    RunError
        If there is no such run or its model file is not the recorded one.
    FeatureCheckError
        If the view now holds embeddings of another encoder than the one the model was trained on.
    """

    def __init__(self, ws: Workspace, ref: str = CHAMPION) -> None:
        runs = Runs(ws)
        self.ws = ws
        self.record = runs.record(ref)
        self.model = runs.load_model(self.record.run_id)
        self.view = self.record.dataset.feature_view
        self._features = door_of(ws)
        self._fetching = threading.Lock()  # Feast's sqlite connection is one for all threads
        self._check_encoder()

    def _check_encoder(self) -> None:
        card = read_card(self.ws.features / self.view)
        trained = self.record.dataset.extraction_fingerprint
        if card.fingerprint != trained:
            raise FeatureCheckError(
                f"the view {self.view} holds embeddings of the encoder {card.fingerprint[:12]}, "
                f"but the run {self.record.run_id[:8]} was trained on {trained[:12]}",
                hint="extract again with the encoder of that run, or train on the new embeddings",
            )
        own = COLUMNS if has_tables(self.ws) else ("embedding",)
        wanted = self.model.n_features_in_ - (len(self.record.dataset.inputs) - len(own))
        if card.dim != wanted:
            raise FeatureCheckError(
                f"the view {self.view} has {card.dim} numbers an item, the model wants {wanted}",
                hint="extract again, then make a dataset and train",
            )

    def predict(self, item_ids: Sequence[str], *, now: datetime | None = None) -> list[Prediction]:
        """Predict items from their online features.

        Parameters
        ----------
        item_ids : sequence of str
            Which items.
        now : datetime, optional
            The moment of the request, UTC; default `present`.

        Returns
        -------
        list of Prediction
            In the order given.

        Raises
        ------
        EntityNotFoundError
            If the online store does not know one of them. The fetch is logged all the same.
        """
        found, unknown = self.predict_known(item_ids, now=now)
        if unknown:
            some = ", ".join(unknown[:3]) + (" ..." if len(unknown) > 3 else "")
            raise EntityNotFoundError(
                f"the online store knows nothing about {some}",
                hint="check the id; a new item needs `workbench ingest`, `clean` and `extract` first",
            )
        return found

    def predict_known(
        self,
        item_ids: Sequence[str],
        *,
        now: datetime | None = None,
        step: Step = untouched,
        that_morning: bool = False,
    ) -> tuple[list[Prediction], list[str]]:
        """Predict the items that the online store knows, and name those it does not.

        Parameters
        ----------
        item_ids : sequence of str
            Which items.
        now : datetime, optional
            The moment of the request, UTC; default `present`.
        step : Step
            A hand between the online store and the model: it is given ``item_id``, ``asked_at``,
            ``feature_timestamp``, for photos ``feature_image_id``, and what the model reads, one
            row an item that was found.
        that_morning : bool
            Ask the store of a simulated gym as it was at `now`, not as it is.

        Returns
        -------
        tuple of list of Prediction and list of str
            Both in the order given.
        """
        now = as_utc(now) if now else present(self.ws)
        with self._fetching:
            if that_morning:
                fetched = answered(self.ws, item_ids, now)
            else:
                fetched = self._features.online(self.view, item_ids)
        known = [row for row in fetched if row.found]
        p = np.empty((0, len(self.record.dataset.labels)))
        if known:
            given = step(as_table(known, now), self.ws)
            times = given["feature_timestamp"].to_pylist()
            known = [
                replace(row, feature_timestamp=when or row.feature_timestamp)
                for row, when in zip(known, times, strict=True)
            ]
            p = probabilities(
                self.model, matrix(given, self.record.dataset.inputs), self.record.dataset.labels
            )
        answers = [self._prediction(row, values, now) for row, values in zip(known, p, strict=True)]
        self._write_down(fetched, answers, now)
        return answers, [row.item_id for row in fetched if not row.found]

    def _prediction(self, row: OnlineRow, p: np.ndarray[Any, Any], now: datetime) -> Prediction:
        card, when = self.record.dataset, row.feature_timestamp
        assert when is not None  # noqa: S101  found rows have a time: the feature checks refuse others
        return Prediction(
            item_id=row.item_id,
            label=card.labels[int(p.argmax())],
            probability=float(p[-1]),
            feature_age_s=(now - when).total_seconds(),
            provenance={
                "run_id": self.record.run_id,
                "model": self.record.model_name,
                "model_version": self.record.model_version,
                "dataset_id": card.dataset_id,
                "dataset_content_hash": card.content_hash,
                "feature_view": self.view,
                "feature_service": self._features.service_name(self.view),
                **({"feature_image_id": row.feature_image_id} if row.feature_image_id else {}),
                "feature_timestamp": iso(when),
                "encoder": card.extraction_model,
                "encoder_fingerprint": card.extraction_fingerprint,
                "fetched_at": iso(now),
            },
        )

    def _write_down(self, fetched: Sequence[OnlineRow], answers: Sequence[Prediction], now: datetime) -> None:
        """Append one small file to the log; nobody waits for the workspace's lock to be served."""
        if not fetched:
            return
        table = _log_table(self, fetched, answers, now)
        name = f"part-{utc_now():%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}.parquet"
        write_parquet(self.ws.served / "log" / name, table)


def as_table(found: Sequence[OnlineRow], now: datetime) -> pa.Table:
    """Return what the online store gave back, with the columns that a dataset has for it.

    Parameters
    ----------
    found : sequence of OnlineRow
        All of one view, and all found.
    now : datetime
        When it was asked, UTC.

    Returns
    -------
    pyarrow.Table
        ``item_id``, ``asked_at``, ``feature_timestamp`` and the features.
    """
    import pyarrow as pa

    columns = {
        "item_id": pa.array([row.item_id for row in found], pa.string()),
        "asked_at": pa.array([now] * len(found), timestamp_type()),
        "feature_timestamp": pa.array([row.feature_timestamp for row in found], timestamp_type()),
    }
    return pa.table(columns | _features_of(found))


def _features_of(rows: Sequence[OnlineRow]) -> dict[str, pa.Array]:
    """Return the columns of the features: photo and embedding, or numbers by name."""
    import pyarrow as pa

    if any(row.values is not None for row in rows):
        values = [row.values or {} for row in rows]
        return {name: pa.array([of.get(name) for of in values], pa.float64()) for name in COLUMNS}
    return {
        "feature_image_id": pa.array([row.feature_image_id for row in rows], pa.string()),
        "embedding": pa.array([row.embedding for row in rows], pa.list_(pa.float32())),
    }


def _log_table(
    scorer: Scorer, fetched: Sequence[OnlineRow], answers: Sequence[Prediction], now: datetime
) -> pa.Table:
    import pyarrow as pa

    said = {answer.item_id: answer for answer in answers}
    text, when = pa.string(), timestamp_type()
    columns = {
        "fetched_at": pa.array([now] * len(fetched), when),
        "item_id": pa.array([row.item_id for row in fetched], text),
        "found": pa.array([row.found for row in fetched], pa.bool_()),
        "feature_timestamp": pa.array([row.feature_timestamp for row in fetched], when),
        **_features_of(fetched),
        "label": pa.array([_of(said, row, "label") for row in fetched], text),
        "probability": pa.array([_of(said, row, "probability") for row in fetched], pa.float64()),
        "view": pa.array([scorer.view] * len(fetched), text),
        "run_id": pa.array([scorer.record.run_id] * len(fetched), text),
        "dataset_id": pa.array([scorer.record.dataset.dataset_id] * len(fetched), text),
    }
    return pa.table(columns)


def _of(said: dict[str, Prediction], row: OnlineRow, name: str) -> Any:
    return getattr(said[row.item_id], name) if row.found else None


def present(ws: Workspace) -> datetime:
    """Return the present time of a workspace's world.

    In a simulated world time stands still when the last capture has arrived, in the gym when the
    feature job has run for the last time: against the clock on the wall every feature would be
    months old. Own photos live in real time.

    Parameters
    ----------
    ws : Workspace
        Open.

    Returns
    -------
    datetime
        UTC.
    """
    import pyarrow.compute as pc

    clean = ws.manifests / "clean"
    if has_tables(ws):
        return MONDAYS[-1]
    if ws.settings.world.name == "folder" or not has_manifest(clean):
        return utc_now()
    last = pc.max(read_table(clean, ["ingestion_timestamp"], verify=False)["ingestion_timestamp"]).as_py()
    return as_utc(last) if last is not None else utc_now()
