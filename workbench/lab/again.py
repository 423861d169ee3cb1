"""Binds *reproduce* to the stages it runs again: stages do not import each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from workbench.clock import parse_utc
from workbench.hashing import sha256_texts
from workbench.profiles.runs import CHAMPION, Runs
from workbench.records import StageReport, silent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from workbench.guards.verdict import Verdict
    from workbench.profiles.workspace import Workspace
    from workbench.records import DatasetCard, Progress


def rebuild(scratch: Workspace, card: DatasetCard) -> Path:
    """Make a dataset again from raw, with nothing taken from a cache.

    Parameters
    ----------
    scratch : Workspace
        With raw data, manifests of raw and reviews, and the settings of the run.
    card : DatasetCard
        What to make.

    Returns
    -------
    Path
        The dataset's folder in the scratch workspace.
    """
    from workbench.stages.clean import clean
    from workbench.stages.dataset import dataset
    from workbench.stages.extract import extract

    clean(scratch)
    extract(scratch, use_cache=False)
    report = dataset(scratch, cutoff=parse_utc(card.cutoff_timestamp), leaky=not card.point_in_time)
    return scratch.root / report.where


def reproduce_run(
    ws: Workspace,
    run_id: str = CHAMPION,
    *,
    overrides: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Verdict:
    """Make a run again from raw, and compare.

    Parameters
    ----------
    ws : Workspace
        The one it was made in, or a clone.
    run_id : str
        A run id, its first digits, or an alias.
    overrides : mapping, optional
        Settings to change first.
    progress : callable
        Called as ``progress(steps done, steps in all)``.

    Returns
    -------
    Verdict
        IDENTICAL, EQUIVALENT or DIFFERENT.
    """
    from workbench.stages.reproduce import reproduce

    return reproduce(ws, run_id, rebuild=rebuild, overrides=overrides, progress=progress)


def reproduce_champion(ws: Workspace, *, progress: Progress = silent) -> StageReport:
    """Make the champion again as the last stage of the pipeline, unless its verdict is there.

    Parameters
    ----------
    ws : Workspace
        With a champion.
    progress : callable
        Called as ``progress(steps done, steps in all)``.

    Returns
    -------
    StageReport
        Its first note is the verdict; skipped when it was given before.
    """
    run_id = Runs(ws).resolve(CHAMPION)
    path = ws.root / "verdicts" / f"{run_id}.json"
    known = path.is_file()
    if not known:
        reproduce_run(ws, run_id, progress=progress)
    verdict = json.loads(path.read_text(encoding="utf-8"))
    counts = {"predictions_compared": verdict["result"]["rows_compared"]}
    note = f"{verdict['word']}: {verdict['outcome']}"
    digest = sha256_texts([json.dumps(verdict, sort_keys=True)])
    return StageReport("reproduce", counts, digest, skipped=known, where=ws.relative(path), notes=(note,))
