"""Reading Parquet files of a corpus: whole tables, columns in batches, and single row groups of local and remote files.

Arrow is never given a file of Python's: it reads those on threads of its own, which may let go of them after the interpreter has
ended, and that aborts the process. From an object store, the bytes of a row group come in one request, those of a small file too.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq

from limner.corpus import tables
from limner.corpus.store import Store
from limner.errors import CorpusError, InvalidDocument

# What reading a file that is damaged, or not Parquet, may raise: Arrow has an error of its own for each kind of nonsense.
UNREADABLE = (
    OSError, pa.ArrowException, InvalidDocument, ValueError, OverflowError, LookupError, TypeError, MemoryError, AttributeError,
)  # fmt: skip

SMALL = 1 << 20
"""A remote file of no more bytes than this is read whole when it is opened: one request in place of one a row group."""

_TAIL = 1 << 16
_FOOT = 8  # the length of the footer, and the magic number


@contextmanager
def reading(store: Store, name: str) -> Generator[None]:
    """What goes wrong with the bytes of a file becomes one `CorpusError` that names it."""
    try:
        yield
    except UNREADABLE as error:
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise CorpusError(f"{store.url}: {name} cannot be read ({said}); `limner check` says what is damaged") from error


def read_table(store: Store, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """A table of the corpus; raises `CorpusError` where it cannot be read."""
    with reading(store, name), store.arrow(name) as file:
        table = pq.ParquetFile(file).read(columns=list(columns) if columns is not None else None, use_threads=False)
        _validate(name, table, columns)
        return table


def read_batches(store: Store, name: str, columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Columns of a table, at most `rows` rows at a time; raises `CorpusError` where it cannot be read."""
    with reading(store, name), store.arrow(name) as file:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=rows, columns=list(columns), use_threads=False):
            _validate(name, batch, columns)
            yield batch


def _validate(name: str, table: pa.Table | pa.RecordBatch, columns: Sequence[str] | None) -> None:
    """Whether a table is what the corpus's schema says: what works on it need not be afraid."""
    folder = name.partition("/")[0]
    schema = tables.schema_of(folder, None if columns is None else tuple(columns))
    if schema is not None and {f.name: f.type for f in table.schema} != {f.name: f.type for f in schema}:
        raise ValueError("its columns are not those of this schema version")
    for column in tables.NEVER_NULL.get(folder, ()):
        if column in table.schema.names and table.column(column).null_count:
            raise ValueError(f"it has a row without {column}")
    table.validate(full=True)


class Parquet:
    """A file opened for its row groups; `size` is its length in bytes. Raises what `UNREADABLE` lists."""

    def __init__(self, store: Store, name: str, size: int):
        self._store, self._name, self._size = store, name, size
        local = store.local(name)
        self._file: pq.ParquetFile | None = None
        if local:
            self._file = pq.ParquetFile(local, memory_map=True)
        elif size <= SMALL:
            self._file = pq.ParquetFile(pa.BufferReader(self._read(0, size)))
        self._metadata: pq.FileMetaData = self._file.metadata if self._file else self._footer()
        sizes = [self._metadata.row_group(group).num_rows for group in range(self._metadata.num_row_groups)]
        self.starts = list(accumulate(sizes, initial=0))
        """The row at which each row group begins, and the number of rows."""

    def group(self, group: int) -> pa.Table:
        """A row group."""
        if self._file:
            return self._file.read_row_group(group, use_threads=False)
        start, end = self._span(group)
        view = self._view(start, self._read(start, end))
        return pq.ParquetFile(view, metadata=self._metadata).read_row_group(group, use_threads=False)

    def group_of(self, row: int) -> int:
        """The row group that a row lies in."""
        return bisect_right(self.starts, row) - 1

    def _footer(self) -> pq.FileMetaData:
        tail = min(self._size, _TAIL)
        data = self._read(self._size - tail, self._size)
        length = int.from_bytes(data[-_FOOT:-4], "little") + _FOOT
        if tail < length <= self._size:
            data = self._read(self._size - length, self._size)
        return pq.read_metadata(pa.BufferReader(b"PAR1" + data))

    def _span(self, group: int) -> tuple[int, int]:
        """Where the columns of a row group lie: side by side."""
        found = self._metadata.row_group(group)
        columns = [found.column(i) for i in range(found.num_columns)]
        starts = [c.dictionary_page_offset or c.data_page_offset for c in columns]
        ends = [start + c.total_compressed_size for start, c in zip(starts, columns, strict=True)]
        return min(starts, default=0), max(ends, default=0)

    def _read(self, start: int, end: int) -> bytes:
        if not 0 <= start <= end <= self._size:
            raise ValueError(f"it places data at bytes {start} to {end} of {self._size}")
        data = self._store.read_range(self._name, start, end)
        if len(data) != end - start:
            raise ValueError(f"it ends before byte {end}")
        return data

    def _view(self, start: int, data: bytes) -> pa.BufferReader:
        """The file with only those bytes in it: memory that is mapped and never touched takes no room."""
        view = mmap.mmap(-1, self._size)
        view[start : start + len(data)] = data
        return pa.BufferReader(pa.py_buffer(view))
