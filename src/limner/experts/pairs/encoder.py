"""`bundled:limner-pairs` as a joint encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from limner.corpus.pixels import Pixels
from limner.experts.onnx import Floats
from limner.experts.pairs.features import image_features
from limner.experts.pairs.towers import Tower, load
from limner.experts.text_encoder import text_encoder

WEIGHTS = Path(__file__).with_name("towers.npz")
TEXTS = "bundled:minilm"
"""The encoder of sentences whose features the tower of texts takes."""


class Pairs:
    """Towers over the features of `image_features` and of `TEXTS`. English; drawings, icons and plots (docs/pairs.md)."""

    def __init__(self, images: Tower, texts: Tower) -> None:
        self._images, self._texts = images, texts

    def embed_images(self, images: Sequence[Pixels]) -> Floats:
        """See `limner.experts.encoder.Encoder`."""
        return self._images(image_features(images))

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """See `limner.experts.encoder.Encoder`."""
        return self._texts(text_encoder(TEXTS).embed(list(texts)))


def bundled() -> Pairs:
    """The towers that come with limner."""
    return Pairs(*load(WEIGHTS))
