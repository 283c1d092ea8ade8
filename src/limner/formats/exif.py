"""Metadata out of images, without decoding them: the pixels stay the same to the last bit.

JPEG, PNG and WebP files lose Exif (with its position, camera and preview), XMP, IPTC, comments, text chunks and
whatever follows the end of the picture. What changes how the picture looks stays: colour profiles, Adobe's colour
transform, gamma, transparency, animation, and an Exif block that holds nothing but the orientation, where there was one.

Sources: JPEG (ITU-T T.81, B.1), JFIF 1.02, Exif 2.32 (4.5-4.6), ICC.1 (annex B.4), PNG (W3C, 3rd edition, 5 and 11),
WebP (RFC 9649, 2.3-2.7).
"""

from __future__ import annotations

from struct import Struct, error
from typing import NamedTuple

from limner.corpus import headers
from limner.corpus.probe import mime

SEGMENTS = 100_000
"""No more segments or chunks of a file are looked at."""

_length = Struct(">H").unpack_from
_chunk = Struct(">I4s").unpack_from
_riff = Struct("<4sI").unpack_from

_PNG_KEPT = frozenset(
    (b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"hIST", b"pHYs", b"sPLT",
     b"acTL", b"fcTL", b"fdAT")
)  # fmt: skip
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_OTHERS = frozenset(
    ("image/tiff", "image/avif", "image/heic", "image/jxl", "image/jp2", "image/gif", "image/svg+xml",
     "audio/mpeg", "audio/mp4", "audio/flac", "audio/ogg", "video/mp4", "video/quicktime", "video/webm", "application/pdf")
)  # fmt: skip


class Stripped(NamedTuple):
    """A file without its metadata; `clean` is false where that could not be done (a kind that is not taken apart
    here and may hold some, or a damaged file) and the file is as it was."""

    data: bytes
    clean: bool


def strip(data: bytes) -> Stripped:
    """The file less its metadata; the same object where it has none.

    >>> strip(b"BM, a bitmap, which has none")
    Stripped(data=b'BM, a bitmap, which has none', clean=True)
    """
    kind = mime(data)
    work = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}.get(kind)
    if work is None:
        return Stripped(data, kind not in _OTHERS)
    try:
        out = work(data)
    except (error, IndexError):  # it ends in the middle of a segment
        out = None
    if out is None:
        return Stripped(data, False)
    return Stripped(data if out == data else out, True)


def orientation_block(orientation: int) -> bytes:
    """An Exif block (a TIFF file of one entry) that says nothing but how to turn the picture."""
    entry = (
        (0x0112).to_bytes(2, "big") + (3).to_bytes(2, "big") + (1).to_bytes(4, "big") + orientation.to_bytes(2, "big") + b"\0\0"
    )
    return b"MM\0*" + (8).to_bytes(4, "big") + (1).to_bytes(2, "big") + entry + b"\0\0\0\0"


def _jpeg(data: bytes) -> bytes | None:
    out = [data[:2]]
    position, turn, placed = 2, 1, False
    for _ in range(SEGMENTS):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:  # fill
            position += 1
            continue
        if marker == 0xD9:
            out.append(b"\xff\xd9")
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:
            out.append(data[position : position + 2])
            position += 2
            continue
        end = position + 2 + _length(data, position + 2)[0]
        if end < position + 4 or end > len(data):
            return None
        body = data[position + 4 : position + 18]
        if marker == 0xE1 and body.startswith(b"Exif\0\0") and turn == 1:
            turn = headers.orientation(data, position + 10, end)
            if turn != 1:
                block = b"Exif\0\0" + orientation_block(turn)
                out.append(b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block)
        elif _jpeg_kept(marker, body):
            out.append(data[position:end])
        position = end
        if marker == 0xDA:
            end = _scan(data, position)
            out.append(data[position:end])
            position, placed = end, True
            if position >= len(data):
                break  # cut short: the pixels end without their mark
    return b"".join(out) if placed else None


def _jpeg_kept(marker: int, body: bytes) -> bool:
    if marker == 0xE2:
        return body.startswith(b"ICC_PROFILE\0")
    if marker == 0xE0:
        return body.startswith(b"JFIF\0")  # JFXX is a preview
    return marker == 0xEE or not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _scan(data: bytes, position: int) -> int:
    """Where the entropy-coded pixels that begin at `position` end: at the next marker that is none of theirs."""
    while True:
        position = data.find(b"\xff", position)
        if position < 0 or position + 1 >= len(data):
            return len(data)
        marker = data[position + 1]
        if marker != 0 and not 0xD0 <= marker <= 0xD7 and marker != 0xFF:
            return position
        position += 1 if marker == 0xFF else 2


def _png(data: bytes) -> bytes | None:
    out = [data[:8]]
    position = 8
    for _ in range(SEGMENTS):
        if position + 12 > len(data):
            return b"".join(out)
        length, kind = _chunk(data, position)
        end = position + 12 + length
        if end > len(data):
            # Cut short. Pixels may be shown as far as they go; anything else is left out.
            return b"".join([*out, data[position:]]) if kind == b"IDAT" else b"".join(out)
        if kind == b"eXIf":
            turn = headers.orientation(data, position + 8, position + 8 + length)
            if turn != 1:
                out.append(png_chunk(b"eXIf", orientation_block(turn)))
        elif not kind[0] & 0x20 or kind in _PNG_KEPT:
            out.append(data[position:end])
        position = end
        if kind == b"IEND":
            return b"".join(out)
    return None


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    import zlib

    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def _webp(data: bytes) -> bytes | None:
    stop = min(8 + _riff(data, 0)[1], len(data))
    dropped = stop < len(data)
    chunks: list[tuple[bytes, bytes]] = []
    position, turn = 12, 1
    for _ in range(SEGMENTS):
        if position + 8 > stop:
            break
        kind, length = _riff(data, position)
        body = data[position + 8 : position + 8 + length]
        if kind == b"EXIF":
            start = position + 8 + (6 if body.startswith(b"Exif\0\0") else 0)
            turn = headers.orientation(data, start, position + 8 + length)
            if turn != 1:
                chunks.append((kind, orientation_block(turn)))
            dropped |= turn == 1 or body != chunks[-1][1]
        elif kind in _WEBP_KEPT:
            chunks.append((kind, body))
        else:
            dropped = True
        position += 8 + length + (length & 1)
    else:
        return None
    if not chunks:
        return None
    if not dropped:
        return data
    out: list[bytes] = []
    for kind, body in chunks:
        if kind == b"VP8X" and body:
            # RFC 9649, 2.7.1: bit 3 says that there is Exif, bit 2 that there is XMP.
            body = bytes([body[0] & ~0x0C & 0xFF | (0x08 if turn != 1 else 0)]) + body[1:]
        out.append(kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) & 1))
    inner = b"WEBP" + b"".join(out)
    return b"RIFF" + len(inner).to_bytes(4, "little") + inner
