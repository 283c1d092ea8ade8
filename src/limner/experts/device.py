"""Where torch runs a model here, and in which numbers."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import Any

from limner.errors import MissingExtra


def torch_for(purpose: str) -> Any:
    """The module torch; raises `MissingExtra` naming `purpose` where it is not installed."""
    try:
        return importlib.import_module("torch")
    except ImportError:
        raise MissingExtra("models", "torch", purpose) from None


def transformers_for(purpose: str) -> Any:
    """The module transformers; raises `MissingExtra` naming `purpose` where it, or torch, is not installed."""
    torch_for(purpose)
    try:
        transformers = importlib.import_module("transformers")
    except ImportError:
        raise MissingExtra("models", "transformers", purpose) from None
    transformers.logging.disable_progress_bar()  # models load in a second, and bars of many would bury limner's own
    return transformers


@cache
def place() -> tuple[Any, Any]:
    """The torch device, and the type of a model's numbers there: bfloat16 where the processor multiplies it, float32 else."""
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.bfloat16
    fast = "avx512_bf16" in _flags() or "amx_bf16" in _flags()
    return torch.device("cpu"), torch.bfloat16 if fast else torch.float32


def cores(count: int) -> None:
    """What torch computes on this thread from now on takes so many processor cores. Nothing where torch is not loaded."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)


@cache
def _flags() -> frozenset[str]:
    """What Linux says that the processor can do; nothing elsewhere."""
    try:
        with open("/proc/cpuinfo") as file:
            return next((frozenset(line.split()) for line in file if line.startswith("flags")), frozenset())
    except OSError:
        return frozenset()
