"""The one door to image encoders.

An encoder is named by one setting:

``tiny_v1``
    The small CLIP that we trained on pictures of the packhouse (``data/models/tiny_v1``).
``tiny_v0``
    An earlier version of it, of the same length: to show what an exchange under one name does.
``MODEL/PRETRAINED``
    Any pretrained model of open_clip, for example ``ViT-B-32/laion2b_s34b_b79k``. Its hub has
    to be reachable the first time; whether it is gets decided within two seconds.
``efficientnet-lite0``
    For real photos without a network (extra ``photos``).

**Equal bits.** An embedding depends on how many images go through the network together: a batch
of 1 and a batch of 64 differ in the last digits. So each batch is filled up to the card's
``batch_size`` with empty images, and the network runs on one thread. The place within the batch
and the neighbours do not matter (a test says so), hence an image alone gets the bits that it got
among a thousand others. Other processors and other releases of torch may round in another way.
Filling up costs the time of a whole batch: about 0.02 s for one image with ``tiny_v1``.
"""

from __future__ import annotations

import difflib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from workbench._encoders import Network, Source, lite
from workbench._encoders.hub import Hub
from workbench._encoders.shipped import Shipped, models_dir, names
from workbench.errors import EncoderError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from PIL.Image import Image

    from workbench.records import EncoderCard

__all__ = ["DEFAULT", "Encoder", "Resample", "encoder_card", "encoder_names", "load_encoder"]

Resample = Literal["nearest", "bilinear", "bicubic"]
"""Filters of a resize."""

DEFAULT: Final = "tiny_v1"
_EXAMPLE: Final = "ViT-B-32/laion2b_s34b_b79k"
_ONE_AT_A_TIME: Final = threading.Lock()


def encoder_names() -> list[str]:
    """Return the names of the encoders that need no network, the default first."""
    return [DEFAULT, *(name for name in names() if name != DEFAULT), lite.SPEC]


def encoder_card(spec: str = DEFAULT) -> EncoderCard:
    """Return the card of an encoder without loading its network.

    Torch is not imported for an encoder that is on this machine by nature. A hub model asks
    open_clip for its configuration, and fetches the weights that its fingerprint is made of.

    Parameters
    ----------
    spec : str
        As in the module's docstring.

    Returns
    -------
    EncoderCard
        Fingerprint, dimension, preprocessing version, batch size.

    Raises
    ------
    SettingsError
        If no encoder has this name.
    MissingExtraError
        If a package is not installed.
    EncoderUnavailableError
        If the weights cannot be had here and now.
    """
    return _source(spec).card()


def load_encoder(spec: str = DEFAULT) -> Encoder:
    """Load an encoder. The first call imports torch: 6 s on an idle core.

    Parameters
    ----------
    spec : str
        As in the module's docstring.

    Returns
    -------
    Encoder
        Ready to embed.

    Raises
    ------
    SettingsError
        If no encoder has this name.
    MissingExtraError
        If a package is not installed.
    EncoderUnavailableError
        If the weights cannot be had here and now.
    """
    source = _source(spec)
    return Encoder(source.card(), source.network())


def _source(spec: str) -> Source:
    if "/" in spec:
        return Hub(*spec.split("/", 1))
    if spec == lite.SPEC:
        return lite.Lite()
    if spec in names():
        return Shipped(models_dir() / spec)
    close = difflib.get_close_matches(spec, encoder_names(), n=1, cutoff=0.5)
    known = f"did you mean {close[0]}?" if close else f"known here: {', '.join(encoder_names())}."
    raise SettingsError(
        f"there is no encoder called {spec!r}",
        hint=f"{known} A pretrained model of open_clip is written MODEL/PRETRAINED, such as {_EXAMPLE}",
    )


class Encoder:
    """A loaded encoder.

    Parameters
    ----------
    card : EncoderCard
        What it is.
    network : Network
        What was loaded.
    """

    def __init__(self, card: EncoderCard, network: Network) -> None:
        self.card = card
        self._network = network

    def __repr__(self) -> str:
        return f"<Encoder {self.card.spec}: {self.card.dim} numbers from {self._network.size} pixels square>"

    def embed(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Embed pictures.

        Parameters
        ----------
        images : sequence of PIL.Image.Image
            RGB, upright, of any size.

        Returns
        -------
        ndarray of float32, shape (n, dim)
            Rows of length 1, in the order of `images`.

        Raises
        ------
        EncoderError
            If an embedding is not finite.
        """
        step = self.card.batch_size
        parts = [
            self.forward(self.preprocess_batch(images[i : i + step])) for i in range(0, len(images), step)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self.card.dim), np.float32)

    def preprocess_batch(
        self, images: Sequence[Image], *, normalise: bool = True, resample: Resample | None = None
    ) -> NDArray[np.float32]:
        """Resize, crop and normalise pictures; runs beside `forward` in another thread.

        Parameters
        ----------
        images : sequence of PIL.Image.Image
            RGB, upright, of any size.
        normalise : bool
            False leaves out mean and standard deviation, which is wrong: to show what that does.
        resample : {'nearest', 'bilinear', 'bicubic'}, optional
            Another filter than the card's, which is wrong as well.

        Returns
        -------
        ndarray of float32, shape (n, 3, size, size)
            Input of `forward`.

        Raises
        ------
        EncoderError
            If something wrong is asked of an encoder whose steps cannot be told apart.
        """
        size, honest = self._network.size, normalise and resample is None
        batch = np.empty((len(images), 3, size, size), np.float32)
        transform = self._network.transform if honest else self._altered(normalise, resample)
        for row, image in zip(batch, images, strict=True):
            row[:] = transform(image)
        return batch

    def _altered(self, normalise: bool, resample: str | None) -> Callable[..., NDArray[np.float32]]:  # noqa: FBT001
        if self._network.altered is None:
            raise EncoderError(f"the steps of {self.card.spec} cannot be altered", hint="use a CLIP: tiny_v1")
        if resample not in {None, *get_args(Resample)}:
            known = ", ".join(get_args(Resample))
            raise EncoderError(f"there is no filter {resample!r}", hint=f"there are: {known}")
        return self._network.altered(normalise, resample)

    def forward(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network, `batch_size` images at a time, one caller at a time.

        Parameters
        ----------
        batch : ndarray of float32, shape (n, 3, size, size)
            From `preprocess_batch`; any n.

        Returns
        -------
        ndarray of float32, shape (n, dim)
            Rows of length 1.

        Raises
        ------
        EncoderError
            If the input has another shape, or an embedding is not finite.
        """
        import torch

        size, step = self._network.size, self.card.batch_size
        if batch.shape[1:] != (3, size, size):
            raise EncoderError(f"a batch of shape {batch.shape} was given, (n, 3, {size}, {size}) is needed")
        rows = np.empty((len(batch), self.card.dim), np.float32)
        with _quietly():
            for start in range(0, len(batch), step):
                part = batch[start : start + step]
                full = torch.from_numpy(_fill_up(part, step))
                rows[start : start + len(part)] = self._network.images(full).numpy()[: len(part)]
        return _unit_rows(rows)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed sentences into the same space as pictures.

        Parameters
        ----------
        texts : sequence of str
            For example ``a photo of a red apple``.

        Returns
        -------
        ndarray of float32, shape (n, dim)
            Rows of length 1; the product with an image's row is their similarity, -1 to 1.

        Raises
        ------
        EncoderError
            If this encoder has no text side.
        """
        if self._network.texts is None:
            raise EncoderError(f"{self.card.spec} knows no texts", hint="use a CLIP such as tiny_v1")
        with _quietly():
            return _unit_rows(self._network.texts(texts).numpy())


@contextmanager
def _quietly() -> Iterator[None]:
    """Hold torch to one thread and without gradients; restore its threads afterwards.

    The number of threads belongs to the whole process, so one caller at a time comes in.
    """
    import torch

    with _ONE_AT_A_TIME, torch.inference_mode():
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _fill_up(part: NDArray[np.float32], n_rows: int) -> NDArray[np.float32]:
    if len(part) == n_rows:
        return part
    full = np.zeros((n_rows, *part.shape[1:]), part.dtype)
    full[: len(part)] = part
    return full


def _unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide each row by its length, in float64 so that no row depends on another."""
    wide = rows.astype(np.float64)
    length = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    if not np.isfinite(length).all() or (length == 0).any():
        raise EncoderError(
            "an embedding is not finite or is all zero", hint="look at the picture, or at the weights"
        )
    unit: NDArray[np.float32] = (wide / length).astype(np.float32)
    return unit
