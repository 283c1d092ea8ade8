"""Features as an encoder makes them, without a codebook: what is left of a tokenizer with one when its quantisation is taken away (Orthus, Kou
et al. 2024, arXiv 2412.00127).

N images, P tokens of an image, C channels.
"""

from __future__ import annotations

from typing import NoReturn

from torch import Tensor, nn
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.tokenizers.latents import Latents


class Unquantised(nn.Module):
    """Takes and gives `width` channels; tokens get length one where `normalised`, as those of a codebook that is. It has no weights. A
    `Quantiser`."""

    books: tuple[int, ...] = ()

    def __init__(self, width: int = 8, normalised: bool = True) -> None:
        super().__init__()
        self.inputs = self.width = width
        self.normalised = normalised

    def forward(self, tokens_NPC: Tensor) -> Latents:
        """Tokens as they are."""
        tokens = tokens_NPC.float()
        tokens = functional.normalize(tokens, dim=-1) if self.normalised else tokens
        return Latents(tokens, None, tokens)

    def lookup(self, codes_NPG: Tensor) -> NoReturn:
        """Raises `LimnerError`: there are no codes."""
        raise LimnerError("features that are not quantised have no codes to look up; decode their vectors")
