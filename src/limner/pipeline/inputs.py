"""The inputs of a run, listed once and kept beside it, so that a run continued tomorrow cuts the same batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from limner.corpus.store import Store
from limner.errors import PlanError
from limner.sources.source import Input, Source

_SCHEMA = pa.schema(
    [("name", pa.string()), ("location", pa.string()), ("detail", pa.string()), ("size", pa.int64()), ("source", pa.int32())]
)
_NAME = "inputs.parquet"
_CHUNK = 50_000


@dataclass(frozen=True)
class Batch:
    """Inputs that are worked on and committed together: its ordinal, the inputs, and the source of each."""

    ordinal: int
    inputs: Sequence[Input]
    source_of: Sequence[int]


def freeze(store: Store, sources: Sequence[Source]) -> int:
    """List the inputs of all sources into `store`, once; returns how many there are. Raises `PlanError` where two sources
    give one name, since ids derive from names."""
    if not store.exists(_NAME):
        with TemporaryDirectory(prefix="listing-", dir=store.scratch()) as folder:
            listed = Path(folder) / _NAME
            with pq.ParquetWriter(listed, _SCHEMA, compression="zstd") as writer:
                for number, source in enumerate(sources):
                    found = iter(source.inputs())
                    while rows := [(i.name, i.location, i.detail, i.size, number) for i in islice(found, _CHUNK)]:
                        writer.write_table(_table(rows))
            if len(sources) > 1 and (name := _shared(listed, Path(folder))) is not None:
                raise PlanError(f"two sources have an input called {name!r}: build them into corpora of their own")
            store.put(listed, _NAME)
    with store.arrow(_NAME) as file:
        return pq.ParquetFile(file).metadata.num_rows


def _shared(listed: Path, scratch: Path) -> str | None:
    """A name that two sources have, if there is one. Found on disk: names may be more than memory holds."""
    with duckdb.connect(config={"threads": 1, "memory_limit": "256MiB", "temp_directory": str(scratch)}) as connection:
        connection.from_parquet(str(listed)).create_view("inputs")
        found = connection.execute(
            "select name from inputs group by name having min(source) <> max(source) order by name limit 1"
        ).fetchone()
    return str(found[0]) if found else None


def _table(rows: Sequence[tuple[str, str, str, int, int]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table([pa.array(list(c), f.type) for c, f in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA)


def batches(store: Store, count: int, size: int) -> Iterator[Batch]:
    """The frozen inputs, cut where a batch has `count` inputs or `size` bytes."""
    ordinal = 0
    held: list[Input] = []
    source_of: list[int] = []
    total = 0
    with store.arrow(_NAME) as file:
        for group in pq.ParquetFile(file).iter_batches(_CHUNK):
            for name, location, detail, length, source in zip(*(c.to_pylist() for c in group.columns), strict=True):
                held.append(Input(name, location, detail, length))
                source_of.append(source)
                total += length
                if len(held) >= count or total >= size:
                    yield Batch(ordinal, held, source_of)
                    ordinal, held, source_of, total = ordinal + 1, [], [], 0
    if held:
        yield Batch(ordinal, held, source_of)
