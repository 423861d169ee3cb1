"""Unit mismatch: the service says hours where the model was trained on days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.failure import Failure, Strength
from workbench.profiles.gym_hands import answered_otherwise, numbers
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa

HOURS_A_DAY: Final = 24
# The other classic is a fee in cents. Measured on a lesson, seed 0: a logistic regression falls from an AUC of .785
# to .576 and calls nobody at all, so somebody notices; boosting does not move (.796). Hours are quieter: .785 to .779
# for the one, .796 to .779 for the other, while 48 % and 26 % of the members are called instead of 11 %.


def in_hours(share: float) -> Step:
    """Return a step that says the time since the last visit in hours, in a share of the answers."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        del ws
        hours = numbers(rows, "days_since_visit") * HOURS_A_DAY
        return answered_otherwise(rows, {"days_since_visit": hours}, share)

    return step


def inject(strength: float) -> Seams:
    """Let a service that counts hours answer a share `strength` of the requests."""
    return Seams(f"unit_mismatch {strength:g}", online=in_hours(strength))


def cure(strength: float) -> Seams:
    """Serve days."""
    del strength
    return HONEST


FAILURE = Failure(
    name="unit_mismatch",
    family="skew",
    stage="serve",
    world="gym",
    title="The new service sends hours since the last visit. The column is still called days.",
    symptom="Half of the members are above the threshold, and the AUC looks as always.",
    mechanism="Twelve days became 288. A linear model multiplies that by its weight, and everybody looks as if they "
    "had not come for a year. The order among members stays, as all of them moved. While old and new "
    "service answer side by side, the order suffers too: a rank depends on who was asked. Trees ask "
    "only whether a value is above a limit: they are not safe, but they bend less.",
    wrong_cures=(
        ("validate types", "both are floating-point numbers"),
        ("use trees", "a limit at ten days lets every member through who came yesterday, after 24 hours"),
        ("standardise in the service", "then the training has another scale; see refit_scaler"),
    ),
    cure_text="Put the unit into the name, and the possible range into a schema that the service checks.",
    guard="parity",
    limits="It needs pairs. A schema with ranges finds this without pairs, but only where the wrong values are "
    "impossible: hours stay below 90 for those who came in the last days.",
    references=(
        "Sculley et al.: Hidden Technical Debt in Machine Learning Systems, NIPS 2015, "
        "https://proceedings.neurips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("share of the requests that the new service answers", (0.1, 0.5, 1.0), 1.0),
    effect="miscalibrates",
    inject=inject,
    cure=cure,
    guards_too=("schema",),
)
