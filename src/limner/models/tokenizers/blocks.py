"""What tokenizers of transformers share: a stack of layers, places of patches, pixels to patches and back.

N images, P patches, L tokens of a sequence (M that they see), D model width, H heads, K head width, C channels, R x S pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import LimnerError


@dataclass(frozen=True)
class BlockSettings:
    """`depth` layers of `width` with `heads`, over patches of `patch` x `patch` pixels."""

    width: int = 256
    depth: int = 4
    heads: int = 4
    patch: int = 4
    channels: int = 3

    def grid(self, rows: int, columns: int) -> tuple[int, int]:
        """The patches of an image of that many pixels. Raises `LimnerError` where they do not cover it."""
        if not rows or not columns or rows % self.patch or columns % self.patch:
            raise LimnerError(f"an image of {rows} x {columns} pixels is not made of patches of {self.patch}; resize or pad it")
        return rows // self.patch, columns // self.patch


class Layer(nn.Module):
    """Attention of all tokens to all and a feed-forward layer, a norm before each, both added to the stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise LimnerError(f"a width of {width} is no multiple of {heads} heads")
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x_NLD: Tensor, absent_NL: Tensor | None = None) -> Tensor:
        """`absent_NL` is true for tokens that nobody sees."""
        q, k, v = (parted(y, self.heads) for y in self.qkv(self.before(x_NLD)).chunk(3, -1))
        mask = None if absent_NL is None else ~absent_NL[:, None, None]
        x_NLD = x_NLD + self.out(joined(attended(q, k, v, mask)))
        return x_NLD + self.narrow(functional.gelu(self.wide(self.between(x_NLD))))


class Stack(nn.Module):
    """Layers of a vision transformer (Dosovitskiy et al. 2020, arXiv 2010.11929, equations 2-4)."""

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(settings.width, settings.heads) for _ in range(settings.depth))
        self.norm = nn.LayerNorm(settings.width)

    def forward(self, x_NLD: Tensor, absent_NL: Tensor | None = None) -> Tensor:
        """`absent_NL` is true for tokens that nobody sees; None for none."""
        for layer in self.layers:
            x_NLD = layer(x_NLD, absent_NL)
        return self.norm(x_NLD)


def parted(x_NLD: Tensor, heads: int) -> Tensor:
    """N x H x L x K."""
    return x_NLD.unflatten(-1, (heads, x_NLD.shape[-1] // heads)).transpose(1, 2)


def joined(x_NHLK: Tensor) -> Tensor:
    """N x L x D."""
    return x_NHLK.transpose(1, 2).flatten(2)


def attended(q_NHLK: Tensor, k_NHMK: Tensor, v_NHMK: Tensor, mask: Tensor | None = None, causal: bool = False) -> Tensor:
    """Softmax attention, N x H x L x K."""
    kind = q_NHLK.dtype
    if q_NHLK.device.type == "cpu":
        # Torch's backward pass for bfloat16 on CPUs takes four times as long as that for single precision at 64 tokens, fifteen at 16.
        q_NHLK, k_NHMK, v_NHMK = q_NHLK.float(), k_NHMK.float(), v_NHMK.float()
    with torch.autocast(q_NHLK.device.type, enabled=False):
        return functional.scaled_dot_product_attention(q_NHLK, k_NHMK, v_NHMK, mask, is_causal=causal).to(kind)


class Patches(nn.Module):
    """An image as patches, each with its place: N x P x D."""

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__()
        self.settings = settings
        self.embed = nn.Conv2d(settings.channels, settings.width, settings.patch, settings.patch)

    def forward(self, image_NCRS: Tensor) -> Tensor:
        """Raises `LimnerError` where patches do not cover the image."""
        grid = self.settings.grid(*image_NCRS.shape[2:])
        x = self.embed(image_NCRS).flatten(2).transpose(1, 2)
        return x + places(grid, self.settings.width, x)


class Pixels(nn.Module):
    """Patches as an image again: N x C x R x S."""

    def __init__(self, settings: BlockSettings) -> None:
        super().__init__()
        self.settings = settings
        self.unembed = nn.Linear(settings.width, settings.channels * settings.patch**2)

    def forward(self, x_NPD: Tensor, grid: tuple[int, int]) -> Tensor:
        """`grid` is the rows and columns of patches."""
        x = self.unembed(x_NPD).transpose(1, 2).unflatten(2, grid)
        return functional.pixel_shuffle(x, self.settings.patch)


def places(grid: tuple[int, int], width: int, like: Tensor) -> Tensor:
    """The places of a grid as sines and cosines, P x D, half of them of rows and half of columns, so that a grid of any size has some
    (Vaswani et al. 2017, arXiv 1706.03762, section 3.5, on two axes). `width` is a multiple of four."""
    rate = 10_000 ** (-torch.arange(width // 4, device=like.device, dtype=torch.float32) / (width // 4))
    row, column = (torch.arange(n, device=like.device, dtype=torch.float32)[:, None] * rate for n in grid)
    rows, columns = (torch.cat([a.sin(), a.cos()], -1) for a in (row, column))
    both = torch.cat([rows[:, None].expand(-1, grid[1], -1), columns[None].expand(grid[0], -1, -1)], -1)
    return both.flatten(0, 1).to(like.dtype)
