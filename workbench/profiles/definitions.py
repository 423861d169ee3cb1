"""What the feature store is told: where it keeps things, and what the features are.

Feast is imported inside, since that takes seconds. `feature_repo/definitions.py` calls this
for every view of a workspace, `workbench.profiles.features` and `.table_features` for the one
that they apply: the ``feast`` command and the stages see the same definitions.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from workbench.profiles.settings import EMBEDDED
from workbench.worlds.gym_features import ON_DEMAND, STORED

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from workbench.profiles.workspace import Workspace
    from workbench.records import EncoderCard

PROJECT: Final = "workbench"
"""Feast's name for all that belongs together. Each workspace has files of its own, so one name will do;
where learners share an online store, each is a project of their own."""
OFFLINE_STORES: Final = {"asof": "workbench.profiles.asof_store.AsofOfflineStore", "duckdb": "duckdb"}
"""Setting `offline_store` of a workspace to Feast's ``offline_store.type``."""
ENTITY: Final = "item"
KEY: Final = "item_id"
EVENT_TIME: Final = "event_timestamp"
KNOWN_AT: Final = "created_timestamp"
FILE: Final = "feast_features.parquet"

VIEW: Final = "member__v1"
"""What the stages ask for: all that is known about a member of the gym. Feast has it in parts:"""
VISITS: Final = "member_visits__v1"
ACCOUNT: Final = "member_account__v1"
DERIVED: Final = "member_on_demand__v1"
OF_VISITS: Final = ("visits_7d", "visits_30d", "visits_90d", "days_since_visit", "evening_share")
OF_ACCOUNT: Final = tuple(name for name in STORED if name not in OF_VISITS)


def store_config(ws: Workspace) -> dict[str, Any]:
    """Return what ``feature_repo/feature_store.yaml`` says, for one workspace and with absolute paths."""
    profile = ws.settings.profile
    sqlite = {
        "type": "workbench.profiles.feast_files.WorkspaceSqliteOnlineStore",
        "path": (ws.feast / "online.db").as_posix(),
    }
    shared = {"type": "workbench.profiles.feast_redis.StackRedisOnlineStore", "profile": profile}
    return {
        "project": PROJECT if profile == EMBEDDED else ws.settings.learner_id,
        "provider": "local",
        "registry": {
            "registry_store_type": "workbench.profiles.feast_code.KnownCodeRegistryStore",
            "path": registry_of(ws).as_posix(),
        },
        "offline_store": {"type": OFFLINE_STORES[ws.settings.offline_store]},
        "online_store": sqlite if profile == EMBEDDED else shared,
        "entity_key_serialization_version": 3,
    }


def registry_of(ws: Workspace) -> Path:
    """Return the file of Feast's registry: one a profile, since it says what was materialised."""
    profile = ws.settings.profile
    return ws.feast / ("registry.db" if profile == EMBEDDED else f"{profile}-registry.db")


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
    from feast import FeatureService, FeatureView, Field
    from feast.types import Array, Float32, String, UnixTimestamp

    item = _item("A physical thing, of which several photos exist.")
    source = _source(card.view, path)  # event time: when the photo was taken; known-at: when it arrived
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


def table_definitions(
    path: Path, *, visits_path: Path | None = None, ttl: timedelta | None = None
) -> list[Any]:
    """Define what the feature store says about the members of a gym.

    Two views read one file, and an on-demand view derives the rest from them when it is asked,
    for training and for serving by the same function.

    Parameters
    ----------
    path : Path
        Of ``feast_features.parquet``; absolute.
    visits_path : Path, optional
        Of another file for the visits; absolute.
    ttl : timedelta, optional
        Of the visits; none by default, as of everything else: Feast would not apply it online.

    Returns
    -------
    list
        Entity, FileSource, two FeatureViews, OnDemandFeatureView and FeatureService.
    """
    from feast import FeatureService, FeatureView, Field
    from feast.on_demand_feature_view import OnDemandFeatureView
    from feast.types import Float64, UnixTimestamp

    item = _item("Somebody who is asked about again and again: a member.")
    source = _source(VIEW, path)
    of_visits = _source(VISITS, visits_path) if visits_path else source
    numbers = {name: Field(name=name, dtype=Float64) for name in (*STORED, *ON_DEMAND)}
    once_more = Field(name="captured_at", dtype=UnixTimestamp)  # the event time again, as a feature
    visits, account = (
        FeatureView(name=name, entities=[item], source=file, ttl=expires, schema=schema)
        for name, file, expires, schema in (
            (VISITS, of_visits, ttl, [numbers[n] for n in OF_VISITS]),
            (ACCOUNT, source, None, [once_more, *(numbers[n] for n in OF_ACCOUNT)]),
        )
    )
    derived = OnDemandFeatureView(
        name=DERIVED,
        sources=[visits[["visits_30d", "visits_90d"]]],
        schema=[numbers[name] for name in ON_DEMAND],
        mode="pandas",
        udf=derive,
        udf_string=code_of(DERIVED),
    )
    service = FeatureService(name=service_name(VIEW), features=[visits, account, derived])
    sources = [source] if of_visits is source else [source, of_visits]
    return [item, *sources, visits, account, derived, service]


def derive(rows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201  (Feast evaluates annotations, and has no Any)
    """Derive what is not stored; Feast keeps this text and runs it, so imports are inside."""
    from workbench.worlds.gym_features import trend

    counts = rows[["visits_30d", "visits_90d"]].astype("float64")  # nobody known: a column of None
    return counts[[]].assign(trend=trend(counts["visits_30d"], counts["visits_90d"]))


def code_of(view: str) -> str:
    """Return the text of the function of an on-demand view; empty when we have none of that name."""
    return inspect.getsource(derive) if view == DERIVED else ""


def _item(description: str) -> Any:
    from feast import Entity, ValueType

    return Entity(name=ENTITY, join_keys=[KEY], value_type=ValueType.STRING, description=description)


def _source(view: str, path: Path) -> Any:
    from feast import FileSource

    return FileSource(
        name=f"{view}__file",
        path=path.as_posix(),
        timestamp_field=EVENT_TIME,
        created_timestamp_column=KNOWN_AT,  # only from then on can a model have used the row
    )
