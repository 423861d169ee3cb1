"""Somebody's feature views in a registry of our own, so that their stores can be asked without theirs.

Feast runs the code that it finds in a registry. The views are those of the Python files, which were imported
already; the registry is a file in a temporary folder. The online store is the repository's, and is only read. The
offline store is always DuckDB on the source files, whatever the repository's own: Feast's default loses rows.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import GuardError
from workbench.profiles.feast_door import feast_call

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

REMOTE: Final = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
DUMMY: Final = "__dummy_id"


@dataclass(frozen=True, slots=True)
class Repository:
    """What a repository defines.

    Attributes
    ----------
    root : Path
        Folder with feature_store.yaml.
    config : Any
        As Feast reads that file.
    store : str
        Type of the offline store.
    views : tuple
        Feature views, stream views and label views of Feast.
    label_views : frozenset of str
        Names of those views that hold labels on purpose.
    on_demand : tuple
        On-demand feature views: they have features and no source.
    entities : tuple
        Entities of Feast.
    files : tuple of Path
        Python files that were imported.
    """

    root: Path
    config: Any
    store: str
    views: tuple[Any, ...]
    label_views: frozenset[str]
    on_demand: tuple[Any, ...]
    entities: tuple[Any, ...]
    files: tuple[Path, ...]


def source_of(view: Any) -> Any:
    """Return what a view is read from in batches: a push or stream source stands before it."""
    source = getattr(view, "batch_source", None) or getattr(view, "source", None)
    return getattr(source, "batch_source", None) or source


def file_of(repo: Repository, view: Any) -> Path | None:
    """Return the file on this machine that a view is read from, or None where it is elsewhere."""
    path = getattr(source_of(view), "path", "") or ""
    return repo.root / path if path and isinstance(path, str) and not REMOTE.match(path) else None


@dataclass(frozen=True, slots=True)
class Scratch:
    """A feature store over somebody's views.

    Attributes
    ----------
    repo : Repository
        Whose views these are.
    store : Any
        Feast's ``FeatureStore``.
    """

    repo: Repository
    store: Any

    def known(self, view: Any) -> Any:
        """Put a view into the registry and return it with what Feast infers from its file."""
        infer = importlib.import_module("feast.inference")
        one = copy.copy(view)
        infer.update_feature_views_with_inferred_features_and_entities(
            self.store._get_provider(),  # noqa: SLF001 (what `feast apply` does, without its stores)
            [one],
            list(self.repo.entities),
            self.store.config,
        )
        self.store.registry.apply_feature_view(one, self.store.config.project)
        return one

    def as_of(
        self, entities: pa.Table, features: Sequence[str], *, known: bool, full: bool = False
    ) -> pa.Table:
        """Retrieve features for keys and times.

        Parameters
        ----------
        entities : pyarrow.Table
            Join keys, ``event_timestamp``, and columns that come back as they are.
        features : sequence of str
            ``view:feature``.
        known : bool
            Leave out what was recorded after that time.
        full : bool
            Call a feature ``view__feature``.

        Returns
        -------
        pyarrow.Table
            In any order.
        """
        asked = {"filter_by_created_timestamp": True} if known else {}
        job = self.store.get_historical_features(
            entities.to_pandas(), features=list(features), full_feature_names=full, **asked
        )
        found: pa.Table = job.to_arrow()
        return found

    def online(self, keys: pa.Table, features: Sequence[str]) -> dict[str, list[Any]]:
        """Ask the online store; ``<feature>__ts`` is the event time in seconds, 0 where there is nothing."""
        answer = self.store.get_online_features(features=list(features), entity_rows=keys.to_pylist())
        found: dict[str, list[Any]] = answer.to_dict(include_event_timestamps=True)
        return found


@contextlib.contextmanager
def foreign() -> Iterator[None]:
    """Turn whatever a store, a file or a type of somebody else raises into one sentence of ours."""
    try:
        yield
    except GuardError:
        raise
    except Exception as error:
        said = (str(error).splitlines() or [""])[0][:160]
        raise GuardError(f"{type(error).__name__}: {said}") from error


def join_keys(view: Any) -> list[str]:
    """Return the names of the columns that say whose row it is."""
    return [column.name for column in view.entity_columns if column.name != DUMMY]


@contextlib.contextmanager
def scratch(repo: Repository, *, online: bool) -> Iterator[Scratch]:
    """Open a feature store over the views of a repository; nothing of it outlasts the block.

    Parameters
    ----------
    repo : Repository
        As it was read.
    online : bool
        Whether its online store may be asked; else there is an empty one.

    Yields
    ------
    Scratch
        With the entities, and no view yet.

    Raises
    ------
    GuardError
        If Feast refuses the settings.
    """
    with (
        feast_call(),
        contextlib.chdir(repo.root),  # paths of sources are relative to it
        tempfile.TemporaryDirectory(prefix="workbench-feast-") as folder,
    ):
        feast = importlib.import_module("feast")
        with foreign():
            config = feast.RepoConfig(
                project=repo.config.project,
                provider="local",
                registry=str(Path(folder) / "registry.db"),
                offline_store={"type": "duckdb"},
                online_store=repo.config.online_config
                if online
                else {"type": "sqlite", "path": f"{folder}/none.db"},
                entity_key_serialization_version=repo.config.entity_key_serialization_version,
                repo_path=repo.root,
            )
            store = feast.FeatureStore(config=config)
            for entity in repo.entities:
                store.registry.apply_entity(entity, config.project)
        yield Scratch(repo, store)
