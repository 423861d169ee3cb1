"""A value with its two times, and by rule whether it could be used at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
