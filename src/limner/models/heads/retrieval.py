"""The retrieval head: states of a language model at its [IMG] tokens, and images, in one space, where the nearest image is the one that is meant.

Koh et al. 2023, GILL, arXiv 2305.17216, section 3.2 (and FROMAGe, arXiv 2301.13823): a linear map of each side, compared by InfoNCE (van den Oord et
al. 2018, arXiv 1807.03748) in both directions.

N pairs, Q tokens [IMG] of each, D width of the language model, C channels of images' features, E width of the joint space.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class RetrievalSettings:
    """`width` D, `channels` C, `joint` E (GILL has 256), `tokens` Q, of which each has a map of its own: the query is their sum. `heat` is the
    temperature at first; it is learned, and never below 0.01 (CLIP, arXiv 2103.00020, section 2.5). With `fixed` the joint space is that of the
    images' features (C = E): they are only scaled to length one, so that an index of them need not be made again."""

    width: int
    channels: int
    joint: int = 256
    tokens: int = 1
    heat: float = 0.07
    fixed: bool = False


class RetrievalHead(nn.Module):
    """Maps of states and of images into the joint space."""

    def __init__(self, settings: RetrievalSettings) -> None:
        super().__init__()
        joint = settings.channels if settings.fixed else settings.joint
        # One map of all tokens side by side is a map of each and their sum.
        self.text = nn.Linear(settings.width * settings.tokens, joint)
        self.image = nn.Identity() if settings.fixed else nn.Linear(settings.channels, joint, bias=False)
        self.scale = nn.Parameter(torch.tensor(math.log(1 / settings.heat)))

    def queries(self, state_NQD: Tensor) -> Tensor:
        """N x Q x D to N x E, rows of length one."""
        return functional.normalize(self.text(state_NQD.flatten(1)).float(), dim=-1)

    def images(self, image_NC: Tensor) -> Tensor:
        """N x C to N x E, rows of length one."""
        return functional.normalize(self.image(image_NC).float(), dim=-1)

    def forward(self, state_NQD: Tensor, image_NC: Tensor, concept_N: Tensor | None = None) -> Tensor:
        """The loss, summed over the N pairs: the mean of both directions' cross-entropies. Pairs of one concept (`concept_N` alike) are no
        negatives of each other. Without pairs it is zero, and so are gradients."""
        score_NN = self.queries(state_NQD) @ self.images(image_NC).T * self.scale.exp().clamp(max=100)
        own_N = torch.arange(len(score_NN), device=score_NN.device)
        if concept_N is not None:
            alike_NN = (concept_N[:, None] == concept_N) & (own_N[:, None] != own_N)
            score_NN = score_NN.masked_fill(alike_NN, -math.inf)
        both = (functional.cross_entropy(score, own_N, reduction="sum") for score in (score_NN, score_NN.T))
        return torch.stack(list(both)).sum() / 2
