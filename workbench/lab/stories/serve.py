"""What the sixth lesson looks at: a gym's honest service, and others that answer in its place."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Final

from workbench.guards import parity
from workbench.lab.bench import Outcome, run_with
from workbench.lab.bench import prepare as prepare_world
from workbench.lab.lesson import Teller, lessons_root
from workbench.lab.own_files import read_rows
from workbench.lab.served import SHOWN, Service, switched
from workbench.lab.show import Shown, grid
from workbench.lab.stories.serve_exercises import EXERCISES
from workbench.lab.stories.serve_feast import exhibit
from workbench.lab.verdicts import verdicts
from workbench.manifests import write_parquet

if TYPE_CHECKING:
    from workbench.lab.pipeline import Watcher
    from workbench.profiles.workspace import Workspace

__all__ = [
    "EXERCISES", "SWITCH", "Service", "effects", "exhibit", "gym", "one_member", "own_files", "prepare", "services", "switched",
]  # fmt: skip

SAME_TRAINING: Final = ("window_mismatch", "unit_mismatch", "swapped_columns", "stale_store", "refit_scaler")
"""Failures of the service alone: the honest model answers them."""
SWITCH: Final = (
    *SAME_TRAINING,
    "missing_becomes_zero",
    "ttl_offline_only",
    "correction_never_reaches_online",
)
"""Failures that the lesson's scope shows."""


def prepare(watcher: Watcher | None = None) -> Workspace:
    """Make what the lesson works on, for somebody who comes late."""
    return gym(watcher).ws


def gym(watcher: Watcher | None = None) -> Outcome:
    """Return an honest run of the smallest gym, trained and served."""
    watcher = watcher or Teller()
    return run_with(prepare_world("gym", size="tiny", watcher=watcher), watcher=watcher)


def one_member(service: Service, name: str = "window_mismatch") -> Shown:
    """Show one member on both sides: the one whose score moves most on the last morning.

    Parameters
    ----------
    service : Service
        Of an honest run.
    name : str
        A failure of the service alone.

    Returns
    -------
    Shown
        Feature by feature, score and decision.
    """
    pairs = service.pairs(name)
    before, after = service.scores(pairs.offline), service.scores(pairs.online)
    at = int(abs(after - before).argmax())
    sides = [table.slice(at, 1).to_pylist()[0] for table in (pairs.offline, pairs.online)]
    rows = [(column, *(_number(side[column]) for side in sides)) for column in SHOWN]
    decisions = ["call" if score[at] > service.threshold else "leave alone" for score in (before, after)]
    rows += [("probability of leaving", f"{before[at]:.2f}", f"{after[at]:.2f}"), ("decision", *decisions)]
    when = f"{service.last_morning():%d %B %Y}"
    return grid(f"One member, two answers: {sides[0]['item_id']} on {when}", ("", "offline", "online"), rows)


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.4g}"


def services(service: Service) -> Shown:
    """Show what the honest model gets behind each service, and what the parity guard says.

    Parameters
    ----------
    service : Service
        Of an honest run.

    Returns
    -------
    Shown
        One row a service; the honest one first.
    """
    rows = []
    for name in ("", *SAME_TRAINING):
        dial, finding = service.dial(name), service.finding(name)
        shape = finding.sentence.split("; also")[0] if finding.fired else finding.sentence
        rows.append((name or "honest", dial["auc"], f"{dial['called']:.0%}", dial["score_to_rate"], shape))
    judged = service.outcome.production
    foot = (
        f"One model, {len(judged.positive):,} answers about {len(set(judged.group))} members; {judged.positive.sum()} "
        "times somebody left within 30 days. Parity looked at the last morning."
    )
    columns = ("the service", "AUC", "called", "predicted / real", "parity")
    return grid("The same model behind six services", columns, rows, foot)


def effects() -> Shown:
    """Show the skews of tables in the table of effects: full gyms, each failure at its default strength.

    Returns
    -------
    Shown
        Means over the seasons.
    """
    from workbench.failures import load
    from workbench.lab.effects import read

    measured = read().to_pylist()
    rows = []
    for name in SWITCH:
        asked = (name, load(name).strength.default, load(name).family_of_model)
        mine = [row for row in measured if (row["failure"], row["strength"], row["model"]) == asked]
        names = ("got", "could_have_had", "contacted", "cured_contacted", "score_to_rate")
        got, could, called, planned, rate = (fmean(row[key] for row in mine) for key in names)
        rows.append((name, got, could, f"{called:.0%}", f"{planned:.0%}", rate))
    columns = ("failure", "AUC", "could have had", "called", "honest calls", "predicted / real")
    foot = f"Mean of {len(mine)} full seasons; {mine[0]['n_got']:,} members in production each."
    return grid("Measured beforehand, on full seasons", columns, rows, foot)


def own_files(offline: str, online: str, key: str, *, demo: Service) -> Shown:
    """Run the parity probe on files of the learner.

    Parameters
    ----------
    offline, online : str
        CSV or Parquet: what the model is trained on, and what it was served. Empty: the lesson's own.
    key : str
        Column that names a row on both sides.
    demo : Service
        Whose last morning is written to files where none are given, with the window mismatch in it.

    Returns
    -------
    Shown
        One finding.
    """
    if not (offline and online):
        folder, pairs = lessons_root() / "lesson-06-files", demo.pairs("window_mismatch")
        offline, online, key = str(folder / "offline.parquet"), str(folder / "online.parquet"), "item_id"
        write_parquet(Path(offline), pairs.offline)
        write_parquet(Path(online), pairs.online)
    measured = parity.measure(read_rows(Path(offline)), read_rows(Path(online)), keys=(key,))
    return verdicts("Your files, or the lesson's own", [parity.check(measured)])
