"""The contract of an operator, in its three shapes, and two bases that most operators are written on.

An operator is a frozen dataclass of settings: picklable, pure (same settings and same documents, same result, on
any number of processes), registered under a name in `limner.curate.registry`. Its three shapes:

`Operator`        `__call__(document, context)` yields none, one or several documents
`BatchOperator`   `batch(documents, context)` for what needs a model; batches are cut by shard, so that the
                  same plan gives the same batches anywhere
`GlobalOperator`  `signature(document, context)` in a first pass, `decide(signatures)` over all of them, the
                  verdicts applied in a second pass; ties are broken by input order

Whoever takes a document or a part away says so with `context.drop`; whoever changes one, with `context.note`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from limner.corpus.media import MediaReader, MediaSink
from limner.document import Document, Part

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Reason(NamedTuple):
    """Why something was dropped or changed: a short name, the value measured, the threshold it met, and
    anything else worth keeping (the document it duplicates, the word found)."""

    reason: str
    value: float | None = None
    threshold: float | None = None
    detail: str = ""


class Context(MediaReader, MediaSink, Protocol):
    """What the runner gives an operator: media bytes in and out, and the ledger."""

    def drop(self, document: Document, part: Part | None, reason: Reason) -> None:
        """Record that `part` (None: the whole document) was taken away."""
        ...

    def note(self, document: Document, part: Part | None, reason: Reason) -> None:
        """Record that `part` (None: the document) was changed and kept."""
        ...


@runtime_checkable
class Operator(Protocol):
    """One document in; none, one or several out."""

    def __call__(self, document: Document, context: Context) -> Iterable[Document]: ...


@runtime_checkable
class BatchOperator(Protocol):
    """All documents of a batch in; those that remain out, in order."""

    def batch(self, documents: Sequence[Document], context: Context) -> Iterable[Document]: ...


class Verdict(NamedTuple):
    """What a global operator decided: drop the document at `order` (`part` -1), or one part of it."""

    order: int
    part: int
    reason: Reason


@dataclass(frozen=True)
class Signatures:
    """All signatures of a corpus, on disk as Parquet with the operator's columns after `order` (int64,
    the position of the document in input order) and `document` (its id). `memory` is the budget in bytes;
    what exceeds it spills below `scratch`."""

    files: Sequence[str]
    scratch: str
    memory: int
    threads: int = 1

    def query(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection that keeps to the budget and sees the signatures as the view `signatures`."""
        import duckdb

        connection = duckdb.connect(config={"threads": self.threads, "preserve_insertion_order": False})
        connection.execute(f"set memory_limit = '{max(self.memory // 2**20, 64)}MiB'")
        connection.execute("set temp_directory = ?", [self.scratch])
        connection.from_parquet(list(self.files)).create_view("signatures")  # type: ignore[arg-type]
        return connection

    def batches(self, *columns: str, rows: int = 4096) -> Iterator[pa.RecordBatch]:
        """Those columns of all rows, at most `rows` at a time, in the same order every time."""
        import pyarrow.parquet as pq

        for path in self.files:
            with pq.ParquetFile(path) as file:
                yield from file.iter_batches(rows, columns=list(columns), use_threads=False)

    @property
    def count(self) -> int:
        """How many rows there are."""
        import pyarrow.parquet as pq

        return sum(pq.read_metadata(path).num_rows for path in self.files)

    @property
    def share(self) -> int:
        """How many bytes one of several things should take that a decision holds at a time; more than 32 MiB gains little."""
        return min(max(self.memory // 8, 1 << 20), 32 << 20)


@runtime_checkable
class GlobalOperator(Protocol):
    """A decision that needs the whole corpus."""

    columns: ClassVar[pa.Schema]

    def signature(self, document: Document, context: Context) -> Iterable[Mapping[str, Any]]:
        """Rows (of `columns`) for one document: usually one, or one a part."""
        ...

    def decide(self, signatures: Signatures) -> Iterable[Verdict]:
        """What to drop. Must not depend on the order of rows in `signatures`."""
        ...


class DocumentFilter(ABC):
    """An operator that keeps a document or drops it whole."""

    @abstractmethod
    def judge(self, document: Document, context: Context) -> Reason | None:
        """None to keep the document, else why it goes."""

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        reason = self.judge(document, context)
        if reason is None:
            yield document
        else:
            context.drop(document, None, reason)


class PartFilter(ABC):
    """An operator that keeps or drops single parts; a document left without any part goes too. Captions of a part
    that goes, go with it."""

    @abstractmethod
    def judge(self, part: Part, document: Document, context: Context) -> Reason | None:
        """None to keep the part, else why it goes."""

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        gone: dict[int, Reason] = {}
        for part in document.parts:
            reason = self.judge(part, document, context)
            if reason is not None:
                gone[part.n] = reason
        yield from drop_parts(document, gone, context)


def drop_parts(document: Document, gone: Mapping[int, Reason], context: Context) -> Iterator[Document]:
    """The document less the parts in `gone` and their captions, each recorded; nothing if no part is left."""
    if not gone:
        yield document
        return
    gone = dict(gone)
    for text in document.texts:
        if text.of is not None and text.of in gone and text.n not in gone:
            gone[text.n] = Reason("caption-of-dropped", detail=str(text.of))
    for part in document.parts:
        if part.n in gone:
            context.drop(document, part, gone[part.n])
    left = document.without(gone)
    if left.parts:
        yield left
    else:
        context.drop(left, None, Reason("empty", 0, 1))
