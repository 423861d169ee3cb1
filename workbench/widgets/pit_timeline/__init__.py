"""Point-in-time timeline: drag the question or a value's two times, and see what each join answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm
from workbench.widgets.pit_timeline.values import WORDS, Value, judged, plain

__all__ = ["WORDS", "Engine", "PitTimeline", "Value", "judged"]

Engine = Callable[[Sequence[Value], float, float | None], str | None]
"""Takes the values, the time asked about and the ttl; returns the id of the value it picks, or None."""


class PitTimeline(Widget):
    """Show what each join picks for one observation, and which of them may not know it.

    Parameters
    ----------
    values : iterable of Value or mapping
        The history of one entity: id, value, event, known.
    observation : float
        The time asked about.
    engines : mapping of str to callable
        Name to `Engine`, in the order of the rows. Called at each move, all of them.
    **traits : object
        ``ttl`` (None: any age), ``start``, ``end``, ``step``, ``unit``, ``subject`` (what the values
        are), ``sources`` (engine to the code that it runs).

    Notes
    -----
    A drag sends at most 25 messages a second and always the last state; each costs one
    call of every engine in the kernel. With four engines on DuckDB that is about 30 ms.
    """

    _esm = esm("pit_timeline")
    _css = css("pit_timeline")

    values = traitlets.List().tag(sync=True)
    observation = traitlets.Float().tag(sync=True)
    ttl = traitlets.Float(None, allow_none=True).tag(sync=True)
    start = traitlets.Float(0.0).tag(sync=True)
    end = traitlets.Float(30.0).tag(sync=True)
    step = traitlets.Float(0.5).tag(sync=True)
    unit = traitlets.Unicode("day").tag(sync=True)
    subject = traitlets.Unicode("value").tag(sync=True)
    sources = traitlets.Dict().tag(sync=True)
    results = traitlets.List().tag(sync=True)

    def __init__(
        self,
        values: Iterable[Value | Mapping[str, Any]],
        *,
        observation: float,
        engines: Mapping[str, Engine],
        **traits: Any,
    ) -> None:
        self._engines = dict(engines)
        if not self._engines:
            raise SettingsError("a timeline needs at least one engine")
        rows = [plain(value) for value in values]
        if len({row["id"] for row in rows}) < len(rows):
            raise SettingsError("two values have the same id")
        super().__init__(values=rows, observation=float(observation), **traits)
        self._answer()

    @traitlets.observe("values", "observation", "ttl")
    def _answer(self, change: object = None) -> None:
        """Ask every engine; one that fails says so in its row, since nobody sees a callback's traceback."""
        del change
        values = [Value(**row) for row in self.values]
        found = []
        for name, engine in self._engines.items():
            try:
                picked, says = engine(values, self.observation, self.ttl), ""
            except Exception as error:  # noqa: BLE001
                picked, says = None, f"{type(error).__name__}: {error}"
            value = next((value for value in values if value.id == picked), None)
            verdict = "error" if says else judged(value, self.observation, self.ttl)
            found.append({"engine": name, "picked": picked, "verdict": verdict, "says": says})
        self.results = found

    @property
    def picked(self) -> dict[str, str | None]:
        """Engine to the id that it picks now."""
        return {result["engine"]: result["picked"] for result in self.results}

    @property
    def leaks(self) -> list[str]:
        """Engines whose pick could not be known at the time that is asked about."""
        return [one["engine"] for one in self.results if one["verdict"] in {"future", "late"}]

    def as_text(self) -> str:
        """Return the history, the question and the answer of each engine.

        Returns
        -------
        str
            One line each.
        """
        limit = "" if self.ttl is None else f", ttl {self.ttl:g} {self.unit}s"
        head = f"[timeline] {self.subject} as of {self.unit} {self.observation:g}{limit}"
        rows = {row["id"]: row for row in self.values}
        history = [
            f"  {row['id']} = {row['value']:g}: true from {self.unit} {row['event']:g}, recorded {row['known']:g}"
            for row in self.values
        ]
        width = max(len(name) for name in self._engines)
        answers = [
            f"  {one['engine']:<{width}}  {_value(rows, one)}  {one['says'] or WORDS[one['verdict']]}"
            for one in self.results
        ]
        return "\n".join([head, *history, *answers])


def _value(rows: Mapping[str, Mapping[str, Any]], result: Mapping[str, Any]) -> str:
    return f"{rows[result['picked']]['value']:g}" if result["picked"] in rows else "-"
