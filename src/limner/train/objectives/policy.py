"""What makes what was rewarded likelier. Sums over tokens, to be divided by how many count.

N answers, T tokens of all answers; log-probabilities are of the tokens that were drawn.
"""

from __future__ import annotations

import torch
from torch import Tensor

from limner.errors import LimnerError


def advantages(reward_N: Tensor, group_N: Tensor, scaled: bool = True) -> Tensor:
    """How much better each answer is than others to the same question: (r - mean) / deviation of its group (GRPO: Shao et al.
    2024, arXiv 2402.03300, section 4.1.2); with `scaled` off, r - mean (Liu et al. 2025, arXiv 2503.20783, section 3.2). Groups
    are numbered from 0. A group of equal rewards has none."""
    groups = int(group_N.max()) + 1 if len(group_N) else 0
    reward_N = reward_N.detach().float()

    def mean(x_N: Tensor) -> Tensor:
        sums = x_N.new_zeros(groups).index_add(0, group_N, x_N)
        return (sums / torch.bincount(group_N, minlength=groups).clamp(min=1))[group_N]

    better_N = reward_N - mean(reward_N)
    if not scaled:
        return better_N
    deviation_N = mean(better_N.square()).sqrt()
    # Rounding leaves equal rewards a little apart, which a division would blow up.
    return torch.where(deviation_N > 1e-6 * reward_N.abs().clamp(min=1), better_N / deviation_N.clamp(min=1e-12), 0.0)


def reinforce(chance_T: Tensor, advantage_T: Tensor) -> Tensor:
    """-sum_t A_t log p_t (Williams 1992; Sutton and Barto 2018, equation 13.11 with a baseline)."""
    return -(advantage_T.detach() * chance_T).sum()


def clipped(chance_T: Tensor, before_T: Tensor, advantage_T: Tensor, low: float = 0.2, high: float = 0.2) -> Tensor:
    """-sum_t min(x_t A_t, clip(x_t, 1 - low, 1 + high) A_t), x_t = p_t / p_t before (PPO: Schulman et al. 2017, arXiv 1707.06347,
    equation 7; GRPO: equation 3; `high` above `low`: DAPO, arXiv 2503.14476, section 3.1). `before_T` are the log-probabilities
    by the model that drew. Raises `LimnerError` for a range that is none."""
    if not (0 <= low < 1 and high >= 0):
        raise LimnerError(f"a ratio cannot be kept between 1 - {low} and 1 + {high}; both are at least 0, the first below 1")
    ratio_T = (chance_T - before_T.detach()).exp()
    advantage_T = advantage_T.detach()
    return -torch.minimum(ratio_T * advantage_T, ratio_T.clamp(1 - low, 1 + high) * advantage_T).sum()


def divergence(chance_T: Tensor, reference_T: Tensor) -> Tensor:
    """sum_t r_t / p_t - log(r_t / p_t) - 1: an unbiased estimate of KL(p || r) from what p drew, never negative (Schulman 2020,
    http://joschu.net/blog/kl-approx.html; GRPO: equation 4)."""
    apart_T = reference_T.detach() - chance_T
    return (apart_T.exp() - apart_T - 1).sum()
