"""The contract of a format: a corpus out into a folder that public tools read, and such a folder in again.

A format is looked up by name in `limner.formats.registry`. Whoever writes one of their own implements the protocol
`Format`, most easily on `limner.formats.fileformat.FileFormat`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

from limner.corpus import Corpus
from limner.document import Document

Read = tuple[Document, Mapping[str, bytes]]
"""A document, and by sha256 the bytes of the media that it stores."""

Progress = Callable[[int], None]
"""Told how many documents more are done."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that documents had and the format has no place for: how often, and whether limner's own field in the
    exported files (which other tools ignore) keeps it, so that it comes back when limner reads them."""

    what: str
    count: int
    kept: bool


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote. `images` are image parts, `stored` files of media, `stripped` files whose metadata were
    removed, `uncleaned` files whose metadata could not be (a kind limner does not take apart, or a damaged one). `known`
    says whether the corpus keeps in mind where it lies; one that cannot be written to does not."""

    format: str
    folder: str
    documents: int = 0
    images: int = 0
    stored: int = 0
    files: int = 0
    bytes: int = 0
    stripped: int = 0
    uncleaned: int = 0
    lost: tuple[Loss, ...] = ()
    known: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row or file that could not be read: in which input, where in it, and why."""

    input: str
    location: str
    error: str
    message: str


Reject = Callable[[Rejected], None]
"""Told of what could not be read; the reading goes on."""


@runtime_checkable
class Format(Protocol):
    """A public format, in and out."""

    @property
    def name(self) -> str:
        """What `--to` and `--from` call it."""
        ...

    @property
    def description(self) -> str:
        """One line for a list of formats."""
        ...

    @property
    def cannot_hold(self) -> tuple[str, ...]:
        """What its published schema has no place for, a phrase each."""
        ...

    def export(self, corpus: Corpus, folder: str | os.PathLike[str], **settings: Any) -> ExportReport:
        """Write `corpus` into a new folder (a path or an fsspec URL), which is there whole or not at all; raises `FormatError`."""
        ...

    def inputs(self, folder: str | os.PathLike[str]) -> list[str]:
        """The files below `folder` that it reads, relative, in a fixed order; raises `FormatError` where there are none."""
        ...

    def read_input(self, folder: str | os.PathLike[str], name: str, rejected: Reject | None = None) -> Iterable[Read]:
        """The documents of one of its files, always in the same order. What cannot be read goes to `rejected`; without
        it, `FormatError` is raised."""
        ...

    def read(self, folder: str | os.PathLike[str], rejected: Reject | None = None) -> Iterable[Read]:
        """The documents of all its files."""
        ...
