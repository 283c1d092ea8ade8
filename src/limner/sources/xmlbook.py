"""DocBook and Mallard to documents, by way of HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from xml.etree.ElementTree import Element

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.sources.epub import xml
from limner.sources.html.whole import whole
from limner.sources.kinds import Page

_DEPTH = 200
_SECTIONS = frozenset(
    ("book", "part", "article", "chapter", "appendix", "preface", "section", "sect1", "sect2", "sect3", "sect4", "sect5", "refentry",
     "refsection", "refsect1", "refsect2", "simplesect", "page", "glossary")
)  # fmt: skip
# What each element becomes; those that are in none of these are gone through.
_TAGS = {
    "para": "p", "simpara": "p", "formalpara": "div", "p": "p",
    "itemizedlist": "ul", "orderedlist": "ol", "procedure": "ol", "substeps": "ol", "simplelist": "ul", "list": "ul", "steps": "ol",
    "listitem": "li", "step": "li", "member": "li", "item": "li",
    "variablelist": "dl", "terms": "dl", "term": "dt",
    "programlisting": "pre", "screen": "pre", "literallayout": "pre", "synopsis": "pre", "code": "code",
    "blockquote": "blockquote", "quote": "blockquote",
    "figure": "figure", "informalfigure": "figure", "screenshot": "figure", "caption": "figcaption",
    "table": "table", "informaltable": "table", "row": "tr", "tr": "tr", "entry": "td", "td": "td", "th": "th",
    "emphasis": "em", "em": "em", "literal": "code", "filename": "code", "command": "code", "guilabel": "b", "gui": "b",
}  # fmt: skip
_IMAGES = frozenset(("imagedata", "graphic", "inlinegraphic", "media"))
_LEFT_OUT = frozenset(
    ("info", "bookinfo", "articleinfo", "chapterinfo", "sectioninfo", "sect1info", "indexterm", "index", "toc", "remark", "comment",
     "textobject", "colspec", "spanspec", "refentryinfo")
)  # fmt: skip


def read_xml(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of DocBook (4 and 5) and Mallard. Pictures have their `url`, for the source to bring."""
    root = xml(page.data, page.name)
    out: list[str] = []
    _write(root, out, 0, 0)
    title = next((_text(e) for e in root if _local(e) == "title"), "") or next(
        (_text(e) for e in root.iter() if _local(e) == "title"), ""
    )
    language = root.get("lang", "") or root.get("{http://www.w3.org/XML/1998/namespace}lang", "")
    yield whole("".join(out), name=page.name, id=page.id, url=page.url, title=title, language=language.replace("_", "-"))


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _write(element: Element, out: list[str], level: int, depth: int) -> None:
    """What an element becomes; `level` is how many sections are around it."""
    name = _local(element)
    if depth > _DEPTH or name in _LEFT_OUT:
        return
    if name in _SECTIONS:
        level += 1
        # The title of a book may stand in what is said about it.
        if not any(_local(child) == "title" for child in element):
            info = next((child for child in element if _local(child).endswith("info")), None)
            title = next((child for child in info if _local(child) == "title"), None) if info is not None else None
            if title is not None:
                out.append(f"<h{min(level, 6)}>{escape(_text(title))}</h{min(level, 6)}>")
        _inside(element, out, level, depth)
    elif name in ("title", "subtitle"):
        pass  # its parent writes it: only that knows what it is the title of
    elif name in _IMAGES:
        source = element.get("fileref") or element.get("src") or ""
        if source and element.get("type", "image") == "image":
            alt = "" if _local(element) != "media" else _text(element)
            out.append(f'<img src="{escape(source)}" alt="{escape(alt[:500])}">')
    elif name in _TAGS:
        tag = _TAGS[name]
        out.append(f"<{tag}>")
        _inside(element, out, level, depth, text=True)
        out.append(f"</{tag}>")
    else:
        _inside(element, out, level, depth, text=True)


def _inside(element: Element, out: list[str], level: int, depth: int, text: bool = False) -> None:
    if text:
        out.append(escape(element.text or ""))
    parent = _local(element)
    after = ""
    for child in element:
        if _local(child) == "title":
            title = escape(_text(child))
            if parent in _SECTIONS:
                out.append(f"<h{min(level, 6)}>{title}</h{min(level, 6)}>")
            elif _TAGS.get(parent) == "figure":
                after = f"<figcaption>{title}</figcaption>"
            elif _TAGS.get(parent) == "table":
                out.append(f"<caption>{title}</caption>")
            else:
                out.append(f"<p><b>{title}</b></p>")
        else:
            _write(child, out, level, depth + 1)
        if text:
            out.append(escape(child.tail or ""))
    out.append(after)
