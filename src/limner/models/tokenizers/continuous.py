"""Continuous latents: Gaussian ones, and soft mixtures of a codebook's entries.

* Gaussian: Kingma and Welling 2013, arXiv 1312.6114, equation 10, as autoencoders of latent diffusion have it (Rombach et al. 2021, arXiv 2112.10752)
* soft: a token becomes the mean of all entries, weighted by the softmax of their negative squared distances over a temperature (SoftVQ-VAE,
  Chen et al. 2024, arXiv 2412.10958, equation 4; Orthus, Kou et al. 2024, arXiv 2412.00127, section 3.1, whose weights mix the embeddings of
  a language model). With the temperature towards 0 it is the nearest entry.

N images, P tokens of an image, C channels, V entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.tokenizers.latents import Latents


class GaussianLatents(nn.Module):
    """Takes 2 x `width` channels, means and then logarithms of variances; gives a draw of them in training, else their means."""

    books: tuple[int, ...] = ()

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.inputs, self.width = 2 * width, width

    def forward(self, tokens_NPD: Tensor) -> Latents:
        """Moments to latents."""
        with torch.autocast(tokens_NPD.device.type, enabled=False):
            mean, logvar = tokens_NPD.float().chunk(2, -1)
            # Beyond this variances would overflow in half precision, or divide by nothing.
            logvar = logvar.clamp(-30, 20)
            drawn = mean + (0.5 * logvar).exp() * torch.randn_like(mean) if self.training else mean
        return Latents(drawn, None, mean, logvar_NPC=logvar)

    def lookup(self, codes_NPG: Tensor) -> NoReturn:
        """Raises `LimnerError`: there are no codes."""
        raise LimnerError("Gaussian latents have no codes to look up; decode their vectors")


@dataclass(frozen=True)
class SoftSettings:
    """`size` entries of `width` channels, of length one where `normalised`; `temperature` over squared distances."""

    size: int = 1024
    width: int = 8
    normalised: bool = True
    temperature: float = 0.07


class SoftQuantiser(nn.Module):
    """Takes and gives `width` channels."""

    books: tuple[int, ...] = ()

    def __init__(self, settings: SoftSettings = SoftSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.inputs = self.width = settings.width
        self.entries_VC = nn.Parameter(functional.normalize(torch.randn(settings.size, settings.width), dim=-1))

    def weights(self, tokens_NPC: Tensor) -> Tensor:
        """How much of each entry a token is: N x P x V, rows that sum to one."""
        with torch.autocast(tokens_NPC.device.type, enabled=False):
            tokens, entries = self._placed(tokens_NPC.float()), self._placed(self.entries_VC.float())
            # Without the token's own square, which a softmax does not see.
            far_NPV = entries.square().sum(-1) - 2 * tokens @ entries.T
            return (-far_NPV / self.settings.temperature).softmax(-1)

    def forward(self, tokens_NPC: Tensor) -> Latents:
        """Tokens to mixtures."""
        weights = self.weights(tokens_NPC)
        with torch.autocast(tokens_NPC.device.type, enabled=False):
            vectors = weights @ self._placed(self.entries_VC.float())
            return Latents(vectors, None, self._placed(tokens_NPC.float()))

    def lookup(self, codes_NPG: Tensor) -> NoReturn:
        """Raises `LimnerError`: there are no codes."""
        raise LimnerError("mixtures have no codes to look up; decode their vectors")

    def _placed(self, x: Tensor) -> Tensor:
        return functional.normalize(x, dim=-1) if self.settings.normalised else x
