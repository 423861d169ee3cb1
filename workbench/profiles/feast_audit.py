"""Somebody's Feast repository, read for what fails without a word.

Loading a repository imports every Python file in it, as ``feast apply`` does: look at a repository that you
trust. Nothing else of it is run, nothing is applied, its registry is not opened, no file is written. Its online
store is read where it is a file here, and asked over the network only with ``ask_online``.

Catches  a source without `created_timestamp_column`, the offline store that loses rows, a ttl (which Feast applies
         offline and not online), a label among the features, by its name or because it tells a label
         (`workbench.profiles.feast_labels`), a source file that is gone, is empty or lacks columns, a historical
         retrieval that does not ask for known-at, and an online store that answers something else than a
         point-in-time retrieval as of now (`workbench.profiles.feast_parity`).
Misses   tables in databases and buckets: they are counted, not opened.
Source   measured on Feast 0.67: its default store lost 1,224 of 7,200 rows without an error; a feature older than its
         ttl is NULL offline and served online; a value that arrived late is returned for times
         before it arrived unless ``filter_by_created_timestamp=True`` is given, and that needs the column.
         Feast's issues 6615 (known-at), 6821 (ttl) and 3360 (the default store) say the same.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import os
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import utc_now
from workbench.errors import GuardError
from workbench.guards.evidence import Evidence, Finding, worst
from workbench.profiles import feast_labels, feast_parity
from workbench.profiles.feast_door import feast_call
from workbench.profiles.feast_scratch import Repository, file_of, join_keys, scratch, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOSES_ROWS: Final = ("file", "dask")
_LABELS: Final = re.compile(
    r"(?:^|_)(?:labels?|targets?|outcomes?|churn|churned|ground_truth|is_fraud|defaulted)(?:_|$)|^(?:y|class)$",
    re.IGNORECASE,
)
CHECKS: Final = {
    "offline_store": "feature_store.yaml",
    "created_timestamp": "a view with a source",
    "known_at_filter": "a call of get_historical_features in the repository",
    "ttl_offline_only": "a view",
    "label_in_view": "a view that is no label view",
    "source_files": "sources that are files on this machine",
    feast_labels.GUARD: "a label with two values in a file on this machine, and other features of its keys",
    feast_parity.GUARD: "a served view in a file on this machine; --online where the online store is a server",
}
"""Each check, and what it needs to look at; without that it is left out, not passed."""
Row = dict[str, Any]


def audit(path: Path, *, ask_online: bool = False) -> list[Finding]:
    """Look at a Feast repository.

    Parameters
    ----------
    path : Path
        Folder with feature_store.yaml, or one that has it in ``feature_repo``. Its Python files are imported.
    ask_online : bool
        Ask the online store also where it is a server.

    Returns
    -------
    list of Finding
        One a check of `CHECKS` that had something to look at, of online parity one a view; offenders are views,
        features, files, calls or cells.

    Raises
    ------
    GuardError
        If there is no such file, it cannot be loaded, or no feature view is defined.
    """
    repo = read_repository(path)
    checks = (_store, _known_at, _calls, _ttl, _labels, _sources)
    said = [found for check in checks if (found := check(repo)).evidence is not None and found.evidence.n]
    return [*said, *_asked(repo, ask_online=ask_online)]


def _asked(repo: Repository, *, ask_online: bool) -> list[Finding]:
    """Ask the stores: how features tell labels, and whether both stores say the same."""
    labels = feast_labels.labels_of(repo, _LABELS)
    views = feast_parity.served(repo) if ask_online or feast_parity.is_local(repo) else ()
    said: list[Finding] = []
    if labels:
        with scratch(repo, online=False) as stores:
            said += feast_labels.look(stores, labels)
    if views:
        try:
            with scratch(repo, online=True) as stores:
                said += [feast_parity.look(stores, view, utc_now()) for view in views]
        except GuardError as error:
            said.append(Finding(feast_parity.GUARD, None, error.message))
    return said


def read_repository(path: Path) -> Repository:
    """Load the definitions of a repository.

    Parameters
    ----------
    path : Path
        As in `audit`.

    Returns
    -------
    Repository
        As Feast reads it.

    Raises
    ------
    GuardError
        As in `audit`.
    """
    roots = [folder for folder in (path, path / "feature_repo") if (folder / "feature_store.yaml").is_file()]
    if not roots:
        raise GuardError(
            f"{path} has no feature_store.yaml", hint="give the folder that `feast apply` is run in"
        )
    root = roots[0].resolve()
    try:
        with feast_call(), _inside(root):
            repo = _load(root)
    except GuardError:
        raise
    except (Exception, SystemExit) as error:  # somebody else's code raises whatever it likes
        said = (str(error).splitlines() or [""])[0]
        raise GuardError(
            f"{root} cannot be loaded: {type(error).__name__}: {said}", hint="run `feast plan` in it first"
        ) from error
    if not repo.views:
        raise GuardError(f"{root} defines no feature view", hint="nothing to look at is no pass")
    return repo


def _load(root: Path) -> Repository:
    config_of = importlib.import_module("feast.repo_config").load_repo_config
    operations = importlib.import_module("feast.repo_operations")
    config = config_of(root, root / "feature_store.yaml")
    files = operations.get_repo_files(root)
    found = operations.parse_repo(root)
    for file in files:  # another module of that name was there first: its views are not these
        module = sys.modules.get(operations.py_path_to_module(file))
        if module is None or Path(str(module.__file__)).resolve() != file:
            raise GuardError(f"{file} was not loaded: its name is taken", hint=f"by {module!r}")
    store = config.offline_config
    kind = store.get("type", "dask") if isinstance(store, dict) else store
    kind = str(getattr(kind, "type", kind) or "dask")
    views = (*found.feature_views, *found.stream_feature_views, *found.label_views)
    views = tuple(sorted(views, key=lambda view: view.name))  # Feast returns them in any order
    names = frozenset(view.name for view in found.label_views)
    on_demand, entities = tuple(found.on_demand_feature_views), tuple(found.entities)
    return Repository(root, config, kind, views, names, on_demand, entities, tuple(files))


@contextlib.contextmanager
def _inside(root: Path) -> Iterator[None]:
    """Stand where `feast` stands while it imports; forget afterwards what was imported."""
    folder, path, modules, writes = Path.cwd(), list(sys.path), set(sys.modules), sys.dont_write_bytecode
    os.chdir(root)
    sys.path.insert(0, str(root))
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.chdir(folder)
        sys.path[:] = path
        sys.dont_write_bytecode = writes
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(root)):
                del sys.modules[name]


def _finding(guard: str, n: int, rows: Sequence[Row], sentence: str) -> Finding:
    value = len(rows) / n if n else 0.0
    evidence = Evidence(guard, n, value, "share", offenders=worst(rows))
    return Finding(guard, bool(rows), sentence, evidence)


def _named(rows: Sequence[Row], key: str = "view") -> str:
    names = list(dict.fromkeys(str(row[key]) for row in rows))
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def _store(repo: Repository) -> Finding:
    bad = repo.store in LOSES_ROWS
    rows = [{"offline_store": repo.store, "set_in": "feature_store.yaml"}] if bad else []
    said = f"the offline store is {repo.store!r}"
    said += ", which loses rows of historical retrievals without an error: set duckdb" if bad else ""
    return _finding("offline_store", 1, rows, said)


def _known_at(repo: Repository) -> Finding:
    sourced = [(view, source) for view in repo.views if (source := source_of(view)) is not None]
    rows = [
        {"view": view.name, "source": source.name}
        for view, source in sourced
        if not source.created_timestamp_column
    ]
    what = f"{len(rows)} of {len(sourced)} views have a source without created_timestamp_column"
    why = f": what arrived late cannot be told from what was known ({_named(rows)})" if rows else ""
    return _finding("created_timestamp", len(sourced), rows, what + why)


def _calls(repo: Repository) -> Finding:
    """Read the source of the repository for retrievals; other code of its owner is not seen."""
    calls = [
        (file.relative_to(repo.root).as_posix(), node)
        for file in repo.files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) == "get_historical_features"
    ]
    rows = [{"file": file, "line": call.lineno} for file, call in calls if not _asks_for_known_at(call)]
    what = f"{len(rows)} of {len(calls)} calls of get_historical_features in the repository do not set"
    said = f"{what} filter_by_created_timestamp=True: values from after their arrival come along"
    return _finding("known_at_filter", len(calls), rows, said if rows else said.partition(":")[0])


def _asks_for_known_at(call: ast.Call) -> bool:
    """Return whether the filter may be on: only what is written off or left out is off."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    value = given.get("filter_by_created_timestamp")
    return None in given if value is None else not (isinstance(value, ast.Constant) and not value.value)


def _ttl(repo: Repository) -> Finding:
    rows = [{"view": view.name, "ttl": str(view.ttl)} for view in repo.views if getattr(view, "ttl", None)]
    what = f"{len(rows)} of {len(repo.views)} views have a ttl"
    why = f": Feast applies it offline, and serves older values online ({_named(rows)})" if rows else ""
    return _finding("ttl_offline_only", len(repo.views), rows, what + why)


def _labels(repo: Repository) -> Finding:
    features = [
        {"view": view.name, "feature": field.name}
        for view in (*repo.views, *repo.on_demand)
        if view.name not in repo.label_views
        for field in view.features
    ]
    rows = [row for row in features if _LABELS.search(row["feature"])]
    what = f"{len(rows)} of {len(features)} features are named like a label"
    return _finding(
        "label_in_view", len(features), rows, what + (f": {_named(rows, 'feature')}" if rows else "")
    )


def _sources(repo: Repository) -> Finding:
    rows: list[Row] = []
    n = unseen = 0
    for view in repo.views:
        path = file_of(repo, view)
        if path is None:
            unseen += 1
            continue
        n += 1
        rows += _troubles(view, source_of(view), path)
    elsewhere = f"; {unseen} are not files here and were not opened" if unseen else ""
    views = len({row["view"] for row in rows})
    said = f"{views} of {n} views have a file that cannot give what they promise{elsewhere}"
    return _finding("source_files", n, rows, said + (f" ({_named(rows)})" if rows else ""))


def _troubles(view: Any, source: Any, path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.dataset as ds

    if not path.exists():
        return [{"view": view.name, "file": str(path), "trouble": "the file is missing"}]
    try:
        rows = ds.dataset(path, format="parquet")
        there, n = set(rows.schema.names), rows.count_rows()
    except (pa.ArrowException, OSError) as error:
        said = (str(error).splitlines() or [""])[0][:80]
        return [{"view": view.name, "file": str(path), "trouble": f"no Parquet: {said}"}]
    back = {new: old for old, new in (source.field_mapping or {}).items()}
    wanted = [source.timestamp_field, source.created_timestamp_column]
    wanted += [back.get(field.name, field.name) for field in view.features]
    wanted += [back.get(key, key) for key in join_keys(view)]
    lacking = [name for name in dict.fromkeys(wanted) if name and name not in there]
    said_of = [f"no column {name!r}" for name in lacking] + ([] if n else ["the file has no rows"])
    return [{"view": view.name, "file": str(path), "trouble": trouble} for trouble in said_of]
