"""Training with open_clip's model, loss and tokenizer: on one thread, and the same after any pause."""

from __future__ import annotations

import gzip
import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scripts.encoder.pictures import SIZE, say
from workbench._encoders.shipped import CONFIG, WEIGHTS, cut_merges, tokenizer
from workbench._torchvision import import_open_clip
from workbench.hashing import sha256_bytes
from workbench.manifests import atomic, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import torch

MERGES: Final = 1500
BATCH: Final = 192
PEAK_RATE: Final = 1.4e-3
WEIGHT_DECAY: Final = 0.05
WARM_UP_STEPS: Final = 40
SAVE_EVERY: Final = 50
EPOCHS: Final = 16


@dataclass(frozen=True, slots=True)
class Version:
    """What differs between two makings of the same architecture.

    Attributes
    ----------
    seed : int
        Of the first weights, the order of the pictures and their variation.
    epochs : int
        When the training stops. The learning rate falls as for `EPOCHS` in any case: a training
        that was stopped early, not a shorter one.
    about : str
        What it is for: a sentence of its card.
    """

    seed: int
    epochs: int
    about: str


VERSIONS: Final = {
    "tiny_v1": Version(0, EPOCHS, "The default encoder."),
    "tiny_v0": Version(
        1,
        6,
        "An earlier version of `tiny_v1`: another seed, stopped after 6 of 16 epochs. Same architecture, same\n"
        "128 numbers, another space: rows of the two never belong into one table. It is here so that a model\n"
        "exchanged under its name can be shown. Use `tiny_v1` for everything else.",
    ),
}
"""Name of each shipped version to how it is made."""

MODEL_CFG: Final = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": SIZE, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
    "text_cfg": {"context_length": 24, "vocab_size": 512 + MERGES + 2, "width": 64, "heads": 4, "layers": 2},
}


def configuration() -> dict[str, Any]:
    """Return what goes into open_clip_config.json; the part `workbench` is ours, open_clip skips it."""
    open_clip = import_open_clip()
    return {
        "model_cfg": MODEL_CFG,
        "preprocess_cfg": {
            "mean": list(open_clip.OPENAI_DATASET_MEAN),
            "std": list(open_clip.OPENAI_DATASET_STD),
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
        "workbench": {
            "batch_size": 32,  # measured: the fastest per image, and 20 ms for one image alone
            "merges": MERGES,
            "merges_sha256": sha256_bytes(gzip.decompress(cut_merges(MERGES))),
        },
    }


def new_model(seed: int = 0) -> torch.nn.Module:
    """Return an untrained model, the same for a seed; torch's global generator is left as it was."""
    import torch

    open_clip = import_open_clip()
    with torch.random.fork_rng():
        torch.manual_seed(seed)  # noqa: TID251  open_clip draws from no other
        return open_clip.CLIP(**json.loads(json.dumps(MODEL_CFG)))


def augmented(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Flip and shift the batch, and vary each picture's brightness by 5 %."""
    import torch

    images = images.float()
    if torch.rand((), generator=generator) < 0.5:
        images = images.flip(3)
    down, right = torch.randint(-4, 5, (2,), generator=generator).tolist()
    images = torch.roll(images, (down, right), (2, 3))
    return images * (0.95 + 0.1 * torch.rand(len(images), 1, 1, 1, generator=generator))


def batches(
    n: int, step: int, stop: int, seed: int = 0
) -> Iterator[tuple[int, torch.Tensor, torch.Generator]]:
    """Yield number, rows and generator of each step from `step` on, as if there had been no pause."""
    import torch

    per_epoch, own = n // BATCH, 10_000_019 * seed
    for at in range(step, stop):
        epoch, within = divmod(at, per_epoch)
        order = torch.randperm(n, generator=torch.Generator().manual_seed(own + 1_000_003 + epoch))
        yield at, order[within * BATCH : (within + 1) * BATCH], torch.Generator().manual_seed(own + at)


def rate(step: int, total: int) -> float:
    """Return the learning rate: a short warm-up, then half a cosine down to zero."""
    return PEAK_RATE * min(1.0, (step + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * step / total))


class Trainer:
    """Model, optimiser, step and cost: all that a checkpoint holds."""

    def __init__(self, checkpoint: Path, seed: int = 0) -> None:
        import torch

        self.checkpoint, self.seed = checkpoint, seed
        self.model = new_model(seed)
        weights = list(self.model.parameters())
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in weights if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
                {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=PEAK_RATE,
            betas=(0.9, 0.98),
        )
        self.step, self.cpu_s = 0, 0.0
        if checkpoint.is_file():
            state = torch.load(checkpoint, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.cpu_s = state["step"], state["cpu_s"]

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        import torch

        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        with atomic(self.checkpoint) as path:
            torch.save(state | {"step": self.step, "cpu_s": self.cpu_s}, path)

    def run(
        self,
        images: torch.Tensor,
        tokens: torch.Tensor,
        total: int,
        *,
        report: Callable[[str], None],
        stop: int | None = None,
    ) -> None:
        """Train up to step `stop` of `total`.

        Parameters
        ----------
        images : Tensor of uint8, shape (n, 3, 64, 64)
            Pictures.
        tokens : Tensor of int64, shape (n, 24)
            Their captions.
        total : int
            Steps in the whole of the training: the learning rate falls to zero there.
        report : callable
            Takes a line of progress.
        stop : int, optional
            Where to stop; default `total`.
        """
        import torch

        open_clip = import_open_clip()
        loss_of = open_clip.ClipLoss()
        mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1) * 255
        std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1) * 255
        self.model.train()
        stop = total if stop is None else stop
        for step, rows, generator in batches(len(images), self.step, stop, self.seed):
            began = time.process_time()
            for group in self.optimiser.param_groups:
                group["lr"] = rate(step, total)
            seen = (augmented(images[rows], generator) - mean) / std
            loss = loss_of(*self.model(seen, tokens[rows])[:3])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            with torch.no_grad():
                self.model.logit_scale.clamp_(0, math.log(100))
            self.step, self.cpu_s = step + 1, self.cpu_s + time.process_time() - began
            if self.step % SAVE_EVERY == 0 or self.step == stop:
                self.save()
                report(f"step {self.step}/{stop}  loss {loss.item():.3f}  cpu {self.cpu_s:.0f} s")


def train(
    images: np.ndarray,
    captions: Sequence[str],
    checkpoint: Path,
    steps: int,
    *,
    seed: int = 0,
    stop: int | None = None,
) -> Trainer:
    """Train, or go on training, on one thread: up to step `stop` of `steps`."""
    import torch

    began = time.monotonic()
    torch.set_num_threads(1)
    tokens = tokenizer(configuration())(list(captions))
    trainer = Trainer(checkpoint, seed)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    trainer.run(pixels, tokens, steps, report=lambda line: say(line, began), stop=stop)
    return trainer


def export(trainer: Trainer, folder: Path) -> None:
    """Write weights and configuration as open_clip reads them; matrices as fp16, the rest as fp32."""
    from safetensors.torch import save

    state = trainer.model.state_dict()
    halved = {
        k: (v.half() if v.ndim > 1 and v.is_floating_point() else v).contiguous() for k, v in state.items()
    }
    with atomic(folder / WEIGHTS) as path:
        path.write_bytes(save(halved))
    write_json(folder / CONFIG, configuration())
