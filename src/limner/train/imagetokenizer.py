"""Training an image tokenizer on the images of a corpus: pixels, what a frozen network sees, and what its codes need.

N images, C channels, R x S pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.models.heads.vectors import images
from limner.models.tokenizers import Latents
from limner.train.batches import Rows
from limner.train.objectives.codebook import codebook, commitment, divergence, undecided

Perceives = Callable[[Tensor, Tensor], Tensor]
"""How unlike drawn images look to their originals, by a network: the mean over images."""


@dataclass(frozen=True)
class Weights:
    """How much each loss counts beside the mean squared error of pixels."""

    perceptual: float = 0.1
    commitment: float = 0.25
    undecided: float = 0.1
    divergence: float = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A batch of images, from -1 to 1."""

    image_NCRS: Tensor

    def __len__(self) -> int:
        return len(self.image_NCRS)

    def to(self, device: Any) -> Shown:
        """On that device."""
        return Shown(self.image_NCRS.to(device))


def codes(latents: Latents, weights: Weights) -> Tensor:
    """What latents need for themselves, a mean over images: of a codebook, of a distribution, or of bits."""
    if latents.nearest_NPC is not None:
        return codebook(latents) + weights.commitment * commitment(latents)
    if latents.logvar_NPC is not None:
        return weights.divergence * divergence(latents)
    return weights.undecided * undecided(latents.before_NPC)


class TokenizerTraining(nn.Module):
    """A tokenizer as the trainer takes it. What latents it has says which loss its codes have; `perceives` is left out where there is none."""

    def __init__(self, tokenizer: nn.Module, weights: Weights = Weights(), perceives: Perceives | None = None) -> None:
        super().__init__()
        self.tokenizer, self.weights, self.perceives = tokenizer, weights, perceives

    def counts(self, batch: Shown) -> dict[str, float]:
        """See `limner.train.trainer.Model`: losses are means over images."""
        return dict.fromkeys(("pixels", "codes", *(["perceptual"] if self.perceives else [])), float(len(batch)))

    def forward(self, batch: Shown) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        images, w = batch.image_NCRS, self.weights
        latents, drawn = cast("tuple[Latents, Tensor]", self.tokenizer(images))
        losses = {"pixels": (drawn.float() - images).square().mean(), "codes": codes(latents, w)}
        if self.perceives is not None:
            losses["perceptual"] = w.perceptual * self.perceives(drawn.float(), images)
        return {name: len(batch) * loss for name, loss in losses.items()}


def dealt(pictures: Sequence[Pixels], batch: int, seed: int = 0) -> Rows:
    """Batches of pictures of one size, of all there are where those are fewer than `batch`. Raises `LimnerError` where there are none."""
    if not pictures:
        raise LimnerError("there are no pictures to learn an image tokenizer from")
    return Rows(len(pictures), min(batch, len(pictures)), seed, lambda rows: Shown(images([pictures[i] for i in rows])))


@torch.no_grad()
def vectors(tokenizer: nn.Module, pictures: Sequence[Pixels], batch: int = 64) -> Tensor:
    """The latents of pictures, N x P x C."""
    some = [list(pictures[at : at + batch]) for at in range(0, len(pictures), batch)]
    return torch.cat([cast("Any", tokenizer).encode(images(each)).vectors_NPC for each in some])
