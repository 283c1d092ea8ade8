"""Adaptive tiles: a large image is cut into tiles of one size, in the grid that fits its shape, and its tokens say where rows and columns end.

How the grid is chosen: `ratio` as InternVL 1.5 does (arXiv 2404.16821), the one whose proportions are nearest to the image's, the
larger of equal ones while the image fills half of it; `area` as LLaVA-UHD does (arXiv 2403.11703), as many tiles as the
image has times the pixels of one, or one more or less, of the nearest proportions. A thumbnail of the whole image goes before the tiles.

M tiles of all images, P tokens of a tile, D width, T tokens of all images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from limner.errors import LimnerError

Grid = tuple[int, int]
"""Rows and columns of tiles."""


@dataclass(frozen=True)
class TileSettings:
    """`side` of a tile in pixels, `most` (and `least`) tiles of an image, `rule` by which the grid is chosen, `thumbnail`: whether the whole
    image, shrunk to a tile, goes before (never where there is one tile only)."""

    side: int = 448
    most: int = 12
    least: int = 1
    rule: Literal["ratio", "area"] = "ratio"
    thumbnail: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most or self.side < 1:
            raise LimnerError(f"from {self.least} to {self.most} tiles of {self.side} pixels is no choice of tiles")


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """An image in tiles: M x side x side x 3 bytes, the thumbnail first where there is one, then the tiles row by row."""

    pixels: NDArray[np.uint8]
    grid: Grid
    thumbnail: bool


def grid(height: int, width: int, settings: TileSettings) -> Grid:
    """The rows and columns of tiles for an image of that size in pixels.

    >>> grid(448, 1344, TileSettings())
    (1, 3)
    """
    ratio, size = width / height, width * height / settings.side**2
    sizes = range(settings.least, settings.most + 1)
    if settings.rule == "area":
        ideal = min(max(math.ceil(size), settings.least), settings.most)
        sizes = [n for n in (ideal, ideal - 1, ideal + 1) if settings.least <= n <= settings.most]
        grids = [(n // columns, columns) for n in sizes for columns in range(1, n + 1) if n % columns == 0]
        return min(grids, key=lambda g: abs(math.log(ratio) - math.log(g[1] / g[0])))
    best, least = (1, 1), math.inf
    for n in sizes:
        for columns in (c for c in range(1, n + 1) if n % c == 0):
            away = abs(ratio - columns / (n // columns))
            if away < least or (away == least and size > 0.5 * n):
                best, least = (n // columns, columns), min(away, least)
    return best


def tiled(pixels: NDArray[np.uint8], settings: TileSettings) -> Tiles:
    """An image (height x width x 3 bytes, RGB) in tiles. Raises `LimnerError` for one without pixels."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise LimnerError(f"an array of shape {pixels.shape} is no image of height x width x 3")
    image, side = Image.fromarray(pixels), settings.side
    rows, columns = grid(pixels.shape[0], pixels.shape[1], settings)
    whole = np.asarray(image.resize((columns * side, rows * side), Image.Resampling.BICUBIC))
    cut = whole.reshape(rows, side, columns, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    small = settings.thumbnail and rows * columns > 1
    if small:
        cut = np.concatenate([np.asarray(image.resize((side, side), Image.Resampling.BICUBIC))[None], cut])
    return Tiles(np.ascontiguousarray(cut), (rows, columns), small)


class TileMarkers(nn.Module):
    """The tokens of an image's tiles in one row, with learned tokens at the ends of the thumbnail, of tiles and of rows (LLaVA-UHD
    has a comma and a line break there)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.marks = nn.Parameter(torch.empty(3, width).normal_(std=0.02))
        """After the thumbnail; between the tiles of a row; after a row."""

    @staticmethod
    def tokens(tile: int, grid: Grid, thumbnail: bool) -> int:
        """How many tokens an image becomes whose tiles have `tile` tokens each."""
        rows, columns = grid
        return (rows * columns + thumbnail) * tile + rows * columns + thumbnail

    def forward(self, tile_MPD: Tensor, images: Sequence[tuple[Grid, bool]]) -> tuple[Tensor, tuple[int, ...]]:
        """M x P x D, the tiles of all images in order, to T x D and the number of tokens of each image. `images` are their grids and whether a
        thumbnail goes before. Raises `LimnerError` where these are not M tiles."""
        ends: list[int] = []
        for (rows, columns), thumbnail in images:
            row = [1] * (columns - 1) + [2]
            ends += ([0] if thumbnail else []) + row * rows
        if len(ends) != len(tile_MPD):
            raise LimnerError(f"{len(tile_MPD)} tiles for {len(images)} images that have {len(ends)}")
        marks = self.marks[torch.tensor(ends, dtype=torch.long, device=tile_MPD.device)].to(tile_MPD.dtype)
        lengths = tuple(self.tokens(tile_MPD.shape[1], grid, thumbnail) for grid, thumbnail in images)
        return torch.cat([tile_MPD, marks[:, None]], 1).flatten(0, 1), lengths
