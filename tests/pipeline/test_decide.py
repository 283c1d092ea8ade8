"""The barrier: what a step sees of what the one before it dropped, the order of verdicts, and memory as inputs grow."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from limner.corpus.commit import Commit
from limner.corpus.store import Store
from limner.curate.operator import Context, Reason, Signatures, Verdict
from limner.document import Document
from limner.pipeline.decide import decide
from limner.pipeline.plan import Step

CHILD = Path(__file__).parent / "decidechild.py"


@dataclass(frozen=True)
class Given:
    """Gives the verdicts it was made with, after writing down the rows it saw."""

    seen: str
    verdicts: tuple[tuple[int, int], ...] = ()

    columns: ClassVar[pa.Schema] = pa.schema([("part", pa.int32())])

    def signature(self, document: Document, context: Context) -> Iterable[Mapping[str, Any]]:
        return ()

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        rows = [row for path in signatures.files for row in pq.read_table(path).to_pylist()]
        Path(self.seen).write_text(json.dumps([[row["order"], row["part"]] for row in rows]))
        return (Verdict(order, part, Reason("given", order, None, f"{part}")) for order, part in self.verdicts)


@dataclass(frozen=True)
class GivenWhole(Given):
    """The same, of signatures that do not name parts."""

    columns: ClassVar[pa.Schema] = pa.schema([("n", pa.int32())])

    def decide(self, signatures: Signatures) -> Iterator[Verdict]:
        rows = [row for path in signatures.files for row in pq.read_table(path).to_pylist()]
        Path(self.seen).write_text(json.dumps([[row["order"], row["n"]] for row in rows]))
        return iter(())


def decided(tmp_path: Path, documents: int, *operators: Given) -> tuple[list[dict[str, Any]], list[list[list[int]]]]:
    """The verdicts over that many documents of three parts each, in two batches, and what each operator saw."""
    store = Store(str(tmp_path / "store"))
    commits: list[Commit] = []
    half = (documents + 1) // 2
    for stem, orders in (("0", range(half)), ("1", range(half, documents))):
        files: dict[str, int] = {}
        for i, operator in enumerate(operators):
            schema = pa.schema([("order", pa.int64()), ("document", pa.string()), *operator.columns])
            rows = [(order, f"d{order}", part) for order in orders for part in range(3)]
            table = pa.table([list(column) for column in zip(*rows, strict=True)], schema=schema)
            name = f"sidecar-signatures-{i}/{stem}.parquet"
            Path(store.path(name)).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, store.path(name))
            files[name] = 1
        commits.append(Commit(stem, files=files))
    steps = [Step(operator, f"step-{i}") for i, operator in enumerate(operators)]
    decide(store, commits, steps, "verdicts.parquet", tmp_path / "scratch", 64 << 20, 1)
    return pq.read_table(store.path("verdicts.parquet")).to_pylist(), [json.loads(Path(o.seen).read_text()) for o in operators]


def test_a_step_sees_what_the_ones_before_it_left(tmp_path):
    first = Given(str(tmp_path / "a"), ((1, -1), (2, 0), (5, 2), (5, 1)))
    verdicts, (one, two, three) = decided(
        tmp_path, 6, first, Given(str(tmp_path / "b"), ((0, -1),)), GivenWhole(str(tmp_path / "c"))
    )
    every = [[order, part] for order in range(6) for part in range(3)]
    assert one == every
    assert two == [row for row in every if row[0] != 1 and row not in ([2, 0], [5, 2], [5, 1])]
    assert three == [row for row in every if row[0] > 1]
    assert [(v["order"], v["step"], v["part"]) for v in verdicts] == [(0, 1, -1), (1, 0, -1), (2, 0, 0), (5, 0, 1), (5, 0, 2)]


def test_no_verdicts_are_a_file_too(tmp_path):
    assert decided(tmp_path, 4, Given(str(tmp_path / "a")))[0] == []


def test_verdicts_of_many_documents_are_sorted_whatever_order_they_came_in(tmp_path):
    # More than are sorted at once; one document has very many.
    wanted = [(order, part) for order in range(1000) for part in range(-1, 20)] + [(1000, part) for part in range(30_000)]
    random.Random(1).shuffle(given := list(wanted))
    verdicts, _ = decided(tmp_path, 1001, Given(str(tmp_path / "a"), tuple(given)))
    assert [(v["order"], v["part"]) for v in verdicts] == wanted
    assert verdicts[25] == {
        "order": 1, "part": 3, "step": 0, "reason": "given", "value": 1.0, "threshold": None, "detail": "3",
    }  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="private memory is read from /proc (Linux)")
def test_private_memory_grows_by_a_few_numbers_a_document(tmp_path):
    sizes = (15_000, 60_000)
    small, large = (
        json.loads(subprocess.run([sys.executable, CHILD, str(n), tmp_path / str(n)], check=True, stdout=subprocess.PIPE).stdout)
        for n in sizes
    )
    assert small["verdicts"] > sizes[0] // 4
    assert large["verdicts"] > sizes[1] // 4
    grown = (large["private"] - small["private"]) / (sizes[1] - sizes[0]) * 10_000
    assert grown <= 5, f"{grown:.1f} MiB of private memory for each 10,000 documents more: {small}, {large}"
