"""Truth meter: what a model claims, what it gets, and what could have been had, on one fixed axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm
from workbench.widgets.truth_meter.rows import (
    SCORES,
    SETTING,
    Row,
    n_text,
    preset_of,
    score_text,
    verdict,
    whole_presets,
    whole_row,
)

__all__ = ["Refit", "Row", "TruthMeter", "verdict"]

Refit = Callable[..., Row]
"""Takes failure=, strength= and cured=; measures that setting anew, on a season of its own, and returns its row."""


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
    refit : callable, optional
        A `Refit`; gives the page a button. Its row is added and shown; one of the same setting is replaced.
    presets : iterable of mapping
        One a button: ``name``, a setting (what it leaves out is as in the first row that fits), and ``says``,
        a sentence that stands above the verdict while that failure is shown.
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
    can_refit = traitlets.Bool(default_value=False).tag(sync=True)
    asked = traitlets.Int(0).tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)
    presets = traitlets.List().tag(sync=True)

    def __init__(
        self, rows: Sequence[Row], *, refit: Refit | None = None, presets: Iterable[Row] = (), **traits: Any
    ) -> None:
        whole = [whole_row(row) for row in rows]
        if not whole:
            raise SettingsError("a truth meter needs at least one row")
        first = {name: whole[0][name] for name in SETTING}
        self._refit = refit
        more = {"can_refit": refit is not None, "presets": whole_presets(presets, whole)}
        super().__init__(rows=whole, **more, **(first | traits))

    @traitlets.observe("asked")
    def _measure(self, change: object = None) -> None:
        """Measure the present setting; what goes wrong is said on the page, since nobody sees a traceback."""
        del change
        if self._refit is None:
            return
        self.status = "measuring"
        try:
            row = whole_row(self._refit(failure=self.failure, strength=self.strength, cured=self.cured))
        except Exception as error:  # noqa: BLE001
            self.status = f"{type(error).__name__}: {error}"
            return
        setting = [row[name] for name in SETTING]
        others = [one for one in self.rows if [one[name] for name in SETTING] != setting]
        with self.hold_trait_notifications():
            self.rows, self.seed, self.status = [*others, row], row["seed"], "measured now"

    @property
    def shown(self) -> dict[str, Any] | None:
        """The row of the present setting; None where it was not measured."""
        wanted = [getattr(self, name) for name in SETTING]
        return next((row for row in self.rows if [row[name] for name in SETTING] == wanted), None)

    @property
    def says(self) -> str:
        """What the preset of this setting says, or one of the same failure."""
        found = preset_of(self.presets, {name: getattr(self, name) for name in SETTING})
        return str(found["says"]) if found else ""

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
        head += f"\n  {self.says}" if self.says else ""
        row = self.shown
        if row is None:
            return f"{head}\n  not measured"
        scores = [
            f"  {label:<14} {score_text(row[key])}  {n_text(row, key, self.unit)}".rstrip()
            for key, label in SCORES.items()
            if row[key]
        ]
        return "\n".join([head, *scores, *(f"  {line}" for line in verdict(row) if line), *self._dial(row)])

    def _dial(self, row: Row) -> list[str]:
        if row["contacted"] is None:
            return []
        return [f"  acts on {row['contacted']:.0%} of production, planned {self.planned:.0%}"]
