"""The barrier between two stages: every global step decides over the signatures of all batches, in the plan's order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from limner.corpus.commit import Commit
from limner.corpus.store import Store
from limner.corpus.tables import rows
from limner.curate.operator import Signatures, Verdict
from limner.pipeline.plan import Step
from limner.pipeline.task import VERDICTS

_CHUNK = 100_000


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
            files = [_less(files, written, "part" in columns.names, scratch / f"left-{i}.parquet", memory, threads)]
        signatures = Signatures(files, str(scratch / f"spill-{i}"), memory, threads)
        target = scratch / f"verdicts-{i}.parquet"
        _write(target, step.operator.decide(signatures), i)
        written.append(target)
    final = scratch / "verdicts.parquet"
    with _connection(scratch, memory, threads) as connection:
        if written:
            connection.from_parquet([str(p) for p in written]).order('"order", step, part').write_parquet(
                str(final), row_group_size=10_000
            )
        else:
            pq.write_table(VERDICTS.empty_table(), final)
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


def _less(files: Sequence[str], verdicts: Sequence[Path], parts: bool, target: Path, memory: int, threads: int) -> str:
    with _connection(target.parent, memory, threads) as connection:
        connection.from_parquet(list(files)).create_view("signatures")  # type: ignore[arg-type]
        connection.from_parquet([str(p) for p in verdicts]).create_view("verdicts")
        match = "(v.part = -1 or v.part = s.part)" if parts else "v.part = -1"
        connection.execute(
            f"copy (select s.* from signatures s where not exists "
            f'(select 1 from verdicts v where v."order" = s."order" and {match})) '
            f"to '{str(target).replace(chr(39), chr(39) * 2)}' (format parquet)"
        )
    return str(target)


def _write(target: Path, verdicts: Iterator[Verdict] | Sequence[Verdict], step: int) -> None:
    iterator = iter(verdicts)
    with pq.ParquetWriter(target, VERDICTS) as writer:
        while chunk := list(islice(iterator, _CHUNK)):
            writer.write_table(rows(VERDICTS, [(v.order, v.part, step, *v.reason) for v in chunk]))


def _connection(scratch: Path, memory: int, threads: int) -> duckdb.DuckDBPyConnection:
    spill = scratch / "spill"
    os.makedirs(spill, exist_ok=True)
    return duckdb.connect(
        config={"threads": threads, "memory_limit": f"{max(memory // 2**20, 64)}MiB", "temp_directory": str(spill)}
    )
