"""Reading a corpus's files: Parquet row groups and byte ranges of media shards, with a bounded number kept open."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

import pyarrow as pa

from limner.corpus import tables
from limner.corpus.commit import Commit
from limner.corpus.media import MediaInfo
from limner.corpus.parquet import Parquet, read_table, reading
from limner.corpus.store import Store
from limner.document import Document
from limner.errors import CorpusError

V = TypeVar("V")


class Kept(Generic[V]):
    """At most `most` values by key, the least recently used one let go first. Safe to use from threads."""

    def __init__(self, most: int):
        self._most = most
        self._held: OrderedDict[str, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], V]) -> V:
        """The value of `key`, made by `make` where it is not held."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        value = make()
        with self._lock:
            self._held[key] = value
            while len(self._held) > self._most:
                self._held.popitem(last=False)
        return value


class _Descriptor:
    """An open file, closed with the last use of it: one that is let go while a thread reads it stays open till then."""

    def __init__(self, path: str):
        self.number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # At the end of the interpreter `os` may be gone before this is.
        if hasattr(self, "number"):
            close(self.number)


class MediaTable(Mapping[str, tuple[MediaInfo, int]]):
    """The media of a batch: facts and offset in the shard, by sha256. Kept as columns: a value is made when asked for."""

    def __init__(self, table: pa.Table):
        self._rows = {ref: row for row, ref in enumerate(table.column("ref").to_pylist())}
        self._mimes = table.column("mime").combine_chunks()
        self._numbers = [table.column(n).to_numpy() for n in ("width", "height", "size", "offset")]

    def __getitem__(self, ref: str) -> tuple[MediaInfo, int]:
        row = self._rows[ref]
        width, height, size, offset = (int(column[row]) for column in self._numbers)
        return MediaInfo(ref, self._mimes[row].as_py(), width, height, size), offset

    def span(self, ref: str) -> tuple[int, int] | None:
        """Where the bytes of `ref` begin and end in the shard, or None where the batch does not store it."""
        row = self._rows.get(ref)
        if row is None:
            return None
        start = int(self._numbers[3][row])
        return start, start + int(self._numbers[2][row])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class Reader:
    """Reads documents and media of commits; one a process and thread (its file offsets are its own)."""

    def __init__(self, store: Store, open_files: int = 64):
        self.store = store
        self._documents: Kept[Parquet] = Kept(open_files)
        self._media: Kept[MediaTable] = Kept(4 * open_files)
        self._shards: Kept[_Descriptor] = Kept(open_files)

    def _file(self, commit: Commit) -> Parquet:
        name = commit.file("documents")
        if name is None:
            raise CorpusError(f"{self.store.url}: batch {commit.stem} has no documents")
        with reading(self.store, name):
            return self._documents.get(name, lambda: Parquet(self.store, name, commit.files[name]))

    def groups(self, commit: Commit) -> int:
        """How many row groups the documents of a commit lie in; 0 where it has none."""
        if not commit.file("documents"):
            return 0
        return commit.groups or len(self.starts(commit)) - 1

    def starts(self, commit: Commit) -> list[int]:
        """The row at which each row group begins, as the file says, and the number of rows."""
        return self._file(commit).starts

    def group(self, commit: Commit, group: int) -> list[Document]:
        """The documents of one row group."""
        file = self._file(commit)
        with reading(self.store, f"documents/{commit.stem}.parquet"):
            return tables.decode(file.group(group))

    def row(self, commit: Commit, row: int) -> Document:
        """One document of a commit."""
        file = self._file(commit)
        if not 0 <= row < file.starts[-1]:
            raise CorpusError(f"{self.store.url}: batch {commit.stem} has no row {row}; its index is stale")
        group = file.group_of(row)
        with reading(self.store, f"documents/{commit.stem}.parquet"):
            table = file.group(group).slice(row - file.starts[group], 1)
            return tables.decode(pa.Table.from_batches(table.to_batches()))[0]

    def table(self, commit: Commit) -> MediaTable:
        """The media of a commit: facts and offset by sha256."""
        name = commit.file("media")
        return self._media.get(name, lambda: self._media_table(name)) if name else _NO_MEDIA

    def _media_table(self, name: str) -> MediaTable:
        with reading(self.store, name):
            return MediaTable(read_table(self.store, name))

    def bytes(self, commit: Commit, start: int, end: int) -> bytes:
        """A range of the media shard of a commit."""
        name = f"media/{commit.stem}.tar"
        if not 0 <= start <= end:
            raise CorpusError(f"{self.store.url}: the table of {name} names bytes {start} to {end}; run `limner check`")
        path = self.store.local(name)
        if path is None:
            data = self.store.read_range(name, start, end)
        else:
            try:
                data = pread(self._shards.get(path, lambda: _Descriptor(path)).number, end - start, start)
            except FileNotFoundError:
                raise CorpusError(f"{self.store.url}: {name} is missing; `limner check` says what else is damaged") from None
        if len(data) != end - start:
            raise CorpusError(f"{self.store.url}: {name} ends before byte {end}; `limner check` says what else is damaged")
        return data


def pread(number: int, size: int, offset: int) -> bytes:
    """`size` bytes at `offset`, or up to the end of the file: one call of the system returns at most 2 GiB."""
    data = os.pread(number, size, offset)
    if len(data) == size or not data:
        return data
    pieces = [data]
    while piece := os.pread(number, size - sum(map(len, pieces)), offset + sum(map(len, pieces))):
        pieces.append(piece)
    return b"".join(pieces)


_NO_MEDIA = MediaTable(tables.MEDIA.empty_table())
