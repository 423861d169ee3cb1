"""The lab on leakage: the whole family on one meter, and one leak that only looks like one."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

from workbench.failures import load
from workbench.lab.effects import METRIC, summary
from workbench.lab.lesson import View
from workbench.lab.show import Shown, grid
from workbench.lab.truth import truth_meter

if TYPE_CHECKING:
    from workbench.widgets import TruthMeter

SAYS: Final = {
    "column_that_knows": ("1 it knows", "Claimed like an oracle. Compare the two bars below: the model lost next to nothing, the claim was a lie. Then look at the dial."),
    "target_encoding_before_split": ("2 a postcode", "A postcode means nothing here. Its share of leavers was computed before the split, and now the model itself is worse."),
    "overlapping_windows_random_split": ("3 a row a week", "Four times the data, a random split, a forest: it recalls the members. Each step looks right."),
    "back_dated_rows": ("4 point in time", "A point-in-time join in a feature store. A few hundredths, and nothing looks wrong: the claim does not even exceed what it gets."),
    "scaler_before_split": ("5 the scaler", "The leak that every textbook names first. Read the verdict."),
    "lucky_seed": ("6 forty tries", "The code is right. Forty seeds were tried, and one number was reported. At this size it cannot be told from luck."),
}  # fmt: skip
"""Failure to the name of its button and the sentence above the meter."""
FAMILY: Final = (*SAYS, "window_past_cutoff", "oversample_before_split", "anchored_on_outcome")
"""Leaks of the gym that can be chosen; those with a button come first."""


def meter() -> TruthMeter:
    """Return the meter with the story's presets."""
    presets = [
        {"name": name, "failure": failure, "strength": load(failure).strength.default, "says": says}
        for failure, (name, says) in SAYS.items()
    ]
    return truth_meter(among=FAMILY, presets=presets)


def catalogue_card(widget: TruthMeter) -> View:
    """Return what the catalogue says of the failure that is shown; follows the meter.

    Parameters
    ----------
    widget : TruthMeter
        From `meter`.

    Returns
    -------
    View
        Symptom, mechanism, cure and guard.
    """
    return View(_card, widget)


def _card(widget: Any) -> Shown:
    entry = load(widget.failure)
    control = entry.family == "control"
    guard = "none is needed" if control else entry.guard.replace("_", " ")
    wrong = "; ".join(f"{cure}: {why}" for cure, why in entry.wrong_cures[:2])
    parts = {
        "Looks like": entry.symptom,
        "What happens": ". ".join(entry.mechanism.split(". ")[:2]).rstrip(".") + ".",
        "Does not help": f"{wrong}.",
        "Helps": entry.cure_text,
        "Guard": guard,
    }
    colour = "var(--known)" if control else "var(--leak)"
    head = f'<h4 style="font-size:22px;line-height:28px;color:{colour}">{html.escape(entry.title)}</h4>'
    body = "".join(
        f'<div style="margin-top:16px;font-size:16px"><b>{html.escape(name)}</b><br>{html.escape(text)}</div>'
        for name, text in parts.items()
    )
    words = "\n".join([entry.title, *(f"  {name}: {text}" for name, text in parts.items())])
    return Shown(head + body, words, entry.title)


def family() -> Shown:
    """Show every failure of the leakage family, in both worlds, and the control.

    Returns
    -------
    Shown
        Means over the seasons that were measured, the largest inflation first.
    """
    rows = [
        row
        for row in summary()
        if load(row["failure"]).family == "leakage" or row["failure"] == "scaler_before_split"
    ]
    told = [
        (
            row["failure"].replace("_", " "),
            METRIC[load(row["failure"]).world],
            f"{row['excess_inflation']:+.2f}",
            f"{row['damage']:+.2f}",
            (load(row["failure"]).guard or "none needed").replace("_", " "),
            row["n"],
        )
        for row in sorted(rows, key=lambda row: -row["excess_inflation"])
    ]
    heads = ("failure", "metric", "inflation", "damage", "its guard", "seasons")
    return grid(
        "The whole family, and the control",
        heads,
        told,
        "Inflation: beyond the honest twin's own gap. Damage: what the honest twin got more.",
    )


NOTES: Final = """
**Minute 0.** *Which of these would you fear most: a column exported today, a postcode, a row a week, a feature store,
a scaler?* Show of hands. Write the votes on the wall.

**Minute 1, button 1.** Point at *got* and *could have had*: they are equal. A lie is one thing, a loss another. Then
the dial below: the threshold was to act on a tenth of the members, and hardly anybody is called.

**Minute 2, button 2.** Now both: the claim rises and production falls. Move the strength: the fewer members share a
postcode, the worse.

**Minute 3, button 3.** Press *cured*. Same rows, same forest, split by time with an embargo.

**Minute 4, button 4, then 5.** The point-in-time join leaks a little. The scaler, which had many votes, moves nothing:
its interval lies around zero, and the verdict is *not shown at this size*. Ask what the two have to do with labels.

**Minute 5, button 6.** The hardest one: there is nothing to see. Count the runs. Then scroll down to the family.
"""
