"""What makes a model say what another one says. Sums over rows; teachers have no gradient.

T rows (tokens, images), V classes or vocabulary, D width.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def distillation(logits_TV: Tensor, teacher_TV: Tensor, temperature: float = 1.0) -> Tensor:
    """t^2 sum_t KL(softmax(teacher / t) || softmax(logits / t)), in nats (Hinton et al. 2015, arXiv 1503.02531, section 2: the
    square keeps gradients' size)."""
    told = (logits_TV.float() / temperature).log_softmax(-1)
    wanted = (teacher_TV.detach().float() / temperature).log_softmax(-1)
    return temperature**2 * functional.kl_div(told, wanted, reduction="sum", log_target=True)


def divergence(logits_TV: Tensor, chances_TV: Tensor) -> Tensor:
    """sum_t KL(chances || softmax(logits)), from chances themselves (MRC-kl: UNITER, Chen et al. 2019, arXiv 1909.11740,
    section 3.2)."""
    return functional.kl_div(logits_TV.float().log_softmax(-1), chances_TV.detach().float(), reduction="sum")


def regression(found_TD: Tensor, wanted_TD: Tensor) -> Tensor:
    """sum_t |found - wanted|^2 (hints: Romero et al. 2014, arXiv 1412.6550, equation 3, without the half; MRFR: UNITER, section
    3.2)."""
    return (found_TD.float() - wanted_TD.detach().float()).square().sum()


def direction(found_TD: Tensor, wanted_TD: Tensor) -> Tensor:
    """sum_t 1 - cos(found, wanted): features of a frozen encoder, whatever their length (EVA, Fang et al. 2022, arXiv
    2211.07636, section 2.1)."""
    return (1 - functional.cosine_similarity(found_TD.float(), wanted_TD.detach().float(), dim=-1)).sum()
