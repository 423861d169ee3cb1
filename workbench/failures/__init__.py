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
    "column_that_knows",
    "latest_value_join",
    "window_past_cutoff",
    "back_dated_rows",
    "review_made_feature",
    "training_on_reviewed_only",
    "overlapping_windows_random_split",
    "target_encoding_before_split",
    "selection_before_split",
    "oversample_before_split",
    "duplicate_rows",
    "anchored_on_outcome",
    "unripe_labels",
    "lucky_seed",
    "augment_before_split",
    "bursts_across_split",
    "bench_photo_replaces_line_photo",
    "exif_tells_label",
    "same_camera_both_sides",
    "window_mismatch",
    "unit_mismatch",
    "missing_becomes_zero",
    "stale_store",
    "swapped_columns",
    "refit_scaler",
    "ttl_offline_only",
    "correction_never_reaches_online",
    "colour_order",
    "orientation_ignored",
    "normalisation_skipped",
    "jpeg_recompressed",
    "embedding_swapped_under_same_name",
    "unseeded_split",
    "row_order",
    "raw_overwritten",
    "now_in_a_feature",
    "digest_of_first_rows",
    "positional_labels_after_unordered_join",
    "dask_store_loses_rows",
    "scaler_before_split",
    "resize_filter",
    "timezone_shift",
    "member_on_both_sides_of_a_time_split",
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
