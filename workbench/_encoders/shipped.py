"""Encoders that come with the workbench: folders in ``data/models`` that open_clip reads as they are."""

from __future__ import annotations

import gzip
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench._encoders import Network, altered_steps, canonical, preprocessing_version
from workbench._torchvision import import_open_clip
from workbench.errors import EncoderError, EncoderUnavailableError
from workbench.hashing import sha256_bytes, sha256_file, sha256_texts
from workbench.records import EncoderCard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image

CONFIG: Final = "open_clip_config.json"
WEIGHTS: Final = "open_clip_model.safetensors"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
_HERE: Final = Path(__file__).resolve().parents[1]


def models_dir() -> Path:
    """Return the folder of the shipped encoders.

    Returns
    -------
    Path
        WORKBENCH_MODELS where it is set, else ``workbench/_models`` (in a wheel), else
        ``data/models`` beside the package (in a checkout).
    """
    told = os.environ.get("WORKBENCH_MODELS")
    if told:
        return Path(told).expanduser().resolve()
    inside = _HERE / "_models"
    return inside if inside.is_dir() else _HERE.parent / "data" / "models"


def names() -> list[str]:
    """Return the names of all shipped encoders."""
    return sorted(
        path.parent.name for path in models_dir().glob(f"*/{CONFIG}") if _NAME.fullmatch(path.parent.name)
    )


def cut_merges(n_merges: int) -> bytes:
    """Return the first merges of the BPE file that open_clip brings along.

    Parameters
    ----------
    n_merges : int
        How many to keep. The vocabulary is then 512 bytes, the merges, and two marks.

    Returns
    -------
    bytes
        A gzip file that open_clip's tokenizer reads: without time stamp, and without a last
        line end, for an empty line would count as a merge.
    """
    import_open_clip()
    from open_clip.tokenizer import default_bpe

    with gzip.open(default_bpe()) as stream:
        lines = stream.read().decode().split("\n")
    return gzip.compress("\n".join(lines[: 1 + n_merges]).encode(), mtime=0)


def tokenizer(config: Mapping[str, Any]) -> Any:
    """Return the tokenizer of a shipped encoder, its merges cut from the installed open_clip.

    Left to itself open_clip would take all merges: 49,408 tokens, most of them beyond the end
    of the small table.

    Parameters
    ----------
    config : mapping
        The configuration file, parsed.

    Returns
    -------
    open_clip.tokenizer.SimpleTokenizer
        Called with a list of sentences it returns int64 of shape (n, context_length).

    Raises
    ------
    EncoderError
        If the merges are not those that the encoder was trained with.
    """
    import_open_clip()
    from open_clip.tokenizer import SimpleTokenizer

    text, wanted = config["model_cfg"]["text_cfg"], config["workbench"]
    merges = cut_merges(wanted["merges"])
    if sha256_bytes(gzip.decompress(merges)) != wanted["merges_sha256"]:
        raise EncoderError(
            "the BPE file of the installed open_clip is not the one this encoder was trained with",
            hint="install the pinned release: pip install -c constraints.txt open_clip_torch",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bpe.txt.gz"
        path.write_bytes(merges)
        made = SimpleTokenizer(bpe_path=str(path), context_length=text["context_length"])
    if made.vocab_size != text["vocab_size"]:
        raise EncoderError(
            f"the tokenizer has {made.vocab_size} tokens, the encoder's table {text['vocab_size']}"
        )
    return made


@dataclass(frozen=True)
class Shipped:
    """A folder with weights, configuration and card.

    Attributes
    ----------
    folder : Path
        Its name is the encoder's name.
    """

    folder: Path

    def config(self) -> dict[str, Any]:
        """Return the configuration file, parsed."""
        path = self.folder / CONFIG
        try:
            parsed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            missing = {"batch_size", "merges", "merges_sha256"} - set(parsed["workbench"])
        except (ValueError, KeyError, TypeError) as error:
            raise EncoderError(f"{path} cannot be read ({error})", hint="restore it from git") from None
        if missing:
            raise EncoderError(f"{path} lacks workbench.{min(missing)}", hint="restore it from git")
        return parsed

    def card(self) -> EncoderCard:
        """Return the card; torch is not imported."""
        weights = self.folder / WEIGHTS
        if not weights.is_file():
            raise EncoderUnavailableError(
                f"{weights} is missing",
                hint="restore it from git, or make it again with scripts.make_encoder",
            )
        config = self.config()
        batch_size: int = config["workbench"]["batch_size"]
        pixels = config["preprocess_cfg"] | {"size": config["model_cfg"]["vision_cfg"]["image_size"]}
        return EncoderCard(
            spec=self.folder.name,
            slug=self.folder.name,
            fingerprint=sha256_texts(["shipped", sha256_file(weights), canonical(config)]),
            dim=config["model_cfg"]["embed_dim"],
            preprocessing_version=preprocessing_version(pixels, batch_size),
            batch_size=batch_size,
        )

    def network(self) -> Network:
        """Load the network with open_clip; nothing is asked of the network outside."""
        open_clip, config = import_open_clip(), self.config()
        from safetensors import SafetensorError

        try:
            model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{self.folder}")
        except (SafetensorError, RuntimeError) as error:
            raise EncoderError(
                f"the weights in {self.folder} do not load: {error}", hint="restore them from git"
            ) from None
        model.eval()
        tokens = tokenizer(config)

        def to_array(image: Image) -> NDArray[np.float32]:
            array: NDArray[np.float32] = transform(image).numpy()
            return array

        def altered(normalise: bool, resample: str | None) -> Callable[[Image], NDArray[np.float32]]:  # noqa: FBT001
            steps = altered_steps(transform, normalise, resample)
            return lambda image: steps(image).numpy()

        def texts(sentences: Sequence[str]) -> torch.Tensor:
            encoded: torch.Tensor = model.encode_text(tokens(list(sentences)))
            return encoded

        size = config["model_cfg"]["vision_cfg"]["image_size"]
        return Network(size, to_array, model.encode_image, texts, altered)
