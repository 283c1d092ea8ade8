"""The head of an SVG file: whether it is one, and its size. Only the root's start tag is read, by hand: no entity is
expanded, nothing is fetched, and at most `HEAD` bytes are looked at (of a compressed file: decompressed)."""

from __future__ import annotations

import re
import zlib

HEAD = 1 << 16
"""How many bytes from the start may precede the end of the root's start tag."""

_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,63}:)?svg(?=[\s/>])")
_ATTRIBUTE = re.compile(rb"""\s+([A-Za-z_:][\w:.-]{0,127})\s{0,64}=\s{0,64}(?:"([^"<]*)"|'([^'<]*)')""")
_LENGTH = re.compile(rb"\s*\+?(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(?:[eE]([+-]?\d))?\s*([a-zA-Z%]{0,3})\s*\Z")
_NUMBERS = re.compile(rb"[\s,]+")
_UNITS = {
    b"": 1.0,
    b"px": 1.0,
    b"pt": 96 / 72,
    b"pc": 16.0,
    b"in": 96.0,
    b"cm": 96 / 2.54,
    b"mm": 96 / 25.4,
    b"q": 96 / 101.6,
    b"em": 16.0,
    b"rem": 16.0,
    b"ex": 8.0,
}
_LARGEST = 1 << 31


def head(data: bytes) -> bytes | None:
    """The first bytes of an SVG file in an ASCII-compatible encoding, decompressed, from its root's `<svg`; None for
    anything else."""
    if data[:3] == b"\x1f\x8b\x08":
        try:
            data = zlib.decompressobj(wbits=31).decompress(data[: 4 * HEAD], HEAD)
        except zlib.error:
            return None
    start = data[:HEAD]
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        start = start.decode("utf-16", "replace").encode()
    position = 3 if start[:3] == b"\xef\xbb\xbf" else 0
    while True:
        while start[position : position + 1].isspace():
            position += 1
        if start[position : position + 1] != b"<":
            return None
        if start.startswith(b"<?", position):
            position = _after(start, b"?>", position + 2)
        elif start.startswith(b"<!--", position):
            position = _after(start, b"-->", position + 4)
        elif start[position : position + 9].upper() == b"<!DOCTYPE":
            position = _after_doctype(start, position + 9)
        else:
            return start[position:] if _ROOT.match(start, position) else None
        if not position:
            return None


def _after(data: bytes, end: bytes, position: int) -> int:
    found = data.find(end, position)
    return found + len(end) if found >= 0 else 0


def _after_doctype(data: bytes, position: int) -> int:
    close = data.find(b">", position)
    subset = data.find(b"[", position)
    if 0 <= subset < close:
        # The end of the internal subset; a "]" inside one of its strings is not worth a parser here.
        inner = re.compile(rb"\]\s*>").search(data, subset)
        return inner.end() if inner else 0
    return close + 1 if close >= 0 else 0


def size(head: bytes) -> tuple[int, int]:
    """Width and height in CSS pixels of the SVG file that begins with `head`: its `width` and `height`, a missing or
    relative one from the other and the ratio of `viewBox`, both missing from `viewBox`; (0, 0) without any.

    >>> size(b'<svg width="2in" viewBox="0 0 4 3">')
    (192, 144)
    """
    match = _ROOT.match(head)
    if match is None:
        return 0, 0
    values: dict[bytes, bytes] = {}
    position = match.end()
    while len(values) < 256 and (attribute := _ATTRIBUTE.match(head, position)):
        name, double, single = attribute.groups()
        values.setdefault(name, double if double is not None else single)
        position = attribute.end()
    width, height = _pixels(values.get(b"width")), _pixels(values.get(b"height"))
    across, down = _view_box(values.get(b"viewBox"))
    if across and down:
        if not width and not height:
            width, height = across, down
        elif not width:
            width = height * across / down
        elif not height:
            height = width * down / across
    if not (0 < width < _LARGEST and 0 < height < _LARGEST):
        return 0, 0
    return max(int(width + 0.5), 1), max(int(height + 0.5), 1)


def _pixels(value: bytes | None) -> float:
    match = _LENGTH.match(value) if value else None
    if match is None:
        return 0.0
    number, exponent, unit = match.groups()
    return float(number) * 10.0 ** int(exponent or 0) * _UNITS.get(unit.lower(), 0.0)


def _view_box(value: bytes | None) -> tuple[float, float]:
    numbers = _NUMBERS.split(value.strip()) if value and len(value) < 256 else []
    if len(numbers) != 4:
        return 0.0, 0.0
    return _pixels(numbers[2]), _pixels(numbers[3])
