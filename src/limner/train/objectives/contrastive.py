"""What brings two encoders into one space: each item nearer to its own partner than to others'. Sums over pairs, to be divided
by how many there are.

N pairs of a batch (or of all ranks', gathered with their gradients), D width; rows of length one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def infonce(a_ND: Tensor, b_ND: Tensor, scale: Tensor | float, group_N: Tensor | None = None) -> Tensor:
    """1/2 sum_i -log softmax_j(s a_i b_j)[i] - log softmax_j(s b_i a_j)[i] (van den Oord et al. 2018, arXiv 1807.03748,
    equation 4; both ways as in CLIP, Radford et al. 2021, arXiv 2103.00020, figure 3). Pairs of one group are no negatives of
    each other."""
    with torch.autocast(a_ND.device.type, enabled=False):
        scores = scale * (a_ND.float() @ b_ND.float().t())
        if group_N is not None:
            scores = scores.masked_fill(_same(group_N) & ~_own(scores), -torch.inf)
        own = torch.arange(len(scores), device=scores.device)
        both = (functional.cross_entropy(s, own, reduction="sum") for s in (scores, scores.t()))
        return sum(both, scores.new_zeros(())) / 2


def sigmoid(a_ND: Tensor, b_ND: Tensor, scale: Tensor | float, bias: Tensor | float, group_N: Tensor | None = None) -> Tensor:
    """sum_ij -log sigmoid(z_ij (s a_i b_j + bias)), z_ij = 1 for a pair and -1 otherwise (SigLIP, Zhai et al. 2023, arXiv
    2303.15343, section 3.2). Pairs of one group are left out of the others."""
    with torch.autocast(a_ND.device.type, enabled=False):
        scores = scale * (a_ND.float() @ b_ND.float().t()) + bias
        own = _own(scores)
        loss = -functional.logsigmoid(torch.where(own, scores, -scores))
        return (loss if group_N is None else loss.masked_fill(_same(group_N) & ~own, 0.0)).sum()


def _same(group_N: Tensor) -> Tensor:
    return group_N[:, None] == group_N[None]


def _own(scores_NN: Tensor) -> Tensor:
    return torch.eye(len(scores_NN), dtype=torch.bool, device=scores_NN.device)
