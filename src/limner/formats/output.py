"""Where an export goes: a new folder, made under another name and renamed when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from limner.corpus.probe import mime
from limner.corpus.shard import extension
from limner.document import Document, Text
from limner.errors import FormatError
from limner.formats.features import Tally

try:
    import fcntl
except ImportError:  # Windows has no fcntl: there, two exports to one folder are not kept apart.
    fcntl = None

REPORT = "limner-export.json"
SOURCES = "SOURCES.txt"
OWN = "limner-documents.jsonl"
NOT_DATA = frozenset({REPORT, SOURCES, OWN})
"""Files that an export adds beside those of the format; no reader takes them for data."""


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


@contextmanager
def building(folder: str | os.PathLike[str]) -> Generator[Path]:
    """A folder to write into that becomes `folder` when the block ends well, and goes when it does not. What a killed
    export left is swept by the next one. Raises `FormatError` where `folder` has something in it."""
    target = Path(folder).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FormatError(f"{folder} is there already; name a new folder for the export")
    making = target.with_name(f".{target.name}.writing")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        making.mkdir(exist_ok=True)
    except OSError as error:
        raise FormatError(f"{folder} cannot be written ({error.strerror}); name another folder") from None
    with _alone(making, folder):
        for left in making.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        try:
            yield making
            # Over an empty folder a rename is allowed, over any other it fails.
            os.rename(making, target)
        except OSError as error:
            shutil.rmtree(making, ignore_errors=True)
            raise FormatError(f"{folder} cannot be written: {error.strerror or error}") from error
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise


@contextmanager
def _alone(making: Path, folder: str | os.PathLike[str]) -> Generator[None]:
    if fcntl is None:
        yield
        return
    handle = os.open(making, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FormatError(f"another export to {folder} is going on; wait for it or name another folder") from None
        yield
    finally:
        os.close(handle)


def files_of(folder: Path) -> Iterator[Path]:
    """Every file below `folder`."""
    for base, _, names in os.walk(folder):
        for name in names:
            yield Path(base) / name
