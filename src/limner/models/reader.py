"""Documents as sequences for a model, and what a model writes as documents."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image as Pillow

from limner.corpus.media import sha256
from limner.corpus.pixels import Pixels, thumbnail
from limner.corpus.probe import probe
from limner.document import Document, Image, Part, Text, document_id
from limner.errors import LimnerError, MediaError
from limner.models.decoding import Written
from limner.models.interleaved import ImageHead, Marks, ReadsMany
from limner.models.sequence import Piece, words
from limner.models.sequence import Sequence as Whole
from limner.models.vocabulary import Vocabulary

Media = Callable[[str], bytes | None]

_KEPT = 50_000  # images whose tokens are kept in memory
_TOGETHER = 32  # images that are read at once


@dataclass(frozen=True)
class Reading:
    """How documents are read.

    `side`    pixels of a square that images are fitted into, over white
    `images`  of a document at most, 0 for none
    `text_loss`, `image_loss`  how much words, and images, count
    `roles`   of texts that are read, () for all
    `title`   whether the title comes first
    """

    side: int = 64
    images: int = 16
    text_loss: float = 1.0
    image_loss: float = 1.0
    roles: tuple[str, ...] = ()
    title: bool = False


class Reader:
    """Makes sequences of documents: `<start> text <image> image </image> text <end>`, parts separated by an empty line."""

    def __init__(
        self, vocabulary: Vocabulary, head: ImageHead | None, reading: Reading = Reading(), marks: Marks | None = None
    ) -> None:
        self.vocabulary, self.head, self.reading = vocabulary, head, reading
        self.marks = marks or vocabulary.marks
        self._read: dict[tuple[str, ...], list[Piece | None]] = {}
        self._kept = 0

    def read(self, document: Document, media: Media) -> Iterable[Whole]:
        """The sequence of a document; none for one without anything that is read. Images that do not decode are left out.

        Raises `LimnerError` where a document has images and none of them decodes, and no text either.
        """
        pieces = list(self.pieces(document, media))
        if not any(len(piece) > 1 for piece in pieces):
            if document.images:
                raise LimnerError(f"document {document.id} has no text, and none of its images can be read")
            return []
        begun, ended = words([self.marks.start], 0.0), words([self.marks.end], self.reading.text_loss)
        return [Whole((begun, *pieces, ended), document.source or document.id)]

    def prompt(self, document: Document, media: Media) -> Whole:
        """A document to be gone on from: without an end."""
        pieces = list(self.pieces(document, media))
        return Whole((words([self.marks.start], 0.0), *pieces), document.source or document.id)

    def pieces(self, document: Document, media: Media) -> Iterator[Piece]:
        """The parts of a document as pieces."""
        r = self.reading
        images = iter(self._images(document, media))
        parts: list[Part] = [Text(0, document.title)] if r.title and document.title else []
        for part in [*parts, *document.parts]:
            if isinstance(part, Text) and part.text.strip() and (not r.roles or part.role in r.roles):
                yield words(self.vocabulary.encode(f"{part.text.strip()}\n\n"), r.text_loss)
            elif isinstance(part, Image) and part.ref and (piece := next(images, None)) is not None:
                yield from self.announced(piece)

    def _images(self, document: Document, media: Media) -> list[Piece | None]:
        """The images of a document as a frozen tokenizer reads them, None for those that are not read. All of a document are read together, which is
        quicker, and always so, whatever was read before: among others a number may round otherwise, and each pass is to be the same."""
        refs = tuple(part.ref for part in document.parts if isinstance(part, Image) and part.ref)
        if self.head is None or not refs:
            return []
        if refs in self._read:
            return self._read[refs]
        pixels: dict[str, Pixels | None] = {}
        read: list[str] = []
        left = self.reading.images
        for ref in refs:
            if left and ref not in pixels:
                pixels[ref] = self._pixels(ref, media)
            read.append(ref if left and pixels[ref] is not None else "")
            left -= bool(read[-1])
        some = {ref: shown for ref, shown in pixels.items() if shown is not None}
        pieces = dict(zip(some, self._pieces(self.head, list(some.values())), strict=True))
        found = [pieces.get(ref) for ref in read]
        if len(some) == len(pixels) and self._kept + len(found) <= _KEPT:
            self._kept += len(found)
            self._read[refs] = found
        return found

    def _pixels(self, ref: str, media: Media) -> Pixels | None:
        data = media(ref)
        try:
            return None if data is None else fitted(thumbnail(data, self.reading.side), self.reading.side)
        except MediaError:
            return None

    def _pieces(self, head: ImageHead, pixels: list[Pixels]) -> Iterator[Piece]:
        for some in (pixels[at : at + _TOGETHER] for at in range(0, len(pixels), _TOGETHER)):
            yield from head.all_read(some) if isinstance(head, ReadsMany) else map(head.read, some)

    def announced(self, image: Piece) -> Iterator[Piece]:
        """An image between its marks."""
        yield words([self.marks.image], self.reading.text_loss)
        yield replace(image, loss=image.loss * self.reading.image_loss)
        if self.marks.closed >= 0:
            yield words([self.marks.closed], 0.0)


def fitted(pixels: Pixels, side: int) -> Pixels:
    """A picture in the middle of a white square."""
    rows, columns = pixels.shape[:2]
    out = Pillow.new("RGB", (side, side), "white")
    out.paste(Pillow.fromarray(pixels), ((side - columns) // 2, (side - rows) // 2))
    return np.asarray(out)


def png(pixels: Pixels) -> bytes:
    """A picture as a file."""
    with io.BytesIO() as out:
        Pillow.fromarray(pixels).save(out, "PNG")
        return out.getvalue()


def said(vocabulary: Vocabulary, written: Iterable[Written]) -> list[str | bytes]:
    """What one sequence has written: texts, and pictures as files."""
    return [png(p.image) if p.image is not None else vocabulary.decode(p.ids).strip() for p in written if not p.ended]


def document(pieces: Iterable[str | bytes], name: str, source: str, title: str = "") -> tuple[Document, dict[str, bytes]]:
    """Texts and pictures' files as a document, and the pictures by their sha256. Texts are cut at empty lines."""
    parts: list[Part] = []
    media: dict[str, bytes] = {}
    for piece in pieces:
        if isinstance(piece, bytes):
            size, ref = probe(piece), sha256(piece)
            media[ref] = piece
            parts.append(Image(len(parts), ref, width=size.width, height=size.height))
        else:
            parts += [Text(n, text) for n, text in enumerate(filter(None, map(str.strip, piece.split("\n\n"))), len(parts))]
    return Document(document_id(name), tuple(parts), source, title=title), media
