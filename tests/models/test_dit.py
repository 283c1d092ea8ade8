"""The diffusion transformer: equal to diffusers' PixArt on the same weights; what its parts promise."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel

from limner.errors import LimnerError
from limner.models.dit import DiT, DiTSettings, diffusers_config, diffusers_name, single

TINY = DiTSettings(channels=3, patch=2, side=8, width=32, heads=4, depth=3, text=12)
torch.set_num_threads(1)


def scattered(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """All weights random, those that begin at zero too."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(std=0.2)
    return module.eval()


def given(count: int = 3, rows: int = 8, columns: int = 8):
    torch.manual_seed(1)
    mask = torch.arange(5)[None] < torch.tensor([5, 2, 1])[:count, None]
    return torch.randn(count, 3, rows, columns), torch.tensor([0.0, 431.0, 1000.0])[:count], torch.randn(count, 5, 12), mask


@pytest.mark.parametrize("size", [(8, 8), (12, 12)])
def test_it_is_diffusers_pixart_on_the_same_weights(size: tuple[int, int]):
    own = scattered(DiT(TINY))
    peer = PixArtTransformer2DModel(**diffusers_config(TINY)).eval()
    told = peer.load_state_dict({diffusers_name(n): w for n, w in own.state_dict().items()}, strict=True)
    assert not told.missing_keys
    x, time, text, mask = given(3, *size)
    with torch.no_grad():
        wanted = peer(x, encoder_hidden_states=text, timestep=time, encoder_attention_mask=mask.float()).sample
        assert torch.allclose(own(x, time, text, mask), wanted, atol=1e-4)


def test_a_latent_need_not_be_square():
    own = scattered(DiT(TINY))
    x, time, text, mask = given(2, 4, 12)
    assert own(x, time, text, mask).shape == x.shape
    assert own(x[:1], time[:1], text[:1], mask[:1]).allclose(own(x, time, text, mask)[:1], atol=1e-5)


def test_what_is_masked_is_not_read():
    own = scattered(DiT(TINY))
    x, time, text, mask = given()
    other = text.clone()
    other[~mask] = 100
    assert own(x, time, text, mask).allclose(own(x, time, other, mask))
    other[:, 0] += 1
    assert not own(x, time, text, mask).allclose(own(x, time, other, mask))


def test_a_new_one_predicts_nothing():
    x, time, text, mask = given()
    assert DiT(TINY)(x, time, text, mask).abs().max() == 0


@pytest.mark.parametrize("modulation", ["single", "block"])
def test_no_images_give_gradients_of_zero(modulation):
    own = DiT(DiTSettings(3, 2, 8, 32, 4, 2, 12, classes=4, modulation=modulation))
    x, time, text, mask = (t[:0] for t in given())
    own(x, time, text, mask, torch.zeros(0, dtype=torch.long)).sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in own.parameters())


def test_a_model_of_classes_becomes_one_of_texts_that_does_the_same_at_one_time():
    """PixArt-alpha, section 2.3: at t = 500 without a class the outcome is that of the model that was trained on classes."""
    plain = scattered(DiT(DiTSettings(3, 2, 8, 32, 4, 3, 12, classes=7, modulation="block")))
    with torch.no_grad():
        for block in plain.layers():
            block.cross_attention.out.weight.zero_()
            block.cross_attention.out.bias.zero_()
    made = single(plain)
    assert made.settings.modulation == "single"
    assert sum(p.numel() for p in made.parameters()) < sum(p.numel() for p in plain.parameters())
    x, _, text, mask = given()
    at = torch.full((3,), 500.0)
    assert made(x, at, text, mask).allclose(plain(x, at), atol=1e-4)
    assert not made(x, at * 0, text, mask).allclose(plain(x, at * 0), atol=1e-4)


def test_wrong_sizes_are_said():
    own = DiT(TINY)
    with pytest.raises(LimnerError, match="patches of 2"):
        own(torch.zeros(1, 3, 7, 8), torch.zeros(1))
    with pytest.raises(LimnerError, match="width 5"):
        own(torch.zeros(1, 3, 8, 8), torch.zeros(1), torch.zeros(1, 2, 5))
    with pytest.raises(LimnerError, match="multiple"):
        DiT(DiTSettings(width=30, heads=4))
    with pytest.raises(LimnerError, match="already"):
        single(own)
