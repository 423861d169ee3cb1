"""Feast as it comes, on three rows: for the sixth lesson."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from workbench.lab.show import Shown, grid
from workbench.profiles.feast_exhibit import DAY, MONDAY, WEEK, Exhibit


def exhibit() -> Shown:
    """Ask Feast about one member three times, on both sides.

    Returns
    -------
    Shown
        What was done, what training reads, and what the service is given.
    """
    wrong, right = ("one", MONDAY, MONDAY, 1.0), ("one", MONDAY, MONDAY + 2 * DAY, 7.0)
    with tempfile.TemporaryDirectory() as folder:
        old = Exhibit(Path(folder), [("one", MONDAY - 3 * WEEK, MONDAY - 3 * WEEK, 2.0)], ttl=WEEK)
        old.fill(MONDAY - 4 * WEEK, MONDAY + DAY)
        lines = [
            ("a row of three weeks ago; time to live: 7 days", old.offline("one", MONDAY), old.online("one"))
        ]
    with tempfile.TemporaryDirectory() as folder:
        late = Exhibit(Path(folder), [wrong])
        late.fill(MONDAY - WEEK, MONDAY + timedelta(hours=1))
        late.write([wrong, right])
        late.fill_on(MONDAY + WEEK)
        said = "1 visit is corrected to 7 on Wednesday; filled by increments"
        lines.append((said, late.offline("one", MONDAY + WEEK), late.online("one")))
        late.fill(MONDAY - WEEK, MONDAY + WEEK)
        lines.append(
            ("the same, filled with the whole span", late.offline("one", MONDAY + WEEK), late.online("one"))
        )
    return grid(
        "Feast itself, DuckDB offline and sqlite online", ("what was done", "offline", "online"), lines
    )
