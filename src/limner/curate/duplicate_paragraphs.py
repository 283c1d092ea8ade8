"""Paragraphs that come again: inside a document, and over the whole corpus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from limner.curate.operator import Context, Reason, Signatures, Verdict, drop_parts
from limner.curate.shingles import digest, words
from limner.document import Document, Role, Text

ROLES: tuple[Role, ...] = ("paragraph", "list", "quote")


@dataclass(frozen=True)
class RepeatedParagraphs:
    """Drop paragraphs that have stood in the same document before, but for case, punctuation and white space.

    Records `repeated-paragraph` with the number of the first one.

    `roles`      roles that are judged
    `min_words`  shorter paragraphs stay
    `digits`     count all decimal digits as the same
    """

    roles: tuple[Role, ...] = ROLES
    min_words: int = 3
    digits: bool = False

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        first: dict[bytes, int] = {}
        gone: dict[int, Reason] = {}
        for text in document.texts:
            key = _key(text, self.roles, self.min_words, self.digits)
            if key is not None and first.setdefault(key, text.n) != text.n:
                gone[text.n] = Reason("repeated-paragraph", detail=str(first[key]))
        yield from drop_parts(document, gone, context)


@dataclass(frozen=True)
class DuplicateParagraphs:
    """Drop paragraphs that stand in earlier documents already (after CCNet and C4, who deduplicate by paragraph and
    by three sentences: Wenzek et al. 2020, arXiv 1911.00359; Raffel et al. 2020, arXiv 1910.10683).

    Records `duplicate-paragraph` with how often it stands in the corpus, and the id of the first document.

    `most`       how many times a paragraph may stand; the first ones in input order stay
    `roles`      roles that are judged
    `min_words`  shorter paragraphs stay
    `digits`     count all decimal digits as the same
    """

    most: int = 1
    roles: tuple[Role, ...] = ROLES
    min_words: int = 8
    digits: bool = True

    columns: ClassVar[pa.Schema] = pa.schema([("n", pa.int32()), ("digest", pa.binary())])

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError("most must be at least 1: the first of each paragraph stays")

    def signature(self, document: Document, context: Context) -> Iterator[dict[str, Any]]:
        """One row a paragraph."""
        for text in document.texts:
            key = _key(text, self.roles, self.min_words, self.digits)
            if key is not None:
                yield {"n": text.n, "digest": key}

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        """Drop all but the first `most` of each paragraph."""
        with signatures.query() as db:
            rows = db.execute(
                """
                with repeated as (select digest, count(*) as times from signatures group by digest having times > $most)
                select "order", n, times, first from (
                    select "order", n, times, row_number() over same as place, first_value(document) over same as first
                    from signatures join repeated using (digest)
                    window same as (partition by digest order by "order", n)
                ) where place > $most order by "order", n
                """,
                {"most": self.most},
            )
            while batch := rows.fetchmany(10_000):
                for order, n, times, first in batch:
                    yield Verdict(order, n, Reason("duplicate-paragraph", times, self.most, first))


def _key(text: Text, roles: tuple[Role, ...], min_words: int, digits: bool) -> bytes | None:
    if text.role not in roles:
        return None
    hashes = words(text.text, digits)
    return digest(hashes) if len(hashes) >= max(min_words, 1) else None
