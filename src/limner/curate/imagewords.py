"""Whether an image fits the text around it, by the words that stand with it and in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from limner.curate.align import decoded
from limner.curate.operator import Context, Reason, drop_parts
from limner.curate.steps import NARRATIVE, image_words, steps
from limner.document import Document, Image, Role
from limner.experts.ocr import ocr
from limner.experts.text_encoder import text_encoder


@dataclass(frozen=True)
class ImageWords:
    """Drop images whose own words fit none of the texts around them.

    Where there is no joint encoder of images and texts (`align` has one), an image can still be judged by what is said of it: its captions, its
    alternative text and, where a reader of text is given, what stands in it. The greatest cosine of these words with the
    text of its step and of the steps beside it, in the space of a text encoder, tells whether the document is about it. Images with fewer
    than `min_words` words are left as they are.

    Records `image-unrelated` with the cosine; notes `image-words` with it for images that stay.

    `model`      address of the text encoder
    `threshold`  least cosine of an image that stays
    `beside`     steps before and after the image's own that count as around it
    `ocr`        address of a reader of text in images, or "" for none
    `min_words`  least words of an image that is judged
    `roles`      roles of the texts around
    """

    model: str = "bundled:minilm"
    threshold: float = 0.2
    beside: int = 1
    ocr: str = ""
    min_words: int = 2
    roles: tuple[Role, ...] = NARRATIVE

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        found = self.scores(documents, context)
        for document, fits in zip(documents, found, strict=True):
            gone: dict[int, Reason] = {}
            for image in document.images:
                if image.n not in fits:
                    continue
                reason = Reason("image-unrelated", round(fits[image.n], 4), self.threshold)
                if fits[image.n] < self.threshold:
                    gone[image.n] = reason
                else:
                    context.note(document, image, reason._replace(reason="image-words"))
            yield from drop_parts(document, gone, context)

    def scores(self, documents: Sequence[Document], context: Context) -> list[dict[int, float]]:
        """The cosines of each document's images, by n; without those that have too few words."""
        read = self._read(documents, context) if self.ocr else {}
        asked: list[tuple[int, int, str, list[str]]] = []
        for i, document in enumerate(documents):
            for image, around in self._around(document):
                words = f"{image_words(document, image)}\n{read.get(image.ref, '')}".strip()
                if around and len(words.split()) >= self.min_words:
                    asked.append((i, image.n, words, around))
        unique = list(dict.fromkeys(text for _, _, words, around in asked for text in (words, *around)))
        vectors = dict(zip(unique, text_encoder(self.model).embed(unique), strict=True))
        found: list[dict[int, float]] = [{} for _ in documents]
        for i, n, words, around in asked:
            found[i][n] = max(float(vectors[words] @ vectors[text]) for text in around)
        return found

    def _around(self, document: Document) -> Iterator[tuple[Image, list[str]]]:
        """Each image with the texts of its step and of those beside."""
        cut = steps(document, self.roles)
        for i, step in enumerate(cut):
            near = [text.text for s in cut[max(i - self.beside, 0) : i + self.beside + 1] for text in s.texts]
            for image in step.images:
                yield image, near

    def _read(self, documents: Sequence[Document], context: Context) -> dict[str, str]:
        read: dict[str, str] = {}
        for refs, pixels in decoded(dict.fromkeys(x.ref for d in documents for x in d.images if x.ref), context):
            for ref, lines in zip(refs, ocr(self.ocr).read(pixels), strict=True):
                read[ref] = " ".join(line.text for line in lines)
        return read
