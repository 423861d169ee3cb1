"""What a gym's service answered and what training would have read, side by side: tables, scope, decision dial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.failures import load
from workbench.guards import parity
from workbench.lab.meter import Judged, auc
from workbench.lab.skew import skew_scope
from workbench.lab.trial import TOP
from workbench.lab.watch_tables import served_rows
from workbench.profiles.models import matrix, probabilities
from workbench.profiles.runs import Runs
from workbench.profiles.table_features import door_of
from workbench.widgets import Panel
from workbench.worlds.gym_features import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import pyarrow as pa

    from workbench.guards.evidence import Finding
    from workbench.lab.bench import Outcome
    from workbench.widgets import SkewScope

WINDOWS: Final = ("visits_7d", "visits_30d", "visits_90d")
SHOWN: Final = (*WINDOWS, "days_since_visit", "trend", "tenure_days")
"""Columns that the scope shows; the model reads all."""
AGES: Final = (7, 14, 28, 56)
"""Days: earlier times at which a stale store may have been filled."""
_KEYS: Final = ("row_id", "item_id", "event_timestamp")


@dataclass(frozen=True, slots=True)
class Pairs:
    """One morning's rows, as training would read them and as they were served.

    Attributes
    ----------
    offline, online : pyarrow.Table
        ``item_id`` and the features; one row a member.
    earlier : pyarrow.Table
        The offline rows of some earlier times.
    trained : bool
        Whether the model was trained on this offline side; else its scores say nothing.
    """

    offline: pa.Table
    online: pa.Table
    earlier: pa.Table
    trained: bool


class Service:
    """A run of the gym, and other services that answer for it on the same mornings.

    Parameters
    ----------
    outcome : Outcome
        An honest run, from `workbench.lab.bench.run_with`.

    Notes
    -----
    What the offline store says is asked once; a failure that has a store of its own asks again, some seconds.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.model = Runs(outcome.ws).load_model(outcome.record.run_id)
        self.threshold = float(np.quantile(outcome.test.probability, 1 - TOP))
        self._pairs: dict[str, Pairs] = {}
        self.pairs()

    def rows(self, name: str = "") -> pa.Table:
        """Return everything that was served under a failure; without a name, by the honest service."""
        return served_rows(self._other(name) if name else self.outcome)

    def _other(self, name: str) -> Outcome:
        failure = load(name)
        return replace(self.outcome, seams=failure.inject(failure.strength.default))

    def judged(self, name: str = "") -> Judged:
        """Return the same model's answers to what was served, beside the truth.

        Parameters
        ----------
        name : str
            Of a failure that leaves the training as it is.

        Returns
        -------
        Judged
            One row a member and morning, as in the honest production.
        """
        right = self.rows()["row_id"].to_pylist()
        given = self.rows(name)
        place = {row: i for i, row in enumerate(given["row_id"].to_pylist())}
        scores = self.scores(given.take([place[row] for row in right]))
        return Judged(self.outcome.production.group, self.outcome.production.positive, scores)

    def scores(self, rows: pa.Table) -> np.ndarray[Any, Any]:
        """Return the model's probability that a member leaves, shape (n,)."""
        card = self.outcome.record.dataset
        found: np.ndarray[Any, Any] = probabilities(self.model, matrix(rows, card.inputs), card.labels)[:, -1]
        return found

    def last_morning(self) -> datetime:
        """Return the last morning of production."""
        found: datetime = max(self.rows()["event_timestamp"].to_pylist())
        return found

    def pairs(self, name: str = "") -> Pairs:
        """Return the last morning's rows on both sides.

        Parameters
        ----------
        name : str
            Of a failure; empty: the honest service.

        Returns
        -------
        Pairs
            Paired by member.
        """
        if name not in self._pairs:
            self._pairs[name] = self._paired(name)
        return self._pairs[name]

    def _paired(self, name: str) -> Pairs:
        import pyarrow as pa
        import pyarrow.compute as pc

        online = self.rows(name)
        when = online["event_timestamp"]
        online = online.filter(pc.equal(when, pa.scalar(self.last_morning(), when.type))).sort_by("item_id")
        asked = online.select(list(_KEYS))
        join = self._other(name).seams.join if name else None
        door, view, ws = door_of(self.outcome.ws), self.outcome.record.dataset.feature_view, self.outcome.ws
        names, honest = ["item_id", *COLUMNS], self._pairs.get("")
        if join:
            offline = join(door, asked, view, ws).select(names)
        elif honest and honest.offline["item_id"].equals(asked["item_id"]):
            offline = honest.offline  # the same question
        else:
            offline = door.as_of(asked, view).select(names)
        earlier = honest.earlier if honest else _earlier(asked, door, view)
        return Pairs(offline, online.select(names), earlier, join is None)

    def finding(self, name: str = "") -> Finding:
        """Return what the parity guard says about the last morning."""
        pairs = self.pairs(name)
        how: dict[str, Any] = {"keys": ("item_id",), "windows": WINDOWS, "earlier": pairs.earlier}
        return parity.check(parity.measure(pairs.offline, pairs.online, **how))

    def scope(self, name: str, shown: Sequence[str] = SHOWN) -> SkewScope:
        """Return a scope on the last morning under a failure.

        Parameters
        ----------
        name : str
            Of the catalogue; empty: the honest service.
        shown : sequence of str
            Columns of the scope.

        Returns
        -------
        SkewScope
            With scores where the model was trained on this offline side.
        """
        pairs = self.pairs(name)
        scope = skew_scope(
            pairs.offline,
            pairs.online,
            score=(lambda rows: self.scores(rows).tolist()) if pairs.trained else None,
            windows=WINDOWS,
            earlier=pairs.earlier,
        )
        kept = [i for i, feature in enumerate(scope.features) if feature["name"] in shown]
        scope.features = [scope.features[i] for i in kept]
        scope.entities = [one | {"cells": [one["cells"][i] for i in kept]} for one in scope.entities]
        scope.threshold, scope.decisions, scope.key = self.threshold, ["leave alone", "call"], "member"
        return scope

    def dial(self, name: str = "") -> dict[str, float]:
        """Return what the model gets in production under a failure that leaves the training as it is.

        Parameters
        ----------
        name : str
            Empty: the honest service.

        Returns
        -------
        dict of str to float
            ``auc``; ``called``: share above the threshold that takes the top 10 % of the own test set;
            ``score_to_rate``: mean probability over the share that really left.
        """
        judged = self.judged(name)
        flat = np.ones((1, len(judged.positive)))
        return {
            "auc": float(auc(judged, flat)[0]),
            "called": float((judged.probability > self.threshold).mean()),
            "score_to_rate": float(judged.probability.mean() / judged.positive.mean()),
        }


def _earlier(asked: pa.Table, door: Any, view: str) -> pa.Table:
    """Return what the offline store says about the same members at earlier times, in one question."""
    import pyarrow as pa
    import pyarrow.compute as pc

    at = asked.column_names.index("event_timestamp")
    kind = asked.schema.field(at)
    then = [
        pc.subtract(asked["event_timestamp"], pa.scalar(d * 86_400_000_000, pa.duration("us"))) for d in AGES
    ]
    parts = [asked.set_column(at, kind, when.cast(kind.type)) for when in then]
    found: pa.Table = door.as_of(pa.concat_tables(parts), view)
    return found.select(["item_id", *COLUMNS])


def switched(
    service: Service, names: Sequence[str], tell: Callable[[str], object] = str
) -> tuple[Panel, SkewScope]:
    """Return a choice of services, and a scope that follows it in every front end.

    Parameters
    ----------
    service : Service
        Of an honest run.
    names : sequence of str
        Failures; the first one is shown first.
    tell : callable
        Is told a sentence before each failure: some have a feature store of their own, which takes seconds.

    Returns
    -------
    tuple of Panel and SkewScope
        All are made before the first is shown: each later choice is a look-up in the kernel.
    """
    made: dict[str, SkewScope] = {}
    for name in names:
        tell(f"asked on both sides: {name}")
        made[name] = service.scope(name)
    panel, scope = Panel(the_service=[*names]), service.scope(names[0])

    def follow(change: object) -> None:
        del change
        other = made[panel["the_service"]]
        with scope.hold_sync():
            scope.features, scope.entities = other.features, other.entities
            scope.chosen = other.chosen

    panel.observe(follow, names="values")
    return panel, scope
