"""Whether an image and a text belong together, told from both at once. Sums over pairs.

N pairs.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from limner.errors import LimnerError


def matching(logit_N: Tensor, same_N: Tensor) -> Tensor:
    """-sum_i [y_i log s(x_i) + (1 - y_i) log(1 - s(x_i))], s the logistic function and y whether the pair is one (ITM: UNITER,
    Chen et al. 2019, arXiv 1909.11740, section 3.2)."""
    return functional.binary_cross_entropy_with_logits(logit_N.float(), same_N.float(), reduction="sum")


def mismatched(
    group_N: Tensor, share: float = 0.5, likeness_NN: Tensor | None = None, chance: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Partners for a batch: the number of the text that each image is given, and whether it is its own. With probability
    `share` it is another's, of another group: any one, or with `likeness_NN` one drawn by the softmax of that, so that most are
    hard to tell (ALBEF, Li et al. 2021, arXiv 2107.07651, section 3.2). An image without any other group keeps its own. Raises
    `LimnerError` for a likeness of another shape."""
    count = len(group_N)
    if likeness_NN is not None and likeness_NN.shape != (count, count):
        raise LimnerError(f"the likeness of {count} pairs is {count} x {count}, not {tuple(likeness_NN.shape)}")
    weight_NN = torch.ones(count, count) if likeness_NN is None else likeness_NN.detach().float().softmax(1).cpu().clamp(min=1e-9)
    weight_NN = weight_NN.masked_fill((group_N[:, None] == group_N[None]).cpu(), 0.0)
    wrong_N = (torch.rand(count, generator=chance) < share) & (weight_NN.sum(1) > 0)
    partner_N = torch.arange(count)
    if wrong_N.any():
        partner_N[wrong_N] = torch.multinomial(weight_NN[wrong_N], 1, generator=chance)[:, 0]
    return partner_N.to(group_N.device), ~wrong_N.to(group_N.device)
