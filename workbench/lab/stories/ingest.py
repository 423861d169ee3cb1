"""What lesson 1 looks at: photos that are overwritten, what notices, and the two times of each delivery."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Final

from workbench.guards import content
from workbench.hashing import sha256_file
from workbench.lab.lesson import Case, Exercise, prepared
from workbench.lab.remade import Remade, remade
from workbench.lab.show import Frame, Shown, card, grid, pictures
from workbench.manifests import read_part, read_table, write_parquet
from workbench.profiles.objects import Objects, objects_of, raw_key

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.lab.pipeline import Watcher
    from workbench.profiles.workspace import Workspace

    Row = dict[str, Any]

MINUTE_S: Final = 60.0
SEASONS: Final = (0, 1, 2)
_COUSINS: Final = (
    ("the review becomes a feature", "review_made_feature", 1.0),
    ("only reviewed fruit are learned from", "training_on_reviewed_only", 0.8),
    ("a tenth of the photos is improved in place", "raw_overwritten", 0.1),
    ("all photos are improved in place", "raw_overwritten", 1.0),
)


def prepare(watcher: Watcher | None = None) -> Workspace:
    """Make what the lesson works on, for somebody who comes late."""
    ws = prepared(watcher=watcher)
    overwritten(ws)
    return ws


def overwritten(ws: Workspace) -> Remade:
    """Make the champion again after all line photos of the history were improved in place.

    Parameters
    ----------
    ws : Workspace
        With a champion. Its own photos stay as they are.

    Returns
    -------
    Remade
        Beside what was recorded.
    """
    from workbench.failures import load

    return remade(ws, load("raw_overwritten").inject(1.0))


def compared(again: Remade) -> Shown:
    """Show what one would compare after three weeks, and what became of the model."""
    before, after = again.before, again.after
    rows = [
        ("photos in the folder", again.n_photos, again.n_photos),
        ("names of the photos", "the same", "the same"),
        ("rows to train on and to test on", before.n_rows, after.n_rows),
        ("code and settings", "the same", "the same"),
        ("accuracy on the test rows", before.accuracy, after.accuracy),
        ("area under the ROC curve", before.auc, after.auc),
    ]
    foot = f"{again.changed} of {before.n_test} test rows get another answer. Nothing in the first four lines says why."
    return grid("The champion, made again after three weeks", ("", "as recorded", "made again"), rows, foot)


def one_photo(ws: Workspace) -> Shown:
    """Show one photo as it came and as the tool saved it, under the same name."""
    from workbench.failures.raw_overwritten import improved, victims

    photo = objects_of(ws).get(victims(ws, 1.0)[0])
    framed = [
        (Frame("", "as it came", "what the model learned from", "known"), photo),
        (Frame("", "as it is now", "contrast stretched, saved", "leak"), improved(photo)),
    ]
    return pictures(framed, "One name, two pictures")


def two_times(ws: Workspace) -> Shown:
    """Show event time and known-at of real deliveries: the usual one, the latest ones of line and bench."""
    rows = read_table(ws.manifests / "raw").to_pylist()
    waited = {row["image_id"]: _minutes(row) for row in rows}
    usual = min(rows, key=lambda row: (abs(waited[row["image_id"]] - median(waited.values())), row["name"]))
    late = [max(_at(rows, station), key=lambda row: waited[row["image_id"]]) for station in ("line", "bench")]
    when = "%a %d %b, %H:%M:%S"
    shown = [
        (
            kind,
            f"{row['captured_at']:{when}}",
            f"{row['ingestion_timestamp']:{when}}",
            f"{_minutes(row):,.0f} min",
        )
        for kind, row in zip(
            ("a usual one", "the latest of the line", "the latest of the bench"), [usual, *late], strict=True
        )
    ]
    n = sum(minutes > 60 for minutes in waited.values())
    foot = f"{n} of {len(rows)} photos came more than an hour after they were taken: the network of a line was down."
    return grid(
        "Two times of each photo (UTC)",
        ("delivery", "taken: event time", "here: known-at", "later"),
        shown,
        foot,
    )


def _at(rows: list[Row], station: str) -> list[Row]:
    return [row for row in rows if row["station"] == station]


def _minutes(row: Row) -> float:
    return float((row["ingestion_timestamp"] - row["captured_at"]).total_seconds() / MINUTE_S)


def write_once(ws: Workspace) -> Shown:
    """Put a photo into a store of its own, four times, and show what the store says."""
    from workbench.errors import OverwriteRefusedError
    from workbench.failures.raw_overwritten import improved, victims

    photo, store = objects_of(ws).get(victims(ws, 1.0)[0]), Objects.memory()
    key = raw_key(hashlib.sha256(photo).hexdigest(), ".jpg")
    rows = [
        ("a photo, for the first time", "written" if store.put_new(key, photo) else "there already"),
        (
            "the same bytes again",
            "written" if store.put_new(key, photo) else "there already, nothing written",
        ),
    ]
    try:
        store.put_new(key, improved(photo))
    except OverwriteRefusedError as error:
        rows.append(
            (
                "the improved photo, by the same door",
                f"refused: {error.message.partition(' with ')[2]} are there",
            )
        )
    store.store.put(key, improved(photo))
    kept = hashlib.sha256(store.get(key)).hexdigest() in key
    rows.append(
        (
            "the improved photo, around the door",
            "the bytes fit their name" if kept else "written, without a word",
        )
    )
    return grid(
        "One key, four attempts",
        ("what is put", "what happens"),
        [(f"{i} {a}", b) for i, (a, b) in enumerate(rows, 1)],
    )


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What is lost when an operator's label is overwritten with the bench's review.

    Attributes
    ----------
    season : int
        Seed of the world.
    fruit, reviewed : int
        Of the history, and how many of them lay on the bench.
    changed : int
        Labels that are another one afterwards.
    too_late : int
        Reviews that nobody knew by the cutoff, and that are in the column now.
    """

    season: int
    fruit: int
    reviewed: int
    changed: int
    too_late: int


def overwritten_labels(season: int, size: str = "lesson") -> Overwrite:
    """Compare what the operator said with what the bench said, for one season.

    Parameters
    ----------
    season : int
        Seed of the packhouse.
    size : str
        Of the packhouse; no photo is drawn.

    Returns
    -------
    Overwrite
        Counts of fruit.
    """
    from workbench.worlds.packhouse import SORTS
    from workbench.worlds.season import Season, dials_for

    past = Season(f"packhouse-{season}", dials_for(size), tuple(SORTS))
    fruit = [*past.history()]
    seen = [one for one in fruit if one.reviewed_label is not None]
    late = [one for one in seen if one.review_known_at is not None and one.review_known_at > past.end]
    return Overwrite(
        season, len(fruit), len(seen), sum(one.quick != one.reviewed_label for one in seen), len(late)
    )


def label_sheet() -> Shown:
    """Show what overwriting a label costs, season by season."""
    found = [overwritten_labels(season) for season in SEASONS]
    rows = [(f"season {one.season}", one.fruit, one.reviewed, one.changed, one.too_late) for one in found]
    columns = ("", "fruit", "on the bench", "labels that change", "reviews from after the cutoff")
    foot = "Few labels change. What is gone is the answer to two questions: how often is the operator wrong, and who knew what when?"
    return grid("The operator's label, overwritten with the review", columns, rows, foot)


def cousins() -> Shown:
    """Show from the table of effects what the same review does elsewhere, and what improved photos do."""
    rows = [(said, *_means(name, strength)) for said, name, strength in _COUSINS]
    columns = ("what is done", "claimed", "got", "could have had")
    return grid("Measured: mean accuracy over three full seasons", columns, rows)


def _means(name: str, strength: float) -> list[float]:
    from workbench.lab.effects import read

    mine = [row for row in read().to_pylist() if (row["failure"], row["strength"]) == (name, strength)]
    return [fmean(row[which] for row in mine) for which in ("claimed", "got", "could_have_had")]


# -- the learner's own files ------------------------------------------------------------------------------------------


def listing(folder: Path) -> pa.Table:
    """List the files of a folder with what they hold.

    Parameters
    ----------
    folder : Path
        With everything below it.

    Returns
    -------
    pyarrow.Table
        ``name``, ``n_bytes`` and ``sha256``, sorted by name.
    """
    import pyarrow as pa

    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return pa.table(
        {
            "name": pa.array([path.relative_to(folder).as_posix() for path in paths], pa.string()),
            "n_bytes": pa.array([path.stat().st_size for path in paths], pa.int64()),
            "sha256": pa.array([sha256_file(path) for path in paths], pa.string()),
        }
    )


def verify_folder(ws: Workspace, folder: str = "") -> Shown:
    """Compare a folder with the listing that was taken of it before; take one where there is none.

    Parameters
    ----------
    ws : Workspace
        Of the lesson: its photos are the demonstration.
    folder : str
        The learner's own; empty for the demonstration.

    Returns
    -------
    Shown
        What the guard `content` says, by name.
    """
    if not folder:
        return _demonstration(ws)
    path = Path(folder).expanduser()
    kept = path.with_name(f"{path.name}.listing.parquet")
    if not kept.is_file():
        write_parquet(kept, listing(path))
        return card(
            "A listing was taken",
            {"files": listing(path).num_rows, "kept in": kept.name},
            "Run this cell again next month.",
        )
    return _judged("Your folder", read_part(kept), listing(path))


def _demonstration(ws: Workspace) -> Shown:
    """Copy forty photos, list them, improve one in place, and compare."""
    from workbench.failures.raw_overwritten import improved

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for row in read_table(ws.manifests / "raw").to_pylist()[:40]:
            path = folder / Path(row["name"]).name
            path.write_bytes(objects_of(ws).get(row["uri"]))
        before, first = listing(folder), min(path for path in folder.iterdir() if path.stat().st_size > 1000)
        first.write_bytes(improved(first.read_bytes()))
        return _judged("Forty photos of the lesson, one of them improved in place", before, listing(folder))


def _judged(title: str, before: pa.Table, now: pa.Table) -> Shown:
    finding = content.check(content.measure(before, now, keys=("name",)))
    said = {
        "guard": "content",
        "files": now.num_rows,
        "verdict": "found" if finding.fired else "nothing found",
        "says": finding.sentence,
    }
    return card(title, said)


# -- exercises ------------------------------------------------------------------------------------------------------


def _has_sha(data: bytes, place: int) -> Any:
    return lambda keys: hashlib.sha256(data).hexdigest() in str(keys[place])


_ONE: Final = ("a.jpg", b"apple"), ("b.jpg", b"apple"), ("a.jpg", b"appla")

EXERCISES: Final = (
    Exercise(
        "raw_keys",
        "Give each file a key that depends on its bytes and on nothing else: [(name, bytes), ...] to [key, ...]. "
        "This one is written; press Check, then change it and see what breaks.",
        (
            Case("equal bytes have one key, whatever their name", (list(_ONE),), lambda keys: keys[0] == keys[1],
                 "A key made from the name says where a file is, not what it holds"),
            Case("other bytes have another key, also under the same name and of the same length", (list(_ONE),), lambda keys: keys[0] != keys[2],
                 "A name, or a size, is the same before and after somebody improved the file"),
            Case("the key holds the sha256, so it is the same on every machine", (list(_ONE),), _has_sha(b"apple", 0),
                 "Python's hash() of bytes is another number in every process"),
        ),
        ("hashlib.sha256(data).hexdigest() is the same everywhere, for ever.",),
    ),
    Exercise(
        "put_once",
        "Write once: return the store as it is afterwards, or the word 'refused'. One line is missing: what if the key is there already?",
        (
            Case("a new key is written", ({}, "k", b"apple"), {"k": b"apple"}),
            Case("the same bytes again change nothing, and are no error", ({"k": b"apple"}, "k", b"apple"), {"k": b"apple"},
                 "A killed run sends everything again; a store that refuses that cannot be resumed"),
            Case("other bytes are refused", ({"k": b"apple"}, "k", b"pear"), "refused",
                 "The last one wins: that is overwriting, and nobody is told"),
            Case("an empty file is a file", ({"k": b""}, "k", b"pear"), "refused",
                 "b'' is false in an `if`, and is still what arrived"),
        ),
        (
            "There are two cases: the bytes are equal, or they are not.",
            "return store if store[key] == data else 'refused'",
        ),
    ),
    Exercise(
        "compare_files",
        "Compare a listing of last month with the files of today (both: name to sha256). "
        "Return {'changed': [...], 'missing': [...], 'new': [...]}, names sorted.",
        (
            Case("nothing happened", ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}), {"changed": [], "missing": [], "new": []}),
            Case("a file has other bytes under its old name", ({"a": "1", "b": "2"}, {"a": "1", "b": "9"}), {"changed": ["b"], "missing": [], "new": []},
                 "The number of files and their names are equal: compare what they hold"),
            Case("one is gone and one has come", ({"a": "1", "b": "2"}, {"a": "1", "c": "3"}), {"changed": [], "missing": ["b"], "new": ["c"]},
                 "The count is the same: look at both sides"),
            Case("a new file is no change of an old one", ({"a": "1"}, {"a": "1", "b": "2"}), {"changed": [], "missing": [], "new": ["b"]},
                 "Data that has only grown can still be made again from: keep it apart from what changed"),
            Case("names come sorted", ({"b": "1", "a": "1"}, {}), {"changed": [], "missing": ["a", "b"], "new": []},
                 "The order of a dict is the order of the day"),
        ),
        (
            "Three questions: which names are on both sides, which only before, which only now?",
            "before.keys() & now.keys() are the names on both sides.",
            "changed = sorted(n for n in before.keys() & now.keys() if before[n] != now[n])",
        ),
    ),
    Exercise(
        "label_at",
        "Which label was known at a moment? The operator's glance, or the newest review that was KNOWN by then. "
        "A review is (label, reviewed_at, known_at); times are numbers.",
        (
            Case("no review yet", ("accept", [], 5), "accept"),
            Case("a review that was known counts", ("accept", [("reject", 3, 4)], 5), "reject",
                 "The bench looks longer than the operator: where its word was known, it is the better label"),
            Case("one that was typed in later does not", ("accept", [("reject", 3, 7)], 5), "accept",
                 "It was true at 3 and known at 7: a label that is overwritten in place cannot say so"),
            Case("typed in at that very moment, it was known", ("accept", [("reject", 3, 5)], 5), "reject",
                 "Known by then includes then"),
            Case("the newer of two looks counts, in whatever order they lie", ("accept", [("accept", 4, 4), ("reject", 1, 5)], 6), "accept",
                 "The one that was typed in last is not the one that was made last; nor is the last of the list"),
        ),
        (
            "Two questions: may I know it? And of those that I may know: which look is the newest?",
            "known = [review for review in reviews if review[2] <= at]",
            "max(known, key=lambda review: review[1])[0] if known else glance",
        ),
    ),
)  # fmt: skip
