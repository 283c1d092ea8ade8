r"""Formulas whose truth is known: pages that Sphinx made, beside the reStructuredText that they were made from.

The pages hold TeX in MathJax's delimiters, which any extractor of plain text may keep by doing nothing. Sites also write formulas as images, as
scripts or as KaTeX renders them; `forms` composes such pages of the same ones, which are called composed wherever they are counted.
"""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Callable, Mapping
from html import escape, unescape
from pathlib import Path

from limner.document import Document
from limner.experts.extractor import Page, extractor

System = Callable[[Page], str]

_DISPLAYED = re.compile(r"^( *)\.\. math::([^\n]*)\n((?:\1 +\S[^\n]*\n|[ \t]*\n)*)", re.MULTILINE)
_INLINE = re.compile(r":math:`([^`]+)`")
_OPTION = re.compile(r"^\s*:\w+:.*$", re.MULTILINE)
_RENDERED = re.compile(r'<(?P<tag>span|div) class="math notranslate nohighlight"[^>]*>(?P<body>.*?)</(?P=tag)>', re.DOTALL)
_TEX = re.compile(r"\\\((?P<inline>.*)\\\)|\\\[(?P<display>.*)\\\]", re.DOTALL)


def written(root: Path, page: str) -> list[str]:
    """The formulas in the source of a page, LaTeX; none where it has no source."""
    for ending in (".rst.txt", ".txt"):
        path = root / "_sources" / (page.removesuffix(".html") + ending)
        if path.is_file():
            text = path.read_text("utf-8", "replace")
            shown = [f"{m[2]}\n{_OPTION.sub('', m[3])}".strip() for m in _DISPLAYED.finditer(text)]
            pieces = [piece for block in shown for piece in re.split(r"\n\s*\n", block) if piece.strip()]
            return [f for f in (*pieces, *_INLINE.findall(text)) if len(squeezed(f)) > 2]
    return []


def squeezed(text: str) -> str:
    """Text as formulas are compared: without white space, alignment and ends of lines, which Sphinx adds to what was written."""
    return re.sub(r"[\s&]|\\\\", "", text)


def _image(tex: str, shown: bool) -> str:
    name = hashlib.sha1(tex.encode(), usedforsecurity=False).hexdigest()
    image = f'<img class="math" src="_images/math/{name}.png" alt="{escape(tex)}"/>'
    return f'<div class="math"><p>{image}</p></div>' if shown else image


def _script(tex: str, shown: bool) -> str:
    return f'<script type="math/tex{"; mode=display" if shown else ""}">{tex}</script>'


def _katex(tex: str, shown: bool) -> str:
    letters = escape(re.sub(r"\\[a-zA-Z]+|[\\{}^_&]", "", tex))
    math = f'<math><semantics><mrow><mi>{letters}</mi></mrow><annotation encoding="application/x-tex">{escape(tex)}</annotation></semantics></math>'
    html = f'<span class="katex"><span class="katex-mathml">{math}</span><span class="katex-html" aria-hidden="true">{letters}</span></span>'
    return f'<span class="katex-display">{html}</span>' if shown else html


FORMS: Mapping[str, Callable[[str, bool], str]] = {"images": _image, "scripts": _script, "katex": _katex}
"""How sites write a formula: Sphinx's `imgmath`, MathJax 2 once it has run, and KaTeX (whose letters are set more simply here)."""


def composed(page: Page, form: str) -> Page:
    """The page with each formula written in one of `FORMS`."""

    def replaced(match: re.Match[str]) -> str:
        tex = _TEX.search(match["body"])
        if tex is None:
            return match[0]
        return FORMS[form](unescape(tex["inline"] or tex["display"] or "").strip(), match["tag"] == "div")

    html = _RENDERED.sub(replaced, page.data.decode("utf-8", "replace"))
    return Page(html.encode(), name=page.name)


def text_of(document: Document) -> str:
    """The text of a document, in which formulas are looked for."""
    # A table is Markdown, where a bar in a cell has a backslash before it.
    return "\n".join(p.text.replace("\\|", "|") if p.role == "table" else p.text for p in document.texts)


def _limner(page: Page) -> str:
    (document,) = extractor().extract([page])
    return text_of(document)


def systems() -> dict[str, System]:
    """Extractors whose text is looked at, those that are installed: limner, resiliparse and trafilatura with what they have for tables and images."""
    from resiliparse.extract.html2text import extract_plain_text

    found: dict[str, System] = {
        "limner": _limner,
        "resiliparse": lambda page: extract_plain_text(page.data.decode("utf-8", "replace"), main_content=True, alt_texts=True),
    }
    try:
        library = importlib.import_module("trafilatura")
    except ImportError:
        return found
    return {**found, "trafilatura": lambda page: library.extract(page.data, include_tables=True, include_images=True) or ""}
