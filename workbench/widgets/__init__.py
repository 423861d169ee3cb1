"""Live widgets: one folder each, hand-written ES modules; they take plain lists, numbers and callables."""

from __future__ import annotations

from typing import Final

from workbench.widgets.checkpoint import Case, Checkpoint
from workbench.widgets.lineage_trace import LineageTrace
from workbench.widgets.pair_browser import PairBrowser
from workbench.widgets.panel import Panel
from workbench.widgets.picture_scope import PictureScope
from workbench.widgets.pit_timeline import PitTimeline
from workbench.widgets.predict import Predict
from workbench.widgets.skew_scope import SkewScope
from workbench.widgets.steps import Steps
from workbench.widgets.truth_meter import TruthMeter
from workbench.widgets.view import View

ORDER: Final = (
    "truth_meter",
    "predict",
    "checkpoint",
    "pit_timeline",
    "skew_scope",
    "picture_scope",
    "pair_browser",
    "lineage_trace",
    "steps",
    "panel",
    "view",
)
"""Folders of all widgets, as the bench shows them."""

__all__ = [
    "ORDER",
    "Case",
    "Checkpoint",
    "LineageTrace",
    "PairBrowser",
    "Panel",
    "PictureScope",
    "PitTimeline",
    "Predict",
    "SkewScope",
    "Steps",
    "TruthMeter",
    "View",
]
