"""limner's documents in a file beside the data, for formats whose own files have no room for them.

A line has the sha256 of what was written for one document, and limner's own field. It is believed only while what was
written is still there as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from limner.corpus.media import sha256
from limner.document import Document
from limner.errors import FormatError
from limner.formats import own
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.lines import MAX_ROW
from limner.formats.place import OWN
from limner.formats.values import dumps, loads

MAX_PAGE = 16 * 2**20
"""No page of more bytes than this is read."""

_HEAD = b'{"sha256":"'


class SidecarWriter:
    """Writes the documents of one shard to `path`; does nothing where `wanted` is false."""

    def __init__(self, path: Path, wanted: bool = True):
        self._file: IO[bytes] | None = open(path, "wb") if wanted else None  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> SidecarWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file:
            self._file.close()

    def add(self, digest: str, document: Document, files: Mapping[str, str] | None = None) -> None:
        """Add a document for which something with that sha256 was written."""
        if self._file:
            row: dict[str, Any] = {"sha256": digest, **own.to_field(document, files or {})}
            self._file.write(dumps(row).encode("utf-8", "replace") + b"\n")


def read_page(folder: Folder, name: str) -> tuple[bytes, Read | None]:
    """The bytes of a page, and limner's own document of it, with its media, where the page is as limner wrote it. Raises
    `FormatError` where the file cannot be read."""
    data = folder.media(name, limit=MAX_PAGE)
    if data is None:
        raise FormatError(f"not a readable file of at most {MAX_PAGE:,} bytes")
    near = name.rpartition("/")[0]
    kept = folder.sidecar(f"{near}/{OWN}" if near else OWN, Sidecar).find(sha256(data))
    return data, (kept.document, dict(folder.stored(kept.files, name))) if kept else None


class Sidecar:
    """Finds documents again. Only places are held, not the documents."""

    def __init__(self, folder: Folder, name: str):
        self._folder = folder
        self._name = name
        self._places: dict[str, list[tuple[int, int]]] | None = None

    def find(self, digest: str) -> own.Own | None:
        """The document for which something with that sha256 was written. Those that were written alike come in the
        order in which they were."""
        if self._places is None:
            self._places = self._index()
        places = self._places.get(digest)
        if not places:
            return None
        start, length = places.pop(0) if len(places) > 1 else places[0]
        with self._folder.open(self._name) as file:
            file.seek(start)
            try:
                row = loads(file.read(length))
            except FormatError:
                return None
        return own.from_field(row)

    def _index(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = {}
        if self._folder.path(self._name) is None:
            return found
        start, at = 0, len(_HEAD)
        with self._folder.open(self._name) as file:
            while line := file.readline(MAX_ROW + 1):
                if line.startswith(_HEAD) and line.endswith(b"\n"):
                    found.setdefault(line[at : at + 64].decode("ascii", "replace"), []).append((start, len(line)))
                start += len(line)
        return found
