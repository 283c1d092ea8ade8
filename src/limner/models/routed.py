"""Weights of each modality: a layer whose tokens go through the copy that their modality has.

Mixture-of-Transformers (Liang et al. 2024, arXiv 2411.04996); deep fusion in Mogao (arXiv 2505.05472). With one copy it is the
layer itself.

T tokens, D model width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Tokens sorted by modality: `order_T` sorts them, `back_T` undoes it, `counts` are how many each modality has. None for
    both where there is only one."""

    order_T: Tensor | None
    back_T: Tensor | None
    counts: tuple[int, ...]

    @classmethod
    def of(cls, modality_T: Tensor, copies: int) -> Route:
        """The route of tokens by their modality; those from `copies` on share the last one."""
        if copies == 1:
            return cls(None, None, (len(modality_T),))
        which = modality_T.clamp(0, copies - 1)
        counts = tuple(torch.bincount(which, minlength=copies).tolist())
        if max(counts) == len(modality_T):  # all of one kind are in order
            return cls(None, None, counts)
        order = torch.argsort(which, stable=True)
        return cls(order, torch.argsort(order), counts)


class Routed(nn.Module):
    """`copies` of a layer, one for each modality. All run, on no tokens too, so that every rank uses the same weights."""

    def __init__(self, make: Callable[[], nn.Module], copies: int) -> None:
        super().__init__()
        self.copies = nn.ModuleList(make() for _ in range(copies))

    def forward(self, x_TD: Tensor, route: Route) -> Tensor:
        """Each token through its copy."""
        if len(self.copies) == 1:
            return self.copies[0](x_TD)
        ordered = x_TD if route.order_T is None else x_TD[route.order_T]
        parts = [copy(part) for copy, part in zip(self.copies, ordered.split(route.counts), strict=True)]
        out = torch.cat(parts)
        return out if route.back_T is None else out[route.back_T]
