"""How fast a machine multiplies, and how much of that a training step uses (MFU: Chowdhery et al. 2022, arXiv 2204.02311,
appendix B)."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

_SIDE = {"cpu": 1024, "cuda": 8192}
_LEAST = 0.3  # seconds


@cache
def peak(device: torch.device, numbers: torch.dtype) -> float:
    """Floating point operations in a second of a large matrix multiplication here, measured once a process."""
    side = _SIDE.get(device.type, 1024)
    a, b = (torch.randn(side, side, generator=torch.Generator().manual_seed(0)).to(device, numbers) for _ in range(2))

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    for _ in range(3):
        torch.mm(a, b)
    wait()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < _LEAST:
        torch.mm(a, b)
        done += 1
        wait()
    return 2.0 * side**3 * done / (time.perf_counter() - began)


def operations(step: Callable[[], object]) -> float:
    """Floating point operations of matrix multiplications, convolutions and attention in what `step` does."""
    counter = FlopCounterMode(display=False)
    with counter:
        step()
    return float(counter.get_total_flops())


def memory(device: torch.device) -> float:
    """MiB that were in use at most: of the accelerator, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10
