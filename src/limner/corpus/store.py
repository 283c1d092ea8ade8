"""Where a corpus lies: one folder on a local disk or in an object store, behind the few calls limner needs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, Any, cast

import fsspec  # type: ignore[import-untyped]
import pyarrow as pa

from limner.errors import CorpusError, LimnerError, MissingExtra

_EXTRAS = {"s3fs": "s3"}


class Store:
    """A folder named by a path or an fsspec URL (`s3://bucket/corpus`, `memory://x`, `file:///x`).

    Paths given to its methods are relative to the folder, with forward slashes, and may not leave it.
    """

    def __init__(self, root: str | os.PathLike[str], **options: Any):
        """Raises `MissingExtra` where fsspec needs a package for such a URL, `CorpusError` where it knows of none."""
        self.url = os.fspath(root)
        try:
            filesystem, path = cast("tuple[Any, str]", fsspec.core.url_to_fs(self.url, **options))
        except ImportError as error:
            raise missing_package(self.url, error) from None
        except ValueError as error:
            raise CorpusError(f"{self.url}: {error}; name a folder, or an address such as s3://bucket/folder") from None
        self.options = options
        self._fs = filesystem
        self._root = path.rstrip("/")
        protocols = filesystem.protocol if isinstance(filesystem.protocol, tuple) else (filesystem.protocol,)
        self.is_local = "file" in protocols or "local" in protocols

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self.url, self.options)

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    def path(self, name: str) -> str:
        """The full path of `name`; raises `CorpusError` where it would leave the folder."""
        if name.startswith("/") or any(piece == ".." for piece in name.split("/")):
            raise CorpusError(f"{name!r} is not a path inside the corpus {self.url}")
        return f"{self._root}/{name}" if name else self._root

    def exists(self, name: str = "") -> bool:
        """Whether that file or folder is there."""
        self._forget(name)
        return bool(self._fs.exists(self.path(name)))

    def _forget(self, name: str) -> None:
        # Object stores keep listings; another process may have written since.
        if not self.is_local:
            self._fs.invalidate_cache(self.path(name))
            self._fs.invalidate_cache(self.path(name).rpartition("/")[0])

    def names(self, folder: str) -> list[str]:
        """The names of the files in `folder`, sorted; empty where there is no such folder."""
        try:
            self._forget(folder)
            found = cast("list[dict[str, Any]]", self._fs.ls(self.path(folder), detail=True))
        except FileNotFoundError:
            return []
        names = (entry["name"].rstrip("/").rsplit("/", 1)[-1] for entry in found if entry["type"] == "file")
        return sorted(name for name in names if name)

    def folders(self, folder: str = "") -> list[str]:
        """The names of the folders right in `folder`, sorted."""
        try:
            self._forget(folder)
            found = cast("list[dict[str, Any]]", self._fs.ls(self.path(folder), detail=True))
        except FileNotFoundError:
            return []
        return sorted(entry["name"].rstrip("/").rsplit("/", 1)[-1] for entry in found if entry["type"] == "directory")

    def below(self, folder: str = "") -> list[str]:
        """The files in `folder` and all its folders, relative to it, sorted; empty where there is no such folder."""
        self._forget(folder)
        root = self.path(folder).rstrip("/")
        found = cast("list[str]", self._fs.find(root))
        return sorted(path[len(root) + 1 :] for path in found if path.startswith(f"{root}/"))

    def size(self, name: str) -> int:
        """Bytes in the file; raises `CorpusError` where it is not there."""
        try:
            return int(self._fs.size(self.path(name)) or 0)
        except FileNotFoundError:
            raise CorpusError(f"{self.url}: {name} is missing; `limner check` says what else is damaged") from None

    def read(self, name: str) -> bytes:
        """All bytes of a file; raises `CorpusError` where it is not there."""
        try:
            return cast("bytes", self._fs.cat_file(self.path(name)))
        except FileNotFoundError:
            raise CorpusError(f"{self.url}: {name} is missing; `limner check` says what else is damaged") from None

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Bytes `start` to `end` of a file; raises `CorpusError` where it is not there."""
        try:
            return cast("bytes", self._fs.cat_file(self.path(name), start=start, end=end))
        except FileNotFoundError:
            raise CorpusError(f"{self.url}: {name} is missing; `limner check` says what else is damaged") from None

    def open(self, name: str) -> IO[bytes]:
        """The file opened for reading."""
        try:
            return cast("IO[bytes]", self._fs.open(self.path(name), "rb"))
        except FileNotFoundError:
            raise CorpusError(f"{self.url}: {name} is missing; `limner check` says what else is damaged") from None

    def arrow(self, name: str) -> pa.NativeFile:
        """The file for Arrow's readers: memory-mapped on a local disk, else read whole. (Arrow reads from Python's own files on
        threads that may let go of them after the interpreter has ended, which aborts the process.)"""
        local = self.local(name)
        if local is None:
            return pa.BufferReader(self.read(name))
        try:
            return pa.memory_map(local)
        except FileNotFoundError:
            raise CorpusError(f"{self.url}: {name} is missing; `limner check` says what else is damaged") from None

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole: a reader sees the old bytes or the new ones, never a part. On a local disk by a
        synchronised temporary file and a rename, in an object store by one put."""
        target = self.path(name)
        if not self.is_local:
            self._fs.pipe_file(target, data)
            return
        folder = os.path.dirname(target)
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".writing-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def put(self, local: str | os.PathLike[str], name: str) -> None:
        """Move a finished local file here."""
        target = self.path(name)
        if self.is_local:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(local, "rb") as file:
                os.fsync(file.fileno())
            os.replace(local, target)
        else:
            self._fs.put_file(os.fspath(local), target)
            os.unlink(local)

    def remove(self, name: str) -> None:
        """Remove a file or a folder with all in it; nothing happens where it is not there."""
        path = self.path(name)
        if self._fs.exists(path):
            self._fs.rm(path, recursive=True)

    def local(self, name: str) -> str | None:
        """The path on this machine's disk, or None for an object store."""
        return self.path(name) if self.is_local else None

    def scratch(self) -> str:
        """A folder on a local disk for files in the making: inside a local corpus (so that `put` is a
        rename), else the system's temporary folder."""
        if self.is_local:
            folder = self.path(".scratch")
            os.makedirs(folder, exist_ok=True)
            return folder
        return tempfile.gettempdir()


def missing_package(url: str, error: ImportError) -> LimnerError:
    """What to raise where fsspec cannot import its part for `url`: fsspec's own error hides which package it is."""
    cause = error.__cause__
    package = cause.name if isinstance(cause, ImportError) and cause.name else ""
    package = package.partition(".")[0]
    return MissingExtra(_EXTRAS.get(package, ""), package, url) if package else CorpusError(f"{url}: {error}")


def _reopen(url: str, options: dict[str, Any]) -> Store:
    return Store(url, **options)
