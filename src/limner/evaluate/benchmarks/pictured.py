"""Pictures of a corpus with the words that go with them: what generators of benchmarks are made from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from limner.corpus import Corpus
from limner.corpus.pixels import thumbnail
from limner.document import Document, Text
from limner.errors import CorpusError, MediaError
from limner.evaluate.benchmark import BenchmarkError


@dataclass(frozen=True, slots=True)
class Pictured:
    """A picture, its caption ("" for none), the prose that follows it, and the document it is of."""

    image: Image.Image
    caption: str
    prose: str
    document: Document


def corpus_of(data: Path | None) -> Corpus:
    """The corpus that a generator is given with --data. Raises `BenchmarkError` where there is none."""
    if data is None:
        raise BenchmarkError(
            "this benchmark is made from a corpus: name one with --data (`limner build SOURCE -o CORPUS` makes it)"
        )
    try:
        return Corpus.open(str(data))
    except CorpusError as error:
        raise BenchmarkError(f"{data}: {error}") from None


def pictured(corpus: Corpus, least: int = 100, side: int = 1_024) -> Iterator[Pictured]:
    """The pictures of a corpus that decode and are `least` pixels wide and high, each file once, no larger than `side`."""
    seen: set[str] = set()
    for document in corpus:
        for image in document.images:
            if not image.ref or image.ref in seen:
                continue
            seen.add(image.ref)
            data = corpus.media(image.ref)
            try:
                pixels = thumbnail(data, side) if data else None
            except MediaError:
                continue
            if pixels is not None and min(pixels.shape[:2]) >= least:
                caption = " ".join(" ".join(text.text.split()) for text in document.captions(image.n))
                yield Pictured(Image.fromarray(pixels), caption, prose_after(document, image.n), document)


def prose_after(document: Document, n: int, words: int = 120) -> str:
    """The paragraphs that follow a part, to about so many words."""
    found: list[str] = []
    for part in document.parts:
        if part.n > n and isinstance(part, Text) and part.role == "paragraph":
            found += part.text.split()
        if len(found) >= words:
            break
    return " ".join(found)


def ended(text: str) -> str:
    """A text with a full stop where it ends without a mark, so that another can follow.

    >>> ended("A dog"), ended("Why?"), ended("")
    ('A dog.', 'Why?', '')
    """
    return f"{text}." if (text and text[-1].isalnum()) or text.endswith(("”", ")", '"')) else text


def png(image: Image.Image) -> bytes:
    """A picture as a file."""
    with io.BytesIO() as out:
        image.convert("RGB").save(out, "PNG")
        return out.getvalue()
