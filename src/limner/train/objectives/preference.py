"""What makes a model prefer what people do. Sums over comparisons.

N comparisons, T tokens of all answers, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from limner.models.sequence import IGNORED


def said(logits_TV: Tensor, labels_T: Tensor, answer_T: Tensor, count: int) -> Tensor:
    """The log-probability of each of `count` answers: the sum over its labels that are not IGNORED; `answer_T` says whose each
    token is."""
    at = labels_T != IGNORED
    with torch.autocast(logits_TV.device.type, enabled=False):
        told = logits_TV[at].float().log_softmax(-1).gather(-1, labels_T[at][:, None])[:, 0]
    return told.new_zeros(count).index_add(0, answer_T[at], told)


def dpo(
    chosen_N: Tensor, rejected_N: Tensor, reference_chosen_N: Tensor, reference_rejected_N: Tensor, beta: float = 0.1, doubt: float = 0.0
) -> Tensor:  # fmt: skip
    """sum_i -log sigmoid(beta [(log p(y_w) - log r(y_w)) - (log p(y_l) - log r(y_l))]), from the log-probabilities that the
    model p and the frozen reference r give to the better and the worse answer (Rafailov et al. 2023, arXiv 2305.18290, equation
    7). `doubt` is how likely a label is wrong (conservative DPO, Mitchell 2023)."""
    margin = beta * ((chosen_N - reference_chosen_N.detach()) - (rejected_N - reference_rejected_N.detach()))
    return -((1 - doubt) * functional.logsigmoid(margin) + doubt * functional.logsigmoid(-margin)).sum()


def bradley_terry(chosen_N: Tensor, rejected_N: Tensor) -> Tensor:
    """sum_i -log sigmoid(r(y_w) - r(y_l)), from the rewards of the better and the worse: a reward model's (Ouyang et al. 2022,
    arXiv 2203.02155, equation 1)."""
    return -functional.logsigmoid(chosen_N.float() - rejected_N.float()).sum()
