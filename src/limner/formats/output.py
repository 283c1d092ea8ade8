"""What an export writes: documents with their media, a shard at a time, to the place that a path or a URL names."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from limner.corpus import Store
from limner.corpus.probe import mime
from limner.corpus.shard import extension
from limner.document import Document, Text
from limner.formats.disk import Disk
from limner.formats.features import Tally
from limner.formats.objectstore import ObjectStore
from limner.formats.place import Place


@dataclass(frozen=True)
class Item:
    """A document to be exported, with the bytes of its media by sha256. Its refs name these bytes."""

    document: Document
    media: dict[str, bytes]


@dataclass
class Shard:
    """One piece of an export: the `number`-th of `total`. `folder` is the root of the export; `own` says whether
    limner's own field is written."""

    folder: Path
    number: int
    total: int
    own: bool
    tally: Tally
    _stored: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def label(self) -> str:
        """`00012`: names the shard's files."""
        return f"{self.number:05d}"

    @property
    def of(self) -> str:
        """`00012-of-00040`: names the shard as Hugging Face's tools do."""
        return f"{self.number:05d}-of-{self.total:05d}"

    def path(self, name: str) -> Path:
        """The path of a file of the export, its folder made."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def store(self, item: Item, folder: str = "") -> dict[str, str]:
        """Write the media of a document to files in `folder`, by default one of this shard's own, each once; returns
        their paths by sha256."""
        folder = folder or f"images/{self.label}"
        files: dict[str, str] = {}
        for part in item.document.parts:
            if isinstance(part, Text) or part.ref not in item.media:
                continue
            if part.ref not in self._stored:
                data = item.media[part.ref]
                name = f"{folder}/{part.ref}.{extension(mime(data))}"
                self.path(name).write_bytes(data)
                self._stored[part.ref] = name
            files[part.ref] = self._stored[part.ref]
        return files


def place(folder: str | os.PathLike[str]) -> Place:
    """Where an export goes that a path or an fsspec URL (`s3://bucket/dataset`) names. Raises `MissingExtra` where fsspec needs a
    package for such a URL, `CorpusError` where it knows of none."""
    given = os.fspath(folder)
    if "://" not in given:
        return Disk(given)
    local = Store(given).local("")
    return ObjectStore(given) if local is None else Disk(local)
