"""Where MLflow keeps runs and the names of models: a database in the workspace, or a server.

Both answer the same three questions without importing MLflow, which takes seconds: the database
by SQL, the server by its REST API. Both are written to through `workbench.profiles.tracker`.

Nothing is ever loaded from either: a model comes from its file in ``runs/``, whose sha256 is in
the record, and MLflow only says which run an alias points to.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from workbench.errors import RunError, StackError
from workbench.profiles.stack import stack_of
from workbench.profiles.tracking import SERVER_GONE, ask, ensure_database

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.profiles.workspace import Workspace

_ALIASES: Final = """
SELECT a.alias, v.run_id FROM registered_model_aliases AS a
JOIN model_versions AS v ON v.name = a.name AND v.version = a.version
WHERE a.name = ? ORDER BY a.alias
"""
_VERSION_OF: Final = "SELECT max(version) FROM model_versions WHERE name = ? AND run_id = ?"
_RUNNING: Final = "SELECT run_uuid FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active'"


class Registry(Protocol):
    """What `workbench.profiles.runs.Runs` asks."""

    @property
    def where(self) -> Path | str:
        """What `Tracker.open` opens."""

    @property
    def artifacts(self) -> Path | None:
        """Where a new experiment keeps its files; None leaves that to the server."""

    def ensure(self) -> None:
        """Make what is missing before the first run is written."""

    def aliases(self, model: str) -> dict[str, str]:
        """Return alias to run id, for every alias of a model."""

    def version_of(self, model: str, run_id: str) -> str | None:
        """Return the newest version of a model that a run made, or None."""

    def running(self, experiment: str) -> list[str]:
        """Return the ids of the runs that were begun and not ended."""


@dataclass(frozen=True, slots=True)
class DatabaseRegistry:
    """MLflow's tables in a sqlite file of the workspace.

    Attributes
    ----------
    where : Path
        The file.
    artifacts : Path
        Folder of the runs' files.
    """

    where: Path
    artifacts: Path

    def ensure(self) -> None:
        """Copy the template where there is no database yet."""
        ensure_database(self.where)

    def aliases(self, model: str) -> dict[str, str]:
        """Return alias to run id, for every alias of a model."""
        return dict(ask(self.where, _ALIASES, model))

    def version_of(self, model: str, run_id: str) -> str | None:
        """Return the newest version of a model that a run made, or None."""
        found = ask(self.where, _VERSION_OF, model, run_id)
        return str(found[0][0]) if found and found[0][0] is not None else None

    def running(self, experiment: str) -> list[str]:
        """Return the ids of the runs that were begun and not ended; the database has one experiment."""
        del experiment
        return [str(row[0]) for row in ask(self.where, _RUNNING)]


@dataclass(frozen=True, slots=True)
class ServerRegistry:
    """An MLflow server.

    Attributes
    ----------
    where : str
        Its URL.
    """

    where: str

    @property
    def artifacts(self) -> None:
        """The server keeps the files: a client on another machine has no folder in common with it."""
        return

    def ensure(self) -> None:
        """Ask whether the server is there, before MLflow's client waits for it."""
        self._ask("experiments/search", {"max_results": 1})

    def aliases(self, model: str) -> dict[str, str]:
        """Return alias to run id, for every alias of a model."""
        found = self._ask(f"registered-models/get?name={model}")
        versions = {
            entry["alias"]: entry["version"] for entry in found.get("registered_model", {}).get("aliases", [])
        }
        runs = (
            {str(v["version"]): v.get("run_id", "") for v in self._versions(f"name = '{model}'")}
            if versions
            else {}
        )
        return {alias: runs[str(n)] for alias, n in sorted(versions.items()) if str(n) in runs}

    def version_of(self, model: str, run_id: str) -> str | None:
        """Return the newest version of a model that a run made, or None."""
        made = [int(v["version"]) for v in self._versions(f"name = '{model}'") if v.get("run_id") == run_id]
        return str(max(made)) if made else None

    def running(self, experiment: str) -> list[str]:
        """Return the ids of the runs of an experiment that were begun and not ended."""
        found = self._ask(f"experiments/get-by-name?experiment_name={experiment}")
        if "experiment" not in found:
            return []
        body = {
            "experiment_ids": [found["experiment"]["experiment_id"]],
            "filter": "attributes.status = 'RUNNING'",
            "max_results": 1000,
        }
        return [str(run["info"]["run_id"]) for run in self._ask("runs/search", body).get("runs", [])]

    def _versions(self, where: str) -> list[dict[str, Any]]:
        from urllib.parse import quote

        found: list[dict[str, Any]] = []
        token = ""
        while True:
            page = self._ask(
                f"model-versions/search?filter={quote(where)}&max_results=1000&page_token={quote(token)}"
            )
            found += page.get("model_versions", [])
            token = page.get("next_page_token", "")
            if not token:
                return found

    def _ask(self, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the REST API says; nothing where it knows no such thing."""
        request = urllib.request.Request(  # noqa: S310  (http by the profile's pattern)
            f"{self.where}/api/2.0/mlflow/{what}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy stands before it
        try:
            with direct.open(request, timeout=20) as reply:
                said: dict[str, Any] = json.loads(reply.read())
                return said
        except urllib.error.HTTPError as error:
            return _refusal(error)
        except (OSError, ValueError) as error:
            raise StackError(f"no MLflow server answers at {self.where}: {error}", hint=SERVER_GONE) from None


def _refusal(error: urllib.error.HTTPError) -> dict[str, Any]:
    """Return nothing for what is not there; raise for all else."""
    text = error.read().decode(errors="replace")
    if "RESOURCE_DOES_NOT_EXIST" in text:
        return {}
    first = text.strip().splitlines()[0][:160] if text.strip() else error.reason
    raise RunError(
        f"the MLflow server answered {error.code}: {first}",
        hint="is this an MLflow server? A name that it does not know as its own must be in --allowed-hosts",
    )


def registry_of(ws: Workspace) -> Registry:
    """Return where a workspace's runs are registered: as its profile says."""
    place = stack_of(ws).runs
    return DatabaseRegistry(ws.mlflow_db, ws.root / "mlruns") if place is None else ServerRegistry(place.url)
