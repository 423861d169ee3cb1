"""The door to the feature store for tables keeps its promises, on our offline store and on Feast's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.helpers.features import times
from tests.helpers.tables import END, START, toy_questions, toy_table, write_table
from workbench import pit
from workbench.errors import FeatureCheckError, FeatureError, RetrievalError
from workbench.profiles.features import Features, OnlineRow
from workbench.profiles.settings import WorldSettings
from workbench.profiles.table_features import ACCOUNT, VIEW, VISITS, TableFeatures, door_of
from workbench.profiles.workspace import Workspace, create, open_workspace
from workbench.worlds.gym_features import COLUMNS, ON_DEMAND, STORED, trend

FEATURE_REPO = Path(__file__).parents[2] / "feature_repo"
MEMBERS = [f"member-{i:03}" for i in range(12)]
GYM = WorldSettings(name="gym")


@pytest.fixture(scope="module", params=["asof", "duckdb"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with the views applied and materialised. Read only."""
    ws = create(str(tmp_path_factory.mktemp("gym") / request.param), offline_store=request.param, world=GYM)
    write_table(ws, toy_table())
    door = TableFeatures(ws)
    door.apply()
    assert door.materialise(VIEW, START, END) == 12
    return ws


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Return a workspace with a feature file that nobody has applied yet."""
    ws = create(str(tmp_path / "ws"), world=GYM)
    write_table(ws, toy_table())
    return ws


def by_hand(asked: pa.Table, facts: pa.Table, *, known_at: bool = True) -> list[dict]:
    """Answer by looking at every row for every question, and derive the trend row by row."""
    rule = pit.Rule(keys=["item_id"], columns=[], wait_until_known=known_at)
    rows, questions = facts.to_pylist(), asked.to_pylist()
    nothing = dict.fromkeys(["captured_at", *STORED])
    answers = []
    for question, i in zip(questions, pit.brute_force(questions, rows, rule), strict=True):
        row = nothing if i is None else rows[i]
        counts = row["visits_30d"], row["visits_90d"]
        answers.append(
            question
            | {"feature_timestamp": row["captured_at"]}
            | {name: row[name] for name in STORED}
            | {"trend": None if None in counts else trend(*counts)}
        )
    return answers


# -- training --------------------------------------------------------------------------------


@pytest.mark.parametrize("known_at", [True, False])
def test_as_of_is_the_point_in_time_join(shop, known_at):
    asked = toy_questions()
    found = TableFeatures(shop).as_of(asked, known_at=known_at)
    assert found.to_pylist() == by_hand(asked, toy_table(), known_at=known_at)
    assert 0 < found["feature_timestamp"].null_count < asked.num_rows, "the questions show too little"
    assert found["feature_timestamp"].null_count < found["trend"].null_count < asked.num_rows


@pytest.mark.parametrize("seed", [2, 3])
def test_as_of_on_other_tables(ws, seed):
    asked, facts = toy_questions(seed=seed), toy_table(60, 3, seed=seed)
    write_table(ws, facts)
    door = TableFeatures(ws)
    door.apply()
    door.materialise(VIEW, START, END)
    assert door.as_of(asked).to_pylist() == by_hand(asked, facts)


def test_the_questions_can_tell_a_leak_and_a_tie():
    asked, facts = toy_questions(), toy_table()
    assert by_hand(asked, facts) != by_hand(asked, facts, known_at=False)
    moments = facts.group_by(["item_id", "event_timestamp"]).aggregate([([], "count_all")])
    assert pc.max(moments["count_all"]).as_py() > 1


def test_the_columns_and_their_types(shop):
    added = TableFeatures(shop).as_of(toy_questions()).schema
    assert added.names == [*toy_questions().column_names, "feature_timestamp", *COLUMNS]
    assert added.field("feature_timestamp").type == pa.timestamp("us", "UTC")
    assert {added.field(name).type for name in COLUMNS} == {pa.float64()}


def test_no_questions_and_nothing_known(shop):
    door = TableFeatures(shop)
    assert door.as_of(toy_questions().slice(0, 0)).schema == door.as_of(toy_questions()).schema
    early = toy_questions().filter(pc.less(toy_questions()["event_timestamp"], pa.scalar(START)))
    found = door.as_of(early)
    assert found.num_rows > 0
    assert all(found[name].null_count == found.num_rows for name in ["feature_timestamp", *COLUMNS])


def test_rows_stay_in_order_whatever_the_order_and_repeated(shop):
    door, asked = TableFeatures(shop), toy_questions(100)
    found = door.as_of(asked)
    assert found.select(asked.column_names).equals(asked)
    mixed = pa.array(np.random.default_rng(5).integers(0, 100, 150))
    assert door.as_of(asked.take(mixed)).equals(found.take(mixed))


def test_latest_takes_the_newest_whatever_the_question(shop):
    asked = toy_questions()
    found = TableFeatures(shop).latest(asked, VIEW, now=END)
    at_the_end = asked.set_column(2, "event_timestamp", times([END] * asked.num_rows))
    expected = [
        row | {"event_timestamp": question["event_timestamp"]}
        for row, question in zip(by_hand(at_the_end, toy_table()), asked.to_pylist(), strict=True)
    ]
    assert found.to_pylist() == expected
    assert found != TableFeatures(shop).as_of(asked)


def _reorder(table):
    return table.take(pa.array(np.random.default_rng(7).permutation(table.num_rows)))


@pytest.mark.parametrize(
    ("spoil", "mended"),
    [
        (_reorder, True),
        (lambda t: t.slice(1), False),
        (lambda t: pa.concat_tables([t, t.slice(0, 1)]), False),
        (lambda t: t.set_column(0, "item_id", pa.array(["member-000"] * t.num_rows)), False),
    ],
    ids=["reordered", "lost", "added", "other keys"],
)
def test_a_store_that_changes_rows(shop, spoil, mended, monkeypatch):
    from feast.infra.offline_stores.offline_store import RetrievalJob

    door, asked, honest = TableFeatures(shop), toy_questions(), RetrievalJob.to_arrow
    expected = door.as_of(asked)
    monkeypatch.setattr(RetrievalJob, "to_arrow", lambda self, *a, **k: spoil(honest(self, *a, **k)))
    if mended:
        assert door.as_of(asked).equals(expected)
    else:
        with pytest.raises(RetrievalError):
            door.as_of(asked)


def test_a_question_that_already_has_an_answer(shop):
    with pytest.raises(RetrievalError, match="already have .*trend"):
        TableFeatures(shop).as_of(toy_questions().append_column("trend", pa.array([0.0] * 60)))


# -- serving ---------------------------------------------------------------------------------


def test_online_is_as_of_at_the_materialised_time(shop):
    """Training and serving alike, to the last bit, the derived number too."""
    asked = pa.table({"row_id": MEMBERS, "item_id": MEMBERS, "event_timestamp": times([END] * len(MEMBERS))})
    trained = TableFeatures(shop).as_of(asked).to_pylist()
    served = TableFeatures(shop).online(VIEW, MEMBERS)
    assert [row.item_id for row in served] == MEMBERS
    assert [row.values for row in served] == [{name: row[name] for name in COLUMNS} for row in trained]
    assert [tuple(row.values) for row in served] == [COLUMNS] * len(MEMBERS)
    for row, trained_on in zip(served, trained, strict=True):
        assert row.feature_timestamp == trained_on["feature_timestamp"].replace(microsecond=0)
    assert None in [row.values["trend"] for row in served], "the table shows too little"


def test_online_says_found_or_not(shop):
    door = TableFeatures(shop)
    rows = door.online(VIEW, ["member-003", "nobody", "member-001", "member-003"])
    assert [row.item_id for row in rows] == ["member-003", "nobody", "member-001", "member-003"]
    assert [row.found for row in rows] == [True, False, True, True]
    assert rows[0] == rows[3] != rows[2]
    assert rows[1] == OnlineRow("nobody", found=False)
    assert door.online(VIEW, ["nobody", "no one"]) == [
        OnlineRow(name, found=False) for name in ("nobody", "no one")
    ]
    assert door.online(VIEW, []) == []


def test_somebody_is_known_and_nothing_about_them(ws):
    first = toy_table().filter(pc.equal(toy_table()["event_timestamp"], pa.scalar(START)))
    assert all(first[name].null_count == first.num_rows > 0 for name in STORED)
    write_table(ws, first)
    door = TableFeatures(ws)
    door.apply()
    door.materialise(VIEW, START, END)
    (row,) = door.online(VIEW, [first["item_id"][0].as_py()])
    assert row.found
    assert row.feature_timestamp == START
    assert row.values == dict.fromkeys(COLUMNS)


def test_a_new_file_is_served_after_the_next_materialise(ws):
    door, facts = TableFeatures(ws), toy_table()
    door.apply()
    door.materialise(VIEW, START, END)
    before = door.online(VIEW, MEMBERS)
    raised = facts.set_column(
        facts.column_names.index("visits_30d"), "visits_30d", pc.add(facts["visits_30d"], 1.0)
    )
    write_table(ws, raised)
    assert door.online(VIEW, MEMBERS) == before
    assert door.materialise(VIEW, START, END) == 12
    for old, new in zip(before, door.online(VIEW, MEMBERS), strict=True):
        known = old.values["visits_30d"] is not None
        assert new.values["visits_30d"] == (old.values["visits_30d"] + 1 if known else None)


# -- views -----------------------------------------------------------------------------------


def test_two_views_over_one_file_in_one_service(shop):
    from feast import FeatureStore, RepoConfig

    from workbench.profiles.definitions import store_config

    door = TableFeatures(shop)
    assert door.views() == [VIEW]
    store = FeatureStore(config=RepoConfig(**store_config(shop), repo_path=shop.root))
    views = {view.name: view for view in store.list_feature_views()}
    assert set(views) == {VISITS, ACCOUNT}
    assert {view.batch_source.path for view in views.values()} == {
        (shop.features / VIEW / "feast_features.parquet").as_posix()
    }
    stored = [field.name for view in views.values() for field in view.features]
    assert sorted(stored) == sorted([*STORED, "captured_at"])
    service = store.get_feature_service(door.service_name(VIEW))
    served = [field.name for part in service.feature_view_projections for field in part.features]
    assert sorted(served) == sorted([*stored, *ON_DEMAND])


def test_the_door_of_a_world(ws, tmp_path):
    assert isinstance(door_of(ws), TableFeatures)
    assert isinstance(door_of(create(str(tmp_path / "fruit"))), Features)


def test_a_view_that_is_not_there(ws, shop):
    for door in (TableFeatures(ws), TableFeatures(shop)):
        for view in (VISITS, "member__v2") if door.views() else (VIEW, VISITS):
            with pytest.raises(FeatureError, match="has no view"):
                door.as_of(toy_questions(), view)
            with pytest.raises(FeatureError, match="has no view"):
                door.online(view, MEMBERS)
    assert TableFeatures(ws).views() == []


def test_a_materialise_that_was_killed_between_the_parts(ws, monkeypatch):
    """Serving visits of today beside an account of yesterday would be skew; training does not care."""
    from feast.infra.passthrough_provider import PassthroughProvider

    door = TableFeatures(ws)
    door.apply()
    asked = toy_questions()
    trained_before = door.as_of(asked)
    door.materialise(VIEW, START, END)
    honest, written = PassthroughProvider.materialize_single_feature_view, []

    def killed(provider, *args, **kwargs):
        if written:
            raise KeyboardInterrupt
        written.append(honest(provider, *args, **kwargs))

    with monkeypatch.context() as patched:
        patched.setattr(PassthroughProvider, "materialize_single_feature_view", killed)
        with pytest.raises(KeyboardInterrupt):
            door.materialise(VIEW, START, END + timedelta(days=1))
    assert written
    with pytest.raises(FeatureError, match="never filled to the end"):
        TableFeatures(ws).online(VIEW, MEMBERS)
    assert TableFeatures(ws).as_of(asked).equals(trained_before)
    door.materialise(VIEW, START, END + timedelta(days=1))
    assert TableFeatures(ws).online(VIEW, MEMBERS)[0].found


def test_a_moved_workspace_still_answers(ws, tmp_path):
    TableFeatures(ws).apply()
    TableFeatures(ws).materialise(VIEW, START, END)
    asked = toy_questions()
    before = TableFeatures(ws).as_of(asked), TableFeatures(ws).online(VIEW, MEMBERS)
    shutil.move(ws.root, tmp_path / "elsewhere")
    moved = TableFeatures(open_workspace(str(tmp_path / "elsewhere")))
    assert moved.as_of(asked).equals(before[0])
    assert moved.online(VIEW, MEMBERS) == before[1]
    moved.apply()
    assert moved.online(VIEW, MEMBERS) == before[1], "applying again changes nothing"


# -- before apply ----------------------------------------------------------------------------


def _replace(name, column):
    return lambda t: t.set_column(t.column_names.index(name), name, column(t[name]))


def _first(value):
    return lambda column: pa.array([value, *column.to_pylist()[1:]], column.type)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns("visits_7d"), "'visits_7d' once"),
        (lambda t: t.drop_columns("captured_at"), "'captured_at' once"),
        (_replace("age", lambda c: c.cast(pa.int64(), safe=False)), "'age' .* is int64; .* float64"),
        (_replace("age", lambda c: c.cast(pa.float32())), "'age' .* is float; .* float64"),
        (_replace("age", lambda c: c.cast(pa.string())), "'age' .* is string"),
        (_replace("item_id", lambda c: pa.array(range(len(c)))), "'item_id' .* is int64"),
        (_replace("event_timestamp", lambda c: c.cast(pa.timestamp("us"))), "'event_timestamp' .*timestamp"),
        (_replace("item_id", _first(None)), "1 rows .* 'item_id'"),
        (_replace("event_timestamp", _first(None)), "1 rows .* 'event_timestamp'"),
        (_replace("created_timestamp", _first(None)), "1 rows .* 'created_timestamp'"),
        (_replace("captured_at", _first(None)), "1 rows .* 'captured_at'"),
        (_replace("captured_at", _first(END)), "not the event time"),
        (_replace("paid_60d", _first(np.inf)), "'paid_60d' .* not always finite"),
        (_replace("age", _first(-np.inf)), "'age' .* not always finite"),
        (_replace("annual", _first(np.nan)), "'annual' .* not always finite"),
        (lambda t: t.slice(0, 0), "no rows"),
    ],
)
def test_a_file_that_is_not_what_it_should_be(ws, change, message):
    write_table(ws, change(toy_table()))
    with pytest.raises(FeatureCheckError, match=message):
        TableFeatures(ws).apply()
    assert TableFeatures(ws).views() == [], "nothing may be applied"


def test_no_file_and_half_a_file(ws):
    path = write_table(ws, toy_table())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FeatureCheckError, match="not whole Parquet"):
        TableFeatures(ws).apply()
    path.unlink()
    with pytest.raises(FeatureCheckError, match="no feature file"):
        TableFeatures(ws).apply()


# -- code in the registry --------------------------------------------------------------------


def _rewrite(ws, change):
    from feast.protos.feast.core.Registry_pb2 import Registry

    path, registry = ws.feast / "registry.db", Registry()
    registry.ParseFromString(path.read_bytes())
    change(registry.on_demand_feature_views[0].spec)
    path.write_bytes(registry.SerializeToString())


def test_code_in_a_registry_is_not_run(ws, tmp_path):
    """A workspace from elsewhere: Feast would run its text, or else load its pickle."""
    door, mark = TableFeatures(ws), tmp_path / "ran"
    door.apply()
    door.materialise(VIEW, START, END)
    before = door.online(VIEW, MEMBERS)

    def plant(spec):
        function = spec.feature_transformation.user_defined_function
        assert function.body_text, "Feast no longer keeps the text"
        function.body_text = f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n" + function.body_text

    _rewrite(ws, plant)
    assert TableFeatures(ws).online(VIEW, MEMBERS) == before, "the code is that of this package"

    def rename(spec):
        spec.name = "somebody_elses"

    _rewrite(ws, rename)
    with pytest.raises(FeatureError, match="code that is not of this package: .*somebody_elses"):
        TableFeatures(ws).online(VIEW, MEMBERS)
    assert not mark.exists()


# -- the feast command -----------------------------------------------------------------------


@pytest.mark.slow
def test_the_feast_command_sees_the_views(ws, subprocess_env, tmp_path):
    repo = tmp_path / "repo" / "feature_repo"
    shutil.copytree(FEATURE_REPO, repo, ignore=shutil.ignore_patterns("__pycache__"))
    program = "import sys; from feast.cli.cli import cli; [cli(w.split(), standalone_mode=False) for w in sys.argv[1:]]"
    done = subprocess.run(
        [sys.executable, "-c", program, "apply", "on-demand-feature-views list"],
        cwd=repo,
        env=subprocess_env | {"WORKBENCH_WORKSPACE": str(ws.root), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "member_on_demand__v1" in done.stdout
    door = TableFeatures(ws)
    assert door.views() == [VIEW]
    door.materialise(VIEW, START, END)
    assert door.as_of(toy_questions()).to_pylist() == by_hand(toy_questions(), toy_table())


def test_the_definitions_of_the_feast_command(ws, monkeypatch):
    """What Feast would find there, without its process."""
    import runpy

    from workbench.profiles.feast_door import load_feast

    load_feast()
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(ws.root))
    found = runpy.run_path(str(FEATURE_REPO / "definitions.py"))
    assert {VISITS, ACCOUNT, "member_on_demand__v1", f"{VIEW}__service", f"{VIEW}__file"} <= set(found)
    path = ws.features / VIEW / "feast_features.parquet"
    write_table(ws, pq.read_table(path).drop_columns("age"))
    with pytest.raises(FeatureCheckError, match="'age' once"):
        runpy.run_path(str(FEATURE_REPO / "definitions.py"))
