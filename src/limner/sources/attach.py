"""Images put beside the document that shows them: one function, for every source."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote_to_bytes

from limner.corpus.media import MediaInfo, MediaSink
from limner.document import Document, Image, Part

Load = Callable[[str], bytes | None]
"""The bytes behind an image's url, or None where they cannot be had."""

MAX_IMAGE = 64 * 2**20
"""No image of more bytes than this is read, wherever it comes from."""

_DATA = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.I)


def attach(document: Document, load: Load, media: MediaSink) -> Document:
    """`document` with every image that `load` can bring stored in `media`: its `ref`, `width` and `height` are set.

    Images that are stored already, cannot be loaded, or are not images by their first bytes, stay as they are. A
    `data:` URI is decoded here, and its `url` shortened to what stands before its comma.
    """
    known: dict[str, MediaInfo | None] = {}
    parts: list[Part] = []
    for part in document.parts:
        if not isinstance(part, Image) or part.ref or not part.url:
            parts.append(part)
            continue
        url = part.url
        if url not in known:
            data = decode_data_uri(url) if _is_data(url) else load(url)
            known[url] = media.put(data) if data else None
        info = known[url]
        if _is_data(url):
            part = replace(part, url=url[: min(url.find(",") % 200, 200)])
        if info and info.mime.startswith("image/"):
            part = replace(part, ref=info.ref, width=info.width or part.width, height=info.height or part.height)
        parts.append(part)
    return document.evolve(parts=tuple(parts))


def _is_data(url: str) -> bool:
    return url[:5].lower() == "data:"


def decode_data_uri(uri: str, limit: int = MAX_IMAGE) -> bytes | None:
    """The bytes of a `data:` URI (RFC 2397), None where it is damaged or its bytes are more than `limit`.

    >>> decode_data_uri("data:image/gif;base64,R0lGODlh"), decode_data_uri("data:text/plain,a%20b")
    (b'GIF89a', b'a b')
    """
    head = _DATA.match(uri[:1024])
    if head is None or len(uri) > 4 * limit:
        return None
    data = unquote_to_bytes(uri[head.end() :])
    if head[2].lower().rstrip().endswith(";base64"):
        data = b"".join(data.split())
        try:
            data = base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_" if b"-" in data or b"_" in data else None)
        except (binascii.Error, ValueError):
            return None
    return data if len(data) <= limit else None
