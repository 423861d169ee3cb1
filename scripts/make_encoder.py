"""Make the small CLIP of the workbench: pictures, training, export, figures, model card.

    python -m scripts.make_encoder                      all of it, from where it was stopped
    python -m scripts.make_encoder --version tiny_v0    the earlier version, which shows what an exchange does
    python -m scripts.make_encoder --evaluate           measure the exported model again and rewrite its card

Model, loss and tokenizer are open_clip's. Pictures and captions come from the packhouse's renderer
with a seed of their own, so no fruit of a lesson was seen here. Intermediate files lie in
``build/encoder``. Everything is drawn from keyed generators: stopping and resuming changes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.encoder.figures import cost, evaluate, write_card
from scripts.encoder.pictures import make_pictures
from scripts.encoder.training import BATCH, EPOCHS, VERSIONS, export, train
from workbench.manifests import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[1]
N_PICTURES: Final = 16_000
N_HELD_OUT: Final = 1_500


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
    parser.add_argument("--version", choices=sorted(VERSIONS), default="tiny_v1")
    parser.add_argument("--models", type=Path, default=ROOT / "data" / "models", help="one folder a version")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "encoder")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--evaluate", action="store_true", help="measure the exported model only")
    asked = parser.parse_args(argv)
    version, out = VERSIONS[asked.version], asked.models / asked.version
    images, facts = make_pictures(asked.work, N_PICTURES, asked.workers)
    n = N_PICTURES - N_HELD_OUT
    figures_file = out / "figures.json"
    if asked.evaluate:
        training = json.loads(figures_file.read_text(encoding="utf-8"))["training"]
    else:
        captions = [fact["caption"] for fact in facts[:n]]
        checkpoint, per_epoch = asked.work / f"checkpoint-{asked.version}.pt", n // BATCH
        trainer = train(
            images[:n],
            captions,
            checkpoint,
            EPOCHS * per_epoch,
            seed=version.seed,
            stop=version.epochs * per_epoch,
        )
        export(trainer, out)
        training = cost(trainer, n)
    figures = evaluate(out, images[n:], facts[n:])
    write_json(figures_file, figures | {"training": training})
    write_card(out)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
