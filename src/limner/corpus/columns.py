"""Documents as columns: a few of them, batch by batch, for figures over a corpus that decode no document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from limner.corpus.corpus import Corpus
from limner.corpus.parquet import read_batches

# Its functions are made when it is imported: a type checker does not see them.
pc: Any = pyarrow.compute

_HOST = r"^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?(?P<host>[^/?#:]+)"


def document_batches(corpus: Corpus, columns: Sequence[str], rows: int = 2_048) -> Iterator[pa.RecordBatch]:
    """Columns of all documents, at most `rows` rows at a time, in the order of the corpus."""
    for commit in corpus.commits:
        if name := commit.file("documents"):
            yield from read_batches(corpus.store, name, columns, rows)


class Parts:
    """The parts of a batch of documents as flat columns, and sums back to one figure a document."""

    def __init__(self, batch: pa.RecordBatch):
        self._lists = batch.column("parts")
        self._structs = self._lists.flatten()
        offsets = self._lists.offsets.to_numpy(zero_copy_only=False)
        self._bounds = offsets - offsets[0]
        self.size = len(self._structs)

    def column(self, name: str) -> pa.Array:
        """One field of every part."""
        return self._structs.field(name)

    def equal(self, name: str, value: str) -> np.ndarray:
        """Whether a field has that value."""
        return pc.fill_null(pc.equal(self.column(name), value), False).to_numpy(zero_copy_only=False)

    def valid(self, name: str) -> np.ndarray:
        """Whether a field is there."""
        return self.column(name).is_valid().to_numpy(zero_copy_only=False)

    def number(self, name: str) -> np.ndarray:
        """A field of numbers, 0 where it is not there."""
        return pc.fill_null(self.column(name), 0).to_numpy(zero_copy_only=False)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """One sum a document of a figure a part."""
        total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
        return total[self._bounds[1:]] - total[self._bounds[:-1]]


def host(batch: pa.RecordBatch) -> pa.Array:
    """The host of each document's URL, else of its source where that is one; null where neither is."""
    of_url = pc.struct_field(pc.extract_regex(batch.column("url"), _HOST), "host")
    of_source = pc.struct_field(pc.extract_regex(batch.column("source"), _HOST), "host")
    return pc.utf8_lower(pc.coalesce(of_url, of_source))


def source(batch: pa.RecordBatch) -> pa.Array:
    """What stands before the first slash of each document's source, or its host: the folder, archive or site."""
    of_source = pc.struct_field(pc.extract_regex(batch.column("source"), _HOST), "host")
    first = pc.struct_field(pc.extract_regex(batch.column("source"), r"^(?P<first>[^/]+)"), "first")
    return pc.coalesce(of_source, first)
