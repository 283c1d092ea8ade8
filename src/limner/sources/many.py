"""Several sources as one, in order: a folder that holds pages and archives of pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.sources.source import Input, Source


@dataclass(frozen=True)
class ManySources:
    """The inputs of several sources that are here, one after the other. Their names must differ."""

    sources: tuple[Source, ...]

    def inputs(self) -> Iterator[Input]:
        """All inputs; `detail` begins with the number of the source."""
        for number, source in enumerate(self.sources):
            for input in source.inputs():
                yield replace(input, detail=f"{number} {input.detail}")

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """The documents of one input, by the source it came from."""
        number, _, detail = input.detail.partition(" ")
        yield from self.sources[int(number)].read(replace(input, detail=detail), media)
