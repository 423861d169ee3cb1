"""Guards for pictures: near-duplicates, tags that tell the label, embeddings on two paths."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageFilter, ImageOps

from workbench.errors import GuardError
from workbench.guards import embedding, exif_association, near_duplicates
from workbench.guards.exif_association import associate
from workbench.pictures import perceptual_hash
from workbench.pictures.hashes import hash_pictures


def photo(i: int) -> Image.Image:
    noise = np.random.default_rng(i).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return ImageOps.autocontrast(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(4)))


def jpeg(image: Image.Image, quality: int = 60) -> Image.Image:
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=quality)
    return Image.open(packed)


def hashed(images: list[Image.Image], split: list[str], **more: list[object]) -> pa.Table:
    return pa.table(
        {
            "image_id": [f"p{i}" for i in range(len(images))],
            "phash": [perceptual_hash(image) for image in images],
            "phash_mirrored": [perceptual_hash(ImageOps.mirror(image)) for image in images],
            "split": split,
            **more,
        }
    )


def unit(n: int, dim: int = 16, seed: int = 0) -> list[list[float]]:
    rows = np.random.default_rng(seed).standard_normal((n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).tolist()


# -- near-duplicates ---------------------------------------------------------------------------------------------


def test_different_photos_are_silent() -> None:
    rows = hashed([photo(i) for i in range(60)], ["train"] * 45 + ["test"] * 15)
    found = near_duplicates.check(near_duplicates.measure(rows))
    assert found.word == "silent"
    assert found.evidence is not None
    assert (found.evidence.n, found.evidence.value, found.evidence.offenders) == (15, 0.0, None)


def test_copies_and_mirrored_copies_are_named_closest_first() -> None:
    train = [photo(i) for i in range(45)]
    test = [train[3].copy(), jpeg(train[4]), ImageOps.mirror(train[5]), *(photo(i) for i in range(100, 112))]
    rows = hashed(train + test, ["train"] * 45 + ["test"] * 15, uri=[f"s3://{i}" for i in range(60)])
    found = near_duplicates.check(near_duplicates.measure(rows))
    assert found.fired is True
    assert found.evidence is not None
    assert found.evidence.value == 3 / 15
    seen = found.evidence.offenders.to_pylist()
    assert {(row["test_image_id"], row["train_image_id"]) for row in seen} == {
        ("p45", "p3"), ("p46", "p4"), ("p47", "p5")
    }  # fmt: skip
    assert [row["distance"] for row in seen] == sorted(row["distance"] for row in seen)
    assert {row["train_image_id"]: row["why"] for row in seen}["p5"] == "mirrored"
    assert seen[0]["test_uri"].startswith("s3://")
    json.dumps(found.to_dict())
    unmirrored = near_duplicates.measure(rows.drop_columns(["phash_mirrored"]))
    assert unmirrored.value == 2 / 15, "without the mirrored hash a flipped copy is not seen"


def belt(n: int, seed: int, *, twins_apart: bool) -> pa.Table:
    """Return captures of two cameras whose hashes lie within few bits of each other, two frames a thing."""
    rng = np.random.default_rng(seed)
    base = {c: rng.integers(0, 2, 64) for c in "ab"}
    things = unit(n, 32, seed)
    rows = []
    for i in range(n):
        camera = "ab"[i % 2]
        flips = rng.random(64) < 0.05
        side = "test" if i % 4 < 1 else "train"
        for frame in range(2):
            bits = base[camera] ^ flips ^ (rng.random(64) < 0.01)
            code = f"{int(''.join(map(str, bits)), 2):016x}"
            near = np.array(things[i]) + 0.01 * rng.standard_normal(32)
            away = {"test": "train", "train": "test"}[side] if twins_apart and frame and i % 4 < 1 else side
            rows.append(
                {"item": i, "device": camera, "phash": code, "embedding": near.tolist(), "split": away}
            )
    return pa.Table.from_pylist(rows)


def test_before_a_fixed_background_the_limits_are_learned() -> None:
    clean, leaky = belt(240, 1, twins_apart=False), belt(240, 1, twins_apart=True)
    names = {"group": "item", "device": "device", "embedding": "embedding"}
    seen = near_duplicates.measure(clean, **names)
    assert max(limit["bits"] for limit in list(seen.facts["limits"].values())[:2]) < 4
    assert near_duplicates.check(seen).word == "silent"
    found = near_duplicates.check(near_duplicates.measure(leaky, **names))
    assert found.fired is True
    assert found.evidence is not None
    assert found.evidence.value > 0.9
    assert found.evidence.facts["pairs_by"]["embedding"] > 0


def test_a_hash_that_is_no_witness_is_not_believed() -> None:
    rows = belt(240, 1, twins_apart=True)
    for names in ({"device": "device"}, {"device": "device", "group": "item"}):
        with pytest.raises(GuardError, match="nearly equal hashes") as raised:
            near_duplicates.measure(rows, **names)
        assert "embedding=" in raised.value.hint


def test_copies_under_two_ids_within_one_side_do_not_hide_those_across() -> None:
    images = [photo(i % 80) for i in range(160)]
    split = ["test" if i % 80 % 4 == 0 and i >= 80 else "train" for i in range(160)]
    vectors = unit(80)
    rows = hashed(images, split, item=list(range(160)), embedding=[vectors[i % 80] for i in range(160)])
    for names in ({"group": "item"}, {"group": "item", "embedding": "embedding"}):
        assert near_duplicates.measure(rows, **names).value == 1.0


def test_odd_tables() -> None:
    rows = hashed([photo(i) for i in range(8)], ["train", "test"] * 4)
    holes = rows.set_column(1, "phash", pa.array([None, "", *rows["phash"].to_pylist()[2:]]))
    assert near_duplicates.measure(holes).facts["pictures_without_hash"] == 2
    encoded = rows.set_column(1, "phash", rows["phash"].combine_chunks().dictionary_encode())
    encoded = encoded.set_column(0, "image_id", encoded["image_id"].cast(pa.large_string()))
    assert near_duplicates.measure(encoded).value == 0
    unknown = rows.append_column("device", pa.array([None] * 8, pa.string()))
    assert near_duplicates.measure(unknown, device="device").value == 0


@pytest.mark.parametrize(
    ("change", "names", "match"),
    [
        ({"phash": ["xyz"] * 4}, {}, "no perceptual hash"),
        ({"phash": [1] * 4}, {}, "type int64"),
        ({"phash": [None] * 4}, {}, "no row with a"),
        ({"split": ["train"] * 4}, {}, "'test'"),
        ({"embedding": [[1.0]] * 3 + [[1.0, 2.0]], "g": [1] * 4}, {"group": "g", "embedding": "embedding"}, "lengths"),
        ({"embedding": ["a"] * 4, "g": [1] * 4}, {"group": "g", "embedding": "embedding"}, "type string"),
        ({"embedding": [[1.0]] * 4}, {"embedding": "embedding"}, "without groups"),
        ({}, {"device": "camera"}, "no column 'camera'"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_said(change: dict, names: dict, match: str) -> None:
    columns = {"phash": ["0f" * 8] * 4, "split": ["train", "test"] * 2} | change
    with pytest.raises(GuardError, match=match):
        near_duplicates.measure(pa.table(columns), **names)


def test_an_empty_table_proves_nothing() -> None:
    with pytest.raises(GuardError, match="no rows"):
        near_duplicates.measure(
            pa.table({"phash": pa.array([], pa.string()), "split": pa.array([], pa.string())})
        )


def test_pictures_on_disk_are_hashed(tmp_path) -> None:
    photo(1).save(tmp_path / "a.png")
    ImageOps.mirror(photo(1)).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    rows = hash_pictures([tmp_path / name for name in ("a.png", "b.png", "c.png")])
    a, b, c = rows.to_pylist()
    assert a["phash"] == b["phash_mirrored"]
    assert a["phash"] == perceptual_hash(photo(1))
    assert (c["phash"], c["reason"]) == (None, "not_an_image")
    assert hash_pictures([]).num_rows == 0


# -- tags --------------------------------------------------------------------------------------------------------


def tagged(n: int, n_devices: int, strength: float, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    device = rng.integers(0, n_devices, n)
    label = np.where(rng.random(n) < strength, device % 2, rng.integers(0, 2, n))
    return pa.table({"device": [f"cam-{d}" for d in device], "label": np.where(label == 1, "bad", "good")})


def test_v_is_bergsmas() -> None:
    """By hand: chi2 = 80 * (.75 - .25)^2 / .25 = 20, phi2 = .25 - 1/79, r' = c' = 2 - 1/79."""
    one = np.repeat([0, 0, 1, 1], [30, 10, 10, 30])
    two = np.repeat([0, 1, 0, 1], [30, 10, 10, 30])
    found = associate(one, two)
    assert found.v == pytest.approx(np.sqrt((0.25 - 1 / 79) / (1 - 1 / 79)))
    assert found.p == pytest.approx(7.744e-6, rel=1e-3)


def test_v_and_p_agree_with_scipy_on_the_raw_statistic() -> None:
    from scipy.stats import chi2_contingency

    rng = np.random.default_rng(4)
    one, two = rng.integers(0, 7, 300), rng.integers(0, 3, 300)
    table = np.zeros((7, 3))
    np.add.at(table, (one, two), 1)
    assert associate(one, two).p == pytest.approx(chi2_contingency(table, correction=False)[1])


def test_noise_is_silent_though_the_raw_v_is_high() -> None:
    fired = [
        exif_association.check(exif_association.measure(tagged(100, 40, 0.0, seed))).fired
        for seed in range(40)
    ]
    assert sum(bool(f) for f in fired) <= 2


def test_a_device_that_tells_the_label_fires_with_its_table() -> None:
    rows = tagged(300, 3, 0.6, 1).append_column("software", pa.array(["v1"] * 300))
    found = exif_association.check(exif_association.measure(rows, tags=("software", "device")))
    assert found.fired is True
    assert found.evidence is not None
    assert found.evidence.columns == ("device", "software")
    assert found.evidence.facts["tags"]["software"] == {"v": 0.0, "p": 1.0, "values": 1}
    cell = found.evidence.offenders.to_pylist()[0]
    assert cell["tag"] == "device"
    assert abs(cell["rows"] - cell["expected"]) > 10
    json.dumps(found.to_dict())


def test_more_tags_ask_for_more() -> None:
    rows = tagged(300, 3, 0.6, 1)
    one = exif_association.measure(rows, tags="device").facts["tags"]["device"]["p"]
    rows = rows.append_column("a", rows["device"]).append_column("b", rows["device"])
    assert exif_association.measure(rows, tags=("device", "a", "b")).facts["tags"]["device"][
        "p"
    ] == pytest.approx(3 * one)


def test_frames_of_one_thing_count_once() -> None:
    """Four frames a fruit on noise: without groups they pass for four fruit."""
    fired = []
    for seed in range(60):
        rows = tagged(240, 3, 0.0, seed).append_column("item", pa.array(range(240)))
        four = pa.concat_tables([rows] * 4)
        looks = [exif_association.measure(four, group=group) for group in ("item", None)]
        assert looks[0].value == exif_association.measure(rows).value
        assert [look.n for look in looks] == [240, 960]
        fired.append([exif_association.check(look).fired for look in looks])
    grouped, ungrouped = np.sum(fired, axis=0)
    assert grouped <= 3
    assert ungrouped > 6


def test_a_tag_of_its_own_for_each_row_and_a_missing_one() -> None:
    rows = tagged(60, 2, 0.0, 2).append_column("serial", pa.array(range(60)))
    assert exif_association.measure(rows, tags=("serial",)).value == 0
    gone = pa.array([None if label == "bad" else "x" for label in rows["label"].to_pylist()])
    missing = exif_association.check(exif_association.measure(rows.set_column(0, "device", gone)))
    assert missing.fired is True, "that a tag is missing is a tag, too"


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"device": ["a"] * 30, "label": ["x"] * 30}, "1 different value"),
        ({"device": ["a"] * 60, "label": list(range(60))}, "60 different values"),
        ({"device": ["a", "b"], "label": ["x", "y"]}, "2 rows"),
        ({"device": ["a"] * 30, "label": pa.nulls(30, pa.string())}, "0 rows"),
        ({"device": ["a"] * 30}, "no column 'label'"),
        ({"device": ["a"] * 30, "label": ["x", "y"] * 15, "item": [1, 2] * 15}, "2 values of 'item'"),
    ],
)
def test_degenerate_tags(columns: dict, match: str) -> None:
    with pytest.raises(GuardError, match=match):
        exif_association.measure(pa.table(columns), group="item" if "item" in columns else None)


def test_an_embedding_that_holds_the_device_loses_before_a_new_one() -> None:
    """Label signal differs in sign between cameras' offsets: what is learned on one is no use on the next."""
    rng = np.random.default_rng(0)
    n = 600
    device = rng.integers(0, 3, n)
    label = (rng.random(n) < np.array([0.9, 0.1, 0.5])[device]).astype(int)
    x = 0.3 * rng.standard_normal((n, 8))
    x[np.arange(n), device] += 2
    x[:, 5] += 0.2 * (2 * label - 1)
    rows = pa.table(
        {"device": device, "label": label, "embedding": x.tolist(), "item": np.arange(n) // 2}
    )  # fmt: skip
    facts = exif_association.measure(rows, embedding="embedding", group="item").facts
    assert facts["tag_auc"] > 0.99
    assert facts["label_auc"] > facts["label_auc_known_device"] + 0.05, "the camera alone tells much"
    assert 0.5 < facts["label_auc_new_device"] <= 1
    again = exif_association.measure(rows, embedding="embedding", group="item").facts
    assert again == facts
    one = rows.set_column(0, "device", pa.array([0] * n))
    assert exif_association.measure(one, embedding="embedding").facts["label_auc_new_device"] is None


# -- embeddings on two paths -------------------------------------------------------------------------------------


def paths(served: list[list[float] | None], **more: list[object]) -> tuple[pa.Table, pa.Table]:
    ids = [str(i) for i in range(len(served))]
    reference = pa.table({"image_id": ids, "embedding": unit(len(served)), **more})
    kind = pa.list_(pa.float64())
    return reference, pa.table({"image_id": ids, "embedding": pa.array(served, kind), **more})


def test_the_same_numbers_in_any_order_and_scale_are_silent() -> None:
    reference, served = paths([[3 * x for x in row] for row in unit(50)])
    mixed = served.take(np.random.default_rng(0).permutation(50))
    found = embedding.check(embedding.measure(reference, mixed))
    assert found.word == "silent"
    assert found.evidence is not None
    assert found.evidence.value == pytest.approx(1)
    assert found.evidence.offenders is None


def test_other_numbers_fire_worst_first() -> None:
    vectors = unit(50)
    vectors[7] = [-x for x in vectors[7]]
    found = embedding.check(embedding.measure(*paths(vectors)))
    assert found.fired is True
    assert found.evidence is not None
    assert found.evidence.offenders.to_pylist()[0] == {"served_row": 7, "image_id": "7", "cosine": -1.0} | {
        "cosine": pytest.approx(-1)
    }
    assert (found.evidence.facts["below"], found.evidence.n) == (1, 50)


def test_a_few_wrong_files_fire_though_the_mean_is_high() -> None:
    vectors = np.array(unit(200))
    vectors[3] = vectors[3] + 1.5 * np.eye(16)[0]
    seen = embedding.measure(*paths(vectors.tolist()))
    assert seen.value > embedding.LOWEST_MEAN
    assert embedding.check(seen).fired is True
    assert embedding.check(seen, lowest_one=-1).fired is False


@pytest.mark.parametrize("lost", [None, [0.0] * 16, [float("nan")] * 16, [float("inf")] * 16])
def test_a_lost_embedding_fires(lost: list[float] | None) -> None:
    found = embedding.check(embedding.measure(*paths([*unit(50)[:49], lost])), lowest_mean=0, lowest_one=-1)
    assert found.fired is True
    assert "1 embeddings are missing" in found.sentence


def test_a_large_number_is_no_overflow() -> None:
    reference, served = paths([[1e200 * x for x in row] for row in unit(50)])
    assert embedding.measure(reference, served).value == pytest.approx(1)


def test_fingerprints_must_be_one() -> None:
    reference, served = paths(unit(50), model=["v1"] * 50)
    same = embedding.check(embedding.measure(reference, served, fingerprint="model"))
    assert same.word == "silent"
    other = served.set_column(2, "model", pa.array(["v1"] * 49 + [None]))
    found = embedding.check(embedding.measure(reference, other, fingerprint="model"))
    assert found.fired is True
    assert "2 models" in found.sentence


def test_a_capture_may_be_served_twice_and_others_not_at_all() -> None:
    reference, served = paths(unit(50))
    twice = pa.concat_tables([served.slice(0, 10), served.slice(0, 10)])
    twice = pa.concat_tables([twice, pa.table({"image_id": ["new"], "embedding": [unit(1)[0]]})])
    seen = embedding.measure(reference, twice)
    assert (seen.n, seen.facts["keys_only_in_reference"], seen.facts["rows_only_in_served"]) == (20, 40, 1)


@pytest.mark.parametrize(
    ("served", "match"),
    [
        ({"image_id": ["7x"], "embedding": [[1.0] * 16]}, "share no image_id"),
        ({"image_id": ["1"], "embedding": [[1.0] * 8]}, "16 numbers against 8"),
        ({"image_id": ["1"]}, "no column 'embedding'"),
        (
            {"image_id": pa.array([], pa.string()), "embedding": pa.array([], pa.list_(pa.float64()))},
            "no rows",
        ),
        ({"image_id": ["1"], "embedding": [1.0]}, "type double"),
        ({"image_id": pa.nulls(1, pa.string()), "embedding": [[1.0] * 16]}, "share no image_id"),
    ],
)
def test_paths_that_cannot_be_compared(served: dict, match: str) -> None:
    with pytest.raises(GuardError, match=match):
        embedding.measure(paths(unit(50))[0], pa.table(served))


def test_a_reference_with_two_embeddings_for_one_photo_is_refused() -> None:
    reference, served = paths(unit(50))
    other = reference.slice(0, 1).set_column(1, "embedding", pa.array([unit(2)[1]]))
    with pytest.raises(GuardError, match="two embeddings"):
        embedding.measure(pa.concat_tables([reference, other]), served)
