"""A data set in a public format into a corpus: in batches, continued where an earlier run stopped.

The batches name the inputs that they finish. One that is longer than a batch is named with how much of it was read,
`part-00000.parquet//500`; no path has two slashes side by side.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from limner.corpus import Corpus
from limner.corpus.lock import writing
from limner.document import Document, Text
from limner.errors import FormatError
from limner.formats.folder import Folder
from limner.formats.format import Format, Progress, Rejected

BATCH_DOCUMENTS = 500
BATCH_BYTES = 256 * 2**20
"""A batch ends when it has so many documents, or so many bytes of media."""

FACT = "imported"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read: this run's documents, files of media and rejects, and how many inputs were there already."""

    format: str
    corpus: str
    inputs: int = 0
    inputs_before: int = 0
    documents: int = 0
    stored: int = 0
    rejects: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def begin(format: Format, folder: str | os.PathLike[str], path: str | os.PathLike[str]) -> Corpus:
    """The corpus at `path` for an import of `folder`: a new one, or the one of the same import begun before. Raises
    `FormatError` where `folder` has nothing to read, or the corpus is of something else."""
    root = Folder.of(folder)
    format.inputs(root)
    fact = {"format": format.name, "folder": root.label}
    corpus = Corpus.create(path, {FACT: fact})
    if corpus.facts.get(FACT) != fact:
        raise FormatError(f"{os.fspath(path)} is a corpus of something else; name a new folder for the corpus")
    return corpus


def load(
    format: Format,
    folder: str | os.PathLike[str],
    corpus: Corpus,
    *,
    batch: int = BATCH_DOCUMENTS,
    progress: Progress | None = None,
) -> ImportReport:
    """Read `folder` as `format` into the corpus that `begin` opened; inputs that it has already are passed over. What
    cannot be read goes to the rejects. Raises `CorpusError` while another writes to the corpus."""
    root = Folder.of(folder)
    inputs = format.inputs(root)
    with writing(corpus.store):
        corpus.sweep()
        finished, read = _position(corpus)
        with closing(_Batches(corpus, max(batch, 1))) as batches:
            for name in inputs:
                if name in finished:
                    continue
                skip, count = read.get(name, 0), 0

                def reject(rejected: Rejected) -> None:
                    # What was met before the place that a batch marked is in that batch.
                    if count >= skip:  # noqa: B023 - called before the next turn
                        batches.rejected(rejected)

                for document, media in format.read_input(root, name, reject):
                    count += 1
                    if count > skip:
                        batches.add(document, media)
                        if batches.full:
                            batches.commit(f"{name}//{count}")
                        if progress:
                            progress(1)
                batches.done.append(name)
            batches.commit()
        corpus.reload()
        corpus.save_indexes()
        before = sum(1 for name in inputs if name in finished)
        return ImportReport(
            format.name, corpus.store.url, len(inputs), before, batches.documents, batches.stored, batches.rejects
        )  # fmt: skip


class _Batches:
    """Writes one batch after the other. `done` are the inputs that the next one finishes."""

    def __init__(self, corpus: Corpus, size: int):
        self.documents = self.stored = self.rejects = 0
        self.done: list[str] = []
        self._corpus = corpus
        self._size = size
        self._bytes = 0
        self._writer = corpus.batch()

    @property
    def full(self) -> bool:
        """Whether the batch should be committed."""
        held = self._writer
        return max(len(held.documents), len(held.rejects)) >= self._size or self._bytes >= BATCH_BYTES

    def add(self, document: Document, media: Mapping[str, bytes]) -> None:
        """Add a document; raises `FormatError` where a format gives other bytes than it says."""
        for part in document.parts:
            if isinstance(part, Text) or part.ref not in media or self._writer.info(part.ref):
                continue
            data = media[part.ref]
            if self._writer.put(data).ref != part.ref:
                raise FormatError(f"document {document.id}: the bytes given for {part.ref} have another sha256")
            self.stored += 1
            self._bytes += len(data)
        self._writer.add(document)
        self.documents += 1

    def rejected(self, rejected: Rejected) -> None:
        """Add something that could not be read."""
        self._writer.rejects.append((rejected.input, rejected.location, rejected.error, rejected.message))
        self.rejects += 1

    def commit(self, mark: str = "") -> None:
        """Commit what there is, and begin the next batch."""
        inputs = [*self.done, *([mark] if mark else [])]
        if inputs or self._writer.documents or self._writer.rejects:
            self._corpus.commits.append(self._writer.commit(inputs))
            self._writer.close()
            self._writer = self._corpus.batch()
        self.done, self._bytes = [], 0

    def close(self) -> None:
        """Let go of what is not committed."""
        self._writer.close()


def _position(corpus: Corpus) -> tuple[set[str], dict[str, int]]:
    """The inputs that are finished, and how many documents were read of those that are not."""
    finished: set[str] = set()
    read: dict[str, int] = {}
    for commit in corpus.commits:
        for entry in commit.inputs:
            name, mark, count = entry.rpartition("//")
            if mark and count.isdecimal():
                read[name] = max(read.get(name, 0), int(count))
            else:
                finished.add(entry)
    return finished, read
