"""Take-down lists: what must leave a corpus and must not come back, kept in it as hashes.

A list is a text file with one entry a line; lines that are empty or begin with `#` are skipped.

    https://example.org/page.html      a page, or an image at that address
    example.org                        everything from a host and its subdomains
    9f86d081884c7d65…                  a file, by its sha256 (64 digits)
    document:76123a2555f7b0743476      a document, by its id

`url:`, `host:`, `sha256:` and `document:` before an entry say what it is where its form does not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from limner.corpus.corpus import Corpus
from limner.corpus.sealed import seal, unseal
from limner.corpus.store import Store
from limner.document import Document, Part, Text
from limner.errors import CorpusError

NAME = "takedown.json"
KINDS = ("url", "host", "sha256", "document")

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_ID = re.compile(r"[0-9a-fA-F]{20}\Z")
_HOST = re.compile(r"[^\s/:@?#]+\.[^\s/:@?#]+\Z|localhost\Z")
_MOST_LABELS = 128


@dataclass(frozen=True)
class TakeList:
    """Hashes of what is taken down, by kind, each with the date (ISO 8601) it was."""

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def __bool__(self) -> bool:
        return any(self.entries.values())

    def __len__(self) -> int:
        return sum(len(held) for held in self.entries.values())

    def __call__(self, document: Document) -> bool:
        """Whether the whole document is taken down: by its id, its address, its source, or their host."""
        return self.document(document.id) or self.address(document.url) or self.address(document.source)

    def document(self, id: str) -> bool:
        """Whether the document of that id is taken down."""
        return self._has("document", id)

    def media(self, ref: str) -> bool:
        """Whether the file of that sha256 is taken down."""
        return bool(ref) and self._has("sha256", ref)

    def address(self, url: str) -> bool:
        """Whether an address is taken down, itself or by its host or a domain above it."""
        if not url or not (self.entries.get("url") or self.entries.get("host")):
            return False
        if self._has("url", plain_url(url)):
            return True
        labels = host_of(url).split(".")[-_MOST_LABELS:]
        return any(self._has("host", ".".join(labels[i:])) for i in range(len(labels)) if labels[i])

    def part(self, part: Part) -> bool:
        """Whether a part that is not text is taken down: by its bytes or its address."""
        return not isinstance(part, Text) and (self.media(part.ref) or self.address(part.url))

    def left(self, document: Document) -> Document | None:
        """What is left of a document: None where it is taken down whole or no part is left. Captions of a part that goes, go
        with it."""
        if self(document):
            return None
        gone = {part.n for part in document.parts if self.part(part)}
        if not gone:
            return document
        gone |= {text.n for text in document.texts if text.of in gone}
        left = document.without(gone)
        return left if left.parts else None

    def _has(self, kind: str, value: str) -> bool:
        held = self.entries.get(kind)
        return bool(held) and hashed(kind, value) in held

    def union(self, other: TakeList) -> TakeList:
        """Both lists; where both have an entry, with the earlier date."""
        return TakeList(
            {
                kind: {
                    key: min(d for d in (self.entries.get(kind, {}).get(key), other.entries.get(kind, {}).get(key)) if d)
                    for key in {**self.entries.get(kind, {}), **other.entries.get(kind, {})}
                }
                for kind in KINDS
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """The list as it is kept: hashes only."""
        return {"schema": 1, **{kind: dict(sorted(self.entries.get(kind, {}).items())) for kind in KINDS}}

    def save(self, store: Store) -> None:
        """Keep the list in a corpus, in one atomic write."""
        store.write(NAME, json.dumps(seal(self.to_dict()), indent=1).encode())


def hashed(kind: str, value: str) -> str:
    """How an entry is kept. The sha256 of a file is a hash already."""
    if kind == "sha256":
        return value.lower()
    return hashlib.sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).hexdigest()


def plain_url(url: str) -> str:
    """An address without what does not tell pages apart: scheme, case of the host, standard port, fragment, last slash."""
    try:
        split = urlsplit(url.strip())
        port = f":{split.port}" if split.port not in (None, 80, 443) else ""
    except ValueError:
        return url.strip()
    host = host_of(url)
    if not host:
        return url.strip()
    return f"{host}{port}{split.path.rstrip('/')}" + (f"?{split.query}" if split.query else "")


def host_of(url: str) -> str:
    """The host of an address in lower case, international names in their ASCII form; empty for what has none."""
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""
    return _ascii(host)


def _ascii(host: str) -> str:
    host = host.lower().rstrip(".")
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def read_list(text: str, date: str = "") -> TakeList:
    """The list that a text file holds; raises `CorpusError` naming a line that is none of the forms."""
    date = date or datetime.now(UTC).isoformat(timespec="seconds")
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        kind, value = _entry(entry)
        if not kind:
            raise CorpusError(f"line {number} of the take-down list, {entry[:80]!r}, is no URL, host, sha256 or document id")
        found[kind][hashed(kind, value)] = date
    return TakeList(found)


def _entry(entry: str) -> tuple[str, str]:
    kind, _, value = entry.partition(":")
    if kind in KINDS and value and not value.startswith("//"):
        value = value.strip()
        if kind == "sha256":
            return ("sha256", value) if _SHA256.match(value) else ("", "")
        return kind, plain_url(value) if kind == "url" else _ascii(value) if kind == "host" else value
    if "://" in entry:
        return ("url", plain_url(entry)) if host_of(entry) else ("", "")
    if _SHA256.match(entry):
        return "sha256", entry
    if _ID.match(entry):
        return "document", entry.lower()
    return ("host", _ascii(entry)) if _HOST.match(entry) else ("", "")


def taken(corpus: Corpus | Store) -> TakeList:
    """The take-down list of a corpus, empty where it has none. A build into the corpus asks it for every input
    (`address`), document (`left`) and file (`media`)."""
    store = corpus.store if isinstance(corpus, Corpus) else corpus
    if not store.exists(NAME):
        return TakeList()
    try:
        data, _ = unseal(json.loads(store.read(NAME)))
        return TakeList({kind: _dates(data.get(kind, {})) for kind in KINDS})
    except (ValueError, RecursionError) as error:
        raise CorpusError(
            f"{store.url}: {NAME} is damaged ({error}); restore it from a copy, or what it names can come back"
        ) from None


def _dates(held: Iterable[str] | Mapping[str, str]) -> dict[str, str]:
    if not isinstance(held, Mapping) or not all(isinstance(v, str) and _SHA256.match(k) for k, v in held.items()):
        raise ValueError("an entry is not a sha256 with its date")
    return dict(held)
