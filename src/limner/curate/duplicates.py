"""Near-duplicate documents over the whole corpus, by MinHash and banded locality-sensitive hashing.

First pass: each document's digest (for exact duplicates), its MinHash signature and its band hashes. Decision: of
documents with the same digest only the first goes on; equal band hashes are brought together through files on disk;
documents that meet in a band are compared by their whole signatures, which lie in a file on disk;
those at or above the threshold become one group, and the earliest of each group stays. Documents that have met
already through others are not compared again. What grows with the corpus in memory is a few numbers a document.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limner.curate.components import Components
from limner.curate.minhash import band_hashes, bands_for, minhash, similarity
from limner.curate.operator import Context, Reason, Signatures, Verdict
from limner.curate.partitions import Records, partitions
from limner.curate.shingles import characters, digest, shingles, words
from limner.document import Document

Numbers = NDArray[np.int64]

NEIGHBOURS = 64
"""In a band with more documents than this, each is compared with that many after it and with the first."""

_PAIRS = 1 << 12
_DIGEST = np.dtype([("low", "<u8"), ("high", "<u8"), ("at", "<i8")])
_BAND = np.dtype([("band", "<u8"), ("at", "<i8")])


@dataclass(frozen=True)
class NearDuplicates:
    """Drop documents whose text is nearly that of an earlier one; the earliest of each group of duplicates stays.

    MinHash over shingles (Broder 1997; as in GPT-3, Gopher, FineWeb): two documents are duplicates when the estimated
    Jaccard similarity of their sets of shingles is at least `threshold`, and so is whatever they connect. The bands
    follow from the threshold (see `limner.curate.minhash.bands_for`), weighted so that missing a duplicate is four
    times as bad as comparing a pair in vain. A document without a word is no duplicate.

    Records `exact-duplicate` or `near-duplicate`, the similarity to the document that stays, and its id.

    `threshold`     least estimated Jaccard similarity of duplicates
    `unit`          "word" or "character": what a shingle is made of
    `length`        units in a shingle
    `permutations`  numbers in a signature; the estimate's standard deviation is at most 0.5 / sqrt(permutations)
    `digits`        count all decimal digits as the same, so that dates and counters make no difference
    `exact`         exact duplicates only (after normalisation); no signatures are made
    """

    threshold: float = 0.8
    unit: Literal["word", "character"] = "word"
    length: int = 5
    permutations: int = 128
    digits: bool = True
    exact: bool = False

    columns: ClassVar[pa.Schema] = pa.schema(
        [("digest", pa.binary()), ("minhash", pa.binary()), ("bands", pa.list_(pa.uint64()))]
    )

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold {self.threshold} is not between 0 and 1")
        if self.length < 1 or not 1 <= self.permutations <= 4096:
            raise ValueError("length must be at least 1, and permutations 1 to 4096")

    def signature(self, document: Document, context: Context) -> Iterator[dict[str, Any]]:
        text = document.text
        hashes = words(text, self.digits)
        if not len(hashes):
            return
        row: dict[str, Any] = {"digest": digest(hashes), "minhash": b"", "bands": []}
        if not self.exact:
            pieces = shingles(hashes, self.length) if self.unit == "word" else characters(text, self.length, self.digits)
            signature = minhash(pieces, self.permutations)
            row["minhash"] = signature.astype("<u4").tobytes()
            row["bands"] = band_hashes(signature, *bands_for(self.threshold, self.permutations, 0.2)).tolist()
        yield row

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        os.makedirs(signatures.scratch, exist_ok=True)
        orders, rows = _orders(signatures)
        groups = Components(len(orders))
        first = _firsts(signatures, orders, groups)
        with tempfile.TemporaryDirectory(dir=signatures.scratch) as folder, open(f"{folder}/minhash", "w+b", buffering=0) as file:
            numbers = None
            if not self.exact:
                numbers = _Numbers(file, rows, self.permutations)
                numbers.write(signatures)
                bands, _ = bands_for(self.threshold, self.permutations, 0.2)
                for left, right in _candidates(signatures, orders, first, bands):
                    _compare(numbers, left, right, self.threshold, groups)
            roots = groups.roots()
            gone = np.flatnonzero(roots != np.arange(len(orders)))
            kept = np.unique(roots[gone])
            ids = _ids(signatures, orders[kept])
            for start in range(0, len(gone), _PAIRS):
                part = gone[start : start + _PAIRS]
                stays = roots[part]
                exact = (first[part] == stays).tolist()
                alike = [1.0] * len(part) if numbers is None else numbers.similarity(part, stays).tolist()
                names = ids.take(pa.array(np.searchsorted(kept, stays))).to_pylist()
                for order, same, value, name in zip(orders[part].tolist(), exact, alike, names, strict=True):
                    threshold, reason = (1.0, "exact-duplicate") if same else (self.threshold, "near-duplicate")
                    yield Verdict(order, -1, Reason(reason, round(value, 4), threshold, name))


class _Numbers:
    """The MinHash signatures in a file, in the order of the rows they came in. Not mapped: pages of a mapped file count as the
    process's for as long as the system does not need them."""

    def __init__(self, file: FileIO, rows: Numbers, count: int):
        self._file, self._rows, self._count = file, rows, count

    def write(self, signatures: Signatures) -> None:
        """Put all of them there."""
        for batch in signatures.batches("minhash"):
            data = _bytes(batch.column(0))
            while len(data):
                data = data[self._file.write(data) :]

    def similarity(self, a: Numbers, b: Numbers) -> NDArray[np.float64]:
        """How alike the documents at those positions in input order are, pair by pair."""
        return similarity(self._take(a), self._take(b))

    def _take(self, at: Numbers) -> NDArray[np.uint32]:
        wanted, back = np.unique(self._rows[at], return_inverse=True)
        found: Any = np.empty((len(wanted), self._count), "<u4")
        for row, into in zip(wanted.tolist(), found, strict=True):
            self._file.seek(row * into.nbytes)
            if self._file.readinto(into) != into.nbytes:
                raise OSError(f"the file of signatures is cut short at row {row}: is the disk full?")
        return found[back]


def _orders(signatures: Signatures) -> tuple[Numbers, Numbers]:
    """The order numbers of all documents, ascending, and in which row each of them is."""
    orders = np.concatenate([np.empty(0, np.int64), *(_numbers(batch.column(0)) for batch in signatures.batches("order"))])
    rows = np.argsort(orders, kind="stable")
    return orders[rows], rows


def _numbers(column: Any) -> NDArray[Any]:
    return column.to_numpy(zero_copy_only=False)


def _bytes(column: Any) -> memoryview:
    """The values of a binary column, one after the other."""
    _, offsets, data = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return memoryview(data or b"")[int(ends[0]) : int(ends[-1])]


def _firsts(signatures: Signatures, orders: Numbers, groups: Components) -> Numbers:
    """The first document with the same digest, for each; those with the same digest are joined."""

    def digests() -> Iterator[Records]:
        for batch in signatures.batches("digest", "order"):
            records = np.empty(batch.num_rows, _DIGEST)
            halves = np.frombuffer(_bytes(batch.column(0)), "<u8")
            records["low"], records["high"] = halves[::2], halves[1::2]
            records["at"] = np.searchsorted(orders, _numbers(batch.column(1)))
            yield records

    first = np.arange(len(orders))
    for records in partitions(digests(), _DIGEST, len(orders), signatures.scratch, signatures.share):
        same = (records["low"][1:] == records["low"][:-1]) & (records["high"][1:] == records["high"][:-1])
        heads = _heads(records["at"], same)
        first[records["at"]] = heads
        for i, j in zip(records["at"][1:][same].tolist(), heads[1:][same].tolist(), strict=True):
            groups.join(i, j)
    return first


def _heads(members: Numbers, same: NDArray[np.bool_]) -> Numbers:
    """For each member the first of its run; `same` says which of them, but for the very first, go on with the run before them."""
    starts = np.flatnonzero(np.r_[True, ~same])
    return np.repeat(members[starts], np.diff(np.r_[starts, len(members)]))


def _candidates(signatures: Signatures, orders: Numbers, first: Numbers, bands: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Positions of documents that share a band, left before right, in blocks; a pair may come more than once."""

    def banded() -> Iterator[Records]:
        for batch in signatures.batches("order", "bands"):
            lists: Any = batch.column(1)
            at = np.searchsorted(orders, _numbers(batch.column(0)))
            lengths = np.diff(_numbers(lists.offsets))
            records = np.empty(int(lengths.sum()), _BAND)
            records["band"], records["at"] = _numbers(lists.flatten()), np.repeat(at, lengths)
            yield records[np.repeat(first[at] == at, lengths)]

    for records in partitions(banded(), _BAND, len(orders) * bands, signatures.scratch, signatures.share):
        values, members = records["band"], records["at"]
        for shift in range(1, NEIGHBOURS + 1):
            same = np.flatnonzero(values[shift:] == values[:-shift])
            if not len(same):
                break
            yield members[same], members[same + shift]
        heads = _heads(members, values[1:] == values[:-1])
        far = np.flatnonzero(heads != members)
        yield heads[far], members[far]


def _compare(numbers: _Numbers, left: Numbers, right: Numbers, threshold: float, groups: Components) -> None:
    """Join the pairs whose signatures agree in at least `threshold` of their places."""
    for start in range(0, len(left), _PAIRS):
        a, b = left[start : start + _PAIRS], right[start : start + _PAIRS]
        apart = groups.roots(a) != groups.roots(b)
        a, b = a[apart], b[apart]
        alike = numbers.similarity(a, b) >= threshold
        for i, j in zip(a[alike].tolist(), b[alike].tolist(), strict=True):
            groups.join(i, j)


def _ids(signatures: Signatures, orders: Numbers) -> pa.Array:
    """The ids of the documents with those order numbers, which must be ascending."""
    found: list[pa.RecordBatch] = []
    for batch in signatures.batches("order", "document"):
        numbers = _numbers(batch.column(0))
        at = np.searchsorted(orders, numbers)
        at[at == len(orders)] = 0
        found.append(batch.filter(pa.array(orders[at] == numbers if len(orders) else np.zeros(len(at), bool))))
    if not found:
        return pa.array([], pa.string())
    return pa.Table.from_batches(found).sort_by("order").column("document").combine_chunks()
