"""The skew scope: both sides of one entity, shapes from the guard, and what the score does."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from workbench.errors import SettingsError
from workbench.lab.skew import skew_scope
from workbench.widgets import SkewScope

OFFLINE = {"a": {"visits": 4, "plan": "yearly"}, "b": {"visits": 9, "plan": None}}
ONLINE = {"b": {"visits": 9, "plan": "none"}, "a": {"visits": 400, "plan": "yearly"}}


def test_the_entity_whose_score_moves_most_is_shown_first():
    scope = SkewScope(
        OFFLINE, ONLINE, shapes={"visits": ("unit", "x 100")}, scores={"a": (0.2, 0.9), "b": (0.3, 0.3)}
    )
    assert (scope.chosen, scope.changed) == ("a", True)
    assert scope.as_text().splitlines() == [
        "[skew scope] item a: offline | online",
        "  visits  4 | 400  differs, unit x 100",
        "  plan    yearly | yearly",
        "  score 0.20 | 0.90: accept becomes reject",
    ]
    scope.chosen = "b"
    assert scope.changed is False
    assert "plan    null | none  differs" in scope.as_text()
    assert [feature["share"] for feature in scope.features] == [0.5, 0.5]


def test_without_scores_nothing_is_said_about_them():
    scope = SkewScope(OFFLINE, ONLINE)
    assert scope.changed is None
    assert "score" not in scope.as_text()


def test_the_dust_of_floats_is_no_difference_and_a_time_is_a_text():
    at = datetime(2025, 9, 1, tzinfo=UTC)
    scope = SkewScope({"a": {"x": 0.1 + 0.2, "at": at}}, {"a": {"x": 0.3, "at": at}})
    assert [cell["differs"] for cell in scope.shown["cells"]] == [False, False]
    assert scope.shown["cells"][1]["offline"] is None
    assert scope.shown["cells"][1]["texts"][0].startswith("2025-09-01")


def test_what_is_not_there_is_refused():
    with pytest.raises(SettingsError, match="no entity is on both sides"):
        SkewScope({"a": {}}, {"b": {}})
    with pytest.raises(SettingsError, match="there is no item 'z'"):
        SkewScope(OFFLINE, ONLINE, chosen="z")
    with pytest.raises(SettingsError, match="b has no feature 'plan'"):
        SkewScope(OFFLINE, ONLINE | {"b": {"visits": 9}})


def test_the_guard_names_the_shapes_and_the_model_gives_the_scores():
    n = 60
    offline = pa.table(
        {
            "item_id": [f"i{i}" for i in range(n)],
            "grams": [100.0 + i * i for i in range(n)],
            "same": [*range(n)],
        }
    )
    online = offline.set_column(1, "grams", pa.array([(100.0 + i * i) / 1000 for i in range(n)]))
    scope = skew_scope(
        offline, online, score=lambda table: [float(g > 150) for g in table["grams"].to_pylist()], most=10
    )
    by_name = {feature["name"]: feature for feature in scope.features}
    assert by_name["grams"]["shape"] == "unit"
    assert "1000" in by_name["grams"]["detail"]
    assert (by_name["grams"]["share"], by_name["same"]["share"]) == (1.0, 0.0)
    assert len(scope.entities) == 10
    assert scope.changed
    assert scope.shown["score"] == [1.0, 0.0]
