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
SUMS = "SHA256SUMS"
OWN = "limner-documents.jsonl"
NOT_DATA = frozenset({REPORT, SOURCES, SUMS, OWN})
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


def _making(target: Path) -> Path:
    return target.with_name(f".{target.name}.writing")


def _replaced(target: Path) -> Path:
    return target.with_name(f".{target.name}.replaced")


def recover(target: Path) -> None:
    """Finish what a killed process began: where it was between taking an export away and putting the new one there, the old one
    comes back; where the new one was there, the old one goes. Raises `FormatError` where that cannot be done."""
    old = _replaced(target)
    if not old.is_dir():
        return
    try:
        if target.exists():
            shutil.rmtree(old)
        else:
            os.rename(old, target)
    except OSError as error:
        raise FormatError(f"{old}, left by a killed process, cannot be put right ({error.strerror or error})") from None


def sweep(target: Path) -> bool:
    """Remove what a killed export to `target` left; whether there was anything. Raises `FormatError` while one is going on."""
    making = _making(target)
    if target.exists() or not making.is_dir():
        return False
    with _alone(making, target):
        try:
            shutil.rmtree(making)
        except OSError as error:
            raise FormatError(f"{making}, left by a killed export, cannot be removed ({error.strerror or error})") from None
    return True


@contextmanager
def building(folder: str | os.PathLike[str], over: bool = False) -> Generator[Path]:
    """A folder to write into that becomes `folder` when the block ends well, and goes when it does not. What a killed
    export left is swept by the next one. Raises `FormatError` where `folder` has something in it, unless it is to be
    replaced (`over`)."""
    target = Path(folder).absolute()
    recover(target)
    if not over and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FormatError(f"{folder} is there already; name a new folder for the export")
    making = _making(target)
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
            if over and target.exists():
                os.rename(target, _replaced(target))
            # Over an empty folder a rename is allowed, over any other it fails.
            os.rename(making, target)
            recover(target)
        except OSError as error:
            shutil.rmtree(making, ignore_errors=True)
            recover(target)
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
