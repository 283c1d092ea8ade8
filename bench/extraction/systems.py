"""The extractors that are measured, behind one form: what each found on a page, in order.

limner gives a `Document`; trafilatura its XML; resiliparse its minimal HTML. Each becomes an `Output`: the plain text
that WCXB's score reads, and a list of `Item`s for the measures of images and structure.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any


@dataclass
class Item:
    """A thing on a page. `kind` is heading, figure, code, table or text; `text` its words; `url` and `captions` are a
    figure's, `rows` a table's."""

    kind: str
    text: str = ""
    url: str = ""
    captions: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class Output:
    """What a system made of a page: its text, and its items in reading order."""

    text: str
    items: list[Item]


Extractor = Callable[[bytes], Output]

# What sites put behind a heading or a caption to link to it. trafilatura and resiliparse keep it; it is taken off for
# them, so that they are not judged by one character.
_PERMALINK = re.compile(r"\s*[¶]\s*$")


def limner(page: bytes) -> Output:
    """limner's own extractor."""
    from limner.document import Image, Text
    from limner.sources.html import extract

    document = extract(page, name="page")
    items: list[Item] = []
    by_n: dict[int, Item] = {}
    captions: list[tuple[int, str]] = []
    for part in document:
        if isinstance(part, Image):
            items.append(Item("figure", part.alt, part.url))
            by_n[part.n] = items[-1]
        elif isinstance(part, Text) and part.role == "caption" and part.of is not None:
            captions.append((part.of, part.text))
        elif isinstance(part, Text):
            items.append(_text_item(part.role, part.text))
    for n, text in captions:
        if n in by_n:
            by_n[n].captions.append(text)
        else:
            items.append(Item("text", text))
    return Output(document.text, items)


def _text_item(role: str, text: str) -> Item:
    from limner.document import markup

    if role == "table":
        found = markup.table(text)
        if found is not None:
            return Item("table", text, rows=[list(found.head), *map(list, found.rows)])
    return Item(role if role in ("heading", "code", "table") else "text", text)


def trafilatura(page: bytes, recall: bool = False, structure: bool = True) -> Output:
    """trafilatura, default or with `favor_recall`. Its plain text is asked for as WCXB's baselines are: comments and
    tables included; its structure as XML with images, formatting and tables."""
    import trafilatura as library

    text = library.extract(page, favor_recall=recall, include_comments=True, include_tables=True, include_images=True) or ""
    if not structure:
        return Output(_without_image_marks(text), [])
    xml = library.extract(
        page, favor_recall=recall, include_comments=True, include_tables=True, include_images=True, include_formatting=True,
        output_format="xml",
    )  # fmt: skip
    return Output(_without_image_marks(text), list(_tei(xml)) if xml else [])


_IMAGE_MARK = re.compile(r"!\[([^\]]*)\]\([^)\s]*\)")


def _without_image_marks(text: str) -> str:
    # With include_images the plain text has `![alt](url)`: the words of an address are no words of the page.
    return _IMAGE_MARK.sub("", text)


def _tei(xml: str) -> Iterator[Item]:
    from lxml import etree

    # Control characters that a page wrote are no XML; trafilatura writes them all the same.
    root = etree.fromstring(xml.encode("utf-8", "replace"), etree.XMLParser(recover=True, huge_tree=True))
    if root is None:
        return
    inside: set[Any] = set()
    previous: Item | None = None
    for node in root.iter("head", "graphic", "code", "table", "p", "item", "quote"):
        if node.getparent() in inside and node.tag != "graphic":
            inside.add(node)
            continue
        item = _tei_item(node)
        if item is None:
            continue
        if node.tag in ("table", "code", "head"):
            inside.update(node.iter())
        # trafilatura has no captions: a paragraph next to an image stands for one, on either side of it.
        if item.kind == "text" and previous is not None and previous.kind == "figure":
            previous.captions.append(item.text)
        if item.kind == "figure" and previous is not None and previous.kind == "text":
            item.captions.append(previous.text)
        previous = item
        yield item


def _tei_item(node: Any) -> Item | None:
    text = _PERMALINK.sub("", "".join(node.itertext()).strip())
    if node.tag == "graphic":
        return Item("figure", node.get("alt") or "", node.get("src") or "")
    if node.tag == "head":
        return Item("heading", text)
    if node.tag == "table":
        rows = [[" ".join("".join(cell.itertext()).split()) for cell in row.iter("cell")] for row in node.iter("row")]
        return Item("table", text, rows=rows)
    if node.tag == "code":
        # A line of code in a sentence is `code` as well: only one with a line of its own counts.
        parent = node.getparent()
        inline = parent is not None and parent.tag in ("p", "item", "cell", "hi", "ref", "head") and "\n" not in text
        return None if inline else Item("code", "".join(node.itertext()))
    return Item("text", text) if text else None


def resiliparse(page: bytes, structure: bool = True) -> Output:
    """resiliparse's main content. It keeps no images, and a table's cells as paragraphs."""
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse_from_bytes(page, detect_encoding(page))
    text = extract_plain_text(tree, main_content=True, alt_texts=False)
    if not structure:
        return Output(text, [])
    html = extract_plain_text(tree, main_content=True, alt_texts=False, preserve_formatting="minimal_html")
    return Output(text, list(_minimal_html(html)))


def _minimal_html(html: str) -> Iterator[Item]:
    from lxml import html as parser

    if not html.strip():
        return
    kinds = {"h1": "heading", "h2": "heading", "h3": "heading", "h4": "heading", "h5": "heading", "h6": "heading", "pre": "code"}
    for node in parser.fromstring(f"<div>{html}</div>").iter(*kinds, "p"):
        yield Item(kinds.get(node.tag, "text"), _PERMALINK.sub("", node.text_content()))


SYSTEMS: dict[str, Extractor] = {
    "limner": limner,
    "trafilatura": trafilatura,
    "trafilatura (recall)": partial(trafilatura, recall=True),
    "resiliparse": resiliparse,
}

TEXT_SYSTEMS: dict[str, Extractor] = {
    "limner": limner,
    "trafilatura": partial(trafilatura, structure=False),
    "trafilatura (recall)": partial(trafilatura, recall=True, structure=False),
    "resiliparse": partial(resiliparse, structure=False),
}


def chosen(names: list[str] | None, systems: dict[str, Extractor]) -> dict[str, Extractor]:
    """The systems whose names begin with one of `names`; all where none is given."""
    picked = {n: s for n, s in systems.items() if not names or any(n.startswith(wanted) for wanted in names)}
    if not picked:
        raise SystemExit(f"no such system: {', '.join(names or [])}; one of {', '.join(systems)}")
    return picked


def versions() -> dict[str, str]:
    """The versions of what was measured."""
    return {name: importlib.metadata.version(name) for name in ("limner", "trafilatura", "resiliparse", "selectolax")}
