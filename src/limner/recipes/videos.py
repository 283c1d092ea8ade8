"""What the recipes on videos share: a corpus read again, and its frames."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from limner.corpus import Corpus
from limner.corpus.media import MediaSink
from limner.corpus.pixels import Pixels, thumbnail
from limner.document import Document, Image
from limner.pipeline.build import build
from limner.pipeline.plan import Plan
from limner.recipes.stages import Unrecorded
from limner.sources.source import Input, Source

Floats = NDArray[np.float32]


class Seen(Unrecorded):
    """The images of a corpus, for operators that are only asked for their scores."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def media(self, ref: str) -> bytes | None:
        """See `MediaReader`."""
        return self._corpus.media(ref)

    def pixels(self, images: Sequence[Image]) -> list[Pixels]:
        """The frames, none more than 640 pixels wide."""
        return [thumbnail(self._corpus.media(image.ref) or b"", 640) for image in images]


@dataclass(frozen=True)
class Again:
    """The documents of a corpus as a source: what took long to read is read once, and curated in several ways."""

    folder: str

    def inputs(self) -> Iterator[Input]:
        """See `Source`."""
        for document in Corpus.open(self.folder):
            yield Input(document.source, document.id)

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """See `Source`."""
        corpus = Corpus.open(self.folder)
        document = corpus[input.location]
        for ref in {image.ref for image in document.images if image.ref}:
            media.put(corpus.media(ref) or b"")
        yield document


@contextmanager
def built(plan: Plan, sources: Sequence[Source]) -> Generator[Corpus]:
    """The corpus that `plan` makes of sources, in a folder of its own that is gone afterwards."""
    with TemporaryDirectory(prefix="limner-recipe-") as folder:
        build(plan, f"{folder}/corpus", sources=sources)
        yield Corpus.open(f"{folder}/corpus")
