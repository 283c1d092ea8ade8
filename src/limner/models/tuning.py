"""What of a model is trained: all of it, none of it, or low-rank changes to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from limner.errors import LimnerError, MissingExtra


def with_lora(module: nn.Module, rank: int, targets: Sequence[str], scale: float = 2.0) -> nn.Module:
    """Freeze a module and add low-rank changes to its layers of these names (Hu et al. 2021, arXiv 2106.09685), by peft;
    `scale` is alpha over rank. Raises `LimnerError` where no layer is called so."""
    try:
        import peft
    except ImportError:
        raise MissingExtra("models", "peft", "low-rank tuning") from None
    package: Any = peft
    for weight in module.parameters():
        weight.requires_grad_(False)
    config = package.LoraConfig(r=rank, lora_alpha=scale * rank, target_modules=list(targets), bias="none")
    try:
        return package.inject_adapter_in_model(config, module)
    except ValueError as error:
        raise LimnerError(f"no layer to tune is called {', '.join(targets)}: {error}") from None


def trained(module: nn.Module) -> tuple[int, int]:
    """How many numbers of a module are trained, and how many there are."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad), sum(p.numel() for p in module.parameters())
