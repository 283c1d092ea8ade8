"""Images that are read and never written: features of a frozen network, a token each, by a layer of their own.

V vectors of a batch, P features of an image, C channels, D model width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from torch import Tensor, nn

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.models.heads.vectors import Floats, piece
from limner.models.sequence import Packed, Piece


class SeenHead(nn.Module):
    """An `ImageHead` of `channels` features. `look` makes a picture's, P x C; a piece may be made of kept ones as well (`piece`)."""

    def __init__(self, channels: int, width: int, look: Callable[[Pixels], Floats] | None = None) -> None:
        super().__init__()
        self.channels, self._look = channels, look
        self.into = nn.Linear(channels, width)

    @staticmethod
    def piece(features_PC: Floats) -> Piece:
        """Features as a piece of a sequence, in one row."""
        return piece(np.asarray(features_PC, np.float32)[None], 0.0, together=False)

    def read(self, pixels: Pixels) -> Piece:
        """See `ImageHead`."""
        if self._look is None:
            raise LimnerError("this model is given images' features, it does not look at pictures")
        return self.piece(self._look(pixels))

    def embed(self, batch: Packed) -> Tensor | None:
        """See `ImageHead`."""
        return None if batch.values_VC is None else self.into(batch.values_VC.to(self.into.weight.dtype))

    def counts(self, batch: Packed) -> dict[str, float]:
        """Nothing of images is learnt."""
        return {}

    def losses(self, states_TD: Tensor, batch: Packed) -> dict[str, Tensor]:
        """See `counts`."""
        return {}

    def draw(self, *_: Any, **__: Any) -> NoReturn:
        """See `ImageHead`. Raises `LimnerError`."""
        raise LimnerError("this model reads images and writes none: ask for none (images: 0)")

    def show(self, piece: Piece) -> NoReturn:
        """See `draw`."""
        return self.draw()
