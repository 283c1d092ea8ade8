"""Images and texts that belong together by rank: closer to each other than to what random other documents have."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limner.curate.align import ROLES, decoded
from limner.curate.operator import Context, Reason, drop_parts
from limner.document import Document, Image, Role, Text
from limner.experts.encoder import encoder

Floats = NDArray[np.float32]

_TEXTS = 64
_NEAR = 4
"""Negative texts are drawn from the `_NEAR` times as many whose length is nearest."""


@dataclass(frozen=True)
class _Pool:
    """The images, or the texts, of one language in a batch: vectors N x D, whose document each is of, and a size."""

    vectors: Floats
    owner: NDArray[np.int64]
    size: NDArray[np.int64]

    def sample(self, document: int, most: int, chance: random.Random, like: int | None = None) -> Floats:
        """At most `most` vectors of other documents, drawn at random; of sizes near `like` where it is given."""
        others = np.flatnonzero(self.owner != document)
        if like is not None:
            others = others[np.argsort(np.abs(self.size[others] - like), kind="stable")[: _NEAR * most]]
        chosen = chance.sample(others.tolist(), min(most, len(others)))
        return self.vectors[chosen]


@dataclass(frozen=True)
class JointRank:
    """Drop images, and where asked texts, that fit nothing in their document better than they fit random other documents.

    The joint filter of mOSCAR (Futeral et al. 2024, arXiv 2406.08707, section 3.6), which mimics retrieval. Negatives are drawn
    from other documents of the same language: images for a text, texts about as long as the document's for an image. An image is
    valid where its cosine similarity to at least one text of its document is among the `top` best of that one and the negative
    texts; a text likewise, among the negative images. What is not valid goes. Ranks need no threshold, so one setting serves all
    languages.

    `negatives` and `top` are the paper's 63 and 8. It drops texts as well (`drop` "both": 35 % of text nodes and 10 % of images
    there); the default keeps them. It draws negatives for each pair, this filter once for each part, and from the same batch of
    the plan: where that has fewer than `negatives`, the rank asked for shrinks in proportion; with fewer than `least` nothing is
    judged. Images not stored or not decodable, texts of other roles, and documents that lack either side stay as they are.
    Records `image-unmatched` and `text-unmatched` with the best rank (1 is best) and the greatest rank that stays.

    `model`      address of the encoder: hf:NAME or onnx:FOLDER
    `negatives`  how many negatives are drawn a part
    `top`        the greatest rank of a valid pair among so many negatives
    `least`      nothing is judged with fewer negatives than this
    `drop`       "images", or "both" images and texts as the paper does
    `roles`      roles of the texts that are compared
    `seed`       of the draw of negatives
    """

    model: str
    negatives: int = 63
    top: int = 8
    least: int = 8
    drop: Literal["images", "both"] = "images"
    roles: tuple[Role, ...] = ROLES
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.top <= self.negatives or not 1 <= self.least <= self.negatives:
            raise ValueError("top and least must be at least 1 and at most negatives")

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        gone: dict[int, dict[int, Reason]] = {}
        for language in dict.fromkeys(d.language for d in documents):
            mine = [i for i, document in enumerate(documents) if document.language == language]
            gone |= self._judge([(i, documents[i]) for i in mine], context)
        for i, document in enumerate(documents):
            yield from drop_parts(document, gone.get(i, {}), context)

    def _judge(self, documents: Sequence[tuple[int, Document]], context: Context) -> dict[int, dict[int, Reason]]:
        """What goes from each document, by its number."""
        known = self._embed_images(documents, context)
        shown = [(i, image) for i, d in documents for image in d.images if image.ref in known]
        read = [(i, text) for i, d in documents for text in d.texts if text.role in self.roles and text.text.strip()]
        if not shown or not read:
            return {}
        images = _pool([known[image.ref] for _, image in shown], [i for i, _ in shown], [0] * len(shown))
        vectors = [row for at in range(0, len(read), _TEXTS) for row in self._embed_texts(read[at : at + _TEXTS])]
        texts = _pool(vectors, [i for i, _ in read], [len(text.text) for _, text in read])
        return {i: self._document(i, document, shown, read, images, texts) for i, document in documents}

    def _document(
        self, i: int, document: Document, shown: Sequence[tuple[int, Image]], read: Sequence[tuple[int, Text]],
        images: _Pool, texts: _Pool,
    ) -> dict[int, Reason]:  # fmt: skip
        rows, columns = np.flatnonzero(images.owner == i), np.flatnonzero(texts.owner == i)
        if not len(rows) or not len(columns):
            return {}
        chance = random.Random(f"{self.seed}/{document.id}")
        pairs = images.vectors[rows] @ texts.vectors[columns].T
        length = int(np.median(texts.size[columns]))
        best: list[Floats] = []
        for own, other, like, measured in (
            (images.vectors[rows], texts, length, pairs),
            (texts.vectors[columns], images, None, pairs.T),
        ):
            # Of each part, the rank of its best partner as a share of the negatives, 0 the best.
            ranks = np.zeros(len(own), np.float32)
            for k, vector in enumerate(own):
                against = other.sample(i, self.negatives, chance, like)
                if len(against) < self.least:
                    return {}
                ranks[k] = (against @ vector > measured[k].max()).mean()
            best.append(ranks)
        gone = self._unmatched([shown[r][1].n for r in rows.tolist()], best[0], "image-unmatched")
        if self.drop == "both":
            gone |= self._unmatched([read[c][1].n for c in columns.tolist()], best[1], "text-unmatched")
        return gone

    def _unmatched(self, numbers: Sequence[int], best: Floats, reason: str) -> dict[int, Reason]:
        ranks = 1 + np.round(best * self.negatives, 2)
        return {
            n: Reason(reason, float(rank), self.top)
            for n, rank, share in zip(numbers, ranks, best, strict=True)
            if share * self.negatives >= self.top
        }

    def _embed_images(self, documents: Sequence[tuple[int, Document]], context: Context) -> dict[str, Floats]:
        known: dict[str, Floats] = {}
        for refs, pixels in decoded(dict.fromkeys(x.ref for _, d in documents for x in d.images if x.ref), context):
            known.update(zip(refs, encoder(self.model).embed_images(pixels), strict=True))
        return known

    def _embed_texts(self, texts: Sequence[tuple[int, Text]]) -> Floats:
        return encoder(self.model).embed_texts([text.text for _, text in texts])


def _pool(vectors: Sequence[Floats], owners: Sequence[int], sizes: Sequence[int]) -> _Pool:
    return _Pool(np.stack(vectors), np.array(owners, np.int64), np.array(sizes, np.int64))
