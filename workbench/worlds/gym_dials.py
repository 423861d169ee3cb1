"""The dials of a gym: each says which effect it drives."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Final

from workbench.errors import SettingsError

_RANGES: Final = {
    **dict.fromkeys(("n_members", "n_postcodes"), (1, 999_999)),
    **dict.fromkeys(("chargeback", "partner_share", "quit_visit", "base_dispute", "plan_moves"), (0, 1)),
    **dict.fromkeys(("partner_lag_days", "notice_days"), (0.1, 365)),
    **dict.fromkeys(("frailty", "club_sd", "shock_sd"), (0, 10)),
    "dormant": (0, 0.5),
}


@dataclass(frozen=True, slots=True)
class GymDials:
    """What can be set about a gym, and what each dial drives. As they stand, the gym is honest.

    Attributes
    ----------
    n_members : int
        Members who ever join.
    chargeback : float
        Share of leavers who dispute their last payment; the row carries the payment's own date.
        Drives how much is gained by ignoring known-at, and lost again in production.
    partner_share : float
        Share of members who often train at partner clubs, whose visits are reported late.
    partner_lag_days : float
        Mean delay of those reports. With `partner_share`: how incomplete recent windows are.
    n_postcodes : int
        Postcodes, which have no effect on anything. Drives target encoding before the split.
    notice_days : float
        Mean time from the decision to the cancellation. Drives how well anybody can predict;
        the shorter, the more a window past the cutoff gains.
    quit_visit : float
        What is left of the visits after the decision. With `notice_days`: the early warning.
    b_engage, b_fail, b_ticket : float
        Weight (log odds a week) of low engagement, a failed payment and a complaint.
    base_logit : float
        Log odds a week of a decision to leave, before all else: the base rate.
    frailty, club_sd, shock_sd : float
        Standard deviations, in log odds, of what no column shows: the member's nature, the
        club's, and four-week shocks to a club. They set the ceiling of every model.
    season : float
        Amplitude of the year in visits and decisions: honest drift within the history.
    base_dispute : float
        Disputes a week that have nothing to do with leaving.
    plan_moves : float
        Upgrades and downgrades a week, per member and direction.
    dormant : float
        Share of members who pay and do not come for months: what is missing in the data.
    drift_effect : float
        Log odds that a rival adds for basic and plus members once the history has ended: an
        honest change of the world, which no guard against leakage or skew may blame.
    """

    n_members: int = 3_000
    chargeback: float = 0.45
    partner_share: float = 0.35
    partner_lag_days: float = 9.0
    n_postcodes: int = 700
    notice_days: float = 24.0
    quit_visit: float = 0.10
    b_engage: float = 1.4
    b_fail: float = 1.4
    b_ticket: float = 1.2
    base_logit: float = -4.75
    frailty: float = 0.5
    club_sd: float = 0.25
    shock_sd: float = 0.5
    season: float = 0.30
    base_dispute: float = 0.004
    plan_moves: float = 0.002
    dormant: float = 0.06
    drift_effect: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be a gym."""
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise SettingsError(f"{name}={getattr(self, name)}", hint=f"it goes from {low:g} to {high:g}")


SIZES: Final = {
    "tiny": GymDials(n_members=400),
    "lesson": GymDials(),
    "large": GymDials(n_members=100_000),
}
"""The gym of each size."""


def dials_for(size: str, **changes: Any) -> GymDials:
    """Return the dials of a size, with changes.

    Parameters
    ----------
    size : str
        ``tiny`` (400 members), ``lesson`` (3,000) or ``large`` (100,000).
    **changes : object
        Dials by name.

    Returns
    -------
    GymDials
        Checked.

    Raises
    ------
    SettingsError
        If the size or a dial is unknown, or a value is out of range.
    """
    if size not in SIZES:
        raise SettingsError(f"there is no size {size!r}", hint=f"choose one of: {', '.join(SIZES)}")
    known = [f.name for f in fields(GymDials)]
    for name in changes:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from: {', '.join(known)}"
            raise SettingsError(f"there is no dial {name!r}", hint=hint)
    return replace(SIZES[size], **changes)
