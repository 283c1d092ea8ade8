"""Stored files over HTTP: by sha256, with their type by content, never run."""

from __future__ import annotations

from io import BytesIO

from starlette.responses import Response

from limner.corpus import MediaInfo
from limner.errors import MediaError, MissingExtra
from limner.serve.guard import MEDIA_POLICY

SHOWN = frozenset(
    ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml", "image/x-icon"]
)
"""Types that browsers show; other images are sent as PNG, drawn at most `SIDE` pixels wide or high."""

SIDE = 1_600
PLAYED = ("audio/", "video/")


def response(info: MediaInfo, data: bytes, range_header: str = "") -> Response:
    """The bytes of a stored file with what keeps a browser from running them; what is neither shown nor played is a
    download. One range of bytes is answered as such, for videos that are wound forward."""
    headers = {
        "content-security-policy": MEDIA_POLICY,
        "cache-control": "private, max-age=31536000, immutable",
        "etag": f'"{info.ref}"',
    }
    mime = info.mime
    if mime.startswith("image/") and mime not in SHOWN:
        drawn = _as_png(data)
        if drawn is not None:
            data, mime = drawn, "image/png"
    if mime not in SHOWN and not mime.startswith(PLAYED):
        headers["content-disposition"] = f'attachment; filename="{info.ref[:16]}.bin"'
        mime = "application/octet-stream"
    if mime.startswith(PLAYED):
        headers["accept-ranges"] = "bytes"
        if (span := _span(range_header, len(data))) is not None:
            start, end = span
            headers["content-range"] = f"bytes {start}-{end - 1}/{len(data)}"
            return Response(data[start:end], 206, headers, mime)
    return Response(data, 200, headers, mime)


def _span(header: str, size: int) -> tuple[int, int] | None:
    unit, _, rest = header.partition("=")
    first, dash, last = rest.partition("-")
    if unit != "bytes" or not dash or not first.isdigit() or "," in rest or len(rest) > 40:
        return None
    start = int(first)
    end = min(int(last) + 1, size) if last.isdigit() else size
    return (start, end) if start < end else None


def _as_png(data: bytes) -> bytes | None:
    from PIL import Image

    from limner.corpus.pixels import thumbnail

    try:
        pixels = thumbnail(data, SIDE)
    except (MediaError, MissingExtra):
        return None
    with BytesIO() as file:
        Image.fromarray(pixels).save(file, "PNG", compress_level=3)
        return file.getvalue()
