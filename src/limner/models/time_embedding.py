"""The embedding of diffusion times: sines and cosines, then two layers.

N times, D model width, F frequencies.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

TIMES = 1000
"""The time of pure noise; 0 is that of clean data. Discrete schedules count steps, flows multiply their 0 to 1."""


def waves(time_N: Tensor, width: int = 256) -> Tensor:
    """Times as cosines and then sines of `width` / 2 frequencies, from 1 down to nearly 1 / 10,000, in single precision (DiT, Peebles and
    Xie 2022, arXiv 2212.09748; the positions of Vaswani et al. 2017, arXiv 1706.03762, section 3.5).

    >>> waves(torch.zeros(1), 4).tolist()
    [[1.0, 1.0, 0.0, 0.0]]
    """
    half = width // 2
    rate_F = torch.exp(-math.log(10_000) * torch.arange(half, device=time_N.device, dtype=torch.float32) / half)
    angle_NF = time_N.float()[:, None] * rate_F
    return torch.cat([angle_NF.cos(), angle_NF.sin()], -1)


class TimeEmbedding(nn.Module):
    """Times from 0 to `TIMES` as vectors, N x D."""

    def __init__(self, width: int, frequencies: int = 256) -> None:
        super().__init__()
        self.frequencies = frequencies
        self.first, self.second = nn.Linear(frequencies, width), nn.Linear(width, width)
        for layer in (self.first, self.second):
            nn.init.normal_(layer.weight, std=0.02)

    def forward(self, time_N: Tensor) -> Tensor:
        """N x D."""
        return self.second(functional.silu(self.first(waves(time_N, self.frequencies).to(self.first.weight.dtype))))
