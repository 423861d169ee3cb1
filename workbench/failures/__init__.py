"""The catalogue of failures: one file a bug, with its proof.

Each module holds `inject`, `cure` and `FAILURE`. `ORDER` is the order in which they are told; a
test compares it with the files.
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Final

from workbench.errors import SettingsError

if TYPE_CHECKING:
    from workbench.failure import Failure

ORDER: Final = (
    "latest_value_join",
    "review_made_feature",
    "training_on_reviewed_only",
    "duplicate_rows",
    "target_encoding_before_split",
    "selection_before_split",
    "augment_before_split",
    "bursts_across_split",
    "bench_photo_replaces_line_photo",
    "colour_order",
    "orientation_ignored",
    "normalisation_skipped",
    "jpeg_recompressed",
    "embedding_swapped_under_same_name",
    "unseeded_split",
    "row_order",
    "now_in_a_feature",
    "positional_labels_after_unordered_join",
    "window_past_cutoff",
    "back_dated_rows",
    "dask_store_loses_rows",
    "ttl_offline_only",
    "correction_never_reaches_online",
    "resize_filter",
    "honest_drift",
)


def load(name: str) -> Failure:
    """Return one entry of the catalogue.

    Parameters
    ----------
    name : str
        One of `ORDER`.

    Returns
    -------
    Failure
        The entry.

    Raises
    ------
    SettingsError
        If there is no such failure.
    """
    if name not in ORDER:
        close = difflib.get_close_matches(name, ORDER, n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        raise SettingsError(f"there is no failure {name!r}", hint=f"{meant}`workbench failures` lists them")
    entry: Failure = importlib.import_module(f"workbench.failures.{name}").FAILURE
    return entry


def catalogue() -> list[Failure]:
    """Return all entries, in their order."""
    return [load(name) for name in ORDER]
