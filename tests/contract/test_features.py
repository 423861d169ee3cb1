"""The door to the feature store keeps its promises, on our offline store and on Feast's own."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.helpers.features import (
    END,
    START,
    times,
    toy_card,
    toy_features,
    toy_observations,
    write_features,
)
from workbench import pit
from workbench.errors import FeatureCheckError, FeatureError, RetrievalError, WorkspaceError
from workbench.profiles.feast_door import load_feast
from workbench.profiles.features import Features, OnlineRow
from workbench.profiles.workspace import Workspace, create, open_workspace

CARD, TABLE = toy_card(), toy_features()
RULE = pit.Rule(
    keys=["item_id"],
    columns={"feature_image_id": "image_id", "feature_timestamp": "captured_at", "embedding": "embedding"},
)
FEATURE_REPO = Path(__file__).parents[2] / "feature_repo"


@pytest.fixture(scope="module", params=["asof", "duckdb"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with one view, applied and materialised. Read only."""
    ws = create(str(tmp_path_factory.mktemp("shop") / request.param), offline_store=request.param)
    write_features(ws, CARD, TABLE)
    features = Features(ws)
    features.apply(CARD)
    assert features.materialise(CARD.view, START, END) == 12
    return ws


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Return a workspace with a feature file that nobody has applied yet."""
    ws = create(str(tmp_path / "ws"))
    write_features(ws, CARD, TABLE)
    return ws


def newest(item_id: str, table: pa.Table = TABLE) -> dict:
    rows = table.filter(pc.equal(table["item_id"], item_id)).sort_by("event_timestamp")
    return rows.slice(rows.num_rows - 1).to_pylist()[0]


# -- reading ---------------------------------------------------------------------------------


@pytest.mark.parametrize("known_at", [True, False])
def test_as_of_is_the_point_in_time_join(shop, known_at):
    asked = toy_observations()
    found = Features(shop).as_of(asked, CARD.view, known_at=known_at)
    expected = pit.as_of(asked, TABLE, replace(RULE, wait_until_known=known_at))
    assert found.equals(expected)
    assert 0 < found["embedding"].null_count < asked.num_rows, "the observations show too little"


def test_known_at_makes_a_difference(shop):
    features, asked = Features(shop), toy_observations()
    waiting, leaking = (
        features.as_of(asked, CARD.view, known_at=k)["feature_image_id"] for k in (True, False)
    )
    assert waiting != leaking


def test_rows_stay_in_order_whatever_the_order(shop):
    features, asked = Features(shop), toy_observations(200)
    found = features.as_of(asked, CARD.view)
    assert found.select(asked.column_names).equals(asked)
    backwards = pa.array(range(asked.num_rows - 1, -1, -1))
    assert features.as_of(asked.take(backwards), CARD.view).equals(found.take(backwards))


def test_the_same_question_twice_is_answered_twice(shop):
    once = toy_observations(5)
    found = Features(shop).as_of(pa.concat_tables([once, once]), CARD.view)
    assert found.num_rows == 10
    assert found.slice(0, 5).combine_chunks().equals(found.slice(5).combine_chunks())


def test_no_observations(shop):
    found = Features(shop).as_of(toy_observations().slice(0, 0), CARD.view)
    assert found.num_rows == 0
    assert found.schema.names[-3:] == ["feature_image_id", "feature_timestamp", "embedding"]


def test_latest_takes_the_newest_whatever_the_observation(shop):
    asked = toy_observations()
    found = Features(shop).latest(asked, CARD.view, now=END)
    assert found["event_timestamp"].equals(asked["event_timestamp"])
    for item, image in zip(found["item_id"].to_pylist(), found["feature_image_id"].to_pylist(), strict=True):
        assert image == (newest(item)["image_id"] if item in TABLE["item_id"].to_pylist() else None)


def test_online_says_found_or_not(shop):
    rows = Features(shop).online(CARD.view, ["fruit-003", "nobody", "fruit-001", "fruit-003"])
    assert [row.item_id for row in rows] == ["fruit-003", "nobody", "fruit-001", "fruit-003"]
    assert rows[1] == OnlineRow("nobody", found=False)
    assert Features(shop).online(CARD.view, []) == []


def test_online_has_the_bits_of_the_file(shop):
    for row in Features(shop).online(CARD.view, [f"fruit-{i:03}" for i in range(12)]):
        truth = newest(row.item_id)
        assert row.found
        assert row.feature_image_id == truth["image_id"]
        assert row.embedding.dtype == np.float32
        assert row.embedding.tobytes() == np.asarray(truth["embedding"], np.float32).tobytes()
        assert row.feature_timestamp == truth["captured_at"].replace(microsecond=0), (
            "Feast keeps whole seconds"
        )


def test_online_from_many_threads(shop, capsys):
    """An HTTP server calls it so; each thread must get its own answer, and stdout must stay."""
    features, ids = Features(shop), [f"fruit-{i:03}" for i in range(12)]
    expected = {row.item_id: row.feature_image_id for row in features.online(CARD.view, ids)}

    def ask(n: int) -> tuple[str, str | None]:
        row = features.online(CARD.view, [ids[n % 12]])[0]
        return row.item_id, row.feature_image_id

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(120)))
    assert answers == [(ids[n % 12], expected[ids[n % 12]]) for n in range(120)]
    sys.stdout.write("still here")
    assert capsys.readouterr().out == "still here"


def test_as_of_from_many_threads(shop, capsys):
    features, asked = Features(shop), toy_observations()
    alone = features.as_of(asked, CARD.view)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda _: features.as_of(asked, CARD.view), range(8)))
    assert all(found.equals(alone) for found in together)
    sys.stdout.write("still here")
    assert capsys.readouterr().out == "still here"


def test_an_unknown_view_names_those_that_are_there(shop):
    for call in (
        lambda f: f.as_of(toy_observations(), "embedding__other_v1"),
        lambda f: f.online("embedding__other_v1", ["fruit-001"]),
        lambda f: f.materialise("embedding__other_v1", START, END),
    ):
        with pytest.raises(FeatureError, match=CARD.view):
            call(Features(shop))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns("row_id"), "have no .*row_id"),
        (lambda t: t.drop_columns("item_id"), "have no .*item_id"),
        (lambda t: t.append_column("embedding", t["row_id"]), "already have"),
        (
            lambda t: t.set_column(2, "event_timestamp", t["event_timestamp"].cast(pa.timestamp("us"))),
            "cast it",
        ),
    ],
)
def test_observations_that_cannot_be_asked(shop, change, message):
    with pytest.raises(RetrievalError, match=message):
        Features(shop).as_of(change(toy_observations()), CARD.view)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t.slice(1),
        lambda t: pa.concat_tables([t, t.slice(0, 1)]),
        lambda t: t.set_column(0, "item_id", pa.array(["fruit-000"] * t.num_rows)),
        lambda t: t.set_column(
            1, "event_timestamp", pc.add(t["event_timestamp"], pa.scalar(1, pa.duration("us")))
        ),
    ],
    ids=["lost", "added", "other keys", "other times"],
)
def test_a_store_that_changes_rows_is_caught(shop, spoil, monkeypatch):
    """What Feast's default store does silently must not pass."""
    from feast.infra.offline_stores.offline_store import RetrievalJob

    honest = RetrievalJob.to_arrow
    monkeypatch.setattr(RetrievalJob, "to_arrow", lambda self, *a, **k: spoil(honest(self, *a, **k)))
    with pytest.raises(RetrievalError):
        Features(shop).as_of(toy_observations(), CARD.view)


# -- versions --------------------------------------------------------------------------------


def test_two_encoders_side_by_side(ws):
    features, other = Features(ws), toy_card("toy2", "b" * 64, dim=5)
    features.apply(CARD)
    features.materialise(CARD.view, START, END)
    asked = toy_observations()
    before = features.as_of(asked, CARD.view)
    write_features(ws, other, toy_features(dim=5, seed=7))
    features.apply(other)
    features.materialise(other.view, START, END)
    assert features.views() == sorted([CARD.view, other.view])
    assert features.as_of(asked, CARD.view).equals(before), "the old view answers as before"
    assert len(features.online(CARD.view, ["fruit-001"])[0].embedding) == 8
    assert len(features.online(other.view, ["fruit-001"])[0].embedding) == 5
    assert features.service_name(other.view) == f"{other.view}__service"


def test_apply_and_materialise_again_change_nothing(ws):
    features = Features(ws)
    features.apply(CARD)
    features.materialise(CARD.view, START, END)
    before = features.online(CARD.view, ["fruit-001"])[0].feature_image_id
    features.apply(CARD)
    assert features.online(CARD.view, ["fruit-001"])[0].feature_image_id == before
    assert features.materialise(CARD.view, START, END) == 12
    assert features.views() == [CARD.view]


def test_materialise_counts_the_items_of_its_window(ws):
    features = Features(ws)
    features.apply(CARD)
    assert features.materialise(CARD.view, END, END + timedelta(days=1)) == 0
    one = newest("fruit-004")["event_timestamp"]
    assert features.materialise(CARD.view, one, one) == 1, "both ends belong to the window"
    assert [r.found for r in features.online(CARD.view, ["fruit-004", "fruit-005"])] == [True, False]


def test_what_one_process_applies_another_sees(ws):
    reader, writer = Features(ws), Features(ws)
    assert reader.views() == []
    writer.apply(CARD)
    assert reader.views() == [CARD.view]
    other = toy_card("toy2", "b" * 64)
    write_features(ws, other, TABLE)
    writer.apply(other)
    assert reader.views() == sorted([CARD.view, other.view])


def test_a_moved_workspace_still_answers(ws, tmp_path):
    Features(ws).apply(CARD)
    Features(ws).materialise(CARD.view, START, END)
    asked = toy_observations()
    before = Features(ws).as_of(asked, CARD.view)
    shutil.move(ws.root, tmp_path / "elsewhere")
    moved = open_workspace(str(tmp_path / "elsewhere"))
    assert Features(moved).as_of(asked, CARD.view).equals(before)
    assert Features(moved).online(CARD.view, ["fruit-001"])[0].found


def test_two_workspaces_do_not_see_each_other(ws, tmp_path):
    Features(ws).apply(CARD)
    other = create(str(tmp_path / "other"))
    assert Features(other).views() == []
    with pytest.raises(FeatureError):
        Features(other).online(CARD.view, ["fruit-001"])


def test_a_materialise_that_was_killed_leaves_the_old_values(ws, monkeypatch):
    """Feast marks the view as being written; a kill leaves the mark, and readers would be refused for ever."""
    features = Features(ws)
    features.apply(CARD)
    features.materialise(CARD.view, START, END)
    asked = toy_observations()
    before = features.as_of(asked, CARD.view)

    def stopped_by(error):
        def stop(*_, **__):
            raise error

        where = "feast.infra.passthrough_provider.PassthroughProvider.materialize_single_feature_view"
        with monkeypatch.context() as patched:
            patched.setattr(where, stop)
            with pytest.raises(type(error)):
                Features(ws).materialise(CARD.view, START, END)

    stopped_by(KeyboardInterrupt())
    assert features.online(CARD.view, ["fruit-001"])[0].found
    assert features.as_of(asked, CARD.view).equals(before)
    stopped_by(RuntimeError("and once more"))
    with pytest.raises(FeatureError, match="never filled to the end"):
        features.online(CARD.view, ["fruit-001"])
    assert features.materialise(CARD.view, START, END) == 12
    assert features.online(CARD.view, ["fruit-001"])[0].found


def test_a_registry_write_that_was_killed_leaves_the_old_registry(ws, monkeypatch):
    features, other = Features(ws), toy_card("toy2", "b" * 64)
    features.apply(CARD)
    write_features(ws, other, TABLE)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("workbench.manifests.os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            features.apply(other)
    assert Features(ws).views() == [CARD.view]
    Features(ws).apply(other)
    assert Features(ws).views() == sorted([CARD.view, other.view])


# -- before apply ----------------------------------------------------------------------------


def _replace(name, column):
    return lambda t: t.set_column(t.column_names.index(name), name, column(t[name]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns("embedding"), "'embedding' once"),
        (lambda t: t.drop_columns("created_timestamp"), "'created_timestamp' once"),
        (lambda t: t.drop_columns("item_id"), "'item_id' once"),
        (_replace("image_id", pc.utf8_length), "'image_id' .* is int32"),
        (
            _replace("event_timestamp", lambda c: c.cast(pa.timestamp("ns", "UTC"))),
            "'event_timestamp' .*\\[ns",
        ),
        (_replace("event_timestamp", lambda c: c.cast(pa.timestamp("us"))), "'event_timestamp' .*timestamp"),
        (_replace("created_timestamp", lambda c: c.cast(pa.timestamp("us", "Asia/Tokyo"))), "Asia/Tokyo"),
        (_replace("captured_at", lambda c: c.cast(pa.string())), "'captured_at' .* is string"),
        (_replace("embedding", lambda c: c.cast(pa.list_(pa.float64()))), "list<.*double>"),
        (
            _replace("embedding", lambda c: pa.array([[0.0] * 7] * len(c), pa.list_(pa.float32()))),
            r"\[7\] numbers",
        ),
        (
            _replace("embedding", lambda c: pa.array([[0.0] * (8 + i % 2) for i in range(len(c))], c.type)),
            r"\[8, 9\] numbers",
        ),
        (_replace("embedding", lambda c: pa.array([[np.nan] * 8] * len(c), c.type)), "not all finite"),
        (_replace("embedding", lambda c: pa.array([None] * len(c), c.type)), "48 rows .* 'embedding'"),
        (_replace("item_id", lambda c: pa.array([None, *c.to_pylist()[1:]])), "1 rows .* 'item_id'"),
        (
            _replace("created_timestamp", lambda c: times([None, *c.to_pylist()[1:]])),
            "1 rows .* 'created_timestamp'",
        ),
    ],
)
def test_a_file_that_is_not_what_it_should_be(ws, change, message):
    write_features(ws, CARD, change(TABLE))
    _refused(ws, message)


def _refused(ws, message, card=CARD):
    with pytest.raises(FeatureCheckError, match=message):
        Features(ws).apply(card)
    assert Features(ws).views() == [], "nothing may be applied"


def test_no_file(ws):
    (ws.features / CARD.view / "feast_features.parquet").unlink()
    _refused(ws, "no feature file")


def test_half_a_file(ws):
    path = ws.features / CARD.view / "feast_features.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    _refused(ws, "not whole Parquet")


def test_no_card(ws):
    (ws.features / CARD.view / "view.json").unlink()
    _refused(ws, "nobody knows which encoder")


@pytest.mark.parametrize("text", ["", "[]", '{"card": {"spec": "toy"}}', '{"card": 3}'])
def test_a_card_that_is_none(ws, text):
    (ws.features / CARD.view / "view.json").write_text(text)
    _refused(ws, "not a card")


def test_a_card_of_another_encoder(ws):
    _refused(ws, "made by the encoder aaaaaaaaaaaa, not by bbbb", replace(CARD, fingerprint="b" * 64))


def test_another_dimension_on_the_card(ws):
    _refused(ws, "dim=8", replace(CARD, dim=16))


def test_a_name_that_is_no_name(ws):
    _refused(ws, "cannot be the name", replace(CARD, slug="ViT-B-32"))


def test_another_model_under_the_same_name(ws):
    """The case that Feast waves through: file and card agree with each other, not with the past."""
    features = Features(ws)
    features.apply(CARD)
    swapped = replace(CARD, fingerprint="b" * 64)
    write_features(ws, swapped, toy_features(seed=9))
    with pytest.raises(FeatureCheckError, match="belongs to the encoder aaaaaaaaaaaa"):
        features.apply(swapped)


# -- manners ---------------------------------------------------------------------------------


def test_a_process_says_nothing_and_leaves_torch_alone(ws, subprocess_env):
    """Apply, materialise, ask: not a word on stdout or stderr, no torch, sqlite3 only known to change."""
    program = f"""
import os, sys
from datetime import timedelta
from tests.helpers.features import END, START, toy_card, toy_observations
from workbench.profiles.feast_door import load_feast
from workbench.profiles.features import Features
from workbench.profiles.workspace import open_workspace
features, card = Features(open_workspace({str(ws.root)!r})), toy_card()
assert "feast" not in sys.modules
features.apply(card)
features.materialise(card.view, START, END)
features.as_of(toy_observations(), card.view)
features.online(card.view, ["fruit-001"])
assert "torch" not in sys.modules
assert "PROMETHEUS_MULTIPROCESS_DIR" not in os.environ
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=Path(__file__).parents[2],
        env=subprocess_env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_sqlalchemy_keeps_its_times_although_feast_changes_sqlite3(shop):
    """MLflow keeps its runs in sqlite, in the same process."""
    import sqlalchemy as sa

    Features(shop).online(CARD.view, ["fruit-001"])
    when = START.replace(tzinfo=None, microsecond=123_456)
    table = sa.Table("t", sa.MetaData(), sa.Column("at", sa.DateTime))
    engine = sa.create_engine("sqlite://")
    with engine.begin() as con:
        table.create(con)
        con.execute(table.insert(), {"at": when})
        assert con.execute(sa.select(table)).scalar_one() == when
    engine.dispose()
    with sqlite3.connect(":memory:") as plain:
        assert plain.execute("SELECT ?", [when]).fetchone() != (str(when),), "Feast no longer changes sqlite3"
    plain.close()


# -- the feast command -----------------------------------------------------------------------


def test_the_yaml_says_what_the_door_does(ws):
    import yaml

    from workbench.profiles.definitions import store_config

    written = yaml.safe_load((FEATURE_REPO / "feature_store.yaml").read_text())
    for block in ("registry", "online_store"):
        written[block]["path"] = (ws.root / written[block]["path"]).as_posix()
    assert written == store_config(ws)


def test_the_feast_command_finds_the_workspace(tmp_path, monkeypatch):
    load_feast()
    from workbench.profiles.feast_files import chosen_workspace

    repo = tmp_path / "checkout" / "feature_repo"
    beside, home = repo.parent / "data" / "workspaces", tmp_path / "home"
    places = [beside / "default", beside / "mine", home / "default", tmp_path / "by-path"]
    for place in places:
        create(str(place))
    monkeypatch.delenv("WORKBENCH_HOME")
    assert chosen_workspace(repo) == places[0]
    monkeypatch.setenv("WORKBENCH_WORKSPACE", "mine")
    assert chosen_workspace(repo) == places[1]
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(places[3]))
    assert chosen_workspace(repo) == places[3]
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    monkeypatch.setenv("WORKBENCH_WORKSPACE", "default")
    assert chosen_workspace(repo) == places[2]
    monkeypatch.setenv("WORKBENCH_WORKSPACE", "nowhere")
    with pytest.raises(WorkspaceError, match="no workspace at"):
        chosen_workspace(repo)


@pytest.mark.slow
def test_the_feast_command_works_in_feature_repo(ws, tmp_path, subprocess_env):
    repo = tmp_path / "repo" / "feature_repo"  # beside its own data/workspaces
    shutil.copytree(FEATURE_REPO, repo, ignore=shutil.ignore_patterns("__pycache__"))
    default = repo.parent / "data" / "workspaces" / "default"
    shutil.copytree(ws.root, default)
    other = toy_card("toy2", "b" * 64)
    write_features(ws, other, TABLE)
    environment = {k: v for k, v in subprocess_env.items() if not k.startswith("WORKBENCH_")}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"

    def run(*command: str, **variables: str) -> str:
        done = subprocess.run(
            command,
            cwd=repo,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def feast(*lines: str, **variables: str) -> str:
        """Several commands in one process: most of the time goes into the import."""
        program = "import sys; from feast.cli.cli import cli; [cli(w.split(), standalone_mode=False) for w in sys.argv[1:]]"
        return run(sys.executable, "-c", program, *lines, **variables)

    run(str(Path(sys.executable).with_name("feast")), "apply")
    assert Features(open_workspace(str(default))).views() == [CARD.view], "the default workspace"
    said = feast("apply", "feature-views list", "entities list", WORKBENCH_WORKSPACE=str(ws.root))
    assert Features(ws).views() == sorted([CARD.view, other.view]), "the named workspace, both views"
    assert {CARD.view, other.view, "item"} <= set(said.split())
    assert {path.name for path in repo.iterdir()} == {"README.md", "definitions.py", "feature_store.yaml"}
