"""Point-in-time timeline: drag the question or a value's two times, and see what each join answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm
from workbench.widgets.pit_timeline.values import WORDS, Value, judged, lines_of, plain, whole_presets

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
    presets : iterable of mapping
        One a button: ``name``, what it sets (``values``, ``observation``, ``ttl``; the rest is as at the
        start), and ``says``, a sentence that stands below the verdict from then on.
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
    presets = traitlets.List().tag(sync=True)
    preset = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        values: Iterable[Value | Mapping[str, Any]],
        *,
        observation: float,
        engines: Mapping[str, Engine],
        presets: Iterable[Mapping[str, Any]] = (),
        **traits: Any,
    ) -> None:
        self._engines = dict(engines)
        self._asked: Any = None
        if not self._engines:
            raise SettingsError("a timeline needs at least one engine")
        rows = [plain(value) for value in values]
        if len({row["id"] for row in rows}) < len(rows):
            raise SettingsError("two values have the same id")
        first = {"values": rows, "observation": float(observation), "ttl": traits.get("ttl"), "says": ""}
        super().__init__(
            values=rows, observation=float(observation), presets=whole_presets(presets, first), **traits
        )
        self._answer()

    @traitlets.observe("values", "observation", "ttl")
    def _answer(self, change: object = None) -> None:
        """Ask every engine; one that fails says so in its row, since nobody sees a callback's traceback."""
        del change
        values = [Value(**row) for row in self.values]
        if (asked := (values, self.observation, self.ttl)) == self._asked:  # a preset sets all three at once
            return
        self._asked, found = asked, []
        for name, engine in self._engines.items():
            try:
                picked, says = engine(values, self.observation, self.ttl), ""
            except Exception as error:  # noqa: BLE001
                picked, says = None, f"{type(error).__name__}: {error}"
            value = next((value for value in values if value.id == picked), None)
            verdict = "error" if says else judged(value, self.observation, self.ttl)
            found.append({"engine": name, "picked": picked, "verdict": verdict, "says": says})
        self.results = found

    def choose(self, name: str) -> None:
        """Set what a preset sets, as its button does.

        Parameters
        ----------
        name : str
            Of the preset.

        Raises
        ------
        SettingsError
            If there is none of that name.
        """
        wanted = next((one for one in self.presets if one["name"] == name), None)
        if wanted is None:
            there = ", ".join(one["name"] for one in self.presets) or "none"
            raise SettingsError(f"the timeline has no preset {name!r}", hint=f"there are: {there}")
        with self.hold_trait_notifications():
            self.preset, self.values = name, wanted["values"]
            self.observation, self.ttl = wanted["observation"], wanted["ttl"]

    @property
    def says(self) -> str:
        """What the preset says that was chosen last."""
        return next((one["says"] for one in self.presets if one["name"] == self.preset), "")

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
        said = [f"  {self.says}"] if self.says else []
        return "\n".join([head, *said, *lines_of(self.values, self.results, self.unit)])
