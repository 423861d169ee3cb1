"""The records that cross from one floor of the house to the next: frozen, and small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    import pyarrow as pa

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)`` while something long is at work."""


def silent(done: int, total: int) -> None:
    """Show no progress: the default of every stage.

    Parameters
    ----------
    done : int
        Pieces of work that are finished.
    total : int
        Pieces of work in all.
    """


@dataclass(frozen=True, slots=True)
class Capture:
    """One file as a world delivers it: a photo, or rows of a table.

    Attributes
    ----------
    name : str
        Path-like name in the world, unique and stable: ``line-a/000012-0.jpg``.
    payload : bytes
        The file. It may be damaged: to find that out is the job of *clean*.
    item_id : str
        The physical thing in the picture. Several captures may show one item. Of a table its name.
    burst : str
        Captures taken in one go share it; near-duplicates live here.
    frame : int
        Position in the burst, from 0.
    device : str
        Camera, as the EXIF data or the delivery note say.
    station : str
        ``line`` (where a decision is due) or ``bench`` (a later look at the same item). Of a
        table its name.
    captured_at : datetime
        Event time, UTC.
    ingested_at : datetime
        Known-at, UTC: when the file arrived.
    label_at_ingestion : str or None
        The operator's quick glance, where there was one.
    """

    name: str
    payload: bytes
    item_id: str
    burst: str
    frame: int
    device: str
    station: str
    captured_at: datetime
    ingested_at: datetime
    label_at_ingestion: str | None


class World(Protocol):
    """A source of captures with a causal clock, and for simulated worlds a hidden truth.

    Attributes
    ----------
    name : str
        ``packhouse``, ``gym`` or ``folder``.
    labels : tuple of str
        The classes, in a fixed order; the last one is the positive class.
    n_captures : int
        How many captures `captures` yields.
    fingerprint : str
        Cheap to get, and different whenever the deliveries differ: a second run asks it first.
    """

    name: str
    labels: tuple[str, ...]
    fingerprint: str

    @property  # so that a world may find these three out when they are first asked for
    def n_captures(self) -> int:
        """How many captures there are."""
        ...

    @property
    def history_end(self) -> datetime:
        """Where the past ends and production begins, UTC; the default cutoff."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a person should read, for example where times were guessed."""
        ...

    def captures(self) -> Iterator[Capture]:
        """Yield all captures in the order of their arrival, the same each time."""
        ...

    def reviews(self) -> pa.Table:
        """Return the later, careful labels.

        Columns: ``item_id`` string, ``reviewed_label`` string, ``reviewed_at`` (event time)
        and ``known_at``, both ``timestamp[us, tz=UTC]``.
        """
        ...

    def truth(self) -> pa.Table | None:
        """Return what is really so (``item_id``, ``label``, ...), or None where nobody knows.

        Where an item is asked about more than once, each row has a ``row_id``.
        """
        ...


@dataclass(frozen=True, slots=True)
class EncoderCard:
    """What is known about an encoder without loading it.

    Attributes
    ----------
    spec : str
        What the user wrote: ``tiny_v1``, ``ViT-B-32/laion2b_s34b_b79k``.
    slug : str
        The same, safe in a feature view's name.
    fingerprint : str
        sha256 in hex of weights and configuration (or the hub's name and revision).
    dim : int
        Length of an embedding.
    preprocessing_version : str
        Short name of resize, crop, normalisation, batch size and the libraries behind them.
    batch_size : int
        Images in one forward pass: part of the preprocessing, since bits depend on it.
    named : str
        Name of the feature view, where it is not made of encoder and preprocessing: what turns a
        log of events into features has such a card, too.
    """

    spec: str
    slug: str
    fingerprint: str
    dim: int
    preprocessing_version: str
    batch_size: int
    named: str = ""

    @property
    def view(self) -> str:
        """Name of the feature view that holds this encoder's embeddings."""
        return self.named or f"embedding__{self.slug}_{self.preprocessing_version}"


@dataclass(frozen=True, slots=True)
class StageReport:
    """What a stage did, for people and for the next caller.

    Attributes
    ----------
    stage : str
        One of `workbench.stages.ORDER`.
    counts : mapping of str to int
        What was counted, in the order to be shown.
    digest : str
        Digest of the manifest that the stage leaves behind.
    skipped : bool
        True when everything was there already and nothing was written.
    where : str
        Path of what was made, relative to the workspace.
    notes : tuple of str
        Sentences that a reader of the summary should see.
    """

    stage: str
    counts: Mapping[str, int]
    digest: str
    skipped: bool = False
    where: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """The card of a dataset: everything that is needed to name it and to make it again.

    Attributes
    ----------
    dataset_id : str
        ``dataset_v<semver>_pit_<cutoff>``, or ``..._latest_<cutoff>`` for the leaky twin.
    content_hash : str
        `workbench.hashing.content_hash` of the rows.
    order_hash : str
        `workbench.hashing.order_hash` of the rows as written.
    cutoff_timestamp : str
        ISO 8601, UTC: nothing known later has entered.
    point_in_time : bool
        False for the leaky twin.
    split_counts : mapping of str to int
        Rows of train, validation and test.
    label_counts : mapping of str to int
        Rows of each label.
    labels : tuple of str
        The classes; the last one is the positive class.
    extraction_model : str
        `EncoderCard.spec`.
    extraction_fingerprint : str
        `EncoderCard.fingerprint`.
    preprocessing_version : str
        `EncoderCard.preprocessing_version`.
    cleaning_version : str
        Of the clean stage.
    feature_view : str
        `EncoderCard.view`.
    embargo_s : float
        Seconds between the last training row and the first one after it.
    parents : mapping of str to str
        Digests of the manifests that it was made from.
    seed : int
        Recorded for the run; the split itself has no dice.
    inputs : tuple of str
        Columns that the model reads.
    changed : str
        What was changed on purpose (`workbench.seams.Seams.changed`); empty for an honest dataset.
    """

    dataset_id: str
    content_hash: str
    order_hash: str
    cutoff_timestamp: str
    point_in_time: bool
    split_counts: Mapping[str, int]
    label_counts: Mapping[str, int]
    labels: tuple[str, ...]
    extraction_model: str
    extraction_fingerprint: str
    preprocessing_version: str
    cleaning_version: str
    feature_view: str
    embargo_s: float
    parents: Mapping[str, str]
    seed: int
    inputs: tuple[str, ...] = ("embedding",)
    changed: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain values for JSON."""
        return asdict(self) | {"labels": list(self.labels), "inputs": list(self.inputs)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> DatasetCard:
        """Read a card back from `to_dict`.

        Parameters
        ----------
        raw : mapping
            As `to_dict` wrote it.

        Returns
        -------
        DatasetCard
            The card.
        """
        inputs = tuple(raw.get("inputs", ("embedding",)))  # cards of 0.1 did not name them
        return cls(**{**raw, "labels": tuple(raw["labels"]), "inputs": inputs})


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answer of the served model, with where it came from.

    Attributes
    ----------
    item_id : str
        Which item.
    label : str
        The more probable class.
    probability : float
        Of the positive class, 0 to 1.
    feature_age_s : float
        Seconds from the event time of the features to the moment of the request.
    provenance : mapping of str to str
        run_id, model version, dataset_id, feature view, image_id, encoder fingerprint ...
    """

    item_id: str
    label: str
    probability: float
    feature_age_s: float
    provenance: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the prediction as plain values for JSON."""
        return asdict(self)
