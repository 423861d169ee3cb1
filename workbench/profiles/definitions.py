"""What the feature store is told: where it keeps things, and what an encoder's features are.

Feast is imported inside, since that takes seconds. `feature_repo/definitions.py` calls this
for every view of a workspace, `workbench.profiles.features` for the one that it applies: the
``feast`` command and the stages see the same definitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.profiles.workspace import Workspace
    from workbench.records import EncoderCard

PROJECT: Final = "workbench"
"""Feast's name for all that belongs together. Each workspace has files of its own, so one name will do."""
OFFLINE_STORES: Final = {"asof": "workbench.profiles.asof_store.AsofOfflineStore", "duckdb": "duckdb"}
"""Setting `offline_store` of a workspace to Feast's ``offline_store.type``."""
ENTITY: Final = "item"
KEY: Final = "item_id"
EVENT_TIME: Final = "event_timestamp"
KNOWN_AT: Final = "created_timestamp"
FILE: Final = "feast_features.parquet"


def store_config(ws: Workspace) -> dict[str, Any]:
    """Return what ``feature_repo/feature_store.yaml`` says, for one workspace and with absolute paths."""
    return {
        "project": PROJECT,
        "provider": "local",
        "registry": {
            "registry_store_type": "workbench.profiles.feast_files.WholeFileRegistryStore",
            "path": (ws.feast / "registry.db").as_posix(),
        },
        "offline_store": {"type": OFFLINE_STORES[ws.settings.offline_store]},
        "online_store": {
            "type": "workbench.profiles.feast_files.WorkspaceSqliteOnlineStore",
            "path": (ws.feast / "online.db").as_posix(),
        },
        "entity_key_serialization_version": 3,
    }


def service_name(view: str) -> str:
    """Return the name of the feature service: training and serving ask for the same one."""
    return f"{view}__service"


def definitions(card: EncoderCard, path: Path) -> list[Any]:
    """Define one feature view: everything that one version of one encoder says about the items.

    The version of the model and of the preprocessing is part of the view's name, so that a new
    version cannot replace an old one: Feast would swap the numbers under the same name without
    a word. The fingerprint goes along as a tag, and `workbench.profiles.features` compares it.

    Parameters
    ----------
    card : EncoderCard
        Of the encoder.
    path : Path
        Of its ``feast_features.parquet``; absolute, since Feast's DuckDB store resolves
        relative paths against the current folder.

    Returns
    -------
    list
        Entity, FileSource, FeatureView and FeatureService, ready for ``FeatureStore.apply``.
    """
    from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
    from feast.types import Array, Float32, String, UnixTimestamp

    item = Entity(
        name=ENTITY,
        join_keys=[KEY],
        value_type=ValueType.STRING,
        description="A physical thing, of which several photos exist.",
    )
    source = FileSource(
        name=f"{card.view}__file",
        path=path.as_posix(),
        timestamp_field=EVENT_TIME,  # when the photo was taken
        created_timestamp_column=KNOWN_AT,  # when it arrived: only from then on can a model have used it
    )
    view = FeatureView(
        name=card.view,
        entities=[item],
        source=source,
        ttl=None,  # an embedding does not expire; Feast would not apply it online anyway
        schema=[
            Field(name="embedding", dtype=Array(Float32)),
            Field(name="image_id", dtype=String),  # which photo
            Field(name="captured_at", dtype=UnixTimestamp),  # the event time again, as a feature
        ],
        tags={
            "encoder": card.spec,
            "fingerprint": card.fingerprint,
            "dimension": str(card.dim),
            "preprocessing": card.preprocessing_version,
        },
    )
    return [item, source, view, FeatureService(name=service_name(card.view), features=[view])]
