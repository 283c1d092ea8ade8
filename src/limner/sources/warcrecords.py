"""The records of a WARC file from some offset on, whatever is broken in between."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple, cast

from fastwarc.warc import ArchiveIterator, WarcRecord

from limner.errors import SourceError

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b\x08"
_MARK = b"WARC/"
MAX_HEADER = 1 << 18


class Located(NamedTuple):
    """A record and the offset it begins at: of its gzip member in a compressed file."""

    offset: int
    record: Any


def records(file: IO[bytes], start: int, broken: Callable[[int, Exception], None], parse_http: bool = True) -> Iterator[Located]:
    """The records that begin at `start` (which must be a beginning) or later. Where the file is damaged,
    `broken(offset, error)` is called and reading goes on at the next beginning of a record."""
    while True:
        file.seek(start)
        last = start - 1
        try:
            iterator = ArchiveIterator(cast("Any", file), parse_http=False, max_header_len=MAX_HEADER)
            for record in cast("Iterator[WarcRecord]", iterator):
                last = record.stream_pos
                if parse_http and record.is_http:
                    try:
                        record.parse_http(max_header_len=MAX_HEADER)
                    except (OSError, ValueError) as error:
                        broken(last, SourceError(f"its HTTP header cannot be read: {error}"))
                        continue
                yield Located(last, record)
            return
        except (OSError, ValueError, EOFError) as error:
            if isinstance(error, SourceError):
                raise
            broken(max(last, start), SourceError(f"damaged WARC record at or after byte {max(last, start)}: {error}"))
        found = boundary(file, max(last, start) + 1)
        if found is None:
            return
        start = found


def boundary(file: IO[bytes], start: int) -> int | None:
    """The offset of the first record that begins at `start` or later: a gzip member whose content begins with
    `WARC/`, or in a plain file `WARC/` at the start of a line followed by a version and a header."""
    file.seek(start)
    window, at = b"", start
    while piece := file.read(_BLOCK):
        window += piece
        for offset in _candidates(window):
            if offset > len(window) - 512 and len(piece) == _BLOCK:
                break
            if _begins(window, offset):
                return at + offset
        keep = min(len(window), 1024)
        at += len(window) - keep
        window = window[-keep:]
    return None


def _candidates(window: bytes) -> Iterator[int]:
    at = -1
    while True:
        found = [i for i in (window.find(_GZIP, at + 1), window.find(_MARK, at + 1)) if i >= 0]
        if not found:
            return
        at = min(found)
        yield at


def _begins(window: bytes, at: int) -> bool:
    if window.startswith(_GZIP, at):
        try:
            return zlib.decompressobj(31).decompress(window[at : at + 512], 5) == _MARK
        except zlib.error:
            return False
    version, end = window[at + 5 : at + 9], window[at + 8 : at + 10]
    return (at == 0 or window[at - 1 : at] == b"\n") and version[1:2] == b"." and b"\n" in end
