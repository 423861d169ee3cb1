"""The seven stages, in order. They do not import each other: they meet through manifests on disk."""

from __future__ import annotations

from typing import Final

ORDER: Final = ("ingest", "clean", "extract", "dataset", "train", "serve", "reproduce")
