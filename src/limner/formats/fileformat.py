"""What the formats share: the loop of an export, its report and notes, and the loop of reading."""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from limner.corpus import Corpus, Store
from limner.corpus.index import fingerprint
from limner.corpus.keeping.exports import Exported, digest_of_list, forget, place_of, remember
from limner.corpus.keeping.takelist import taken
from limner.corpus.media import sha256
from limner.corpus.stream import Stream
from limner.document import Document, Part, Text
from limner.errors import FormatError, LimnerError
from limner.formats import exif as metadata
from limner.formats import features, sums
from limner.formats.features import Tally
from limner.formats.folder import Folder
from limner.formats.format import ExportReport, Progress, Read, Reject, Rejected
from limner.formats.notes import Notes
from limner.formats.output import Item, Shard, place
from limner.formats.place import REPORT, SOURCES


@contextmanager
def _remembered(store: Store, made: Exported) -> Generator[bool]:
    """Have the corpus know of an export from before it is there until it fails; whether it could be."""
    try:
        remember(store, made)
    except OSError:
        yield False
        return
    try:
        yield True
    except BaseException:
        forget(store, made)
        raise


@dataclass(frozen=True)
class Bad:
    """A row that could not be read, in place of its document."""

    location: str
    error: Exception


class FileFormat(ABC):
    """A format whose documents lie in files of some number each.

    A subclass names the `features` it holds, writes a shard, and reads a file.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    published: ClassVar[str]
    """Where its authors publish its schema."""
    holds: ClassVar[frozenset[str]]
    also: ClassVar[tuple[str, ...]] = ()
    """Losses of its own, beside those of `limner.formats.features`."""
    suffixes: ClassVar[tuple[str, ...]]
    shard_size: ClassVar[int] = 10_000

    @property
    def cannot_hold(self) -> tuple[str, ...]:
        """What its published schema has no place for."""
        return (*features.phrases(self.holds), *self.also)

    # Out

    def export(
        self,
        corpus: Corpus,
        folder: str | os.PathLike[str],
        *,
        shard: int = 0,
        exif: bool = False,
        own: bool = True,
        progress: Progress | None = None,
        **unknown: Any,
    ) -> ExportReport:
        """Write `corpus` into `folder`, a path or an fsspec URL, which is there whole or not at all.

        `shard` is the number of documents a file (0: the format's own), `exif` keeps the metadata of images, `own`
        writes limner's own field (or file), with which limner reads everything back, and `progress` is told of every
        document. Raises `FormatError` for another setting, and where the folder has something in it.
        """
        if unknown:
            raise FormatError(f"{self.name} has no setting {min(unknown)!r}; it has shard, exif, own and progress")
        if shard < 0:
            raise FormatError(f"a shard cannot have {shard} documents")
        target = place(folder)
        made = Exported(
            uuid4().hex, target.where, self.name, place_of(corpus.store), digest_of_list(taken(corpus)),
            {"shard": shard, "exif": exif, "own": own},
        )  # fmt: skip
        with _remembered(corpus.store, made) as known, target.building() as path:
            return self._fill(path, target.given, corpus, made, known, progress)

    def rewrite(self, corpus: Corpus, made: Exported, progress: Progress | None = None) -> ExportReport:
        """Write an export anew where it lies, from what the corpus holds now; files of others in its folder stay. Raises
        `FormatError` where it cannot: the export is as it was."""
        made = replace(made, taken=digest_of_list(taken(corpus)))
        with place(made.folder).building(over=True) as path:
            report = self._fill(path, made.folder, corpus, made, True, progress)
        remember(corpus.store, made)
        return report

    def _fill(
        self, path: Path, folder: str, corpus: Corpus, made: Exported, known: bool, progress: Progress | None
    ) -> ExportReport:  # fmt: skip
        own, size = bool(made.settings.get("own", True)), int(made.settings.get("shard", 0)) or self.shard_size
        tally = Tally(self.holds, own)
        export = Outgoing(corpus.stream(), tally, keep_exif=bool(made.settings.get("exif", False)), progress=progress)
        total = max(-(-len(corpus) // size), 1)
        number, items = 0, iter(export)
        first = next(items, None)
        while first is not None or number == 0:
            batch = iter(()) if first is None else chain([first], islice(items, size - 1))
            self.write(Shard(path, number, total, own, tally), batch)
            number, first = number + 1, next(items, None)
        self.finish(path, number)
        (path / SOURCES).write_text(export.notes.text(self, corpus.facts), encoding="utf-8")
        sums.write(path)
        report = self._report(folder, path, export, tally, known)
        said = {**report.to_dict(), "id": made.id, "taken": made.taken, "commits": fingerprint(corpus.commits)}
        said["settings"] = dict(made.settings)
        (path / REPORT).write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        if digest_of_list(taken(corpus)) != made.taken:
            raise FormatError(f"something was taken down from {corpus.store.url} during the export: run it again")
        return report

    def _report(self, folder: str, path: Path, export: Outgoing, tally: Tally, known: bool) -> ExportReport:
        sizes = [file.stat().st_size for file in sums.files_of(path)]
        return ExportReport(
            self.name, folder, export.documents, export.images, export.stored, len(sizes), sum(sizes),
            export.stripped, export.uncleaned, tally.losses(), known,
        )  # fmt: skip

    @abstractmethod
    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """Write all `items` as one shard; there may be none in the first."""
        ...

    def finish(self, folder: Path, shards: int) -> None:
        """Write what goes over all shards, such as an index."""
        return

    # In

    def inputs(self, folder: str | os.PathLike[str]) -> list[str]:
        """The files below `folder` that it reads, sorted; raises `FormatError` where there are none."""
        found = [name for name in Folder.of(folder).names() if self.is_input(name)]
        if not found:
            raise FormatError(
                f"{os.fspath(folder)} has no file that {self.name} reads ({', '.join('*' + s for s in self.suffixes)})"
            )
        return found

    def is_input(self, name: str) -> bool:
        """Whether the file called `name` has documents in it."""
        return name.lower().endswith(self.suffixes)

    def read(self, folder: str | os.PathLike[str], rejected: Reject | None = None) -> Iterator[Read]:
        """The documents of all its files."""
        root = Folder.of(folder)
        for name in self.inputs(root):
            yield from self.read_input(root, name, rejected)

    def read_input(self, folder: str | os.PathLike[str], name: str, rejected: Reject | None = None) -> Iterator[Read]:
        """The documents of one file. What cannot be read goes to `rejected`; without it, `FormatError` is raised."""
        root = Folder.of(folder)
        rows = iter(self.rows(root, name))
        while True:
            try:
                found = next(rows, None)
            except LimnerError as error:
                found = Bad("", error)
                rows = iter(())
            if found is None:
                return
            if not isinstance(found, Bad):
                yield found
            elif rejected is None:
                raise FormatError(f"{name}{found.location and ' '}{found.location}: {found.error}") from found.error
            else:
                rejected(Rejected(name, f"{name} {found.location}".strip(), type(found.error).__name__, str(found.error)))

    @abstractmethod
    def rows(self, folder: Folder, name: str) -> Iterable[Read | Bad]:
        """The documents of one file, and a `Bad` for every row that is none. Raises `LimnerError` where the file
        cannot be read on."""
        ...


class Outgoing:
    """The documents of a corpus on their way out: metadata stripped, losses tallied, sources noted."""

    def __init__(self, stream: Stream, tally: Tally, *, keep_exif: bool, progress: Progress | None):
        self.notes = Notes()
        self.documents = self.images = self.stored = self.stripped = self.uncleaned = 0
        self._stream = stream
        self._tally = tally
        self._keep_exif = keep_exif
        self._progress = progress

    def __iter__(self) -> Iterator[Item]:
        for document in self._stream:
            item = self._item(document)
            self.documents += 1
            self.images += len(item.document.images)
            self._tally.document(item.document)
            self.notes.add(item.document)
            yield item
            if self._progress:
                self._progress(1)

    def _item(self, document: Document) -> Item:
        media: dict[str, bytes] = {}
        renamed: dict[str, str] = {}
        for part in document.parts:
            if isinstance(part, Text) or not part.ref or part.ref in renamed:
                continue
            data = self._stream.media(part.ref)
            if data is None:
                continue
            ref = part.ref
            if not self._keep_exif:
                data, clean = metadata.strip(data)
                self.uncleaned += not clean
                ref = sha256(data)
                self.stripped += ref != part.ref
            renamed[part.ref] = ref
            media[ref] = data
        self.stored += len(media)
        if all(old == new for old, new in renamed.items()):
            return Item(document, media)
        parts: list[Part] = [
            part if isinstance(part, Text) else replace(part, ref=renamed.get(part.ref, part.ref)) for part in document.parts
        ]
        return Item(document.evolve(parts=tuple(parts)), media)
