"""Write the widget bench: one page with every widget, that needs no kernel and no network.

    python -m scripts.widget_bench                  build/widgets.html
    python -m scripts.widget_bench --out PAGE       that file
    python -m scripts.widget_bench --look DIR       and pictures, light and dark, 700 and 1100 pixels wide

The widgets are the real ones: their own JavaScript, their style, and the state that Python gives
them. A small model stands in for the notebook's, and `bench_kernel.mjs` for Python's observers.
The page's hash chooses one widget (`#predict`), and `?dark` its colours.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import re
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
WIDTHS: Final = (700, 1100)

PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Widget bench</title>
<style>
  body { margin: 0; background: #fff; color: #1b1f24; font: 15px/24px system-ui, sans-serif }
  body.dark { background: #16181c; color: #e8eaed }
  main { max-width: 960px; margin: 0 auto; padding: 24px }
  h1 { font-size: 26px; line-height: 32px; margin: 0 0 24px } h2 { font-size: 15px; margin: 32px 0 8px; font-weight: 600 }
</style>
<body><main><h1>Widget bench</h1></main>
<script type="application/json" id="exhibits">EXHIBITS</script>
<script type="module">
KERNEL
class Model {
  constructor(exhibit) { this.state = exhibit.state; this.exhibit = exhibit; this.heard = {}; this.sent = 0; }
  get(name) { return this.state[name]; }
  set(name, value) { this.state = { ...this.state, [name]: value }; this.tell(name); }
  on(event, call) { (this.heard[event] ??= []).push(call); }
  off(event, call) { this.heard[event] = (this.heard[event] ?? []).filter((one) => one !== call); }
  tell(name) { for (const call of this.heard[`change:${name}`] ?? []) call(); }
  answer(changes) { for (const [name, value] of Object.entries(changes)) this.set(name, value); }
  save_changes() { this.sent += 1; setTimeout(() => KERNELS[this.exhibit.widget]?.(this, this.exhibit.secrets)); }
}
const shown = JSON.parse(document.getElementById("exhibits").textContent);
if (location.search === "?dark") document.body.classList.add("dark");
window.bench = {};
for (const [name, exhibit] of Object.entries(shown)) {
  if (location.hash && location.hash !== `#${name}`) continue;
  const box = document.createElement("section");
  box.id = `bench-${name}`;
  const title = document.createElement("h2");
  title.textContent = name.replaceAll("_", " ");
  const style = document.createElement("style");
  style.textContent = exhibit.css;
  const el = document.createElement("div");
  box.append(title, style, el);
  document.querySelector("main").append(box);
  const module = await import(URL.createObjectURL(new Blob([exhibit.esm], { type: "text/javascript" })));
  const model = new Model(exhibit);
  window.bench[name] = { model, end: module.default.render({ model, el }) };
}
document.body.dataset.ready = "true";
</script>
</html>
"""


def exhibits() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return the widgets of the bench by name, each with what only its kernel knows."""
    from workbench.lab.timeline import timeline
    from workbench.widgets import Case, Checkpoint, Panel, Predict, TruthMeter, View

    panel = Panel(rows=(100, 1000, 300), noise=(0.0, 1.0, 0.25), model=["logistic", "tree"], stratified=True)
    number = Predict("How often will team B's model be right on the line?", unit="")
    choice = Predict(
        "Would cross-validation have caught it?",
        options=["Yes, with five folds", "Yes, with whole fruit held out", "No"],
    )
    check = Checkpoint(
        "Write known_by(rows, moment): the rows that were true and recorded by then",
        _not_written,
        [Case("a row of the future is left out", ([], 3), [], "")],
        hints=HINTS,
    )
    check.report = REPORTS[0]
    return {
        "truth_meter": (
            TruthMeter(
                meter_rows(),
                metric="share of fruit that are graded right",
                unit="fruit",
                strength=1.0,
                presets=METER_PRESETS,
            ),
            {},
        ),
        "pit_timeline": (timeline(VALUES, 15.0, subject="resting pulse", presets=PRESETS), {}),
        "predict": (number, {"answer": 0.59, "why": {"": "The white bench is not there on the line."}}),
        "predict_choice": (choice, {"answer": "No", "why": CHOICES}),
        "checkpoint": (check, {"hints": HINTS, "reports": REPORTS}),
        "skew_scope": (_scope(), {}),
        "picture_scope": _pictures(),
        "pair_browser": (_pairs(), {}),
        "lineage_trace": _chain(),
        "steps": (_steps(), {}),
        "panel": (panel, {}),
        "view": (View(lambda source: f"rows = {source['rows']}, noise = {source['noise']:.2f}", panel), {}),
    }


VALUES: Final = [
    {"id": "a", "value": 58, "event": 2.5, "known": 3},
    {"id": "b", "value": 61, "event": 9, "known": 10.5},
    {"id": "c", "value": 74, "event": 12.5, "known": 18},
    {"id": "d", "value": 83, "event": 23, "known": 24},
]
PRESETS: Final = [
    {"name": "before the record", "observation": 15, "says": "74 is true, and nobody has written it down."},
    {"name": "after the record", "observation": 19, "says": "Now everybody knows 74."},
]
METER_PRESETS: Final = [
    {
        "name": "the newest photo",
        "failure": "latest_value_join",
        "strength": 1.0,
        "says": "It shows what came later.",
    },
    {
        "name": "twins",
        "failure": "duplicate_rows",
        "strength": 1.0,
        "says": "Rows that were delivered twice.",
    },
]
CHOICES: Final = {
    "Yes, with five folds": "Every fold comes through the same join, so each one holds the same bench photos.",
    "Yes, with whole fruit held out": "That stops frames of one fruit from sitting on both sides. The join stays.",
    "No": "Resampling a flawed table gives flawed tables.",
}
HINTS: Final = [
    "Which of the two times of a row says when you could have looked it up?",
    "A row counts when both times are at or before the moment.",
    "max(row.event, row.known) <= moment",
]
_CASES: Final = (
    "a row of the future is left out",
    "a late row is left out",
    "a row recorded at the moment counts",
)
REPORTS: Final = [
    [{"name": name, "passed": False, "says": "not written yet"} for name in _CASES],
    [
        {"name": _CASES[0], "passed": True, "says": ""},
        {
            "name": _CASES[1],
            "passed": False,
            "says": "gave ['b', 'c'], expected ['b']. It was true, and nobody knew.",
        },
        {"name": _CASES[2], "passed": True, "says": ""},
    ],
    [{"name": name, "passed": True, "says": ""} for name in _CASES],
]


def _scope() -> Any:
    """Return the scope on a small table in which units, a default and two columns went wrong."""
    import pyarrow as pa

    from workbench.lab.skew import skew_scope

    n = 24
    offline: dict[str, Any] = {
        "member_id": [f"m{i:02d}" for i in range(n)],
        "visits_30d": [(7 * i) % 23 for i in range(n)],
        "visits_90d": [(7 * i) % 23 + (5 * i) % 31 for i in range(n)],
        "minutes": [20.0 + (11 * i) % 37 + i / 8 for i in range(n)],
        "days_since_visit": [None if i % 4 == 0 else float((3 * i) % 29) for i in range(n)],
        "plan": ["monthly" if i % 3 else "yearly" for i in range(n)],
    }
    online = offline | {
        "visits_30d": offline["visits_90d"],
        "minutes": [value / 60 for value in offline["minutes"]],
        "days_since_visit": [0.0 if value is None else value for value in offline["days_since_visit"]],
    }

    def score(table: pa.Table) -> list[float]:
        visits, minutes = table["visits_30d"].to_pylist(), table["minutes"].to_pylist()
        return [1 / (1 + math.exp(0.12 * a + 0.04 * b - 2.6)) for a, b in zip(visits, minutes, strict=True)]

    scope = skew_scope(pa.table(offline), pa.table(online), key="member_id", score=score)
    scope.decisions = ["leave alone", "contact"]
    return scope


def _pairs() -> Any:
    """Return frames of a few bursts, split at random: what the guard of near-duplicates finds."""
    from itertools import islice

    import pyarrow as pa

    from workbench.guards import near_duplicates
    from workbench.lab.pairs import pair_browser
    from workbench.pictures import PictureProblem, open_picture, perceptual_hash
    from workbench.worlds.packhouse import PackhouseWorld

    frames, hashes = {}, {}
    for one in islice(PackhouseWorld(size="tiny").captures(), 60):
        with contextlib.suppress(PictureProblem):  # some cameras send broken files
            hashes[Path(one.name).stem] = perceptual_hash(open_picture(one.payload).image)
            frames[Path(one.name).stem] = one
    table = pa.table(
        {
            "image_id": [*frames],
            "item_id": [one.item_id for one in frames.values()],
            "phash": [hashes[name] for name in frames],
            "split": ["test" if i % 3 == 0 else "train" for i in range(len(frames))],
        }
    )
    evidence = near_duplicates.measure(table, group="item_id")
    return pair_browser(evidence, lambda name: frames[name].payload, most=12)


def _chain() -> tuple[Any, dict[str, Any]]:
    """Return the trace of a chain of five small files, each with the sha256 of the one before it."""
    from workbench.hashing import sha256_bytes
    from workbench.widgets import LineageTrace

    whole = {
        "photos": "277 files",
        "raw": "their names",
        "clean": "265 usable",
        "features": "128 numbers",
        "model": "coefficients",
    }
    ids, now = [*whole], dict(whole)

    def hashes() -> dict[str, str]:
        return {name: sha256_bytes(text.encode()) for name, text in now.items()}

    remembered = hashes()

    def verify() -> dict[str, dict[str, str]]:
        present = hashes()
        pairs = [(i, name) for i, name in enumerate(ids[:-1]) if present[name] != remembered[name]]
        return {"hashes": present, "broken": {ids[i + 1]: f"{name} has another one now" for i, name in pairs}}

    def tamper(name: str) -> list[tuple[str, bool]]:
        node = next(one["node"] for one in TAMPERS if one["id"] == name)
        size, sha256 = len(now[node]), hashes()[node]
        now[node] = now[node][::-1]
        return [
            ("names of files", True),
            ("size in bytes", len(now[node]) == size),
            ("sha256", hashes()[node] == sha256),
        ]

    nodes = [
        {"id": name, "kind": name, "words": text, "promise": f"the sha256 of {ids[i - 1]}" if i else ""}
        for i, (name, text) in enumerate(whole.items())
    ]
    trace = LineageTrace(nodes, TAMPERS, tamper=tamper, mend=lambda: now.update(whole), verify=verify)
    states = {}
    for name in [*(one["id"] for one in TAMPERS), ""]:
        trace.tampered = name
        states[name] = {one: getattr(trace, one) for one in ("hashes", "broken", "digests", "says", "done")}
    return trace, {"states": states}


TAMPERS: Final = [
    {
        "id": "photo",
        "node": "photos",
        "text": "improve one",
        "told": "The contrast of one photo was stretched, and it was saved under its old name.",
    },
    {
        "id": "labels",
        "node": "raw",
        "text": "labels become reviews",
        "told": "The operator's labels were overwritten with what the bench said days later.",
    },
    {
        "id": "late",
        "node": "features",
        "text": "round late rows",
        "told": "The rows behind the first 10,000 numbers went through a 16-bit format.",
    },
    {
        "id": "order",
        "node": "features",
        "text": "reorder rows",
        "told": "The rows were written in the opposite order.",
    },
]


def _steps() -> Any:
    from workbench.lab.skew_show import STORY
    from workbench.widgets import Steps

    told = [{"name": step.name, "says": step.says} for step in STORY]
    return Steps(told, title="One entity, two numbers", at=1)


def _pictures() -> tuple[Any, dict[str, Any]]:
    """Return the scope on three photos of the packhouse, and what it sees of each."""
    from itertools import islice

    from workbench.pictures import PictureProblem, open_picture
    from workbench.widgets import PictureScope
    from workbench.worlds.packhouse import PackhouseWorld

    photos: list[dict[str, Any]] = []
    for one in islice(PackhouseWorld(size="tiny").captures(), 0, 45, 15):
        with contextlib.suppress(PictureProblem):
            open_picture(one.payload)
            photos.append({"id": one.item_id, "picture": one.payload, "text": "line-a"})
    payloads = {photo["id"]: photo["picture"] for photo in photos}
    scope = PictureScope(photos, lambda name: _seen(payloads[name]), alteration="BGR")
    seen = {}
    for name in reversed(payloads):
        scope.chosen = name
        seen[name] = scope.seen
    return scope, {"seen": seen}


def _seen(payload: bytes) -> dict[str, Any]:
    """Return a photo altered by the real functions, but without a network.

    What stands for an embedding is the shrunk photo itself, and for a score its green.
    """
    import numpy as np
    from PIL import Image

    from workbench.pictures import open_picture
    from workbench.pictures.alterations import bgr, jpeg, rotated

    image = open_picture(payload).image
    right = np.asarray(image.resize((64, 64), Image.Resampling.BICUBIC))
    bilinear = np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR))
    altered = [np.asarray(way(image).resize((64, 64))) for way in (jpeg, rotated, bgr)]
    views = []
    for (name, says), given in zip(WAYS.items(), (bilinear, *altered, right), strict=True):
        gap = np.abs(given.astype(int) - right)
        one, other = (levels.ravel() - levels.mean() for levels in (right, given))
        view = {"name": name, "says": says, "picture": _packed(given), "score": _greens(given)}
        view |= {"changed": float((gap > 0).any(axis=-1).mean()), "mean": float(gap.mean())}
        views.append(view | {"cosine": float(one @ other / np.sqrt((one @ one) * (other @ other)))})
    return {"picture": _packed(right), "score": _greens(right), "views": views}


WAYS: Final = {
    "bilinear": "It shrinks photos with another filter.",
    "JPEG 15": "A gateway saves the photo again, as JPEG of quality 15.",
    "EXIF ignored": "It does not turn the photo as its EXIF tag says.",
    "BGR": "It reads blue, green, red where the model learned red, green, blue.",
    "new encoder": "It uses another version of the encoder. The column keeps its name.",
}


def _greens(levels: Any) -> float:
    return 1 / (1 + math.exp((levels[..., 1].mean() - levels[..., 2].mean() - 20) / 8))


def _packed(levels: Any) -> bytes:
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


def _not_written(rows: object, moment: object) -> None:
    raise NotImplementedError


def meter_rows() -> list[dict[str, Any]]:
    """Return settings of the shipped table of effects, as plain rows."""
    from workbench.lab.effects import read
    from workbench.lab.truth import rows_of_effects

    names = ("latest_value_join", "duplicate_rows", "bench_photo_replaces_line_photo")
    return rows_of_effects([row for row in read().to_pylist() if row["failure"] in names])


def page() -> str:
    """Return the bench as one HTML file."""
    found = {}
    for name, (widget, secrets) in exhibits().items():
        folder = type(widget).__module__.rpartition(".")[2]
        state = {trait: getattr(widget, trait) for trait in widget.own_traits()}
        found[name] = {
            "widget": folder,
            "state": state,
            "secrets": secrets,
            "esm": str(widget._esm),  # noqa: SLF001 (what anywidget sends)
            "css": str(widget._css),  # noqa: SLF001
        }
    kernel = (ROOT / "scripts" / "bench_kernel.mjs").read_text(encoding="utf-8")
    filled = {"KERNEL": kernel, "EXHIBITS": json.dumps(found).replace("</", "<\\/")}
    return re.sub("KERNEL\n|EXHIBITS", lambda match: filled[match.group().strip()], PAGE)


def look(out: Path, folder: Path) -> None:
    """Take a picture of each widget, light and dark, narrow and wide."""
    from scripts.take_screenshots import opened

    folder.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        for dark in (False, True):
            with opened(f"{out.as_uri()}{'?dark' if dark else ''}", dark=dark, width=width) as browser_page:
                browser_page.locator("body[data-ready]").wait_for()
                for name in exhibits():
                    target = folder / f"{name}-{width}-{'dark' if dark else 'light'}.png"
                    browser_page.locator(f"#bench-{name}").screenshot(path=target)


def main() -> int:
    """Write the page, and pictures of it where they are wanted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "widgets.html")
    parser.add_argument("--look", type=Path)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page(), encoding="utf-8")
    print(f"widget_bench: {options.out}")
    if options.look:
        look(options.out.resolve(), options.look)
    return 0


if __name__ == "__main__":
    sys.exit(main())
