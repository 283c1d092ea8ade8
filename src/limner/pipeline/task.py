"""One batch through one stage: the unit that a worker runs, the same on processes and on Ray.

It reads its inputs (in the first stage) or the same batch of the stage before, applies the verdicts of the barrier between
them, runs the stage's steps, takes the signatures for the next barrier, and commits. It is a pure function of
what it is given: run again, it writes the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from limner.corpus.batch import BatchWriter
from limner.corpus.commit import Commit, read_commit, sort_key
from limner.corpus.keeping.recrawl import SIDECAR, inputs_table
from limner.corpus.keeping.takelist import TakeList
from limner.corpus.media import MediaInfo
from limner.corpus.probe import probe
from limner.corpus.shards import Reader
from limner.corpus.store import Store
from limner.corpus.tables import rows
from limner.curate.operator import BatchOperator, Reason, drop_parts
from limner.document import Document, Part
from limner.document.jsonform import part_to_dict, to_dict
from limner.errors import LimnerError
from limner.pipeline.digest import digest_of
from limner.pipeline.limits import MEMORY, Mark, OverrunError, bounded, deadline, whole
from limner.pipeline.plan import Step
from limner.pipeline.stages import Stage
from limner.sources.fetch import FetchSettings
from limner.sources.images import attach_cached
from limner.sources.source import Input, Source

ORDER_BITS = 24
VERDICTS = pa.schema(
    [
        ("order", pa.int64()), ("part", pa.int32()), ("step", pa.int16()), ("reason", pa.string()),
        ("value", pa.float64()), ("threshold", pa.float64()), ("detail", pa.string()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """What a worker is given. `source` and `inputs` are set in the first stage; `before` names the stores of earlier stages,
    the last of which holds this batch's documents; `root` is the corpus that all this is for; `attach` says where images are
    that were fetched since the stage before; `poison` are positions of inputs that killed a worker."""

    stage: Stage
    stem: str
    out: Store
    root: Store
    inputs: Sequence[Input] = ()
    sources: Sequence[Source] = ()
    source_of: Sequence[int] = ()
    before: Sequence[Store] = ()
    verdicts: str = ""
    digest: str = ""
    seconds: float = 120.0
    memory: int = MEMORY
    keep_dropped: bool = True
    attach: FetchSettings | None = None
    taken: TakeList = field(default_factory=TakeList)
    poison: Mapping[int, str] = field(default_factory=dict[int, str])

    @property
    def key(self) -> str:
        """Names the task among all of a run."""
        return f"{self.stage.index}/{self.stem}"


class Work:
    """The `Context` that operators see while a batch is worked on: its media and its ledger."""

    def __init__(self, writer: BatchWriter, earlier: Sequence[tuple[Reader, Commit]], keep_dropped: bool):
        self.writer = writer
        self.step = ""
        self._earlier = earlier
        self._keep_dropped = keep_dropped

    def put(self, data: bytes) -> MediaInfo:
        """Store bytes for this batch."""
        info = probe(data)
        with whole():
            self.writer.carry(info, data)
        return info

    def info(self, ref: str) -> MediaInfo | None:
        """What is known of stored bytes."""
        if found := self.writer.info(ref):
            return found
        for reader, commit in self._earlier:
            if known := reader.table(commit).get(ref):
                return known[0]
        return None

    def media(self, ref: str) -> bytes | None:
        """Stored bytes."""
        held = self.writer.media(ref)
        if held is not None:
            return held
        for reader, commit in self._earlier:
            if known := reader.table(commit).get(ref):
                info, offset = known
                return reader.bytes(commit, offset, offset + info.size)
        return None

    def drop(self, document: Document, part: Part | None, reason: Reason) -> None:
        """Record what a step took away."""
        self._record("drop", document, part, reason)
        if self._keep_dropped:
            data = to_dict(document) if part is None else part_to_dict(part)
            text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
            self.writer.dropped.append((document.id, -1 if part is None else part.n, self.step, text))

    def note(self, document: Document, part: Part | None, reason: Reason) -> None:
        """Record what a step changed."""
        self._record("note", document, part, reason)

    def _record(self, action: str, document: Document, part: Part | None, reason: Reason) -> None:
        n = -1 if part is None else part.n
        self.writer.ledger.append((document.id, n, self.step, action, *reason))

    def reject(self, input: str, location: str, error: BaseException) -> None:
        """Record an input or a document that could not be worked on."""
        name = "timeout" if isinstance(error, OverrunError) else type(error).__name__
        self.writer.rejects.append((input, location, name, " ".join(str(error).split())[:500]))


def run(task: Task) -> Commit:
    """Work on one batch and commit it."""
    writer = BatchWriter(task.out, task.stem)
    earlier = [(Reader(store), commit) for store in task.before if (commit := read_commit(store, task.stem))]
    work = Work(writer, earlier, task.keep_dropped)
    try:
        if task.before:
            reader, commit = earlier[-1]
            documents, orders = _read_stage(reader, commit)
            _carry_records(task.before[-1], commit, writer)
            if task.verdicts:
                documents = _apply_verdicts(task, documents, orders, work)
            if task.attach:
                documents = [attach_cached(document, task.attach, work) for document in documents]
            inputs: Sequence[str] = commit.inputs
            if name := commit.file(f"sidecar-{SIDECAR}"):
                with task.before[-1].arrow(name) as file:
                    writer.sidecar(SIDECAR, pq.read_table(file))
        else:
            documents = list(_read_inputs(task, work))
            inputs = [i.name for i in task.inputs]
        for step in task.stage.steps:
            work.step = step.name
            documents = list(_apply(step, documents, work, task))
        writer.documents = documents
        base = sort_key(task.stem)[0] << ORDER_BITS
        for i, step in enumerate(task.stage.signs_for):
            work.step = step.name
            writer.sidecar(f"signatures-{i}", _signatures(step, documents, base, work, task))
        if not task.stage.signs_for:
            _carry_media(work, writer, documents)
        return writer.commit(inputs, digest=task.digest)
    finally:
        writer.close()


def _read_inputs(task: Task, work: Work) -> Iterator[Document]:
    mark = Mark(task.out, task.key)
    work.step = "read"
    known: list[tuple[str, str, list[str]]] = []
    for position, input in enumerate(task.inputs):
        if task.taken.address(input.name) or task.taken.address(input.location):
            continue
        source = task.sources[task.source_of[position]]
        known.append((input.name, digest_of(source, input), []))
        if position in task.poison:
            work.reject(input.name, input.location, LimnerError(task.poison[position]))
            continue
        mark.at(position)
        try:
            with bounded(task.seconds, task.memory):
                documents = list(source.read(input, work))
        except (Exception, RecursionError) as error:  # noqa: BLE001 - one bad input costs itself only, and is recorded
            work.reject(input.name, input.location, error)
            continue
        for document in documents:
            known[-1][2].append(document.id)
            left = task.taken.left(document) if task.taken else document
            if left is not None and left.parts:
                yield left
            elif not document.parts:
                work.drop(document, None, Reason("empty", 0, 1))
    work.writer.sidecar(SIDECAR, inputs_table(known))
    mark.close()


def _read_stage(reader: Reader, commit: Commit) -> tuple[list[Document], list[int]]:
    documents = [d for g in range(reader.groups(commit)) for d in reader.group(commit, g)]
    base = sort_key(commit.stem)[0] << ORDER_BITS
    return documents, [base + i for i in range(len(documents))]


def _carry_records(store: Store, commit: Commit, writer: BatchWriter) -> None:
    for folder, held in (("ledger", writer.ledger), ("dropped", writer.dropped), ("rejects", writer.rejects)):
        if name := commit.file(folder):
            with store.arrow(name) as file:
                columns = [column.to_pylist() for column in pq.read_table(file).columns]
            held.extend(zip(*columns, strict=True))


def _apply_verdicts(task: Task, documents: list[Document], orders: list[int], work: Work) -> list[Document]:
    base = sort_key(task.stem)[0] << ORDER_BITS
    with task.before[-1].arrow(task.verdicts) as file:
        table = pq.read_table(file, filters=(pc.field("order") >= base) & (pc.field("order") < base + (1 << ORDER_BITS)))
    by_document: dict[int, list[tuple[int, int, Reason]]] = {}
    for order, part, step, *reason in zip(*(c.to_pylist() for c in table.columns), strict=True):
        by_document.setdefault(order, []).append((step, part, Reason(*reason)))
    kept: list[Document] = []
    for order, document in zip(orders, documents, strict=True):
        left: Document | None = document if document.parts else None
        for i, step in enumerate(task.stage.verdicts_of):
            mine = [(part, reason) for s, part, reason in by_document.get(order, ()) if s == i]
            if left is None or not mine:
                continue
            work.step = step.name
            whole = next((reason for part, reason in mine if part == -1), None)
            if whole is not None:
                work.drop(left, None, whole)
                left = None
            else:
                left = next(iter(drop_parts(left, dict(mine), work)), None)
        if left is not None:
            kept.append(left)
    return kept


def _apply(step: Step, documents: Sequence[Document], work: Work, task: Task) -> Iterator[Document]:
    if isinstance(step.operator, BatchOperator):
        yield from step.operator.batch(documents, work)
        return
    for document in documents:
        ledger, dropped = len(work.writer.ledger), len(work.writer.dropped)
        try:
            with deadline(task.seconds):
                out = list(step.operator(document, work))
        except (Exception, RecursionError) as error:  # noqa: BLE001 - one bad document costs itself only, and is recorded
            del work.writer.ledger[ledger:], work.writer.dropped[dropped:]
            work.reject(document.id, document.source, error)
            work.drop(document, None, Reason("error", detail=f"{type(error).__name__}: {error}"[:300]))
            continue
        yield from out


def _signatures(step: Step, documents: list[Document], base: int, work: Work, task: Task) -> pa.Table:
    columns: pa.Schema = step.operator.columns
    names = list(columns.names)
    schema = pa.schema([("order", pa.int64()), ("document", pa.string()), *columns])
    values: list[tuple[Any, ...]] = []
    broken: set[int] = set()
    for i, document in enumerate(documents):
        try:
            with deadline(task.seconds):
                mine = [tuple(row[name] for name in names) for row in step.operator.signature(document, work)]
        except (Exception, RecursionError) as error:  # noqa: BLE001 - as above
            work.reject(document.id, document.source, error)
            work.drop(document, None, Reason("error", detail=f"{type(error).__name__}: {error}"[:300]))
            broken.add(i)
            continue
        values.extend((base + i, document.id, *row) for row in mine)
    if broken:
        # Positions must stay those that the signatures name: a broken document leaves without moving the others.
        documents[:] = [d if i not in broken else d.evolve(parts=()) for i, d in enumerate(documents)]
    return rows(schema, values)


def _carry_media(work: Work, writer: BatchWriter, documents: Sequence[Document]) -> None:
    for document in documents:
        for part in document.parts:
            ref = getattr(part, "ref", "")
            if ref and writer.info(ref) is None and (info := work.info(ref)):
                data = work.media(ref)
                if data is not None:
                    writer.carry(info, data)
