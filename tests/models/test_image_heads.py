"""Heads that denoise inside sequences: vector by vector, and whole images."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

from limner.models.decoder import Decoder, DecoderSettings
from limner.models.decoding import Control, write
from limner.models.heads.flow import FlowHead, FlowSettings
from limner.models.heads.token_diffusion import DiffusionMLP, TokenDiffusionHead, TokenDiffusionSettings
from limner.models.heads.vectors import TokenizedVectors, spread
from limner.models.interleaved import Interleaved, Marks
from limner.models.sampling import ddim
from limner.models.sequence import Sequence, collate, words
from limner.models.tokenizers import Autoencoder, BlockSettings, GaussianLatents, ViTDecoder, ViTEncoder
from limner.train.objectives.diffusion import denoising, flow

torch.set_num_threads(1)
MARKS = Marks(start=0, end=1, image=2)


class Colours:
    """A picture of 4 x 4 pixels as 2 x 2 vectors of its mean colours."""

    channels = 3

    def encoded(self, pixels):
        return pixels.reshape(2, 2, 2, 2, 3).mean((1, 3)).astype(np.float32) / 64 - 2

    def decoded(self, vectors):
        return ((vectors + 2) * 64).clip(0, 255).astype(np.uint8).repeat(2, 0).repeat(2, 1)


def model(kind: str) -> Interleaved:
    torch.manual_seed(0)
    if kind == "flow":
        head = FlowHead(FlowSettings(channels=3, state=32), Colours(), (2, 2))
    else:
        objective = flow if kind == "vectors" else partial(denoising, DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2"))
        scheduler = None if kind == "vectors" else ddim()
        settings = TokenDiffusionSettings(channels=3, state=32, width=48, depth=2, draws=2)
        head = TokenDiffusionHead(settings, Colours(), (2, 2), objective, scheduler)
    return Interleaved(Decoder(DecoderSettings(width=32, layers=2, heads=4, key_heads=4, hidden=64)), head, MARKS, vocabulary=12)


def picture(colour: tuple[int, int, int]) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (4, 4, 3)).copy()


KINDS = ["flow", "vectors", "ddpm"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_without_images_runs_the_same_modules(kind):
    made = model(kind)
    batch = collate([Sequence((words([0, 5, 6]),))], channels=3)
    losses = made(batch)
    assert set(losses) == set(made.counts(batch))
    sum(losses.values()).backward()
    assert all(p.grad is not None for p in made.image.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_images_that_do_not_count_have_no_loss(kind):
    made = model(kind)
    seen = made.image.read(picture((9, 200, 3)))
    for weight in (0.0, 1.0):
        batch = collate([Sequence((words([0, 5, 2]), replace(seen, loss=weight), words([4])))], channels=3)
        name = "flow" if kind == "flow" else "vectors"
        assert made.counts(batch)[name] == 4 * weight
        assert bool(made(batch)[name] > 0) == bool(weight)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_learnt_is_drawn(kind):
    """Two words, two colours."""
    made = model(kind)
    colours = {5: (250, 20, 20), 6: (20, 20, 250)}
    batch = collate([Sequence((words([0, w, 2]), made.image.read(picture(c)))) for w, c in colours.items()] * 4, channels=3)
    optimizer = torch.optim.Adam(made.parameters(), 3e-3)
    for _ in range(200):
        optimizer.zero_grad()
        (list(made(batch).values())[1] / list(made.counts(batch).values())[1]).backward()
        optimizer.step()
    made.eval()
    prompts = [Sequence((words([0, w, 2]),)) for w in colours]
    controls = [Control(tokens=0, most=1, steps=10, seed=s, text_guidance=1.0) for s in (3, 4)]
    shown = {part.sequence: part.image for part in write(made, prompts, controls) if part.image is not None}
    for number, colour in enumerate(colours.values()):
        assert np.abs(shown[number].reshape(-1, 3).mean(0) - colour).mean() < 40
    alone = [part.image for part in write(made, prompts[1:], controls[1:]) if part.image is not None]
    assert np.abs(alone[0].astype(int) - shown[1]).max() <= 1


@pytest.mark.parametrize("kind", ["flow", "vectors"])
def test_guidance_leads_what_is_drawn(kind):
    made = model(kind).eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.normal_(std=0.15)
    prompt = Sequence((words([0, 5, 5, 2]),))

    def drawn(guidance: float) -> np.ndarray:
        return next(
            p.piece.values
            for p in write(made, [prompt], Control(0, most=1, steps=4, text_guidance=guidance))
            if p.piece and p.piece.rows
        )

    assert np.array_equal(drawn(1.0), drawn(1.0))
    assert not np.allclose(drawn(1.0), drawn(4.0))


def test_a_new_network_predicts_nothing_and_then_by_its_state():
    net = DiffusionMLP(TokenDiffusionSettings(3, 8, 16, 2))
    x, time, state = torch.randn(5, 3), torch.rand(5) * 1000, torch.randn(5, 8)
    assert not net(x, time, state).any()
    with torch.no_grad():
        for weight in net.parameters():
            weight.normal_(std=0.3)
    assert not net(x, time, state).allclose(net(x, time, state + 1))
    assert not net(x, time, state).allclose(net(x, time + 100, state))


def test_vectors_of_a_tokenizer_are_of_one_spread():
    torch.manual_seed(0)
    blocks = BlockSettings(width=32, depth=1, patch=4)
    tokenizer = Autoencoder(ViTEncoder(blocks), GaussianLatents(4), ViTDecoder(blocks), side=16).eval()
    pictures = np.random.default_rng(0).integers(0, 255, (8, 16, 16, 3), dtype=np.uint8)
    plain = TokenizedVectors(tokenizer, np.zeros(4, np.float32), np.ones(4, np.float32))
    mean, deviation = spread(torch.from_numpy(np.stack([plain.encoded(p) for p in pictures])))
    vectors = TokenizedVectors(tokenizer, mean, deviation)
    found = np.stack([vectors.encoded(p) for p in pictures])
    assert found.shape == (8, 4, 4, 4)
    assert np.allclose(found.mean((0, 1, 2)), 0, atol=1e-4)
    assert np.allclose(found.std((0, 1, 2)), 1, atol=1e-2)
    shown = vectors.decoded(found[0])
    assert shown.shape == (16, 16, 3)
    assert np.array_equal(shown, plain.decoded(plain.encoded(pictures[0])))
