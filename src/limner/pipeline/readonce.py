"""Inputs that are read and extracted once, for several builds over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from limner.corpus import Corpus, MediaSink
from limner.corpus.keeping.recrawl import SIDECAR
from limner.document import Document, Image
from limner.errors import SourceError
from limner.pipeline.build import build
from limner.pipeline.plan import Plan
from limner.pipeline.progress import Progress
from limner.pipeline.runners import Runner
from limner.sources.source import Input, Source


@dataclass(frozen=True)
class ReadBefore:
    """The inputs of a source as they were read into the corpus `folder`: the same documents, the same failures."""

    folder: str
    chosen: Sequence[Input]

    def inputs(self) -> Iterable[Input]:
        """Those."""
        return self.chosen

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """What was read; one of which nothing was left is empty again. Raises what the source raised."""
        corpus, ids, rejects = _opened(self.folder)
        if failed := rejects.get(input.name):
            name, message = failed
            # An error is counted by its class's name, and the class may be one of a library.
            raise type(name, (SourceError,), {})(message)
        for id in ids.get(input.name, ()):
            if id not in corpus:
                yield Document(id, (), input.name)
                continue
            document = corpus[id]
            for part in document.parts:
                if isinstance(part, Image) and part.ref and (data := corpus.media(part.ref)) is not None:
                    media.put(data)
            yield document


@cache
def _opened(folder: str) -> tuple[Corpus, dict[str, list[str]], dict[str, tuple[str, str]]]:
    corpus = Corpus.open(folder)
    ids: dict[str, list[str]] = {}
    for table in corpus.rows(f"sidecar-{SIDECAR}", ["name", "documents"]):
        ids.update(zip(*(column.to_pylist() for column in table.columns), strict=True))
    rejects: dict[str, tuple[str, str]] = {}
    for table in corpus.rows("rejects"):
        rows: list[dict[str, Any]] = table.to_pylist()
        rejects.update({row["input"]: (row["error"], row["message"]) for row in rows})
    return corpus, ids, rejects


def read_once(plan: Plan, sources: Sequence[Source], folder: str, runner: Runner, progress: Progress) -> list[ReadBefore]:
    """Read `sources` into a corpus below `folder`, without the steps of `plan`; returns sources that give the same documents,
    on this machine, from there."""
    reading = Plan(batch=plan.batch, batch_bytes=plan.batch_bytes, seconds=plan.seconds, source_settings=plan.source_settings)
    build(reading, folder, runner=runner, progress=progress, sources=sources)
    return [ReadBefore(folder, tuple(source.inputs())) for source in sources]
