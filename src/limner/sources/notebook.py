"""Jupyter notebooks to documents: what is written, the code, and what it showed, in their order."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, cast

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.errors import SourceError
from limner.sources.attach import attach
from limner.sources.html.whole import whole
from limner.sources.kinds import Page
from limner.sources.markdown import to_html

_IMAGES = ("image/png", "image/jpeg", "image/svg+xml", "image/gif", "image/webp")
MAX_OUTPUT = 20_000
"""Characters of one output that are kept."""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_ATTACHED = re.compile(r"attachment:([^\s)\"'>]+)")


def read_notebook(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of the kind `notebook` (nbformat 3 to 4)."""
    try:
        notebook = json.loads(page.data)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{page.name}: no notebook ({error})") from None
    facts = _mapping(_mapping(notebook).get("metadata"))
    language = str(_mapping(facts.get("language_info")).get("name") or _mapping(facts.get("kernelspec")).get("language") or "")
    pictures = _Pictures()
    html = "\n".join(_cell(cell, language, pictures) for cell in _cells(_mapping(notebook)))
    title = str(facts.get("title") or "")
    document = whole(html, name=page.name, id=page.id, url=page.url, title=title, meta={"code": language} if language else {})
    # Pictures that it only names are the source's to bring.
    yield attach(document, pictures.found.get, media) if media is not None else document


class _Pictures:
    """The pictures that lie in a notebook, by the names they are given here."""

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}

    def add(self, kind: str, value: object) -> str:
        """Keep a picture; returns its name, "" where its bytes are damaged."""
        text = _text(value)
        try:
            data = text.encode() if kind == "image/svg+xml" else b64decode("".join(text.split()), validate=True)
        except ValueError:
            return ""
        name = f"picture-{len(self.found) + 1}.{kind.partition('/')[2].partition('+')[0]}"
        self.found[name] = data
        return name


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _cells(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    sheets = notebook.get("worksheets")  # nbformat 3
    lists = [_mapping(sheet).get("cells") for sheet in sheets] if isinstance(sheets, list) else [notebook.get("cells")]
    for cells in lists:
        if isinstance(cells, list):
            yield from map(_mapping, cells)


def _text(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _cell(cell: Mapping[str, Any], language: str, pictures: _Pictures) -> str:
    source = _text(cell.get("source") or cell.get("input"))
    kind = cell.get("cell_type")
    if kind == "markdown":
        return to_html(_with_attachments(source, _mapping(cell.get("attachments")), pictures))
    if kind == "heading":
        level = min(max(int(cell.get("level") or 1), 1), 6)
        return f"<h{level}>{escape(source)}</h{level}>"
    if kind != "code":
        return f"<p>{escape(source)}</p>" if source.strip() else ""
    shown = f'<pre><code class="language-{escape(language)}">{escape(source)}</code></pre>' if source.strip() else ""
    outputs = cell.get("outputs")
    return shown + "".join(_output(_mapping(o), pictures) for o in outputs) if isinstance(outputs, list) else shown


def _with_attachments(source: str, attachments: Mapping[str, Any], pictures: _Pictures) -> str:
    def replaced(found: re.Match[str]) -> str:
        data = _mapping(attachments.get(found[1]))
        kind = next((k for k in _IMAGES if k in data), "")
        return (pictures.add(kind, data[kind]) if kind else "") or found[0]

    return _ATTACHED.sub(replaced, source)


def _output(output: Mapping[str, Any], pictures: _Pictures) -> str:
    if output.get("output_type") == "stream":
        return _printed(_text(output.get("text")))
    if output.get("output_type") in ("error", "pyerr"):
        return ""
    data = _mapping(output.get("data")) or {f"image/{k}": v for k, v in output.items() if k in ("png", "jpeg")} or output
    alt = escape(_text(data.get("text/plain"))[:200].split("\n")[0])
    kind = next((k for k in _IMAGES if k in data), "")
    if kind and (name := pictures.add(kind, data[kind])):
        return f'<p><img alt="{alt}" src="{name}"></p>'
    if "text/markdown" in data:
        return to_html(_text(data["text/markdown"]))
    if "text/html" in data and "<table" in (html := _text(data["text/html"])) and len(html) <= 10 * MAX_OUTPUT:
        return f"<div>{html}</div>"
    if "text/latex" in data:
        return f"<p>{escape(_text(data['text/latex']))}</p>"
    return _printed(_text(data.get("text/plain") or data.get("text")))


def _printed(text: str) -> str:
    text = _ANSI.sub("", text)[:MAX_OUTPUT].rstrip()
    return f"<pre>{escape(text)}</pre>" if text else ""
