"""Some inputs of another source, for a run over less than all of it."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from limner.corpus import MediaSink
from limner.document import Document
from limner.sources.source import Fetching, Input, Source


@dataclass(frozen=True)
class Some:
    """Some inputs of another source, which are here: nothing is fetched."""

    source: Source
    chosen: Sequence[Input]

    def inputs(self) -> Iterable[Input]:
        """Those."""
        return self.chosen

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """As the source does."""
        return self.source.read(input, media)


@dataclass(frozen=True)
class SomeToFetch(Some):
    """Some inputs of another source, brought here as it brings them."""

    def fetch(self, inputs: Sequence[Input], progress: Callable[[int], None]) -> None:
        """As the source does, where it must."""
        if isinstance(self.source, Fetching):
            self.source.fetch(inputs, progress)


def sample(source: Source, count: int) -> list[Input]:
    """`count` inputs of a source, the same ones every time, in their own order: those whose names hash lowest."""
    keyed = ((_rank(found.name), position, found) for position, found in enumerate(source.inputs()))
    chosen = heapq.nsmallest(count, keyed, key=lambda entry: entry[0])
    return [found for _, _, found in sorted(chosen, key=lambda entry: entry[1])]


def _rank(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
