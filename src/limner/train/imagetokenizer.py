"""Training an image tokenizer on the images of a corpus: pixels, what a frozen network sees, and what its codes need.

N images, C channels, R x S pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.models.heads.vectors import images
from limner.models.tokenizers import Latents
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
        if latents.nearest_NPC is not None:
            codes = codebook(latents) + w.commitment * commitment(latents)
        elif latents.logvar_NPC is not None:
            codes = w.divergence * divergence(latents)
        else:
            codes = w.undecided * undecided(latents.before_NPC)
        losses = {"pixels": (drawn.float() - images).square().mean(), "codes": codes}
        if self.perceives is not None:
            losses["perceptual"] = w.perceptual * self.perceives(drawn.float(), images)
        return {name: len(batch) * loss for name, loss in losses.items()}


class Dealt:
    """Batches of pictures of one size without end, in another order each pass. See `limner.train.batches.Batches`."""

    def __init__(self, pictures: Sequence[Pixels], batch: int, seed: int = 0) -> None:
        if not pictures:
            raise LimnerError("there are no pictures to learn an image tokenizer from")
        self._pictures, self._batch, self._seed = pictures, min(batch, len(pictures)), seed
        self._epoch = self._at = 0

    def state_dict(self) -> dict[str, Any]:
        """See `Batches`."""
        return {"epoch": self._epoch, "at": self._at}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Batches`."""
        self._epoch, self._at = int(state["epoch"]), int(state["at"])

    def __iter__(self) -> Iterator[Shown]:
        while True:
            order = np.random.default_rng([self._seed, self._epoch]).permutation(len(self._pictures))
            while self._at + self._batch <= len(order):
                rows = order[self._at : self._at + self._batch]
                self._at += self._batch
                yield Shown(images([self._pictures[i] for i in rows]))
            self._epoch, self._at = self._epoch + 1, 0


@torch.no_grad()
def vectors(tokenizer: nn.Module, pictures: Sequence[Pixels], batch: int = 64) -> Tensor:
    """The latents of pictures, N x P x C."""
    some = [list(pictures[at : at + batch]) for at in range(0, len(pictures), batch)]
    return torch.cat([cast("Any", tokenizer).encode(images(each)).vectors_NPC for each in some])
