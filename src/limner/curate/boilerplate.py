"""Paragraphs that stand on many pages of one site: notices, teasers, footers that extraction let through."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from limner.curate.balance import host_of
from limner.curate.operator import Context, Reason, Signatures, Verdict
from limner.document import Document, Role


@dataclass(frozen=True)
class Boilerplate:
    """Drop paragraphs that are repeated over a site, as OBELICS does within a domain name (arXiv 2306.16527, A.1.5).

    A site is a host, or the top folder of the source where documents have no URL. A paragraph is compared without
    regard to case, digits and white space, so that dates and page numbers do not tell copies apart. It goes when it
    stands on at least `min_pages` pages and on at least the share `min_share` of the site's. (OBELICS drops what stands three
    times on a site, letter for letter; that guts documentation, where a sentence is used again with reason.) Records `boilerplate`,
    the number of pages, the number that made it too many, and the site.

    `roles`  the roles that are compared; headings such as "See also" are structure, and stay
    `min_pages`  least number of pages it stands on
    `min_share`  least share of the site's pages
    `min_characters`  shorter paragraphs stay: labels such as "Parameters:" are structure too
    """

    columns: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("site", pa.string()),
            pa.field("key", pa.int64()),
            pa.field("n", pa.int32()),
            pa.field("first", pa.bool_()),
        ]
    )

    roles: tuple[Role, ...] = ("paragraph", "list", "quote")
    min_pages: int = 10
    min_share: float = 0.3
    min_characters: int = 20

    def __post_init__(self) -> None:
        if self.min_pages < 2:
            raise ValueError(f"what stands on {self.min_pages} page is not repeated: `min_pages` is 2 or more")

    def signature(self, document: Document, context: Context) -> Iterator[Mapping[str, Any]]:
        """One row for the page (`n` -1), and one a paragraph."""
        site = host_of(document)
        yield {"site": site, "key": 0, "n": -1, "first": True}
        seen: set[int] = set()
        for text in document.texts:
            if text.role in self.roles and len(text.text) >= self.min_characters:
                key = _key(text.text)
                yield {"site": site, "key": key, "n": text.n, "first": key not in seen}
                seen.add(key)

    def decide(self, signatures: Signatures) -> Iterable[Verdict]:
        """Drop the paragraphs that too many pages share."""
        with signatures.query() as connection:
            # `first` marks one row a page and paragraph, so that pages are counted without a distinct.
            cursor = connection.execute(
                """
                with sites as (
                    select site, greatest($pages, ceil(count(*) * $share)) as enough from signatures where n < 0 group by site
                ), repeated as (
                    select site, key, count(*) as pages, any_value(enough) as enough
                    from signatures join sites using (site) where first and n >= 0
                    group by site, key having count(*) >= any_value(enough)
                )
                select "order", n, pages, enough, site from signatures join repeated using (site, key)
                where n >= 0 order by "order", n
                """,
                {"pages": self.min_pages, "share": self.min_share},
            )
            while rows := cursor.fetchmany(10_000):
                for order, n, pages, enough, site in rows:
                    yield Verdict(order, n, Reason("boilerplate", pages, enough, site))


_NUMBER = re.compile(r"\d+")


def _key(text: str) -> int:
    flat = " ".join(_NUMBER.sub("0", text.lower()).split())
    return int.from_bytes(hashlib.blake2b(flat.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)
