"""Attention maps: read without changing anything, edited, in models here, of diffusers and of transformers."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.attention_maps import attention_maps, cross
from limner.models.dit import DiT, diffusers_config, diffusers_name
from models.test_dit import TINY, given, scattered

torch.set_num_threads(1)


def test_reading_maps_changes_nothing():
    dit = scattered(DiT(TINY))
    x, time, text, mask = given()
    plain = dit(x, time, text, mask)
    with attention_maps(dit) as maps:
        seen = dit(x, time, text, mask)
    assert seen.allclose(plain, atol=1e-5)
    assert list(maps) == [f"blocks.{i}.cross_attention" for i in range(3)]
    (one,) = maps["blocks.0.cross_attention"]
    assert one.shape == (3, 4, 16, 5)
    assert one.sum(-1).allclose(torch.ones(3, 4, 16))
    assert not one[~mask[:, None, None].expand_as(one)].any()
    dit(x, time, text, mask)
    assert len(maps["blocks.0.cross_attention"]) == 1


def test_a_map_is_replaced():
    """A map that looks at one word alone makes the others not matter."""
    dit = scattered(DiT(TINY))
    x, time, text, mask = given()
    other = text.clone()
    other[:, 1:] += 3

    def first(name: str, found: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(found).index_fill(-1, torch.tensor([0]), 1.0)

    assert not dit(x, time, text, mask).allclose(dit(x, time, other, mask))
    with attention_maps(dit, edit=first):
        assert dit(x, time, text, mask).allclose(dit(x, time, other, mask))


def test_a_loss_on_maps_reaches_the_latent():
    dit = scattered(DiT(TINY))
    x, time, text, mask = given()
    x.requires_grad_()
    with attention_maps(dit) as maps:
        dit(x, time, text, mask)
    maps["blocks.2.cross_attention"][0][..., 0].sum().backward()
    assert x.grad is not None
    assert x.grad.any()


def test_diffusers_models_have_the_same_maps():
    own, peer = scattered(DiT(TINY)), PixArtTransformer2DModel(**diffusers_config(TINY)).eval()
    peer.load_state_dict({diffusers_name(n): w for n, w in own.state_dict().items()})
    x, time, text, mask = given()
    with attention_maps(own) as ours, attention_maps(peer) as theirs, torch.no_grad():
        own(x, time, text, mask)
        peer(x, encoder_hidden_states=text, timestep=time, encoder_attention_mask=mask.float())
    for a, b in zip(ours.values(), theirs.values(), strict=True):
        assert a[0].allclose(b[0], atol=1e-5)


def test_models_of_transformers_are_read_too():
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(config).eval()
    ids = torch.randint(50, (2, 6))
    with torch.no_grad(), attention_maps(model, lambda name, module: name.endswith("self_attn")) as maps:
        told = model(ids).logits
    model.set_attn_implementation("eager")
    with torch.no_grad():
        wanted = model(ids, output_attentions=True)
    assert told.allclose(wanted.logits, atol=1e-5)
    for (mine,), theirs in zip(maps.values(), wanted.attentions, strict=True):
        assert mine.allclose(theirs, atol=1e-5)


@pytest.mark.parametrize("how", [{"is_causal": True}, {"scale": 0.3}, {"attn_mask": torch.randn(4, 4)}, {"enable_gqa": True}])
def test_it_computes_what_torch_does(how):
    class Bare(torch.nn.Module):
        def forward(self, q, k, v):
            return functional.scaled_dot_product_attention(q, k, v, **how)

    torch.manual_seed(0)
    heads = 2 if "enable_gqa" in how else 4
    q, k, v = torch.randn(2, 4, 4, 8), torch.randn(2, heads, 4, 8), torch.randn(2, heads, 4, 8)
    model = torch.nn.ModuleDict({"attn2": Bare()})
    with attention_maps(model):
        assert model["attn2"](q, k, v).allclose(functional.scaled_dot_product_attention(q, k, v, **how), atol=1e-5)


def test_a_module_that_raises_leaves_no_watch_behind():
    dit = scattered(DiT(TINY))
    x, _, text, _ = given()
    with attention_maps(dit) as maps:
        with pytest.raises(RuntimeError):
            dit.layers()[0].cross_attention(x.flatten(2).transpose(1, 2), text)
        functional.scaled_dot_product_attention(*[torch.randn(1, 1, 2, 2)] * 3)
        assert not maps["blocks.0.cross_attention"]


def test_choosing_nothing_is_said():
    with pytest.raises(LimnerError, match="none"), attention_maps(torch.nn.Linear(2, 2), cross):
        pass
