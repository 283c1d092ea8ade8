"""GILLMapper: states of a language model at its [IMG] tokens to what a generator of images is told in place of its own encoder's text.

Koh et al. 2023, GILL, arXiv 2305.17216, section 3.2: an encoder over the states of the Q tokens and a decoder with L learned queries, four layers
each, trained to give what the generator's text encoder gives for the caption (squared distance), so that the generator itself is never run.

N texts, Q tokens [IMG] of each, D width of the language model, L tokens and E width of the generator's text, W width inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class MapperSettings:
    """`width` D, `out` E, `queries` L. `inside` W of `depth` layers in the encoder and as many in the decoder, with `heads` and `hidden` numbers
    between; `depth` 0 is one linear layer from all Q tokens (`tokens`), what the mapper is compared with."""

    width: int
    out: int
    queries: int = 1
    inside: int = 512
    depth: int = 4
    heads: int = 4
    hidden: int = 2048
    tokens: int = 4


class Mapper(nn.Module):
    """From states to a generator's text."""

    def __init__(self, settings: MapperSettings) -> None:
        super().__init__()
        s = self.settings = settings
        if not s.depth:
            self.linear = nn.Linear(s.width * s.tokens, s.out * s.queries)
            return
        self.read = nn.Linear(s.width, s.inside)
        self.queries = nn.Parameter(torch.randn(s.queries, s.inside))
        given: dict[str, Any] = {"dropout": 0.0, "batch_first": True, "norm_first": True}
        reading = nn.TransformerEncoderLayer(s.inside, s.heads, s.hidden, **given)
        writing = nn.TransformerDecoderLayer(s.inside, s.heads, s.hidden, **given)
        self.encoder = nn.TransformerEncoder(reading, s.depth, nn.LayerNorm(s.inside), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(writing, s.depth, nn.LayerNorm(s.inside))
        self.write = nn.Linear(s.inside, s.out)

    def forward(self, state_NQD: Tensor) -> Tensor:
        """N x Q x D to N x L x E."""
        if not self.settings.depth:
            return self.linear(state_NQD.flatten(1)).unflatten(-1, (self.settings.queries, -1))
        x_NQW = self.encoder(self.read(state_NQD))
        return self.write(self.decoder(self.queries.to(x_NQW.dtype).expand(len(x_NQW), -1, -1), x_NQW))

    def distance(self, state_NQD: Tensor, text_NLE: Tensor) -> Tensor:
        """The loss, summed over N: the squared distance to the generator's own text, over its tokens' mean."""
        return (self(state_NQD).float() - text_NLE.float()).square().sum(-1).mean(-1).sum()
