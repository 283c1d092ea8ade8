"""Generators of image tokens in recipes: one token after the other, codes by diffusion, vectors by a flow; each is told a text.

All drop a share of the texts in training, so that they can be led by a guidance.

N pictures, P tokens, G codes of a token, C channels of a vector, S sizes of all codebooks together.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from limner.models.dit import DiT, DiTSettings
from limner.models.guidance import guided
from limner.models.sampling import Steps, flow
from limner.models.seq2seq import Seq2Seq, Seq2SeqSettings, code_losses
from limner.models.time_embedding import TIMES
from limner.models.tokenizers import Text
from limner.models.uniform_diffusion import draw, noisy, one_hot
from limner.recipes.drawings import Some
from limner.train.objectives import diffusion

DROPPED = 0.1
"""Texts that are taken away in training (Ho and Salimans 2022, arXiv 2207.12598, section 4)."""


@dataclass(frozen=True)
class Size:
    """Of a generator: `encoder` layers over the text (of those that have an encoder) and `depth` layers over tokens."""

    width: int = 128
    heads: int = 4
    encoder: int = 1
    depth: int = 3


class OneByOne(nn.Module):
    """Codes, one token after the other; its batches have `codes`."""

    def __init__(self, books: tuple[int, ...], length: int, size: Size, text: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.model = Seq2Seq(Seq2SeqSettings(size.width, size.heads, size.encoder, size.depth, text, books, length, dropout))

    def counts(self, batch: Some) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        return {"codes": float(batch["codes"].numel())}

    def forward(self, batch: Some) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        return {"codes": self.model.losses(batch["codes"], batch.captioned(DROPPED)).sum()}

    @torch.no_grad()
    def loss(self, some: Some) -> float:
        """Nats a code of pictures that have their texts."""
        return float(self.model.losses(some["codes"], some.text).mean())

    def draw(self, text: Text, scale: float, steps: int, chance: torch.Generator) -> Tensor:
        """Codes N x P x G of texts; steps are as many as there are tokens."""
        return self.model.draw(text, scale, chance=chance)


class AllAtOnce(nn.Module):
    """Codes, all noisy at one time; its batches have `codes`."""

    def __init__(self, books: tuple[int, ...], length: int, size: Size, text: int) -> None:
        super().__init__()
        self.books, self.length = books, length
        self.model = DiT(_line(sum(books), length, size, text))

    def counts(self, batch: Some) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        return {"codes": float(batch["codes"].numel())}

    def forward(self, batch: Some) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        codes, text = batch["codes"], batch.captioned(DROPPED)
        time = torch.rand(len(codes), device=codes.device)
        logits = self._logits(noisy(codes, time, self.books), TIMES * time, text)
        return {"codes": code_losses(logits, codes, self.books).sum()}

    def draw(self, text: Text, scale: float, steps: int, chance: torch.Generator) -> Tensor:
        """Codes N x P x G of texts."""
        led = guided(self._logits, [_none(text), text], [scale])
        return draw(led, len(text.mask_NL), self.length, self.books, steps, chance=chance, device=text.mask_NL.device)

    def _logits(self, codes: Tensor, time: Tensor, text: Text) -> Tensor:
        x = one_hot(codes, self.books).transpose(1, 2)[:, :, None]
        return self.model(x, time, *_with_nothing(text))[:, :, 0].transpose(1, 2)


class Flowing(nn.Module):
    """Vectors of mean 0 and deviation 1 by a rectified flow; its batches have `vectors`, N x P x C."""

    def __init__(self, channels: int, length: int, size: Size, text: int) -> None:
        super().__init__()
        self.channels, self.length = channels, length
        self.model = DiT(_line(channels, length, size, text))

    def counts(self, batch: Some) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        return {"velocity": float(len(batch))}

    def forward(self, batch: Some) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        text = batch.captioned(DROPPED)
        return {"velocity": diffusion.flow(lambda x, time: self._velocity(x, time, text), _row(batch["vectors"])).sum()}

    @torch.no_grad()
    def draw(self, text: Text, scale: float, steps: int, chance: torch.Generator) -> Tensor:
        """Vectors N x P x C of texts."""
        led = guided(self._velocity, [_none(text), text], [scale])
        noise = torch.randn(len(text.mask_NL), self.channels, 1, self.length, generator=chance, device=chance.device)
        return flow(led, noise.to(text.mask_NL.device), Steps(steps))[:, :, 0].transpose(1, 2)

    def _velocity(self, x: Tensor, time: Tensor, text: Text) -> Tensor:
        return self.model(x, time, *_with_nothing(text))


def _line(channels: int, length: int, size: Size, text: int) -> DiTSettings:
    """A DiT over tokens in one row: places of one column are all the same."""
    return DiTSettings(channels, 1, length, size.width, size.heads, size.depth, text)


def _row(vectors_NPC: Tensor) -> Tensor:
    return vectors_NPC.transpose(1, 2)[:, :, None]


def _none(text: Text) -> Text:
    return Text(text.features_NLE, torch.zeros_like(text.mask_NL))


def _with_nothing(text: Text) -> tuple[Tensor, Tensor]:
    """Before the text's tokens one of zeros that is always there: "no text" is attended to as well."""
    features = torch.cat(
        [text.features_NLE.new_zeros(len(text.features_NLE), 1, text.features_NLE.shape[2]), text.features_NLE], 1
    )
    return features, torch.cat([text.mask_NL.new_ones(len(text.mask_NL), 1), text.mask_NL], 1)
