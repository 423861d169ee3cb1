"""A champion made again with somebody's hand in the pipeline, in memory: what moved?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.clock import parse_utc
from workbench.manifests import read_header
from workbench.profiles.models import arrays, fit, matrix, probabilities
from workbench.profiles.runs import CHAMPION, Runs
from workbench.seams import HONEST
from workbench.stages.dataset import make_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.profiles.run_records import RunRecord
    from workbench.profiles.workspace import Workspace
    from workbench.seams import Seams


@dataclass(frozen=True, slots=True)
class Made:
    """A dataset that was made, a model that was fitted on it, and its own test set.

    Attributes
    ----------
    rows : pyarrow.Table
        With their split.
    said : dict of str to float
        Row id of each test row to the probability of the positive class.
    accuracy, auc : float
        On the test rows.
    """

    rows: pa.Table
    said: dict[str, float]
    accuracy: float
    auc: float

    @property
    def n_rows(self) -> int:
        """Rows in all."""
        return int(self.rows.num_rows)

    @property
    def n_test(self) -> int:
        """Rows to test on."""
        return len(self.said)

    @property
    def n_groups(self) -> int:
        """Fruit to test on: frames of one fruit count once."""
        both = zip(self.rows["group"].to_pylist(), self.rows["split"].to_pylist(), strict=True)
        return len({group for group, split in both if split == "test"})


@dataclass(frozen=True, slots=True)
class Remade:
    """What was recorded, and what the same code gives with a hand in it.

    Attributes
    ----------
    before, after : Made
        The honest one, and the other.
    n_photos : int
        Raw photos: as many on either side.
    """

    before: Made
    after: Made
    n_photos: int

    @property
    def changed(self) -> int:
        """Test rows of both that get another answer."""
        both = self.before.said.keys() & self.after.said.keys()
        return sum((self.before.said[row] >= 0.5) != (self.after.said[row] >= 0.5) for row in both)


def made(ws: Workspace, seams: Seams = HONEST, record: RunRecord | None = None) -> Made:
    """Make a run's dataset in memory, fit on it, and look at its own test rows. Nothing is written.

    Parameters
    ----------
    ws : Workspace
        With extracted features.
    seams : Seams
        Whose hands are in it.
    record : RunRecord, optional
        Of which run; default the champion.

    Returns
    -------
    Made
        With accuracy and AUC on its own test set.
    """
    card = (record or Runs(ws).record(CHAMPION)).dataset
    rows = make_rows(ws, parse_utc(card.cutoff_timestamp), card.feature_view, seams=seams)[0]
    return fitted(ws, rows, labels=card.labels, inputs=(*card.inputs, *seams.inputs))


def fitted(
    ws: Workspace, rows: pa.Table, *, labels: tuple[str, ...], inputs: tuple[str, ...] = ("embedding",)
) -> Made:
    """Fit on the training rows of a dataset and look at its test rows.

    Parameters
    ----------
    ws : Workspace
        Its settings of the training are used.
    rows : pyarrow.Table
        With ``split``, ``label`` and the inputs.
    labels : tuple of str
        The classes, the positive one last.
    inputs : tuple of str
        Columns that the model reads.

    Returns
    -------
    Made
        With accuracy and AUC.
    """
    import pyarrow.compute as pc
    from sklearn.metrics import roc_auc_score

    settings = ws.settings.train
    model = fit(*arrays(rows, settings, "train", inputs), settings, inputs=inputs)
    test = rows.filter(pc.equal(rows["split"], "test")).sort_by("row_id")
    said = probabilities(model, matrix(test, inputs), labels)[:, -1]
    right: Any = np.array([label == labels[-1] for label in test["label"].to_pylist()])
    answers = dict(zip(test["row_id"].to_pylist(), said.tolist(), strict=True))
    return Made(rows, answers, float(np.mean((said >= 0.5) == right)), float(roc_auc_score(right, said)))


def remade(ws: Workspace, seams: Seams) -> Remade:
    """Make the champion again with a hand in the pipeline, and beside it the honest one.

    Parameters
    ----------
    ws : Workspace
        With a champion; it stays as it is.
    seams : Seams
        Whose hands are in it.

    Returns
    -------
    Remade
        Both.
    """
    return Remade(made(ws), made(ws, seams), read_header(ws.manifests / "raw").rows)
