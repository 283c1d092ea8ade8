"""Drawing a token from what a model says of the next one.

W entries of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """`temperature` 0 takes the likeliest. `top_k` (0: all) and `top_p` (Holtzman et al. 2019, arXiv 1904.09751) leave out the
    unlikely;
    `repetition` above 1 makes what was said less likely (Keskar et al. 2019, arXiv 1909.05858)."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    repetition: float = 1.0


def draw(logits_W: Tensor, how: Draw, chance: torch.Generator, said: Sequence[int] = ()) -> int:
    """One token; entries of -inf are never drawn."""
    logits_W = logits_W.float()
    if how.repetition != 1.0 and said:
        at = torch.tensor(sorted(set(said)), device=logits_W.device)
        value = logits_W[at]
        logits_W = logits_W.index_copy(0, at, torch.where(value > 0, value / how.repetition, value * how.repetition))
    if how.temperature == 0:
        return int(logits_W.argmax())
    logits_W = logits_W / how.temperature
    if how.top_k and how.top_k < len(logits_W):
        logits_W = logits_W.masked_fill(logits_W < logits_W.topk(how.top_k).values[-1], -torch.inf)
    probability_W = logits_W.softmax(0)
    if how.top_p < 1.0:
        ordered, order = probability_W.sort(descending=True)
        # The one that passes the bound is still in.
        gone = order[ordered.cumsum(0) - ordered >= how.top_p]
        probability_W = probability_W.index_fill(0, gone, 0.0)
    return int(torch.multinomial(probability_W.cpu(), 1, generator=chance))
