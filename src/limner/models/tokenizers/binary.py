"""Binary latents: every channel of a token is one bit, and there is no codebook to look up.

* `sign` (LFQ): Yu et al. 2023, arXiv 2310.05737 (MAGVIT-v2), section 3.1
* `spherical` (BSQ): Zhao et al. 2024, arXiv 2406.07548, equations 6-8: the sign of a token of length one, scaled to length one
* `bernoulli`: Wang et al. 2023, arXiv 2304.04820 (binary latent diffusion), equation 2, as in Instella-T2I (arXiv 2506.21022, section 3.1): the
  bit is drawn in training with the probability that the encoder gives it, and is the likelier one afterwards

Vectors are -1 and 1 (`spherical`: divided by the root of their number). In a grid or in a line: the encoder says which.

N images, P tokens of an image, B bits of a token, G codes of a token.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.tokenizers.latents import Latents, straight_through

_MOST = 62
"""Bits that one code may have, as a whole number of 64 bits with a sign."""


@dataclass(frozen=True)
class BinarySettings:
    """`bits` a token, of which `group` make a code (0 for all of them): 16 bits in groups of 1 are 16 codes below 2, in one group one code below
    65,536. `temperature` is that of drawing bits in training (`bernoulli`): the higher, the more of them are chance."""

    bits: int = 16
    group: int = 0
    way: Literal["sign", "spherical", "bernoulli"] = "sign"
    temperature: float = 1.0


class BinaryQuantiser(nn.Module):
    """Bits of tokens. Takes and gives `bits` channels; `Latents.before_NPC` are the logits of the bits."""

    place_J: Tensor

    def __init__(self, settings: BinarySettings = BinarySettings()) -> None:
        super().__init__()
        group = settings.group or settings.bits
        if settings.bits < 1 or settings.bits % group or group > _MOST:
            raise LimnerError(f"{settings.bits} bits cannot be codes of {group}; take a divisor that is at most {_MOST}")
        self.settings, self.group = settings, group
        self.inputs = self.width = settings.bits
        self.books = (2**group,) * (settings.bits // group)
        self._length = 1 / math.sqrt(settings.bits) if settings.way == "spherical" else 1.0
        self.register_buffer("place_J", 2 ** torch.arange(group), persistent=False)

    def forward(self, tokens_NPB: Tensor) -> Latents:
        """Tokens to bits."""
        with torch.autocast(tokens_NPB.device.type, enabled=False):
            logits = tokens_NPB.float()
            if self.settings.way == "spherical":
                logits = functional.normalize(logits, dim=-1)
            if self.settings.way == "bernoulli":
                heat = self.settings.temperature
                drawn = torch.bernoulli(torch.sigmoid(logits.detach() / heat)) if self.training and heat else (logits > 0).float()
                vectors = straight_through(2 * drawn - 1, 2 * torch.sigmoid(logits) - 1)
            else:
                drawn = (logits > 0).float()
                vectors = straight_through((2 * drawn - 1) * self._length, logits)
        return Latents(vectors, self.codes(drawn), logits)

    def codes(self, bits_NPB: Tensor) -> Tensor:
        """Bits (0 and 1) as codes, N x P x G; the first bit of a group is its lowest."""
        grouped = bits_NPB.long().unflatten(-1, (len(self.books), self.group))
        return (grouped * self.place_J).sum(-1)

    def bits(self, codes_NPG: Tensor) -> Tensor:
        """Codes as bits (0 and 1), N x P x B."""
        return (codes_NPG[..., None] // self.place_J % 2).flatten(-2).float()

    def lookup(self, codes_NPG: Tensor) -> Tensor:
        """See `Quantiser`."""
        return (2 * self.bits(codes_NPG) - 1) * self._length
