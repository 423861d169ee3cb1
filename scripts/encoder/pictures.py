"""Pictures of drawn fruit, each with a caption: what the small CLIP learns from."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from workbench.manifests import atomic, write_json
from workbench.worlds.fruit import BELTS, BLEMISHES, KINDS, Camera, make_fruit, render, rng_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SEED: Final = "clip"
SIZE: Final = 64

WORDS: Final = {
    "none": ("no damage", "clean skin", "no blemish"),
    "bruise": ("a bruise", "a bruised spot", "brown bruising"),
    "scab": ("scab", "dark scab spots"),
    "rot": ("rot", "a rotten patch"),
    "wormhole": ("a worm hole", "a wormhole"),
    "scratch": ("a scratch", "a scratched skin"),
}
TEMPLATES: Final = (
    "a photo of {a} {kind} with {words} on a {belt} belt",
    "{a} {kind} with {words}, {belt} conveyor belt",
    "a {light} photo of {a} {kind} with {words}",
    "{kind}, {words}, {belt} background",
    "a sorting camera picture of {a} {kind} with {words}",
)


def caption(kind: str, words: str, belt: str, light: str = "normal", template: str = TEMPLATES[0]) -> str:
    """Write the sentence under a picture."""
    article = "an" if kind[0] in "aeiou" else "a"
    return template.format(a=article, kind=kind, words=words, belt=belt, light=light)


def picture(i: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Draw picture number `i` at 96 px, shrink it to 64 px, and caption it.

    Returns
    -------
    ndarray of uint8, shape (64, 64, 3)
        RGB.
    dict
        caption, kind, blemish, belt.
    """
    rng = rng_for(SEED, "picture", i)

    def between(low: float, high: float) -> float:
        return low + (high - low) * rng.random()

    def one_of(things: Sequence[str]) -> str:
        return things[int(rng.integers(0, len(things)))]

    kind, belt = one_of(list(KINDS)), one_of(list(BELTS))
    blemish = "none" if rng.random() < 0.42 else one_of(BLEMISHES)
    severity = 0.0 if blemish == "none" else between(0.25, 1.0)
    lamp = between(0.65, 1.15)
    camera = Camera(
        id=f"training-{i}",
        gain=(between(0.9, 1.1), between(0.95, 1.05), between(0.88, 1.12)),
        belt=belt,
        noise=between(0.004, 0.03),
        vignette=between(0.05, 0.65),
        blur=between(0.2, 1.0),
        exposure=between(0.88, 1.1),
    )
    dirt = between(0, 0.7) if rng.random() < 0.3 else 0.0
    pixels = render(
        SEED,
        make_fruit(SEED, i, kind, blemish, severity),
        camera,
        frame=int(rng.integers(0, 4)),
        pass_id=int(rng.integers(0, 99)),
        lamp=lamp,
        dirt=dirt,
        warm=between(-0.06, 0.06),
    )
    words = one_of(WORDS[blemish])
    if blemish != "none" and not words.startswith("a ") and rng.random() < 0.4:
        words = ("slight " if severity < 0.45 else "severe ") + words
    light = "dim" if lamp < 0.8 else "bright" if lamp > 1.02 else "normal"
    text = caption(kind, words, belt, light, one_of(TEMPLATES))
    small = Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(small), {"caption": text, "kind": kind, "blemish": blemish, "belt": belt}


def pictures(numbers: range) -> list[tuple[np.ndarray, dict[str, Any]]]:
    """Draw several pictures: the work of one process at a time."""
    return [picture(i) for i in numbers]


def make_pictures(work: Path, n: int, workers: int) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Draw `n` pictures with `workers` processes, or read them back.

    Returns
    -------
    ndarray of uint8, shape (n, 64, 64, 3)
        RGB.
    list of dict
        As in `picture`.
    """
    images, facts = work / f"pictures-{n}.npy", work / f"pictures-{n}.json"
    if not facts.is_file():
        began, drawn = time.monotonic(), []
        with ProcessPoolExecutor(workers) as pool:
            for part in pool.map(pictures, [range(i, min(i + 100, n)) for i in range(0, n, 100)]):
                drawn += part
                say(f"pictures {len(drawn)}/{n}", began)
        with atomic(images) as path, path.open("wb") as stream:
            np.save(stream, np.stack([pixels for pixels, _ in drawn]))
        write_json(facts, [fact for _, fact in drawn])
    return np.load(images, allow_pickle=False), json.loads(facts.read_text(encoding="utf-8"))


def say(what: str, began: float) -> None:
    """Print one line of progress."""
    sys.stdout.write(f"{what}  {time.monotonic() - began:.0f} s\n")
    sys.stdout.flush()
