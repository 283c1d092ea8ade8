"""Media in a corpus: what is known of a stored file without decoding it, and where files are put and read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """A stored file. `ref` is its sha256, `mime` its type by content, `width` and `height` pixels as
    displayed (0 where it has none or its header does not say), `size` its length in bytes."""

    ref: str
    mime: str
    width: int
    height: int
    size: int


class MediaSink(Protocol):
    """Where a source or an operator puts bytes: stored once, named by sha256."""

    def put(self, data: bytes) -> MediaInfo:
        """Store `data` (again without effect) and return what its header says."""
        ...


class MediaReader(Protocol):
    """Where stored bytes are read."""

    def media(self, ref: str) -> bytes | None:
        """The bytes whose sha256 is `ref`, or None where they are not stored."""
        ...

    def info(self, ref: str) -> MediaInfo | None:
        """What is known of the bytes whose sha256 is `ref`, or None where they are not stored."""
        ...


def sha256(data: bytes) -> str:
    """The name of `data` in a corpus."""
    return hashlib.sha256(data).hexdigest()
