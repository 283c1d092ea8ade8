"""A linear layer, or a few with GELU between them, from an image's features to the width of a language model.

One layer is LLaVA's connector (Liu et al. 2023, arXiv 2304.08485), two are LLaVA-1.5's (arXiv 2310.03744).

N images, P patches, C channels of features, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class ProjectionSettings:
    """`channels` C in, `width` D out, `depth` layers of which all but the last have GELU after them, `bias` in them, `norm`: features are
    normalized first (as InternVL does, arXiv 2404.16821)."""

    channels: int
    width: int
    depth: int = 1
    bias: bool = True
    norm: bool = False


class Projection(nn.Module):
    """Every patch by itself."""

    def __init__(self, settings: ProjectionSettings) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.LayerNorm(settings.channels)] if settings.norm else []
        for number in range(settings.depth):
            layers += [nn.GELU()] if number else []
            layers.append(nn.Linear(settings.width if number else settings.channels, settings.width, settings.bias))
        self.layers = nn.Sequential(*layers)

    def tokens(self, patches: int) -> int:
        """How many tokens an image of so many patches becomes."""
        return patches

    def forward(self, image_NPC: Tensor) -> Tensor:
        """N x P x C to N x P x D."""
        return self.layers(image_NPC)
