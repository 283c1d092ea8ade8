"""An export in an object store: made in the temporary folder of this machine, then sent file by file.

A store has no rename that would make all files visible at once. So the report goes last, and while the files are on their way
another report lies there that says so, beside sums that name all that is limner's: what an export that was broken off left is
told from what others put there, and goes.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Generator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path

from limner.corpus import Store
from limner.errors import FormatError, LimnerError
from limner.formats.place import REPORT, SUMS, Place, parse

_ON_ITS_WAY = "on_its_way"
_BLOCK = 2**20


class ObjectStore(Place):
    """A folder named by an fsspec URL. Nothing keeps two exports to one folder apart."""

    def __init__(self, url: str):
        self.given = url
        self.where = url.rstrip("/")
        self._store = Store(self.where)

    @contextmanager
    def building(self, over: bool = False) -> Generator[Path]:
        """As `Place` says: sent when it is whole."""
        if not over:
            self.sweep()
            if self.names():
                raise FormatError(f"{self.given} is there already; name a new folder for the export")
        with tempfile.TemporaryDirectory(prefix="limner-export-") as made:
            yield Path(made)
            try:
                self._send(Path(made), over)
            except BaseException:
                if not over:
                    self._clear()
                raise

    def _send(self, made: Path, over: bool) -> None:
        before = self.written() if over else {}
        renamed = set(self.names()) - set(self.foreign()) - {REPORT, SUMS} if over else set[str]()
        now = parse((made / SUMS).read_bytes())
        # One that takes no other's place has no id until it is whole: it is not there yet.
        report = {"id": self.report().get("id", "")} if over else {}
        with self._told("written"):
            self._store.write(REPORT, json.dumps({**report, _ON_ITS_WAY: True}).encode())
            self._store.write(SUMS, _lines(before, now))
            for name in now:
                self._store.put(made / name, name)
            for name in (before.keys() | renamed) - now.keys():
                self._store.remove(name)
            self._store.put(made / SUMS, SUMS)
            self._store.put(made / REPORT, REPORT)

    def written(self) -> dict[str, set[str]]:
        """As `Place` says."""
        return parse(self.read(SUMS)) if self._on_its_way() else super().written()

    def changed(self) -> list[str]:
        """As `Place` says; of files that are on their way, nothing can be said."""
        return [] if self._on_its_way() else super().changed()

    def recover(self) -> None:
        """Nothing: what takes the place of an export that was broken off says what is missing and what is too much."""

    def sweep(self) -> bool:
        """As `Place` says."""
        if not self._on_its_way() or self.report().get("id"):
            return False
        self._clear()
        return True

    def _clear(self) -> None:
        with self._told("cleared of an export that failed"):
            for name in (*parse(self.read(SUMS)), SUMS, REPORT):
                self._store.remove(name)

    def _on_its_way(self) -> bool:
        return bool(self.report().get(_ON_ITS_WAY))

    def names(self) -> list[str]:
        """As `Place` says."""
        with self._told("read"):
            return self._store.below()

    def read(self, name: str) -> bytes:
        """As `Place` says."""
        with self._told("read"):
            return self._store.read(name) if self._store.exists(name) else b""

    def digest(self, name: str) -> str:
        """As `Place` says."""
        sum = hashlib.sha256()
        with self._told("read"), self._store.open(name) as file:
            while block := file.read(_BLOCK):
                sum.update(block)
        return sum.hexdigest()

    @contextmanager
    def _told(self, what: str) -> Generator[None]:
        try:
            yield
        except LimnerError:
            raise
        except Exception as error:
            # Each store's library has errors of its own: no credentials, no such bucket, no way to the server.
            raise FormatError(f"{self.given} cannot be {what} ({error}); check its name and your credentials") from error


def _lines(*sums: Mapping[str, Set[str]]) -> bytes:
    lines = {f"{digest}  {name}\n" for held in sums for name, digests in held.items() for digest in digests}
    return "".join(sorted(lines)).encode("utf-8", "replace")
