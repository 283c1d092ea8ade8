"""What a classifier of photographs sees in pictures: the thousand classes of ImageNet, by name.

EfficientNet-Lite0 (see `limner.experts.efficientnet`) and the names of the classes, from WordNet (Russakovsky et al. 2015, arXiv
1409.0575). It knows animals, plants and things of everyday life, one at a time; it knows no people, actions or drawings, and is
never at a loss: what it has no class for, it calls by the class that looks most like it. It serves three ports:

`captioner`  `bundled:imagenet`  a sentence with the likeliest names; a classifier's guess, no description of a scene
`detector`   `bundled:imagenet`  the names that parts of the picture are likely to be, with the part; windows, no boxes drawn around things
`encoder`    `bundled:conse`     pictures in the space of `bundled:minilm`, where the names of their likeliest classes lie, each as much as
                                 it is likely (ConSE: Norouzi et al. 2014, arXiv 1312.5650)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.corpus.pixels import Pixels
from limner.errors import ExpertError
from limner.experts.detector import Seen
from limner.experts.encoder import Encoder, unit
from limner.experts.image_encoder import LiteEncoder
from limner.experts.image_encoder import bundled as bundled_image
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder
from limner.experts.weights import weights

_SURE, _LIKELY = 0.5, 0.08  # probabilities from which one name is said, and from which several are
_NAMES = 3  # names of a caption, at most
_TOP = 10  # classes that a picture's place is made of (ConSE's T)
_FOUND = 0.4  # probability of a name that a part of a picture is said to be
_PART = 0.6  # sides of a part, as shares of the picture's
_BATCH = 32


@cache
def names() -> tuple[tuple[str, ...], ...]:
    """The names of each class, the commonest first."""
    read: dict[str, str] = json.loads((weights("imagenet-names") / "names.json").read_text("utf-8"))
    return tuple(tuple(name.strip() for name in read[str(i)].split(",")) for i in range(len(read)))


@cache
def _network() -> LiteEncoder:
    return bundled_image("efficientnet-lite0")


class Captioner:
    """Says what a classifier sees."""

    def caption(self, images: Sequence[Pixels]) -> list[str]:
        """See `limner.experts.captioner.Captioner`."""
        return [_said(row) for row in _network().classes(images)]


class Detector:
    """Says what a classifier sees in parts of a picture."""

    def detect(self, images: Sequence[Pixels]) -> list[list[Seen]]:
        """See `limner.experts.detector.Detector`. Nine parts that overlap; of parts that are the same, the surest."""
        out: list[list[Seen]] = []
        for pixels in images:
            boxes = [_box(pixels, x, y) for y in (0.0, 0.5, 1.0) for x in (0.0, 0.5, 1.0)]
            best: dict[str, Seen] = {}
            for box, row in zip(boxes, _network().classes([pixels[b:d, a:c] for a, b, c, d in boxes]), strict=True):
                at = int(row.argmax())
                name, score = names()[at][0], float(row[at])
                if score >= _FOUND and (name not in best or best[name].score < score):
                    best[name] = Seen(name, score, box)
            out.append(sorted(best.values(), key=lambda seen: -seen.score))
        return out


class Conse:
    """Pictures and texts in the space of a text encoder."""

    def __init__(self) -> None:
        self._texts = text_encoder("bundled:minilm")
        self._classes = self._texts.embed([", ".join(each) for each in names()])

    def embed_images(self, images: Sequence[Pixels]) -> Floats:
        """See `Encoder`."""
        rows = [
            self._place(row)
            for first in range(0, len(images), _BATCH)
            for row in _network().classes(images[first : first + _BATCH])
        ]
        return unit(np.stack(rows)) if rows else np.empty((0, self._classes.shape[1]), np.float32)

    def _place(self, row: Floats) -> Floats:
        top = np.argsort(row)[-_TOP:]
        return row[top] @ self._classes[top]

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        return self._texts.embed(texts)


def _said(row: NDArray[np.float32]) -> str:
    """A sentence with the likeliest names, "" where none is likely."""
    order = np.argsort(row)[::-1]
    best = [names()[i][0] for i in order[:_NAMES].tolist() if row[i] >= _LIKELY]
    if not best:
        return ""
    if row[order[0]] >= _SURE:
        return f"A picture of {_article(best[0])}."
    return "A picture that may show " + " or ".join(map(_article, best)) + "."


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _box(pixels: Pixels, x: float, y: float) -> tuple[int, int, int, int]:
    height, width = pixels.shape[:2]
    left, top = round(x * (1 - _PART) * width), round(y * (1 - _PART) * height)
    return left, top, max(left + round(_PART * width), left + 1), max(top + round(_PART * height), top + 1)


def captioner(name: str) -> Captioner:
    """`imagenet`."""
    _known("captioner", name, "imagenet")
    return Captioner()


def detector(name: str) -> Detector:
    """`imagenet`."""
    _known("detector", name, "imagenet")
    return Detector()


def encoder(name: str) -> Encoder:
    """`conse`, or `limner-pairs`."""
    if name == "limner-pairs":
        from limner.experts.pairs.encoder import bundled

        return bundled()
    _known("joint encoder", name, "conse")
    return Conse()


def _known(what: str, name: str, known: str) -> None:
    if name != known:
        raise ExpertError(f"there is no bundled {what} {name!r}; there is bundled:{known}")
