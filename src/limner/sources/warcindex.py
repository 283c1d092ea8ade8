"""What one pass over a WARC file finds: where to cut it, and where the images lie. Kept on disk, made once.

The index is a small SQLite file named after the WARC's location, size and time (or ETag), so a changed file gets a new
one; whoever needs it and does not find it makes it, on whatever machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from limner.packages.cachedir import cache_folder
from limner.sources.remote import open_binary, stamp
from limner.sources.warcrecords import records

_VERSION = 1
MAX_IMAGES = 2_000_000
"""At most this many image records of one file are indexed, about 200 bytes each."""


@dataclass(frozen=True, slots=True)
class WarcIndex:
    """The index of one file: `cuts` are the offsets at which a range of records may begin, `size` bytes in all."""

    path: Path
    cuts: tuple[int, ...]
    size: int

    @contextlib.contextmanager
    def images(self) -> Generator[Callable[[str], int | None]]:
        """Looks up the offset of the record that holds the image at a URL, None where there is none."""
        with contextlib.closing(sqlite3.connect(f"{self.path.as_uri()}?immutable=1", uri=True)) as db:

            def find(url: str) -> int | None:
                row = db.execute("select offset from image where key = ?", [_key(url)]).fetchone()
                return int(row[0]) if row else None

            yield find


def index(location: str, every: int, *, cache: str = "", allow_private: bool = False) -> WarcIndex:
    """The index of the file at `location`, cut after `every` pages; made where it is not on disk yet."""
    size, mark = stamp(location, allow_private=allow_private)
    key = hashlib.sha256(f"{_VERSION}\0{os.path.basename(location)}\0{location}\0{size}\0{mark}\0{every}".encode())
    path = (Path(cache) if cache else cache_folder("warc")) / f"{key.hexdigest()[:32]}.sqlite"
    if not path.exists():
        _build(location, path, every, allow_private)
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as db:
        cuts = tuple(int(row[0]) for row in db.execute("select offset from cut order by offset"))
    return WarcIndex(path.absolute(), cuts, size)


def _build(location: str, path: Path, every: int, allow_private: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    scratch.unlink(missing_ok=True)
    try:
        with contextlib.closing(sqlite3.connect(scratch)) as db, open_binary(location, allow_private=allow_private) as file:
            # Nobody reads the scratch file: if the process dies, it is made again.
            db.execute("pragma journal_mode = off")
            db.execute("pragma synchronous = off")
            db.execute("create table cut (offset integer primary key)")
            db.execute("create table image (key blob primary key, offset integer) without rowid")
            pages = images = 0
            for offset, record in records(file, 0, lambda _offset, _error: None):
                kind = what(record)
                if kind == "page":
                    if pages % every == 0:
                        db.execute("insert or ignore into cut values (?)", [offset])
                    pages += 1
                elif kind == "image" and images < MAX_IMAGES:
                    url = str(record.headers.get("WARC-Target-URI", ""))
                    db.execute("insert or ignore into image values (?, ?)", [_key(url), offset])
                    images += 1
            db.commit()
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def what(record: object) -> str:
    """`page` or `image` for a record with one that was fetched with status 200, else ""."""
    http = getattr(record, "http_headers", None)
    kind = str(getattr(record, "record_type", ""))
    if kind.endswith("resource"):
        ctype = str(getattr(record, "headers", {}).get("Content-Type", ""))
    elif kind.endswith("response") and http is not None and http.status_code == 200:
        # What archivers found by looking, where the server was silent or wrong.
        ctype = str(http.get("Content-Type", "") or record_header(record, "WARC-Identified-Payload-Type"))
    else:
        return ""
    ctype = ctype.partition(";")[0].strip().lower()
    if ctype in ("text/html", "application/xhtml+xml"):
        return "page"
    return "image" if ctype.startswith("image/") else ""


def record_header(record: object, name: str) -> str:
    """A header of the WARC record, or ""."""
    return str(getattr(record, "headers", {}).get(name, "") or "")


def _key(url: str) -> bytes:
    return hashlib.blake2b(url.partition("#")[0].encode("utf-8", "surrogatepass"), digest_size=12).digest()
