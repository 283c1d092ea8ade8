"""Features in place of codes: as they are in the tokenizer, as mixtures of the codes' embeddings at the backbone's entry."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import numpy as np
import torch
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.heads.soft_embedding import SoftEmbedding
from limner.models.tokenizers import CodebookSettings, VectorQuantiser
from limner.models.tokenizers.unquantised import Unquantised

MEAN, DEVIATION = np.array([0.1, 0, -0.2, 0.3], np.float32), np.array([0.5, 1, 2, 0.4], np.float32)


def made(temperature: float) -> tuple[SoftEmbedding, VectorQuantiser, torch.Tensor]:
    torch.manual_seed(0)
    hard = VectorQuantiser(CodebookSettings(16, 4)).eval()
    embeddings = torch.randn(16, 6)
    return SoftEmbedding(hard.entries_VC, embeddings, (MEAN, DEVIATION), temperature), hard, embeddings


def standard(features: torch.Tensor) -> torch.Tensor:
    return (features - torch.from_numpy(MEAN)) / torch.from_numpy(DEVIATION)


def test_cold_it_reads_the_code_that_the_quantiser_gives():
    soft, hard, embeddings = made(1e-4)
    features = Unquantised(4)(torch.randn(3, 5, 4)).vectors_NPC
    codes = hard(features).codes_NPG[..., 0]
    torch.testing.assert_close(soft(standard(features).flatten(0, 1)), embeddings[codes].flatten(0, 1), atol=1e-3, rtol=1e-3)


def test_an_entry_is_read_as_nearly_its_own_embedding_and_what_lies_between_as_both():
    soft, hard, _ = made(0.05)
    first, second = hard.entries_VC[:2]
    between = functional.normalize(first + second, dim=0)
    weights = soft.soft.weights(between[None])[0]
    assert weights[0].item() == pytest.approx(weights[1].item(), rel=1e-3)
    near, far = (float((soft(standard(x[None]))[0] - soft.embeddings_VD[0]).norm().detach()) for x in (first, second))
    assert near < far


def test_features_move_with_gradients_and_none_are_none():
    soft, _, _ = made(0.07)
    x = torch.randn(5, 4, requires_grad=True)
    soft(x).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert soft(torch.zeros(0, 4)).shape == (0, 6)


def test_features_are_as_the_encoder_made_them_up_to_their_length():
    tokens = torch.randn(2, 3, 4)
    assert torch.equal(Unquantised(4, normalised=False)(tokens).vectors_NPC, tokens)
    assert torch.allclose(Unquantised(4)(tokens).vectors_NPC.norm(dim=-1), torch.ones(2, 3))
    with pytest.raises(LimnerError, match="no codes"):
        Unquantised(4).lookup(torch.zeros(1, 1, 1, dtype=torch.long))
