"""A value with its two times, and by rule whether it could be used at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Rows = Sequence[Mapping[str, Any]]

WORDS: Final = {
    "known": "known by then",
    "future": "from the future",
    "late": "not recorded yet",
    "old": "older than the ttl",
    "nothing": "no answer",
    "error": "could not answer",
}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the history.

    Attributes
    ----------
    id : str
        Distinct.
    value : float
        What was measured.
    event, known : float
        When it became true, and when it was recorded; in the unit of the timeline.
    """

    id: str
    value: float
    event: float
    known: float


def judged(value: Value | None, observation: float, ttl: float | None) -> str:
    """Return whether a picked value could be used at a time: a key of `WORDS`.

    Parameters
    ----------
    value : Value or None
        What an engine picked.
    observation : float
        The time asked about.
    ttl : float or None
        Oldest age that counts; an age of exactly `ttl` does.

    Returns
    -------
    str
        ``future`` comes before ``late``: what is not true yet cannot be recorded either.
    """
    if value is None:
        return "nothing"
    if value.event > observation:
        return "future"
    if value.known > observation:
        return "late"
    return "old" if ttl is not None and observation - value.event > ttl else "known"


def plain(value: Value | Mapping[str, Any]) -> dict[str, Any]:
    """Return a value as JSON.

    Parameters
    ----------
    value : Value or mapping
        With id, value, event and known, and nothing else.

    Returns
    -------
    dict
        Strings and floats.

    Raises
    ------
    SettingsError
        If one is missing or there are more.
    """
    fields = (
        {name: getattr(value, name) for name in Value.__slots__} if isinstance(value, Value) else {**value}
    )
    if {*fields} != {*Value.__slots__}:
        raise SettingsError(f"a value has {sorted(fields)}", hint="give id, value, event and known")
    return {"id": str(fields["id"]), **{name: float(fields[name]) for name in ("value", "event", "known")}}


def whole_presets(presets: Iterable[Mapping[str, Any]], first: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return presets in which nothing is left open.

    Parameters
    ----------
    presets : iterable of mapping
        ``name``, and any of ``says``, ``values``, ``observation`` and ``ttl``.
    first : mapping
        The same four, as the timeline begins: what a preset leaves out.

    Returns
    -------
    list of dict
        As JSON.

    Raises
    ------
    SettingsError
        If a preset has no name, the name of another one, or a key that is not known.
    """
    found: list[dict[str, Any]] = []
    for preset in presets:
        if unknown := sorted({*preset} - {"name", *first}):
            raise SettingsError(f"a preset has no {unknown[0]!r}", hint=f"there are name, {', '.join(first)}")
        if not preset.get("name") or preset["name"] in {one["name"] for one in found}:
            raise SettingsError(f"the preset {dict(preset)} needs a name of its own")
        whole = {**first, **preset}
        found.append(whole | {"values": [plain(value) for value in whole["values"]]})
    return found


def lines_of(values: Rows, results: Rows, unit: str) -> list[str]:
    """Return the history and each engine's answer in words.

    Parameters
    ----------
    values, results : sequence of mapping
        As the timeline holds them.
    unit : str
        Of its times.

    Returns
    -------
    list of str
        One line each.
    """
    of = {row["id"]: f"{row['value']:g}" for row in values}
    history = [
        f"  {row['id']} = {of[row['id']]}: true from {unit} {row['event']:g}, recorded {row['known']:g}"
        for row in values
    ]
    width = max(len(one["engine"]) for one in results)
    answers = [
        f"  {one['engine']:<{width}}  {of.get(one['picked'], '-')}  {one['says'] or WORDS[one['verdict']]}"
        for one in results
    ]
    return [*history, *answers]
