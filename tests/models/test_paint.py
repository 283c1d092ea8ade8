"""`bundled:limner-t2i`: what is drawn depends on the prompt and the seed alone, and weights are read as they were written."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("diffusers")

from limner.errors import ExpertError
from limner.experts.generator import generator
from limner.models.dit import DiT, DiTSettings
from limner.models.heads.vectors import pixels
from limner.models.paint.autoencoder import CompressionSettings, compressing
from limner.models.paint.painter import WEIGHTS, Drawing, Painter, load, save

torch.set_num_threads(1)
SMALL = CompressionSettings(16, 8, 16, (8, 8, 16, 16))


def painter() -> Painter:
    torch.manual_seed(0)
    dit = DiT(DiTSettings(8, 2, 2, 16, 2, 1))
    with torch.no_grad():
        for weight in dit.parameters():
            weight.normal_(std=0.3)
    return Painter(compressing(SMALL), dit, Drawing((0.1,) * 8, (1.5,) * 8, steps=2))


def opened(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)))


def test_the_autoencoder_takes_any_number_of_pictures():
    made = compressing(SMALL)
    latents, shown = made(torch.rand(3, 3, 16, 16) * 2 - 1)
    assert latents.vectors_NPC.shape == (3, 4, 8)
    assert shown.shape == (3, 3, 16, 16)
    latents, shown = made(torch.zeros(0, 3, 16, 16))
    shown.sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in made.parameters())


def test_a_picture_is_its_prompts_and_its_seeds():
    made = painter()
    both = made.paint(["a red apple", "a dog"], 32, seed=3)
    (alone,) = made.paint(["a dog"], 32, seed=3)
    assert np.abs(opened(both[1]).astype(int) - opened(alone)).max() <= 1
    assert not np.array_equal(opened(both[0]), opened(both[1]))
    assert not np.array_equal(opened(alone), opened(made.paint(["a dog"], 32, seed=4)[0]))
    assert opened(alone).shape == (32, 32, 3)
    assert made.paint([]) == []


def test_a_file_gives_back_what_was_saved(tmp_path: Path):
    made = painter()
    save(tmp_path / "w.safetensors", made.autoencoder, SMALL, made.dit, made.drawing)
    again = load(tmp_path / "w.safetensors")
    assert again.drawing == made.drawing
    assert again.dit.settings == made.dit.settings
    noise = torch.randn(1, 8, 2, 2, generator=torch.Generator().manual_seed(0))
    for before, after in zip(made.dit.parameters(), again.dit.parameters(), strict=True):
        assert torch.allclose(before, after, atol=1e-2)
    text = (torch.randn(1, 3, 384), torch.ones(1, 3, dtype=torch.bool))
    assert np.abs(made.draw(text, noise)[0].astype(int) - again.draw(text, noise)[0]).mean() < 8


def test_what_cannot_be_is_said(tmp_path: Path):
    with pytest.raises(ExpertError, match="0 pixels"):
        painter().paint(["x"], 0)
    (tmp_path / "other.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(ExpertError, match="no weights of a painter"):
        load(tmp_path / "other.safetensors")
    with pytest.raises(ExpertError, match="no bundled generator"):
        generator("bundled:other")


def test_the_one_that_comes_with_limner_follows_its_prompts():
    """A joint encoder prefers each picture's own prompt to the other one."""
    if not WEIGHTS.is_file():
        pytest.skip("the weights are not trained yet")
    assert WEIGHTS.stat().st_size < 12_000_000
    from limner.experts.encoder import encoder

    prompts = ["red heart, fluent", "green tree, fluent", "yellow smiling face, fluent"]
    shown = [opened(file) for file in generator("bundled:limner-t2i").paint(prompts, 64, seed=1)]
    judge = encoder("bundled:limner-pairs")
    scores = judge.embed_images(shown) @ judge.embed_texts(prompts).T
    assert scores.argmax(1).tolist() == [0, 1, 2]
    assert len({s.tobytes() for s in shown}) == 3


def test_numbers_beyond_what_is_shown_are_cut():
    (shown,) = pixels(torch.tensor([-3.0, 0.0, 3.0]).view(1, 3, 1, 1))
    assert shown.tolist() == [[[0, 128, 255]]]
