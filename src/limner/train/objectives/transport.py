"""Words and regions aligned by optimal transport: the cheapest way to carry what words weigh to regions.

B pairs, L words, M regions, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def cosine_cost(a_BLD: Tensor, b_BMD: Tensor) -> Tensor:
    """1 - cos(a_i, b_j), B x L x M (UNITER, Chen et al. 2019, arXiv 1909.11740, section 3.2)."""
    a, b = (functional.normalize(x.float(), dim=-1, eps=1e-5) for x in (a_BLD, b_BMD))
    with torch.autocast(a.device.type, enabled=False):
        return 1 - a @ b.transpose(1, 2)


@torch.no_grad()
def ipot(cost_BLM: Tensor, a_BL: Tensor, b_BM: Tensor, beta: float = 0.5, steps: int = 50, inner: int = 1) -> Tensor:
    """The plan T, B x L x M, that approaches argmin <T, C> over T >= 0 with T 1 = a and T' 1 = b (rows of one sum; 0 for what is
    not there).

    Inexact proximal point (Xie et al. 2018, arXiv 1802.04307, algorithm 1): T <- diag(d) Q diag(s) with Q = exp(-C / beta) * T,
    d = a / (Q s) and s = b / (Q' d), `inner` times a step. Unlike Sinkhorn's it goes to the plan itself, whatever `beta`; UNITER
    takes 50 steps of 0.5.
    """
    a_BL, b_BM = a_BL.float(), b_BM.float()
    with torch.autocast(cost_BLM.device.type, enabled=False):
        kernel_BLM = (-cost_BLM.float() / beta).exp()
        plan_BLM, s_BM = ((a_BL > 0)[:, :, None] & (b_BM > 0)[:, None]).float(), b_BM
        for _ in range(steps):
            q_BLM, d_BL = kernel_BLM * plan_BLM, a_BL
            for _ in range(inner):
                d_BL = a_BL / _more(torch.einsum("blm,bm->bl", q_BLM, s_BM))
                s_BM = b_BM / _more(torch.einsum("blm,bl->bm", q_BLM, d_BL))
            plan_BLM = d_BL[:, :, None] * q_BLM * s_BM[:, None]
    return plan_BLM


def alignment(
    words_BLD: Tensor, regions_BMD: Tensor, word_BL: Tensor, region_BM: Tensor, beta: float = 0.5, steps: int = 50
) -> tuple[Tensor, Tensor]:
    """sum_ij T_ij (1 - cos(w_i, v_j)) of each pair, B, and its plan, which is taken as given by gradients (WRA: UNITER, equation 7). `word_BL` and
    `region_BM` say which are there; all of those weigh the same. A pair without words or regions costs 0."""
    cost_BLM = cosine_cost(words_BLD, regions_BMD)
    a_BL, b_BM = (x / x.sum(1, keepdim=True).clamp(min=1) for x in (word_BL.float(), region_BM.float()))
    plan_BLM = ipot(cost_BLM, a_BL, b_BM, beta, steps)
    return (plan_BLM * cost_BLM).sum((1, 2)), plan_BLM


def _more(x: Tensor) -> Tensor:
    return x.clamp(min=torch.finfo(x.dtype).tiny)
