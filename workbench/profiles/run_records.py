"""What is written down of a run: what decided it, what it gave, where it is."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from workbench.hashing import sha256_bytes
from workbench.profiles.fingerprint import digest
from workbench.records import DatasetCard

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from matplotlib.figure import Figure


FIT_CODE: Final = ("guards/scores.py", "profiles/models.py", "stages/train.py")
"""The files between a dataset and a model: another change of the package does not ask for a new fit."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a fit gives.

    Attributes
    ----------
    card : DatasetCard
        The data.
    settings : mapping
        All of workspace.toml; the section ``train`` belongs to the fit.
    code : mapping
        As `fingerprint.code_version` gives it.
    environment : mapping
        As `fingerprint.environment` gives it.
    changed : str
        What was changed on purpose, in the dataset or in the fit; empty for an honest run.
    """

    card: DatasetCard
    settings: Mapping[str, Any]
    code: Mapping[str, Any]
    environment: Mapping[str, Any]
    changed: str = ""

    @property
    def digest(self) -> str:
        """sha256 of what shapes the fit: equal recipes give equal bits."""
        parts = [
            self.card.dataset_id,
            self.card.content_hash,
            self.card.order_hash,
            self.settings["train"],
            [self.code["files"][name] for name in FIT_CODE],
            digest(self.environment),
            *([self.changed] if self.changed else []),
        ]
        return sha256_bytes(json.dumps(parts, sort_keys=True).encode())


@dataclass(frozen=True, slots=True)
class Result:
    """What a fit gave.

    Attributes
    ----------
    model : Any
        A fitted scikit-learn pipeline.
    params : mapping of str to Any
        Of the fit, for people.
    metrics : mapping of str to Any
        Split to `Scores.to_dict`.
    predictions : pyarrow.Table
        One row for each row of the dataset that is in a split.
    plots : mapping of str to Figure
        File name to matplotlib figure.
    """

    model: Any
    params: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    predictions: pa.Table
    plots: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What run.json holds.

    Attributes
    ----------
    run_id : str
        32 hex digits, the same in MLflow.
    created_at : str
        ISO 8601, UTC.
    recipe : str
        `Recipe.digest`.
    model_name, model_version : str
        In MLflow's registry.
    dataset : DatasetCard
        Card of the dataset.
    settings, params, metrics, code, environment : dict
        As in `Recipe` and `Result`.
    files : dict of str to str
        File name to sha256 of everything else in the folder.
    changed : str
        As in `Recipe`.
    """

    run_id: str
    created_at: str
    recipe: str
    model_name: str
    model_version: str
    dataset: DatasetCard
    settings: dict[str, Any]
    params: dict[str, Any]
    metrics: dict[str, Any]
    code: dict[str, Any]
    environment: dict[str, Any]
    files: dict[str, str]
    changed: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        return asdict(self) | {"dataset": self.dataset.to_dict()}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> RunRecord:
        """Read a record back from `to_dict`.

        Parameters
        ----------
        raw : mapping
            As `to_dict` wrote it.

        Returns
        -------
        RunRecord
            The record.
        """
        return cls(**{**raw, "dataset": DatasetCard.from_dict(raw["dataset"])})
