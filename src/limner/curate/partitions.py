"""Records whose hashes are equal, brought together in bounded memory: split by hash into files, each small enough to be sorted
in memory (the partitioning of a Grace hash join: Kitsuregawa, Tanaka and Moto-oka 1983).

Why not DuckDB: it takes memory up to its limit before it spills, so that a process grows with its inputs until there, and under
a limit far below what it sorts it slows down or fails.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = NDArray[Any]

MOST = 256
"""How many files are open at once; with more records than those hold under the budget, each holds more."""

_COPIES = 4  # the records, their sorted copy, and what sorting takes


def partitions(batches: Iterable[Records], kind: np.dtype[Any], count: int, folder: str, memory: int) -> Iterator[Records]:
    """The records of `batches`, in groups, each sorted by its fields, the first field first. Records with the same first field are in
    the same group.

    `kind` is a structure whose first field is a hash (uint64, its values spread evenly). `count` is how many records there are,
    or somewhat more; it settles the number of groups, so that one group takes about `memory` bytes. It takes more where a single hash
    has more records than that. Files lie below `folder` while this runs.

    >>> kind = np.dtype([("hash", "u8"), ("at", "i8")])
    >>> batches = [np.array([(7, 1), (5, 2)], kind), np.array([(7, 0)], kind)]
    >>> [group.tolist() for group in partitions(batches, kind, 3, "", 1 << 20)]
    [[(5, 2), (7, 0), (7, 1)]]
    """
    names: Any = kind.names
    number = min(max(-(-count * kind.itemsize * _COPIES // memory), 1), MOST)
    with tempfile.TemporaryDirectory(dir=folder or None, prefix="partitions-") as place, ExitStack() as stack:
        files = [stack.enter_context(open(f"{place}/{i}", "w+b")) for i in range(number)]
        for batch in batches:
            to = (batch[names[0]] % np.uint64(number)).astype(np.uint16)
            ordered = batch[np.argsort(to, kind="stable")]
            ends = np.cumsum(np.bincount(to, minlength=number)).tolist()
            for file, start, end in zip(files, [0, *ends], ends, strict=False):
                file.write(ordered[start:end].tobytes())
        for file in files:
            file.seek(0)
            records = np.fromfile(file, kind)
            file.truncate(0)
            if len(records):
                yield records[np.lexsort(tuple(records[name] for name in reversed(names)))]
