"""The network of two layers that follows an attention.

D width, F width inside.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

Activation = Literal["relu", "squared-relu", "gelu", "swiglu"]


class FeedForward(nn.Module):
    """D to F to D without biases. Squared ReLU is that of Primer (So et al. 2021, arXiv 2109.08668), which Flamingo has; SwiGLU multiplies
    what a SiLU lets through (Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, width: int, inner: int, activation: Activation = "squared-relu") -> None:
        super().__init__()
        self.activation = activation
        self.gate = nn.Linear(width, inner, bias=False) if activation == "swiglu" else None
        self.up = nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x_D: Tensor) -> Tensor:
        """... x D to the same."""
        x_F = self.up(x_D)
        if self.gate is not None:
            x_F = functional.silu(self.gate(x_D)) * x_F
        elif self.activation == "gelu":
            x_F = functional.gelu(x_F)
        else:
            x_F = functional.relu(x_F)
            x_F = x_F.square() if self.activation == "squared-relu" else x_F
        return self.down(x_F)
