"""Connectors: from the features of images, N x P x C, to tokens of the width of a language model, N x Q x D.

Each takes zero images. `tokens(P)` says how many tokens an image of P patches becomes, so that sequences can be laid out before any is computed.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

from limner.models.connectors.projection import Projection, ProjectionSettings
from limner.models.connectors.queryformer import QueryFormer, QueryFormerSettings
from limner.models.connectors.resampler import Resampler, ResamplerSettings
from limner.models.connectors.shuffle import PixelShuffle, PixelShuffleSettings

ConnectorSettings = ProjectionSettings | ResamplerSettings | QueryFormerSettings | PixelShuffleSettings


class Connector(Protocol):
    """What the modules here have in common."""

    def tokens(self, patches: int) -> int:
        """How many tokens an image of so many patches becomes."""
        ...

    def __call__(self, image_NPC: Tensor) -> Tensor:
        """N x P x C to N x Q x D."""
        ...


def connector(settings: ConnectorSettings) -> nn.Module:
    """The connector that these settings are of; it is a `Connector`."""
    match settings:
        case ProjectionSettings():
            return Projection(settings)
        case ResamplerSettings():
            return Resampler(settings)
        case QueryFormerSettings():
            return QueryFormer(settings)
        case PixelShuffleSettings():
            return PixelShuffle(settings)
