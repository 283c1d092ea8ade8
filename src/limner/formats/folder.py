"""A folder that others wrote, read without ever leaving it and never more than a bound at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from limner.corpus.media import sha256
from limner.errors import FormatError
from limner.formats.place import NOT_DATA
from limner.sources.confine import local_path, read_bounded

MAX_MEDIA = 64 * 2**20
"""No file of media of more bytes than this is read."""

_S = TypeVar("_S")

MAX_FILES = 10_000_000
"""No more files of a folder are listed."""


class Folder:
    """The folder at `root`; paths are relative to it, with forward slashes, as the data write them."""

    def __init__(self, root: str | os.PathLike[str]):
        path = Path(root)
        if not path.is_dir():
            if "://" in os.fspath(root):
                raise FormatError(f"{root} is an address; copy the data set to a folder of this machine and name that")
            raise FormatError(f"{root} is not a folder; name the folder that holds the data set")
        self.root = os.fspath(path.absolute())
        self.label = path.resolve().name or "data"
        self._beside: tuple[str, object] | None = None

    def __fspath__(self) -> str:
        return self.root

    @classmethod
    def of(cls, folder: str | os.PathLike[str]) -> Folder:
        """The folder at that path; one that is open already stays itself, with what it has found out."""
        return folder if isinstance(folder, Folder) else cls(folder)

    def names(self) -> list[str]:
        """The regular files in it, sorted. Hidden ones and linked folders are passed over."""
        found: list[str] = []
        for base, folders, names in os.walk(self.root, followlinks=False):
            folders[:] = [name for name in folders if not name.startswith(".")]
            relative = os.path.relpath(base, self.root).replace(os.sep, "/")
            below = "" if relative == "." else f"{relative}/"
            found += [f"{below}{name}" for name in names if not name.startswith(".") and name not in NOT_DATA]
            if len(found) > MAX_FILES:
                raise FormatError(f"{self.root} has more than {MAX_FILES:,} files")
        return sorted(found)

    def path(self, name: str, beside: str = "") -> Path | None:
        """The file that `name`, written in a file called `beside`, means: below that file's folder, else below the root.
        None where it means nothing inside."""
        near = beside.rpartition("/")[0]
        return local_path(self.root, near, name) or (local_path(self.root, "", name) if near else None)

    def open(self, name: str) -> BinaryIO:
        """The file opened for reading; raises `FormatError` where it is not a regular file inside."""
        path = self.path(name)
        if path is None:
            raise FormatError(f"{name} is not a file inside {self.root}")
        try:
            return open(path, "rb")
        except OSError as error:
            raise FormatError(f"{name} cannot be read ({error.strerror})") from None

    def media(self, name: str, beside: str = "", limit: int = MAX_MEDIA) -> bytes | None:
        """The bytes of a file of media, None where there is none inside or it is too large."""
        path = self.path(name, beside)
        return read_bounded(path, limit) if path else None

    def sidecar(self, name: str, make: Callable[[Folder, str], _S]) -> _S:
        """What `make` makes of that file, once for all files that are read after each other beside it."""
        if self._beside is None or self._beside[0] != name:
            self._beside = (name, make(self, name))
        return cast("_S", self._beside[1])

    def stored(self, files: dict[str, str], beside: str = "") -> Iterator[tuple[str, bytes]]:
        """The files of media at those paths whose bytes have the sha256 they go by."""
        for ref, name in files.items():
            data = self.media(name, beside)
            if data is not None and sha256(data) == ref:
                yield ref, data
