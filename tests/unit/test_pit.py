"""The point-in-time join, by examples: one fruit, a few photos, one question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench import pit
from workbench.clock import timestamp_type
from workbench.errors import PointInTimeError

if TYPE_CHECKING:
    from pathlib import Path

RULE = pit.Rule(keys=["item_id"], columns=["colour"])
FACTS = ["item_id", "event_timestamp", "created_timestamp", "colour"]


def at(hour: float) -> datetime:
    return datetime(2025, 9, 1, tzinfo=UTC) + timedelta(hours=hour)


def times(hours: list[float | None]) -> pa.Array:
    return pa.array([None if h is None else at(h) for h in hours], timestamp_type())


def history(*rows: tuple[str | None, float | None, float | None, str | None]) -> pa.Table:
    """Rows of (item, hour it became true, hour it was recorded, value)."""
    items, event, known, values = zip(*rows, strict=True) if rows else ([], [], [], [])
    columns = [
        pa.array(items, pa.string()),
        times(list(event)),
        times(list(known)),
        pa.array(values, pa.string()),
    ]
    return pa.table(columns, FACTS)


def ask(*questions: tuple[str | None, float | None]) -> pa.Table:
    """Questions of (item, hour)."""
    items, hours = zip(*questions, strict=True) if questions else ([], [])
    return pa.table([pa.array(items, pa.string()), times(list(hours))], ["item_id", "event_timestamp"])


def colours(questions: pa.Table, facts: pa.Table, rule: pit.Rule = RULE) -> list[Any]:
    answer = pit.as_of(questions, facts, rule)["colour"].to_pylist()
    positions = pit.brute_force(questions.to_pylist(), facts.to_pylist(), rule)
    assert answer == [None if p is None else facts["colour"][p].as_py() for p in positions], (
        "the oracle differs"
    )
    return answer


def test_the_newest_value_before_the_question_answers() -> None:
    facts = history(("a", 1, 1, "green"), ("a", 5, 5, "yellow"), ("a", 9, 9, "brown"))
    assert colours(ask(("a", 6)), facts) == ["yellow"]


def test_a_value_of_the_very_moment_counts() -> None:
    facts = history(("a", 1, 1, "green"), ("a", 5, 5, "yellow"))
    assert colours(ask(("a", 5), ("a", 4.999)), facts) == ["yellow", "green"]


def test_nothing_was_known_before_the_first_value() -> None:
    assert colours(ask(("a", 0), ("b", 9)), history(("a", 1, 1, "green"))) == [None, None]


def test_a_late_arrival_counts_from_its_arrival_on() -> None:
    facts = history(("a", 1, 1, "green"), ("a", 5, 48, "brown, said the bench two days later"))
    assert colours(ask(("a", 6), ("a", 48)), facts) == ["green", "brown, said the bench two days later"]


def test_without_waiting_the_late_arrival_leaks() -> None:
    facts = history(("a", 1, 1, "green"), ("a", 5, 48, "brown"))
    leaky = pit.Rule(keys=["item_id"], columns=["colour"], wait_until_known=False)
    assert colours(ask(("a", 6)), facts, leaky) == ["brown"]


def test_an_old_event_that_arrives_last_does_not_win() -> None:
    facts = history(("a", 5, 5, "yellow"), ("a", 1, 7, "green"))
    assert colours(ask(("a", 8)), facts) == ["yellow"]


def test_an_announcement_waits_for_its_event() -> None:
    facts = history(("a", 1, 1, "green"), ("a", 10, 2, "announced at 2 for 10"))
    assert colours(ask(("a", 9), ("a", 10)), facts) == ["green", "announced at 2 for 10"]


def test_a_correction_wins_over_what_it_corrects() -> None:
    facts = history(("a", 1, 4, "corrected"), ("a", 1, 2, "first"))
    assert colours(ask(("a", 3), ("a", 5)), facts) == ["first", "corrected"]


def test_of_complete_ties_the_last_row_wins() -> None:
    facts = history(("a", 1, 1, "first row"), ("a", 1, 1, "last row"))
    assert colours(ask(("a", 2)), facts) == ["last row"]


def test_an_answer_as_old_as_the_ttl_still_counts() -> None:
    facts, rule = history(("a", 1, 1, "green")), pit.Rule(["item_id"], ["colour"], ttl=timedelta(hours=2))
    just_too_late = ask(("a", 3)).set_column(
        1, "event_timestamp", pa.array([at(3) + timedelta(microseconds=1)], timestamp_type())
    )
    assert colours(ask(("a", 3)), facts, rule) == ["green"]
    assert colours(just_too_late, facts, rule) == [None]


def test_an_expired_answer_hides_no_younger_one() -> None:
    facts = history(("a", 1, 9, "old news"), ("a", 8, 8, "young"))
    assert colours(ask(("a", 10)), facts, pit.Rule(["item_id"], ["colour"], ttl=timedelta(hours=3))) == [
        "young"
    ]


def test_a_null_is_an_answer() -> None:
    facts = history(("a", 1, 1, "green"), ("a", 2, 2, None))
    assert colours(ask(("a", 3)), facts) == [None]
    assert pit.which(ask(("a", 3)), facts, RULE).to_pylist() == [1]


def test_nulls_in_keys_and_times_match_nothing() -> None:
    facts = history((None, 1, 1, "nobody's"), ("a", None, 1, "never true"), ("a", 1, None, "never recorded"))
    assert colours(ask((None, 9), ("a", 9), ("a", None)), facts) == [None, None, None]


def test_a_row_nobody_dated_loses_ties_when_known_at_only_breaks_them() -> None:
    facts = history(("a", 1, 1, "dated"), ("a", 1, None, "undated"))
    assert colours(ask(("a", 2)), facts, pit.Rule(["item_id"], ["colour"], wait_until_known=False)) == [
        "dated"
    ]


def test_a_history_without_known_at() -> None:
    facts = history(("a", 1, 99, "green"), ("a", 2, 99, "yellow")).drop_columns("created_timestamp")
    assert colours(ask(("a", 3)), facts, pit.Rule(["item_id"], ["colour"], known_at=None)) == ["yellow"]


def test_several_keys_and_other_names() -> None:
    facts = history(("a", 1, 1, "green"), ("a", 2, 2, "red")).append_column(
        "line", pa.array(["north", "south"])
    )
    rule = pit.Rule(
        keys={"fruit": "item_id", "belt": "line"}, columns={"seen": "colour", "when": "event_timestamp"}
    )
    asked = ask(("a", 9), ("a", 9)).rename_columns(["fruit", "event_timestamp"])
    asked = asked.append_column("belt", pa.array(["north", "west"]))
    found = pit.as_of(asked, facts, rule)
    assert found.select(["seen", "when"]).to_pylist() == [
        {"seen": "green", "when": at(1)},
        {"seen": None, "when": None},
    ]


def test_without_keys_every_row_is_about_every_question() -> None:
    facts = history(("lamp", 1, 1, "bright"), (None, 5, 5, "dim"))
    assert colours(ask(("a", 2), (None, 6)), facts, pit.Rule(keys=[], columns=["colour"])) == [
        "bright",
        "dim",
    ]


def test_rows_stay_in_place_and_keep_their_other_columns() -> None:
    facts = history(("a", 1, 1, "green"), ("b", 1, 1, "red"))
    asked = ask(("b", 3), ("a", 2), ("b", 0), ("a", 2)).append_column("row_id", pa.array([9, 3, 7, 3]))
    found = pit.as_of(asked, facts, RULE)
    assert found.drop_columns("colour").equals(asked)
    assert found["colour"].to_pylist() == ["red", "green", None, "green"]


def test_empty_tables() -> None:
    assert pit.as_of(ask(), history(("a", 1, 1, "green")), RULE).num_rows == 0
    assert colours(ask(("a", 1)), history()) == [None]
    assert pit.as_of(ask(), history(), RULE).schema.names == ["item_id", "event_timestamp", "colour"]


def test_latest_answers_from_the_future() -> None:
    facts = history(("a", 1, 1, "green"), ("a", 5, 5, "yellow"), ("a", 9, 9, "brown"))
    asked = ask(("a", 2))
    found = pit.latest(asked, facts, RULE, now=at(100))
    assert found["colour"].to_pylist() == ["brown"]
    assert found["event_timestamp"].equals(asked["event_timestamp"])
    assert pit.latest(asked, facts, RULE, now=at(6))["colour"].to_pylist() == ["yellow"]


@pytest.fixture
def photos() -> pa.Table:
    """Embeddings beside the colour, of a type of their own."""
    facts = history(*((f"i{n % 3}", n, n + 0.5, f"colour {n}") for n in range(12)))
    vectors = pa.array([[float(n)] * 4 for n in range(12)], pa.list_(pa.float32()))
    return facts.append_column("embedding", vectors)


@pytest.mark.parametrize("n_files", [1, 3])
def test_files_answer_as_the_table_does(photos: pa.Table, n_files: int, tmp_path: Path) -> None:
    folder = tmp_path / "it's [odd] *"
    folder.mkdir()
    (folder / ".part-9.parquet.tmp").write_bytes(b"half a file of a killed process")
    size = photos.num_rows // n_files
    for n in range(n_files):
        pq.write_table(photos.slice(n * size, size), folder / f"part-{n}.parquet", row_group_size=3)
    rule = pit.Rule(["item_id"], {"vector": "embedding", "twice": "embedding", "seen_at": "event_timestamp"})
    asked = ask(("i2", 11), ("i0", 3), ("nobody", 9), ("i0", 3), ("i1", 99))
    from_files = pit.as_of(asked, folder if n_files > 1 else str(folder / "part-0.parquet"), rule)
    assert from_files.equals(pit.as_of(asked, photos, rule))
    assert from_files.schema.field("vector").type == pa.list_(pa.float32())
    assert pit.which(asked, folder, rule).to_pylist() == pit.which(asked, photos, rule).to_pylist()


def test_the_shown_sql_says_the_rule() -> None:
    shown = pit.sql(RULE)
    assert 'greatest("event_timestamp", "created_timestamp") AS usable_at' in shown
    assert 'ASOF LEFT JOIN best AS b ON o."item_id" = b.key_0 AND o."event_timestamp" >= b.usable_at' in shown
    assert "greatest" not in pit.sql(pit.Rule(["item_id"], ["colour"], wait_until_known=False))


def test_names_are_quoted() -> None:
    odd = 'a "quoted"; DROP TABLE history; --'
    facts = history(("a", 1, 1, "green")).rename_columns([odd, *FACTS[1:]])
    asked = ask(("a", 2)).rename_columns([odd, "event_timestamp"])
    assert pit.as_of(asked, facts, pit.Rule([odd], ["colour"]))["colour"].to_pylist() == ["green"]


# -- refused ---------------------------------------------------------------------------------

FACT = history(("a", 1, 1, "green"))
QUESTION = ask(("a", 2))


def _with_times(table: pa.Table, name: str, kind: pa.DataType) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array([1], pa.int64()).cast(kind))


@pytest.mark.parametrize(
    ("asked", "facts", "rule", "message"),
    [
        (QUESTION, FACT, pit.Rule(["fruit"], ["colour"]), "observations have no column 'fruit'"),
        (QUESTION, FACT, pit.Rule({"item_id": "fruit"}, ["colour"]), "history have no column 'fruit'"),
        (QUESTION, FACT, pit.Rule(["item_id"], ["smell"]), "no column 'smell'"),
        (QUESTION, FACT, pit.Rule(["item_id"], ["colour"], event_time="when"), "no column 'when'"),
        (QUESTION, FACT, pit.Rule(["item_id"], ["colour"], observation_time="when"), "no column 'when'"),
        (QUESTION, FACT, pit.Rule(["item_id"], ["event_timestamp"]), "'event_timestamp' twice"),
        (QUESTION, FACT, pit.Rule(["item_id"], {"__row": "colour"}), "'__row'"),
        (QUESTION, FACT, pit.Rule(["item_id"], ["colour"], ttl=timedelta(-1)), "keeps nothing"),
        (QUESTION, FACT, pit.Rule(["item_id"], ["colour"], event_time="colour"), "not a timestamp"),
        (
            _with_times(QUESTION, "event_timestamp", pa.timestamp("us")),
            FACT,
            RULE,
            "'event_timestamp' have no time zone",
        ),
        (QUESTION, _with_times(FACT, "created_timestamp", pa.timestamp("us")), RULE, "no time zone"),
        (
            QUESTION,
            _with_times(FACT, "event_timestamp", pa.timestamp("ns", "UTC")),
            RULE,
            "below a microsecond",
        ),
        (
            QUESTION.set_column(0, "item_id", pa.array([1])),
            FACT,
            RULE,
            "is integer in the observations, 'item_id' is text",
        ),
        (QUESTION, FACT.append_column("COLOUR", FACT["colour"]), RULE, "second column like 'colour'"),
        (QUESTION, "no/such/file.parquet", RULE, "no history at"),
    ],
)
def test_what_cannot_be_joined_is_refused(asked: pa.Table, facts: Any, rule: pit.Rule, message: str) -> None:
    with pytest.raises(PointInTimeError, match=message.replace("(", r"\(")):
        pit.as_of(asked, facts, rule)


def test_nanoseconds_are_cast_where_nothing_is_lost() -> None:
    facts = FACT.set_column(
        1, "event_timestamp", FACT["event_timestamp"].cast(pa.timestamp("ns", "Asia/Tokyo"))
    )
    assert pit.as_of(QUESTION, facts, RULE)["colour"].to_pylist() == ["green"]


def test_a_file_of_nanoseconds_is_refused(tmp_path: Path) -> None:
    facts = FACT.set_column(1, "event_timestamp", FACT["event_timestamp"].cast(pa.timestamp("ns", "UTC")))
    pq.write_table(facts, tmp_path / "facts.parquet")
    with pytest.raises(PointInTimeError, match="stored in nanoseconds"):
        pit.as_of(QUESTION, tmp_path / "facts.parquet", RULE)


def test_damaged_and_unlike_files_are_refused(tmp_path: Path) -> None:
    pq.write_table(FACT, tmp_path / "a.parquet")
    pq.write_table(FACT.drop_columns("colour"), tmp_path / "b.parquet")
    with pytest.raises(PointInTimeError, match="different columns"):
        pit.as_of(QUESTION, tmp_path, RULE)
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    with pytest.raises(PointInTimeError, match="not whole Parquet"):
        pit.as_of(QUESTION, tmp_path, RULE)
