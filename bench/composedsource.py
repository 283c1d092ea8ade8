"""A source of any number of pages composed from real ones: the pages of gimp-help-en again and again, every third word marked with the
number of the copy, so that copies are no near-duplicates; small images, each copy with a file of its own.

Made while it is read, so that neither the pages nor their names lie on disk. Said to be composed wherever a figure comes from it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from limner.corpus.media import MediaSink
from limner.document import Document, document_id
from limner.sources.attach import attach
from limner.sources.datasets import dataset
from limner.sources.html import extract
from limner.sources.source import Input

SET = "gimp-help-en"
LARGEST_PAGE, LARGEST_IMAGE = 16_384, 8_192

_TEXT = re.compile(rb">([^<>]+)<")
_WORD = re.compile(rb"[A-Za-z]{4,}")


@cache
def pages(folder: str) -> list[bytes]:
    """The pages of the set that are not large, by name."""
    found = (p.read_bytes() for p in sorted(Path(folder).glob("*.html")))
    return [data for data in found if len(data) <= LARGEST_PAGE]


@cache
def picture(folder: str, name: str) -> bytes | None:
    """A file beside the pages, if it is there and small."""
    path = (Path(folder) / name).resolve()
    if not path.is_relative_to(Path(folder).resolve()) or not path.is_file() or path.stat().st_size > LARGEST_IMAGE:
        return None
    return path.read_bytes()


@dataclass(frozen=True)
class ComposedSource:
    """`count` pages; the seed of page `i` is `i`."""

    count: int
    folder: str = ""

    def place(self) -> str:
        """Where the real pages lie."""
        return self.folder or str(dataset(SET).data)

    def inputs(self) -> Iterator[Input]:
        """Numbers, as names."""
        for i in range(self.count):
            yield Input(f"composed/{i:09d}.html", "composed:", str(i), LARGEST_PAGE // 2)

    def read(self, input: Input, media: MediaSink) -> Iterator[Document]:
        """One page, its words marked, its images stored."""
        i, folder = int(input.detail), self.place()
        real = pages(folder)
        choose = random.Random(i)

        def marked(word: re.Match[bytes]) -> bytes:
            return word[0] + b"%x" % choose.getrandbits(16) if choose.random() < 0.34 else word[0]

        data = _TEXT.sub(lambda text: b">" + _WORD.sub(marked, text[1]) + b"<", real[i % len(real)])

        def load(url: str) -> bytes | None:
            held = picture(folder, url)
            return held + b"%016d" % i if held else None

        document = extract(data, name=input.name).evolve(id=document_id(input.name, 0), source=input.name)
        yield attach(document, load, media)
