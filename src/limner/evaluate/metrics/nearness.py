"""How near an interleaved answer is to a reference, text and pictures apart, by encoders that are named; and how its pictures go with its own words.

`rougeL`           F1 of the longest common subsequence of words
`tokens[TEXT]`     F1 of how near the nearest token of the other text is, by the last states of an encoder of texts (as BERTScore, Zhang et al.
                   2020, arXiv 1904.09675, equation 1, without weights by rarity or baseline; sentences are read apart). Not BERTScore: its
                   network is another.
`images[IMAGE]`    the mean cosine of the n-th picture with the n-th of the reference, a missing or surplus one counting 0
`text-image[JOINT]`  2.5 times the cosine of a picture with the words at it, 0 below 0: needs no reference (as CLIPScore)

What an encoder made of a sentence or a picture is kept while the object lives. A measure is left out where a side has nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from limner.corpus.media import sha256
from limner.corpus.pixels import Pixels, thumbnail
from limner.curate.align import sentences
from limner.errors import LimnerError, MediaError
from limner.evaluate.metrics.naming import named
from limner.evaluate.metrics.text import rouge
from limner.experts.encoder import encoder
from limner.experts.image_encoder import image_encoder
from limner.experts.language import Content
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder

_TOKENS = 64  # of a sentence
_SIDE, _WORDS, _WEIGHT = 512, 60, 2.5
_MOST = 400  # sentences of a text


class Nearness:
    """The measures by these encoders."""

    def __init__(
        self,
        text: str = "bundled:minilm",
        image: str = "bundled:efficientnet-lite0",
        joint: str = "bundled:limner-pairs",
    ) -> None:
        self.text, self.image, self.joint = text, image, joint
        self.names = ("rougeL", named("tokens", text), named("images", image), named("text-image", joint))
        self._kept: dict[tuple[str, str], Floats] = {}

    def measures(self, answer: Sequence[Content], reference: Sequence[Content]) -> dict[str, float]:
        """The measures of an answer, by name."""
        found: dict[str, float] = {}
        (own, shown), (other, wanted) = _apart(answer), _apart(reference)
        if other.strip():
            found["rougeL"] = rouge(own, [other])["rougeL"]
            found[self.names[1]] = self._tokens(own, other)
        if wanted:
            found[self.names[2]] = self._images(shown, wanted)
        fit = self._fit(answer)
        return found | ({} if fit is None else {self.names[3]: fit})

    def _tokens(self, own: str, other: str) -> float:
        one, two = self._states(own), self._states(other)
        if not len(one) or not len(two):
            return 0.0
        like = one @ two.T
        precision, recall = float(like.max(axis=1).mean()), float(like.max(axis=0).mean())
        return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0

    def _states(self, text: str) -> Floats:
        """T x D: the states of all tokens, of length one."""
        model: Any = text_encoder(self.text)
        if not hasattr(model, "states"):
            raise LimnerError(f"{self.text} says nothing of single tokens: name an encoder of transformers")
        told = sentences(text)[:_MOST]

        def read(new: list[int]) -> list[Floats]:
            rows, mask = model.states([told[i] for i in new], _TOKENS)
            rows = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-6)
            return [row[there] for row, there in zip(rows, mask, strict=True)]

        found = self._rows(f"states {self.text}", told, read)
        return np.concatenate(found) if found else np.zeros((0, 1), np.float32)

    def _images(self, shown: Sequence[bytes], wanted: Sequence[bytes]) -> float:
        own, other = (self._looks(images, self.image) for images in (shown, wanted))
        pairs = [float(a @ b) if len(a) and len(b) else 0.0 for a, b in zip(own, other, strict=False)]
        return sum(pairs) / max(len(own), len(other))

    def _fit(self, answer: Sequence[Content]) -> float | None:
        """The mean over pictures of the better fit of the words before and after each."""
        fits: list[float] = []
        joint = encoder(self.joint)
        for at, part in enumerate(answer):
            if not isinstance(part, bytes):
                continue
            near = [answer[i] for i in (at - 1, at + 1) if 0 <= i < len(answer)]
            told = [" ".join(text.split()[:_WORDS]) for text in near if isinstance(text, str) and text.strip()]
            look = self._looks([part], self.joint)[0]
            if told and len(look):
                rows = self._rows(
                    f"words {self.joint}", told, lambda new, told=told: list(joint.embed_texts([told[i] for i in new]))
                )
                fits.append(_WEIGHT * max(max(float(row @ look) for row in rows), 0.0))
        return fmean(fits) if fits else None

    def _looks(self, images: Sequence[bytes], address: str) -> list[Floats]:
        """Of each image its features, none of one that does not decode."""

        def read(new: list[int]) -> list[Floats]:
            pixels = [_pixels(images[i]) for i in new]
            there = [image for image in pixels if image is not None]
            embed = image_encoder(address).embed if address == self.image else encoder(address).embed_images
            rows = iter(embed(there) if there else ())
            return [np.zeros(0, np.float32) if image is None else next(rows) for image in pixels]

        return self._rows(f"looks {address}", [sha256(image) for image in images], read)

    def _rows(self, kind: str, keys: Sequence[str], read: Callable[[list[int]], list[Floats]]) -> list[Floats]:
        new = [i for i, key in enumerate(keys) if (kind, key) not in self._kept and key not in keys[:i]]
        if new:
            self._kept.update(zip(((kind, keys[i]) for i in new), read(new), strict=True))
        return [self._kept[kind, key] for key in keys]


def _apart(parts: Sequence[Content]) -> tuple[str, list[bytes]]:
    """The texts, a line each, and the pictures."""
    texts = [part for part in parts if isinstance(part, str)]
    return "\n".join(texts), [part for part in parts if isinstance(part, bytes)]


def _pixels(data: bytes) -> Pixels | None:
    try:
        return thumbnail(data, _SIDE)
    except MediaError:
        return None
