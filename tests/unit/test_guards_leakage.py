"""Guards that look for the label where it should not be: one column, the time, a shuffled pipeline."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from workbench.clock import timestamp_type
from workbench.errors import GuardError
from workbench.guards import cutoff_tells_label, label_shuffle, solo_feature

START = datetime(2025, 1, 6, tzinfo=UTC)


def table(
    seed: int = 0, n: int = 400, base_rate: float = 0.3, **columns: object
) -> tuple[pa.Table, np.ndarray]:
    """Return noise of several kinds with a label, and whether each row is positive."""
    dice = np.random.default_rng(seed)
    y = dice.random(n) < base_rate
    noise = {
        "number": pa.array(dice.normal(size=n), pa.float32()),
        "holes": np.where(dice.random(n) < 0.3, np.nan, dice.normal(size=n)),
        "category": dice.choice(["north", "south", "west"], n),
        "constant": np.zeros(n),
        "nothing": pa.nulls(n),
        "endless": np.where(dice.random(n) < 0.2, np.inf, dice.normal(size=n)),
        "row_id": [f"row-{i}" for i in dice.permutation(n)],
        "event_timestamp": pa.array(
            [START + timedelta(hours=int(h)) for h in dice.integers(0, 9000, n)], timestamp_type()
        ),
        "label": np.where(y, "leaves", "stays"),
    }
    return pa.table(noise), y


def solo(rows: pa.Table, **options: object):
    return solo_feature.check(solo_feature.measure(rows, positive="leaves", **options))


# -- solo_feature --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_noise_of_every_kind_is_silent(seed):
    finding = solo(table(seed)[0])
    assert finding.fired is False
    assert finding.evidence.n == 8
    assert finding.evidence.facts["auc"]["constant"] == 0.5
    assert finding.evidence.facts["auc"]["nothing"] == 0.5
    assert finding.evidence.facts["z"]["nothing"] == 0
    json.dumps(finding.to_dict(), default=str, allow_nan=False)


@pytest.mark.parametrize(
    "oracle",
    [
        lambda y, dice: y,
        lambda y, dice: pa.array(y * 1.0, pa.float32()),
        lambda y, dice: np.where(y, np.inf, dice.normal(size=len(y))),
        lambda y, dice: pa.array([dice.choice(["moved", "price"]) if v else None for v in y]),
        lambda y, dice: pa.array(
            [dice.choice(["moved", "price"]) if v else "none" for v in y]
        ).dictionary_encode(),
        lambda y, dice: pa.array([None if v else 1.0 for v in y], pa.float64()),
        lambda y, dice: [f"{'cat' if v else 'dog'}_{i:04}" for i, v in enumerate(y)],
        lambda y, dice: pa.array([START if v else None for v in y], timestamp_type()),
    ],
    ids=["boolean", "float32", "infinity", "text", "dictionary", "emptiness", "file name", "closing time"],
)
def test_a_column_that_knows_the_label_is_named(oracle):
    rows, y = table()
    finding = solo(rows.append_column("oracle", pa.array(oracle(y, np.random.default_rng(9)))))
    assert finding.fired
    assert finding.evidence.columns[0] == "oracle"
    assert finding.evidence.offenders["column"][0].as_py() == "oracle"
    assert "'oracle' alone tells the label" in finding.sentence


def test_ids_of_a_table_sorted_by_label_are_no_oracle():
    rows, y = table(n=1000)
    rows = rows.take(pa.array(np.argsort(~y, kind="stable")))
    assert solo(rows, columns=["row_id"]).fired is False


def test_an_entity_recognised_by_its_constants_is_no_oracle_once_groups_are_named():
    dice = np.random.default_rng(3)
    who = dice.integers(0, 40, 1000)
    rows = pa.table(
        {
            "age": dice.normal(size=40)[who],
            "item_id": [f"m{i}" for i in who],
            "label": np.where((np.arange(40) < 15)[who], "leaves", "stays"),
        }
    )
    assert solo(rows, columns=["age"]).fired
    assert solo(rows, group="item_id").fired is False
    leaky = rows.append_column(
        "reason", pa.array(np.where(np.array(rows["label"]) == "leaves", "moved", "none"))
    )
    assert solo(leaky, group="item_id").evidence.columns[0] == "reason"


def test_lists_are_left_out_and_named():
    rows, _ = table()
    rows = rows.append_column("embedding", pa.array([[1.0, 2.0]] * rows.num_rows))
    assert solo(rows).evidence.facts["left_out"] == {"embedding": "list<item: double>"}
    with pytest.raises(GuardError, match="none of 1 columns can be looked at"):
        solo(rows, columns=["embedding"])


def test_a_large_table_is_sampled_the_same_way_each_time():
    dice = np.random.default_rng(0)
    y = dice.random(60_000) < 0.4
    rows = pa.table({"x": dice.normal(size=60_000) + y, "label": np.where(y, "leaves", "stays")})
    once, twice = (solo_feature.measure(rows, positive="leaves", seed=5) for _ in range(2))
    assert once.facts == twice.facts
    assert once.facts["rows_sampled"] == 20_000
    assert once.facts["rows_labelled"] == 60_000
    assert once.value == pytest.approx(0.76, abs=0.02)  # two normals one sd apart


def test_rare_positives_are_enough_and_too_few_are_refused():
    y = np.arange(5000) < 12
    rows = pa.table(
        {"x": y, "noise": np.random.default_rng(0).normal(size=5000), "label": np.where(y, "leaves", "stays")}
    )
    assert solo(rows).fired
    with pytest.raises(GuardError, match="needs at least 10"):
        solo(rows.slice(3))
    with pytest.raises(GuardError, match="there is no column 'colour'"):
        solo(rows, columns=["colour"])
    with pytest.raises(GuardError, match="no rows"):
        solo(rows.slice(0, 0))


def test_chance_in_a_small_table_does_not_fire_though_the_threshold_is_passed():
    # A threshold that noise of 40 rows passes: the second condition holds it back.
    rows, _ = table(seed=1, n=60, base_rate=0.5)
    evidence = solo_feature.measure(rows, positive="leaves")
    assert evidence.value > 0.55
    finding = solo_feature.check(evidence, threshold=0.55)
    assert finding.fired is False
    assert "chance alone can do that" in finding.sentence


# -- cutoff_tells_label ----------------------------------------------------------------------------------------------


def test_observations_anchored_on_the_outcome():
    rows, y = table()
    clean = cutoff_tells_label.check(cutoff_tells_label.measure(rows, positive="leaves"))
    assert clean.fired is False
    dice = np.random.default_rng(1)
    today = START + timedelta(days=365)
    when = [
        START + timedelta(days=int(d)) if v else today
        for d, v in zip(dice.integers(0, 360, len(y)), y, strict=True)
    ]
    anchored = rows.set_column(
        rows.column_names.index("event_timestamp"), "event_timestamp", pa.array(when, timestamp_type())
    )
    finding = cutoff_tells_label.check(cutoff_tells_label.measure(anchored, positive="leaves"))
    assert finding.fired
    assert finding.evidence.value > 0.99
    worst = finding.evidence.offenders.to_pylist()[0]
    assert worst["positive_share"] in {0.0, 1.0}
    assert sum(finding.evidence.offenders["rows"].to_pylist()) == len(y)


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ns"), pa.timestamp("s", "Asia/Tokyo"), pa.date32(), pa.int64(), pa.float32()]
)
def test_any_column_that_grows_with_time_will_do(kind):
    days = np.arange(200)
    when = [None, *days[1:].tolist()]
    stamps = pa.array([v if v is None else v * 86_400 for v in when], pa.timestamp("s"))
    time = (
        pa.array(when, kind)
        if not pa.types.is_timestamp(kind) and not pa.types.is_date(kind)
        else stamps.cast(kind, safe=False)
    )
    evidence = cutoff_tells_label.measure(
        pa.table({"t": time, "label": (days % 2).tolist()}), time="t", positive=1
    )
    assert evidence.facts["rows_without_time"] == 1
    assert evidence.n == 199
    assert not cutoff_tells_label.check(evidence).fired


def test_one_moment_for_all_tells_nothing():
    rows, y = table()
    rows = pa.table({"event_timestamp": pa.array([START] * len(y), timestamp_type()), "label": rows["label"]})
    evidence = cutoff_tells_label.measure(rows, positive="leaves")
    assert evidence.value == 0.5
    assert evidence.offenders.num_rows == 1


def test_a_text_is_no_time():
    rows = pa.table({"event_timestamp": ["2025-01-01"] * 40, "label": ["leaves", "stays"] * 20})
    with pytest.raises(GuardError, match="is string, not a time"):
        cutoff_tells_label.measure(rows, positive="leaves")


def test_a_burst_is_recognised_unless_groups_are_named():
    dice = np.random.default_rng(0)
    who = np.repeat(np.arange(100), 10)
    rows = pa.table(
        {
            "event_timestamp": pa.array(
                (dice.permutation(100)[who] * 3600 + np.arange(1000) % 10) * 10**6, timestamp_type()
            ),
            "group": who,
            "label": np.where((dice.random(100) < 0.3)[who], "leaves", "stays"),
        }
    )
    assert cutoff_tells_label.check(cutoff_tells_label.measure(rows, positive="leaves")).fired
    assert not cutoff_tells_label.check(
        cutoff_tells_label.measure(rows, positive="leaves", group="group")
    ).fired


# -- label_shuffle -------------------------------------------------------------------------------------------------


def pipeline(*, select_before_split: bool):
    """Return noise with labels, and a pipeline that keeps the columns that fit best."""
    from sklearn.linear_model import LogisticRegression

    dice = np.random.default_rng(4)
    x, labels = dice.normal(size=(240, 400)), dice.random(240) < 0.4
    test = np.arange(240) >= 140

    def rerun(y):
        seen = np.ones(240, bool) if select_before_split else ~test
        gap = np.abs(x[seen & y].mean(axis=0) - x[seen & ~y].mean(axis=0))
        best = np.argsort(-gap)[:20]
        model = LogisticRegression().fit(x[~test][:, best], y[~test])
        return y[test], model.decision_function(x[test][:, best])

    return rerun, labels


def test_selection_before_the_split_predicts_shuffled_labels():
    rerun, labels = pipeline(select_before_split=True)
    finding = label_shuffle.check(label_shuffle.measure(rerun, labels))
    assert finding.fired
    rerun, labels = pipeline(select_before_split=False)
    cured = label_shuffle.check(label_shuffle.measure(rerun, labels, repeats=4))
    assert cured.fired is False
    assert cured.evidence.n == 400
    assert cured.evidence.offenders.num_rows == 4


def test_repeats_add_up():
    y = np.array([True] * 20 + [False] * 20)

    def weak(labels):
        return labels, labels + np.random.default_rng(0).normal(size=40) * 2

    once, four = (label_shuffle.measure(weak, y, repeats=n) for n in (1, 4))
    each = four.offenders["z"].to_pylist()
    assert four.value == pytest.approx(sum(each) / 2)
    assert each == sorted(each, reverse=True)
    assert once.value in each


def test_the_same_score_for_all_is_chance():
    evidence = label_shuffle.measure(lambda y: (y, np.zeros(40)), [True, False] * 20)
    assert (evidence.value, evidence.facts["auc"]) == (0.0, 0.5)


@pytest.mark.parametrize(
    ("rerun", "labels", "message"),
    [
        (lambda y: (y, y), ["yes", "no"] * 20, "not true and false"),
        (lambda y: (y, y), [True] * 40, "one class"),
        (lambda y: (y, y), [], "one class"),
        (lambda y: (y[:5], y[:5]), [True, False] * 20, "test rows are positive"),
        (lambda y: (y, y[:-1]), [True, False] * 20, "39,"),
        (lambda y: (y, np.full(40, np.nan)), [True, False] * 20, "40 scores are NaN"),
        (lambda y: (np.where(y, "yes", "no"), y), [True, False] * 20, "not true and false"),
    ],
)
def test_answers_without_an_auc_are_refused(rerun, labels, message):
    with pytest.raises(GuardError, match=message):
        label_shuffle.measure(rerun, labels)
