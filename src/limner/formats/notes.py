"""Where an export came from and under which licences: the file `SOURCES.txt` beside the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from limner.document import Document

if TYPE_CHECKING:
    from limner.formats.fileformat import FileFormat

DISTINCT = 1_000
"""No more hosts, and no more licences, are counted by name."""


class Notes:
    """Counts the hosts and licences of documents, in bounded memory."""

    def __init__(self) -> None:
        self._hosts: Counter[str] = Counter()
        self._licences: Counter[str] = Counter()

    def add(self, document: Document) -> None:
        """Count one document."""
        _count(self._hosts, _host(document.url) or _host(document.source) or document.source.partition("/")[0] or "(not stated)")
        _count(self._licences, document.meta.get("license", "") or "not stated")

    def text(self, format: FileFormat, facts: Mapping[str, Any]) -> str:
        """The notes, for people."""
        lines = [
            f"Exported by limner as {format.name}: {format.description}",
            f"Its schema: {format.published}",
            "",
            "What a document may be used for is what its source allows. This file says what the corpus knew of it.",
            "",
        ]
        lines += [f"{name}: {value}" for name, value in sorted(facts.items()) if isinstance(value, str)]
        for title, counts in (("Licences", self._licences), ("Sources", self._hosts)):
            lines += ["", f"{title} (documents)"]
            lines += [f"{count:>10,}  {_plain(name)}" for name, count in sorted(counts.items(), key=lambda c: (-c[1], c[0]))]
        return "\n".join(lines) + "\n"


def _count(counter: Counter[str], name: str) -> None:
    counter[name if name in counter or len(counter) < DISTINCT else "(others)"] += 1


def _host(address: str) -> str:
    try:
        return urlsplit(address).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _plain(text: str) -> str:
    return " ".join(text[:500].split())
