"""A corpus in the proportions one wants: a limit on its size, and a balance between its groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pyarrow as pa

from limner.curate.operator import Context, Reason, Signatures, Verdict
from limner.curate.sample import draw
from limner.document import Document


def group_of(document: Document, by: str) -> str:
    """The group of a document: its `language`, `host`, top folder of its `source`, or an entry of its `meta`.

    >>> group_of(Document("1", url="https://Docs.example.org/a"), "host")
    'docs.example.org'
    """
    if by == "language":
        return document.language
    if by == "host":
        return host_of(document)
    if by == "source":
        return document.source.replace("\\", "/").lstrip("/").partition("/")[0]
    return document.meta.get(by, "")


def host_of(document: Document) -> str:
    """The host of a document's URL, or the top folder of its source where it has none."""
    for name in (document.url, document.source):
        if "://" in name:
            try:
                host = urlsplit(name).hostname
            except ValueError:
                continue
            if host:
                return host.rstrip(".").lower()
    source = document.source.replace("\\", "/").lstrip("/")
    return source.partition("/")[0] if "/" in source else ""


@dataclass(frozen=True)
class Balance:
    """Keep at most so many documents of each group, or draw groups with a temperature.

    With `temperature` t > 1, groups are kept in proportion to the power 1/t of their size, the smallest share of
    documents being lost for which that holds: the multilingual sampling of XLM (Lample and Conneau 2019,
    arXiv 1901.07291, 3.1) without repeating any document. Within a group the documents are ordered by a hash of their
    ids, so the choice is random, and the same everywhere. Records `balance`, the document's place in its group, the
    number kept of the group, and the group.

    `by`  language, host, source (its top folder), or the name of an entry of `meta`
    `most`  most documents of a group, none for no such rule
    `temperature`  1 keeps the proportions as they are, greater ones level them
    `seed`  another seed, another choice
    """

    columns: ClassVar[pa.Schema] = pa.schema([pa.field("group", pa.string()), pa.field("draw", pa.float64())])

    by: str = "host"
    most: int | None = None
    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.temperature < 1:
            raise ValueError(f"the temperature is 1 or more, not {self.temperature}")
        if self.most is not None and self.most < 0:
            raise ValueError(f"`most` is 0 or more, not {self.most}")

    def signature(self, document: Document, context: Context) -> Iterable[Mapping[str, Any]]:
        """The document's group, and its number within it."""
        yield {"group": group_of(document, self.by), "draw": draw(document.id, self.seed)}

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        """Drop what is beyond a group's number."""
        with signatures.query() as connection:
            sizes: dict[str, int] = dict(
                connection.sql('select "group", count(*) from signatures group by 1 order by 2, 1').fetchall()
            )
            if not sizes:
                return
            keep = {group: self._keep(size, sizes) for group, size in sizes.items()}
            connection.execute("create temp table kept (name varchar, keep bigint)")
            connection.executemany("insert into kept values (?, ?)", [list(row) for row in keep.items()])
            cursor = connection.execute(
                """
                select "order", "group", place, keep from (
                    select "order", "group", row_number() over (partition by "group" order by draw, "order") as place
                    from signatures
                ) join kept on name = "group" where place > keep order by "order"
                """
            )
            while rows := cursor.fetchmany(10_000):
                for order, group, place, kept in rows:
                    yield Verdict(order, -1, Reason("balance", place, kept, group))

    def _keep(self, size: int, sizes: Mapping[str, int]) -> int:
        # The smallest group keeps all it has; a group r times as large keeps r ** (1/t) times as many.
        smallest = next(iter(sizes.values()))
        levelled = size if self.temperature == 1 else round(smallest * (size / smallest) ** (1 / self.temperature))
        return min(levelled, size, self.most if self.most is not None else size)


@dataclass(frozen=True)
class Limit:
    """Keep the first documents in input order, or as many drawn at random. Records `limit`, the document's place and
    the limit.

    `most`  how many documents to keep
    `random`  whether they are drawn by a hash of their ids rather than the first ones
    `seed`  another seed, another draw
    """

    columns: ClassVar[pa.Schema] = pa.schema([pa.field("draw", pa.float64())])

    most: int
    random: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.most < 0:
            raise ValueError(f"`most` is 0 or more, not {self.most}")

    def signature(self, document: Document, context: Context) -> Iterable[Mapping[str, Any]]:
        """The document's number."""
        yield {"draw": draw(document.id, self.seed) if self.random else 0.0}

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        """Drop what is beyond the limit."""
        with signatures.query() as connection:
            cursor = connection.execute(
                """
                select "order", place from (
                    select "order", row_number() over (order by draw, "order") as place from signatures
                ) where place > $most order by "order"
                """,
                {"most": self.most},
            )
            while rows := cursor.fetchmany(10_000):
                for order, place in rows:
                    yield Verdict(order, -1, Reason("limit", place, self.most))
