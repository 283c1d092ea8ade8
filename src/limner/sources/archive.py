"""Archives walked without unpacking them to a folder: zip, and tar as it is or compressed with gzip, bzip2, xz or zstd.

Nothing is written but a temporary file without a name, so that no path of a member leads anywhere. Members are read one at a time,
each within bounds; one that leads out, is a link or a device, or is damaged, costs itself.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import posixpath
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

from limner.errors import SourceError
from limner.sources.kinds import HEAD, is_tar, recognise
from limner.sources.unpack import safe_path

MAX_MEMBERS = 50_000
"""Files of an archive that are looked at, those of the archives in it included."""
MAX_MEMBER = 2 * 2**30
MAX_ALL = 16 * 2**30
"""Bytes that an archive may unpack to."""
RATIO = 200
"""Bytes for each byte of an archive, beyond the first 64 MiB: what compresses better is a bomb."""
FREE = 64 * 2**20
_BLOCK = 1 << 18
_AT_ONCE = 64 * 2**20  # bytes: a longer header of a member is an attack on memory
_PEEK = 4 * 2**20  # bytes that tell what a file is compressed from
_XZ_MEMORY = 256 * 2**20
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")
_HELD = 8 * 2**20  # bytes of a member that are held in memory

_BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, NotImplementedError, ValueError,
    OverflowError, UnicodeError, IndexError, KeyError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its path as it is read, its size, and where it is not read why; then `path` is as it is written."""

    path: str
    size: int
    refused: str = ""


class Archive:
    """A zip or tar file. `file` is read from its start, and stays the caller's. Raises `SourceError` naming the archive for what is none,
    is damaged, or a bomb."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.name = name
        self._places: dict[str, Any] = {}
        self._spool: IO[bytes] | None = None
        self._list: list[Member] = []
        self._lost = ""
        file.seek(0, io.SEEK_END)
        self.size = file.tell()
        file.seek(0)
        head = file.read(512)
        file.seek(0)
        self._zip: zipfile.ZipFile | None = None
        try:
            if head.startswith(b"PK"):
                self._zip = zipfile.ZipFile(file)
                self._take(_zip_members(self._zip))
            else:
                self._tar = self._untar(file, head)
                self._take(self._tar_members())
        except SourceError:
            self.close()
            raise
        except _BROKEN as error:
            self.close()
            raise SourceError(f"{name}: a damaged archive ({error})") from None

    @property
    def members(self) -> list[Member]:
        """Its files, in their order; of several with one path the last."""
        return self._list

    def has(self, path: str) -> bool:
        """Whether a file may be read under this path."""
        return path in self._places

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a file; raises `SourceError` where it has more than `limit`, or is damaged."""
        with self._opened(path) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise SourceError(f"{self.name}/{path}: more than {limit:,} bytes")
        return data

    def head(self, path: str, size: int) -> bytes:
        """The first bytes of a file."""
        with self._opened(path) as file:
            return file.read(size)

    def kind(self, path: str) -> tuple[str, bytes]:
        """What a file is (`recognised`), and its first bytes."""
        head = self.head(path, HEAD)
        kind = recognise(head, path)
        if kind not in ("bzip2", "xz", "zstd"):
            return kind, head
        # More of it is needed, which its compressor reads as it likes.
        return recognised(io.BytesIO(self.head(path, _PEEK)), path)

    def spooled(self, path: str, spend: Callable[[int], None]) -> IO[bytes]:
        """A file in one that can be read from any place, held on disk where it is large; `spend(n)` is called before n bytes are written,
        and may raise."""
        out = cast("IO[bytes]", tempfile.SpooledTemporaryFile(_HELD))  # noqa: SIM115 - the caller's to close
        try:
            with self._opened(path) as file:
                while block := file.read(_BLOCK):
                    spend(len(block))
                    out.write(block)
        except BaseException:
            out.close()
            raise
        out.seek(0)
        return out

    def close(self) -> None:
        """Let go of temporary files."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _take(self, found: Iterator[tuple[Member, Any]]) -> None:
        kept: dict[str, Member] = {}
        total = 0
        for number, (member, place) in enumerate(found):
            if number >= MAX_MEMBERS:
                raise SourceError(f"{self.name}: more than {MAX_MEMBERS:,} files; unpack it and name its folder")
            if member.refused:
                kept.setdefault(f"{member.path}\0{len(kept)}", member)
                continue
            total += member.size
            kept.pop(member.path, None)
            kept[member.path] = member
            self._places[member.path] = place
        if total > self.room:
            raise SourceError(
                f"{self.name}: it unpacks to {total:,} bytes, more than an honest archive of its size; it is refused as a bomb"
            )
        self._list = list(kept.values())

    @property
    def room(self) -> int:
        """How many bytes it may unpack to."""
        return min(MAX_ALL, FREE + RATIO * self.size)

    def _opened(self, path: str) -> _Guarded:
        return _Guarded(f"{self.name}/{path}", lambda: self._open(path))

    def _open(self, path: str) -> IO[bytes]:
        place = self._places.get(path)
        if place is None:
            raise SourceError(f"{self.name}: it has no {path}")
        if self._zip is not None:
            return self._zip.open(place)
        return io.BufferedReader(cast("Any", _Part(self._tar, *place)))

    def _untar(self, file: IO[bytes], head: bytes) -> IO[bytes]:
        """The tar as a file that can be read from any place."""
        if not head.startswith(_PACKED):
            return file
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        left = self.room
        try:
            with unpacking(file, head) as stream:
                # One that is cut short gives all that there is only when asked for what it has.
                while block := stream.read1(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise SourceError(f"{self.name}: it unpacks to far more than its size; it is refused as a bomb")
                    self._spool.write(block)
        except _BROKEN as error:
            if not self._spool.tell():
                raise
            self._lost = str(error)  # what came before it is read
        self._spool.seek(0)
        return self._spool

    def _tar_members(self) -> Iterator[tuple[Member, tuple[int, int]]]:
        last = -1
        with tarfile.open(fileobj=cast("Any", _Bounded(self._tar)), mode="r:", errorlevel=1) as tar:
            while (entry := self._next(tar, last)) is not None:
                # A size below zero leads back to where the reading was before.
                if entry.offset_data <= last or entry.size < 0:
                    raise SourceError(f"{self.name}: a damaged archive (it leads back into itself)")
                last = entry.offset_data
                tar.members = []  # type: ignore[reportAttributeAccessIssue] - it keeps all it has seen
                if entry.isdir():
                    continue
                path, refused = _path(entry.name.removeprefix("./"))
                if entry.issym() or entry.islnk():
                    refused = "a link; what it leads to is read under its own name, if it is here"
                elif not entry.isreg():
                    refused = "a device, a pipe or the like"
                elif entry.issparse():
                    refused = "a sparse file"
                elif entry.size > MAX_MEMBER:
                    refused = f"more than {MAX_MEMBER:,} bytes"
                yield Member(path, entry.size, refused), (entry.offset_data, entry.size)
            self._tar.seek(tar.offset)
            if not self._lost and self._tar.read(tarfile.BLOCKSIZE).strip(b"\0"):
                self._lost = "a header that is none"
        if self._lost:
            yield Member("", 0, f"a damaged archive ({self._lost}); what comes after is lost"), (0, 0)

    def _next(self, tar: tarfile.TarFile, last: int) -> tarfile.TarInfo | None:
        try:
            return tar.next()
        except tarfile.TarError as error:
            if last < 0:
                raise
            self._lost = self._lost or str(error)
            return None


def _zip_members(file: zipfile.ZipFile) -> Iterator[tuple[Member, zipfile.ZipInfo]]:
    for info in file.infolist():
        path, refused = _path(info.filename)
        if not refused and info.is_dir():
            continue
        # Written on Unix, the upper half holds the mode; its highest four bits say what it is: 8 a file, 0 not told.
        if info.create_system == 3 and (info.external_attr >> 28) not in (0, 8):
            refused = "a link, a device or the like"
        elif info.flag_bits & 1:
            refused = "encrypted; unpack the archive with its password"
        elif info.file_size > MAX_MEMBER or info.file_size > FREE + RATIO * max(info.compress_size, 1):
            refused = f"it unpacks to {info.file_size:,} bytes from {info.compress_size:,}; refused as a bomb"
        yield Member(path, info.file_size, refused), info


def _path(written: str) -> tuple[str, str]:
    """A member's path as it is read, and "" or why it is refused."""
    try:
        return safe_path(written), ""
    except SourceError:
        shown = written.encode("utf-8", "replace").decode("utf-8", "replace")[:300]
        return shown, "its path leads out of the archive"


def find(archive: Archive, folder: str, reference: str) -> str:
    """The path of the file that a reference, written in a file of `folder`, names in the archive; "" where there is none."""
    from_root = reference.startswith("/")
    path = posixpath.normpath(posixpath.join("" if from_root else folder, reference.lstrip("/") if from_root else reference))
    return path if archive.has(path) else ""


def recognised(file: IO[bytes], name: str) -> tuple[str, bytes]:
    """What `kinds.recognise` says of a file, and its first bytes. Where these do not tell what it is compressed from (bzip2, xz and zstd
    need more of them), it is looked into: a tar is one however it is packed."""
    file.seek(0)
    head = file.read(HEAD)
    kind = recognise(head, name)
    if kind in ("bzip2", "xz", "zstd"):
        file.seek(0)
        try:
            if is_tar(unpacking(file, head).read(512)):
                kind = "tar"
        except _BROKEN:
            return kind, head
    return kind, head


def unpacking(file: IO[bytes], head: bytes) -> io.BufferedReader:
    """A compressed file as what it holds."""
    if head.startswith(b"\x1f\x8b"):
        return cast("io.BufferedReader", gzip.GzipFile(fileobj=file))
    if head.startswith(b"BZh"):
        return cast("io.BufferedReader", bz2.open(file))
    if head.startswith(b"\xfd7zXZ\0"):
        return io.BufferedReader(_Xz(file), _BLOCK)
    import pyarrow as pa

    return cast("io.BufferedReader", pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd"))


class _Xz(io.RawIOBase):
    """What an xz file holds. `lzma.open` would take as much memory as the file says it needs."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if self._stream.eof:
                rest = self._stream.unused_data or self._file.read(_BLOCK)
                if not rest.strip(b"\0"):  # padding after the last stream
                    return 0
                self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
            else:
                rest = self._file.read(_BLOCK) if self._stream.needs_input else b""
                if self._stream.needs_input and not rest:
                    raise EOFError("it is cut short")
            data = self._stream.decompress(rest, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)


class _Guarded:
    """A member while it is read: whatever a damaged one raises is a `SourceError` that names it."""

    def __init__(self, name: str, opened: Callable[[], IO[bytes]]) -> None:
        self._name = name
        self._open = opened
        self._file: IO[bytes] | None = None

    def __enter__(self) -> _Guarded:
        try:
            self._file = self._open()
        except SourceError:
            raise
        except _BROKEN as error:
            raise SourceError(f"{self._name}: it cannot be read ({error})") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def read(self, size: int) -> bytes:
        """At most `size` bytes; fewer at the end only."""
        assert self._file is not None
        try:
            return self._file.read(size)
        except _BROKEN as error:
            raise SourceError(f"{self._name}: it cannot be read ({error})") from None


class _Bounded:
    """A file of which no more is read at once than an honest header has."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """As of files."""
        if not 0 <= size <= _AT_ONCE:
            raise SourceError(f"a header of {size:,} bytes; the archive is refused")
        return self._file.read(size)


class _Part(io.RawIOBase):
    """`size` bytes of a file from `start` on, which others may read in between."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self._file, self._at, self._left = file, start, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        want = min(len(buffer), self._left)
        if want <= 0:
            return 0
        self._file.seek(self._at)
        data = self._file.read(want)
        if not data:
            raise EOFError("it is cut short")
        buffer[: len(data)] = data
        self._at += len(data)
        self._left -= len(data)
        return len(data)
