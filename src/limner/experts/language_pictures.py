"""Pictures in what an OpenAI-compatible server answers, each in its place in the text.

There is no one form: a list of parts as content; Markdown with links, which `images` beside it lists (limner's server); `images` alone (OpenRouter).
Pictures come as data URIs or lie at the server itself; what lies elsewhere is not fetched and stays a link.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import httpx

from limner.corpus.probe import mime
from limner.errors import ExpertError
from limner.experts.language import Content

LARGEST = 20_000_000
"""Bytes of a picture."""
MOST = 64
"""Pictures of an answer that are taken."""

Fetch = Callable[[str], bytes | None]
_LINK = re.compile(r"!\[[^\]\n]{0,2000}\]\(\s*<?([^\s<>)]+)>?[^)\n]{0,300}\)")


def told(message: Mapping[str, Any], fetch: Fetch) -> tuple[Content, ...]:
    """The texts and pictures of an answer's `message`, in order.

    >>> told({"content": "See ![it](/m/1.png) there."}, lambda url: b"png" if url == "/m/1.png" else None)
    ('See', b'png', 'there.')
    """
    content = message.get("content") or ""
    parts: list[Content] = []
    linked: set[str] = set()
    if isinstance(content, list):
        for part in cast("list[Any]", content):
            url = _url(part)
            picture = fetch(url) if url else None
            linked |= {url}
            parts += [picture] if picture else _texts(part.get("text") if isinstance(part, dict) else part)
    else:
        at = 0
        for found in _LINK.finditer(content):
            picture = fetch(found[1]) if sum(isinstance(part, bytes) for part in parts) < MOST else None
            if picture is not None:
                linked.add(found[1])
                parts += [*_texts(content[at : found.start()]), picture]
                at = found.end()
        parts += _texts(content[at:])
    beside = [url for url in map(_url, message.get("images") or ()) if url and url not in linked]
    room = MOST - sum(isinstance(part, bytes) for part in parts)
    return (*parts, *(picture for url in beside[: max(room, 0)] if (picture := fetch(url))))


def fetcher(base: str, key: str) -> Fetch:
    """Reads data URIs, and fetches what lies at the server of the URL `base`, with its key. None for anything else; raises `ExpertError` for a
    picture that does not come or is none."""
    origin = _origin(base)

    def fetch(url: str) -> bytes | None:
        if url.startswith("data:"):
            return _held(url)
        whole = urljoin(base, url)
        if _origin(whole) != origin:
            return None
        try:
            with httpx.stream("GET", whole, headers={"Authorization": f"Bearer {key}"}, timeout=60.0) as got:
                got.raise_for_status()
                data = bytearray()
                for piece in got.iter_bytes():
                    data += piece
                    if len(data) > LARGEST:
                        raise ExpertError(f"a picture at {base} has more than {LARGEST:,} bytes")
        except httpx.HTTPError as error:
            raise ExpertError(f"a picture that {base} wrote of does not come: {error}") from error
        return _checked(bytes(data), base)

    return fetch


def _held(uri: str) -> bytes:
    head, _, data = uri.partition(",")
    if not head.endswith(";base64") or len(data) > LARGEST * 4 // 3 + 4:
        raise ExpertError(f"a picture comes as a data URI that is not base64, or of more than {LARGEST:,} bytes")
    try:
        return _checked(base64.b64decode(data, validate=True), "the server")
    except binascii.Error as error:
        raise ExpertError(f"a picture comes as a data URI that cannot be read: {error}") from None


def _checked(data: bytes, where: str) -> bytes:
    if not mime(data).startswith("image/"):
        raise ExpertError(f"{where} sent a picture that is none")
    return data


def _url(part: Any) -> str:
    """The address of an image's part: `{"image_url": {"url": ...}}`, or the URL itself."""
    if not isinstance(part, Mapping):
        return ""
    held = cast("Mapping[str, Any]", part).get("image_url")
    found = cast("Mapping[str, Any]", held).get("url") if isinstance(held, Mapping) else held
    return found if isinstance(found, str) else ""


def _texts(text: Any) -> Sequence[str]:
    return [text.strip()] if isinstance(text, str) and text.strip() else []


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
