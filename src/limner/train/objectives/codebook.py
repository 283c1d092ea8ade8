"""What moves codebooks and codes: each a mean over tokens (0 of none), to be weighted by who trains.

N images, P tokens of an image, C channels, B bits, K bits of a group.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.tokenizers.latents import Latents

_MOST = 12
"""Bits of a group whose codes are counted one by one."""


def commitment(latents: Latents) -> Tensor:
    """How far tokens are from their entries, for the encoder: |z - sg[e]|^2, the third term of equation 3 of van den Oord et al. 2017, arXiv
    1711.00937, as a mean over channels too. Raises `LimnerError` for latents without a codebook."""
    return _mean((latents.before_NPC - _entries(latents).detach()).square())


def codebook(latents: Latents) -> Tensor:
    """How far entries are from their tokens, for the codebook: |sg[z] - e|^2, the second term of the same equation; zero gradient where entries
    are moving averages."""
    return _mean((latents.before_NPC.detach() - _entries(latents)).square())


def entropy(logits_NPB: Tensor, diversity: float = 1.0, group: int = 1, temperature: float = 1.0) -> Tensor:
    """Bits sure of themselves, all codes in use: E[H(p)] - diversity * H(E[p]), in nats a token (LFQ, Yu et al. 2023, arXiv 2310.05737, equation 5).

    A bit is 1 with the probability sigmoid(4 logit / temperature), which is the softmax over the squared distances to -1 and 1. So bits are
    independent of each other given the token, and H(p) is the sum of theirs, exactly. The mean over tokens is no such product: its entropy is
    taken over the 2^K codes of groups of `group` bits and summed, which bounds that of whole codes from above. With groups of 1 it is
    BSQ's (Zhao et al. 2024, arXiv 2406.07548, section 4.1). Raises `LimnerError` for groups that do not divide the bits, or have more than
    12."""
    count = logits_NPB.shape[-1]
    if not 0 < group <= _MOST or count % group:
        raise LimnerError(f"{count} bits cannot be counted in groups of {group}; take a divisor that is at most {_MOST}")
    with torch.autocast(logits_NPB.device.type, enabled=False):
        logits = (4 / temperature) * logits_NPB.float().flatten(0, -2)
        if not len(logits):
            return logits.sum()
        sure, unsure = functional.logsigmoid(logits), functional.logsigmoid(-logits)
        own = -(sure.exp() * sure + unsure.exp() * unsure).sum(-1).mean()
        codes = logits.new_zeros(len(logits), count // group, 1)
        for k in range(group):
            one, zero = (x.unflatten(-1, (-1, group))[..., k, None] for x in (sure, unsure))
            codes = torch.cat([codes + zero, codes + one], -1)
        shared = torch.special.entr(codes.exp().mean(0)).sum()
        return own - diversity * shared


def undecided(logits_NPB: Tensor) -> Tensor:
    """p (1 - p) of every bit's probability p, as a mean over bits: 0 where all are sure. Bits that were drawn in training are then the same
    when they are not (as the code released with Instella-T2I, arXiv 2506.21022, has it)."""
    p = torch.sigmoid(logits_NPB.float())
    return _mean(p * (1 - p))


def divergence(latents: Latents) -> Tensor:
    """Kullback-Leibler divergence of Gaussian latents from the standard normal, in nats a token (Kingma and Welling 2013, arXiv 1312.6114,
    appendix B). Raises `LimnerError` for other latents."""
    if latents.logvar_NPC is None:
        raise LimnerError("only Gaussian latents have a divergence")
    mean, logvar = latents.before_NPC, latents.logvar_NPC
    return _mean(0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(-1))


def _entries(latents: Latents) -> Tensor:
    if latents.nearest_NPC is None:
        raise LimnerError("these latents are of no codebook; bits take `entropy` or `undecided`, Gaussian ones `divergence`")
    return latents.nearest_NPC


def _mean(x: Tensor) -> Tensor:
    return x.sum() / max(x.numel(), 1)
