"""Near-duplicate documents over the whole corpus, by MinHash and banded locality-sensitive hashing.

First pass: each document's digest (for exact duplicates), its MinHash signature and its band hashes. Decision: of
documents with the same digest only the first goes on; DuckDB sorts their band hashes, spilling what exceeds the
memory budget; documents that meet in a band are compared by their whole signatures, which lie in a file on disk;
those at or above the threshold become one group, and the earliest of each group stays. Documents that have met
already through others are not compared again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from limner.curate.components import Components
from limner.curate.minhash import band_hashes, bands_for, minhash, similarity
from limner.curate.operator import Context, Reason, Signatures, Verdict
from limner.curate.shingles import characters, digest, shingles, words
from limner.document import Document

Numbers = NDArray[np.int64]

NEIGHBOURS = 64
"""In a band with more documents than this, each is compared with that many after it and with the first."""

_ROWS = 1 << 16
_PAIRS = 1 << 14


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
        with signatures.query() as db, tempfile.TemporaryDirectory(dir=signatures.scratch) as folder:
            db.execute('create temp table firsts as select min("order") as first, digest from signatures group by digest')
            orders = cast("Numbers", db.execute('select "order" from signatures order by 1').fetchnumpy()["order"])
            groups = Components(len(orders))
            first = _firsts(db, orders, groups)
            numbers = None
            if not self.exact:
                numbers = _matrix(db, orders, os.path.join(folder, "minhash"), self.permutations)
                for left, right in _candidates(db, orders):
                    _compare(numbers, left, right, self.threshold, groups)
            roots = groups.roots()
            gone = np.flatnonzero(roots != np.arange(len(orders)))
            kept = np.unique(roots[gone])
            names = dict(zip(kept.tolist(), _ids(db, orders[kept]), strict=True))
            for start in range(0, len(gone), _PAIRS):
                part = gone[start : start + _PAIRS]
                exact = (first[part] == roots[part]).tolist()
                alike = [1.0] * len(part) if numbers is None else similarity(numbers[part], numbers[roots[part]]).tolist()
                for i, same, value in zip(part.tolist(), exact, alike, strict=True):
                    threshold, reason = (1.0, "exact-duplicate") if same else (self.threshold, "near-duplicate")
                    detail = names[int(roots[i])]
                    yield Verdict(int(orders[i]), -1, Reason(reason, round(value, 4), threshold, detail))


def _firsts(db: Any, orders: Numbers, groups: Components) -> Numbers:
    """The first document with the same digest, for each; those with the same digest are joined."""
    first = np.arange(len(orders))
    rows = db.execute('select "order", first from signatures join firsts using (digest) where "order" > first')
    while batch := rows.fetchmany(_ROWS):
        at, to = (np.searchsorted(orders, np.array(column)) for column in zip(*batch, strict=True))
        first[at] = to
        for i, j in zip(at.tolist(), to.tolist(), strict=True):
            groups.join(i, j)
    return first


def _matrix(db: Any, orders: Numbers, path: str, count: int) -> NDArray[np.uint32]:
    """The signatures as a matrix on disk, one row a document in input order."""
    matrix = np.memmap(path, np.uint32, "w+", shape=(len(orders), count)) if len(orders) else np.empty((0, count), "u4")
    rows = db.execute('select "order", minhash from signatures')
    while batch := rows.fetchmany(_ROWS):
        at = np.searchsorted(orders, [order for order, _ in batch])
        matrix[at] = np.frombuffer(b"".join(value for _, value in batch), "<u4").reshape(-1, count)
    return matrix


def _candidates(db: Any, orders: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Positions of documents that share a band, left before right, in blocks; a pair may come more than once."""
    rows = db.sql(
        'select band, "order" from (select unnest(bands) as band, "order" from signatures '
        'where "order" in (select first from firsts)) order by 1, 2'
    )
    band_rest: NDArray[np.uint64] = np.empty(0, np.uint64)
    order_rest: Numbers = np.empty(0, np.int64)
    first_band, first_order = None, 0
    for batch in rows.to_arrow_reader(_ROWS):
        bands = np.concatenate([band_rest, batch.column(0).to_numpy()])
        members = np.concatenate([order_rest, np.searchsorted(orders, batch.column(1).to_numpy())])
        fresh = len(band_rest)
        for shift in range(1, min(NEIGHBOURS, len(bands) - 1) + 1):
            same = np.flatnonzero(bands[shift:] == bands[:-shift])
            same = same[same + shift >= fresh]
            if not len(same):
                break
            yield members[same], members[same + shift]
        # The first of a band, which may have come in an earlier block.
        starts = np.flatnonzero(np.r_[True, bands[1:] != bands[:-1]])
        heads = np.repeat(members[starts], np.diff(np.r_[starts, len(bands)]))
        if first_band is not None:
            heads[bands == first_band] = first_order
        far = np.flatnonzero(heads[fresh:] != members[fresh:]) + fresh
        yield heads[far], members[far]
        first_band, first_order = bands[-1], int(heads[-1])
        band_rest, order_rest = bands[-NEIGHBOURS:], members[-NEIGHBOURS:]


def _compare(numbers: NDArray[np.uint32], left: Numbers, right: Numbers, threshold: float, groups: Components) -> None:
    """Join the pairs whose signatures agree in at least `threshold` of their places."""
    for start in range(0, len(left), _PAIRS):
        a, b = left[start : start + _PAIRS], right[start : start + _PAIRS]
        apart = groups.roots(a) != groups.roots(b)
        a, b = a[apart], b[apart]
        alike = similarity(numbers[a], numbers[b]) >= threshold
        for i, j in zip(a[alike].tolist(), b[alike].tolist(), strict=True):
            groups.join(i, j)


def _ids(db: Any, orders: Numbers) -> Iterable[str]:
    """The ids of the documents at those positions in input order, which must be ascending."""
    db.register("wanted", pa.table({"wanted": orders}))
    rows = db.execute('select document from signatures join wanted on "order" = wanted order by "order"').fetchall()
    return [document for (document,) in rows]
