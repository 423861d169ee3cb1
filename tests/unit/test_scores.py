"""The metrics equal scikit-learn's; the intervals cover what they promise to cover."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from workbench.guards.scores import average_precision, cluster_weights, roc_auc, score

LABELS = ("sound", "bruised")


def draw(seed: int, n_groups: int, n_labels: int = 2) -> tuple[list[str], np.ndarray, list[str]]:
    """Draw groups of 1 to 4 rows; probabilities are rounded, so that there are ties."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), rng.integers(1, 5, n_groups))
    truth = rng.integers(0, n_labels, len(group))
    raw = rng.gamma(1, size=(len(group), n_labels)) + 0.7 * np.eye(n_labels)[truth]
    names = [f"c{k}" for k in range(n_labels)] if n_labels > 2 else list(LABELS)
    share = np.round(raw / raw.sum(axis=1, keepdims=True), 2) + 0.01
    return [names[k] for k in truth], share / share.sum(axis=1, keepdims=True), [f"g{g}" for g in group]


@pytest.mark.parametrize("seed", range(4))
def test_two_classes_equal_sklearn(seed: int) -> None:
    truth, p, groups = draw(seed, 60)
    found = score(truth, p, groups, labels=LABELS, constant="sound").metrics
    positive, said = np.array(truth) == "bruised", p[:, 1] >= 0.5
    said = p.argmax(axis=1) == 1
    assert found["accuracy"].value == pytest.approx(sk.accuracy_score(positive, said))
    assert found["balanced_accuracy"].value == pytest.approx(sk.balanced_accuracy_score(positive, said))
    assert found["roc_auc"].value == pytest.approx(sk.roc_auc_score(positive, p[:, 1]))
    assert found["average_precision"].value == pytest.approx(sk.average_precision_score(positive, p[:, 1]))
    assert found["log_loss"].value == pytest.approx(sk.log_loss(positive, p[:, 1]))
    assert found["base_rate"].value == pytest.approx(positive.mean())
    assert found["constant_accuracy"].value == pytest.approx(1 - positive.mean())


@pytest.mark.parametrize("seed", range(3))
def test_three_classes_equal_sklearn(seed: int) -> None:
    truth, p, groups = draw(seed, 80, 3)
    labels = ("c2", "c0", "c1")  # an order that is not alphabetical
    shuffled = p[:, [2, 0, 1]]
    found = score(truth, shuffled, groups, labels=labels, constant="c0").metrics
    said = np.array(labels)[shuffled.argmax(axis=1)]
    assert found["accuracy"].value == pytest.approx(sk.accuracy_score(truth, said))
    assert found["balanced_accuracy"].value == pytest.approx(sk.balanced_accuracy_score(truth, said))
    assert found["roc_auc"].value == pytest.approx(sk.roc_auc_score(truth, p, multi_class="ovr"))
    one_hot = np.array([[t == c for c in ("c0", "c1", "c2")] for t in truth])
    assert found["average_precision"].value == pytest.approx(sk.average_precision_score(one_hot, p))
    assert found["log_loss"].value == pytest.approx(sk.log_loss(truth, p))


def test_every_replicate_equals_sklearn_with_these_weights() -> None:
    truth, p, groups = draw(7, 40)
    positive = np.array(truth) == "bruised"
    for weights in cluster_weights(groups, 20, seed=3):
        auc, ap = roc_auc(positive, p[:, 1], weights), average_precision(positive, p[:, 1], weights)
        for i, w in enumerate(weights):
            assert auc[i] == pytest.approx(sk.roc_auc_score(positive, p[:, 1], sample_weight=w))
            assert ap[i] == pytest.approx(sk.average_precision_score(positive, p[:, 1], sample_weight=w))


def test_a_group_is_drawn_as_a_whole() -> None:
    groups = ["a", "a", "b", "c", "c", "c"]
    first, *blocks = cluster_weights(groups, 50, seed=1)
    assert (first == 1).all()
    weights = np.concatenate(blocks)
    assert weights.shape == (50, 6)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()  # as many groups as there are
    assert len(np.unique(weights, axis=0)) > 5


def test_blocks_do_not_change_the_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [f"g{i // 3}" for i in range(90)]
    whole = np.concatenate(list(cluster_weights(groups, 40, seed=2)))
    monkeypatch.setattr("workbench.guards.scores._CELLS", 90 * 7)
    blocks = list(cluster_weights(groups, 40, seed=2))
    assert len(blocks) > 3
    np.testing.assert_array_equal(np.concatenate(blocks), whole)


def covered(*, by_group: bool) -> float:
    """Return how often the interval of accuracy holds the true accuracy, 0.8: rows of a group agree."""
    hits = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        right = np.repeat(rng.random(80) < 0.8, 5)
        p = np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])
        groups = [f"g{i // 5 if by_group else i}" for i in range(400)]
        found = score(["sound"] * 400, p, groups, labels=LABELS, constant="sound").metrics["accuracy"]
        hits += found.low <= 0.8 <= found.high
    return hits / 120


def test_the_interval_covers_the_truth_when_groups_are_drawn() -> None:
    assert covered(by_group=True) >= 0.90


def test_drawing_rows_instead_of_groups_would_claim_too_much() -> None:
    """The reason for groups at all: the same data, resampled by row, misses far more often."""
    assert covered(by_group=False) <= 0.75


def test_no_error_at_all_is_not_certainty() -> None:
    p = np.tile([0.9, 0.1], (30, 1))
    found = score(["sound"] * 30, p, [f"g{i // 3}" for i in range(30)], labels=LABELS, constant="sound")
    assert found.n_groups == 10
    assert found.metrics["accuracy"].high == 1
    assert found.metrics["accuracy"].low == pytest.approx(0.6915, abs=1e-4)  # Clopper-Pearson, 10 of 10
    worst = score(["bruised"] * 30, p, [f"g{i // 3}" for i in range(30)], labels=LABELS, constant="sound")
    assert worst.metrics["accuracy"].high == pytest.approx(0.3085, abs=1e-4)


def test_what_is_undefined_is_left_out() -> None:
    """With one class in the split there is no AUC; a number there would be invented."""
    p = np.tile([0.6, 0.4], (6, 1))
    found = score(["sound"] * 6, p, list("aabbcc"), labels=LABELS, constant="sound").metrics
    assert "roc_auc" not in found
    assert "average_precision" not in found
    assert found["log_loss"].value == pytest.approx(-np.log(0.6))


def test_the_seed_decides_the_interval_and_nothing_else() -> None:
    truth, p, groups = draw(1, 50)
    one, same, other = (score(truth, p, groups, labels=LABELS, constant="sound", seed=s) for s in (0, 0, 1))
    assert one == same
    assert one.metrics["accuracy"].value == other.metrics["accuracy"].value
    assert one.metrics["roc_auc"].low != other.metrics["roc_auc"].low
