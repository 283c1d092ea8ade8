"""What was fetched, on disk: for each URL a JSON record and, where it went well, the bytes.

A record is named by the sha256 of its URL and written last, in one atomic step, so a killed fetch leaves either the
whole or nothing; bytes are named by their URL and their own sha256, so a record never points at others' bytes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

import orjson


@dataclass(frozen=True)
class Entry:
    """One fetch. `final` is the URL after redirects, `reason` why it failed ("" where it did not), `transient`
    whether a later run should try again, `fetched` when the bytes came and `checked` when they were last known to be
    the server's (seconds since 1970), `sha256` and `size` those of the decoded bytes, `headers` the response's
    (lower-case), `no_images` whether the page reserves its images."""

    url: str
    final: str = ""
    status: int = 0
    reason: str = ""
    transient: bool = False
    fetched: float = 0.0
    checked: float = 0.0
    size: int = 0
    sha256: str = ""
    no_images: bool = False
    headers: Mapping[str, str] = field(default_factory=lambda: cast("dict[str, str]", {}))

    @property
    def ok(self) -> bool:
        """Whether there are bytes."""
        return not self.reason

    @property
    def content_type(self) -> str:
        """The Content-Type header, or ""."""
        return self.headers.get("content-type", "")

    def age(self) -> float:
        """Seconds since it was last known to be current."""
        return time.time() - self.checked


_FIELDS = {f.name: f for f in fields(Entry)}


class WebCache:
    """A folder of fetched URLs; many processes may read it while one writes."""

    def __init__(self, folder: str | os.PathLike[str]):
        self.folder = Path(folder)

    def _stem(self, url: str) -> Path:
        name = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / name[:2] / name

    def entry(self, url: str) -> Entry | None:
        """What is known of `url`; None where it was never fetched or its record is damaged."""
        try:
            raw: Any = orjson.loads(self._stem(url).with_suffix(".json").read_bytes())
            found = Entry(**{name: value for name, value in raw.items() if name in _FIELDS})
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        return found if found.url == url else None

    def body(self, entry: Entry) -> bytes | None:
        """The bytes of an entry; None where it has none or they are gone."""
        if not entry.ok:
            return None
        try:
            return self._body(entry).read_bytes()
        except OSError:
            return None

    def whole(self, entry: Entry) -> bool:
        """Whether what an entry speaks of is there: its bytes, where it has any."""
        return not entry.ok or self._body(entry).is_file()

    def _body(self, entry: Entry) -> Path:
        stem = self._stem(entry.url)
        return stem.with_name(f"{stem.name}-{entry.sha256[:16]}.body")

    def store(self, entry: Entry, body: bytes | None = None) -> None:
        """Keep an entry and, where it is new, its bytes; an older one of the same URL goes."""
        stem = self._stem(entry.url)
        stem.parent.mkdir(parents=True, exist_ok=True)
        before = self.entry(entry.url)
        if body is not None and not self._body(entry).exists():
            _write(self._body(entry), body)
        _write(stem.with_suffix(".json"), orjson.dumps(asdict(entry)))
        if before is not None and before.sha256 and before.sha256 != entry.sha256:
            self._body(before).unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(scratch, path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
