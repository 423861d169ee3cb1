"""Where encoders come from; `workbench.encoder` is the door.

``shipped``
    Folders in ``data/models``: weights, configuration and card are here.
``hub``
    Any pretrained model that open_clip knows, fetched once from its hub.
``lite``
    EfficientNet-Lite0, whose weights come inside a package.

A `Source` answers for the card without loading the network; a `Network` is what was loaded.
"""

from __future__ import annotations

import json
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from workbench.hashing import sha256_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image

    from workbench.records import EncoderCard

PIXELS: Final = 1
"""Raise it when our code, Pillow or torchvision begins to make other pixels from the same file.

Pillow 10.4, 12.0 and 13.0 were measured to decode and to resize alike, so no library version is
part of the name; a test holds the hash of one preprocessed picture and fails when that changes.
"""


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network, before batches and normalised rows.

    Attributes
    ----------
    size : int
        Height and width of its input, pixels.
    transform : callable
        RGB picture to float32 of shape (3, size, size): resized, cropped, normalised.
    images : callable
        Tensor (n, 3, size, size) to tensor (n, dim).
    texts : callable or None
        Sentences to tensor (n, dim); None for a network that has no text side.
    altered : callable or None
        ``altered(normalise, resample)`` returns a transform that is wrong in these ways; None where
        the steps cannot be told apart.
    """

    size: int
    transform: Callable[[Image], NDArray[np.float32]]
    images: Callable[[torch.Tensor], torch.Tensor]
    texts: Callable[[Sequence[str]], torch.Tensor] | None = None
    altered: Callable[[bool, str | None], Callable[[Image], NDArray[np.float32]]] | None = None


def altered_steps(compose: Any, normalise: bool, resample: str | None) -> Any:  # noqa: FBT001
    """Return open_clip's transform without its normalisation, or with another resize filter.

    Parameters
    ----------
    compose : torchvision.transforms.Compose
        As open_clip made it; it is not changed.
    normalise : bool
        False: leave mean and standard deviation out, pixels stay between 0 and 1.
    resample : str or None
        ``nearest``, ``bilinear`` or ``bicubic``; None: as it is.

    Returns
    -------
    callable
        Picture to tensor.
    """
    from torchvision.transforms import Compose, InterpolationMode, Normalize

    steps = [copy(step) for step in compose.transforms if normalise or not isinstance(step, Normalize)]
    for step in steps:
        if resample is not None and hasattr(step, "interpolation"):
            step.interpolation = InterpolationMode(resample)
    return Compose(steps)


class Source(Protocol):
    """Something that knows an encoder's card, and can load it."""

    def card(self) -> EncoderCard:
        """Return the card; the network is not loaded."""
        ...

    def network(self) -> Network:
        """Load the network, in evaluation mode."""
        ...


def canonical(value: Any) -> str:
    """Return JSON that does not depend on spaces, line ends or the order of keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def preprocessing_version(config: Mapping[str, Any], batch_size: int) -> str:
    """Name a way from picture to network input: ``p1b32_`` and a hash of the configuration.

    Parameters
    ----------
    config : mapping
        Size, resize and crop mode, interpolation, mean, standard deviation.
    batch_size : int
        Images in one forward pass.

    Returns
    -------
    str
        Letters, digits and ``_`` only, for it becomes part of a feature view's name.
    """
    return f"p{PIXELS}b{batch_size}_{sha256_bytes(canonical(config).encode())[:6]}"
