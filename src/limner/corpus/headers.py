"""Width and height of an image, as displayed, read from its header: nothing is decoded, nothing is copied.

The common formats are read here, straight from the bytes, at several hundred thousand a second; TIFF, JPEG 2000,
HEIF and AVIF by `imagesize`. Every loop has a bound, so that no file costs more than a few milliseconds. A file
whose header is damaged or does not say has the size (0, 0).

Sources: PNG (W3C, 3rd edition, 5.3 and 11.3), JPEG (ITU-T T.81, B.1-B.2), Exif 2.32 (4.6.2), GIF89a (18),
WebP (RFC 9649, 2.5-2.7), BMP and ICO (Win32 BITMAPINFOHEADER, ICONDIRENTRY), JPEG XL (ISO/IEC 18181-1, 9.2).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from struct import Struct, error

import imagesize  # pyright: ignore[reportMissingTypeStubs]

Size = tuple[int, int]

UNKNOWN: Size = (0, 0)

SEGMENTS = 4096
"""How many segments, chunks or entries of a file are looked at before its size counts as unknown."""

BOXES = 1 << 18
"""How many bytes of a file made of boxes are looked at."""

_two_be = Struct(">2H").unpack_from
_two_le = Struct("<2H").unpack_from
_pair_be = Struct(">2I").unpack_from
_pair_le = Struct("<2i").unpack_from
_sof = Struct(">H").unpack_from
_chunk = Struct(">I4s").unpack_from
_riff = Struct("<4sI").unpack_from


def png(data: bytes) -> Size:
    """IHDR's size, turned as an eXIf chunk before the pixels says."""
    if data[12:16] != b"IHDR":
        return UNKNOWN
    width, height = _pair_be(data, 16)
    position = 33
    for _ in range(SEGMENTS):
        if position + 8 > len(data):
            break
        length, kind = _chunk(data, position)
        if kind == b"IDAT" or kind == b"IEND":
            break
        if kind == b"eXIf":
            return turned(width, height, orientation(data, position + 8, position + 8 + length))
        position += 12 + length
    return width, height


def jpeg(data: bytes) -> Size:
    """The size in the first start-of-frame segment, turned as the Exif segment before it says."""
    position, turn = 2, 1
    for _ in range(SEGMENTS):
        position = data.find(b"\xff", position) + 1
        if not position:
            break
        marker = data[position]
        position += 1
        if marker in (0x00, 0x01, 0xFF) or 0xD0 <= marker <= 0xD8:
            position -= marker == 0xFF
            continue
        if marker == 0xD9 or marker == 0xDA:
            break
        (length,) = _sof(data, position)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _two_be(data, position + 3)
            return turned(width, height, turn)
        if marker == 0xE1 and turn == 1 and data[position + 2 : position + 8] == b"Exif\0\0":
            turn = orientation(data, position + 8, position + length)
        position += length
    return UNKNOWN


def gif(data: bytes) -> Size:
    """The logical screen's size."""
    return _two_le(data, 6)


def webp(data: bytes) -> Size:
    """The canvas of an extended file (turned as its EXIF chunk says), else the frame of a lossy or lossless one."""
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        return turned(width, height, _webp_orientation(data)) if data[20] & 8 else (width, height)
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = _two_le(data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return UNKNOWN


def _webp_orientation(data: bytes) -> int:
    position = 12
    for _ in range(SEGMENTS):
        if position + 8 > len(data):
            break
        kind, length = _riff(data, position)
        if kind == b"EXIF":
            start = position + 8
            start += 6 if data[start : start + 6] == b"Exif\0\0" else 0
            return orientation(data, start, position + 8 + length)
        position += 8 + length + (length & 1)
    return 1


def bmp(data: bytes) -> Size:
    """The size in the information header; a negative height is that of rows stored from the top."""
    if data[14:18] == b"\x0c\0\0\0":
        return _two_le(data, 18)
    width, height = _pair_le(data, 18)
    return max(width, 0), abs(height)


def ico(data: bytes) -> Size:
    """The largest image of an icon or cursor; 0 stands for 256."""
    _, count = _two_le(data, 2)
    best = UNKNOWN
    for i in range(min(count, 256)):
        width, height = data[6 + 16 * i] or 256, data[7 + 16 * i] or 256
        if width * height > best[0] * best[1]:
            best = width, height
    return best


_JXL_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


def jxl(data: bytes) -> Size:
    """The size header of a JPEG XL codestream, bare or in the first `jxlc` or `jxlp` box of a container."""
    start = 2 if data[:2] == b"\xff\x0a" else _jxl_codestream(data)
    if not start:
        return UNKNOWN
    bits = int.from_bytes(data[start : start + 16], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    def length(small: int) -> int:
        return (take(5) + 1) * 8 if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    height = length(small)
    ratio = take(3)
    if ratio:
        across, down = _JXL_RATIOS[ratio - 1]
        width = height * across // down
    else:
        width = length(small)
    default = take(1)
    turn = take(3) + 1 if not default and take(1) else 1
    return turned(width, height, turn)


def _jxl_codestream(data: bytes) -> int:
    position = 0
    for _ in range(SEGMENTS):
        if position + 8 > len(data):
            break
        length, kind = _chunk(data, position)
        start = position + 8
        if length == 1:
            length = int.from_bytes(data[start : start + 8], "big")
            start += 8
        if kind in (b"jxlc", b"jxlp"):
            start += 4 if kind == b"jxlp" else 0
            return start + 2 if data[start : start + 2] == b"\xff\x0a" else 0
        if length < 8:
            break
        position += length
    return 0


def tiff(data: bytes) -> Size:
    """The first page's size, turned as its orientation says, by `imagesize`."""
    if data[2:3] == b"+":
        # BigTIFF counts its entries in 64 bits, and imagesize would walk as many.
        first = int.from_bytes(data[8:16], "little")
        if int.from_bytes(data[first : first + 8], "little") > SEGMENTS:
            return UNKNOWN
    return _by_imagesize(data)


def boxed(data: bytes) -> Size:
    """JPEG 2000, HEIF and AVIF: what `imagesize` finds in the boxes at the start."""
    return _by_imagesize(data if len(data) <= BOXES else data[:BOXES])


def _by_imagesize(data: bytes) -> Size:
    width, height = imagesize.get(io.BytesIO(data))  # pyright: ignore[reportUnknownMemberType]
    return max(int(width), 0), max(int(height), 0)


def orientation(data: bytes, start: int, end: int) -> int:
    """The Exif orientation (1-8) in the TIFF structure at `data[start:end]`; 1 where it has none."""
    end = min(end, len(data))
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[start : start + 4])
    if order is None or end - start < 8:
        return 1
    little = order == "<"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little" if little else "big")

    entry = start + number(start + 4, 4)
    if entry + 2 > end:
        return 1
    count = number(entry, 2)
    entry += 2
    for _ in range(min(count, SEGMENTS)):
        if entry + 12 > end:
            break
        if number(entry, 2) == 0x0112:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
        entry += 12
    return 1


def turned(width: int, height: int, turn: int) -> Size:
    """A size after the Exif orientation `turn`: 5 to 8 lie on their side."""
    return (height, width) if turn >= 5 else (width, height)


_READERS: dict[str, Callable[[bytes], Size]] = {
    "image/png": png,
    "image/jpeg": jpeg,
    "image/gif": gif,
    "image/webp": webp,
    "image/bmp": bmp,
    "image/x-icon": ico,
    "image/jxl": jxl,
    "image/tiff": tiff,
    "image/jp2": boxed,
    "image/heic": boxed,
    "image/avif": boxed,
}


def size(mime: str, data: bytes) -> Size:
    """Width and height in pixels of an image of type `mime` (any but SVG), (0, 0) where its header does not say."""
    reader = _READERS.get(mime)
    if reader is None:
        return UNKNOWN
    try:
        width, height = reader(data)
    except (error, IndexError, ValueError, KeyError, TypeError, ArithmeticError, OSError):
        # Whatever a damaged header leads a reader to: imagesize documents no errors of its own.
        return UNKNOWN
    return (width, height) if width and height else UNKNOWN
