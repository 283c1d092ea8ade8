"""Where an export lies, on a disk or in an object store: what a take-down asks of it, and how it is put there."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

from limner.errors import FormatError

REPORT = "limner-export.json"
SOURCES = "SOURCES.txt"
SUMS = "SHA256SUMS"
OWN = "limner-documents.jsonl"
NOT_DATA = frozenset({REPORT, SOURCES, SUMS, OWN})
"""Files that an export adds beside those of the format; no reader takes them for data."""

_NOT_SUMMED = frozenset({REPORT, SUMS})


class Place(ABC):
    """A folder for an export. `where` is its full path or URL, `given` what a person called it."""

    where: str
    given: str

    @abstractmethod
    def building(self, over: bool = False) -> AbstractContextManager[Path]:
        """A folder of this machine to write into, whose files are here when the block ends well; they are not when it does not.
        What a killed export left goes. Raises `FormatError` where something is here, unless it is to be replaced (`over`):
        then files of others stay."""

    @abstractmethod
    def recover(self) -> None:
        """Put right what a killed process left half done. Raises `FormatError` where that cannot be done."""

    @abstractmethod
    def sweep(self) -> bool:
        """Remove what a killed export left, where no export is; whether there was anything. Raises `FormatError` while one is
        going on."""

    @abstractmethod
    def names(self) -> list[str]:
        """The files here, with forward slashes, sorted."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The bytes of a file; none where it is not there."""

    @abstractmethod
    def digest(self, name: str) -> str:
        """The sha256 of a file; empty where it is not a regular one."""

    def report(self) -> dict[str, Any]:
        """The report of the export here; empty where there is none."""
        try:
            found: object = json.loads(self.read(REPORT))
        except (ValueError, RecursionError):
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    def written(self) -> dict[str, set[str]]:
        """The files that limner wrote here, with their hashes; raises `FormatError` where nothing says which."""
        found = parse(self.read(SUMS))
        if not found:
            raise FormatError(f"it has no readable {SUMS}, which says what limner wrote: remove it, and export again")
        return found

    def changed(self) -> list[str]:
        """The names of files that limner wrote and that are gone or not as they were."""
        files = set(self.names())
        return [name for name, sums in sorted(self.written().items()) if name not in files or self.digest(name) not in sums]

    def foreign(self) -> list[str]:
        """The names of files that limner did not write. What has the very bytes of one that it wrote is that one, renamed."""
        written = self.written()
        ours = set[str]().union(*written.values())
        others = [name for name in self.names() if name not in _NOT_SUMMED and name not in written]
        return [name for name in others if self.digest(name) not in ours]


def parse(sums: bytes) -> dict[str, set[str]]:
    """Names with their hashes, of lines as `sha256sum` writes them.

    >>> parse(b"ab  x.md\\ncd  x.md\\n") == {"x.md": {"ab", "cd"}}
    True
    """
    found: dict[str, set[str]] = {}
    for line in sums.decode("utf-8", "replace").splitlines():
        digest, _, name = line.partition("  ")
        if name:
            found.setdefault(name, set()).add(digest)
    return found
