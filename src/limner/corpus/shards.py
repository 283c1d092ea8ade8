"""Reading a corpus's files: Parquet row groups and byte ranges of media shards, with a bounded number kept open."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from limner.corpus import tables
from limner.corpus.commit import Commit
from limner.corpus.media import MediaInfo
from limner.corpus.store import Store
from limner.document import Document
from limner.errors import CorpusError

V = TypeVar("V")


class Kept(Generic[V]):
    """At most `most` values by key, the least recently used one let go first. Safe to use from threads."""

    def __init__(self, most: int, release: Callable[[V], None] | None = None):
        self._most = most
        self._release = release
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
                _, old = self._held.popitem(last=False)
                if self._release:
                    self._release(old)
        return value


class Reader:
    """Reads documents and media of commits; one a process and thread (its file offsets are its own)."""

    def __init__(self, store: Store, open_files: int = 64):
        self.store = store
        self._documents: Kept[pq.ParquetFile] = Kept(open_files)
        self._media: Kept[dict[str, tuple[MediaInfo, int]]] = Kept(open_files)
        self._shards: Kept[int] = Kept(open_files, os.close)

    def file(self, commit: Commit) -> pq.ParquetFile:
        """The document file of a commit that has one."""
        name = commit.file("documents")
        if name is None:
            raise CorpusError(f"{self.store.url}: batch {commit.stem} has no documents")
        return self._documents.get(name, lambda: self._open(name))

    def _open(self, name: str) -> pq.ParquetFile:
        local = self.store.local(name)
        try:
            return pq.ParquetFile(local, memory_map=True) if local else pq.ParquetFile(self.store.open(name))
        except (OSError, pa.ArrowInvalid) as error:
            raise CorpusError(f"{self.store.url}: {name} cannot be read ({error}); run `limner check`") from None

    def groups(self, commit: Commit) -> int:
        """How many row groups the documents of a commit lie in; 0 where it has none."""
        return self.file(commit).metadata.num_row_groups if commit.file("documents") else 0

    def group(self, commit: Commit, group: int) -> list[Document]:
        """The documents of one row group."""
        try:
            return tables.decode(self.file(commit).read_row_group(group, use_threads=False))
        except (OSError, pa.ArrowInvalid) as error:
            raise CorpusError(f"{self.store.url}: documents of batch {commit.stem} cannot be read ({error})") from None

    def row(self, commit: Commit, row: int) -> Document:
        """One document of a commit."""
        file = self.file(commit)
        first = 0
        for group in range(file.metadata.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if row < first + size:
                table = file.read_row_group(group, use_threads=False).slice(row - first, 1)
                return tables.decode(pa.Table.from_batches(table.to_batches()))[0]
            first += size
        raise CorpusError(f"{self.store.url}: batch {commit.stem} has no row {row}; its index is stale")

    def table(self, commit: Commit) -> dict[str, tuple[MediaInfo, int]]:
        """The media of a commit: facts and offset by sha256."""
        name = commit.file("media")
        return self._media.get(name, lambda: self._media_table(name)) if name else {}

    def _media_table(self, name: str) -> dict[str, tuple[MediaInfo, int]]:
        with self.store.open(name) as file:
            return {info.ref: (info, offset) for info, offset in tables.media_rows(pq.read_table(file))}

    def bytes(self, commit: Commit, start: int, end: int) -> bytes:
        """A range of the media shard of a commit."""
        name = f"media/{commit.stem}.tar"
        path = self.store.local(name)
        if path is None:
            return self.store.read_range(name, start, end)
        try:
            handle = self._shards.get(path, lambda: os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            raise CorpusError(f"{self.store.url}: {name} is missing; `limner check` says what else is damaged") from None
        return os.pread(handle, end - start, start)
