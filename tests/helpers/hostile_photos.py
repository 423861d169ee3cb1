"""Photos whose names are markup, codes that a terminal obeys, and letters that turn a line around."""

from __future__ import annotations

import numpy as np
from PIL import Image

EVIL = "<img src=x onerror=alert(1)>"
TURNED = "caf\N{LATIN SMALL LETTER E WITH ACUTE}\N{RIGHT-TO-LEFT OVERRIDE}gnp"
RED = "\x1b[31mred"


def hostile_photos(folder):
    """Write 24 photos; those of one test group are there again, under names that do things."""
    rng = np.random.default_rng(3)
    lines = ["path,split,group,label"]
    for i in range(24):
        coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC).save(folder / f"{i}.png")
        lines.append(f"{i}.png,{'test' if i % 2 else 'train'},g{i},{'good' if i % 3 else '<b>bad</b>'}")
    for i, name in enumerate([f"{EVIL}.png", f"{TURNED}.png", f"{RED}.png", "a & b 'c'.png"]):
        with Image.open(folder / f"{2 * i + 1}.png") as photo:
            photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / name)
        lines.append(f'"{name}",train,g{2 * i + 1},good')
    (folder / "split.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder
