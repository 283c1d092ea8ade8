"""Interleaved documents turned into what simpler trainers take: image-text pairs, or plain text.

OmniCorpus (Li et al. 2024, arXiv 2406.08418, abstract and section 3.4) calls this degrading to a pure text corpus and to
pairs of an image and its text; it does not say how the text of a pair is chosen, so that choice is limner's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from limner.curate.operator import Context, Reason
from limner.document import Document, Image, Part, Role, Text, document_id

TextSource = Literal["caption", "alt", "nearest"]


@dataclass(frozen=True)
class Pairs:
    """Make each image and its text a document of its own (OmniCorpus, arXiv 2406.08418).

    The text is the first there is of `texts`: the image's captions, its alternative text, or the text part nearest to
    it (of two equally near, the one before it). A pair's id derives from the document's and the image's `n`, and `of`
    in its `meta` names the document. Drops images without a text, `no-text`, and documents without a pair, `no-pairs`.

    `texts`  where the text comes from, best first: caption, alt, nearest
    `roles`  the roles of which the nearest text may be
    `within`  how many parts away the nearest text may be
    `min_characters`  shorter texts do not count
    `max_characters`  longer texts are not taken as the nearest; none for no limit
    """

    texts: tuple[TextSource, ...] = ("caption", "alt", "nearest")
    roles: tuple[Role, ...] = ("paragraph", "heading", "list", "quote")
    within: int = 3
    min_characters: int = 5
    max_characters: int | None = None

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        """One document for each image that has a text."""
        made = 0
        for position, part in enumerate(document.parts):
            if not isinstance(part, Image):
                continue
            text, source = self._text(document, position, part)
            if not text:
                context.drop(document, part, Reason("no-text", detail=", ".join(self.texts)))
                continue
            made += 1
            caption = Text(part.n + 1, text, role="caption", language=document.language, of=part.n)
            yield Document(
                id=document_id(document.id, part.n),
                parts=(part, caption),
                source=document.source,
                url=document.url,
                title=document.title,
                language=document.language,
                meta={**document.meta, "of": document.id, "text": source},
            )
        if not made:
            context.drop(document, None, Reason("no-pairs", 0, 1))

    def _text(self, document: Document, position: int, image: Image) -> tuple[str, str]:
        for source in self.texts:
            if source == "caption":
                text = "\n".join(caption.text for caption in document.captions(image.n)).strip()
            elif source == "alt":
                text = image.alt.strip()
            else:
                text = self._nearest(document, position)
            if len(text) >= max(self.min_characters, 1):
                return text, source
        return "", ""

    def _nearest(self, document: Document, position: int) -> str:
        for distance in range(1, self.within + 1):
            for place in (position - distance, position + distance):
                if not 0 <= place < len(document.parts):
                    continue
                part = document.parts[place]
                if isinstance(part, Text) and part.role in self.roles and part.of is None:
                    text = part.text.strip()
                    short = len(text) < self.min_characters
                    if not short and (self.max_characters is None or len(text) <= self.max_characters):
                        return text
        return ""


@dataclass(frozen=True)
class PlainText:
    """Take images and other media out of documents, so that text remains (OmniCorpus, arXiv 2406.08418).

    Drops each media part with the reason `plain-text`, and their captions with `caption-of-dropped`; a document
    without any text goes, `empty`.

    `captions`  whether captions stay, as paragraphs
    """

    captions: bool = False

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        """The document with text only, or nothing."""
        media = {part.n for part in document.parts if not isinstance(part, Text)}
        if not media:
            yield document
            return
        parts: list[Part] = []
        for part in document.parts:
            if not isinstance(part, Text):
                context.drop(document, part, Reason("plain-text"))
            elif part.of in media and self.captions:
                parts.append(Text(part.n, part.text, "paragraph", 0, part.language, part.place))
                context.note(document, part, Reason("caption-to-paragraph", detail=str(part.of)))
            elif part.of in media:
                context.drop(document, part, Reason("caption-of-dropped", detail=str(part.of)))
            else:
                parts.append(part)
        left = document.evolve(parts=tuple(parts))
        if parts:
            yield left
        else:
            context.drop(left, None, Reason("empty", 0, 1))
