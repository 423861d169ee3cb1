"""The truth meter against scikit-learn, by hand, and by what its words are allowed to say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from workbench.lab.meter import (
    Estimate,
    Judged,
    Score,
    calibration_error,
    estimate,
    replicate_weights,
    replicates_of,
    score_to_rate,
    score_twins,
)
from workbench.lab.trial import decide


def sample(n: int, right: float, *, seed: int, frames: int = 1, prefix: str = "f") -> Judged:
    """Return n fruit of so many frames, graded right with a probability; frames of a fruit agree."""
    rng = np.random.default_rng(seed)
    positive = np.repeat(rng.random(n) < 0.45, frames)
    hit = np.repeat(rng.random(n) < right, frames)
    noise = rng.uniform(0.01, 0.49, n * frames)
    probability = np.where(positive == hit, 0.5 + noise, 0.5 - noise)
    return Judged(tuple(f"{prefix}{i // frames}" for i in range(n * frames)), positive, probability)


@pytest.mark.parametrize("frames", [1, 3])
def test_the_first_replicate_is_the_metric_itself(frames):
    judged = sample(80, 0.8, seed=1, frames=frames)
    weights = replicate_weights(sorted(set(judged.group)))
    said = judged.probability >= 0.5
    assert replicates_of(judged, weights, "accuracy")[0] == pytest.approx(
        accuracy_score(judged.positive, said)
    )
    assert replicates_of(judged, weights, "auc")[0] == pytest.approx(
        roc_auc_score(judged.positive, judged.probability)
    )


def test_the_interval_counts_fruit_and_not_frames():
    one, many = (sample(60, 0.8, seed=2, frames=frames) for frames in (1, 8))
    widths = []
    for judged in (one, many):
        weights = replicate_weights(sorted(set(judged.group)))
        found = estimate(replicates_of(judged, weights, "accuracy"), 60)
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(widths[0], abs=0.02)  # eight frames are not eight fruit
    assert widths[0] == pytest.approx(2 * 1.96 * np.sqrt(0.8 * 0.2 / 60), rel=0.25)


def test_a_flawless_sample_is_not_certain():
    found = estimate(np.ones(100), 16)
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.025 ** (1 / 16))


def test_equal_models_are_never_called_inflated():
    for seed in range(8):
        test, production = (
            sample(60, 0.8, seed=seed, prefix="t"),
            sample(300, 0.8, seed=seed + 50, prefix="p"),
        )
        _, twin = score_twins((test, production), (test, production))
        assert twin.excess_inflation.value == 0
        assert twin.damage.value == 0
        assert twin.verdict == "not shown at this size"


def test_a_large_leak_is_called_inflated_and_its_parts_add_up():
    honest = sample(60, 0.8, seed=1, prefix="t"), sample(300, 0.78, seed=2, prefix="p")
    leaky = sample(60, 0.97, seed=3, prefix="t"), sample(300, 0.6, seed=4, prefix="p")
    one, two = score_twins(honest, leaky)
    assert one.verdict == "the honest twin"
    assert two.verdict == "inflated"
    own_gap = one.claimed.value - one.got.value
    assert two.excess_inflation.value == pytest.approx(two.claimed.value - two.got.value - own_gap)
    assert two.damage.value == pytest.approx(one.got.value - two.got.value)
    assert two.could_have_had == one.got
    assert (two.claimed.n, two.got.n) == (60, 300)


def test_a_flawless_claim_on_few_fruit_does_not_carry_the_word_inflated():
    honest = sample(8, 0.9, seed=1, prefix="t"), sample(40, 0.8, seed=2, prefix="p")
    flawless = sample(8, 1.0, seed=3, prefix="t"), sample(40, 0.75, seed=4, prefix="p")
    assert score_twins(honest, flawless)[1].verdict == "not shown at this size"


def test_the_same_resample_serves_both_so_that_pairs_are_sharper():
    shared = sample(300, 0.75, seed=5, prefix="p")
    test = sample(60, 0.8, seed=6, prefix="t")
    flipped = shared.probability.copy()
    flipped[:6] = 1 - flipped[:6]
    twin = score_twins((test, shared), (test, Judged(shared.group, shared.positive, flipped)))[1]
    assert twin.damage.high - twin.damage.low < 0.5 * (twin.got.high - twin.got.low)


def test_an_estimate_says_its_interval():
    assert str(Estimate(0.834, 0.65, 0.98, 16)) == "0.83 [0.65, 0.98]"
    assert Score("accuracy", Estimate(1, 1, 1, 1), Estimate(1, 1, 1, 1)).verdict == "the honest twin"


def test_probabilities_that_are_shares_have_no_calibration_error():
    rng = np.random.default_rng(4)
    probability = np.repeat([0.05, 0.25, 0.5, 0.75, 0.95], 400)
    groups = tuple(str(i) for i in range(2000))
    right = Judged(groups, rng.random(2000) < probability, probability)
    wrong = Judged(groups, right.positive, np.clip(probability + 0.2, 0, 1))
    weights = np.ones((1, 2000))
    assert calibration_error(right, weights)[0] < 0.03
    # by hand: ten bins of 200, of which two belong to each probability
    halves = [slice(i, i + 200) for i in range(0, 2000, 200)]
    by_hand = np.mean([abs((wrong.probability[h] - wrong.positive[h]).mean()) for h in halves])
    assert calibration_error(wrong, weights)[0] == pytest.approx(by_hand)
    assert by_hand > 0.1


def test_score_to_rate_is_one_where_the_mean_is_right():
    groups = tuple("abcd")
    judged = Judged(groups, np.array([True, False, False, False]), np.full(4, 0.25))
    assert score_to_rate(judged, np.ones((1, 4)))[0] == 1
    assert score_to_rate(judged, np.array([[2.0, 1, 1, 0]]))[0] == pytest.approx(0.5)
    assert np.isnan(score_to_rate(judged, np.array([[0.0, 1, 1, 1]]))[0])


def test_the_decision_dial_has_intervals():
    test, production = sample(200, 0.8, seed=5), sample(300, 0.8, seed=6, prefix="p")
    dial = decide(test, production)
    threshold = np.quantile(test.probability, 0.9)
    assert dial.contacted.value == pytest.approx((production.probability > threshold).mean())
    for found in (dial.contacted, dial.score_to_rate, dial.calibration_error):
        assert found.low <= found.value <= found.high or found is dial.calibration_error
        assert found.n == 300
    assert dial.contacted.low < dial.contacted.high
