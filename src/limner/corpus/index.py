"""Finding a document by its id and a file by its sha256 without reading the corpus: sorted keys, binary search.

An index is an array of one record a key: 64 bits of it (`limner.corpus.keys`), the batch, the row. It is built from the
`id` or `ref` column alone, kept in `index/`, memory-mapped where the corpus is local, and built again when the set of
commits has changed.
"""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from limner.corpus.commit import Commit
from limner.corpus.keys import VERSION, key64, keys64, keys_starting
from limner.corpus.parquet import read_table
from limner.corpus.store import Store
from limner.errors import CorpusError

_FEW = 16
ENTRY = np.dtype([("key", "<u8"), ("batch", "<u4"), ("row", "<u4")])


def fingerprint(commits: Sequence[Commit]) -> str:
    """Names the set of commits an index was built from."""
    digest = hashlib.sha256()
    for commit in commits:
        digest.update(f"{commit.stem} {sorted(commit.files.items())}\n".encode())
    return digest.hexdigest()[:16]


def file_name(folder: str, commits: Sequence[Commit]) -> str:
    """What the index of a folder is called: other batches, or another way of making keys, another name."""
    return f"{folder}-v{VERSION}-{fingerprint(commits)}.npy"


class KeyIndex:
    """Rows by key over the files of one folder (`documents` by `id`, `media` by `ref`)."""

    def __init__(self, store: Store, commits: Sequence[Commit], folder: str):
        self.commits = commits
        self._store = store
        self._folder = folder
        found = self.kept(store, f"index/{file_name(folder, commits)}")
        self._entries = build_entries(store, commits, folder) if found is None else found
        # Binary search reads single records through this view: numpy's own would copy the whole strided column first.
        self._keys = self._entries["key"]

    @staticmethod
    def kept(store: Store, name: str) -> np.ndarray | None:
        """The entries of a kept index, or None where it is not there or damaged."""
        local = store.local(name)
        try:
            if local and Path(local).is_file():
                found = np.load(local, mmap_mode="r", allow_pickle=False).view(np.ndarray)
            elif not local and store.exists(name):
                found = np.load(io.BytesIO(store.read(name)), allow_pickle=False)
            else:
                return None
        except Exception:  # noqa: BLE001 - numpy reads the header as Python: damage to it raises anything its tokenizer does
            return None  # it is only a copy of what the batches say
        return found if found.dtype == ENTRY and found.ndim == 1 else None

    def save(self, store: Store) -> None:
        """Keep this index in the corpus, in place of older ones."""
        name = file_name(self._folder, self.commits)
        store.write(f"index/{name}", as_file(self._entries))
        for other in store.names("index"):
            if other.startswith(f"{self._folder}-") and other != name:
                store.remove(f"index/{other}")

    def find(self, key: str) -> Iterator[tuple[Commit, int]]:
        """The batches and rows whose key may be `key` (64 bits of it agree); the caller compares the rest."""
        wanted = key64(key)
        at = bisect_left(self._keys, wanted)
        while at < len(self._keys) and self._keys[at] == wanted:
            yield self._place(at)
            at += 1

    def _place(self, at: int) -> tuple[Commit, int]:
        _, batch, row = self._entries[at].tolist()
        if batch >= len(self.commits):
            raise CorpusError("the index is damaged; remove the folder index/ of the corpus, it is built again")
        return self.commits[batch], row

    def starting(self, prefix: str) -> Iterator[tuple[Commit, int]]:
        """The batches and rows whose key may start with the hexadecimal digits `prefix`; the caller compares the rest. Where many
        may (ids that count up from zeros), their columns are looked into, one batch after the other."""
        span = keys_starting(prefix)
        if span is None:
            return
        start, end = bisect_left(self._keys, span[0]), bisect_right(self._keys, span[1])
        if end - start <= _FEW:
            yield from (self._place(at) for at in range(start, end))
            return
        for batch in np.unique(self._entries["batch"][start:end]).tolist():
            commit, _ = self._place(start + int(np.argmax(self._entries["batch"][start:end] == batch)))
            column = read_keys(self._store, commit, self._folder)
            yield from ((commit, row) for row, key in enumerate(column.to_pylist()) if key.startswith(prefix))


COLUMNS = {"documents": "id", "media": "ref"}


def read_keys(store: Store, commit: Commit, folder: str) -> pa.ChunkedArray:
    """The column of keys of a batch's file in `folder`; raises `CorpusError` where it cannot be read."""
    name = commit.file(folder)
    if name is None:
        return pa.chunked_array([], pa.string())
    table = read_table(store, name, [COLUMNS[folder]])
    column = table.column(0) if table.num_columns else None
    if column is None or column.type != pa.string() or column.null_count:
        raise CorpusError(f"{store.url}: {name} has not the columns limner writes; run `limner check`")
    return column


def as_file(entries: np.ndarray) -> bytes:
    """The bytes of the file that keeps an index."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(entries), allow_pickle=False)
    return buffer.getvalue()


def build_entries(store: Store, commits: Sequence[Commit], folder: str) -> np.ndarray:
    """The entries of an index of `folder`, from the batches themselves."""
    pieces: list[np.ndarray] = []
    for batch, commit in enumerate(commits):
        if commit.file(folder) is None:
            continue
        keys = keys64(read_keys(store, commit, folder))
        piece = np.empty(len(keys), ENTRY)
        piece["key"] = keys
        piece["batch"] = batch
        piece["row"] = np.arange(len(keys))
        pieces.append(piece)
    entries = np.concatenate(pieces) if pieces else np.empty(0, ENTRY)
    return entries[np.lexsort((entries["row"], entries["batch"], entries["key"]))]
