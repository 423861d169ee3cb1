"""Make the small CLIP of the workbench: pictures, training, export, figures, model card.

    python scripts/make_encoder.py                 all of it (about 15 CPU-minutes), resumes where it was stopped
    python scripts/make_encoder.py --evaluate      only measure the exported model again and rewrite its card

Model, loss and tokenizer are open_clip's. Pictures and captions come from the packhouse's renderer
with a seed of their own, so no fruit of a lesson was seen here. Intermediate files lie in
``build/encoder``. Everything is drawn from keyed generators: stopping and resuming changes nothing.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from workbench._encoders.shipped import CONFIG, WEIGHTS, Shipped, cut_merges, tokenizer
from workbench._torchvision import import_open_clip
from workbench.encoder import Encoder
from workbench.hashing import sha256_bytes
from workbench.manifests import atomic, write_json, write_text
from workbench.worlds.fruit import BELTS, BLEMISHES, KINDS, Camera, make_fruit, render, rng_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch

ROOT: Final = Path(__file__).resolve().parents[1]
SEED: Final = "clip"
SIZE: Final = 64
MERGES: Final = 1500
N_PICTURES: Final = 16_000
N_HELD_OUT: Final = 1_500
BATCH: Final = 192
EPOCHS: Final = 16
PEAK_RATE: Final = 1.4e-3
WEIGHT_DECAY: Final = 0.05
WARM_UP_STEPS: Final = 40
SAVE_EVERY: Final = 50

WORDS: Final = {
    "none": ("no damage", "clean skin", "no blemish"),
    "bruise": ("a bruise", "a bruised spot", "brown bruising"),
    "scab": ("scab", "dark scab spots"),
    "rot": ("rot", "a rotten patch"),
    "wormhole": ("a worm hole", "a wormhole"),
    "scratch": ("a scratch", "a scratched skin"),
}
TEMPLATES: Final = (
    "a photo of {a} {kind} with {words} on a {belt} belt",
    "{a} {kind} with {words}, {belt} conveyor belt",
    "a {light} photo of {a} {kind} with {words}",
    "{kind}, {words}, {belt} background",
    "a sorting camera picture of {a} {kind} with {words}",
)
MODEL_CFG: Final = {
    "embed_dim": 128,
    "vision_cfg": {"image_size": SIZE, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
    "text_cfg": {"context_length": 24, "vocab_size": 512 + MERGES + 2, "width": 64, "heads": 4, "layers": 2},
}


# Pictures and captions


def caption(kind: str, words: str, belt: str, light: str = "normal", template: str = TEMPLATES[0]) -> str:
    """Write the sentence under a picture."""
    article = "an" if kind[0] in "aeiou" else "a"
    return template.format(a=article, kind=kind, words=words, belt=belt, light=light)


def picture(i: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Draw picture number `i` at 96 px, shrink it to 64 px, and caption it.

    Returns
    -------
    ndarray of uint8, shape (64, 64, 3)
        RGB.
    dict
        caption, kind, blemish, belt.
    """
    rng = rng_for(SEED, "picture", i)

    def between(low: float, high: float) -> float:
        return low + (high - low) * rng.random()

    def one_of(things: Sequence[str]) -> str:
        return things[int(rng.integers(0, len(things)))]

    kind, belt = one_of(list(KINDS)), one_of(list(BELTS))
    blemish = "none" if rng.random() < 0.42 else one_of(BLEMISHES)
    severity = 0.0 if blemish == "none" else between(0.25, 1.0)
    lamp = between(0.65, 1.15)
    camera = Camera(
        id=f"training-{i}",
        gain=(between(0.9, 1.1), between(0.95, 1.05), between(0.88, 1.12)),
        belt=belt,
        noise=between(0.004, 0.03),
        vignette=between(0.05, 0.65),
        blur=between(0.2, 1.0),
        exposure=between(0.88, 1.1),
    )
    dirt = between(0, 0.7) if rng.random() < 0.3 else 0.0
    pixels = render(
        SEED,
        make_fruit(SEED, i, kind, blemish, severity),
        camera,
        frame=int(rng.integers(0, 4)),
        pass_id=int(rng.integers(0, 99)),
        lamp=lamp,
        dirt=dirt,
        warm=between(-0.06, 0.06),
    )
    words = one_of(WORDS[blemish])
    if blemish != "none" and not words.startswith("a ") and rng.random() < 0.4:
        words = ("slight " if severity < 0.45 else "severe ") + words
    light = "dim" if lamp < 0.8 else "bright" if lamp > 1.02 else "normal"
    text = caption(kind, words, belt, light, one_of(TEMPLATES))
    small = Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return np.asarray(small), {"caption": text, "kind": kind, "blemish": blemish, "belt": belt}


def pictures(numbers: range) -> list[tuple[np.ndarray, dict[str, Any]]]:
    """Draw several pictures: the work of one process at a time."""
    return [picture(i) for i in numbers]


def make_pictures(work: Path, n: int, workers: int) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Draw `n` pictures with `workers` processes, or read them back.

    Returns
    -------
    ndarray of uint8, shape (n, 64, 64, 3)
        RGB.
    list of dict
        As in `picture`.
    """
    images, facts = work / f"pictures-{n}.npy", work / f"pictures-{n}.json"
    if not facts.is_file():
        began, drawn = time.monotonic(), []
        with ProcessPoolExecutor(workers) as pool:
            for part in pool.map(pictures, [range(i, min(i + 100, n)) for i in range(0, n, 100)]):
                drawn += part
                say(f"pictures {len(drawn)}/{n}", began)
        with atomic(images) as path, path.open("wb") as stream:
            np.save(stream, np.stack([pixels for pixels, _ in drawn]))
        write_json(facts, [fact for _, fact in drawn])
    return np.load(images, allow_pickle=False), json.loads(facts.read_text(encoding="utf-8"))


def say(what: str, began: float) -> None:
    """Print one line of progress."""
    sys.stdout.write(f"{what}  {time.monotonic() - began:.0f} s\n")
    sys.stdout.flush()


# Training


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


def new_model() -> torch.nn.Module:
    """Return an untrained model, the same each time; torch's global generator is left as it was."""
    import torch

    open_clip = import_open_clip()
    with torch.random.fork_rng():
        torch.manual_seed(0)  # noqa: TID251  open_clip draws from no other
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


def batches(n: int, step: int, total: int) -> Iterator[tuple[int, torch.Tensor, torch.Generator]]:
    """Yield number, rows and generator of each step from `step` on, as if there had been no pause."""
    import torch

    per_epoch = n // BATCH
    for at in range(step, total):
        epoch, within = divmod(at, per_epoch)
        order = torch.randperm(n, generator=torch.Generator().manual_seed(1_000_003 + epoch))
        yield at, order[within * BATCH : (within + 1) * BATCH], torch.Generator().manual_seed(at)


def rate(step: int, total: int) -> float:
    """Return the learning rate: a short warm-up, then half a cosine down to zero."""
    return PEAK_RATE * min(1.0, (step + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * step / total))


class Trainer:
    """Model, optimiser, step and cost: all that a checkpoint holds."""

    def __init__(self, checkpoint: Path) -> None:
        import torch

        self.checkpoint = checkpoint
        self.model = new_model()
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
        self, images: torch.Tensor, tokens: torch.Tensor, total: int, *, report: Callable[[str], None]
    ) -> None:
        """Train up to step `total`.

        Parameters
        ----------
        images : Tensor of uint8, shape (n, 3, 64, 64)
            Pictures.
        tokens : Tensor of int64, shape (n, 24)
            Their captions.
        total : int
            Steps in the whole of the training.
        report : callable
            Takes a line of progress.
        """
        import torch

        open_clip = import_open_clip()
        loss_of = open_clip.ClipLoss()
        mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1) * 255
        std = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1) * 255
        self.model.train()
        for step, rows, generator in batches(len(images), self.step, total):
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
            if self.step % SAVE_EVERY == 0 or self.step == total:
                self.save()
                report(f"step {self.step}/{total}  loss {loss.item():.3f}  cpu {self.cpu_s:.0f} s")


def train(images: np.ndarray, captions: Sequence[str], checkpoint: Path, steps: int) -> Trainer:
    """Train, or go on training, on one thread."""
    import torch

    began = time.monotonic()
    torch.set_num_threads(1)
    tokens = tokenizer(configuration())(list(captions))
    trainer = Trainer(checkpoint)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    trainer.run(pixels, tokens, steps, report=lambda line: say(line, began))
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


# Figures and card


def evaluate(folder: Path, images: np.ndarray, facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Measure the exported model on pictures that it has not seen.

    Parameters
    ----------
    folder : Path
        Of the model.
    images : ndarray of uint8, shape (n, 64, 64, 3)
        Held-out pictures; the first three fifths fit the probes, the rest test them.
    facts : sequence of dict
        As in `picture`.

    Returns
    -------
    dict
        Accuracies between 0 and 1.
    """
    source = Shipped(folder)
    encoder = Encoder(source.card(), source.network())
    rows = encoder.embed([Image.fromarray(pixels) for pixels in images])
    figures: dict[str, Any] = {"n_held_out": len(rows), "zero_shot": {}, "probe": {}, "majority": {}}
    for what in ("kind", "belt", "blemish"):
        truth = np.array([fact[what] for fact in facts])
        names, prompts = class_prompts(encoder, what)
        figures["zero_shot"][what] = accuracy(np.array(names)[(rows @ prompts.T).argmax(1)], truth)
        figures["probe"][what] = probe(rows, truth)
        figures["majority"][what] = float(round(max((truth == name).mean() for name in names), 3))
    sound = np.array([fact["blemish"] == "none" for fact in facts])
    figures["probe"]["any_blemish"] = probe(rows, sound)
    figures["majority"]["any_blemish"] = float(round(max(sound.mean(), 1 - sound.mean()), 3))
    return figures


def class_prompts(encoder: Encoder, what: str) -> tuple[list[str], np.ndarray]:
    """Return the classes of `what`, and for each the mean embedding of all captions that name it."""
    groups: dict[str, list[str]] = {}
    for kind in KINDS:
        for blemish, phrases in WORDS.items():
            for belt in BELTS:
                name = {"kind": kind, "blemish": blemish, "belt": belt}[what]
                groups.setdefault(name, []).extend(caption(kind, words, belt) for words in phrases)
    means = [encoder.embed_texts(sentences).mean(axis=0) for sentences in groups.values()]
    return list(groups), np.stack(means) / np.linalg.norm(means, axis=1, keepdims=True)


def probe(rows: np.ndarray, truth: np.ndarray) -> float:
    """Fit a logistic regression on the first three fifths and return its accuracy on the rest."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    n_fit = len(rows) * 3 // 5
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    model.fit(rows[:n_fit].astype(np.float64), truth[:n_fit])
    return accuracy(model.predict(rows[n_fit:].astype(np.float64)), truth[n_fit:])


def accuracy(said: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of right answers, three digits."""
    return float(round((said == truth).mean(), 3))


def cost(trainer: Trainer, n: int) -> dict[str, Any]:
    """Return what the training took."""
    import torch

    return {
        "pictures": n,
        "steps": trainer.step,
        "epochs": round(trainer.step / (n // BATCH), 1),
        "cpu_minutes": round(trainer.cpu_s / 60, 1),
        "threads": 1,
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "torch": torch.__version__.split("+")[0],
        "open_clip": import_open_clip().__version__,
        "python": platform.python_version(),
    }


def write_card(folder: Path) -> None:
    """Write figures.json's numbers into the model card."""
    write_text(folder / "README.md", card_text(folder))


def card_text(folder: Path) -> str:
    """Return the model card: the template beside this script, with the numbers of figures.json."""
    figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    template = (Path(__file__).with_name("encoder_card.md")).read_text(encoding="utf-8")
    size = (folder / WEIGHTS).stat().st_size / 1e6
    table = "\n".join(
        f"| {title} | {figures['majority'][key]:.2f} | {_shown(figures['zero_shot'].get(key))} "
        f"| {figures['probe'][key]:.3f} |"
        for key, title in (
            ("kind", "kind of fruit (8)"),
            ("belt", "belt (5)"),
            ("blemish", "type of blemish (6)"),
            ("any_blemish", "any blemish (2)"),
        )
    )
    return template.format(
        name=folder.name,
        fingerprint=Shipped(folder).card().fingerprint,
        size_mb=f"{size:.2f}",
        table=table,
        batch=BATCH,
        n_held_out=figures["n_held_out"],
        **figures["training"],
    )


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; default those of the process.

    Returns
    -------
    int
        0.
    """
    parser = argparse.ArgumentParser(description="Make the small CLIP of the workbench.")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "models" / "tiny_v1")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "encoder")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--evaluate", action="store_true", help="measure the exported model only")
    asked = parser.parse_args(argv)
    images, facts = make_pictures(asked.work, N_PICTURES, asked.workers)
    n = N_PICTURES - N_HELD_OUT
    figures_file = asked.out / "figures.json"
    if asked.evaluate:
        training = json.loads(figures_file.read_text(encoding="utf-8"))["training"]
    else:
        captions = [fact["caption"] for fact in facts[:n]]
        trainer = train(images[:n], captions, asked.work / "checkpoint.pt", EPOCHS * (n // BATCH))
        export(trainer, asked.out)
        training = cost(trainer, n)
    figures = evaluate(asked.out, images[n:], facts[n:])
    write_json(figures_file, figures | {"training": training})
    write_card(asked.out)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
