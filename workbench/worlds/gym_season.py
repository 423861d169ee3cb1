"""Two years of a gym, before anybody looks: who joins, comes, pays, complains and leaves.

Each member has an engagement that wanders from week to week. It drives the visits and, the
other way round, the wish to leave; so do failed payments and complaints. Who has decided to
leave hardly comes any more, and hands in the cancellation about three weeks later: that gap is
what an honest model can see. Every row has two times: when it became true, and when it was
recorded. Most of what goes wrong with this log is a confusion of the two.

Everything follows from the seed and the dials. Chance is drawn per block of members, from a
stream of its own; clubs are shared. ``Generator.normal``, ``gamma`` and ``poisson`` are used,
whose streams numpy may change with a release: tests/unit/test_gym.py notices.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import numpy as np

from workbench.worlds.fruit import rng_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.worlds.gym_dials import GymDials

    Floats: TypeAlias = NDArray[np.floating[Any]]
    Ints: TypeAlias = NDArray[np.int64]
    Columns: TypeAlias = dict[str, NDArray[Any]]

START: Final = datetime(2023, 1, 2, tzinfo=UTC)
"""A Monday; the first week of the log."""
WEEKS: Final = 104
PLANS: Final = ("basic", "plus", "premium")
FEES: Final = np.array([19.9, 29.9, 49.9])
CHANNELS: Final = ("web", "friend", "walk-in", "corporate")
REASONS: Final = ("too_expensive", "moved_away", "not_using_it", "unhappy", "other")
TABLES: Final = ("members", "visits", "payments", "tickets", "plan_changes", "cancellations")
N_CLUBS: Final = 12
_DRIFT_WEEK: Final = 75  # the first whole week after the training job has read its data
_BLOCK: Final = 5_000
_DAY: Final = 24.0
_WEEK: Final = 168.0
_NEVER: Final = -99


def simulate(seed: int, dials: GymDials) -> dict[str, Columns]:
    """Let the members live through all weeks.

    Parameters
    ----------
    seed : int
        Another seed is another gym.
    dials : GymDials
        What is set.

    Returns
    -------
    dict of str to dict of str to numpy.ndarray
        Each of `TABLES` as columns: ``member`` (number), ``event_h`` and ``created_h`` (hours
        since `START`), and its own, categories as their position.
    """
    key = f"gym-{seed}"
    rng = rng_for(key, "clubs")
    clubs = rng.normal(0, dials.club_sd, N_CLUBS)
    moods = clubs[:, None] + rng.normal(0, dials.shock_sd, (N_CLUBS, WEEKS // 4))
    made: dict[str, list[Columns]] = {name: [] for name in TABLES}
    for first in range(0, dials.n_members, _BLOCK):
        block = _Block(rng_for(key, "block", first), dials, moods, min(_BLOCK, dials.n_members - first))
        for name, columns in block.live().items():
            made[name].append(columns | {"member": columns["member"] + first})
    return {name: _stack(parts) for name, parts in made.items()}


def _stack(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


class _People(NamedTuple):
    """What stays as it is, each of shape ``(n,)``."""

    joined_week: Ints
    joined_h: Floats
    weeks_before: Ints
    resolution: NDArray[np.bool_]
    nature: Floats
    club: Ints
    plan: Ints
    age: Ints
    channel: Ints
    postcode: Ints
    annual: Ints
    partner: NDArray[np.bool_]
    zeal: Floats
    bill_day: Ints


def _people(rng: np.random.Generator, dials: GymDials, n: int) -> _People:
    """Draw `n` members: 40 % were there before the log, the others come, most in January and September."""
    week = np.arange(WEEKS - 8) % 52
    rush = 1 + 0.9 * np.exp(-((week - 1) ** 2) / 8) + 0.5 * np.exp(-((week - 36) ** 2) / 8)
    old = rng.random(n) < 0.40
    joined = np.where(old, 0, rng.choice(WEEKS - 8, n, p=rush / rush.sum()))
    before = np.where(old, rng.integers(1, 150, n), 0)
    return _People(
        joined_week=joined,
        joined_h=(joined - before) * _WEEK + rng.integers(0, 7, n) * _DAY + rng.uniform(7, 21, n),
        weeks_before=before,
        resolution=~old & (joined % 52 < 5),
        nature=rng.normal(0, dials.frailty, n),
        club=rng.integers(0, N_CLUBS, n),
        plan=rng.choice(3, n, p=[0.5, 0.35, 0.15]),
        age=np.clip(rng.normal(36, 12, n), 16, 80).round().astype(np.int64),
        channel=rng.choice(4, n, p=[0.45, 0.25, 0.2, 0.1]),
        postcode=rng.integers(0, dials.n_postcodes, n),
        annual=(rng.random(n) < 0.3).astype(np.int64),
        partner=rng.random(n) < dials.partner_share,
        zeal=rng.normal(np.log(1.3), 0.45, n),
        bill_day=rng.integers(0, 7, n),
    )


class _Block:
    """Some thousand members in the same clubs, and what changes about them from week to week."""

    def __init__(self, rng: np.random.Generator, dials: GymDials, moods: Floats, n: int) -> None:
        self.rng, self.dials, self.moods, self.n = rng, dials, moods, n
        self.afterwards = rng.spawn(1)[0]  # of its own: a change late in the log must not move what was early
        self.people = _people(rng, dials, n)
        self.engagement = rng.normal(0.2, 0.7, n)
        self.plan = self.people.plan.copy()
        self.decided_h = np.full(n, np.inf)
        self.gone_h = np.full(n, np.inf)
        self.failed_week, self.complained_week, self.wakes_week = (np.full(n, _NEVER) for _ in range(3))
        self.made: dict[str, list[Columns]] = {name: [] for name in TABLES}

    def live(self) -> dict[str, Columns]:
        """Return the rows of every table after all weeks."""
        self._join()
        for week in range(WEEKS):
            live = (self.people.joined_week <= week) & (week * _WEEK < self.gone_h)
            shake = np.sqrt(1 - 0.95**2) * 0.9 * self.rng.normal(size=self.n)
            self.engagement = 0.95 * self.engagement + shake - 0.012 * self.people.resolution
            self._visit(week, live)
            self._pay(week, live)
            self._complain(week, live)
            self._change_plan(week, live)
            self._decide(week, live)
        return self._ending({name: self._while_member(_stack(self.made[name])) for name in TABLES[:-1]})

    def _add(
        self, table: str, who: Ints, event_h: Floats, created_h: Floats, **columns: NDArray[Any]
    ) -> None:
        self.made[table].append({"member": who, "event_h": event_h, "created_h": created_h, **columns})

    def _while_member(self, rows: Columns) -> Columns:
        """Drop what a member would have done before joining or after leaving."""
        who, when = rows["member"], rows["event_h"]
        kept = (when >= self.people.joined_h[who]) & (when < self.gone_h[who])
        return _only(rows, kept)

    def _join(self) -> None:
        p, at = self.people, self.people.joined_h
        named = {name: getattr(p, name) for name in ("plan", "age", "channel", "club", "postcode", "annual")}
        self._add("members", np.arange(self.n), at, at + self.rng.random(self.n) * 0.1, **named)

    def _visit(self, week: int, live: NDArray[np.bool_]) -> None:
        """Come in the evening or before work; partner clubs report late."""
        p, rng, monday = self.people, self.rng, week * _WEEK
        rate = np.exp(p.zeal + 0.65 * self.engagement + 0.5 * self.dials.season * _january(week))
        rate *= np.where(monday >= self.decided_h, self.dials.quit_visit, 1.0) * (week >= self.wakes_week)
        who = np.repeat(np.arange(self.n), np.where(live, rng.poisson(rate), 0))
        evening = rng.random(who.size) < 0.65
        hour = np.where(evening, rng.normal(18.5, 1.8, who.size), rng.normal(8, 1.5, who.size))
        at = monday + rng.integers(0, 7, who.size) * _DAY + np.clip(hour, 5.5, 23.4)
        away = p.partner[who] & (rng.random(who.size) < 0.7)
        report = rng.gamma(2, self.dials.partner_lag_days / 2 * _DAY, who.size)
        late = np.where(away, report, rng.random(who.size) * 0.05)
        self._add("visits", who, at, at + late, partner_club=away)

    def _pay(self, week: int, live: NDArray[np.bool_]) -> None:
        """Pay every four weeks; now and then it fails, or somebody disputes it a week later."""
        rng, monday = self.rng, week * _WEEK
        who = np.flatnonzero(live & ((week - self.people.joined_week) % 4 == 0))
        failed = rng.random(who.size) < 1 / (1 + np.exp(3.1 + 0.5 * self.engagement[who]))
        self.failed_week[who[failed]] = week
        at = monday + self.people.bill_day[who] * _DAY + 6
        self._add("payments", who, at, at + 1, amount=FEES[self.plan[who]], status=failed.astype(np.int64))
        who = np.flatnonzero(live & (rng.random(self.n) < self.dials.base_dispute))
        at, noticed = monday + rng.random(who.size) * _WEEK, monday + _WEEK + rng.random(who.size) * _DAY
        self._add("payments", who, at, noticed, amount=FEES[self.plan[who]], status=np.full(who.size, 2))

    def _complain(self, week: int, live: NDArray[np.bool_]) -> None:
        who = np.flatnonzero(live & (self.rng.random(self.n) < 0.022 * np.exp(-0.45 * self.engagement)))
        self.complained_week[who] = week
        at = week * _WEEK + self.rng.random(who.size) * _WEEK
        self._add("tickets", who, at, at + 0.2, kind=np.zeros(who.size, np.int64))

    def _change_plan(self, week: int, live: NDArray[np.bool_]) -> None:
        """Move one plan up or down: the engaged rather up. The desk types it in within two days."""
        rng, lean = self.rng, np.exp(0.3 * self.engagement)
        draw = (
            rng.random(self.n) / self.dials.plan_moves if self.dials.plan_moves else np.full(self.n, np.inf)
        )
        step = np.where(draw < lean, 1, np.where(draw < lean + 1 / lean, -1, 0))
        after = np.clip(self.plan + step, 0, 2)
        who = np.flatnonzero(live & np.isinf(self.decided_h) & (after != self.plan))
        at = week * _WEEK + rng.random(who.size) * _WEEK
        late = rng.random(who.size) * 48
        self._add("plan_changes", who, at, at + late, previous_plan=self.plan[who], plan=after[who])
        self.plan[who] = after[who]

    def _decide(self, week: int, live: NDArray[np.bool_]) -> None:
        """Decide to leave, and hand in the cancellation some weeks later; or fall asleep for months."""
        d, rng = self.dials, self.rng
        undecided = live & np.isinf(self.decided_h)
        who = np.flatnonzero(undecided & (rng.random(self.n) < 1 / (1 + np.exp(-self._wish(week)))))
        at = week * _WEEK + rng.random(who.size) * _WEEK
        self.decided_h[who] = np.maximum(at, self.people.joined_h[who])
        self.gone_h[who] = self.decided_h[who] + rng.gamma(1.6, d.notice_days / 1.6 * _DAY, who.size)
        tired = rng.random(self.n) < d.dormant / (1 - d.dormant) / 24  # 24 weeks: how long they sleep
        asleep = np.flatnonzero(undecided & tired & (week >= self.wakes_week))
        self.wakes_week[asleep] = week + 4 + rng.geometric(1 / 20, asleep.size)

    def _wish(self, week: int) -> Floats:
        """Return the log odds that each member decides to leave this week."""
        d, p = self.dials, self.people
        weeks = np.maximum(week - p.joined_week, 0) + p.weeks_before
        wish = d.base_logit - d.b_engage * self.engagement + p.nature + self.moods[p.club, week // 4]
        wish += d.b_fail * (week - self.failed_week < 5) + d.b_ticket * (week - self.complained_week < 5)
        wish += p.annual * (0.9 * (weeks % 52 >= 48) - 0.5) - 0.25 * np.log1p(weeks / 26)
        wish += 0.6 * (week < self.wakes_week) - 0.6 * d.season * _january(week)
        return np.asarray(wish + d.drift_effect * (week >= _DRIFT_WEEK) * (self.plan < 2))

    def _ending(self, rows: dict[str, Columns]) -> dict[str, Columns]:
        """Add what follows a cancellation: the disputed last payment, the exit talk, the reason."""
        rng, n = self.afterwards, self.n
        last = np.full(n, -np.inf)
        np.maximum.at(last, rows["payments"]["member"], rows["payments"]["event_h"])
        left = self.gone_h < WEEKS * _WEEK
        who, gone = np.arange(n), np.where(left, self.gone_h, 0.0)
        disputed = left & np.isfinite(last) & (rng.random(n) < self.dials.chargeback)
        recorded, late = rng.random(n) * _DAY, rng.gamma(2, 3 * _DAY, n)
        talked, begun, written = left & (rng.random(n) < 0.6), rng.random(n) * 30, 30 + rng.random(n)
        reason = rng.choice(5, n, p=[0.3, 0.15, 0.35, 0.15, 0.05])
        amount, status = FEES[self.plan], np.full(n, 2)
        back_dated = _rows(who, np.minimum(last + 2, gone), gone + late, amount=amount, status=status)
        talk = _rows(who, gone + begun, gone + written, kind=np.ones(n, np.int64))
        cancelled = _rows(who, gone, gone + recorded, reason_for_cancellation=reason)
        return rows | {
            "payments": _stack([rows["payments"], _only(back_dated, disputed)]),
            "tickets": _stack([rows["tickets"], _only(talk, talked)]),
            "cancellations": _only(cancelled, left),
        }


def _only(rows: Columns, kept: NDArray[np.bool_]) -> Columns:
    return {name: column[kept] for name, column in rows.items()}


def _rows(who: Ints, event_h: Floats, created_h: Floats, **columns: NDArray[Any]) -> Columns:
    return {"member": who, "event_h": event_h, "created_h": created_h, **columns}


def _january(week: int) -> float:
    """Return +1 at the turn of the year, -1 in July."""
    return float(np.cos(2 * np.pi * (week % 52) / 52))
