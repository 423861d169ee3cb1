"""The guards on data that this project did not make: what fires on it as it is, and with leaks planted in it.

Tumours, wines, diabetes and digits come with scikit-learn. A guard that fires on sound data is named here, with the
reason; so is a leak that a file cannot show.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from tests.helpers.guard_words import guard, words_of
from workbench.guards import label_shuffle

TABLES = ("breast_cancer", "diabetes", "wine")


def features_and_label(name):
    """Return columns by name, and a label of two values: malignant, above the median, of the second grower."""
    bunch = getattr(datasets, f"load_{name}")()
    y = bunch.target > np.median(bunch.target) if name == "diabetes" else bunch.target == 1
    return {str(column): bunch.data[:, i] for i, column in enumerate(bunch.feature_names)}, y


def written(columns, path):
    pq.write_table(pa.table(columns), path)
    return path


def encoded(y, rows_each, rng):
    """Encode a category that means nothing by the mean label of all its rows, the test rows among them."""
    category = rng.permutation((np.arange(len(y)) / rows_each).astype(np.int64))
    return (np.bincount(category, weights=y) / np.bincount(category))[category]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("rows_each", [1.25, 10])
def test_a_column_that_was_encoded_by_the_label(capsys, tmp_path, name, rows_each):
    """With nearly a category a row it is the label; with ten rows each a file no longer shows it."""
    columns, y = features_and_label(name)
    rng = np.random.default_rng(0)
    columns = {
        "encoded": encoded(y, rows_each, rng),
        "noise": rng.normal(size=len(y)),
        "y": y.astype(np.int64),
    }
    fires = rows_each < 2
    said = guard(capsys, "leakage", written(columns, tmp_path / "t.parquet"), "--label", "y", code=int(fires))
    assert words_of(said) == {"solo_feature": "fired" if fires else "silent"}
    assert said["findings"][0]["columns"][0] == "encoded"


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("before_split", [True, False])
def test_what_a_file_cannot_show_the_pipeline_does(name, before_split):
    """The same ten rows each, encoded inside the pipeline: there shuffled labels find it."""
    _, y = features_and_label(name)
    rng = np.random.default_rng(1)
    category = rng.permutation(np.arange(len(y)) // 10)
    test = rng.random(len(y)) < 0.4

    def rerun(labels):
        learned = np.ones(len(y), bool) if before_split else ~test
        n = np.bincount(category[learned], minlength=category.max() + 1)
        mean = np.bincount(category[learned], weights=labels[learned], minlength=len(n)) / np.maximum(n, 1)
        return labels[test], mean[category][test]

    finding = label_shuffle.check(label_shuffle.measure(rerun, y, repeats=5))
    assert finding.fired is before_split


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_repeated_rows_across_the_split(capsys, tmp_path, name, share):
    columns, y = features_and_label(name)
    rng = np.random.default_rng(2)
    side = np.where(rng.random(len(y)) < 0.3, "test", "train")
    again = np.flatnonzero(side == "train")[: int(share * (side == "test").sum())]
    columns = {key: np.concatenate([values, values[again]]) for key, values in columns.items()}
    columns |= {
        "y": np.concatenate([y, y[again]]).astype(np.int64),
        "split": np.concatenate([side, ["test"] * len(again)]),
    }
    file = written(columns, tmp_path / "t.parquet")
    said = guard(capsys, "leakage", file, "--label", "y", "--split", "split", code=1)
    twins = next(one for one in said["findings"] if one["guard"] == "row_twins")
    assert twins["word"] == "fired"
    assert twins["facts"]["test_rows_with_twin"] == len(again)
    assert {"row", "train_row", "y"} < set(twins["offenders"][0])  # not the number of a row alone


@pytest.mark.parametrize("name", TABLES)
def test_a_patient_on_both_sides(capsys, tmp_path, name):
    """Three visits of each person with a little noise: no row is equal to another, the person tells."""
    columns, y = features_and_label(name)
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(len(y)), 3)
    columns = {key: np.repeat(v, 3) + rng.normal(scale=0.01, size=3 * len(y)) for key, v in columns.items()}
    columns |= {"y": y[person].astype(np.int64), "person": [f"p{i}" for i in person]}
    by_person = np.where(rng.random(len(y)) < 0.3, "test", "train")
    options = ("--label", "y", "--group", "person", "--split", "split")
    words = {}
    for how, split in (
        ("rows", np.where(rng.random(3 * len(y)) < 0.3, "test", "train")),
        ("person", by_person[person]),
    ):
        file = written(columns | {"split": split}, tmp_path / f"{how}.parquet")
        code = int(how == "rows" or name != "diabetes")
        words[how] = words_of(guard(capsys, "leakage", file, *options, code=code))
    assert (words["rows"]["group_overlap"], words["person"]["group_overlap"]) == ("fired", "silent")
    assert words["rows"]["row_twins"] == words["person"]["row_twins"] == "silent"
    assert words["person"]["solo_feature"] == ("silent" if name == "diabetes" else "fired")  # honestly strong


def moved(columns, how):
    names = [name for name in columns if name != "id"]
    if how == "scaled":
        scaled = StandardScaler().fit_transform(np.column_stack([columns[n] for n in names]))
        return {"id": columns["id"]} | {name: scaled[:, i] for i, name in enumerate(names)}
    one, two = names[:2]
    return columns | {one: columns[two], two: columns[one]}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("how", "shape"), [("as it is", None), ("scaled", "unit"), ("swapped", "swap")])
def test_served_as_trained_or_not(capsys, tmp_path, name, how, shape):
    columns, y = features_and_label(name)
    columns = {"id": [f"r{i}" for i in range(len(y))]} | columns
    offline = written(columns, tmp_path / "offline.parquet")
    online = written(columns if shape is None else moved(columns, how), tmp_path / "online.parquet")
    said = guard(capsys, "parity", offline, online, "--key", "id", code=int(shape is not None))["findings"][0]
    shapes = {of["shape"] for of in said["facts"]["by_column"].values() if of["cells"]}
    assert shapes == ({shape} if shape else set())


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Write 300 digits, and 30 of the test side again: a degree turned, as JPEG, on the train side."""
    folder = tmp_path_factory.mktemp("digits")
    bunch, rng = datasets.load_digits(), np.random.default_rng(0)
    side = np.where(rng.random(300) < 0.3, "test", "train")
    rows = []
    for i in range(300):
        picture = Image.fromarray((bunch.images[i] * 15.9).astype(np.uint8))
        picture.resize((96, 96), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
        rows.append((f"{i}.png", side[i], bunch.target[i], i))
    copies = []
    for i in np.flatnonzero(side == "test")[:30]:
        with Image.open(folder / f"{i}.png") as picture:
            picture.rotate(1).save(folder / f"copy-{i}.jpg")
        copies.append((f"copy-{i}.jpg", "train", bunch.target[i], i))
    for name, listed in (("clean", rows), ("copies", rows + copies)):
        for columns in (3, 4):
            lines = [
                ",".join(map(str, row[:columns])) for row in [("path", "split", "label", "group"), *listed]
            ]
            (folder / f"{name}-{columns}.csv").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize("columns", [3, 4])
@pytest.mark.parametrize("name", ["clean", "copies"])
def test_digits_and_copies_of_them(capsys, digits, name, columns):
    """Many a 1 is like another 1: with labels alone more must look alike before it is a finding, and a note says so."""
    code = int(name == "copies")
    said = guard(capsys, "images", digits, "--split", digits / f"{name}-{columns}.csv", code=code)
    word = "fired" if code else "silent"
    found = said["findings"][0]
    assert (found["guard"], found["word"]) == ("near_duplicates", word)
    assert any("no groups" in note for note in said["notes"]) is (columns == 3)
    assert words_of(said).get("group_overlap", word) == word
    if code:
        copied = [pair for pair in found["offenders"] if pair["train_uri"].startswith("copy-")]
        assert len({pair["train_uri"] for pair in copied}) >= 25  # of 30
