"""Image tokenizers in recipes: how they learn, what they make of pictures, and how good drawn pictures are.

The features by which sets of pictures are compared are EfficientNet-Lite0's, and how well a picture is of its text is said by `bundled:limner-pairs`,
which was trained on other concepts of the same sets: neither is a FID or a CLIP score.

N pictures, P tokens, C channels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from limner.experts.device import place
from limner.experts.pairs.encoder import WEIGHTS
from limner.experts.pairs.features import image_features
from limner.experts.pairs.towers import load
from limner.experts.text_encoder import text_encoder
from limner.models.heads.vectors import pixels
from limner.models.tokenizers import Latents, Text, Tokenizer
from limner.models.tokenizers.frozen import FrozenStages, frozen_stages
from limner.recipes.drawings import Drawings, Some, batches
from limner.recipes.recipe import Measurement
from limner.train.imagetokenizer import Weights as OfCorpora
from limner.train.imagetokenizer import codes
from limner.train.objectives.perceptual import kernel_distance, perceptual, psnr, ssim
from limner.train.schedule import Schedule
from limner.train.trainer import Fit

SEEN = 1280
"""Features of EfficientNet-Lite0 among those of `image_features`."""


@dataclass(frozen=True)
class Weights(OfCorpora):
    """The perceptual loss is of the first `seen` pictures of a batch, since it costs more than all the rest."""

    seen: int = 8


def looking() -> FrozenStages:
    """The network that drawings are compared by."""
    return frozen_stages((0, 2, 4, 10), 1.0).to(place()[0])


def fitting(steps: int, seed: int) -> Fit:
    """How tokenizers and generators of small drawings are trained."""
    return Fit(steps=steps, rate=1e-3, decay=0.05, schedule=Schedule(warm=min(50, steps // 4)), log=steps, seed=seed)


class Learned(nn.Module):
    """A tokenizer in training. What latents it has says which loss its codes have. Texts are given where it is `told` them."""

    def __init__(self, tokenizer: nn.Module, frozen: FrozenStages, weights: Weights = Weights(), told: bool = False) -> None:
        super().__init__()
        self.tokenizer, self.frozen, self.weights, self.told = tokenizer, frozen, weights, told

    def counts(self, batch: Some) -> dict[str, float]:
        """See `limner.train.trainer.Model`: all losses are means over pictures."""
        return dict.fromkeys(("pixels", "perceptual", "codes"), float(len(batch)))

    def forward(self, batch: Some) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        images, w = batch.images, self.weights
        latents, drawn = cast("tuple[Latents, Tensor]", self.tokenizer(images, batch.text if self.told else None))
        near = (drawn.float() - images).square().mean()
        seen = w.perceptual * perceptual(self.frozen, drawn[: w.seen].float(), images[: w.seen])
        return {name: len(batch) * loss for name, loss in (("pixels", near), ("perceptual", seen), ("codes", codes(latents, w)))}


@torch.no_grad()
def encoded(tokenizer: Tokenizer, some: Some, told: bool = False, batch: int = 256) -> Latents:
    """The latents of pictures, a batch at a time."""
    found = [tokenizer.encode(b.images, b.text if told else None) for b in batches(some, batch)]
    codes = [x.codes_NPG for x in found if x.codes_NPG is not None]
    vectors = torch.cat([x.vectors_NPC for x in found])
    return Latents(vectors, torch.cat(codes) if codes else None, torch.cat([x.before_NPC for x in found]), grid=found[0].grid)


def coded(tokenizer: Tokenizer, some: Some) -> Some:
    """Pictures with their codes."""
    codes = encoded(tokenizer, some).codes_NPG
    assert codes is not None
    return Some({**some.held, "codes": codes})


@torch.no_grad()
def decoded(tokenizer: Tokenizer, vectors_NPC: Tensor, text: Text | None = None, batch: int = 256) -> Tensor:
    """The pictures of vectors, a batch at a time."""
    shown: list[Tensor] = []
    for at in range(0, len(vectors_NPC), batch):
        cut = slice(at, at + batch)
        given = None if text is None else Text(text.features_NLE[cut], text.mask_NL[cut])
        shown.append(tokenizer.decode(vectors_NPC[cut], given).float())
    return torch.cat(shown)


@torch.no_grad()
def closeness(frozen: FrozenStages, images: Tensor, drawn: Tensor) -> dict[str, float]:
    """How near pictures are to their originals: `psnr` (dB), `ssim`, `perceptual` (the lower the better)."""
    far = [
        float(perceptual(frozen, drawn[i : i + 256], images[i : i + 256])) * len(images[i : i + 256])
        for i in range(0, len(images), 256)
    ]
    return {
        "psnr": float(psnr(drawn, images).mean()),
        "ssim": float(ssim(drawn, images).mean()),
        "perceptual": sum(far) / len(images),
    }


def again(name: str, frozen: FrozenStages, images: Tensor, drawn: Tensor) -> Iterator[Measurement]:
    """The closeness of reconstructions, by the name of what made them."""
    for key, value in closeness(frozen, images, drawn).items():
        yield Measurement(f"{name}.{key}", value, "dB" if key == "psnr" else "", "of reconstructions of test pictures")


class Judge:
    """Says of pictures that were drawn of some texts how they are, against the real ones of those texts."""

    def __init__(self, real: Drawings) -> None:
        self.tower, texts = load(WEIGHTS)
        self.texts = texts(text_encoder("bundled:minilm").embed(list(real.texts)))
        self.names = np.unique(real.texts, return_inverse=True)[1]
        self.real = image_features(pixels(real.some.images))

    def __call__(self, drawn: Tensor | None = None) -> dict[str, float]:
        """`distance`: the kernel distance of features from the real pictures', times 1000; `alignment`: how many of the other texts fit a picture
        less than its own, in percent, a mean over pictures (50: chance). Of the real pictures themselves, the alignment alone."""
        features = self.real if drawn is None else image_features(pixels(drawn))
        scores = self.tower(features) @ self.texts.T
        own = scores[np.arange(len(scores)), np.arange(len(scores))]
        others = self.names[:, None] != self.names[None]
        below = ((scores < own[:, None]) & others).sum(1) / others.sum(1)
        told = {"alignment": 100 * float(below.mean())}
        if drawn is not None:
            a, b = (torch.from_numpy(x[:, :SEEN]) * SEEN**0.5 for x in (features, self.real))
            told["distance"] = 1000 * kernel_distance(a, b)
        return told

    def real_alignment(self) -> Measurement:
        """What the real pictures reach."""
        return Measurement("real.alignment", self()["alignment"], "%", "of the real pictures of the same texts")

    def measured(self, name: str, drawn: Tensor, setting: str = "") -> Iterator[Measurement]:
        """What pictures are found to be, by the name of what drew them, and by its setting."""
        found = self(drawn)
        yield Measurement(
            f"{name}.distance{setting}", found["distance"], "", "kernel distance of features from real pictures, x 1000"
        )
        yield Measurement(f"{name}.alignment{setting}", found["alignment"], "%", "of other texts that fit less; 50 is chance")
