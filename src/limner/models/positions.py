"""Rotary positions in one, two or three axes (Su et al. 2021, arXiv 2104.09864; axes as in Qwen2-VL, arXiv 2409.12191).

T tokens, H heads, K head width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import Tensor

Kind = Literal["1d", "sections", "interleaved"]


@dataclass(frozen=True)
class Rotary:
    """Which axis turns which pair of a head's numbers.

    `kind`  `1d`: all pairs by the token's number; `sections`: the first pairs by time, then rows, then columns (the fast ones
    by time alone);
            `interleaved`: time, row, column in turn, so that each axis has slow and fast pairs (as Mogao's, arXiv 2505.05472)
    `base`  the slowest pair turns once in about 2 pi times as many tokens
    """

    kind: Kind = "1d"
    base: float = 10_000.0

    def axes(self, width: int) -> list[int]:
        """The axis (0 time, 1 row, 2 column) of each of the pairs of a head of that width."""
        pairs = width // 2
        if self.kind == "1d":
            return [0] * pairs
        if self.kind == "interleaved":
            return [i % 3 for i in range(pairs)]
        time = pairs - 2 * (3 * pairs // 8)
        return [0] * time + [1] * (3 * pairs // 8) + [2] * (3 * pairs // 8)

    def angles(self, index_T: Tensor, places_T3: Tensor, width: int) -> tuple[Tensor, Tensor]:
        """The cosines and sines for heads of that width, T x K/2, in single precision."""
        rate = self.base ** (-torch.arange(0, width, 2, device=index_T.device, dtype=torch.float32) / width)
        if self.kind == "1d":
            angle = index_T[:, None].float() * rate
        else:
            angle = places_T3[:, self.axes(width)].float() * rate
        return angle.cos(), angle.sin()


def rotated(x_THK: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Heads turned: pair i is the numbers i and i + K/2."""
    return cast("Tensor", _Turn.apply(x_THK, cos[:, None], sin[:, None]))


class _Turn(torch.autograd.Function):
    """Gradients go back by the opposite turn: autograd by itself keeps and writes several times as much."""

    @staticmethod
    def forward(ctx: Any, x_THK: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turned(x_THK, cos, sin)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _turned(grads[0], cos, -sin), None, None


def _turned(x_THK: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x_THK.float().chunk(2, -1)
    out = torch.empty_like(x_THK)
    half = torch.mul(first, cos).addcmul_(second, sin, value=-1)
    out[..., : half.shape[-1]] = half
    torch.mul(second, cos, out=half).addcmul_(first, sin)
    out[..., half.shape[-1] :] = half
    return out
