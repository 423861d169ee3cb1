"""Rows of the truth meter: what they hold, and what may be said about one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from workbench.errors import SettingsError

Row = Mapping[str, Any]

SETTING: Final = {"failure": "", "strength": 0.0, "cured": False, "seed": 0}
SCORES: Final = {"claimed": "claimed", "got": "got", "could_have_had": "could have had"}
OPTIONAL: Final = ("could_have_had", "excess", "n_test", "n_production", "contacted", "score_to_rate")


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


def whole_row(row: Row) -> dict[str, Any]:
    """Return a row with every key.

    Parameters
    ----------
    row : mapping
        As `workbench.widgets.TruthMeter` takes it.

    Returns
    -------
    dict
        Missing keys are None, numbers are floats.

    Raises
    ------
    SettingsError
        If a key is not known, or a score is not written as one.
    """
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


def whole_presets(presets: Iterable[Row], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return presets in which nothing is left open.

    Parameters
    ----------
    presets : iterable of mapping
        ``name``, ``says``, and a setting; what it leaves out is as in the first row of that failure.
    rows : sequence of mapping
        Of the meter, whole.

    Returns
    -------
    list of dict
        Each one a setting that was measured.

    Raises
    ------
    SettingsError
        If a key is not known, a name is missing or there twice, or the setting was not measured.
    """
    found: list[dict[str, Any]] = []
    for preset in presets:
        if unknown := sorted({*preset} - {"name", "says", *SETTING}):
            raise SettingsError(
                f"a preset has no {unknown[0]!r}", hint=f"there are name, says, {', '.join(SETTING)}"
            )
        if not preset.get("name") or preset["name"] in {one["name"] for one in found}:
            raise SettingsError(f"the preset {dict(preset)} needs a name of its own")
        wanted = {name: preset[name] for name in SETTING if name in preset}
        row = next((row for row in rows if wanted.items() <= row.items()), None)
        if row is None:
            raise SettingsError(
                f"the preset {preset['name']!r} was not measured", hint=f"it asks for {wanted}"
            )
        found.append({"says": "", **preset, **{name: row[name] for name in SETTING}})
    return found


def preset_of(presets: Sequence[Row], setting: Row) -> Row | None:
    """Return the preset that a setting is, or one of the same failure; None where there is none."""
    exact = (one for one in presets if all(one[name] == setting[name] for name in SETTING))
    alike = (one for one in presets if one["failure"] == setting["failure"])
    return next(exact, None) or next(alike, None)


def score_text(score: Sequence[float]) -> str:
    """Return a score with its interval, where there is one."""
    return f"{score[0]:.2f} [{score[1]:.2f}, {score[2]:.2f}]" if len(score) == 3 else f"{score[0]:.2f}"


def n_text(row: Row, key: str, unit: str) -> str:
    """Return what a score rests on."""
    n = row["n_test" if key == "claimed" else "n_production"]
    return "n not given" if n is None else f"n = {n} {unit}"
