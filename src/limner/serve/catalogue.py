"""The documents of a corpus as a table to browse: a few columns of each, held in memory, filtered in milliseconds.

About 300 bytes a document; text is not held, a search in it scans its column and the result is kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute

from limner.corpus import Corpus
from limner.corpus.columns import Parts, document_batches, host, source

# Its functions are made when it is imported: a type checker does not see them.
pc: Any = pyarrow.compute

Order = Literal["corpus", "images", "length", "title"]
Where = Literal["all", "title"]

_COLUMNS = [
    "id", "source", "url", "title", "language", "parts.list.element.type", "parts.list.element.ref",
]  # fmt: skip
_KEPT = 64


@dataclass(frozen=True)
class Filter:
    """Which documents, and in which order. `q` is looked for as it stands, in any case, in the title, URL and source
    (`where` "title") and in the text ("all"); `images` is the least number of images."""

    q: str = ""
    where: Where = "all"
    language: str | None = None
    host: str | None = None
    source: str | None = None
    images: int = 0
    order: Order = "corpus"

    @classmethod
    def of(cls, query: dict[str, str]) -> Filter:
        """From the query of a URL; what makes no sense in it is left out."""
        where, order = query.get("where", "all"), query.get("order", "corpus")
        images = query.get("images", "")
        return cls(
            query.get("q", "").strip()[:200],
            "title" if where == "title" else "all",
            query["language"] if query.get("language") else None,
            query["host"] if query.get("host") else None,
            query["source"] if query.get("source") else None,
            min(int(images), 10_000) if images.isascii() and images.isdigit() and len(images) < 6 else 0,
            order if order in get_args(Order) else "corpus",  # type: ignore[arg-type]
        )

    def to_query(self) -> dict[str, str]:
        """For the query of a URL: what differs from the default."""
        out = {name: value for name in ("q", "language", "host", "source") if (value := getattr(self, name))}
        if self.q and self.where != "all":
            out["where"] = self.where
        if self.images:
            out["images"] = str(self.images)
        if self.order != "corpus":
            out["order"] = self.order
        return out


class Catalogue:
    """The table, and the rows of it that a filter selects. Safe to use from threads."""

    def __init__(self, corpus: Corpus):
        self._corpus = corpus
        pieces = [_piece(batch) for batch in document_batches(corpus, _COLUMNS)]
        self.table = pa.concat_tables(pieces).combine_chunks() if pieces else _EMPTY
        self._selections: OrderedDict[Filter, np.ndarray] = OrderedDict()
        self._texts: OrderedDict[str, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.table.num_rows

    def id(self, row: int) -> str:
        """The id of the document at a row."""
        return str(self.table.column("id")[row].as_py())

    def row(self, id: str) -> int | None:
        """The row of a document, None where there is none."""
        found = pc.index(self.table.column("id"), id).as_py()
        return None if found < 0 else int(found)

    def facts(self, row: int) -> dict[str, Any]:
        """The columns of one row."""
        return {name: self.table.column(name)[row].as_py() for name in self.table.column_names}

    def values(self, column: str, most: int = 200) -> list[tuple[str, int]]:
        """The values of a column with how many documents have each, the most frequent first."""
        counts = pc.value_counts(self.table.column(column)).to_pylist()
        return sorted(((e["values"], e["counts"]) for e in counts if e["values"]), key=lambda x: (-x[1], x[0]))[:most]

    def select(self, filter: Filter) -> np.ndarray:
        """The rows that a filter lets through, in its order."""
        with self._lock:
            if filter in self._selections:
                self._selections.move_to_end(filter)
                return self._selections[filter]
        rows = self._select(filter)
        with self._lock:
            self._selections[filter] = rows
            while len(self._selections) > _KEPT:
                self._selections.popitem(last=False)
        return rows

    def _select(self, filter: Filter) -> np.ndarray:
        mask = np.ones(len(self), bool)
        for name in ("language", "host", "source"):
            if (value := getattr(filter, name)) is not None:
                mask &= _bools(pc.equal(self.table.column(name), value))
        if filter.images:
            mask &= self._numbers("images") >= filter.images
        if filter.q and mask.any():
            found = np.zeros(len(self), bool)
            for name in ("title", "url", "path", "id"):
                found |= _bools(pc.match_substring(self.table.column(name), filter.q, ignore_case=True))
            if filter.where == "all":
                found |= self._in_text(filter.q)
            mask &= found
        rows = np.flatnonzero(mask)
        if filter.order in ("images", "length"):
            by = self._numbers("images" if filter.order == "images" else "parts")[rows]
            return rows[np.argsort(-by, kind="stable")]
        if filter.order == "title":
            titles = pc.utf8_lower(pc.fill_null(self.table.column("title"), "\U0010ffff")).take(pa.array(rows))
            return rows[pc.array_sort_indices(titles.combine_chunks()).to_numpy()]
        return rows

    def _numbers(self, name: str) -> np.ndarray:
        return self.table.column(name).to_numpy()

    def _in_text(self, q: str) -> np.ndarray:
        with self._lock:
            if q in self._texts:
                return self._texts[q]
        pieces: list[np.ndarray] = []
        for batch in document_batches(self._corpus, ["parts.list.element.text"]):
            parts = Parts(batch)
            found = pc.match_substring(parts.column("text"), q, ignore_case=True)
            pieces.append(parts.sums(_bools(found)) > 0)
        held = np.concatenate(pieces) if pieces else np.zeros(0, bool)
        with self._lock:
            self._texts[q] = held
            while len(self._texts) > _KEPT:
                self._texts.popitem(last=False)
        return held


_EMPTY = pa.table(
    {
        **{name: pa.array([], pa.string()) for name in ("id", "path", "url", "title", "language", "host", "source")},
        **{name: pa.array([], pa.int64()) for name in ("images", "stored", "parts")},
    }
)


def _piece(batch: pa.RecordBatch) -> pa.Table:
    parts = Parts(batch)
    is_image = parts.equal("type", "image")
    strings = {
        "id": batch.column("id"), "path": batch.column("source"), "url": batch.column("url"),
        "title": batch.column("title"), "language": batch.column("language"), "host": host(batch), "source": source(batch),
    }  # fmt: skip
    counts = {
        "images": parts.sums(is_image), "stored": parts.sums(is_image & parts.valid("ref")),
        "parts": parts.sums(np.ones(parts.size, bool)),
    }  # fmt: skip
    return pa.table({**strings, **{name: pa.array(column) for name, column in counts.items()}})


def _bools(found: Any) -> np.ndarray:
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else
                      pc.fill_null(found, False).to_numpy())  # fmt: skip
