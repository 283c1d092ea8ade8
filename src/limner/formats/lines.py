"""JSON files of any length, a row at a time: JSON lines (plain, gzip or zip) and files that are one array."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from limner.errors import FormatError, LimnerError
from limner.formats.fileformat import Bad
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.values import loads, record

MAX_ROW = 256 * 2**20
"""No row of more bytes than this is read; one with images in it as data: URLs is large."""

_CHUNK = 1 << 20
_SPACE = " \t\r\n"


def lines(folder: Folder, name: str) -> Iterator[tuple[str, bytes | Bad]]:
    """Every line of a file that is not empty, with its place in it. Raises `FormatError` where the file cannot be read
    on; a line that is too long is a `Bad`, and so is the last one of a damaged archive."""
    with _opened(folder, name) as file:
        number = 0
        try:
            while line := file.readline(MAX_ROW + 1):
                number += 1
                where = f"line {number}"
                if len(line) > MAX_ROW:
                    while len(line) > MAX_ROW and not line.endswith(b"\n"):
                        line = file.readline(MAX_ROW + 1)
                    yield where, Bad(where, FormatError(f"a line of more than {MAX_ROW:,} bytes"))
                elif stripped := line.strip(b" \t\r\n"):
                    yield where, stripped.removeprefix(b"\xef\xbb\xbf")
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise FormatError(f"damaged after line {number}: {error}") from None


def json_lines(folder: Folder, name: str) -> Iterator[tuple[str, Any]]:
    """The value on every line, or a `Bad`, with its place."""
    for where, line in lines(folder, name):
        if isinstance(line, Bad):
            yield where, line
            continue
        try:
            yield where, loads(line)
        except FormatError as error:
            yield where, Bad(where, error)


def json_rows(folder: Folder, name: str) -> Iterator[tuple[str, Any]]:
    """The rows of a file that is either JSON lines or one array, which is never held whole."""
    if not name.lower().endswith((".gz", ".zip")):
        with folder.open(name) as file:
            start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
            if start.startswith(b"["):
                file.seek(0)
                yield from _array(io.TextIOWrapper(file, "utf-8-sig", "replace"))
                return
    yield from json_lines(folder, name)


def _array(file: IO[str]) -> Iterator[tuple[str, Any]]:
    """The items of an array, decoded one after the other from a window of the file."""
    decode = json.JSONDecoder().raw_decode
    window, at, number, want = file.read(_CHUNK), 0, 0, _CHUNK
    at = _skip(window, at) + 1  # the bracket
    while True:
        at = _skip(window, at, ",")
        if at < len(window) and window[at] == "]":
            return
        try:
            # A value that ends where the window does may go on behind it (a number does).
            value, end = decode(window, at)
            whole = end < len(window)
        except (ValueError, RecursionError) as error:
            if isinstance(error, RecursionError):
                raise FormatError(f"item {number + 1} is nested too deeply") from None
            value, end, whole = None, at, False
        if whole:
            number += 1
            yield f"item {number}", value
            at, want = end, _CHUNK
            continue
        if len(window) - at > MAX_ROW:
            raise FormatError(f"item {number + 1} is not JSON, or of more than {MAX_ROW:,} characters")
        more = file.read(want)
        if not more:
            raise FormatError(f"not JSON from item {number + 1} on")
        # Twice as much each time, so that a long item is not decoded from its start again and again.
        window, at, want = window[at:] + more, 0, want * 2


def _skip(window: str, at: int, also: str = "") -> int:
    while at < len(window) and (window[at] in _SPACE or window[at] in also):
        at += 1
    return at


@contextmanager
def _opened(folder: Folder, name: str) -> Generator[IO[bytes]]:
    with folder.open(name) as raw:
        lower = name.lower()
        if lower.endswith(".gz"):
            with gzip.open(raw) as file:
                yield cast("IO[bytes]", file)
        elif lower.endswith(".zip"):
            try:
                with zipfile.ZipFile(raw) as archive:
                    members = [m for m in archive.infolist() if m.filename.lower().endswith((".jsonl", ".json"))]
                    if len(members) != 1:
                        raise FormatError(f"an archive of {len(members)} JSON files; one is expected")
                    with archive.open(members[0]) as file:
                        yield file
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
                raise FormatError(f"a damaged or encrypted archive: {error}") from None
        else:
            yield raw


def documents(rows: Iterable[tuple[str, Any]], document: Callable[[int, dict[str, Any]], Read]) -> Iterator[Read | Bad]:
    """What `document` makes of each row, given its ordinal; a row that it cannot make one of, or that was bad before, costs itself
    only."""
    for ordinal, (where, row) in enumerate(rows):
        try:
            yield row if isinstance(row, Bad) else document(ordinal, record(row))
        except LimnerError as error:
            yield Bad(where, error)
