"""The members of a zip file, read without unpacking it, within bounds."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from urllib.parse import unquote

from limner.errors import SourceError

MAX_MEMBERS = 50_000
MAX_MEMBER = 256 * 2**20
MAX_ALL = 2 * 2**30
"""Bytes of all members that are read of one file."""
RATIO = 200
"""Bytes for each byte of the file, beyond the first 16 MiB."""


class ZipFolder:
    """A zip file as a folder. Raises `SourceError` naming the file for what is no zip, is damaged, encrypted, or a bomb."""

    def __init__(self, data: bytes, name: str) -> None:
        self._name = name
        self._room = min(MAX_ALL, RATIO * len(data) + (16 << 20))
        try:
            self._file = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise SourceError(f"{name}: a damaged zip file ({error})") from None
        members = self._file.infolist()
        if len(members) > MAX_MEMBERS:
            raise SourceError(f"{name}: {len(members):,} members, over the limit of {MAX_MEMBERS:,}")
        self._members = {member.filename: member for member in members if member.filename and not member.is_dir()}

    @property
    def names(self) -> list[str]:
        """The paths of its files, in their order."""
        return list(self._members)

    def check(self) -> None:
        """Raise where all files together are more than may be read: for a library that reads them itself."""
        total = sum(member.file_size for member in self._members.values())
        if total > self._room or any(member.file_size > MAX_MEMBER for member in self._members.values()):
            raise SourceError(f"{self._name}: it unpacks to more than an honest file of its size would")

    def find(self, reference: str, folder: str = "") -> str:
        """The path of the file that `reference`, written in a file of `folder`, names; "" where there is none."""
        path = posixpath.normpath(posixpath.join(folder, unquote(reference.partition("#")[0])))
        return path if path in self._members else ""

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        member = self._members.get(path)
        if member is None:
            raise SourceError(f"{self._name}: it has no {path}")
        try:
            with self._file.open(member) as file:
                data = file.read(min(MAX_MEMBER, self._room) + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
            raise SourceError(f"{self._name}: {path} cannot be read ({error})") from None
        self._room -= len(data)
        if len(data) > MAX_MEMBER or self._room < 0:
            raise SourceError(f"{self._name}: it unpacks to more than an honest file of its size would")
        return data
