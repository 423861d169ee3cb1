"""`workbench guard` on data that this project did not make, and on data that nobody should have made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn import datasets

from tests.helpers.guard_words import guard, words_of
from workbench.cli.app import run_app
from workbench.guards.evidence import Finding
from workbench.lab.own_files import Report

START = datetime(2026, 1, 1, tzinfo=UTC)


def bundled(name, *, leak=False, twins=0):
    """Return a data set of scikit-learn as a table with label and split, and perhaps a planted leak."""
    rng = np.random.default_rng(0)
    bunch = getattr(datasets, f"load_{name}")()
    y = bunch.target > np.median(bunch.target) if name == "diabetes" else bunch.target == 1
    columns = {str(column): bunch.data[:, i] for i, column in enumerate(bunch.feature_names)}
    if leak:
        columns["copy"] = (y ^ (rng.random(len(y)) < 0.02)).astype(np.int64)
    columns |= {"y": y.astype(np.int64), "split": np.where(rng.random(len(y)) < 0.3, "test", "train")}
    rows = pa.table(columns)
    if not twins:
        return rows
    train = np.flatnonzero(np.array(rows["split"].to_pylist()) == "train")[:twins]
    copies = rows.take(train).drop_columns(["split"]).append_column("split", pa.array(["test"] * len(train)))
    return pa.concat_tables([rows, copies])


def written(rows, path):
    if path.suffix == ".csv":
        pyarrow.csv.write_csv(rows, path)
    else:
        pq.write_table(rows, path)
    return path


@pytest.mark.parametrize(
    ("name", "solo"), [("breast_cancer", "fired"), ("diabetes", "silent"), ("wine", "fired")]
)
def test_scikit_learns_data_as_they_are(capsys, tmp_path, name, solo):
    """The cells of a tumour tell its kind, the colour of a wine its grower: strong honest columns fire too."""
    file = written(bundled(name), tmp_path / "rows.csv")
    said = guard(capsys, "leakage", file, "--label", "y", "--split", "split", code=int(solo == "fired"))
    assert words_of(said) == {"solo_feature": solo, "row_twins": "silent"}
    assert {one["guard"] for one in said["not_run"]} == {
        "cutoff_tells_label",
        "group_overlap",
        "window_overlap",
        "label_maturity",
        "pit_audit",
    }


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "wine"])
def test_scikit_learns_data_with_a_copy_of_the_label_and_twins(capsys, tmp_path, name, ending):
    file = written(bundled(name, leak=True, twins=20), tmp_path / f"rows.{ending}")
    said = guard(capsys, "leakage", file, "--label", "y", "--split", "split", code=1)
    assert words_of(said) == {"solo_feature": "fired", "row_twins": "fired"}
    best = [row["column"] for row in said["findings"][0]["offenders"][:3]]
    assert "copy" in best
    assert said["findings"][1]["facts"]["test_rows_with_twin"] == 20


def snapshots(n=240):
    """Return weekly snapshots of 40 members with a sound split by time, and nothing to find."""
    rng = np.random.default_rng(1)
    member, week = np.arange(n) % 40, np.arange(n) // 40
    when = [START + timedelta(days=40) * int(w) for w in week]
    return pa.table(
        {
            "member": [f"m{i}" for i in (member + 100 * (week >= 4))],
            "visits": rng.normal(size=n),
            "t": pa.array(when, pa.timestamp("us", "UTC")),
            "known": pa.array([at - timedelta(hours=1) for at in when], pa.timestamp("us", "UTC")),
            "y": np.where(rng.random(n) < 0.4, "left", "stayed"),
            "split": np.where(week >= 4, "test", "train"),
        }
    )


ALL = (
    "--label",
    "y",
    "--positive",
    "left",
    "--time",
    "t",
    "--known-at",
    "known",
    "--group",
    "member",
    "--split",
)
ALL = (*ALL, "split", "--extracted-at", "2027-01-01T00:00:00Z")


def test_every_leakage_guard_is_silent_on_sound_snapshots(capsys, tmp_path):
    said = guard(capsys, "leakage", written(snapshots(), tmp_path / "rows.parquet"), *ALL, code=0)
    assert set(words_of(said).values()) == {"silent"}
    assert len(words_of(said)) == 7
    assert said["not_run"] == []


def spoiled(guard_name):
    rows = snapshots()
    columns = {name: rows[name].to_pylist() for name in rows.column_names}
    n = rows.num_rows
    if guard_name == "cutoff_tells_label":
        columns["t"] = [
            at - timedelta(days=400) * (y == "left") for at, y in zip(columns["t"], columns["y"], strict=True)
        ]
        columns["known"] = [at - timedelta(days=500) for at in columns["known"]]
    elif guard_name in {"group_overlap", "window_overlap"}:
        columns["member"] = [f"m{i % 40}" for i in range(n)]
        if guard_name == "window_overlap":
            columns["split"] = ["test" if i % 7 == 0 else "train" for i in range(n)]
            columns["t"] = [START + timedelta(days=7) * (i // 40) for i in range(n)]
            columns["known"] = columns["t"]
    elif guard_name == "label_maturity":
        columns["t"][-1] = columns["known"][-1] = datetime(2026, 12, 20, tzinfo=UTC)
    else:
        columns["known"][0] += timedelta(days=1)
    return pa.table(columns)


@pytest.mark.parametrize(
    "name", ["cutoff_tells_label", "group_overlap", "window_overlap", "label_maturity", "pit_audit"]
)
def test_what_was_planted_is_found_with_its_rows(capsys, tmp_path, name):
    said = guard(capsys, "leakage", written(spoiled(name), tmp_path / "rows.parquet"), *ALL, code=1)
    assert words_of(said)[name] == "fired"
    assert next(one for one in said["findings"] if one["guard"] == name)["offenders"]


def test_people_get_a_table_with_the_worst_rows_and_what_was_not_run(capsys, tmp_path):
    file = written(bundled("diabetes", leak=True), tmp_path / "rows.csv")
    assert run_app(["guard", "leakage", str(file), "--label", "y"]) == 1
    out = capsys.readouterr().out
    assert "'copy' alone tells the label" in out
    assert "needs --split" in out
    assert "exit code 1" in out
    table = out.split("n_values")[1]
    assert sum(name in table for name in ("bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")) == 4


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (None, ["--label", "y"], "not there"),
        (b"", ["--label", "y"], "cannot be read"),
        (b"a,y\n", ["--label", "y"], "no rows"),
        (bytes(range(256)) * 20, ["--label", "y"], "cannot be read"),
        (b"\xff\xfe\xfd\n\xfa\n", ["--label", "y"], "cannot be read"),
        (b"PAR1" + b"x" * 100, ["--label", "y"], "cannot be read"),
        (b"a,b\n1,2\n3\n", ["--label", "b"], "cannot be read"),
        (b"a,a,y\n1,2,3\n", ["--label", "y"], "more than one column 'a'"),
        (b"a,outcome\n1,2\n", ["--label", "outcom"], "no column 'outcom'"),
        (b"a,y\n1,0\n2,1\n", ["--label", "y", "--time", "when"], "no column 'when'"),
        (b"a,y\n1,0\n2,1\n3,2\n", ["--label", "y"], "3 values (0, 1, 2), not two"),
        (b"a,y\n1,\n2,\n", ["--label", "y"], "0 values"),
        (b"a,y\n1,0\n2,1\n", ["--label", "y", "--extracted-at", "soon"], "not a time"),
    ],
)
def test_what_cannot_be_read_is_no_pass(capsys, tmp_path, content, options, said):
    file = tmp_path / "rows.csv"
    if content is not None:
        file.write_bytes(content)
    answer = guard(capsys, "leakage", file, *options, code=2)
    assert said in answer["error"]
    assert answer["hint"]


def test_a_nearby_column_is_proposed_and_people_read_it_on_stderr(capsys, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(b"a,outcome\n1,2\n")
    assert run_app(["guard", "leakage", str(file), "--label", "outcom"]) == 2
    assert "did you mean 'outcome'?" in capsys.readouterr().err
    assert "a directory" in guard(capsys, "leakage", tmp_path, "--label", "y", code=2)["error"]


@pytest.mark.parametrize("content", [b"y\n" + b"0\n1\n" * 50, b"a,y\n1,0\n2,1\n", b"a,y\n1,0\n2,0\n3,1\n"])
def test_too_little_to_judge_says_so(capsys, tmp_path, content):
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    said = guard(capsys, "leakage", file, "--label", "y", code=2)
    assert words_of(said) == {"solo_feature": "could not judge"}


def test_other_delimiters_other_sides_and_ids_that_would_hide_twins(capsys, tmp_path):
    rng = np.random.default_rng(2)
    lines = [f"{i};{rng.normal():.9f};{i % 2};{i % 3 == 0}" for i in range(90)]
    lines += [f"{90 + i};{line.split(';')[1]};{line.split(';')[2]};True" for i, line in enumerate(lines[1:3])]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(["id;x;y;held_out", *lines]))
    options = ("--label", "y", "--split", "held_out", "--sides", "false,true", "--ignore", "id")
    assert words_of(guard(capsys, "leakage", file, *options, code=1))["row_twins"] == "fired"
    assert words_of(guard(capsys, "leakage", file, *options[:-2], code=1))["row_twins"] == "fired"


def test_parity_is_silent_on_equal_files_and_names_the_shape(capsys, tmp_path):
    one = pa.table({"id": [f"i{n}" for n in range(200)], "km": np.arange(200.0) + 0.25, "n": np.arange(200)})
    offline = written(one, tmp_path / "offline.parquet")
    shuffled = one.take(np.random.default_rng(0).permutation(200))
    online = written(shuffled, tmp_path / "online.csv")
    assert words_of(guard(capsys, "parity", offline, online, "--key", "id", code=0)) == {"parity": "silent"}
    metres = shuffled.set_column(1, "km", pa.array(shuffled["km"].to_numpy() * 1000))
    written(metres, online)
    said = guard(capsys, "parity", offline, online, "--key", "id", code=1)["findings"][0]
    assert said["facts"]["by_column"]["km"]["shape"] == "unit"
    assert guard(capsys, "parity", offline, online, "--key", "id", "--columns", "n", code=0)
    assert (
        "no column 'kn'"
        in guard(capsys, "parity", offline, online, "--key", "id", "--columns", "kn", code=2)["error"]
    )
    others = written(
        one.set_column(0, "id", pa.array([f"j{n}" for n in range(200)])), tmp_path / "others.csv"
    )
    assert words_of(guard(capsys, "parity", offline, others, "--key", "id", code=2)) == {
        "parity": "could not judge"
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "not there"),
        (b"id,km\n", "no rows"),
        (b"PAR1" + b"x" * 100, "cannot be read"),
        (b"name,km\na,1\n", "no column 'id'"),
        (b"id,id\na,1\n", "more than one column 'id'"),
    ],
)
@pytest.mark.parametrize("side", [0, 1])
def test_parity_with_a_side_that_cannot_be_read(capsys, tmp_path, content, said, side):
    files = [tmp_path / "one.csv", tmp_path / "two.csv"]
    files[1 - side].write_bytes(b"id,km\na,1\nb,2\n")
    if content is not None:
        files[side].write_bytes(content)
    answer = guard(capsys, "parity", *files, "--key", "id", code=2)
    assert said in answer["error"]
    assert answer["hint"]


@pytest.mark.parametrize(
    ("online", "options", "said"),
    [
        (b"id,km\na,1\na,2\n", ("--key", "id"), "has rows that differ"),
        (b"id,m\na,1\n", ("--key", "id"), "share no column"),
        (b"id,km\nz,1\n", ("--key", "id"), "no key is on both sides"),
    ],
)
def test_parity_that_cannot_be_judged_says_why(capsys, tmp_path, online, options, said):
    (tmp_path / "offline.csv").write_bytes(b"id,km\na,1\nb,2\n")
    (tmp_path / "online.csv").write_bytes(online)
    answer = guard(capsys, "parity", tmp_path / "offline.csv", tmp_path / "online.csv", *options, code=2)
    assert words_of(answer) == {"parity": "could not judge"}
    assert said in answer["findings"][0]["sentence"]


def photos(folder, *, twins):
    """Write 24 pictures of nothing alike; the first of each side are the same where `twins`."""
    rng = np.random.default_rng(3)
    lines = ["path,split,group"]
    for i in range(24):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{'test' if i % 2 else 'train'},{i}")
    if twins:
        with Image.open(folder / "0.png") as first:
            first.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "1.png")
        lines[2] = "1.png,test,0"
    (folder / "split.csv").write_text("\n".join(lines))


@pytest.mark.parametrize("twins", [False, True])
def test_photos_across_a_split(capsys, tmp_path, twins):
    photos(tmp_path, twins=twins)
    said = guard(capsys, "images", tmp_path, "--split", tmp_path / "split.csv", code=int(twins))
    word = "fired" if twins else "silent"
    assert words_of(said) == {"near_duplicates": word, "group_overlap": word}
    if twins:
        pair = said["findings"][0]["offenders"][0]
        assert (pair["test_uri"], pair["train_uri"], pair["why"]) == ("1.png", "0.png", "mirrored")


@pytest.mark.parametrize(("telling", "code"), [(False, 0), (True, 1)])
def test_a_camera_that_tells_the_label(capsys, tmp_path, telling, code):
    photos(tmp_path, twins=False)
    lines = ["path;split;line;verdict"]
    for i in range(24):
        bad = i // 2 % 2
        lines.append(
            f"{i}.png;{'test' if i % 2 else 'train'};{'A' if (bad if telling else i // 4 % 2) else 'B'};{bad}"
        )
    file = tmp_path / "split.csv"
    file.write_text("\n".join(lines))
    options = ("--device-column", "line", "--label-column", "verdict")
    said = guard(capsys, "images", tmp_path, "--split", file, *options, code=code)
    assert words_of(said)["exif_association"] == ("fired" if telling else "silent")
    assert [one["guard"] for one in said["not_run"]] == ["group_overlap"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("path,split\ngone.png,train\n", "cannot be read"),
        ("path,split\n../split.csv,train\n", "is not below"),
        ("path,split\nsplit.csv,train\n", "none of 1 photos can be decoded"),
        ("file,split\n0.png,train\n", "no column 'path'"),
        ("path,split\n", "no rows"),
        ("PAR1 and no more", "cannot be read as a table"),
        ("path,split\n,train\n", "is not below"),
    ],
)
def test_a_list_of_photos_that_cannot_be_used(capsys, tmp_path, rows, said):
    (tmp_path / "split.csv").write_text(rows)
    assert said in guard(capsys, "images", tmp_path, "--split", tmp_path / "split.csv", code=2)["error"]


def test_a_photo_that_cannot_be_decoded_is_left_out_and_named(capsys, tmp_path):
    photos(tmp_path, twins=False)
    (tmp_path / "3.png").write_bytes(b"no picture")
    said = guard(capsys, "images", tmp_path, "--split", tmp_path / "split.csv", code=0)
    assert any("1 cannot be decoded" in note and "3.png" in note for note in said["notes"])


@pytest.mark.parametrize(
    ("said", "code"), [([False], 0), ([False, None], 2), ([False, None, True], 1), ([], 2)]
)
def test_exit_codes(said, code):
    assert Report("x", tuple(Finding("g", fired, "") for fired in said)).exit_code == code
