"""How near an image is to the one that it should be: decibels, structure, and features of a named network.

Not LPIPS: the distance is that of `limner.train.objectives.perceptual`, whose weights are one and whose network is
EfficientNet-Lite0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.evaluate.metrics.library import library
from limner.evaluate.metrics.naming import named

NETWORK = "bundled:efficientnet-lite0"
SIDE = 256
"""Pixels of the square that images are brought to for features and structure."""


@cache
def _frozen() -> Any:
    """Stages on the whole image: they were trained on large ones, so it is not scaled again."""
    return library("limner.models.tokenizers.frozen", "the perceptual distance", "models").frozen_stages(scale=1.0)


def closeness(made: Sequence[Pixels], wanted: Sequence[Pixels]) -> list[dict[str, float]]:
    """For each pair of images (both scaled to 256 x 256): `psnr` (decibels, 100 for equal ones), `ssim` (1 for equal ones),
    `perceptual[ADDRESS]` (0 for equal ones, the lower the better)."""
    if len(made) != len(wanted):
        raise LimnerError(f"{len(made)} images cannot be compared with {len(wanted)}")
    torch = library("torch", "the closeness of images", "models")
    measures = library("limner.train.objectives.perceptual", "the closeness of images", "models")
    frozen = _frozen()
    found: list[dict[str, float]] = []
    with torch.no_grad():
        for pair in zip(made, wanted, strict=True):
            x, y = (torch.from_numpy(_square(image)) for image in pair)
            found.append(
                {
                    "psnr": float(measures.psnr(x, y)[0]),
                    "ssim": float(measures.ssim(x, y)[0]),
                    named("perceptual", NETWORK): float(measures.perceptual(frozen, x, y)),
                }
            )
    return found


def _square(image: Pixels) -> Any:
    """1 x 3 x R x S, from -1 to 1."""
    scaled = np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None] / 127.5 - 1)
