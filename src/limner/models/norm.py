"""RMSNorm (Zhang and Sennrich 2019, arXiv 1910.07467, equation 4), quick to train on CPUs.

D width.
"""

from __future__ import annotations

from types import MethodType
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional


class Norm(nn.RMSNorm):
    """Its weights are of its input's kind: torch has a fused one for no other case."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """As nn.RMSNorm."""
        return normed(x, self.weight, self.eps or 0.0)


def normed(x: Tensor, weight_D: Tensor, eps: float) -> Tensor:
    """The norm over the last axis. Where it is trained on a CPU its gradients are written out, which takes half as long as what autograd makes of its
    parts; and under autocast the outcome is in its numbers, once, instead of being cast by each layer that reads it."""
    if x.device.type != "cpu" or not x.requires_grad:
        return functional.rms_norm(x, weight_D.shape, weight_D.to(x.dtype), eps)
    kind = torch.get_autocast_dtype(x.device.type) if torch.is_autocast_enabled(x.device.type) else x.dtype
    return cast("Tensor", _Normed.apply(x, weight_D, eps, kind))


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight_D: Tensor, eps: float, kind: torch.dtype) -> Tensor:
        square = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32).square_()
        inverse = square.div_(x.shape[-1]).add_(eps).rsqrt_()
        ctx.save_for_backward(x, weight_D, inverse)
        return (x * inverse).mul_(weight_D).to(kind)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, Tensor, None, None]:
        x, weight_D, inverse = ctx.saved_tensors
        unit = x * inverse
        along = grads[0] * unit
        mean = (along * weight_D).mean(-1, keepdim=True)
        back = (grads[0] * weight_D).addcmul_(unit, mean, value=-1).mul_(inverse)
        return back.to(x.dtype), along.flatten(0, -2).sum(0).to(weight_D.dtype), None, None


def quicken(model: nn.Module) -> None:
    """Let the norms of a model of transformers run by `normed`, in one call instead of eight."""
    for module in model.modules():
        # Those of T5's form (Llama, Qwen, Mistral ...), whose weight is a plain factor; others call their epsilon otherwise.
        if type(module).__name__.endswith("RMSNorm") and hasattr(module, "variance_epsilon"):
            module.forward = MethodType(_quickly, module)


def _quickly(module: Any, hidden_states: Tensor) -> Tensor:
    return normed(hidden_states, module.weight, module.variance_epsilon)
