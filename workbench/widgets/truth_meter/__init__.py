"""Truth meter: what a model claims, what it gets, and what could have been had, on one fixed axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm

Row = Mapping[str, Any]

SETTING: Final = {"failure": "", "strength": 0.0, "cured": False, "seed": 0}
SCORES: Final = {"claimed": "claimed", "got": "got", "could_have_had": "could have had"}
OPTIONAL: Final = ("could_have_had", "excess", "n_test", "n_production", "contacted", "score_to_rate")


class TruthMeter(Widget):
    """Look up one setting among measured ones and put it on the meter.

    Parameters
    ----------
    rows : sequence of mapping
        One a setting. ``claimed`` and ``got`` are [value, low, high], or [value] where no
        interval was measured, and so may be ``could_have_had``; ``excess`` (claimed less got,
        beyond the honest twin's own gap) has one. Intervals are of 95 %. ``failure``, ``strength``, ``cured`` and ``seed`` say which setting it is;
        ``n_test`` and ``n_production`` what it rests on; ``contacted`` (0 to 1) and
        ``score_to_rate`` feed the decision dial.
    **traits : object
        ``failure``, ``strength``, ``cured``, ``seed``: the setting that is shown; the first row's unless
        told. ``metric``, ``unit``: what is measured, and what n counts. ``planned``: share that
        the threshold was meant to act on.

    Notes
    -----
    All rows travel to the page once, about 400 bytes each. A control then costs one look-up
    there and one message here: nothing is measured.
    """

    _esm = esm("truth_meter")
    _css = css("truth_meter")

    rows = traitlets.List().tag(sync=True)
    failure = traitlets.Unicode().tag(sync=True)
    strength = traitlets.Float().tag(sync=True)
    cured = traitlets.Bool().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    metric = traitlets.Unicode("share that is graded right").tag(sync=True)
    unit = traitlets.Unicode("rows").tag(sync=True)
    planned = traitlets.Float(0.10).tag(sync=True)

    def __init__(self, rows: Sequence[Row], **traits: Any) -> None:
        whole = [_whole(row) for row in rows]
        if not whole:
            raise SettingsError("a truth meter needs at least one row")
        first = {name: whole[0][name] for name in SETTING}
        super().__init__(rows=whole, **(first | traits))

    @property
    def shown(self) -> dict[str, Any] | None:
        """The row of the present setting; None where it was not measured."""
        wanted = [getattr(self, name) for name in SETTING]
        return next((row for row in self.rows if [row[name] for name in SETTING] == wanted), None)

    @property
    def verdict(self) -> str:
        """Words by rule alone, as on the page."""
        return "not measured" if self.shown is None else verdict(self.shown)[0]

    def as_text(self) -> str:
        """Return the three scores with their intervals, and the verdict.

        Returns
        -------
        str
            One line each.
        """
        setting = f"{self.failure.replace('_', ' ')}, strength {self.strength:g}, season {self.seed}"
        head = f"[truth meter] {self.metric}" + (f": {setting}" if self.failure else "")
        head += ", cured" if self.cured else ""
        row = self.shown
        if row is None:
            return f"{head}\n  not measured"
        scores = [
            f"  {label:<14} {_said(row[key])}  {_n(row, key, self.unit)}".rstrip()
            for key, label in SCORES.items()
            if row[key]
        ]
        return "\n".join([head, *scores, *(f"  {line}" for line in verdict(row) if line), *self._dial(row)])

    def _dial(self, row: Row) -> list[str]:
        if row["contacted"] is None:
            return []
        return [f"  acts on {row['contacted']:.0%} of production, planned {self.planned:.0%}"]


def verdict(row: Row) -> tuple[str, str]:
    """Return what may be said about a row, and on what grounds; by rule, never by taste.

    Parameters
    ----------
    row : mapping
        Of a meter.

    Returns
    -------
    tuple of str
        The words: ``inflated`` only where the interval of the excess leaves zero out. The grounds.
    """
    if row["cured"]:
        return "cured: the honest pipeline", "its own gap is drift and luck, nothing added"
    if not row["excess"]:
        return "", ""
    value, low, high = row["excess"]
    if low > 0:
        return f"inflated by {value:.2f}", f"95 % interval {low:.2f} to {high:.2f}, beyond the honest gap"
    return "not shown at this size", f"inflation {value:+.2f}, 95 % interval {low:+.2f} to {high:+.2f}"


def _whole(row: Row) -> dict[str, Any]:
    """Return a row with every key, or say which one is wrong."""
    known = {*SETTING, *OPTIONAL, "claimed", "got"}
    if unknown := sorted({*row} - known):
        raise SettingsError(f"a row of the meter has no {unknown[0]!r}", hint=f"there are {sorted(known)}")
    if missing := [name for name in ("claimed", "got") if not row.get(name)]:
        raise SettingsError(f"a row of the meter lacks {missing[0]!r}", hint="give [value, low, high]")
    whole: dict[str, Any] = {**SETTING, **dict.fromkeys(OPTIONAL), **row}
    for name in (*SCORES, "excess"):
        if whole[name] is not None and len(whole[name]) not in {1, 3} - ({1} if name == "excess" else set()):
            raise SettingsError(f"{name} is {whole[name]!r}", hint="give [value, low, high]")
        whole[name] = whole[name] and [float(number) for number in whole[name]]
    return whole | {"strength": float(whole["strength"]), "cured": bool(whole["cured"])}


def _said(score: Sequence[float]) -> str:
    return f"{score[0]:.2f} [{score[1]:.2f}, {score[2]:.2f}]" if len(score) == 3 else f"{score[0]:.2f}"


def _n(row: Row, key: str, unit: str) -> str:
    n = row["n_test" if key == "claimed" else "n_production"]
    return "n not given" if n is None else f"n = {n} {unit}"
