"""Diffusion of codes with uniform noise: each is either what it was or any code of its book.

For books of two this is binary latent diffusion (Wang et al. 2023, arXiv 2304.04820) as Instella-T2I has it (Wang et al. 2025, arXiv
2506.21022): at time t a bit is drawn with the probability (1 - t) x + t / 2; a network says how likely each clean code is; what is drawn of
that is made noisy again, less so. For larger books it is the same with t / V for each of V codes (Austin et al. 2021, arXiv 2107.03006,
section 3.1, "uniform").

N images, P tokens of an image, G codes of a token, S sizes of all codebooks together.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from limner.models.seq2seq import draw_codes
from limner.models.time_embedding import TIMES

Predict = Callable[[Tensor, Tensor], Tensor]
"""Of codes N x P x G and times N from 0 to 1000, the logits of clean codes N x P x S."""


def noisy(codes_NPG: Tensor, time_N: Tensor, books: tuple[int, ...], chance: torch.Generator | None = None) -> Tensor:
    """Codes at times from 0 (as they are) to 1 (all drawn evenly)."""
    size_G = torch.tensor(books, device=codes_NPG.device)
    even, lost = (torch.rand(codes_NPG.shape, generator=chance, device=codes_NPG.device) for _ in range(2))
    any_NPG = (even * size_G).long().clamp(max=size_G - 1)
    return torch.where(lost < time_N[:, None, None], any_NPG, codes_NPG)


def one_hot(codes_NPG: Tensor, books: tuple[int, ...]) -> Tensor:
    """Codes as zeros and ones, N x P x S, for networks that take vectors; those of a token have a mean square of 1."""
    parts = [functional.one_hot(codes_NPG[..., g], size) for g, size in enumerate(books)]
    return torch.cat(parts, -1).float() * (sum(books) / len(books)) ** 0.5


@torch.no_grad()
def draw(
    predict: Predict, count: int, length: int, books: tuple[int, ...], steps: int = 20, temperature: float = 1.0,
    chance: torch.Generator | None = None, device: torch.device | str = "cpu",
) -> Tensor:  # fmt: skip
    """Codes of `count` images, N x P x G, in `steps` even steps from noise alone; the last takes the likeliest codes."""
    blank = torch.zeros(count, length, len(books), dtype=torch.long, device=device)
    codes = noisy(blank, torch.ones(count, device=device), books, chance)
    for step in range(steps):
        now, then = 1 - step / steps, 1 - (step + 1) / steps
        logits = predict(codes, torch.full((count,), TIMES * now, device=device))
        codes = draw_codes(logits, books, temperature if then else 0.0, chance)
        codes = noisy(codes, torch.full((count,), then, device=device), books, chance)
    return codes
