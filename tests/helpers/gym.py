"""Small gyms written by hand, and the same features in plain Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from workbench.clock import timestamp_type

T = datetime(2024, 1, 1, tzinfo=UTC)
"""A moment to ask at: Monday, midnight."""
DAY = timedelta(days=1)
FEES = {"basic": 19.9, "plus": 29.9, "premium": 49.9}
_PLAN = {"plan": pa.string(), "monthly_fee": pa.float64()}
_OWN = {
    "members": _PLAN
    | dict.fromkeys(("age", "postcode", "annual"), pa.int64())
    | dict.fromkeys(("channel", "club"), pa.string()),
    "visits": {"partner_club": pa.bool_()},
    "payments": {"amount": pa.float64(), "status": pa.string()},
    "tickets": {"kind": pa.string()},
    "plan_changes": {"previous_plan": pa.string()} | _PLAN,
    "cancellations": {"reason_for_cancellation": pa.string()},
}


def log_of(**rows: list[dict]) -> dict[str, pa.Table]:
    """Return a log: each row has ``at`` and ``late`` (days from `T`; days until recorded)."""
    return {name: _table(name, own, rows.get(name, [])) for name, own in _OWN.items()}


def _table(name: str, own: dict, rows: list[dict]) -> pa.Table:
    schema = pa.schema(
        {"event_id": pa.string(), "item_id": pa.string()}
        | {"event_timestamp": timestamp_type(), "created_timestamp": timestamp_type()}
        | own
    )
    made = []
    for i, row in enumerate(rows):
        at = T + timedelta(days=row["at"])
        times = {"event_timestamp": at, "created_timestamp": at + timedelta(days=row.get("late", 0))}
        made.append({"event_id": f"{name}-{i:03d}", "item_id": "a"} | row | times)
    columns = {field.name: pa.array([row.get(field.name) for row in made], field.type) for field in schema}
    table = pa.table(columns, schema=schema)
    return table.sort_by([("created_timestamp", "ascending"), ("event_id", "ascending")])


def member(item_id: str = "a", at: float = -400, **changes) -> dict:
    """Return a row of ``members``."""
    plain = {"plan": "basic", "monthly_fee": 19.9, "age": 30, "channel": "web", "club": "club-01"}
    return {"item_id": item_id, "at": at, "postcode": 1001, "annual": 0} | plain | changes


def asked(*at: float, item_id: str = "a") -> pa.Table:
    """Return observations of one member, so many days from `T`."""
    times = [T + timedelta(days=days) for days in at]
    return pa.table(
        {
            "row_id": [f"{item_id}@{i}" for i in range(len(times))],
            "item_id": [item_id] * len(times),
            "event_timestamp": pa.array(times, timestamp_type()),
        }
    )


def brute_force(log: dict[str, pa.Table], item_id: str, t: datetime, *, known_at: bool = True) -> dict:
    """Return the features of one member at one time, read off the rows one by one."""
    seen = {name: _seen(table, item_id, t, known_at=known_at) for name, table in log.items()}
    if not seen["members"]:
        return {}
    (who,) = seen["members"]
    moves = sorted(
        seen["plan_changes"], key=lambda r: (r["event_timestamp"], r["created_timestamp"], r["event_id"])
    )
    now = moves[-1] if moves else who
    visits = _since(seen["visits"], t, 90)
    payments = _since(seen["payments"], t, 60)
    times = [r["event_timestamp"] for r in visits]
    paid = [r["amount"] for r in payments if r["status"] == "paid"]
    return {
        "annual": who["annual"],
        "age": who["age"],
        "monthly_fee": now["monthly_fee"],
        "tenure_days": (t - who["event_timestamp"]) / DAY,
        **{f"plan_{plan}": float(now["plan"] == plan) for plan in ("plus", "premium")},
        **{
            f"channel_{c.replace('-', '_')}": float(who["channel"] == c)
            for c in ("friend", "walk-in", "corporate")
        },
        **{f"visits_{days}d": len(_since(visits, t, days)) for days in (7, 30, 90)},
        "days_since_visit": (t - max(times)) / DAY if times else None,
        "evening_share": sum(at.hour >= 17 for at in times) / len(times) if times else None,
        "failed_60d": sum(r["status"] == "failed" for r in payments),
        "disputed_60d": sum(r["status"] == "disputed" for r in payments),
        "paid_60d": sum(round(amount * 100) for amount in paid) / 100,
        "tickets_60d": len(_since(seen["tickets"], t, 60)),
        "club": who["club"],
        "postcode": who["postcode"],
    }


def _seen(table: pa.Table, item_id: str, t: datetime, *, known_at: bool) -> list[dict]:
    rows = [r for r in table.to_pylist() if r["item_id"] == item_id and r["event_timestamp"] <= t]
    return [r for r in rows if r["created_timestamp"] <= t or not known_at]


def _since(rows: list[dict], t: datetime, days: float) -> list[dict]:
    return [r for r in rows if r["event_timestamp"] > t - timedelta(days=days)]
