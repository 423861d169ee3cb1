"""Any pretrained model of open_clip: fetched once from its hub, then found on this disk.

open_clip itself would wait for more than three minutes for a hub that does not answer. So the
weights are looked up in the local cache first; if they are not there, the hub is asked one
question with a deadline of two seconds, and only a hub that answers is asked for a file.
"""

from __future__ import annotations

import difflib
import os
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from workbench._encoders import Network, altered_steps, canonical, preprocessing_version
from workbench._torchvision import import_open_clip
from workbench.errors import EncoderError, EncoderUnavailableError, SettingsError
from workbench.hashing import sha256_file, sha256_texts
from workbench.records import EncoderCard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL.Image import Image

BATCH: Final = 16
"""Smaller than for the shipped encoder: one image costs a batch, 1.7 s with ViT-B-32 on one thread."""
DEADLINE_S: Final = 2.0
_WEIGHTS: Final = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")


def answers(url: str, deadline_s: float = DEADLINE_S) -> bool:
    """Return whether a server says anything to a HEAD request in time.

    Parameters
    ----------
    url : str
        Of the server. Proxies of the environment are used.
    deadline_s : float
        Seconds for everything: a name server and a handshake may hang as well as an answer.

    Returns
    -------
    bool
        True for any HTTP answer, an error page included.
    """
    said: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=deadline_s):  # noqa: S310
                said.append(True)
        except urllib.error.HTTPError as error:
            error.close()
            said.append(True)
        except (OSError, ValueError):
            said.append(False)

    asker = threading.Thread(target=ask, daemon=True, name="is-the-hub-there")
    asker.start()
    asker.join(deadline_s)
    return said == [True]


class Hub:
    """A pretrained model of open_clip.

    Parameters
    ----------
    model : str
        Architecture: ``ViT-B-32``.
    tag : str
        Which weights: ``laion2b_s34b_b79k``.

    Raises
    ------
    SettingsError
        If open_clip knows no such model, or no such weights for it.
    """

    def __init__(self, model: str, tag: str) -> None:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        open_clip = import_open_clip()
        self.spec = f"{model}/{tag}"
        self.model = _known(model, sorted({name for name, _ in open_clip.list_pretrained()}), "model")
        self.tag = _known(tag, open_clip.list_pretrained_tags_by_model(model), f"weights of {model}")
        self._pretrained: dict[str, Any] = open_clip.get_pretrained_cfg(model, tag)
        self._config: dict[str, Any] = open_clip.get_model_config(model)

    @cached_property
    def pixels(self) -> dict[str, Any]:
        """Configuration of the preprocessing, from open_clip's own card of these weights."""
        keys = ("mean", "std", "interpolation", "resize_mode")
        return {key: self._pretrained[key] for key in keys} | {
            "size": self._config["vision_cfg"]["image_size"]
        }

    @cached_property
    def weights(self) -> Path:
        """Where the weights lie on this disk; fetched when they are not there yet."""
        found = self._cached()
        if found is not None:
            return found
        from huggingface_hub import constants

        if constants.HF_HUB_OFFLINE:
            raise self._unavailable("HF_HUB_OFFLINE is set")
        if not answers(constants.ENDPOINT):
            raise self._unavailable(f"{constants.ENDPOINT} did not answer within {DEADLINE_S:g} s")
        try:
            return Path(import_open_clip().download_pretrained(self._pretrained))
        except (OSError, RuntimeError) as error:
            raise self._unavailable(str(error)) from None

    def _cached(self) -> Path | None:
        from huggingface_hub import try_to_load_from_cache

        repo, _, name = self._pretrained["hf_hub"].rpartition("/")
        names = (str(PurePosixPath(name).with_suffix(".safetensors")), name) if name else _WEIGHTS
        found = (try_to_load_from_cache(repo, candidate) for candidate in names)
        return next((Path(path) for path in found if isinstance(path, str)), None)

    def _unavailable(self, why: str) -> EncoderUnavailableError:
        return EncoderUnavailableError(
            f"the weights of {self.spec} are not on this machine, and cannot be fetched: {why}",
            hint="stay with the encoder tiny_v1, which needs no network, or come back when the hub is reachable",
        )

    def card(self) -> EncoderCard:
        """Return the card: hashes the weights, and fetches them first where they are missing."""
        config = {"model": self._config, "pretrained": self._pretrained}
        return EncoderCard(
            spec=self.spec,
            slug="".join(c if c.isalnum() else "_" for c in self.spec.lower()),
            fingerprint=sha256_texts(["hub", self.spec, sha256_file(self.weights), canonical(config)]),
            dim=self._config["embed_dim"],
            preprocessing_version=preprocessing_version(self.pixels, BATCH),
            batch_size=BATCH,
        )

    def network(self) -> Network:
        """Load the network from the file; open_clip is given no reason to ask its hub."""
        open_clip, pixels = import_open_clip(), self.pixels
        with _offline():
            model, _, transform = open_clip.create_model_and_transforms(
                self.model,
                pretrained=str(self.weights),
                image_mean=tuple(pixels["mean"]),
                image_std=tuple(pixels["std"]),
                image_interpolation=pixels["interpolation"],
                image_resize_mode=pixels["resize_mode"],
                force_quick_gelu=self._pretrained.get("quick_gelu", False),
                pretrained_text=False,
            )
        model.eval()

        def to_array(image: Image) -> NDArray[np.float32]:
            array: NDArray[np.float32] = transform(image).numpy()
            return array

        def altered(normalise: bool, resample: str | None) -> Callable[[Image], NDArray[np.float32]]:  # noqa: FBT001
            steps = altered_steps(transform, normalise, resample)
            return lambda image: steps(image).numpy()

        def texts(sentences: Sequence[str]) -> torch.Tensor:
            encoded: torch.Tensor = model.encode_text(self._tokenizer(list(sentences)))
            return encoded

        return Network(pixels["size"], to_array, model.encode_image, texts, altered)

    @cached_property
    def _tokenizer(self) -> Any:
        """Most models bring their own; a few fetch one from the hub, and only when texts are asked for."""
        try:
            return import_open_clip().get_tokenizer(self.model)
        except (OSError, RuntimeError, ImportError, AssertionError) as error:
            raise EncoderError(f"the tokenizer of {self.spec} cannot be had: {error}") from None


@contextmanager
def _offline() -> Iterator[None]:
    """Keep the hub's library from asking anything, whether it was imported before or is not yet."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _known(asked: str, known: Sequence[str], what: str) -> str:
    if asked in known:
        return asked
    close = difflib.get_close_matches(asked, known, n=3, cutoff=0.4) or list(known[:3])
    raise SettingsError(
        f"open_clip knows no {what} called {asked!r}",
        hint=f"close to it: {', '.join(close)}" if close else "its list: open_clip.list_pretrained()",
    )
