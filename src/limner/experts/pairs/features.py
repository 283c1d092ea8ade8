"""What the towers of images look at: EfficientNet-Lite0's features, and where a picture has which colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from limner.corpus.pixels import Pixels
from limner.experts.image_encoder import image_encoder
from limner.experts.onnx import Floats

_GRID = 4  # cells a side whose mean colour counts
_STEPS = 4  # of each of red, green and blue, in the histogram
SIDE = 256
"""Pixels of the longer side that images are scaled down to."""


def image_features(images: Sequence[Pixels]) -> Floats:
    """N x (1280 + 48 + 64) for N images (height x width x 3 bytes, RGB)."""
    if not images:
        return np.empty((0, 1280 + 3 * _GRID**2 + _STEPS**3), np.float32)
    seen = image_encoder("bundled:efficientnet-lite0").embed([_square(image) for image in images])
    return np.concatenate([seen, np.stack([_colours(image) for image in images])], axis=1).astype(np.float32)


def _square(pixels: Pixels) -> Pixels:
    """On white, so that nothing of a long picture is cut off."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    if height == width:
        return pixels
    canvas = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = pixels
    return canvas


def _colours(pixels: Pixels) -> Floats:
    cells = Image.fromarray(_square(pixels)).resize((_GRID, _GRID), Image.Resampling.BOX)
    steps = (pixels.reshape(-1, 3) // (256 // _STEPS)).astype(np.int64)
    counts = np.bincount(steps @ np.array([_STEPS**2, _STEPS, 1]), minlength=_STEPS**3)
    return np.concatenate([np.asarray(cells, np.float32).ravel() / 255, np.sqrt(counts / max(counts.sum(), 1))]).astype(
        np.float32
    )
