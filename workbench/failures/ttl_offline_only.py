"""TTL offline only: what has expired is NULL in training, and served as if it were fresh."""

from __future__ import annotations

from workbench.failure import Failure, Strength
from workbench.profiles.second_store import Setup, join_with, served_by
from workbench.seams import Seams


def inject(strength: float) -> Seams:
    """Give the visits a time to live, and believe that Feast applies it."""
    setup = Setup(ttl_days=strength, only_who_came=True)
    return Seams(f"ttl_offline_only {strength:g}", join=join_with(setup), online=served_by(setup))


def cure(strength: float) -> Seams:
    """Let the service apply the time to live."""
    setup = Setup(ttl_days=strength, only_who_came=True)
    return Seams(
        f"ttl_offline_only {strength:g} cured",
        join=join_with(setup),
        online=served_by(setup, expires=True),
    )


FAILURE = Failure(
    name="ttl_offline_only",
    family="skew",
    stage="serve",
    world="gym",
    title="Who stopped coming in January is served the busy week before, in March.",
    symptom="Members who have stayed away for weeks are called loyal. Offline the model sees them well; the store says "
    "PRESENT for each of them.",
    mechanism="Visits are written when a member comes in, and have a time to live. Offline Feast answers NULL for what "
    "has expired, and the model learns that NULL means: stays away. Online the time to live is not applied. The last "
    "row, of a week in which the member still came, is served for ever.",
    wrong_cures=(
        ("a shorter time to live", "it is applied offline alone: more NULL there, and not one less online"),
        ("look at the status of the answer", "Feast says PRESENT, whatever the age"),
        (
            "impute the NULLs in training",
            "then the model has never seen who stays away, and is still served old weeks",
        ),
    ),
    cure_text="Let the service compare the event time that Feast returns with the same limit, and answer null; or have no "
    "time to live on either side, and the age as a feature.",
    guard="parity",
    limits="It needs a served log. Freshness looks at one time a row, here that of the account, and stays silent: each "
    "view has a time of its own.",
    references=(
        "Feast issue #6821: feature view ttl is not applied on the standard online retrieval path",
        "Feast issue #1802: TTL should apply to online retrieval",
        "Feast issue #4133: feature view's ttl is misleading",
    ),
    strength=Strength("days that visits live", (7, 14, 28), 14, 1, 90),
    effect="damages",
    inject=inject,
    cure=cure,
    family_of_model="boosting",
)
