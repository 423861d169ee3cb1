"""Take the gallery's pictures: for each lesson and lab the widget that it is about, light and dark.

    python -m scripts.lesson_pictures     docs/img/lessons/*.webp

They come from the widget bench: the real widgets, their real styles, no kernel and no network.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
OUT: Final = ROOT / "docs" / "img" / "lessons"
SIZE: Final = (640, 400)
WIDTH: Final = 760
MAX_BYTES: Final = 60 * 1024

SHOWN: Final[dict[str, tuple[str, str]]] = {
    "00": ("truth_meter", ""),
    "01": ("lineage_trace", "improve one"),
    "02": ("pair_browser", ""),
    "03": ("picture_scope", ""),
    "04": ("pit_timeline", ""),
    "05": ("truth_meter", "twins"),
    "06": ("skew_scope", ""),
    "07": ("lineage_trace", "reorder rows"),
    "08": ("checkpoint", ""),
    "lab-pit": ("pit_timeline", ""),
    "lab-leakage": ("truth_meter", "cured"),
    "lab-skew": ("picture_scope", ""),
    "lab-reproduce": ("lineage_trace", "round late rows"),
}
"""Name of a picture to a widget of the bench, and a button that is pressed first."""


def taken(page: Any, widget: str, button: str) -> bytes:
    """Return a picture of the upper part of a widget, as WebP.

    Parameters
    ----------
    page : playwright.sync_api.Page
        The bench, with this widget alone.
    widget : str
        Its exhibit.
    button : str
        Pressed first; empty: none.

    Returns
    -------
    bytes
        `SIZE` pixels.
    """
    from PIL import Image

    shown = page.locator(f"#bench-{widget} [data-widget]").first
    if button:
        page.get_by_role("button", name=button).first.click()
        page.wait_for_timeout(300)
    box = shown.bounding_box()
    height = box["width"] * SIZE[1] / SIZE[0]
    page.set_viewport_size({"width": WIDTH, "height": int(box["y"] + max(height, box["height"]) + 40)})
    clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": height}
    picture = (
        Image.open(io.BytesIO(page.screenshot(clip=clip)))
        .convert("RGB")
        .resize(SIZE, Image.Resampling.LANCZOS)
    )
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=82, method=6)
    return buffer.getvalue()


def main() -> int:
    """Take them all.

    Returns
    -------
    int
        1 if one is too large for a page of many.
    """
    from scripts.take_screenshots import opened
    from scripts.widget_bench import page as bench

    OUT.mkdir(parents=True, exist_ok=True)
    heavy = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.html"
        file.write_text(bench(), encoding="utf-8")
        for name, (widget, button) in SHOWN.items():
            for mode in ("light", "dark"):
                url = f"{file.as_uri()}{'?dark' if mode == 'dark' else ''}#{widget}"
                with opened(url, dark=mode == "dark", width=WIDTH) as page:
                    page.locator("body[data-ready]").wait_for()
                    data = taken(page, widget, button)
                (OUT / f"{name}-{mode}.webp").write_bytes(data)
                heavy += [name] if len(data) > MAX_BYTES else []
    print(f"lesson_pictures: {2 * len(SHOWN)} in {OUT.relative_to(ROOT)}", *heavy)
    return int(bool(heavy))


if __name__ == "__main__":
    sys.exit(main())
