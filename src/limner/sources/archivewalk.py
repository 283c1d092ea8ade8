"""What there is to be read in an archive, in the archives in it too, and how it is had later by where it stands."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from limner.errors import SourceError
from limner.sources.archive import MAX_MEMBERS, Archive
from limner.sources.zipped import is_document

MAX_DEPTH = 3
"""Archives in archives that are opened: a zip in a tar in a zip, and no deeper."""
KINDS = frozenset({"zip", "tar"})
_OPEN = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A file in an archive. `chain` are the paths that lead to it, from archive to archive; `kind` and `head` are what `recognise` says
    of its first bytes and these. `refused` says why it is not read."""

    chain: tuple[str, ...]
    size: int
    kind: str = ""
    head: bytes = b""
    refused: str = ""


def found(file: IO[bytes], name: str) -> Iterator[Found]:
    """All files in an archive and in the archives in it, but for hidden ones. Raises `SourceError` where the archive itself cannot be
    opened; what goes wrong within costs itself and is said in `refused`."""
    archive = Archive(file, name)
    try:
        yield from _Walk(archive.room).walk(archive, (), (file,))
    finally:
        archive.close()


class _Walk:
    def __init__(self, room: int) -> None:
        self._room = room
        self._count = 0

    def _spend(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise SourceError("the archives in it unpack to more than an honest archive of its size; they are refused as bombs")

    def walk(self, archive: Archive, chain: tuple[str, ...], above: tuple[IO[bytes], ...]) -> Iterator[Found]:
        """The files of one archive. It calls itself `MAX_DEPTH` deep and no deeper."""
        for member in archive.members:
            at = (*chain, member.path)
            self._count += 1
            if self._count > MAX_MEMBERS:
                yield Found(chain, 0, refused=f"more than {MAX_MEMBERS:,} files in all; those after {member.path} are not read")
                return
            if member.refused:
                yield Found(at, member.size, refused=member.refused)
                continue
            if chain:  # what an archive holds itself has been counted when it was opened
                self._room -= member.size
                if self._room < 0:
                    yield Found(
                        at, member.size, refused="the archives in it unpack to more than an honest one does; refused as a bomb"
                    )
                    continue
            if any(step.startswith(".") or step == "__MACOSX" for step in member.path.split("/")):
                continue
            try:
                kind, head = archive.kind(member.path)
                inner = self._inner(archive, member.path, kind)
            except SourceError as error:
                yield Found(at, member.size, refused=str(error))
                continue
            if inner is None:
                yield Found(at, member.size, kind, head)
                continue
            with inner:
                yield from self._deeper(inner, at, above, member.size, head)

    def _inner(self, archive: Archive, path: str, kind: str) -> IO[bytes] | None:
        if kind not in KINDS or is_program(path):
            return None
        return archive.spooled(path, self._spend)

    def _deeper(
        self, file: IO[bytes], chain: tuple[str, ...], above: tuple[IO[bytes], ...], size: int, head: bytes
    ) -> Iterator[Found]:
        name = "/".join(chain)
        try:
            archive = Archive(file, name)
        except SourceError as error:
            yield Found(chain, size, refused=str(error))
            return
        try:
            if is_document(archive.has):
                yield Found(chain, size, "zip", head)
            elif any(_same(file, other) for other in above):
                yield Found(chain, size, refused="an archive that is within itself")
            elif len(chain) > MAX_DEPTH:
                yield Found(chain, size, refused=f"an archive in more than {MAX_DEPTH} archives; unpack it")
            else:
                yield from self.walk(archive, chain, (*above, file))
        finally:
            archive.close()


def is_program(path: str) -> bool:
    """Whether a name is that of a package of a program or of arrays, which are zip files too, and not walked."""
    return path.lower().endswith((".whl", ".jar", ".npz", ".apk", ".xpi", ".nupkg", ".egg"))


def _same(a: IO[bytes], b: IO[bytes]) -> bool:
    return a.seek(0, os.SEEK_END) == b.seek(0, os.SEEK_END) and _digest(a) == _digest(b)


def _digest(file: IO[bytes]) -> str:
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[reportArgumentType]


class _Shelf(threading.local):
    """The archives that this thread reads from, the last few: members are read one after the other."""

    def __init__(self) -> None:
        self.held: OrderedDict[tuple[object, ...], tuple[Archive, IO[bytes]]] = OrderedDict()


_shelf = _Shelf()


def holding(path: str, chain: Sequence[str]) -> Archive:
    """The archive in the file `path` that holds what `chain` leads to. It stays open, to be asked again."""
    facts = os.stat(path)
    key = (path, facts.st_mtime_ns, facts.st_size, *chain[:-1])
    if key in _shelf.held:
        _shelf.held.move_to_end(key)
        return _shelf.held[key][0]
    if len(chain) > MAX_DEPTH + 1:
        raise SourceError(f"{path}: an archive in more than {MAX_DEPTH} archives; unpack it")
    if len(chain) == 1:
        file: IO[bytes] = open(path, "rb")  # noqa: SIM115 - it stays on the shelf
    else:
        outer = holding(path, chain[:-1])
        left = [outer.room]

        def spend(size: int) -> None:
            left[0] -= size
            if left[0] < 0:
                raise SourceError(f"{path}: an archive in it unpacks to more than an honest one; it is refused as a bomb")

        file = outer.spooled(chain[-2], spend)
    try:
        archive = Archive(file, "/".join((os.path.basename(path), *chain[:-1])))
    except SourceError:
        file.close()
        raise
    _shelf.held[key] = archive, file
    while len(_shelf.held) > _OPEN:
        _, (old, its) = _shelf.held.popitem(last=False)
        old.close()
        its.close()
    return archive
