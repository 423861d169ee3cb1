"""How good the exported model is on pictures that it has not seen, and the card that says so."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from scripts.encoder.pictures import WORDS, caption
from scripts.encoder.training import BATCH, VERSIONS, Trainer
from workbench._encoders.shipped import WEIGHTS, Shipped
from workbench._torchvision import import_open_clip
from workbench.encoder import Encoder
from workbench.manifests import write_text
from workbench.worlds.fruit import BELTS, KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    """Return the model card: the template beside this file, with the numbers of figures.json."""
    figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    template = Path(__file__).with_name("card.md").read_text(encoding="utf-8")
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
        about=VERSIONS[folder.name].about,
        option="" if folder.name == "tiny_v1" else f" --version {folder.name}",
        seed=VERSIONS[folder.name].seed,
        fingerprint=Shipped(folder).card().fingerprint,
        size_mb=f"{size:.2f}",
        table=table,
        batch=BATCH,
        n_held_out=figures["n_held_out"],
        **figures["training"],
    )


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
