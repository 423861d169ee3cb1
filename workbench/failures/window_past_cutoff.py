"""Window past the cutoff: the features of a Monday count a few days of the week that is to be predicted."""

from __future__ import annotations

from workbench.failure import Failure, Strength
from workbench.profiles.gym_hands import join_computed
from workbench.seams import HONEST, Seams


def inject(strength: float) -> Seams:
    """Compute every window up to `strength` days after the observation."""
    return Seams(f"window_past_cutoff {strength:g}", join=join_computed(shift_days=strength))


def cure(strength: float) -> Seams:
    """End every window at the observation."""
    del strength
    return HONEST


FAILURE = Failure(
    name="window_past_cutoff",
    family="leakage",
    stage="dataset",
    world="gym",
    title="The features of March were computed for 'this month', some days into April.",
    symptom="A small, welcome gain. No column towers over the others, and every chart looks right.",
    mechanism="A member who decides to leave stops coming. Some days after the cutoff that shows: visits fall, "
    "failed payments appear. The windows reach into the very time whose outcome is asked for. In production "
    "those days have not happened yet.",
    wrong_cures=(
        ("look at feature importance", "no column stands out: each window has moved by the same few days"),
        ("split by time with an embargo", "each row brings its own future along, on both sides of the split"),
    ),
    cure_text="Windows are half open, (t - w, t], and only what was recorded by t counts. Test it with a log that ends at t.",
    guard="truncation",
    limits="It needs the feature code and the log with known-at; a finished table alone does not show it.",
    references=(
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("days that the windows reach past the cutoff", (1, 3, 7), 7, 0.5, 30),
    effect="inflates",
    inject=inject,
    cure=cure,
    guards_too=("parity",),
    grows=True,
    family_of_model="boosting",
)
