"""The picture scope on photos of a workspace: each alteration runs on the real bytes, encoder and model."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.failures import (
    colour_order,
    embedding_swapped_under_same_name,
    jpeg_recompressed,
    normalisation_skipped,
    resize_filter,
)
from workbench.lab.pipeline import Watcher
from workbench.manifests import read_header, read_table
from workbench.pictures import Policy, open_picture
from workbench.pictures.alterations import open_as_stored
from workbench.widgets import PictureScope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from workbench.encoder import Encoder
    from workbench.profiles.workspace import Workspace

    Pixels = NDArray[np.float32]

FACES: Final = 6
"""Photos to choose from."""


@dataclass(frozen=True, slots=True)
class Path:
    """A way from the bytes of a photo to what a network is given.

    Attributes
    ----------
    name : str
        On the button.
    says : str
        A sentence.
    pixels : callable
        Takes encoder, bytes and policy; returns float32 of shape (1, 3, size, size).
    spec : str
        Another encoder than the workspace's; empty: that one.
    """

    name: str
    says: str
    pixels: Callable[[Encoder, bytes, Policy], Pixels]
    spec: str = ""


def honest(encoder: Encoder, data: bytes, policy: Policy) -> Pixels:
    """Return the pixels as *extract* makes them."""
    return encoder.preprocess_batch([open_picture(data, policy).image])


def _altered(change: Callable[[Any], Any]) -> Callable[[Encoder, bytes, Policy], Pixels]:
    return lambda encoder, data, policy: encoder.preprocess_batch([change(open_picture(data, policy).image)])


def _nearest(encoder: Encoder, data: bytes, policy: Policy) -> Pixels:
    return encoder.preprocess_batch([open_picture(data, policy).image], resample="nearest")


def _as_stored(encoder: Encoder, data: bytes, policy: Policy) -> Pixels:
    return encoder.preprocess_batch([open_as_stored(data, policy)])


def _not_normalised(encoder: Encoder, data: bytes, policy: Policy) -> Pixels:
    pixels: Pixels = normalisation_skipped.not_normalised(honest(encoder, data, policy))
    return pixels


RIGHT: Final = Path("as in training", "It does what training does: nothing is altered.", honest)
"""The path that the others are compared with."""


def paths(ws: Workspace) -> tuple[Path, ...]:
    """Return the right way, and those of the catalogue's failures, the harmless ones first.

    Parameters
    ----------
    ws : Workspace
        Its encoder says to what size a picture is shrunk.

    Returns
    -------
    tuple of Path
        In the order of the buttons.
    """
    bilinear, jpeg = _altered(resize_filter.resized(ws)), jpeg_recompressed.saved_again
    return (
        RIGHT,
        Path(
            "bilinear", "It shrinks photos with another filter: bilinear, where bicubic is right.", bilinear
        ),
        Path("no antialias", "It shrinks photos by taking the nearest pixel, and drops the rest.", _nearest),
        Path("JPEG 75", "A gateway saves the photo again, as JPEG of quality 75.", _altered(jpeg(75))),
        Path("JPEG 15", "A gateway saves the photo again, as JPEG of quality 15.", _altered(jpeg(15))),
        Path("EXIF ignored", "It does not turn the photo as its EXIF tag says.", _as_stored),
        Path(
            "BGR",
            "It reads blue, green, red where the model learned red, green, blue.",
            _altered(colour_order.bgr),
        ),
        Path("not normalised", "It leaves out mean and deviation: pixels from 0 to 1.", _not_normalised),
        Path(
            "new encoder",
            "It uses another version of the encoder. The column keeps its name.",
            honest,
            embedding_swapped_under_same_name.OTHER,
        ),
    )


class Looker:
    """Look at a photo on every path: pictures, embeddings, and the model's scores.

    Parameters
    ----------
    ws : Workspace
        With a run that was trained on embeddings.
    run : str
        Id or alias.

    Notes
    -----
    The first photo loads both encoders: 6 s on an idle core. A further photo takes about a tenth of a second.
    """

    def __init__(self, ws: Workspace, run: str = "champion") -> None:
        from workbench.profiles.objects import objects_of
        from workbench.profiles.runs import Runs

        runs = Runs(ws)
        self._ws, self._record, self._store = ws, runs.record(run), objects_of(ws)
        self._model = runs.load_model(self._record.run_id)
        raw = read_table(ws.manifests / "raw", ["image_id", "uri"])
        self._uri = dict(zip(raw["image_id"].to_pylist(), raw["uri"].to_pylist(), strict=True))
        self._policy = Policy(**read_header(ws.manifests / "clean").extra["policy"])
        self._encoders: dict[str, Encoder] = {}

    def encoder(self, spec: str = "") -> Encoder:
        """Return an encoder, loaded once; the workspace's own, unless told."""
        from workbench.encoder import load_encoder

        spec = spec or self._ws.settings.encoder
        if spec not in self._encoders:
            self._encoders[spec] = load_encoder(spec)
        return self._encoders[spec]

    def bytes_of(self, photo: str) -> bytes:
        """Return the file of a photo, as it was ingested."""
        data: bytes = self._store.get(self._uri[photo])
        return data

    def embedded(self, photo: str, ways: Sequence[Path]) -> list[tuple[Pixels, Pixels]]:
        """Return pixels (3, size, size) and embedding (dim,) of a photo, one pair a path."""
        data = self.bytes_of(photo)
        pixels = [way.pixels(self.encoder(way.spec), data, self._policy) for way in ways]
        found: list[tuple[Pixels, Pixels]] = [(one[0], one[0]) for one in pixels]
        for spec in dict.fromkeys(way.spec for way in ways):  # one batch an encoder: neighbours change no bit
            mine = [i for i, way in enumerate(ways) if way.spec == spec]
            vectors = self.encoder(spec).forward(np.concatenate([pixels[i] for i in mine]))
            for i, vector in zip(mine, vectors, strict=True):
                found[i] = (pixels[i][0], vector)
        return found

    def all_on(self, photos: Sequence[str], way: Path) -> Pixels:
        """Return the embeddings of photos on one path, shape (n, dim), in the order given."""
        encoder = self.encoder(way.spec)
        pixels = [way.pixels(encoder, self.bytes_of(photo), self._policy) for photo in photos]
        return encoder.forward(np.concatenate(pixels))

    def scores(self, embeddings: Pixels) -> NDArray[np.float64]:
        """Return what the run's model makes of embeddings: the probability of the positive class, shape (n,)."""
        from workbench.profiles.models import probabilities

        rows = embeddings.astype(np.float64)
        found: NDArray[np.float64] = probabilities(self._model, rows, self._record.dataset.labels)[:, -1]
        return found

    def __call__(self, photo: str) -> dict[str, Any]:
        """Return what `workbench.widgets.PictureScope` shows of a photo."""
        ways = paths(self._ws)
        (right, reference), *others = self.embedded(photo, [RIGHT, *ways])
        before = self._levels(right)
        views = []
        for way, (pixels, vector) in zip(ways, others, strict=True):
            picture = self._levels(pixels)
            gap = np.abs(picture.astype(int) - before)
            view = {"name": way.name, "says": way.says, "picture": _png(picture), "mean": float(gap.mean())}
            view |= {
                "changed": float((gap > 0).any(axis=-1).mean()),
                "score": float(self.scores(vector[None])[0]),
            }
            views.append(view | {"cosine": _cosine(reference, vector)})
        return {"picture": _png(before), "score": float(self.scores(reference[None])[0]), "views": views}

    def _levels(self, pixels: Pixels) -> NDArray[np.uint8]:
        """Return what the network takes its input for: levels 0 to 255, by its own mean and deviation."""
        from PIL import Image

        ends = [Image.new("RGB", (8, 8), (level,) * 3) for level in (0, 255)]
        black, white = self.encoder().preprocess_batch(ends).mean(axis=(2, 3))
        shares = (pixels - black[:, None, None]) / (white - black)[:, None, None]
        levels: NDArray[np.uint8] = np.clip(np.rint(shares * 255), 0, 255).astype(np.uint8).transpose(1, 2, 0)
        return levels


def _cosine(one: Pixels, other: Pixels) -> float:
    return float(np.clip(one.astype(np.float64) @ other.astype(np.float64), -1, 1))


def _png(levels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


def some_photos(ws: Workspace, n: int = FACES) -> list[dict[str, Any]]:
    """Return photos of the line that show what there is: some that are stored turned, then one a camera and label.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest.
    n : int
        How many.

    Returns
    -------
    list of dict
        Rows of the clean manifest, the same ones on every run; two are turned, where there are two.
    """
    rows = [
        r
        for r in read_table(ws.manifests / "clean").to_pylist()
        if (r["status"], r["station"]) == ("clean", "line")
    ]
    rows.sort(key=lambda row: row["image_id"])
    turned = [row for row in rows if row["orientation"] not in {None, 1}][:2]
    kinds: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row["orientation"] == 1:
            kinds.setdefault((row["device"], row["label_at_ingestion"]), row)
    return [*turned, *(kinds[kind] for kind in sorted(kinds))][:n]


def picture_scope(
    ws: Workspace,
    photos: Sequence[str] | None = None,
    *,
    look: Looker | None = None,
    watcher: Watcher | None = None,
    **traits: Any,
) -> PictureScope:
    """Return a scope on photos of a workspace.

    Parameters
    ----------
    ws : Workspace
        With a run that was trained on embeddings.
    photos : sequence of str, optional
        Their ids; default `some_photos`.
    look : Looker, optional
        Whose model scores them; default that of the champion.
    watcher : Watcher, optional
        Is told that both encoders are loaded.
    **traits : object
        Of `workbench.widgets.PictureScope`.

    Returns
    -------
    PictureScope
        With the decisions of the run's own labels.
    """
    look = look or Looker(ws)
    clean = {row["image_id"]: row for row in read_table(ws.manifests / "clean").to_pylist()}
    chosen = [clean[photo] for photo in photos] if photos else some_photos(ws)
    faces = [
        {"id": row["image_id"], "picture": look.bytes_of(row["image_id"]), "text": _said(row)}
        for row in chosen
    ]
    labels = read_header(ws.manifests / "raw").extra["labels"]
    watcher = watcher or Watcher()
    watcher.begin("extract")
    scope = PictureScope(faces, look, **({"decisions": [*labels]} | traits))
    watcher.end(None)
    return scope


def _said(row: dict[str, Any]) -> str:
    turned = "" if row["orientation"] in {None, 1} else ", stored turned"
    return f"{row['device']}, operator: {row['label_at_ingestion']}{turned}"
