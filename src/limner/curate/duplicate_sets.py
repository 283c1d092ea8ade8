"""Whole documents that come again without their text being compared: the same images, or the same address."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import pyarrow as pa

from limner.curate.duplicate_images import key_of
from limner.curate.operator import Context, Reason, Signatures, Verdict
from limner.document import Document


@dataclass(frozen=True)
class DuplicateSets:
    """Drop documents that have exactly the images of an earlier one: galleries and listings under another address.

    OBELICS groups documents by their set of image URLs and keeps the most recent of each group (Laurençon et al. 2023,
    arXiv 2306.16527, A.1.5). Records `duplicate-image-set` with the number of images, and the id of the one that stays.

    `min_images`  documents with fewer different images stay
    `keep`        the "first" in input order, or the "latest" by the document's date (ties: the first)
    """

    min_images: int = 2
    keep: Literal["first", "latest"] = "first"

    columns: ClassVar[pa.Schema] = pa.schema([("digest", pa.binary()), ("images", pa.int32()), ("date", pa.string())])

    def __post_init__(self) -> None:
        if self.min_images < 1:
            raise ValueError("min_images must be at least 1")

    def signature(self, document: Document, context: Context) -> Iterator[dict[str, Any]]:
        """One row, for a document with enough images."""
        keys = sorted({key_of(image) for image in document.images} - {""})
        if len(keys) >= self.min_images:
            text = "\n".join(keys).encode("utf-8", "surrogatepass")
            digest = hashlib.blake2b(text, digest_size=16).digest()
            yield {"digest": digest, "images": len(keys), "date": document.meta.get("date", "")}

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        """Drop all but one of each set."""
        ranked = {"first": '"order"', "latest": 'date desc, "order"'}[self.keep]
        with signatures.query() as db:
            rows = db.execute(
                f"""
                select "order", images, kept from (
                    select "order", images, row_number() over same as place, first_value(document) over same as kept
                    from signatures window same as (partition by digest order by {ranked})
                ) where place > 1 order by 1
                """
            )
            while batch := rows.fetchmany(10_000):
                for order, images, kept in batch:
                    yield Verdict(order, -1, Reason("duplicate-image-set", images, self.min_images, kept))


@dataclass(frozen=True)
class DuplicateUrls:
    """Keep one document of each canonical URL, as OBELICS does over crawls, the most recent (arXiv 2306.16527, A.1.5).

    Two URLs are the same that differ in scheme (http or https), letter case of the host, `www.`, default port,
    fragment, a trailing slash or index page, the order of query parameters, or parameters that only follow a visitor
    (utm_*, gclid, fbclid, ...). Records `duplicate-url` with the id of the one that stays.

    `keep`  "first" or "last" in input order, or the "latest" by the document's date (ties: the first)
    """

    keep: Literal["first", "last", "latest"] = "first"

    columns: ClassVar[pa.Schema] = pa.schema([("url", pa.string()), ("date", pa.string())])

    def signature(self, document: Document, context: Context) -> Iterator[dict[str, Any]]:
        """One row, for a document that has a URL."""
        url = canonical(document.url or document.source)
        if url:
            yield {"url": url, "date": document.meta.get("date", "")}

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        """Drop all but one of each URL."""
        ranked = {"first": '"order"', "last": '"order" desc', "latest": 'date desc, "order"'}[self.keep]
        with signatures.query() as db:
            rows = db.execute(
                f"""
                select "order", kept from (
                    select "order", row_number() over same as place, first_value(document) over same as kept
                    from signatures window same as (partition by url order by {ranked})
                ) where place > 1 order by 1
                """
            )
            while batch := rows.fetchmany(10_000):
                for order, kept in batch:
                    yield Verdict(order, -1, Reason("duplicate-url", detail=kept))


_VISITOR = re.compile(r"utm_\w+|gclid|gclsrc|dclid|fbclid|msclkid|yclid|mc_[ce]id|igshid|_ga|_hs(?:enc|mi)|ref_src|spm")
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)\Z", re.IGNORECASE)


def canonical(url: str) -> str:
    """A web address without what makes no difference to its page, for comparing; "" for what is none.

    >>> canonical("HTTPS://WWW.Example.org:443/a/index.html?b=2&utm_source=x&a=1#top")
    'example.org/a?a=1&b=2'
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host:
        return ""
    host = host.rstrip(".").lower().removeprefix("www.")
    if port not in (None, 80, 443):
        host += f":{port}"
    path = _INDEX.sub("/", quote(unquote(parts.path, errors="surrogateescape"), errors="surrogateescape")).rstrip("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True) if parts.query.count("&") < 1000 else []
    query = urlencode(sorted(pair for pair in pairs if not _VISITOR.fullmatch(pair[0])), errors="surrogateescape")
    return f"{host}{path}{'?' + query if query else ''}"
