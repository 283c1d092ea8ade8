"""Whether the images of an answer go together, and whether each fits the text around it, by encoders that are named.

An image that cannot be read is like nothing and fits nothing. Texts are cut to the words next to an image, since encoders
read few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from limner.corpus.pixels import Pixels, thumbnail
from limner.errors import MediaError
from limner.evaluate.metrics.alignment import above_others, cosines
from limner.evaluate.metrics.interleaving import Part, joined
from limner.evaluate.metrics.references import references
from limner.experts.image_encoder import image_encoder

_SIDE = 512
_NEAR = 60  # words of a text

Near = Literal["both", "before", "after"]


def readable(images: Sequence[bytes | Path]) -> tuple[list[int], list[Pixels]]:
    """The numbers of the images that can be decoded, and these, no side over 512 pixels."""
    numbers: list[int] = []
    pixels: list[Pixels] = []
    for number, image in enumerate(images):
        try:
            pixels.append(thumbnail(image.read_bytes() if isinstance(image, Path) else image, _SIDE))
        except MediaError:
            continue
        numbers.append(number)
    return numbers, pixels


@dataclass(frozen=True, slots=True)
class Coherence:
    """Cosines of an answer's images: the mean over all pairs, and over those that follow each other."""

    pairs: float
    neighbours: float


def image_coherence(images: Sequence[bytes | Path], address: str = "bundled:efficientnet-lite0") -> Coherence | None:
    """How alike an answer's images are by an encoder of images; None for fewer than two."""
    if len(images) < 2:
        return None
    there, pixels = readable(images)
    rows = np.asarray(image_encoder(address).embed(pixels), np.float64) if there else np.zeros((0, 1))
    whole = np.zeros((len(images), rows.shape[1]))
    whole[there] = rows
    alike = whole @ whole.T
    return Coherence(float(alike[np.triu_indices(len(images), 1)].mean()), float(np.diagonal(alike, 1).mean()))


@dataclass(frozen=True, slots=True)
class Fit:
    """How each image fits its text: `cosine`, and `above`, the share of other texts that fit it less (0.5 by chance), None
    where there are none."""

    cosine: tuple[float, ...]
    above: tuple[float | None, ...]


def text_image_coherence(parts: Sequence[Part], address: str, others: Sequence[str] = (), near: Near = "both") -> Fit | None:
    """How each image of an answer fits the nearest text before it and after it (the mean, or one side alone), against the
    answer's other texts and `others` (of other answers, say), by a joint encoder. None without images; cosines are 0 without
    texts."""
    whole = joined(parts)
    places = [i for i, part in enumerate(whole) if not isinstance(part, str)]
    if not places:
        return None
    texts: dict[str, int] = {}

    def numbers(some: Iterable[str]) -> list[int]:
        return [texts.setdefault(text, len(texts)) for text in some]

    asked: list[tuple[list[int], list[int]]] = []
    for place in places:
        beside = _beside(whole, place, near)
        rest = [part for i, part in enumerate(whole) if isinstance(part, str) and i not in beside]
        own = numbers(" ".join(words[:_NEAR] if i > place else words[-_NEAR:]) for i, words in beside.items())
        asked.append((own, numbers(" ".join(text.split()[:_NEAR]) for text in (*rest, *others) if text.strip())))
    there, pixels = readable([part for part in whole if not isinstance(part, str)])
    table = np.zeros((len(places), len(texts)))
    table[there] = cosines(pixels, list(texts), address)
    cosine: list[float] = []
    above: list[float | None] = []
    for image, (own, rest) in enumerate(asked):
        cosine.append(float(table[image, own].mean()) if own else 0.0)
        if not own or not rest:
            above.append(None)
        elif image not in there:
            above.append(0.0)
        else:
            above += above_others(np.array([[cosine[-1], *table[image, rest]]]), [0])
    return Fit(tuple(cosine), tuple(above))


def _beside(whole: Sequence[Part], place: int, near: Near) -> dict[int, list[str]]:
    """The numbers and the words of the texts nearest to an image."""
    before, after = range(place - 1, -1, -1), range(place + 1, len(whole))
    sides = {"both": (before, after), "before": (before,), "after": (after,)}[near]
    found = (next((i for i in side if isinstance(whole[i], str)), None) for side in sides)
    return {i: str(whole[i]).split() for i in found if i is not None}


def reference_fit(parts: Sequence[Part], address: str) -> float | None:
    """The share of an answer's other images that fit a sentence less than the image that it speaks of, a mean over the
    mentions whose image is there (0.5 by chance); None where there are none or there is one image alone."""
    whole = joined(parts)
    images = [part for part in whole if not isinstance(part, str)]
    said = [(mention.sentence, mention.image) for mention in references(parts).mentions if mention.image is not None]
    if not said or len(images) < 2:
        return None
    there, pixels = readable(images)
    table = np.full((len(said), len(images)), -1.0)
    table[:, there] = cosines(pixels, [text for text, _ in said], address).T
    return float(np.mean(above_others(table, [image for _, image in said])))
