"""One member of the gym in the lesson on datasets: the rows of the feature job, five joins, and the log behind them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench.lab.bench import prepare as prepared_world
from workbench.lab.lesson import Predict
from workbench.lab.show import Shown, grid
from workbench.lab.timeline import timeline
from workbench.profiles.definitions import VIEW
from workbench.profiles.members import log_of, seen_members
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_jobs import CORRECTED_AFTER

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace
    from workbench.widgets import PitTimeline

DAYS_AFTER: Final = 3
"""The timeline asks on the Thursday after the last Monday."""
FEAST: Final = "Feast, by default"


def gym() -> Workspace:
    """Return a small gym with everything up to its features, made now or before."""
    print("the gym: two years of 400 members, and the features of every Monday", flush=True)  # noqa: T201 (a cell shows it)
    return prepared_world("gym", size="tiny")


def feature_rows(ws: Workspace) -> Path:
    """Return the file in which the feature job of a gym writes: one row a member and Monday, corrections below."""
    return ws.features / VIEW / "feast_features.parquet"


# -- one member -------------------------------------------------------------------------------------------------


def member(ws: Workspace) -> tuple[str, datetime]:
    """Return a leaver whose dispute was dated back, and the Monday on which nobody could know of it.

    Parameters
    ----------
    ws : Workspace
        From `gym`.

    Returns
    -------
    tuple of str and datetime
        The first member, by id, whose last row said 0 disputes, and 1 when it was corrected; the rows
        before it were never corrected, and the dispute was recorded after the Thursday.
    """
    import duckdb
    import pyarrow.parquet as pq

    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("features", pq.read_table(feature_rows(ws)))
        con.register("labelled", seen_members(ws, GymWorld.history_end))
        con.register("payments", log_of(ws)["payments"])
        found = con.sql("""
            WITH mondays AS (
                SELECT item_id, event_timestamp, count(*) AS versions, arg_min(disputed_60d, created_timestamp) AS first,
                       arg_max(disputed_60d, created_timestamp) AS corrected
                FROM features GROUP BY item_id, event_timestamp
            ), members AS (
                SELECT item_id, max(event_timestamp) AS monday, sum(versions - 1) AS corrections, count(*) AS n,
                       arg_max(first, event_timestamp) AS first, arg_max(corrected, event_timestamp) AS corrected
                FROM mondays GROUP BY item_id
            )
            SELECT m.item_id, m.monday FROM members AS m
            JOIN labelled AS l ON l.item_id = m.item_id AND l.event_timestamp = m.monday AND l.label = 'leaves'
            JOIN (SELECT item_id, min(created_timestamp) AS told FROM payments WHERE status = 'disputed' GROUP BY item_id) AS p
                ON p.item_id = m.item_id AND p.told > m.monday + $days * INTERVAL 1 DAY
            WHERE corrections = 1 AND n >= 4 AND first = 0 AND corrected > 0 ORDER BY m.item_id LIMIT 1""",
            params={"days": DAYS_AFTER}).fetchall()  # fmt: skip
    return found[0][0], found[0][1]


def moments(ws: Workspace) -> PitTimeline:
    """Return the timeline of that member's disputed payments, as the feature job wrote them.

    Parameters
    ----------
    ws : Workspace
        From `gym`.

    Returns
    -------
    PitTimeline
        Four Mondays and a correction, five joins.
    """
    import pyarrow.parquet as pq

    from workbench.lab.feast_engine import FeastEngine

    who, monday = member(ws)
    rows = pq.read_table(feature_rows(ws), filters=[("item_id", "=", who)]).sort_by("created_timestamp")
    rows = rows.slice(rows.num_rows - 5)
    start = rows["event_timestamp"][0].as_py()
    values = [
        {"id": f"row {i}", "value": row["disputed_60d"], "event": (row["event_timestamp"] - start).days,
         "known": (row["created_timestamp"] - start).days}
        for i, row in enumerate(rows.to_pylist(), 1)
    ]  # fmt: skip
    at = (monday - start).days + DAYS_AFTER
    return timeline(
        values, at, more={FEAST: FeastEngine()}, end=56.0, step=1.0, presets=_presets(values, at),
        subject=f"disputed payments of {who}",
    )  # fmt: skip


def _presets(values: list[dict[str, Any]], at: int) -> list[dict[str, Any]]:
    late = max(values, key=lambda value: value["known"])
    return [
        {"name": "that Thursday", "observation": at, "says": "The model is asked. Somebody will write the 1 above this Monday, four weeks later."},
        {"name": "a week earlier", "observation": at - 7, "says": "Now the 1 is not even true yet. Only the newest value leaks."},
        {"name": "after the correction", "observation": late["known"] + 2, "says": "Everybody knows by now, and all five agree. Too late for a decision."},
        {"name": "never corrected", "observation": at, "values": [value for value in values if value is not late],
         "says": "A table in which nothing arrives late: the event time alone is enough here."},
    ]  # fmt: skip


def question(widget: PitTimeline) -> Predict:
    """Ask how many of the joins leak, before the timeline is shown."""
    numbers = ("none of the five", "one", "two", "three", "four", "all five")
    n = len(widget.leaks)
    why = {
        numbers[0]: f"These do: {', '.join(widget.leaks)}.",
        numbers[1]: "The newest value is not the only one.",
        numbers[2]: "There is one more: the feature store, as it comes.",
        numbers[n]: f"These: {', '.join(widget.leaks)}.",
    }
    asked = "How many of the five joins answer with something that nobody could know on that Thursday?"
    return Predict(asked, answer=numbers[n], options=numbers, why=why)


def two_times(ws: Workspace) -> Shown:
    """Show what the log has about that member around the Monday, each row with both of its times."""
    who, monday = member(ws)
    log, asked = log_of(ws), monday + timedelta(days=DAYS_AFTER)
    disputed = [row for row in _of(log["payments"], who) if row["status"] == "disputed"]
    told = [
        (monday, monday, "the feature job computes this Monday"),
        (asked, asked, "the model is asked about the member"),
        (monday, monday + CORRECTED_AFTER, "the job corrects this Monday"),
        *((row["event_timestamp"], row["created_timestamp"], "the payment is disputed") for row in disputed),
        *((row["event_timestamp"], row["created_timestamp"], "the member cancels") for row in _of(log["cancellations"], who)),
    ]  # fmt: skip
    day = "%a %d %b %Y, %H:%M"
    rows = [
        (what, f"{event:{day}}", f"{known:{day}}")
        for event, known, what in sorted(told, key=lambda one: one[1])
    ]
    return grid(f"{who}, from the log", ("what", "true since: event time", "recorded: known-at"), rows)


def _of(table: pa.Table, who: str) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    found: list[dict[str, Any]] = table.filter(pc.equal(table["item_id"], who)).to_pylist()
    return found
