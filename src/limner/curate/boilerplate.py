"""Paragraphs that stand on many pages of one site: notices, teasers, footers that extraction let through."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limner.curate.balance import host_of
from limner.curate.operator import Context, Reason, Signatures, Verdict
from limner.curate.partitions import Records, partitions
from limner.curate.shingles import Words, mix
from limner.document import Document, Role

Numbers = NDArray[np.int64]

_HASH = np.dtype([("hash", "<u8")])


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

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        """Drop the paragraphs that too many pages share."""
        os.makedirs(signatures.scratch, exist_ok=True)
        often, pages = _often(signatures, self.min_pages)
        if not len(often):
            return
        for batch in signatures.batches("site", "key", "n", "order"):
            site, paragraph = _hashes(batch)
            ns, orders = _numbers(batch.column(2)), _numbers(batch.column(3))
            place = _places(often, paragraph)
            # Where a paragraph is among them, so is its site: it has at least as many pages.
            enough = np.maximum(self.min_pages, np.ceil(pages[_places(often, site)] * self.min_share))
            gone = np.flatnonzero((often[place] == paragraph) & (ns >= 0) & (pages[place] >= enough))
            names = batch.column(0).take(pa.array(gone)).to_pylist()
            figures = (values[gone].tolist() for values in (orders, ns, pages[place], enough))
            for order, n, stands, least, name in zip(*figures, names, strict=True):
                yield Verdict(order, n, Reason("boilerplate", stands, least, name))


def _often(signatures: Signatures, least: int) -> tuple[Words, Numbers]:
    """The sites of at least `least` pages, and the paragraphs that stand on as many of one site, as hashes, ascending; and on how many."""

    def stands() -> Iterator[Records]:
        for batch in signatures.batches("site", "key", "n", "first"):
            site, paragraph = _hashes(batch)
            # `first` marks one row a page and paragraph, so that pages are counted.
            yield np.where(_numbers(batch.column(2)) < 0, site, paragraph)[_numbers(batch.column(3))].view(_HASH)

    often, pages = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
    for records in partitions(stands(), _HASH, signatures.count, signatures.scratch, signatures.share):
        starts = np.flatnonzero(np.r_[True, records["hash"][1:] != records["hash"][:-1]])
        counts = np.diff(np.r_[starts, len(records)])
        often.append(records["hash"][starts[counts >= least]])
        pages.append(counts[counts >= least])
    found, counts = np.concatenate(often), np.concatenate(pages)
    ascending = np.argsort(found)
    return found[ascending], counts[ascending]


def _places(ascending: Words, values: Words) -> Numbers:
    return np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)


def _hashes(batch: pa.RecordBatch) -> tuple[Words, Words]:
    """The hash of each row's site (its first column), and of its site and paragraph (its second column, itself a hash: that two of
    64 bits are equal by chance is as rare as it was)."""
    column: Any = batch.column(0)
    sites = column.dictionary_encode()
    digests = [hashlib.blake2b(s.encode("utf-8", "surrogatepass"), digest_size=8).digest() for s in sites.dictionary.to_pylist()]
    site = np.frombuffer(b"".join(digests), "<u8")[_numbers(sites.indices)]
    return mix(~site), mix(site ^ mix(_numbers(batch.column(1)).view(np.uint64)))


def _numbers(column: Any) -> NDArray[Any]:
    return column.to_numpy(zero_copy_only=False)


_NUMBER = re.compile(r"\d+")


def _key(text: str) -> int:
    flat = " ".join(_NUMBER.sub("0", text.lower()).split())
    return int.from_bytes(hashlib.blake2b(flat.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)
