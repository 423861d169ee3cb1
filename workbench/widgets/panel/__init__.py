"""Panel: a row of native controls whose values are one dictionary."""

from __future__ import annotations

from typing import Any

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm

Control = bool | tuple[float, float, float] | list[str]


class Panel(Widget):
    """Native controls: keyboard, screen reader and touch work as everywhere else.

    Parameters
    ----------
    **controls : bool, tuple or list
        By name: a bool is a box to tick; ``(low, high, value)`` a slider of whole steps, or of a
        hundredth of the range where one of the three is not whole; a list of str a choice, the
        first one chosen. An underscore in a name is shown as a blank.

    Raises
    ------
    SettingsError
        If a control is none of these.
    """

    _esm = esm("panel")
    _css = css("panel")

    controls = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)

    def __init__(self, **controls: Control) -> None:
        parsed = [_parsed(name, control) for name, control in controls.items()]
        super().__init__(controls=parsed, values={control["name"]: control["value"] for control in parsed})

    def __getitem__(self, name: str) -> Any:
        if name not in self.values:
            raise SettingsError(f"the panel has no {name!r}", hint=f"there are {', '.join(self.values)}")
        return self.values[name]

    def as_text(self) -> str:
        """Return names and values."""
        return "[panel] " + ", ".join(f"{name} = {value}" for name, value in self.values.items())


def _parsed(name: str, control: object) -> dict[str, Any]:
    if isinstance(control, bool):
        return {"name": name, "kind": "checkbox", "value": control}
    if isinstance(control, tuple) and len(control) == 3:
        low, high, value = control
        whole = all(isinstance(number, int) for number in control)
        step = 1 if whole else (high - low) / 100
        return {"name": name, "kind": "range", "low": low, "high": high, "step": step, "value": value}
    if isinstance(control, list) and control:
        return {"name": name, "kind": "select", "options": [*control], "value": control[0]}
    raise SettingsError(
        f"{name} is {control!r}, which is no control",
        hint="give a bool, (low, high, value) or a list of words",
    )
