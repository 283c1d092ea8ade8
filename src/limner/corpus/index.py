"""Finding a document by its id and a file by its sha256 without reading the corpus: sorted keys, binary search.

An index is two arrays of one record a key: 64 bits of the key, the batch, the row. It is built from the `id` or
`ref` column alone (no other byte is read), kept in `index/`, memory-mapped where the corpus is local, and built
again when the set of commits has changed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from limner.corpus.commit import Commit
from limner.corpus.store import Store

ENTRY = np.dtype([("key", "<u8"), ("batch", "<u4"), ("row", "<u4")])


def fingerprint(commits: Sequence[Commit]) -> str:
    """Names the set of commits an index was built from."""
    digest = hashlib.sha256()
    for commit in commits:
        digest.update(f"{commit.stem} {sorted(commit.files.items())}\n".encode())
    return digest.hexdigest()[:16]


class KeyIndex:
    """Rows by key over the files of one folder (`documents` by `id`, `media` by `ref`)."""

    def __init__(self, store: Store, commits: Sequence[Commit], folder: str, column: str):
        self.commits = commits
        self._folder = folder
        name = f"index/{folder}-{fingerprint(commits)}.npy"
        local = store.local(name)
        if local and Path(local).is_file():
            self._entries = np.load(local, mmap_mode="r", allow_pickle=False)
        elif not local and store.exists(name):
            self._entries = np.load(io.BytesIO(store.read(name)), allow_pickle=False)
        else:
            self._entries = _build(store, commits, folder, column)
        self._keys = self._entries["key"]

    def save(self, store: Store) -> None:
        """Keep this index in the corpus, in place of older ones."""
        name = f"{self._folder}-{fingerprint(self.commits)}.npy"
        buffer = io.BytesIO()
        np.save(buffer, np.asarray(self._entries), allow_pickle=False)
        store.write(f"index/{name}", buffer.getvalue())
        for other in store.names("index"):
            if other.startswith(f"{self._folder}-") and other != name:
                store.remove(f"index/{other}")

    def find(self, key: str) -> Iterator[tuple[Commit, int]]:
        """The batches and rows whose key may be `key` (64 bits of it agree); the caller compares the rest."""
        wanted = np.uint64(key64(key))
        at = int(np.searchsorted(self._keys, wanted))
        while at < len(self._keys) and self._keys[at] == wanted:
            entry = self._entries[at]
            yield self.commits[int(entry["batch"])], int(entry["row"])
            at += 1

    def starting(self, prefix: str) -> list[tuple[Commit, int]]:
        """The batches and rows whose key starts with the hexadecimal digits `prefix`, at most 16 of them."""
        digits = prefix.lower()[:16]
        try:
            low = int(digits.ljust(16, "0"), 16)
            high = int(digits.ljust(16, "f"), 16)
        except ValueError:
            return []
        start = int(np.searchsorted(self._keys, np.uint64(low)))
        end = int(np.searchsorted(self._keys, np.uint64(high), side="right"))
        return [(self.commits[int(e["batch"])], int(e["row"])) for e in self._entries[start : min(end, start + 16)]]


def _build(store: Store, commits: Sequence[Commit], folder: str, column: str) -> np.ndarray:
    pieces: list[np.ndarray] = []
    for batch, commit in enumerate(commits):
        name = commit.file(folder)
        if name is None:
            continue
        with store.open(name) as file:
            keys = pq.read_table(file, columns=[column]).column(column).to_pylist()
        piece = np.empty(len(keys), ENTRY)
        piece["key"] = [key64(key) for key in keys]
        piece["batch"] = batch
        piece["row"] = np.arange(len(keys))
        pieces.append(piece)
    entries = np.concatenate(pieces) if pieces else np.empty(0, ENTRY)
    return entries[np.lexsort((entries["row"], entries["batch"], entries["key"]))]


def key64(key: str) -> int:
    """The first 64 bits of an id or hash in hexadecimal; of any other string (ids of imported corpora), 64 bits
    of its own hash, so that it too can be looked up."""
    try:
        return int(key[:16].ljust(16, "0"), 16)
    except ValueError:
        return int(hashlib.sha256(key.encode()).hexdigest()[:16], 16)
