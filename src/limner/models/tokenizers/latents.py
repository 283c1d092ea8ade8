"""What a quantiser makes of an encoder's tokens, and what every quantiser promises.

N images, P tokens of an image, C channels of a token as a decoder takes it, G codes of a token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Latents:
    """The tokens of images.

    `vectors_NPC`   what a decoder takes and a generator of continuous tokens learns; gradients pass to the encoder, straight through where
                    there are codes
    `codes_NPG`     whole numbers, those of book g below its size; None where latents are continuous
    `before_NPC`    the encoder's tokens as they were compared or thresholded (logits of bits); of Gaussian latents their means
    `nearest_NPC`   the entries of a codebook without the straight-through estimate, so that a loss may move them; None without a codebook
    `logvar_NPC`    of Gaussian latents, the logarithms of their variances; else None
    `grid`          rows and columns where tokens lie in a grid, row by row; None where they do not
    """

    vectors_NPC: Tensor
    codes_NPG: Tensor | None
    before_NPC: Tensor
    nearest_NPC: Tensor | None = None
    logvar_NPC: Tensor | None = None
    grid: tuple[int, int] | None = None


class Quantiser(Protocol):
    """Turns tokens of any encoder into latents: a torch module of which `inputs`, `width` and `books` are known.

    `inputs`  channels it takes a token
    `width`   channels C of `Latents.vectors_NPC`
    `books`   the sizes of the codebooks, one a code of a token: G numbers; () for continuous latents
    """

    inputs: int
    width: int
    books: tuple[int, ...]

    def __call__(self, tokens_NPD: Tensor) -> Latents:
        """Quantise tokens of `inputs` channels."""
        ...

    def lookup(self, codes_NPG: Tensor) -> Tensor:
        """The vectors of codes, N x P x C; continuous quantisers raise `LimnerError`."""
        ...


def straight_through(value: Tensor, gradient: Tensor) -> Tensor:
    """`value` going forward, the gradient of `gradient` going back (Bengio et al. 2013, arXiv 1308.3432)."""
    return gradient + (value - gradient).detach()


def perplexity(counts_V: Tensor) -> float:
    """The exponential of the entropy of how often each of V codes was used: V where all are used alike, 1 where one is; 0 for none.

    >>> round(perplexity(torch.tensor([5, 5, 0, 0])), 6)
    2.0
    """
    total = counts_V.sum().clamp(min=1)
    share = counts_V.double() / total
    return float(torch.special.entr(share).sum().exp()) if counts_V.sum() else 0.0


def counts(codes_NPG: Tensor, books: tuple[int, ...]) -> tuple[Tensor, ...]:
    """How often each code of each book occurs."""
    return tuple(torch.bincount(codes_NPG[..., g].flatten(), minlength=size) for g, size in enumerate(books))
