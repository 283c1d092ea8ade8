"""OpenDocument texts and slides (ODT, ODP) to documents, by way of HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from xml.etree.ElementTree import Element

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.errors import SourceError
from limner.sources.attach import attach
from limner.sources.epub import xml
from limner.sources.html.whole import whole
from limner.sources.kinds import Page
from limner.sources.zipfolder import ZipFolder

_DEPTH = 200
_SPACES = {
    "urn:oasis:names:tc:opendocument:xmlns:office:1.0": "office",
    "urn:oasis:names:tc:opendocument:xmlns:text:1.0": "text",
    "urn:oasis:names:tc:opendocument:xmlns:table:1.0": "table",
    "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0": "draw",
    "urn:oasis:names:tc:opendocument:xmlns:presentation:1.0": "presentation",
    "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0": "fo",
    "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0": "svg",
    "http://www.w3.org/1999/xlink": "xlink",
}
_INSIDE = {
    "text:list": "ul", "text:list-item": "li", "table:table": "table", "table:table-row": "tr", "table:table-cell": "td",
    "text:section": "div", "draw:text-box": "div",
}  # fmt: skip
_LEFT_OUT = frozenset(
    (
        "text:tracked-changes",
        "office:annotation",
        "text:table-of-content",
        "text:sequence-decls",
        "text:note-citation",
        "office:forms",
    )
)


def read_opendocument(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of OpenDocument files."""
    folder = ZipFolder(page.data, page.name)
    root = xml(folder.read("content.xml"), page.name)
    body = next((element for element in root.iter() if _name(element) == "office:body"), None)
    if body is None:
        raise SourceError(f"{page.name}: an OpenDocument file without a body")
    out: list[str] = []
    _write(body, out, 0)
    document = whole("".join(out), name=page.name, id=page.id, url=page.url)

    def load(url: str) -> bytes | None:
        path = folder.find(url)
        return folder.read(path) if path else None

    yield attach(document, load, media) if media is not None else document


def _name(element: Element) -> str:
    space, _, local = str(element.tag)[1:].rpartition("}")
    return f"{_SPACES.get(space, '')}:{local}"


def _get(element: Element, name: str) -> str:
    prefix, _, local = name.partition(":")
    return next((element.get(f"{{{space}}}{local}", "") for space, short in _SPACES.items() if short == prefix), "")


def _write(element: Element, out: list[str], depth: int) -> None:
    if depth > _DEPTH:
        return
    for child in element:
        name = _name(child)
        if name in _LEFT_OUT:
            continue
        if name == "text:h":
            level = (
                min(max(int(_get(child, "text:outline-level") or 1), 1), 6) if _get(child, "text:outline-level").isdigit() else 1
            )
            _around(f"h{level}", child, out, depth)
        elif name == "text:p":
            _paragraph(child, out, depth)
        elif name == "draw:page":
            out.append(f"<h2>{escape(_title(child))}</h2>" if _title(child) else "")
            _write(child, out, depth + 1)
        elif name == "draw:frame":
            if _get(child, "presentation:class") != "title":
                _frame(child, out, depth)
        elif name == "table:table-header-rows":
            _write(child, out, depth + 1)
        elif name in _INSIDE:
            _around(_INSIDE[name], child, out, depth, block=True)
        else:
            _write(child, out, depth + 1)


def _around(tag: str, element: Element, out: list[str], depth: int, block: bool = False) -> None:
    out.append(f"<{tag}>")
    if block:
        _write(element, out, depth + 1)
    else:
        _inline(element, out, depth + 1)
    out.append(f"</{tag}>")


def _paragraph(element: Element, out: list[str], depth: int) -> None:
    """A paragraph; frames in it (pictures) come after it, and a picture alone in it is none."""
    text: list[str] = []
    _inline(element, text, depth + 1)
    joined = "".join(text)
    if joined.strip():
        out.append(f"<p>{joined}</p>")
    for frame in element.iter():
        if _name(frame) == "draw:frame":
            _frame(frame, out, depth)


def _inline(element: Element, out: list[str], depth: int) -> None:
    if depth > _DEPTH:
        return
    out.append(escape(element.text or ""))
    for child in element:
        name = _name(child)
        if name == "text:s":
            count = _get(child, "text:c")
            out.append(" " * (min(int(count), 100) if count.isdigit() else 1))
        elif name == "text:tab":
            out.append("\t")
        elif name == "text:line-break":
            out.append("<br>")
        elif name not in ("draw:frame", "text:note") and name not in _LEFT_OUT:
            _inline(child, out, depth + 1)
        out.append(escape(child.tail or ""))


def _frame(frame: Element, out: list[str], depth: int) -> None:
    alt = next((e.text or "" for e in frame if _name(e) in ("svg:title", "svg:desc")), "")
    image = next((e for e in frame if _name(e) == "draw:image" and _get(e, "xlink:href")), None)
    if image is not None:
        out.append(f'<p><img src="{escape(_get(image, "xlink:href"))}" alt="{escape(alt)}"></p>')
    else:
        _write(frame, out, depth + 1)


def _title(page: Element) -> str:
    for frame in page:
        if _get(frame, "presentation:class") == "title":
            text: list[str] = []
            _inline(frame, text, 0)
            return " ".join("".join(text).split())
    return ""
