"""Now in a feature: the clock on the wall is an input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.clock import utc_now
from workbench.failure import Failure, Strength
from workbench.profiles.hands import put
from workbench.seams import HONEST, Seams

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN = "age_s"


def age(rows: pa.Table, ws: Any) -> pa.Table:
    """Add the age of each photo today, in seconds."""
    del ws
    now, name = utc_now(), "feature_timestamp"
    return put(rows, COLUMN, [(now - when).total_seconds() for when in rows[name].to_pylist()])


def inject(strength: float) -> Seams:
    """Compute an age from the clock on the wall."""
    return Seams(f"now_in_a_feature {strength:g}", rows=age, inputs=(COLUMN,), online=age)


def cure(strength: float) -> Seams:
    """Compute ages from the observation time."""
    del strength
    return HONEST


FAILURE = Failure(
    name="now_in_a_feature",
    stage="extract",
    title="The age of a photo is computed with now().",
    symptom="The dataset has another hash each time; a model of last month sees ages it was never trained on.",
    mechanism="now() is when the job ran, not when the decision was due. Scores hardly move at first, which is why nobody looks.",
    wrong_cures=(
        ("compare scores instead of hashes", "scaling hides the shift, until it does not"),
        ("round to days", "then it differs from day to day"),
    ),
    cure_text="Make the cutoff a parameter; every age is computed from the observation time.",
    family="irreproducibility",
    world="packhouse",
    references=(
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    guard="double_run",
    limits="Two runs on one machine: what differs only on another machine, it does not see.",
    strength=Strength("injected or not", (1.0,), 1.0, 1.0, 1.0),
    effect="changes",
    inject=inject,
    cure=cure,
)
