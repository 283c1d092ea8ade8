"""A diffusion transformer that is told a text: DiT with cross-attention and one modulation shared by all blocks (adaLN-single).

Peebles and Xie 2022, arXiv 2212.09748 (DiT: patches, adaLN-zero); Chen et al. 2023, arXiv 2310.00426 (PixArt-alpha, section 2.3:
cross-attention between self-attention and feed-forward, adaLN-single, and how one is made of a DiT that was trained on classes).

N images, C channels, R x S places of a latent, P patches, D width, L tokens of a text, E their width.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from limner.errors import LimnerError
from limner.models.time_embedding import TimeEmbedding


@dataclass(frozen=True)
class DiTSettings:
    """`channels` of the latent (`out` of what is predicted, 0 for as many), patches of `patch` x `patch`, latents of `side` x `side`
    places as a rule: others have their places stretched to that. `text` is E, 0 for no cross-attention.

    `modulation`  `single`: adaLN-single; `block`: a layer of its own in each block, as in DiT
    `classes`     that an image can be told by, 0 for none; class number `classes` says nothing
    """

    channels: int = 4
    patch: int = 2
    side: int = 32
    width: int = 384
    heads: int = 6
    depth: int = 12
    text: int = 384
    out: int = 0
    classes: int = 0
    modulation: Literal["single", "block"] = "single"


class Attention(nn.Module):
    """Softmax attention to `context` (to itself where there is none): `q`, `k`, `v`, `out`."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x_NPD: Tensor, context_NLD: Tensor | None = None, mask_NL: Tensor | None = None) -> Tensor:
        """`mask_NL` is true where there is a token; an image without any attends to nothing, which is zero."""
        context = x_NPD if context_NLD is None else context_NLD
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (self.q(x_NPD), self.k(context), self.v(context)))
        mask = None if mask_NL is None else mask_NL[:, None, None]
        # On processors going back through the fused kernel takes several times as long as through plain products.
        plain = q.device.type == "cpu" and q.requires_grad
        with sdpa_kernel(SDPBackend.MATH) if plain else nullcontext():
            return self.out(functional.scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Self-attention, cross-attention (not normalised, not modulated), feed-forward."""

    def __init__(self, settings: DiTSettings) -> None:
        super().__init__()
        width = settings.width
        self.self_attention = Attention(width, settings.heads)
        self.cross_attention = Attention(width, settings.heads) if settings.text else None
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        single = settings.modulation == "single"
        self.table = nn.Parameter(torch.randn(6, width) / width**0.5) if single else None
        self.modulate = None if single else nn.Linear(width, 6 * width)
        if self.modulate is not None:
            nn.init.zeros_(self.modulate.weight)
            nn.init.zeros_(self.modulate.bias)
        if self.cross_attention is not None:
            nn.init.zeros_(self.cross_attention.out.weight)
            nn.init.zeros_(self.cross_attention.out.bias)

    def told(self, time_ND: Tensor, shared_N6D: Tensor | None) -> Tensor:
        """Shifts, scales and gates, N x 6 x D, of the activated embedding of times or of what all blocks share."""
        if self.modulate is not None:
            return self.modulate(time_ND).unflatten(-1, (6, -1))
        assert self.table is not None
        assert shared_N6D is not None
        return shared_N6D + self.table

    def forward(self, x_NPD: Tensor, told_N6D: Tensor, text_NLD: Tensor | None, mask_NL: Tensor | None) -> Tensor:
        """`told_N6D` is shift, scale and gate of attention, then of the feed-forward."""
        shift, scale, gate, shift_wide, scale_wide, gate_wide = told_N6D.to(x_NPD.dtype)[:, :, None].unbind(1)
        x_NPD = x_NPD + gate * self.self_attention(normed(x_NPD) * (1 + scale) + shift)
        if self.cross_attention is not None and text_NLD is not None:
            x_NPD = x_NPD + self.cross_attention(x_NPD, text_NLD, mask_NL)
        hidden = functional.gelu(self.wide(normed(x_NPD) * (1 + scale_wide) + shift_wide), approximate="tanh")
        return x_NPD + gate_wide * self.narrow(hidden)


class DiT(nn.Module):
    """Predicts what a schedule asks for (noise, velocity) from a noisy latent. A new one predicts zeros."""

    def __init__(self, settings: DiTSettings = DiTSettings()) -> None:
        super().__init__()
        if settings.width % settings.heads or settings.width % 4:
            raise LimnerError(f"a width of {settings.width} is no multiple of 4 and of {settings.heads} heads")
        self.settings = settings
        width, single = settings.width, settings.modulation == "single"
        self.embed = nn.Conv2d(settings.channels, width, settings.patch, settings.patch)
        self.time = TimeEmbedding(width)
        self.classes = nn.Embedding(settings.classes + 1, width) if settings.classes else None
        self.modulate = nn.Linear(width, 6 * width) if single else None
        self.read = (
            nn.Sequential(nn.Linear(settings.text, width), nn.GELU("tanh"), nn.Linear(width, width)) if settings.text else None
        )
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.depth))
        self.last = None if single else nn.Linear(width, 2 * width)
        self.table = nn.Parameter(torch.randn(2, width) / width**0.5) if single else None
        self.predict = nn.Linear(width, settings.patch**2 * (settings.out or settings.channels))
        self._begin()

    def _begin(self) -> None:
        nn.init.xavier_uniform_(self.embed.weight.view(self.settings.width, -1))
        if self.modulate is not None:
            nn.init.normal_(self.modulate.weight, std=0.02)
        if self.last is not None:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)
        if self.classes is not None:
            nn.init.normal_(self.classes.weight, std=0.02)
        nn.init.zeros_(self.predict.weight)
        nn.init.zeros_(self.predict.bias)

    def forward(
        self,
        x_NCRS: Tensor,
        time_N: Tensor,
        text_NLE: Tensor | None = None,
        mask_NL: Tensor | None = None,
        class_N: Tensor | None = None,
    ) -> Tensor:
        """The prediction, N x C x R x S. Times go from 0 to 1000; without a text cross-attention is left out, without classes their
        "nothing" is told.

        Raises `LimnerError` for a latent that patches do not cover, and for texts of another width."""
        s = self.settings
        rows, columns = x_NCRS.shape[2] // s.patch, x_NCRS.shape[3] // s.patch
        if not rows or not columns or x_NCRS.shape[2] % s.patch or x_NCRS.shape[3] % s.patch:
            raise LimnerError(f"a latent of {tuple(x_NCRS.shape[2:])} places is not made of patches of {s.patch}")
        if text_NLE is not None and text_NLE.shape[-1] != s.text:
            raise LimnerError(f"texts of width {text_NLE.shape[-1]} are not those of width {s.text} that this model is told")
        x_NPD = self.embed(x_NCRS).flatten(2).transpose(1, 2)
        x_NPD = x_NPD + places(rows, columns, s.width, s.side // s.patch).to(x_NPD)
        time_ND = self.told(time_N, class_N)
        text_NLD = self.read(text_NLE.to(x_NPD.dtype)) if self.read is not None and text_NLE is not None else None
        active_ND = functional.silu(time_ND)
        shared_N6D = None if self.modulate is None else self.modulate(active_ND).unflatten(-1, (6, -1))
        for block in self.layers():
            x_NPD = block(x_NPD, block.told(active_ND, shared_N6D), text_NLD, mask_NL)
        shift, scale = self._ending(time_ND)[:, :, None].unbind(1)
        x_NPD = self.predict(normed(x_NPD) * (1 + scale) + shift)
        x = x_NPD.unflatten(1, (rows, columns)).unflatten(-1, (s.patch, s.patch, s.out or s.channels))
        return x.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)

    def layers(self) -> list[Block]:
        """The blocks."""
        return [cast("Block", block) for block in self.blocks]

    def _ending(self, time_ND: Tensor) -> Tensor:
        """The last shift and scale, N x 2 x D."""
        if self.last is not None:
            return self.last(functional.silu(time_ND)).unflatten(-1, (2, -1))
        assert self.table is not None
        return self.table + time_ND[:, None]

    def told(self, time_N: Tensor, class_N: Tensor | None = None) -> Tensor:
        """What modulation is made of: the embedding of times and, where there are classes, of them."""
        time_ND = self.time(time_N)
        if self.classes is None:
            return time_ND
        nothing = torch.full(time_N.shape, self.settings.classes, dtype=torch.long, device=time_N.device)
        return time_ND + self.classes(nothing if class_N is None else class_N)


def normed(x_NPD: Tensor) -> Tensor:
    """Layer norm without weights."""
    return functional.layer_norm(x_NPD, x_NPD.shape[-1:], eps=1e-6)


def places(rows: int, columns: int, width: int, base: int) -> Tensor:
    """The places of patches as sines and cosines, P x D, of columns and then of rows; a grid of any size is stretched over `base` x
    `base`, as PixArt's positions are interpolated (diffusers' `PatchEmbed`)."""
    rate = 10_000.0 ** -(torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    row, column = (torch.arange(n, dtype=torch.float64)[:, None] * (base / n) * rate for n in (rows, columns))
    one, two = (torch.cat([a.sin(), a.cos()], -1) for a in (column, row))
    both = torch.cat([one[None].expand(rows, -1, -1), two[:, None].expand(-1, columns, -1)], -1)
    return both.flatten(0, 1).float()


@torch.no_grad()
def single(dit: DiT, text: int = 0, time: float = 500.0) -> DiT:
    """A DiT with a modulation in each block as one with adaLN-single and cross-attention, which begins at zero (PixArt-alpha, section 2.3,
    "re-parameterization").

    The shared layer is the first block's; tables make up for the difference of each block at `time` and without a class, so that there the
    outcome is the same. `text` is the width of texts, 0 for that of `dit`."""
    if dit.settings.modulation != "block":
        raise LimnerError("this model has one modulation for all blocks already")
    made = DiT(replace(dit.settings, modulation="single", classes=0, text=text or dit.settings.text))
    own = made.state_dict()
    made.load_state_dict({n: w for n, w in dit.state_dict().items() if n in own and w.shape == own[n].shape}, strict=False)
    if dit.classes is not None:
        made.time.second.bias.add_(dit.classes.weight[dit.settings.classes])
    first, last = dit.layers()[0].modulate, dit.last
    assert first is not None
    assert last is not None
    assert made.modulate is not None
    made.modulate.load_state_dict(first.state_dict())
    then_1D = dit.told(torch.tensor([time], device=first.weight.device))
    active_1D = functional.silu(then_1D)
    for old, new in zip(dit.layers(), made.layers(), strict=True):
        assert new.table is not None
        new.table.copy_((old.told(active_1D, None) - first(active_1D).unflatten(-1, (6, -1)))[0])
    assert made.table is not None
    made.table.copy_((last(active_1D).unflatten(-1, (2, -1)) - then_1D[:, None])[0])
    return made.to(first.weight.device)


_NAMES = (
    (r"^embed\.", "pos_embed.proj."),
    (r"^time\.first\.", "adaln_single.emb.timestep_embedder.linear_1."),
    (r"^time\.second\.", "adaln_single.emb.timestep_embedder.linear_2."),
    (r"^modulate\.", "adaln_single.linear."),
    (r"^read\.0\.", "caption_projection.linear_1."),
    (r"^read\.2\.", "caption_projection.linear_2."),
    (r"^predict\.", "proj_out."),
    (r"^blocks\.", "transformer_blocks."),
    (r"\.self_attention\.", ".attn1."),
    (r"\.cross_attention\.", ".attn2."),
    (r"(\.attn\d)\.([qkv])\.", r"\1.to_\2."),
    (r"(\.attn\d)\.out\.", r"\1.to_out.0."),
    (r"\.wide\.", ".ff.net.0.proj."),
    (r"\.narrow\.", ".ff.net.2."),
    (r"(^|\.)table$", r"\1scale_shift_table"),
)


def diffusers_name(name: str) -> str:
    """What diffusers' `PixArtTransformer2DModel` calls a weight of a `DiT` with adaLN-single.

    >>> diffusers_name("blocks.3.cross_attention.q.weight")
    'transformer_blocks.3.attn2.to_q.weight'
    """
    for pattern, other in _NAMES:
        name = re.sub(pattern, other, name)
    return name


def diffusers_config(settings: DiTSettings) -> Mapping[str, object]:
    """The configuration with which `PixArtTransformer2DModel` has the same weights."""
    return {
        "num_attention_heads": settings.heads, "attention_head_dim": settings.width // settings.heads, "in_channels": settings.channels,
        "out_channels": settings.out or settings.channels, "num_layers": settings.depth, "cross_attention_dim": settings.width,
        "sample_size": settings.side, "patch_size": settings.patch, "caption_channels": settings.text, "interpolation_scale": 1,
        "use_additional_conditions": False,
    }  # fmt: skip
