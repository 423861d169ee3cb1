"""MLflow, kept on a short lead: one database a workspace, no global state, no telemetry.

What bit us, and what this module does about it:

- the first use of a fresh database runs 60 migrations (6 to 13 s), and several processes doing
  so at once destroy it: the database is made once as a template, under a lock, and copied;
- `mlflow.set_tracking_uri` is one setting for the whole process, and all learners of a marimo
  server share one: every call here goes through a client that knows its own database;
- `log_model` without requirements imports the model again to guess them (7 to 23 s);
- sqlite connections that stay open keep a deleted workspace alive (and undeletable on Windows).
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import threading
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from workbench.errors import RunError, StackError, WorkbenchError
from workbench.manifests import atomic
from workbench.profiles.workspace import workspaces_root

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",  # MLflow wants the word: it does not honour 1
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",  # closes each connection after use
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # else a server that is gone is waited for for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_LOUD: Final = ("mlflow", "alembic")
SERVER_GONE: Final = "look at `workbench up --status`; start it with `workbench up` or `docker compose up`"
HASHED: Final = 10_000
"""Numbers of an array, or rows of a DataFrame, that MLflow's digest looks at; a test compares it with MLflow."""
_ONE_AT_A_TIME: Final = threading.RLock()  # warning filters are one list for all threads of the process


def templates_root() -> Path:
    """Return the folder of template databases: WORKBENCH_TEMPLATES, or beside the workspaces."""
    chosen = os.environ.get("WORKBENCH_TEMPLATES")
    return Path(chosen).expanduser().resolve() if chosen else workspaces_root().parent / "templates"


def ensure_template() -> Path:
    """Return an MLflow database with all its tables and nothing in them; made when it is missing.

    The first call takes 3 to 13 s, later ones nothing. Safe to call from several processes.

    Returns
    -------
    Path
        Named after MLflow's version: another version has another schema.

    Raises
    ------
    DiskError
        If the folder cannot be written.
    """
    from filelock import FileLock

    path = templates_root() / f"mlflow-{version('mlflow')}.db"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock"), timeout=300):
        if not path.is_file():
            with atomic(path) as temporary, connected(temporary):
                pass  # to connect is to make it
    return path


def ensure_database(path: Path) -> None:
    """Put a copy of the template at `path` where there is no database yet.

    Parameters
    ----------
    path : Path
        The workspace's ``mlflow.db``. The caller holds the workspace's lock.
    """
    if path.is_file():
        return
    template = ensure_template()
    with atomic(path) as temporary:
        shutil.copyfile(template, temporary)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Run MLflow without its chatter, and turn its errors into ours.

    Yields
    ------
    None
        While deprecation warnings and log lines below WARNING are set aside.

    Raises
    ------
    RunError
        Instead of an MLflow or database error.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # How MLflow uses SQLAlchemy, pydantic and Python is not ours to mend.
        for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType", UserWarning)  # of its own
        import mlflow  # noqa: F401  sets its loggers to INFO while it is imported

        levels = {name: logging.getLogger(name).level for name in _LOUD}
        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            yield
        except Exception as error:
            if type(error).__module__.partition(".")[0] in {"mlflow", "sqlalchemy", "alembic"}:
                raise _run_error(error) from error
            raise
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def connected(where: Path | str) -> Iterator[Any]:
    """Connect to one database or server; inside the block MLflow is quiet and its errors are ours.

    Parameters
    ----------
    where : Path or str
        The sqlite file, made with all its tables where it is missing, which takes seconds; or
        the URL of a server.

    Yields
    ------
    mlflow.MlflowClient
        It knows its own database: nothing global is set.

    Raises
    ------
    RunError
        If MLflow or the database refuses.
    StackError
        If the server does not answer.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if isinstance(where, str):
        with _without_proxy(where), quiet():
            from mlflow import MlflowClient

            yield MlflowClient(tracking_uri=where, registry_uri=where)
        return
    ask(where, "SELECT version_num FROM alembic_version")  # MLflow tries a damaged file for 100 s
    with quiet():
        from mlflow import MlflowClient

        # SQLAlchemy decodes a URL; MLflow makes the parent folder of what is encoded
        encoded = where.as_posix().replace("%", "%25").replace("?", "%3F").replace("#", "%23")
        uri = f"sqlite:///{encoded}"
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextlib.contextmanager
def _without_proxy(url: str) -> Iterator[None]:
    """No proxy stands before a server of the stack; MLflow's client takes none out by itself."""
    host, before = urlsplit(url).hostname or "", os.environ.get("NO_PROXY")
    os.environ["NO_PROXY"] = ",".join(filter(None, (before, host)))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("NO_PROXY", None)
        else:
            os.environ["NO_PROXY"] = before


def array_digest(features: Any, targets: Any) -> str:
    """Return the digest that MLflow gives to arrays. It is not one: see `HASHED`.

    Parameters
    ----------
    features : numpy.ndarray of shape (n, dim)
        Of training rows.
    targets : numpy.ndarray of shape (n,)
        Their labels.

    Returns
    -------
    str
        8 hex digits.
    """
    with quiet():
        import mlflow.data

        return str(mlflow.data.from_numpy(features, targets=targets).digest)


def _run_error(error: Exception) -> WorkbenchError:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if first.startswith("API request to"):  # MLflow's words for a server that is gone
        return StackError(f"the MLflow server does not answer: {first[:120]}", hint=SERVER_GONE)
    hint = "run the stage again; if it stays, move mlflow.db away: the runs/ folder keeps every record"
    if "out-of-date database schema" in str(error):
        hint = "another MLflow version made it: install that one, or move mlflow.db away and train again"
    elif "database or disk is full" in str(error):
        hint = "free some space and run the stage again"
    return RunError(f"the run tracker failed: {first}", hint=hint)


def ask(path: Path, sql: str, *values: str) -> list[tuple[Any, ...]]:
    """Read from an MLflow database without MLflow: importing it takes seconds.

    Parameters
    ----------
    path : Path
        The sqlite file; opened read-only.
    sql : str
        A query on MLflow's tables. Their layout is pinned with MLflow's version.
    *values : str
        For its question marks.

    Returns
    -------
    list of tuple
        The rows; empty when there is no database.

    Raises
    ------
    RunError
        If the file is no MLflow database.
    """
    if not path.is_file():
        return []
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as con:
            return con.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise _run_error(error) from error
