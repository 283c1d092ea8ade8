"""The perceiver resampler: a few learned latents look at all patches of an image, however many, and become its tokens.

Alayrac et al. 2022, Flamingo, arXiv 2204.14198, section 2.1. In each layer latents are the queries, and patches and latents
together the keys: x = x + attention(q=x, kv=[patches, x]); x = x + feedforward(x). Patches have no places of their own, frames have.

Idefics (transformers' `IdeficsPerceiverResampler`) differs in three things, which settings cover: ReLU for squared ReLU, norms of each head's
queries and keys, and no embedding of frames.

N images, J frames of a video, P patches of an image, C channels of features, D width, Q latents, H heads, K head width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.connectors.feedforward import Activation, FeedForward


@dataclass(frozen=True)
class ResamplerSettings:
    """`channels` C in, `width` D inside and out (features of another width are projected first), `latents` Q tokens an image becomes.

    `heads` of `head_width` each, `expansion` of the feed-forward network, `qk_norm` of each head's queries and keys, `frames` that have an
    embedding of their place in time, 0 for images only. The defaults are as large as Flamingo's.
    """

    channels: int
    width: int
    latents: int = 64
    depth: int = 6
    heads: int = 16
    head_width: int = 96
    expansion: int = 4
    activation: Activation = "squared-relu"
    qk_norm: bool = False
    frames: int = 0


class PerceiverAttention(nn.Module):
    """Latents attend to patches and to each other."""

    def __init__(self, settings: ResamplerSettings) -> None:
        super().__init__()
        inner = settings.heads * settings.head_width
        self.heads = settings.heads
        self.patch_norm, self.latent_norm = nn.LayerNorm(settings.width), nn.LayerNorm(settings.width)
        self.query, self.key, self.value = (nn.Linear(settings.width, inner, bias=False) for _ in range(3))
        self.out = nn.Linear(inner, settings.width, bias=False)
        self.query_norm = nn.LayerNorm(settings.head_width) if settings.qk_norm else nn.Identity()
        self.key_norm = nn.LayerNorm(settings.head_width) if settings.qk_norm else nn.Identity()

    def forward(self, image_NPD: Tensor, x_NQD: Tensor, mask_NP: Tensor | None) -> Tensor:
        """What latents take; patches for which `mask_NP` is false are not seen."""
        x_NQD = self.latent_norm(x_NQD)
        seen_NSD = torch.cat([self.patch_norm(image_NPD), x_NQD], 1)
        q, k, v = (
            layer(y).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, y in ((self.query, x_NQD), (self.key, seen_NSD), (self.value, seen_NSD))
        )
        mask = None
        if mask_NP is not None:
            mask = functional.pad(mask_NP, (0, x_NQD.shape[1]), value=True)[:, None, None]
        taken = functional.scaled_dot_product_attention(self.query_norm(q).to(v), self.key_norm(k).to(v), v, mask)
        return self.out(taken.transpose(1, 2).flatten(2))


class ResamplerLayer(nn.Module):
    """An attention and a feed-forward network, each added to what goes in."""

    def __init__(self, settings: ResamplerSettings) -> None:
        super().__init__()
        self.attention = PerceiverAttention(settings)
        self.norm = nn.LayerNorm(settings.width)
        self.feed = FeedForward(settings.width, settings.expansion * settings.width, settings.activation)

    def forward(self, image_NPD: Tensor, x_NQD: Tensor, mask_NP: Tensor | None) -> Tensor:
        """N x Q x D to the same."""
        x_NQD = x_NQD + self.attention(image_NPD, x_NQD, mask_NP)
        return x_NQD + self.feed(self.norm(x_NQD))


class Resampler(nn.Module):
    """Images of any number of patches to Q tokens each."""

    def __init__(self, settings: ResamplerSettings) -> None:
        super().__init__()
        self.settings = settings
        self.project = nn.Linear(settings.channels, settings.width) if settings.channels != settings.width else nn.Identity()
        self.latents = nn.Parameter(torch.randn(settings.latents, settings.width))
        self.times = nn.Parameter(torch.randn(settings.frames, settings.width)) if settings.frames else None
        self.layers = nn.ModuleList(ResamplerLayer(settings) for _ in range(settings.depth))
        self.norm = nn.LayerNorm(settings.width)

    def tokens(self, patches: int) -> int:
        """How many tokens an image of so many patches becomes."""
        return self.settings.latents

    def forward(self, image_NPC: Tensor, mask_NP: Tensor | None = None) -> Tensor:
        """N x P x C, or N x J x P x C of videos, to N x Q x D. Where images have unlike many patches, `mask_NP` is true for those that are
        some (N x J x P for videos). Raises `LimnerError` for videos of more frames than there are embeddings."""
        image_NPD = self.project(image_NPC)
        if image_NPD.ndim == 4:
            image_NPD = self._timed(image_NPD)
            mask_NP = None if mask_NP is None else mask_NP.flatten(1)
        x_NQD = self.latents.to(image_NPD.dtype).expand(len(image_NPD), -1, -1)
        for layer in self.layers:
            x_NQD = layer(image_NPD, x_NQD, mask_NP)
        return self.norm(x_NQD)

    def _timed(self, image_NJPD: Tensor) -> Tensor:
        frames = image_NJPD.shape[1]
        if self.times is None or frames > len(self.times):
            raise LimnerError(
                f"videos of {frames} frames, and the resampler has places for {self.settings.frames}; give it fewer frames or "
                "set `frames`"
            )
        return (image_NJPD + self.times[:frames, None].to(image_NJPD.dtype)).flatten(1, 2)
