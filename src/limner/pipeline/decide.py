"""The barrier between two stages: every global step decides over the signatures of all batches, in the plan's order.

What grows with the corpus in this process's memory is a number or two a verdict, beside what a step itself holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from limner.corpus.commit import Commit
from limner.corpus.store import Store
from limner.corpus.tables import rows
from limner.curate.operator import Signatures, Verdict
from limner.pipeline.plan import Step
from limner.pipeline.task import VERDICTS

_CHUNK = 5_000
_RANGE = 20_000

Numbers = NDArray[np.int64]


def decide(
    store: Store, commits: Sequence[Commit], steps: Sequence[Step], name: str, scratch: Path, memory: int, threads: int
) -> None:
    """Write the verdicts of `steps` as the file `name` of `store`, sorted by document. Signatures spill to `scratch` under
    `memory` bytes; what one step dropped is taken out of what the next one sees."""
    scratch.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for i, step in enumerate(steps):
        files = _signature_files(store, commits, i, scratch)
        if not files:
            continue
        columns: pa.Schema = step.operator.columns
        if any(pq.ParquetFile(path).metadata.num_rows for path in written):
            gone = _gone(written, "part" in columns.names)
            files = [_less(path, *gone, scratch / f"left-{i}-{number}.parquet") for number, path in enumerate(files)]
            del gone
        signatures = Signatures(files, str(scratch / f"spill-{i}"), memory, threads)
        target = scratch / f"verdicts-{i}.parquet"
        _write(target, step.operator.decide(signatures), i)
        written.append(target)
    final = scratch / "verdicts.parquet"
    _sort(written, final, memory, threads)
    store.put(final, name)


def _signature_files(store: Store, commits: Sequence[Commit], i: int, scratch: Path) -> list[str]:
    names = [name for commit in commits if (name := commit.file(f"sidecar-signatures-{i}"))]
    if store.is_local:
        return [store.path(name) for name in names]
    files: list[str] = []
    for name in names:
        local = scratch / name.replace("/", "-")
        local.write_bytes(store.read(name))
        files.append(str(local))
    return files


def _numbers(column: Any) -> NDArray[Any]:
    return column.to_numpy(zero_copy_only=False)


def _read(files: Sequence[Path], *columns: str) -> Iterator[list[NDArray[Any]]]:
    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_CHUNK, columns=list(columns), use_threads=False):
                yield [_numbers(column) for column in batch.columns]


def _gone(verdicts: Sequence[Path], parts: bool) -> tuple[Numbers, set[tuple[int, int]] | None]:
    """The documents that were dropped whole, ascending, and with `parts` the single parts."""
    whole = [np.empty(0, np.int64)]
    single: set[tuple[int, int]] = set()
    for orders, at in _read(verdicts, "order", "part"):
        whole.append(orders[at == -1])
        if parts:
            single.update(zip(orders.tolist(), at.tolist(), strict=True))
    return np.unique(np.concatenate(whole)), single if parts else None


def _less(path: str, whole: Numbers, single: set[tuple[int, int]] | None, target: Path) -> str:
    """A file of signatures without those of what is gone: itself, where it has none of them."""
    with pq.ParquetFile(path) as file:
        names = ["order"] if single is None else ["order", "part"]
        orders, *parts = (_numbers(column) for column in file.read(columns=names, use_threads=False).columns)
        stays = np.ones(len(orders), bool)
        if len(whole):
            stays = whole[np.minimum(np.searchsorted(whole, orders), len(whole) - 1)] != orders
        if single:
            stays &= [pair not in single for pair in zip(orders.tolist(), parts[0].tolist(), strict=True)]
        if stays.all():
            return path
        with pq.ParquetWriter(target, file.schema_arrow) as writer:
            at = 0
            for batch in file.iter_batches(_CHUNK, use_threads=False):
                writer.write_batch(batch.filter(pa.array(stays[at : at + batch.num_rows])))
                at += batch.num_rows
    return str(target)


def _write(target: Path, verdicts: Iterator[Verdict] | Sequence[Verdict], step: int) -> None:
    iterator = iter(verdicts)
    with pq.ParquetWriter(target, VERDICTS) as writer:
        while chunk := list(islice(iterator, _CHUNK)):
            writer.write_table(rows(VERDICTS, [(v.order, v.part, step, *v.reason) for v in chunk]))


def _sort(written: Sequence[Path], final: Path, memory: int, threads: int) -> None:
    """Write all verdicts by document, step and part, a range of documents at a time: sorting all at once takes memory up to DuckDB's
    limit. Steps mostly decide in the order of documents, so that a range lies in a few row groups."""
    orders = np.concatenate([np.empty(0, np.int64), *(orders for (orders,) in _read(written, "order"))])
    orders.sort()
    bounds = np.unique(np.r_[orders[::_RANGE], orders[-1:] + 1]).tolist()
    del orders
    with pq.ParquetWriter(final, VERDICTS) as writer, _connection(final.parent, memory, threads) as connection:
        if bounds:
            connection.from_parquet([str(path) for path in written]).create_view("verdicts")
        for start, end in pairwise(bounds):
            part = connection.sql(f'select * from verdicts where "order" >= {start} and "order" < {end}')
            table = part.order('"order", step, part').to_arrow_table()
            writer.write_table(table.cast(VERDICTS), row_group_size=10_000)


def _connection(scratch: Path, memory: int, threads: int) -> duckdb.DuckDBPyConnection:
    spill = scratch / "spill"
    os.makedirs(spill, exist_ok=True)
    return duckdb.connect(
        config={"threads": threads, "memory_limit": f"{max(memory // 2**20, 64)}MiB", "temp_directory": str(spill)}
    )
