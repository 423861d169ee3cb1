"""The script that makes the small CLIP: captions fit the pictures, and a pause changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scripts.encoder import training
from scripts.encoder.pictures import WORDS, caption, make_pictures, picture
from workbench._encoders.shipped import CONFIG, WEIGHTS, Shipped, names
from workbench.worlds.fruit import BLEMISHES

if TYPE_CHECKING:
    from pathlib import Path


def test_every_blemish_has_words() -> None:
    assert set(WORDS) == {"none", *BLEMISHES}
    assert caption("orange", "a scratch", "blue") == "a photo of an orange with a scratch on a blue belt"


def test_a_picture_depends_on_its_number_alone() -> None:
    first, fact = picture(5)
    picture(6)
    again, fact_again = picture(5)
    assert np.array_equal(first, again)
    assert fact == fact_again
    assert first.shape == (64, 64, 3)
    assert fact["kind"] in fact["caption"]
    assert not np.array_equal(first, picture(6)[0])


def test_every_shipped_version_can_be_made_again() -> None:
    assert set(training.VERSIONS) == set(names())
    assert all(0 < version.epochs <= training.EPOCHS for version in training.VERSIONS.values())
    assert len({version.seed for version in training.VERSIONS.values()}) == len(training.VERSIONS)


def test_a_seed_is_another_beginning_and_another_order() -> None:
    import torch

    one, two = (training.new_model(seed).visual.conv1.weight for seed in (0, 1))
    assert not torch.equal(one, two)
    assert torch.equal(one, training.new_model().visual.conv1.weight), "tiny_v1 was made with seed 0"
    steps = [[rows.tolist() for _, rows, _ in training.batches(400, 0, 2, seed)] for seed in (0, 1)]
    assert steps[0] != steps[1]
    assert steps[0] == [rows.tolist() for _, rows, _ in training.batches(400, 0, 2)]


def test_training_stopped_and_resumed_gives_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(training, "BATCH", 8)
    monkeypatch.setattr(training, "SAVE_EVERY", 2)
    images, facts = make_pictures(tmp_path, 24, workers=1)
    captions = [fact["caption"] for fact in facts]
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    try:
        whole = training.train(images, captions, tmp_path / "whole.pt", 6)
        stop = training.Trainer(tmp_path / "parts.pt")
        tokens = training.tokenizer(training.configuration())(captions)
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
        lines: list[str] = []

        def stop_after_two_saves(line: str) -> None:
            lines.append(line)
            if len(lines) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            stop.run(pixels, tokens, 6, report=stop_after_two_saves)
        parts = training.train(images, captions, tmp_path / "parts.pt", 6)
    finally:
        torch.set_num_threads(threads)
    assert parts.step == whole.step == 6
    after = parts.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in whole.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state), "the global generator was used"
    training.export(parts, tmp_path / "model")
    assert {path.name for path in (tmp_path / "model").iterdir()} == {CONFIG, WEIGHTS}
    assert Shipped(tmp_path / "model").card().dim == 128


def test_a_version_is_stopped_early_not_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(training, "BATCH", 8)
    images, facts = make_pictures(tmp_path, 24, workers=1)
    threads = torch.get_num_threads()
    try:
        captions = [fact["caption"] for fact in facts]
        early = training.train(images, captions, tmp_path / "early.pt", 6, seed=1, stop=2)
    finally:
        torch.set_num_threads(threads)
    assert early.step == 2
    assert early.optimiser.param_groups[0]["lr"] == training.rate(1, 6)
