"""Images as grids of vectors: what heads that denoise read and write.

R x S places of an image, C channels, P places one after the other.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.models.sequence import CONTINUOUS, IMAGE, Piece
from limner.models.tokenizers import Tokenizer

Floats = NDArray[np.float32]


class ImageVectors(Protocol):
    """Turns pictures into vectors and vectors into pictures. Each channel's numbers have a mean of about 0 and a deviation of about 1."""

    channels: int

    def encoded(self, pixels: Pixels) -> Floats:
        """R x S x C vectors of a picture."""
        ...

    def decoded(self, vectors: Floats) -> Pixels:
        """The picture of R x S x C vectors."""
        ...


class TokenizedVectors:
    """Those of an image tokenizer with continuous latents in a grid, made to have `mean` 0 and `deviation` 1 (C each), which `spread`
    finds."""

    def __init__(self, tokenizer: Tokenizer, mean: Floats, deviation: Floats) -> None:
        if tokenizer.grid is None:
            raise LimnerError("the tokens of this tokenizer lie in a line; vectors of an image lie in a grid")
        self.tokenizer, self.channels = tokenizer, tokenizer.width
        self.mean, self.deviation = mean, deviation

    @torch.no_grad()
    def encoded(self, pixels: Pixels) -> Floats:
        """See `ImageVectors`. The picture's sides are as the tokenizer takes them."""
        latents = self.tokenizer.encode(images([pixels]))
        assert latents.grid is not None
        found = latents.vectors_NPC[0].float().cpu().numpy().reshape(*latents.grid, -1)
        return np.asarray((found - self.mean) / self.deviation, np.float32)

    @torch.no_grad()
    def decoded(self, vectors: Floats) -> Pixels:
        """See `ImageVectors`."""
        assert self.tokenizer.grid is not None
        cell = self.tokenizer.side // self.tokenizer.grid[0]
        rows, columns = vectors.shape[:2]
        given = torch.from_numpy(np.asarray(vectors * self.deviation + self.mean, np.float32)).flatten(0, 1)[None]
        return pixels(self.tokenizer.decode(given, size=(cell * rows, cell * columns)))[0]


def spread(vectors_NPC: Tensor) -> tuple[Floats, Floats]:
    """The mean and the deviation of each channel."""
    flat = vectors_NPC.float().flatten(0, -2)
    return flat.mean(0).numpy(), flat.std(0).clamp(min=1e-4).numpy()


def images(given: list[Pixels]) -> Tensor:
    """Pictures of one size as N x 3 x R x S numbers from -1 to 1."""
    return torch.from_numpy(np.stack(given)).permute(0, 3, 1, 2).float() / 127.5 - 1


def pixels(image_NCRS: Tensor) -> list[Pixels]:
    """Numbers from -1 to 1 as pictures; what is beyond is cut off."""
    shown = ((image_NCRS.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return list(shown.permute(0, 2, 3, 1).cpu().numpy())


def piece(vectors: Floats, loss: float, together: bool) -> Piece:
    """R x S x C vectors as an image in a sequence."""
    rows, columns = vectors.shape[:2]
    return Piece(np.full(rows * columns, CONTINUOUS), IMAGE, loss, rows, columns, together, vectors.reshape(rows * columns, -1))
