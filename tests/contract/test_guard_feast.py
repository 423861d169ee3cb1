"""`workbench guard feast` on repositories that Feast itself made, applied and materialised, and on spoilt ones."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers.guard_words import guard, words_of

pytestmark = pytest.mark.slow  # they import Feast
START = datetime(2026, 1, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
FEAST = """
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Float32

member = Entity(name="member", join_keys=["member_id"])
source = FileSource(name="visits", path="visits.parquet", timestamp_field="t"{known_at})
view = FeatureView(name="visits", entities=[member], source=source, ttl={ttl},
                   schema=[Field(name="visits", dtype=Float32){label}])
"""


def feast_repo(folder, store, online="", **how):
    folder.mkdir()
    (folder / "feature_store.yaml").write_text(
        f"project: p\nprovider: local\nregistry: r.db\noffline_store:\n  type: {store}\n{online}"
        "entity_key_serialization_version: 3\n"
    )
    said = {"known_at": "", "ttl": "None", "label": ""} | how
    text = FEAST
    for name, value in said.items():
        text = text.replace("{" + name + "}", value)
    (folder / "views.py").write_text(text)
    when = pa.array([START], pa.timestamp("us", "UTC"))
    columns = {"member_id": ["a"], "visits": pa.array([1.0], pa.float32()), "t": when, "known": when}
    pq.write_table(pa.table(columns), folder / "visits.parquet")
    return folder


def feast_does(folder, code):
    """Run Feast in a process of its own, standing in a repository; `store` and `now` are there."""
    text = """
        import os, sys
        from datetime import UTC, datetime, timedelta
        from pathlib import Path
        from workbench.profiles.feast_door import load_feast
        load_feast()
        from feast import FeatureStore
        from feast.repo_config import load_repo_config
        from feast.repo_operations import apply_total, init_repo
        sys.path.insert(0, os.getcwd())
        now = datetime.now(UTC)
        def apply():
            here = Path.cwd()
            apply_total(load_repo_config(here, here / "feature_store.yaml"), here, False)
    """
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", textwrap.dedent(text) + textwrap.dedent(code)]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


MATERIALISE = """
    apply()
    store = FeatureStore(repo_path=os.getcwd())
    store.materialize(now - timedelta(days=3650), now)
"""


def tree(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()
    }


def parity_of(said):
    """Return what was said of each view of the online store."""
    found = [one for one in said["findings"] if one["guard"] == "online_parity"]
    return {one["sentence"].partition(":")[0]: one for one in found}


@pytest.fixture(scope="module")
def drivers(tmp_path_factory):
    """Return the repository of `feast init`: as it comes, and applied and materialised."""
    folder = tmp_path_factory.mktemp("feast")
    feast_does(folder, "init_repo('fresh', 'local')")
    shutil.copytree(folder / "fresh", folder / "filled")
    feast_does(folder / "filled" / "feature_repo", MATERIALISE)
    return folder


@pytest.fixture
def filled(drivers, tmp_path):
    """Return a copy of the materialised repository that the test may spoil."""
    shutil.copytree(drivers / "filled", tmp_path / "drivers")
    return tmp_path / "drivers" / "feature_repo"


def changed(repo, change):
    """Rewrite the driver statistics of a repository."""
    path = repo / "data" / "driver_stats.parquet"
    rows = pd.read_parquet(path)
    change(rows).to_parquet(path)


def newest(rows):
    return rows.loc[rows.groupby("driver_id")["event_timestamp"].idxmax()]


VIEWS = {"driver_hourly_stats", "driver_hourly_stats_fresh"}


def test_the_template_of_feast_init_as_people_run_it(drivers):
    """In a process of its own; nothing is written into the repository; nothing is served yet."""
    before = tree(drivers / "fresh")
    env = os.environ | {"COLUMNS": "160", "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "workbench", "guard", "feast", "fresh"]
    done = subprocess.run(argv, cwd=drivers, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    said = done.stdout
    assert "there is no online store data/online_store.db yet" in " ".join(said.split())
    assert tree(drivers / "fresh") == before


def test_the_template_says_what_it_lacks(capsys, drivers):
    said = guard(capsys, "feast", drivers / "fresh", code=1)
    words = words_of(said)
    fired = {"offline_store", "created_timestamp", "known_at_filter", "ttl_offline_only", "source_files"}
    assert {name for name, word in words.items() if word == "fired"} == fired
    assert words["label_in_view"] == "silent"
    assert {one["word"] for one in parity_of(said).values()} == {"could not judge"}
    assert [one["guard"] for one in said["not_run"]] == ["feature_tells_label"]


def test_a_filled_store_answers_as_training_would(capsys, drivers):
    before = tree(drivers / "filled")
    said = parity_of(guard(capsys, "feast", drivers / "filled", code=1))
    assert set(said) == VIEWS
    for one in said.values():
        assert (one["word"], one["n"], one["value"]) == ("silent", 5, 0.0)
        assert len(one["facts"]["by_column"]) == 6  # a map, a struct and a JSON among them
    assert tree(drivers / "filled") == before


def test_an_applied_but_empty_store_is_no_pass(capsys, drivers, tmp_path):
    shutil.copytree(drivers / "fresh", tmp_path / "drivers")
    repo = tmp_path / "drivers" / "feature_repo"
    feast_does(repo, "apply()")
    said = parity_of(guard(capsys, "feast", repo, code=1))
    assert {one["word"] for one in said.values()} == {"could not judge"}
    assert all("holds nothing of 5 of its keys" in one["sentence"] for one in said.values())
    (repo / "data" / "online_store.db").write_bytes(b"")
    said = parity_of(guard(capsys, "feast", repo, code=1))
    assert {one["word"] for one in said.values()} == {"could not judge"}
    assert all("no such table" in one["sentence"] for one in said.values())


def test_a_file_that_changed_after_materialising_is_stale(capsys, filled):
    rng = np.random.default_rng(0)

    def grown(rows):
        news = newest(rows).copy()
        zone = rows["event_timestamp"].dt.tz
        now = pd.Timestamp.now("UTC") - timedelta(minutes=1)
        news["event_timestamp"] = now if zone else now.tz_localize(None)
        news["conv_rate"] = rng.random(len(news)).astype("float32")
        return pd.concat([rows, news], ignore_index=True)

    changed(filled, grown)
    said = parity_of(guard(capsys, "feast", filled, code=1))
    for one in said.values():
        assert one["word"] == "fired"
        assert one["columns"] == ["conv_rate"]
        assert one["facts"]["by_column"]["conv_rate"]["shape"] == "stale"
        assert one["facts"]["reasons"] == {"behind the source": 5}
        assert set(one["offenders"][0]) == {"driver_id", "column", "offline", "online", "why"}


def test_a_value_that_outlived_its_ttl_is_served(capsys, filled):
    """Offline it is NULL; the definition says one second, and the newest row is older."""
    path = filled / "feature_definitions.py"
    path.write_text(path.read_text().replace("ttl=timedelta(days=1)", "ttl=timedelta(seconds=1)"))
    said = parity_of(guard(capsys, "feast", filled, code=1))
    for one in said.values():
        assert one["word"] == "fired"
        assert set(one["facts"]["reasons"]) == {"outlived its ttl"}
        assert {cell["offline"] for cell in one["offenders"]} == {"None"}
        assert "None" not in {cell["online"] for cell in one["offenders"]}


def test_a_correction_a_new_driver_and_a_push(capsys, filled):
    """Feast is asked to catch up, and does not: the correction is older than where it stopped."""

    def corrected(rows):
        last = newest(rows)
        rows.loc[last.index[0], "avg_daily_trips"] += 7
        stranger = last.iloc[[1]].assign(driver_id=2001)
        return pd.concat([rows, stranger], ignore_index=True)

    changed(filled, corrected)
    feast_does(
        filled,
        """
        store = FeatureStore(repo_path=os.getcwd())
        store.materialize_incremental(now)
        import pandas as pd
        rows = pd.read_parquet("data/driver_stats.parquet")
        last = rows[rows.driver_id == 1003].sort_values("event_timestamp").tail(1)
        last = last.assign(event_timestamp=now - timedelta(seconds=5), avg_daily_trips=-1)
        store.write_to_online_store("driver_hourly_stats", last)
        """,
    )
    one = parity_of(guard(capsys, "feast", filled, code=1))["driver_hourly_stats"]
    assert one["word"] == "fired"
    why = {(cell["driver_id"], cell["column"]): cell["why"] for cell in one["offenders"]}
    assert why[1001, "avg_daily_trips"] == "corrected after loading"
    assert why[1003, "avg_daily_trips"] == "ahead of the source"
    assert why[2001, "conv_rate"] == "never loaded"
    assert {driver for driver, _ in why} == {1001, 1003, 2001}


def test_a_sound_repository_is_clean(capsys, tmp_path):
    sound = feast_repo(tmp_path / "sound", "duckdb", known_at=', created_timestamp_column="known"')
    here, path, before = Path.cwd(), list(sys.path), tree(sound)
    said = guard(capsys, "feast", sound, code=2)  # nothing is served yet, and nothing else is wrong
    assert {name for name, word in words_of(said).items() if word != "silent"} == {"online_parity"}
    assert (Path.cwd(), list(sys.path), tree(sound)) == (here, path, before)
    assert "views" not in sys.modules

    feast_does(sound, MATERIALISE)
    said = guard(capsys, "feast", sound, code=0)
    assert len(said["findings"]) == 6
    assert [one["guard"] for one in said["not_run"]] == ["known_at_filter", "feature_tells_label"]
    assert parity_of(said)["visits"]["n"] == 1

    (sound / "visits.parquet").unlink()
    words = words_of(guard(capsys, "feast", sound, code=1))
    assert (words["source_files"], words["online_parity"]) == ("fired", "could not judge")


def test_a_spoilt_repository(capsys, tmp_path):
    spoilt = feast_repo(
        tmp_path / "spoilt",
        "file",
        ttl="timedelta(days=1)",
        label=', Field(name="churn_label", dtype=Float32)',
    )
    (spoilt / "use.py").write_text(
        "def ask(store, rows):\n    return store.get_historical_features(rows, [])\n"
    )
    said = guard(capsys, "feast", spoilt, code=1)
    words = words_of(said)
    assert [name for name, word in words.items() if word != "fired"] == [
        "feature_tells_label",
        "online_parity",
    ]
    by_name = {one["guard"]: one.get("offenders") for one in said["findings"]}
    assert by_name["source_files"][0]["trouble"] == "no column 'churn_label'"
    assert by_name["known_at_filter"] == [{"file": "use.py", "line": 2}]


@pytest.mark.parametrize(
    ("content", "trouble", "parity"),
    [
        (b"PAR1 and no more", "no Parquet", "ArrowInvalid"),
        (pa.table({"member_id": ["a"]}), "no column 't'", "t"),
        (
            pa.table({"member_id": ["a"], "visits": [1.0], "t": [START], "known": [START]}).slice(0, 0),
            "no rows",
            "no row",
        ),
    ],
    ids=["unreadable", "without columns", "without rows"],
)
def test_a_source_that_cannot_be_read_is_found_and_not_compared(capsys, tmp_path, content, trouble, parity):
    repo = feast_repo(tmp_path / "repo", "duckdb", known_at=', created_timestamp_column="known"')
    (repo / "data").mkdir()
    (repo / "data" / "online.db").write_bytes(b"")
    if isinstance(content, bytes):
        (repo / "visits.parquet").write_bytes(content)
    else:
        pq.write_table(content, repo / "visits.parquet")
    said = guard(capsys, "feast", repo, code=1)
    words = words_of(said)
    assert (words["source_files"], words["online_parity"]) == ("fired", "could not judge")
    by_name = {one["guard"]: one for one in said["findings"]}
    assert any(trouble in row["trouble"] for row in by_name["source_files"]["offenders"])
    assert parity in by_name["online_parity"]["sentence"]


TWO_KEYS = """
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource
from feast.types import Float32, Int64, String

member, club = Entity(name="member", join_keys=["member_id"]), Entity(name="club", join_keys=["club_id"])
source = FileSource(name="visits", path="visits.parquet", timestamp_field="t", created_timestamp_column="known",
                    field_mapping={"n": "visits", "who": "member_id"})
view = FeatureView(name="visits", entities=[member, club], source=source, ttl=timedelta(0), schema=[
    Field(name="member_id", dtype=String), Field(name="club_id", dtype=Int64), Field(name="visits", dtype=Int64)])
"""


def test_two_keys_other_names_and_what_is_not_known_yet(capsys, tmp_path):
    """Rows of tomorrow, and rows that are recorded tomorrow, are in the file and are no value of today."""
    repo = feast_repo(tmp_path / "repo", "duckdb")
    (repo / "views.py").write_text(TWO_KEYS)
    now = datetime.now(UTC)
    rows = [
        {
            "who": f"m{i % 7}",
            "club_id": i % 3,
            "n": 10 * i,
            "t": now - timedelta(hours=50 - i),
            "known": now - timedelta(hours=1),
        }
        for i in range(42)
    ]
    later = [
        {"who": "m0", "club_id": 0, "n": -1, "t": now + timedelta(days=1), "known": now - timedelta(hours=1)},
        {
            "who": "m0",
            "club_id": 0,
            "n": -2,
            "t": now - timedelta(minutes=1),
            "known": now + timedelta(days=1),
        },
    ]
    path = repo / "visits.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    feast_does(repo, MATERIALISE)
    pq.write_table(pa.Table.from_pylist(rows + later), path)
    one = parity_of(guard(capsys, "feast", repo, code=0))["visits"]
    assert (one["word"], one["n"]) == ("silent", 21)
    rows[-1]["n"] += 1
    pq.write_table(pa.Table.from_pylist(rows + later), path)
    one = parity_of(guard(capsys, "feast", repo, code=1))["visits"]
    assert [
        (cell["member_id"], cell["club_id"], cell["offline"], cell["online"]) for cell in one["offenders"]
    ] == [("m6", 2, "411", "410")]


LABELS = """
from feast import Entity, FeatureView, Field, FileSource, LabelView
from feast.types import Float32, Int64, String

member = Entity(name="member", join_keys=["member_id"])
visits = FileSource(name="visits", path="visits.parquet", timestamp_field="t", created_timestamp_column="known")
answers = FileSource(name="answers", path="answers.parquet", timestamp_field="t", created_timestamp_column="known")
view = FeatureView(name="visits", entities=[member], source=visits, online=False,
                   schema=[Field(name="visits", dtype=Float32), Field(name="reason", dtype=String)])
labels = LabelView(name="answers", entities=[member], source=answers,
                   schema=[Field(name="left", dtype=Int64), Field(name="labeler", dtype=String)])
"""


@pytest.mark.parametrize("telling", [False, True])
def test_a_feature_that_behaves_like_a_label(capsys, tmp_path, telling):
    """No name gives it away: `reason` is filled for those who left."""
    repo = feast_repo(tmp_path / "repo", "duckdb")
    (repo / "views.py").write_text(LABELS)
    rng = np.random.default_rng(0)
    left = np.arange(120) % 3 == 0
    told = left if telling else rng.permutation(left)
    when = pa.array([START] * 120, pa.timestamp("us", "UTC"))
    keys = {"member_id": [f"m{i:03}" for i in range(120)], "t": when, "known": when}
    features = {"visits": pa.array(rng.random(120), pa.float32()), "reason": np.where(told, "moved", "none")}
    pq.write_table(pa.table(keys | features), repo / "visits.parquet")
    pq.write_table(
        pa.table(keys | {"left": left.astype(np.int64), "labeler": ["ann"] * 120}), repo / "answers.parquet"
    )
    said = guard(capsys, "feast", repo, code=int(telling))
    one = next(one for one in said["findings"] if one["guard"] == "feature_tells_label")
    assert one["word"] == ("fired" if telling else "silent")
    assert one["columns"][0] == "visits__reason" or not telling
    assert words_of(said)["label_in_view"] == "silent"
    assert [found["guard"] for found in said["not_run"]] == ["known_at_filter", "online_parity"]


def test_a_label_among_the_features_is_no_feature_of_itself(capsys, tmp_path):
    repo = feast_repo(tmp_path / "repo", "duckdb", label=', Field(name="churn_label", dtype=Float32)')
    rng = np.random.default_rng(0)
    when = pa.array([START] * 120, pa.timestamp("us", "UTC"))
    columns = {
        "member_id": [f"m{i:03}" for i in range(120)],
        "t": when,
        "visits": pa.array(rng.random(120), pa.float32()),
    }
    columns["churn_label"] = pa.array(np.arange(120) % 3 == 0).cast(pa.float32())
    pq.write_table(pa.table(columns), repo / "visits.parquet")
    said = guard(capsys, "feast", repo, code=1)
    by_name = {one["guard"]: one for one in said["findings"]}
    assert by_name["label_in_view"]["offenders"] == [{"view": "visits", "feature": "churn_label"}]
    assert by_name["feature_tells_label"]["word"] == "silent"
    assert by_name["feature_tells_label"]["columns"] == ["visits__visits"]


def test_a_server_is_asked_only_when_told_to(capsys, tmp_path):
    online = "online_store:\n  type: remote\n  path: http://127.0.0.1:1\n"
    repo = feast_repo(tmp_path / "repo", "duckdb", online, known_at=', created_timestamp_column="known"')
    said = guard(capsys, "feast", repo, code=0)
    assert "--online" in next(one for one in said["not_run"] if one["guard"] == "online_parity")["needs"]
    said = guard(capsys, "feast", repo, "--online", code=2)
    assert words_of(said)["online_parity"] == "could not judge"


def test_feast_repositories_that_cannot_be_judged(capsys, tmp_path):
    assert "no feature_store.yaml" in guard(capsys, "feast", tmp_path, code=2)["error"]
    broken = feast_repo(tmp_path / "broken", "duckdb")
    (broken / "views.py").write_text("import sys\nsys.exit(0)\n")
    assert "SystemExit" in guard(capsys, "feast", broken, code=2)["error"]
    (broken / "views.py").write_text("x = 1\n")
    assert "no feature view" in guard(capsys, "feast", broken, code=2)["error"]
    (broken / "json.py").write_text("x = 1\n")
    assert "its name is taken" in guard(capsys, "feast", broken, code=2)["error"]
    (broken / "feature_store.yaml").write_text("project: [")
    assert "cannot be loaded" in guard(capsys, "feast", broken, code=2)["error"]
