"""Whether the images of a document belong together and get on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from limner.corpus.pixels import Pixels
from limner.curate.align import decoded
from limner.curate.operator import Context, Reason
from limner.document import Document
from limner.experts.image_encoder import image_encoder

Floats = NDArray[np.float32]

_NAMES = ("progress", "entities", "style")


class ImageScores(NamedTuple):
    """How the images of a document are judged; what each number means, `ImageSequence` says."""

    progress: float
    entities: float
    style: float


@dataclass(frozen=True)
class ImageSequence:
    """Drop documents whose images do not belong together.

    The image-sequence filter of CoMM (Chen et al. 2024, arXiv 2406.10462), on the features of an image encoder: progress is the mean
    cosine of neighbouring images less that of all others, so that a sequence counts which is coherent and moves on, not one
    that shows the same again and again. Beside it, apart: entities, the mean cosine of neighbouring images (the same
    things are seen), and style, how alike neighbours are in brightness, colour, contrast, flatness and edges (1 the same). A document with
    fewer than `least` images that decode is kept; progress is only judged from three on.

    Records `image-progress`, `image-entities` or `image-style` with the value; notes those that were judged for what is kept.

    `model`     address of the image encoder
    `progress`  least value, or none
    `entities`  least value, or none
    `style`     least value, or none
    `least`     images that a document needs to be judged
    `most`      images of a document that are looked at, from its beginning
    """

    model: str = "bundled:efficientnet-lite0"
    progress: float | None = -0.05
    entities: float | None = 0.2
    style: float | None = 0.6
    least: int = 2
    most: int = 32

    def __post_init__(self) -> None:
        if self.least < 2 or self.most < self.least:
            raise ValueError("least must be at least 2, most no less than it")

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        for document, found in zip(documents, self.scores(documents, context), strict=True):
            judged = [
                (name, value, getattr(self, name)) for name, value in zip(_NAMES, found or (), strict=False) if np.isfinite(value)
            ]
            fallen = next(((name, value, low) for name, value, low in judged if low is not None and value < low), None)
            if fallen is not None:
                context.drop(document, None, Reason(f"image-{fallen[0]}", round(fallen[1], 4), fallen[2]))
                continue
            for name, value, low in judged:
                context.note(document, None, Reason(f"image-{name}", round(value, 4), low))
            yield document

    def scores(self, documents: Sequence[Document], context: Context) -> list[ImageScores | None]:
        """The scores of each document, None for one with too few images; progress is not a number below three."""
        refs = dict.fromkeys(image.ref for document in documents for image in document.images[: self.most] if image.ref)
        features: dict[str, Floats] = {}
        looks: dict[str, Floats] = {}
        for names, pixels in decoded(refs, context):
            features.update(zip(names, image_encoder(self.model).embed(pixels), strict=True))
            looks.update(zip(names, map(appearance, pixels), strict=True))
        out: list[ImageScores | None] = []
        for document in documents:
            seen = [image.ref for image in document.images[: self.most] if image.ref in features]
            if len(seen) < self.least:
                out.append(None)
                continue
            alike = np.stack([features[ref] for ref in seen]) @ np.stack([features[ref] for ref in seen]).T
            style = np.stack([looks[ref] for ref in seen])
            steps = np.abs(style[1:] - style[:-1]).mean(axis=1)
            out.append(ImageScores(progress(alike), float(np.diagonal(alike, 1).mean()), float(1 - steps.mean())))
        return out


def progress(alike: NDArray[Any]) -> float:
    """The mean similarity of neighbours less that of all other pairs, of an N x N matrix; not a number for fewer than three.

    >>> round(progress(np.array([[1, 0.8, 0.2], [0.8, 1, 0.6], [0.2, 0.6, 1]])), 3)
    0.5
    """
    if len(alike) < 3:
        return float("nan")
    return float(np.diagonal(alike, 1).mean() - alike[np.triu_indices(len(alike), 2)].mean())


def appearance(pixels: Pixels) -> Floats:
    """What an image looks like, whatever it shows: nine numbers of 0-1, the means and spreads of its colours, how colourful it is, how much
    of it is of one colour, and how much is edges."""
    small = pixels[:: max(pixels.shape[0] // 128, 1), :: max(pixels.shape[1] // 128, 1)].astype(np.float32) / 255
    flat = small.reshape(-1, 3)
    colourful = (flat.max(axis=1) - flat.min(axis=1)).mean()
    buckets = np.unique((flat * 15).astype(np.int32) @ np.array([1, 16, 256]), return_counts=True)[1]
    gray = small.mean(axis=2)
    edges = np.mean([np.abs(np.diff(gray, axis=axis)).mean() if gray.shape[axis] > 1 else 0.0 for axis in (0, 1)])
    values = [*flat.mean(axis=0), *(2 * flat.std(axis=0)), colourful, buckets.max() / len(flat), min(8 * float(edges), 1.0)]
    return np.clip(np.array(values, np.float32), 0, 1)
