"""Named points at which a failure may put a hand into the pipeline; as they stand, nobody does.

Every failure of the catalogue is a small change at one or two of these points. The stages call
them by name, so that the code that fails is the code that works::

    extract    raw objects ──► feature store
    dataset    observe ► join ► rows ► split ► after_split
    train                                      training ► fit
    serve      online ► score

What was changed is part of every id downstream: a dataset, run or answer that was made with a
failure in it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Step = Callable[["pa.Table", Any], "pa.Table"]
"""Called as ``step(rows, ws)``; returns the rows to go on with."""
Join = Callable[[Any, "pa.Table", str, Any], "pa.Table"]
"""Called as ``join(door, rows, view, ws)`` instead of ``door.as_of(rows, view)``; appends the features."""
Store = Callable[[Any], Any]
"""Called as ``store(ws)``; returns the raw objects of a workspace, as `workbench.profiles.objects` has them."""
Split = Callable[["pa.Table", Any], list[str]]
"""Called as ``split(rows, ws)``; returns train, validation, test or embargo for each row."""
Fit = Callable[["pa.Table", Any, tuple[str, ...]], Any]
"""Called as ``fit(rows, settings, inputs)`` with every row and its split; returns a fitted pipeline."""


def untouched(rows: pa.Table, ws: Any) -> pa.Table:
    """Return the rows as they are."""
    del ws
    return rows


@dataclass(frozen=True, slots=True)
class Seams:
    """Where hands may reach in.

    Attributes
    ----------
    changed : str
        What was changed on purpose, in a few words that name it exactly: two different changes
        must not share one. Empty: nothing.
    observe : Step
        *dataset*: which observations there are, with their times and labels.
    join : Join or None
        *dataset*: how features are joined; None is as of each observation's time.
    rows : Step
        *dataset*: observations with features, before they are split.
    split : Split or None
        *dataset*: who is trained on and who is tested on; None is by time.
    after_split : Step
        *dataset*: rows with their split. What is fitted on training rows alone belongs here.
    inputs : tuple of str
        *dataset*: columns that the model reads besides the world's own.
    training : Step
        *train*: the training rows, before the fit.
    fit : Fit or None
        *train*: what is fitted, and on what; None is the model on the training rows.
    online : Step
        *serve*: what the online store gave back, one row an answer that is due.
    objects : Store or None
        *extract*: the raw objects as whoever makes features anew finds them; None is the workspace's own.
        Asked by hands and guards: what is prepared once for many trials is never touched.
    """

    changed: str = ""
    observe: Step = untouched
    join: Join | None = None
    rows: Step = untouched
    split: Split | None = None
    after_split: Step = untouched
    inputs: tuple[str, ...] = ()
    training: Step = untouched
    fit: Fit | None = None
    online: Step = untouched
    objects: Store | None = None


HONEST = Seams()
"""Nothing is changed."""
