"""The body of an HTTP message, decoded within bounds: chunks, then gzip, deflate, br or zstd."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterable

from fastwarc.stream_io import BrotliReader, ZstdReader

from limner.errors import SourceError

ACCEPTED = "gzip, deflate, br"
"""What to send as Accept-Encoding."""


def decode_body(data: bytes, encodings: Iterable[str], limit: int) -> bytes:
    """`data` less its content encodings, given in the order they were applied (as the header lists them).

    A body that is not in the encoding it claims is returned as it is, since servers and archivers often leave the
    header and undo the encoding. Raises `SourceError` past `limit` bytes: bombs do not expand in memory.

    >>> decode_body(zlib.compress(b"hello"), ["deflate"], 100)
    b'hello'
    """
    for encoding in [e.strip().lower() for e in encodings][:-6:-1]:
        if encoding in ("gzip", "x-gzip", "deflate"):
            data = _inflate(data, encoding, limit)
        elif encoding in ("br", "zstd"):
            data = _stream(data, encoding, limit)
    return data


def _inflate(data: bytes, encoding: str, limit: int) -> bytes:
    if encoding == "deflate":
        # Both zlib's format and, from old servers, bare deflate go by this name (RFC 9110, section 8.4.1.2).
        windows = (15, -15)
    elif data[:2] == b"\x1f\x8b":
        windows = (31,)
    else:
        return data
    for window in windows:
        unpacker = zlib.decompressobj(window)
        try:
            out = unpacker.decompress(data, limit + 1)
        except zlib.error:
            continue
        return _bounded(out, limit)
    if encoding == "deflate":
        return data
    raise SourceError("its body is not the gzip it claims to be")


def _stream(data: bytes, encoding: str, limit: int) -> bytes:
    reader = (BrotliReader if encoding == "br" else ZstdReader)(io.BytesIO(data))
    out = bytearray()
    try:
        while len(out) <= limit and (piece := reader.read(min(65536, limit + 1 - len(out)))):
            out += piece
    except OSError as error:
        if not out:
            return data
        raise SourceError(f"its body is damaged {encoding}: {error}") from None
    return _bounded(bytes(out), limit)


def _bounded(out: bytes, limit: int) -> bytes:
    if len(out) > limit:
        raise SourceError(f"its body is more than {limit} bytes once decompressed")
    return out


_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r?\n")


def unchunk(data: bytes) -> bytes:
    """`data` less HTTP/1.1 chunking (RFC 9112, section 7.1); as it is where it is not chunked after all."""
    out: list[bytes] = []
    at = 0
    while found := _SIZE.match(data, at):
        size = int(found[1], 16)
        if not size:
            return b"".join(out)
        out.append(data[found.end() : found.end() + size])
        at = found.end() + size
        at += 2 if data[at : at + 2] == b"\r\n" else 1 if data[at : at + 1] == b"\n" else 0
    # A body cut short still gives its chunks; one that never had any is itself.
    return b"".join(out) if out and at >= len(data) else data


_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.I)


def charset_of(content_type: str) -> str:
    """The charset a Content-Type names, or "".

    >>> charset_of('text/html; Charset="windows-1251"')
    'windows-1251'
    """
    found = _CHARSET.search(content_type)
    return found[1] if found else ""
