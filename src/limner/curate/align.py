"""Which image goes with which text: an optimal assignment on the similarities of a joint encoder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from limner.corpus.pixels import Pixels, thumbnail
from limner.curate.operator import Context, Reason, drop_parts
from limner.document import Document, Role
from limner.errors import MediaError
from limner.experts.encoder import encoder

SIDE = 512
ROLES: tuple[Role, ...] = ("paragraph", "heading", "list", "quote", "caption")

_SENTENCE = re.compile(r".+?(?:[.!?…]+[\"'”’)\]]*(?=\s|\Z)|[。！？]+[」』”）]*|\n|\Z)", re.DOTALL)


class Piece(NamedTuple):
    """A text to be matched: the part it stands in, the number of the sentence in it, and the words."""

    n: int
    sentence: int
    text: str


def assign(similarity: NDArray[Any]) -> list[tuple[int, int]]:
    """The pairs (row, column) of an images x texts matrix that have the greatest sum, no row or column twice: a
    bipartite linear assignment (MMC4: Zhu et al. 2023, arXiv 2304.06939, section 3). Fewer texts than images leave
    images over.

    >>> assign(np.array([[0.9, 0.8], [0.85, 0.1]]))
    [(0, 1), (1, 0)]
    """
    if not similarity.size:
        return []
    rows, columns = cast("tuple[NDArray[np.intp], NDArray[np.intp]]", linear_sum_assignment(similarity, maximize=True))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


@dataclass(frozen=True)
class Align:
    """Match the images of each document to its texts, and drop images that fit none of them.

    As MMC4 does with CLIP (Zhu et al. 2023, arXiv 2304.06939, section 3): cosine similarities of all images and sentences, images
    whose best is below the threshold dropped (0.15 there, with CLIP ViT-L/14), the rest assigned so that the sum of
    similarities is greatest and no text has two images; where there are more images than texts, those left over go to the text
    they suit best (its footnote 11). Nothing is moved: where an image belongs is a note. Images that are not stored or not
    decodable are left as they are.

    Records `image-unaligned` with the best similarity; notes `aligned` with the similarity and, as detail, the n of
    the text, with "#" and the number of its sentence where sentences are matched.

    `model`      address of the encoder: hf:NAME or onnx:FOLDER
    `threshold`  least best similarity (cosine) of an image that stays
    `unit`       match a "sentence" or a "paragraph"
    `roles`      roles of the texts that are matched
    """

    model: str
    threshold: float = 0.15
    unit: Literal["sentence", "paragraph"] = "sentence"
    roles: tuple[Role, ...] = ROLES

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        stored = dict.fromkeys(image.ref for document in documents for image in document.images if image.ref)
        known: dict[str, NDArray[np.float32]] = {}
        for refs, pixels in decoded(stored, context):
            known.update(zip(refs, encoder(self.model).embed_images(pixels), strict=True))
        for document in documents:
            yield from self._align(document, known, context)

    def _align(self, document: Document, known: dict[str, NDArray[np.float32]], context: Context) -> Iterator[Document]:
        images = [image for image in document.images if image.ref in known]
        pieces = self._pieces(document)
        if not images or not pieces:
            yield document
            return
        texts = encoder(self.model).embed_texts([piece.text for piece in pieces])
        similarity = np.stack([known[image.ref] for image in images]) @ texts.T
        best = similarity.max(axis=1)
        left = np.flatnonzero(best >= self.threshold)
        assigned = dict(assign(similarity[left]))
        over = {row: int(similarity[left[row]].argmax()) for row in range(len(left)) if row not in assigned}
        for row, column in sorted({**assigned, **over}.items()):
            piece, value = pieces[column], float(similarity[left[row], column])
            where = f"{piece.n}#{piece.sentence}" if self.unit == "sentence" else str(piece.n)
            context.note(document, images[left[row]], Reason("aligned", round(value, 4), self.threshold, where))
        gone = {
            image.n: Reason("image-unaligned", round(float(value), 4), self.threshold)
            for image, value in zip(images, best.tolist(), strict=True)
            if value < self.threshold
        }
        yield from drop_parts(document, gone, context)

    def _pieces(self, document: Document) -> list[Piece]:
        pieces: list[Piece] = []
        for text in document.texts:
            if text.role in self.roles:
                cut = sentences(text.text) if self.unit == "sentence" else [text.text]
                pieces += [Piece(text.n, i, words) for i, words in enumerate(cut) if words.strip()]
        return pieces


def sentences(text: str) -> list[str]:
    """The sentences of a text, by their closing marks; lines are apart.

    >>> sentences("Pick the tool. Draw a box!  それから切る。終わり")
    ['Pick the tool.', 'Draw a box!', 'それから切る。', '終わり']
    """
    found = (match[0].strip() for match in _SENTENCE.finditer(text))
    return [sentence for sentence in found if sentence]


def decoded(refs: dict[str, None], context: Context, size: int = 16) -> Iterator[tuple[list[str], list[Pixels]]]:
    """Refs and pixels of the stored images that decode, up to `size` at a time."""
    names: list[str] = []
    pixels: list[Pixels] = []
    for ref in refs:
        data = context.media(ref)
        if data is None:
            continue
        try:
            pixels.append(thumbnail(data, SIDE))
        except MediaError:
            continue
        names.append(ref)
        if len(names) == size:
            yield names, pixels
            names, pixels = [], []
    if names:
        yield names, pixels
