"""The contract of a source: cheap, resumable names first, then documents from each.

The runner lists `inputs()` once, cuts them into batches, and calls `read` in worker processes. A source is
therefore picklable and holds settings, not open files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from limner.corpus.media import MediaSink
from limner.document import Document


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to read. `name` is unique and the same on every run (documents' ids derive from it);
    `location` is a path or URL a worker can open; `detail` is the source's own (a byte range, a member);
    `size` is bytes where known, 0 otherwise."""

    name: str
    location: str
    detail: str = ""
    size: int = 0


@runtime_checkable
class Source(Protocol):
    """Raw things to documents."""

    def inputs(self) -> Iterable[Input]:
        """The inputs in a fixed order, without reading them."""
        ...

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """The documents of one input, their ids `document_id(input.name, ordinal)`; bytes that belong to
        them go to `media.put`, the returned ref into their parts. Raising costs that input only."""
        ...


@runtime_checkable
class Fetching(Protocol):
    """A source whose inputs must first be brought here: called once, before any `read`, in one process
    (so that each host's rate holds), with everything that is still to be read. It fills a cache on disk;
    `read` then reads the cache and makes no request."""

    def fetch(self, inputs: Sequence[Input], progress: Callable[[int], None]) -> None:
        """Bring `inputs` here, calling `progress(1)` after each; a failure is kept for `read` to raise."""
        ...
