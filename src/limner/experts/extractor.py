"""The port of extractors: pages of HTML to documents, in batches.

Addresses: `bundled:lexbor` (the default, `limner.sources.html`), `trafilatura` (the package of that name) and
`hf:MODEL` (a language model that labels the blocks of a page, `limner.experts.extractor_hf`).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

from limner.document import Document, Image, Part, Text, document_id
from limner.document.parts import Role
from limner.errors import ExpertError, MissingExtra, SourceError
from limner.experts.address import resolve

DEFAULT = "bundled:lexbor"

# What is above this package in the house is named, not imported: it is there when it is asked for.
_LEXBOR = "limner.sources.html:extract"


@dataclass(frozen=True, slots=True)
class Page:
    """A page to extract: its bytes, where it was fetched from, its input's name, the charset of its HTTP header."""

    data: bytes
    url: str = ""
    name: str = ""
    charset: str = ""


class Extractor(Protocol):
    """The main content of pages."""

    def extract(self, pages: Sequence[Page]) -> list[Document]:
        """A document for each page, in order; its id is `document_id` of the name, or of the URL where there is
        no name. Raises `SourceError` for a page that cannot be read."""
        ...


def extractor(address: str = DEFAULT) -> Extractor:
    """The extractor at `address`, made once a process. Raises `ExpertError` for an address nobody serves,
    `MissingExtra` where its packages are not installed.

    >>> extractor().extract([Page(b"<p>Cats purr.", name="cats.html")])[0].text
    'Cats purr.'
    """
    return resolve("extractor", "trafilatura:default" if address == "trafilatura" else address)


def named(target: str) -> Any:
    """What `module:name` names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def bundled(rest: str) -> Extractor:
    """The extractors that come with the package: `lexbor`."""
    if rest != "lexbor":
        raise ExpertError(f"no bundled extractor is called {rest!r}: write {DEFAULT}")
    return _Lexbor()


class _Lexbor:
    def __init__(self) -> None:
        self._extract = named(_LEXBOR)

    def extract(self, pages: Sequence[Page]) -> list[Document]:
        return [self._extract(p.data, url=p.url, name=p.name, charset=p.charset) for p in pages]


def from_trafilatura(rest: str) -> Extractor:
    """trafilatura, `default`, `precision` or `recall`."""
    if rest not in ("default", "precision", "recall"):
        raise ExpertError(f"trafilatura has no mode {rest!r}: write trafilatura, trafilatura:precision or trafilatura:recall")
    if find_spec("trafilatura") is None:
        raise MissingExtra("dev", "trafilatura", "the extractor 'trafilatura'")
    return _Trafilatura(rest)


# trafilatura's XML (a small TEI): what each element is here.
_ROLES: dict[str, Role] = {
    "p": "paragraph",
    "head": "heading",
    "list": "list",
    "quote": "quote",
    "code": "code",
    "table": "table",
}


class _Trafilatura:
    def __init__(self, mode: str) -> None:
        self._settings: dict[str, Any] = {"favor_precision": mode == "precision", "favor_recall": mode == "recall"}

    def extract(self, pages: Sequence[Page]) -> list[Document]:
        return [self._one(page) for page in pages]

    def _one(self, page: Page) -> Document:
        from trafilatura import bare_extraction

        source = page.name or page.url
        try:
            found: Any = bare_extraction(
                page.data, url=page.url or None, include_images=True, with_metadata=True, **self._settings
            )
        except Exception as error:  # another package's faults, with the page's name
            raise SourceError(f"{source}: trafilatura cannot read it ({type(error).__name__}: {error})") from error
        if found is None:
            return Document(document_id(source), (), source=source, url=page.url)
        meta = {
            key: value for key, value in {"date": found.date, "author": found.author, "site": found.sitename}.items() if value
        }
        return Document(
            document_id(source),
            _tei_parts(found.body),
            source=source,
            url=found.url or page.url,
            title=found.title or "",
            language=found.language or "",
            meta=meta,
        )


def _tei_parts(body: Any) -> tuple[Part, ...]:
    parts: list[Part] = []
    for element in body:
        role = _ROLES.get(element.tag)
        for graphic in [element] if element.tag == "graphic" else element.iter("graphic"):
            parts.append(Image(len(parts), url=graphic.get("src") or "", alt=graphic.get("alt") or ""))
        if role is None:
            continue
        if role == "list":
            text = "\n".join("- " + line for item in element.iter("item") if (line := " ".join("".join(item.itertext()).split())))
        elif role == "table":
            rows = [[" ".join("".join(c.itertext()).split()) for c in row.iter("cell")] for row in element.iter("row")]
            text = _table(rows)
        elif role == "code":
            text = "".join(element.itertext())
        else:
            text = " ".join("".join(element.itertext()).split())
        if text:
            rend = element.get("rend") or ""
            level = int(rend[1]) if role == "heading" and len(rend) == 2 and rend[1] in "123456" else 2 * (role == "heading")
            parts.append(Text(len(parts), text, role, level))
    return tuple(parts)


def _table(rows: list[list[str]]) -> str:
    rows = [row for row in rows if row]
    if not rows:
        return ""
    width = max(map(len, rows))
    lines = ["| " + " | ".join([c.replace("|", "\\|") for c in row] + [""] * (width - len(row))) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])
