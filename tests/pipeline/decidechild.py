"""Decides near-duplicates and boilerplate over signatures drawn at random, and prints the most private memory it had while deciding:
a process of its own, for what an earlier decision left behind must not count.

    python decidechild.py COUNT FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from limner.corpus.commit import Commit
from limner.corpus.store import Store
from limner.curate.boilerplate import Boilerplate
from limner.curate.duplicates import NearDuplicates
from limner.pipeline.decide import decide
from limner.pipeline.plan import Step

BATCH, PARAGRAPHS, BANDS = 1_500, 12, 9


def write(store: Store, count: int) -> list[Commit]:
    """Signatures as a build leaves them: every tenth document is that before it, two paragraphs of every second stand all over."""
    draw = np.random.default_rng(5)
    commits: list[Commit] = []
    for stem, start in enumerate(range(0, count, BATCH)):
        orders = np.arange(start, min(start + BATCH, count))
        documents = [f"{order:020x}" for order in orders]
        source = np.where(np.arange(len(orders)) % 10 == 9, np.arange(len(orders)) - 1, np.arange(len(orders)))
        columns = [draw.bytes(len(orders) * width) for width in (16, 512, 8 * BANDS)]
        digests, minhashes = ([data[i * w : (i + 1) * w] for i in source] for data, w in zip(columns, (16, 512), strict=False))
        bands = np.frombuffer(columns[2], "<u8").reshape(-1, BANDS)[source]
        near = pa.table([orders, documents, digests, minhashes, bands.tolist()], schema=schema(NearDuplicates))
        keys = draw.integers(0, 1 << 62, (len(orders), 1 + PARAGRAPHS))
        keys[:, 0] = 0
        keys[::2, 1:3] = (1, 2)
        rows = [np.repeat(orders, 1 + PARAGRAPHS), np.repeat(documents, 1 + PARAGRAPHS), ["site"] * keys.size, keys.ravel()]
        rows += [np.tile(np.arange(-1, PARAGRAPHS), len(orders)), np.ones(keys.size, bool)]
        files: dict[str, int] = {}
        for i, table in enumerate((near, pa.table(rows, schema=schema(Boilerplate)))):
            name = f"sidecar-signatures-{i}/{stem}.parquet"
            Path(store.path(name)).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, store.path(name))
            files[name] = 1
        commits.append(Commit(str(stem), files=files))
    return commits


def schema(operator: type[NearDuplicates] | type[Boilerplate]) -> pa.Schema:
    """The columns of its signatures."""
    return pa.schema([("order", pa.int64()), ("document", pa.string()), *operator.columns])


def private() -> float:
    """MiB that no other process shares: of mapped files as well."""
    fields = (line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(field[1]) for field in fields if field[0] in ("Private_Clean:", "Private_Dirty:")) / 1024


def main(count: int, folder: Path) -> None:
    """Print `private` (MiB at the most, above what it had before) and how many `verdicts`."""
    store = Store(str(folder / "store"))
    if folder.exists():
        commits = [
            Commit(str(i), files={f"sidecar-signatures-{k}/{i}.parquet": 1 for k in (0, 1)}) for i in range(-(-count // BATCH))
        ]
    else:
        # In another process: what making them took is not measured.
        commits = write(store, count)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    before, most, over = private(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.01):
            most = max(most, private() - before)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    steps = [Step(NearDuplicates(), "near-duplicates"), Step(Boilerplate(), "boilerplate")]
    decide(store, commits, steps, "verdicts.parquet", folder / "scratch", 64 << 20, 1)
    over.set()
    watcher.join()
    sys.stdout.write(
        json.dumps({"private": round(most, 1), "verdicts": pq.read_metadata(store.path("verdicts.parquet")).num_rows})
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
