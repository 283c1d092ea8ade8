"""A joint encoder for tests that is exact: an image is its mean colour, a text the mean of the colours it names."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow

from limner.experts.encoder import unit

COLOURS = {
    "red": (220, 20, 20),
    "green": (20, 200, 20),
    "blue": (20, 20, 220),
    "yellow": (230, 230, 20),
    "cyan": (20, 220, 220),
    "magenta": (220, 20, 220),
}


class ColourEncoder:
    """Three dimensions: red, green and blue, less the grey they share."""

    def embed_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return _point(np.array([image.reshape(-1, 3).mean(axis=0) for image in images]))

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        named = [[COLOURS[w] for w in re.findall(r"\w+", text.lower()) if w in COLOURS] for text in texts]
        return _point(np.array([np.mean(colours, axis=0) if colours else (0, 0, 0) for colours in named], float))


def _point(colours: np.ndarray) -> np.ndarray:
    return unit((colours - colours.mean(axis=1, keepdims=True)).astype(np.float32))


def flat(colour: str, size: int = 20) -> bytes:
    """A PNG of that colour."""
    with io.BytesIO() as file:
        Pillow.new("RGB", (size, size), COLOURS[colour]).save(file, "PNG")
        return file.getvalue()
