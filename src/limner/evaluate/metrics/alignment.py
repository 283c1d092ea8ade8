"""How well an image fits a text, by a joint encoder that is named.

A cosine means something only beside those of other texts or of other models by the same encoder: `named("text-image",
address)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.evaluate.metrics.naming import standard
from limner.experts.encoder import encoder

_WEIGHT = 2.5
_BEGIN = "A photo depicts "


def cosines(images: Sequence[Pixels], texts: Sequence[str], address: str) -> NDArray[np.float64]:
    """The cosine of each of N images with each of M texts: N x M."""
    joint = encoder(address)
    if not images or not texts:
        return np.zeros((len(images), len(texts)))
    rows, columns = (np.asarray(found, np.float64) for found in (joint.embed_images(images), joint.embed_texts(texts)))
    return rows @ columns.T


def text_image(images: Sequence[Pixels], texts: Sequence[str], address: str) -> list[float]:
    """For each image and its text 2.5 times the cosine, 0 below 0 (Hessel et al. 2021, arXiv 2104.08718, equation 1; its
    constant suits CLIP's cosines). With the network of CLIPScore texts begin as there."""
    if len(images) != len(texts):
        raise LimnerError(f"{len(images)} images have {len(texts)} texts")
    if not images:
        return []
    joint = encoder(address)
    begin = _BEGIN if standard("text-image", address) else ""
    pairs = np.einsum("nd,nd->n", joint.embed_images(images), joint.embed_texts([begin + text for text in texts]))
    return [_WEIGHT * max(float(cosine), 0.0) for cosine in pairs]


def above_others(cosines: NDArray[np.float64], own: Sequence[int]) -> list[float]:
    """For each image (row) the share of other texts (columns) that fit it less than its own, ties half: 0.5 by chance, 1 at
    best."""
    out: list[float] = []
    for row, at in zip(cosines, own, strict=True):
        others = np.delete(row, at)
        if not len(others):
            raise LimnerError("a text is compared with another one at least")
        out.append(float(((others < row[at]) + 0.5 * (others == row[at])).mean()))
    return out
