"""Dual encoders: features enter by their own layer and clean, whatever is noisy beside them; writing goes on after both."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import numpy as np
import torch

from limner.models.decoder import Decoder, DecoderSettings
from limner.models.decoding import Control, write
from limner.models.heads.dual import SEMANTIC, DualFlowHead, clean, features
from limner.models.heads.flow import FlowSettings
from limner.models.heads.vectors import piece
from limner.models.interleaved import Interleaved, Marks
from limner.models.sequence import Sequence, collate, words

C, MARKS = 3, Marks(0, 1, 2, 3)


class Plain:
    """Vectors that are the colours of 2 x 2 pixels."""

    channels = C

    def encoded(self, pixels: np.ndarray) -> np.ndarray:
        return pixels.astype(np.float32) / 127.5 - 1

    def decoded(self, vectors: np.ndarray) -> np.ndarray:
        return ((vectors.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)


def made(copies: int = 2) -> Interleaved:
    torch.manual_seed(0)
    head = DualFlowHead(FlowSettings(C, 16), Plain(), (2, 2))
    torch.nn.init.normal_(head.layers.leave.weight)
    return Interleaved(Decoder(DecoderSettings(16, 2, 2, 2, 32, copies=copies)), head, MARKS, 10)


def sequence(seen: np.ndarray, drawn: np.ndarray) -> Sequence:
    history = piece(seen[:, None].repeat(2, 1)[:2], 1.0, together=True)
    return Sequence((words([0, 5]), features(seen), clean(history), words([6, 2]), piece(drawn, 1.0, together=True), words([1])))


def random() -> Sequence:
    draw = np.random.default_rng(0)
    return sequence(draw.standard_normal((2, C)).astype(np.float32), draw.standard_normal((2, 2, C)).astype(np.float32))


def test_features_and_history_enter_clean_and_by_their_own_layers():
    model, batch = made().train(), collate([random()])
    head = model.image
    assert isinstance(head, DualFlowHead)
    first, second = (head.embed(batch) for _ in range(2))
    assert first is not None
    assert second is not None
    assert torch.equal(first[:6], second[:6])  # two features, four clean vectors
    assert not torch.isclose(first[6:], second[6:]).all(1).any()
    assert batch.values_VC is not None
    torch.testing.assert_close(first[:2], head.seen(batch.values_VC[:2]))
    torch.testing.assert_close(first[2:6], head.layers.entered(batch.values_VC[2:6], torch.zeros(4)))


def test_only_what_is_noisy_is_predicted_and_all_weights_learn_of_it():
    model, batch = made().train(), collate([random()])
    assert model.counts(batch)["flow"] == 4
    model(batch)["flow"].backward()
    assert isinstance(model.image, DualFlowHead)
    assert model.image.seen.weight.grad is not None
    assert model.image.seen.weight.grad.abs().sum() > 0


def test_no_images_leave_gradients_of_zero():
    model = made().train()
    losses = model(collate([Sequence((words([0, 4, 5]),))], channels=C))
    torch.stack(list(losses.values())).sum().backward()
    assert isinstance(model.image, DualFlowHead)
    assert model.image.seen.weight.grad is not None
    assert not model.image.seen.weight.grad.any()


def test_what_is_drawn_depends_on_the_features_before_it():
    model = made().eval()
    draw = np.random.default_rng(1)
    shown = []
    for _ in range(2):
        seen = features(draw.standard_normal((2, C)).astype(np.float32))
        assert seen.modality == SEMANTIC
        prompt = Sequence((words([0, 5]), seen, words([2])))
        control = Control(0, least=1, most=1, steps=2, text_guidance=2.0, image_guidance=1.5)
        shown += [w.piece.values for w in write(model, [prompt], control) if w.image is not None and w.piece is not None]
    assert len(shown) == 2
    assert shown[0].shape == (4, C)
    assert not np.allclose(shown[0], shown[1])
