"""Finding a document by its id and a file by its sha256 without reading the corpus: sorted keys, binary search.

An index is two arrays of one record a key: 64 bits of the key, the batch, the row. It is built from the `id` or
`ref` column alone (no other byte is read), kept in `index/`, memory-mapped where the corpus is local, and built
again when the set of commits has changed.
"""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from limner.corpus.commit import Commit
from limner.corpus.store import Store
from limner.errors import CorpusError

_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
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
        found = self.kept(store, name)
        self._entries = build_entries(store, commits, folder, column) if found is None else found
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
        except Exception:  # numpy reads the header as Python: damage to it raises anything its tokenizer does
            return None  # it is only a copy of what the batches say
        return found if found.dtype == ENTRY and found.ndim == 1 else None

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

    def starting(self, prefix: str) -> list[tuple[Commit, int]]:
        """The batches and rows whose key starts with the hexadecimal digits `prefix`, at most 16 of them."""
        digits = prefix.lower()[:16]
        if not digits or not _HEXADECIMAL.issuperset(digits):
            return []
        start = bisect_left(self._keys, int(digits.ljust(16, "0"), 16))
        end = bisect_right(self._keys, int(digits.ljust(16, "f"), 16))
        return [self._place(at) for at in range(start, min(end, start + 16))]


COLUMNS = {"documents": "id", "media": "ref"}


def build_entries(store: Store, commits: Sequence[Commit], folder: str, column: str = "") -> np.ndarray:
    """The entries of an index of `folder`, from the batches themselves."""
    column = column or COLUMNS[folder]
    pieces: list[np.ndarray] = []
    for batch, commit in enumerate(commits):
        name = commit.file(folder)
        if name is None:
            continue
        with store.arrow(name) as file:
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
    if key and _HEXADECIMAL.issuperset(key):
        return int(key[:16].ljust(16, "0"), 16)
    return int(hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16], 16)
