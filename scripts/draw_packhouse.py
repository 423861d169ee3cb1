"""Draw docs/img/packhouse.png, the banner of the README: one fruit's story, and the world around it.

Everything in it is rendered by `workbench.worlds.fruit`; run it again after a change there::

    python scripts/draw_packhouse.py [docs/img/packhouse.png]
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from workbench.worlds.fruit import BLEMISHES, CAMERAS, Camera, make_fruit, render

Tiles = list[Image.Image]

TILE: Final = 128
GAP: Final = 4
MARGIN: Final = 20
STEP: Final = TILE + GAP
ROW: Final = 172
"""From the top of one row of tiles to the top of the next: two lines of text lie between."""
PAPER, INK, FAINT, GOOD, BAD = "#faf9f6", "#26262a", "#77777e", "#2f7d4f", "#b3402f"
SEED: Final = "banner"


def camera(name: str) -> Camera:
    """Return a camera without noise: it is true to life, and would double the size of the file."""
    return replace(CAMERAS[name], noise=0.0)


def story() -> Tiles:
    """Draw a burst on the line, where the bruise hardly shows, and the same apple on the bench."""
    apple = make_fruit(SEED, "bruised-0", "yellow apple", "bruise", 0.95)
    line = [render(SEED, apple, camera("line-a"), frame=k, visible=0.3, px=TILE) for k in range(4)]
    bench = render(SEED, apple, camera("bench"), frame=1, px=TILE)
    return [Image.fromarray(pixels) for pixels in (*line, bench)]


def drift() -> Tiles:
    """Draw one camera in three weeks: the lamp fades, dirt gathers on the lens."""
    aged: list[dict[str, Any]] = [
        {"lamp": 1 - 0.024 * day, "dirt": day / 20, "warm": 0.008 * day} for day in (0, 9, 18)
    ]
    apples = [make_fruit(SEED, f"line-0-{k}", "red apple") for k in (0, 1, 3)]
    shots = [
        render(SEED, apple, camera("line-b"), frame=1, px=TILE, **age)
        for apple, age in zip(apples, aged, strict=True)
    ]
    return [Image.fromarray(pixels) for pixels in shots]


def lines() -> dict[str, Image.Image]:
    """Draw what comes down the three lines: sound apples, and each blemish."""
    looks = ("sound", *BLEMISHES, "sound ", "sound  ")
    picks = ("0-0", "1-3", "2-1", "3-0", "4-0", "5-2", "6-8", "7-0")
    apples, cameras = ("red apple", "green apple", "yellow apple"), ("line-c", "line-a", "line-b")
    made = {}
    for i, (look, pick) in enumerate(zip(looks, picks, strict=True)):
        blemish, severity = (look, 0.85) if look in BLEMISHES else ("none", 0.0)
        fruit = make_fruit(SEED, f"line-{pick}", apples[i % 3], blemish, severity)
        made[look] = Image.fromarray(render(SEED, fruit, camera(cameras[i % 3]), frame=1, px=TILE))
    return made


def main(target: Path) -> None:
    """Compose the banner and write it.

    Parameters
    ----------
    target : Path
        The PNG to write.
    """
    banner = Image.new("RGB", (2 * MARGIN + 8 * STEP - GAP, 2 * ROW + 10), PAPER)
    pen, small = ImageDraw.Draw(banner), ImageFont.load_default(size=13)

    def write(tile: int, row: int, line: int, text: str, colour: str) -> None:
        """Write above a tile (line 0) or below it (line 1)."""
        y = 12 + row * ROW + (0 if line == 0 else 20 + TILE + 3)
        pen.text((MARGIN + tile * STEP, y), text, fill=colour, font=small)

    for i, tile in enumerate((*story(), *drift())):
        banner.paste(tile, (MARGIN + i * STEP, 32))
    write(0, 0, 0, "Monday, line-a: four frames in 0.6 s", FAINT)
    write(0, 0, 1, "the operator's quick glance: accept", GOOD)
    write(4, 0, 0, "Wednesday, bench", FAINT)
    write(4, 0, 1, "browned: reject", BAD)
    write(5, 0, 0, "line-b in weeks 1, 2, 3", FAINT)
    write(5, 0, 1, "the lamp fades, the lens gathers dirt", INK)
    for i, (look, tile) in enumerate(lines().items()):
        banner.paste(tile, (MARGIN + i * STEP, 24 + ROW))
        pen.text((MARGIN + i * STEP, 24 + ROW + TILE + 3), look.strip(), fill=INK, font=small)
    target.parent.mkdir(parents=True, exist_ok=True)
    banner.save(target, optimize=True)
    print(f"{target}: {banner.width} x {banner.height}, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/img/packhouse.png"))
