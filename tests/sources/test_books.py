"""Markdown, notebooks and books, each with pictures in their place."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import pytest

from limner.corpus.media import MediaInfo
from limner.corpus.probe import probe
from limner.document import Document
from limner.errors import SourceError
from limner.sources.kinds import Page, documents, recognise
from sources.site import png


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, data: bytes) -> MediaInfo:
        info = probe(data)
        self.files[info.ref] = data
        return info


def read(data: bytes, name: str) -> tuple[list[Document], Kept]:
    kept = Kept()
    return list(documents(Page(data, name, "1"), kept, limit=10**7)), kept


def roles(document: Document) -> list[str]:
    return [getattr(part, "role", "image") for part in document.parts]


MARKDOWN = """---
title: "How cats purr"
author: A. Cat
lang: en
---
# Purring

Cats purr with their *larynx*.

```{figure} img/cat.png
:alt: A cat
:width: 50%
A cat that **purrs**.
```

| sound | hertz |
| --- | --- |
| purr | 25 |

```python
purr(25)
```

:::
```{note} Listen
It is quiet.
```
<script>alert(1)</script>
"""


def test_markdown_has_its_figures_tables_and_front_matter():
    (document,), _ = read(MARKDOWN.encode(), "cats.md")
    assert (document.title, document.language, document.meta["author"]) == ("How cats purr", "en", "A. Cat")
    assert roles(document)[:6] == ["heading", "paragraph", "image", "caption", "table", "code"]
    (image,) = document.images
    assert (image.url, image.alt) == ("img/cat.png", "A cat")
    caption, table, code = document.parts[3:6]
    assert (caption.text, caption.of) == ("A cat that purrs.", image.n)  # type: ignore[union-attr]
    assert table.text.startswith("| sound | hertz |")  # type: ignore[union-attr]
    assert (code.text, code.language) == ("purr(25)", "python")  # type: ignore[union-attr]
    assert "It is quiet." in document.text
    assert "alert" not in document.text


def test_a_name_says_that_text_is_markdown_even_where_it_begins_with_html():
    assert recognise(b"<h1 align=center>Cats</h1>\n\n* purr", "README.md") == "markdown"
    assert recognise(b"<!DOCTYPE html><p>", "README.md") == "html"
    assert recognise(b"%PDF-1.7", "README.md") == "pdf"


def notebook(cells: list[dict[str, Any]], **facts: Any) -> bytes:
    return json.dumps({"cells": cells, "metadata": facts, "nbformat": 4, "nbformat_minor": 5}).encode()


def test_a_notebook_has_what_was_written_the_code_and_what_it_showed():
    picture = base64.b64encode(png(40, 30)).decode()
    data = notebook(
        [
            {"cell_type": "markdown", "source": ["# Edges\n", "\n", "Of a ![cat](attachment:cat.png)"],
             "attachments": {"cat.png": {"image/png": picture}}},
            {"cell_type": "code", "source": "plot(edges)", "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["\x1b[31m7\x1b[0m edges\n"]},
                {"output_type": "display_data", "data": {"image/png": picture, "text/plain": "<Figure>"}},
                {"output_type": "error", "ename": "E", "evalue": "", "traceback": []},
            ]},
            {"cell_type": "code", "source": "table", "outputs": [
                {"output_type": "execute_result", "data": {"text/html": "<table><tr><th>a<th>b<tr><td>1<td>2</table>", "text/plain": "a"}}]},
        ],
        kernelspec={"language": "python"},
    )  # fmt: skip
    (document,), kept = read(data, "edges.ipynb")
    assert document.title == "Edges"
    assert roles(document) == ["heading", "paragraph", "image", "code", "code", "image", "code", "table"]
    assert all(image.ref in kept.files and image.width == 40 for image in document.images)
    assert [part.text for part in document.texts if part.role == "code"] == ["plot(edges)", "7 edges", "table"]
    assert next(part for part in document.texts if part.role == "code").language == "python"


def test_a_notebook_that_is_none_says_so():
    with pytest.raises(SourceError, match=r"a\.ipynb: no notebook"):
        read(b'{"cells": [', "a.ipynb")
    (document,), _ = read(b'{"cells": 7, "nbformat": 4}', "a.ipynb")
    assert not document.parts


def book(
    chapters: dict[str, str], spine: str, manifest: str, more: dict[str, bytes] | None = None, root: str = "OPS/book.opf"
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("mimetype", "application/epub+zip")
        file.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            f'<rootfile full-path="{root}"/></rootfiles></container>',
        )
        file.writestr(
            "OPS/book.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            "<dc:title>Of cats</dc:title><dc:language>en</dc:language><dc:creator>A. Cat</dc:creator></metadata>"
            f"<manifest>{manifest}</manifest><spine>{spine}</spine></package>",
        )
        for name, html in chapters.items():
            file.writestr(f"OPS/{name}", html)
        for name, data in (more or {}).items():
            file.writestr(name, data)
    return out.getvalue()


def test_a_book_is_its_chapters_in_the_order_of_its_spine():
    page = "<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>{}</h1><p>Words.</p>{}</body></html>"
    data = book(
        {"a.xhtml": page.format("Second", ""), "text/b.xhtml": page.format("First", "<img src='../img/cat.png' alt='Cat'/>"),
         "nav.xhtml": page.format("Contents", "")},
        '<itemref idref="n"/><itemref idref="b"/><itemref idref="a"/><itemref idref="gone"/>',
        '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="b" href="text/b.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
        {"OPS/img/cat.png": png(50, 20)},
    )  # fmt: skip
    found, kept = read(data, "cats.epub")
    assert [document.title for document in found] == ["First", "Second"]
    assert len({document.id for document in found}) == 2
    assert found[0].meta == {"book": "Of cats", "author": "A. Cat", "chapter": "OPS/text/b.xhtml"}
    (image,) = found[0].images
    assert (image.width, image.alt) == (50, "Cat")
    assert list(kept.files) == [image.ref]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\3\4" + b"mimetypeapplication/epub+zip".rjust(60), "damaged zip"),
        (book({}, "", ""), ""),
        (book({"b.xhtml": "x"}, "", "", root="OPS/gone.opf"), "without a package file"),
    ],
)
def test_a_book_that_is_broken_says_how(data: bytes, why: str):
    if not why:
        assert read(data, "b.epub")[0] == []
        return
    with pytest.raises(SourceError, match=why):
        read(data, "b.epub")


def test_a_book_cannot_name_entities_or_files_outside():
    data = book({}, "", "", {"META-INF/container.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"})
    with pytest.raises(SourceError, match="entities"):
        read(data, "b.epub")


def test_a_bomb_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        file.writestr("META-INF/container.xml", b" " * (64 << 20))
    with pytest.raises(SourceError, match="honest"):
        read(out.getvalue(), "bomb.epub")
