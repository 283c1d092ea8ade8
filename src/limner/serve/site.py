"""What the pages show, read from the corpus once and kept: the catalogue, the statistics, the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from limner.corpus import Corpus, MediaInfo, ledger
from limner.corpus.parquet import read_table
from limner.corpus.statistics import Statistics, kept_statistics
from limner.corpus.trace import Event, Trace
from limner.corpus.why import dropped_document, dropped_parts, events, why
from limner.document import Document, Part
from limner.serve.catalogue import Catalogue
from limner.serve.papers.board import place

T = TypeVar("T")


class Site:
    """A corpus behind pages. Figures are computed once, off the thread that answers; reading is under a lock, since a
    corpus's reader belongs to one thread at a time."""

    def __init__(self, corpus: Corpus):
        self.corpus = corpus
        self._lock = threading.Lock()
        # A corpus of its own for the figures: they take seconds, and pages must not wait for them.
        self._own = Corpus(corpus.store, corpus.facts, corpus.commits)
        self._worker = ThreadPoolExecutor(1, "limner-figures")
        self._catalogue = self._worker.submit(Catalogue, self._own)
        self._statistics = self._worker.submit(kept_statistics, self._own)
        self._steps = self._worker.submit(ledger.steps, self._own)
        self._places = self._worker.submit(_places, self._own)
        self._details: dict[str, Future[list[ledger.Detail]]] = {}

    def close(self) -> None:
        """Let the thread go."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    @property
    def name(self) -> str:
        """What the corpus is called: the last piece of where it lies."""
        return self.corpus.store.url.rstrip("/").rsplit("/", 1)[-1] or self.corpus.store.url

    @property
    def papers(self) -> bool:
        """Whether somebody has looked at its documents as papers, by day: then pages lead there."""
        return self.corpus.store.is_local and place(self.corpus).exists()

    @property
    def catalogue(self) -> Catalogue:
        """The table of documents."""
        return self._catalogue.result()

    @property
    def statistics(self) -> Statistics:
        """The figures."""
        return self._statistics.result()

    @property
    def steps(self) -> list[ledger.Step]:
        """The ledger by step."""
        return self._steps.result()

    def details(self, step: str) -> list[ledger.Detail]:
        """Examples of what a step dropped, by reason."""
        if step not in self._details:
            self._details[step] = self._worker.submit(ledger.details, self._own, step)
        return self._details[step].result()

    def _read(self, call: Callable[[], T]) -> T:
        with self._lock:
            return call()

    def document(self, id: str) -> Document | None:
        """A document that was kept."""

        def read() -> Document | None:
            try:
                return self.corpus[id]
            except KeyError:
                return None

        return self._read(read)

    def batch_of(self, id: str) -> str:
        """The stem of the batch that holds a document."""
        return self._read(lambda: self.corpus.batch_of(id))

    def trace(self, text: str) -> Trace:
        """Where what `text` names went."""
        return self._worker.submit(why, self._own, text).result()

    def media(self, ref: str) -> tuple[MediaInfo, bytes] | None:
        """A stored file."""

        def read() -> tuple[MediaInfo, bytes] | None:
            info = self.corpus.info(ref)
            data = self.corpus.media(ref) if info else None
            return (info, data) if info and data is not None else None

        return self._read(read)

    def stored(self, ref: str) -> bool:
        """Whether the bytes of a file are here."""
        return bool(ref) and self._read(lambda: self.corpus.info(ref)) is not None

    def records(self, id: str) -> tuple[list[Event], list[tuple[Event, Part]]]:
        """What the ledger says of a document, and the parts that were dropped of it."""
        corpus = self._with_ledger_of(id)
        return (events(corpus, id), dropped_parts(corpus, id)) if corpus.commits else ([], [])

    def dropped(self, id: str) -> Document | None:
        """A document that was dropped whole."""
        corpus = self._with_ledger_of(id)
        return dropped_document(corpus, id) if corpus.commits else None

    def _with_ledger_of(self, id: str) -> Corpus:
        """The corpus as if it had just the batches whose ledger names a document: a few small files to read."""
        numbers = self._places.result().get(id, ())
        return Corpus(self.corpus.store, self.corpus.facts, [self.corpus.commits[i] for i in numbers])

    def rejects(self, start: int, most: int, error: str = "") -> tuple[list[dict[str, Any]], int]:
        """A stretch of the rejects, and how many there are."""
        found: list[dict[str, Any]] = []
        seen = 0
        for table in self.corpus.rows("rejects"):
            for row in table.to_pylist():
                if error and row["error"] != error:
                    continue
                if start <= seen < start + most:
                    found.append(row)
                seen += 1
        return found, seen


def _places(corpus: Corpus) -> dict[str, tuple[int, ...]]:
    """The batches whose ledger names each document."""
    found: dict[str, tuple[int, ...]] = {}
    for i, commit in enumerate(corpus.commits):
        if name := commit.file("ledger"):
            column = read_table(corpus.store, name, ["document"]).column("document")
            for id in column.unique().to_pylist():
                found[id] = (*found.get(id, ()), i)
    return found
