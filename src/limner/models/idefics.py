"""Idefics' connector and cross-attention (transformers) as limner's, with their weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from limner.experts.device import transformers_for
from limner.models.connectors.resampler import Resampler, ResamplerSettings
from limner.models.cross import CrossSettings, GatedCrossAttention, seen

_RESAMPLER = {
    "context_layer_norm": "patch_norm", "latents_layer_norm": "latent_norm", "q_proj": "query",
    "k_proj": "key", "v_proj": "value", "output_proj": "out", "q_layer_norm": "query_norm", "k_layer_norm": "key_norm", "ln": "norm",
    "fc": "feed.up", "c_proj": "feed.down", "layer_norm": "norm",
}  # fmt: skip
_CROSS = {
    "cross_attn": "attention", "alpha_cross_attn": "attention_gate", "alpha_dense": "feed_gate", "input_layernorm": "attention_norm",
    "post_attention_layernorm": "feed_norm", "q_proj": "query", "k_proj": "key", "v_proj": "value", "o_proj": "out",
    "q_layer_norm": "query_norm", "k_layer_norm": "key_norm", "mlp": "feed", "gate_proj": "gate", "up_proj": "up", "down_proj": "down",
}  # fmt: skip


def resampler(theirs: Any) -> Resampler:
    """An `IdeficsPerceiverResampler` as a `Resampler`."""
    made = Resampler(
        ResamplerSettings(
            theirs.embed_dim, theirs.embed_dim, theirs.n_latents, len(theirs.blocks), theirs.n_heads, theirs.head_dim,
            theirs.intermediate_dim // theirs.embed_dim, "relu", theirs.qk_layer_norms,
        )
    )  # fmt: skip
    weights: dict[str, Tensor] = {}
    state: dict[str, Tensor] = theirs.state_dict()
    for name, weight in state.items():
        first, *rest = name.split(".")
        if first == "blocks":  # the second of a block's two parts, the feed-forward network, lies in limner's layer itself
            number, half, *rest = rest
            where = ["layers", number, *(["attention"] if half == "0" else [])]
        else:
            where = [_RESAMPLER.get(first, first)]
        weights[".".join([*where, *(_RESAMPLER.get(part, part) for part in rest)])] = weight
    made.load_state_dict(weights)
    return made.eval()


def gated(theirs: Any) -> GatedCrossAttention:
    """An `IdeficsGatedCrossAttentionLayer` as a `GatedCrossAttention`."""
    cross = theirs.cross_attn
    made = GatedCrossAttention(
        CrossSettings(
            cross.k_proj.in_features, cross.hidden_size, cross.num_heads, cross.head_dim, theirs.mlp.up_proj.out_features, "swiglu",
            "scalar" if theirs.alpha_dense.numel() == 1 else "vector", "rms", theirs.input_layernorm.variance_epsilon,
            cross.qk_layer_norms,
        )
    )  # fmt: skip
    state: dict[str, Tensor] = theirs.state_dict()
    named = {".".join(_CROSS.get(part, part) for part in name.split(".")): weight for name, weight in state.items()}
    made.load_state_dict({name: weight.flatten() if name.endswith("_gate") else weight for name, weight in named.items()})
    return made.eval()


def apart(seed: int) -> float:
    """How far limner's resampler and gated cross-attention are from transformers' Idefics with the same random weights and inputs, at most."""
    transformers: Any = transformers_for("parity with Idefics")
    from transformers.models.idefics import modeling_idefics, perceiver

    torch.manual_seed(seed)
    config = transformers.IdeficsConfig(
        hidden_size=64, intermediate_size=160, num_attention_heads=4, vision_config={"embed_dim": 48},
        alpha_type="vector", alpha_initializer="normal",
        alphas_initializer_range=1.0, perceiver_config={"qk_layer_norms_perceiver": True},
    )  # fmt: skip
    config._attn_implementation = "eager"
    sampler: Any = perceiver.IdeficsPerceiverResampler(config, 48, depth=3, n_heads=4, head_dim=12, n_latents=6)
    layer: Any = modeling_idefics.IdeficsGatedCrossAttentionLayer(config, layer_idx=0).eval()
    images, x_TD = torch.randn(5, 17, 48), torch.randn(20, 64)
    with torch.no_grad():
        image_NQC = sampler(images)
        far = [(resampler(sampler)(images) - image_NQC).abs().max()]
        seen_TN = seen(
            torch.zeros(20, dtype=torch.long), torch.arange(20), torch.zeros(5, dtype=torch.long), 2 + 3 * torch.arange(5)
        )
        mask = torch.where(seen_TN.repeat_interleave(6, 1), 0.0, torch.finfo(torch.float32).min)[None, None]
        theirs = layer(
            x_TD[None], image_hidden_states=image_NQC.flatten(0, 1)[None], image_attention_mask=mask,
            cross_attention_gate=seen_TN.any(1)[None],
        )  # fmt: skip
        far.append((gated(layer)(x_TD, image_NQC, seen_TN) - theirs[0]).abs().max())
    return float(torch.stack(far).max())
