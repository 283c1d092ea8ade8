"""Pixel shuffle: squares of neighbouring patches become one token of more channels, which is then projected.

Shi et al. 2016, arXiv 1609.05158, equation 4, the other way round; as a connector in InternVL 1.5 (arXiv 2404.16821) and Idefics3 and
SmolVLM (arXiv 2408.12637).

N images, R rows and S columns of patches, C channels, F factor, D width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from limner.errors import LimnerError
from limner.models.connectors.projection import Projection, ProjectionSettings


@dataclass(frozen=True)
class PixelShuffleSettings:
    """`channels` C in, `width` D out; squares of `factor` by `factor` patches become one token. `depth`, `bias` and `norm` of the projection:
    Idefics3 has one layer without a bias, InternVL two after a norm."""

    channels: int
    width: int
    factor: int = 2
    depth: int = 1
    bias: bool = False
    norm: bool = False


def shuffled(image_NPC: Tensor, rows: int, columns: int, factor: int) -> Tensor:
    """N x RS x C to N x RS/F² x F²C; channels of a token are those of its patches, row by row. Raises `LimnerError` for a grid that F does not
    divide."""
    if rows * columns != image_NPC.shape[1] or rows % factor or columns % factor:
        raise LimnerError(f"{image_NPC.shape[1]} patches are no grid of {rows} x {columns} in squares of {factor}")
    channels = image_NPC.shape[2]
    squares = image_NPC.reshape(-1, rows // factor, factor, columns // factor, factor, channels).transpose(2, 3)
    return squares.reshape(len(image_NPC), rows * columns // factor**2, factor**2 * channels)


class PixelShuffle(nn.Module):
    """A grid of patches to one of fewer tokens."""

    def __init__(self, settings: PixelShuffleSettings) -> None:
        super().__init__()
        self.factor = settings.factor
        self.project = Projection(
            ProjectionSettings(
                settings.channels * settings.factor**2, settings.width, settings.depth, settings.bias, settings.norm
            )
        )

    def tokens(self, patches: int) -> int:
        """How many tokens an image of so many patches becomes."""
        return patches // self.factor**2

    def forward(self, image_NPC: Tensor, grid: tuple[int, int] | None = None) -> Tensor:
        """N x P x C to N x P/F² x D; without `grid`, its rows and columns, it is a square."""
        side = math.isqrt(image_NPC.shape[1])
        return self.project(shuffled(image_NPC, *(grid or (side, side)), self.factor))
