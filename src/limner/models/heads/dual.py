"""Two encoders of images: what was shown is read by features that say what it is and by the vectors that it could be written as (dual visual
encoders of Mogao, arXiv 2505.05472).

V vectors of a batch, P features of an image, C channels, D model width.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from limner.models.heads.flow import FlowHead, FlowSettings
from limner.models.heads.vectors import Floats, ImageVectors, piece
from limner.models.sequence import Packed, Piece

SEMANTIC = 2
"""The modality of features of an encoder that nothing is written by."""


class DualFlowHead(FlowHead):
    """Images are written as those of `FlowHead`. Features that `features` made a piece of enter by a layer of their own, are never noisy and never
    predicted; they have as many channels as the vectors."""

    def __init__(self, settings: FlowSettings, vectors: ImageVectors, grid: tuple[int, int], loss: float = 1.0) -> None:
        super().__init__(settings, vectors, grid, loss)
        self.seen = nn.Linear(settings.channels, settings.state)

    def embed(self, batch: Packed) -> Tensor | None:
        """See `ImageHead`."""
        x_VD = super().embed(batch)
        if x_VD is None or batch.values_VC is None:
            return None
        seen_V1 = (batch.modality_T[batch.continuous_T] == SEMANTIC)[:, None]
        return torch.where(seen_V1, self.seen(batch.values_VC).to(x_VD.dtype), x_VD)


def features(values_PC: Floats) -> Piece:
    """The features of an image as a piece of a sequence, in one row."""
    return replace(piece(np.asarray(values_PC, np.float32)[None], 0.0, together=True), modality=SEMANTIC)


def clean(piece: Piece) -> Piece:
    """An image that was finished: in training it is not noisy and not predicted."""
    return replace(piece, loss=0.0)
