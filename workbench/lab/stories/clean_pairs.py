"""Copies across a split: how they are found on the packhouse, what they claim, and a folder to try the guard on."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import GuardError
from workbench.guards import near_duplicates
from workbench.guards.evidence import Finding
from workbench.lab.lesson import lessons_root
from workbench.lab.pairs import pair_browser
from workbench.lab.show import Shown, grid
from workbench.manifests import read_table
from workbench.profiles.hands import careless_split, grouped_split, put
from workbench.profiles.objects import objects_of

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from workbench.lab.own_files import Report
    from workbench.lab.trial import Trial
    from workbench.profiles.workspace import Workspace
    from workbench.widgets import PairBrowser, TruthMeter

COPIES: Final = ("bursts_across_split", "duplicate_rows", "augment_before_split")
LIVE: Final = "duplicate_rows"
"""The one of them that is run while you wait: its world has one photo a fruit, and is made in seconds."""


def frames_of(ws: Workspace, *, by: str) -> pa.Table:
    """Return the frames of the line with their embeddings, dealt to train and test.

    Parameters
    ----------
    ws : Workspace
        With clean and extract manifests.
    by : {'frame', 'fruit'}
        What is dealt at random: single frames, or whole fruit.

    Returns
    -------
    pyarrow.Table
        One row a frame: image_id, phash, embedding, device, group, split and more.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = read_table(ws.manifests / "clean")
    rows = rows.filter(pc.and_(pc.equal(rows["status"], "clean"), pc.equal(rows["station"], "line")))
    stored = read_table(ws.manifests / "extract", ["image_id", "embedding"])
    vector = dict(zip(stored["image_id"].to_pylist(), stored["embedding"].to_pylist(), strict=True))
    rows = rows.sort_by("image_id")
    rows = put(rows, "row_id", rows["image_id"])
    vectors = [vector[image_id] for image_id in rows["image_id"].to_pylist()]
    rows = rows.append_column("embedding", pa.array(vectors, pa.list_(pa.float32())))
    deal = {"frame": careless_split, "fruit": grouped_split}[by]
    return put(rows, "split", deal(rows, ws.settings.train.seed))


def watched(rows: pa.Table, **votes: Any) -> Finding:
    """Return what the guard of near-duplicates says when it is given these columns.

    Parameters
    ----------
    rows : pyarrow.Table
        From `frames_of`.
    **votes : str
        Of `workbench.guards.near_duplicates.measure`: ``group``, ``device``, ``embedding``.

    Returns
    -------
    Finding
        ``fired`` is None, and the sentence says why, where it refuses to judge.
    """
    try:
        return near_duplicates.check(near_duplicates.measure(rows, **votes))
    except GuardError as error:
        return Finding(near_duplicates.GUARD, None, error.message.partition(": ")[2])


def named(name: str, found: Finding) -> Finding:
    """Return a finding under another name, to stand beside others of the same guard."""
    return replace(found, guard=name)


def gone_with_equal_bytes(rows: pa.Table) -> str:
    """Return how many pairs of frames of one fruit are equal byte by byte: none, about half, or all."""
    equal, pairs = _equal_pairs(rows)
    return ("none", "about half", "all")[round(2 * equal / pairs)]


def said_of_equal_bytes(rows: pa.Table) -> str:
    """Return the count in a sentence."""
    equal, pairs = _equal_pairs(rows)
    return f"Of {pairs} pairs of frames of one fruit {equal} have equal bytes: each frame has noise and a time of its own."


def _equal_pairs(rows: pa.Table) -> tuple[int, int]:
    of_fruit: dict[str, list[str]] = {}
    for row in rows.select(["group", "sha256"]).to_pylist():
        of_fruit.setdefault(row["group"], []).append(row["sha256"])
    pairs = [pair for shas in of_fruit.values() for pair in combinations(shas, 2)]
    return sum(one == two for one, two in pairs), len(pairs)


def when_cured(trial: Trial) -> str:
    """Return what the guards say about the cured pipeline, in a sentence."""
    fired = [found.guard for found in trial.cured_said if found.fired]
    unable = [found.guard for found in trial.cured_said if found.fired is None]
    said = f"When cured, {', '.join(fired) or 'none'} fires"
    return f"{said}; {', '.join(unable)} could not judge: too few fruit." if unable else f"{said}."


def browser(ws: Workspace, found: Finding) -> PairBrowser:
    """Return a browser of the closest pairs that were found."""
    raw = read_table(ws.manifests / "raw", ["image_id", "uri"])
    uri = dict(zip(raw["image_id"].to_pylist(), raw["uri"].to_pylist(), strict=True))
    store = objects_of(ws)
    if found.evidence is None:
        raise GuardError(f"{found.guard}: {found.sentence}")
    return pair_browser(found.evidence, lambda image_id: store.get(uri[image_id]), most=12)


def hash_limits(rows: pa.Table, bits: tuple[int, ...] = (0, 2, 4, 6, 8)) -> Shown:
    """Show what a perceptual hash alone would name at each limit: frames of one fruit, and of two.

    Parameters
    ----------
    rows : pyarrow.Table
        From `frames_of`: ``phash`` and ``group``.
    bits : tuple of int
        Limits: pairs whose hashes differ in at most so many bits.

    Returns
    -------
    Shown
        One row a limit; every pair of frames is counted.
    """
    import numpy as np

    codes = np.array([int(code, 16) for code in rows["phash"].to_pylist()], np.uint64)
    fruit = np.array(rows["group"].to_pylist())
    one, two = np.triu_indices(len(codes), 1)
    apart = np.unpackbits((codes[one] ^ codes[two]).view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1)
    same = fruit[one] == fruit[two]
    counted = []
    for limit in bits:
        right, wrong = int((same & (apart <= limit)).sum()), int((~same & (apart <= limit)).sum())
        counted.append(
            (limit, f"{right} of {int(same.sum())}", wrong, f"{wrong / max(1, right + wrong):.0%}")
        )
    heads = (
        "bits that may differ",
        "pairs of one fruit",
        "pairs of two fruit",
        "share of the named that is wrong",
    )
    return grid("What a perceptual hash alone names", heads, counted)


def meter() -> TruthMeter:
    """Return the meter of the three failures that put copies on both sides."""
    from workbench.lab.effects import read
    from workbench.lab.truth import rows_of_effects
    from workbench.widgets import TruthMeter

    measured = [row for row in read().to_pylist() if row["failure"] in COPIES]
    measured.sort(key=lambda row: (COPIES.index(row["failure"]), -row["strength"], row["seed"]))
    # a nearest neighbour says 0 or 1, so that no threshold parts the top tenth: that dial says nothing here
    rows = [row | {"contacted": None, "score_to_rate": None} for row in rows_of_effects(measured)]
    return TruthMeter(rows, metric="accuracy", unit="fruit")


# -- the guard on a folder -------------------------------------------------------------------------------------------


def own_photos(ws: Workspace, folder: str = "", split: str = "") -> tuple[Report, str]:
    """Run the guards of pictures on somebody's own folder, or on this lesson's.

    Parameters
    ----------
    ws : Workspace
        Whose photos are written out where no folder is given.
    folder : str
        With photos; empty takes the lesson's, dealt frame by frame.
    split : str
        CSV or Parquet with ``path`` and ``split``; empty takes ``split.csv`` in the folder.

    Returns
    -------
    tuple
        The report, and the command that gives the same.
    """
    from pathlib import Path

    from workbench.lab.own_pictures import look_at_photos

    where = Path(folder).expanduser() if folder else _written_out(ws)
    listed = Path(split).expanduser() if split else where / "split.csv"
    shown = [folder or "FOLDER", split or f"{folder or 'FOLDER'}/split.csv"]
    return look_at_photos(where, listed), f"workbench guard images {shown[0]} --split {shown[1]}"


def _written_out(ws: Workspace) -> Path:
    """Write the frames of the line as files, with a list that deals them frame by frame."""
    import csv

    folder = lessons_root() / "lesson-02-photos"
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    store, listed = objects_of(ws), []
    for row in frames_of(ws, by="frame").to_pylist():
        path = f"photos/{row['image_id']}.jpg"
        (folder / path).write_bytes(store.get(row["uri"]))
        listed.append([path, row["split"], row["group"], row["device"], row["label_at_ingestion"]])
    with (folder / "split.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["path", "split", "group", "device", "label"], *listed])
    return folder
