"""Pages of documentation generators, whose content element is known: nothing has to be guessed there.

Each generator is recognised by what it writes into every page; its content is then all that stands in one
element. That is exact where a classifier would be nearly so, and it leaves the rest of the page unread.
"""

from __future__ import annotations

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode


@dataclass(frozen=True, slots=True)
class Generator:
    """`marks`: strings of which one is in every page it writes; `root`: a selector of the content element, the
    first in the page counts."""

    name: str
    marks: tuple[str, ...]
    root: str


_SPHINX = 'div[itemprop="articleBody"], article.bd-article, #furo-main-content, div[role="main"], div.body'
GENERATORS = (
    Generator("sphinx", ("_static/documentation_options.js", "_static/doctools.js", 'content="Docutils '), _SPHINX),
    Generator("docbook", ('content="DocBook XSL',), "body"),
    Generator("mediawiki", ('content="MediaWiki ',), "#mw-content-text"),
    Generator("doxygen", ('content="Doxygen ',), "#doc-content, div.contents"),
    Generator("mkdocs", ('content="mkdocs',), 'article.md-content__inner, div[role="main"]'),
    Generator("mdbook", ("<!-- Book generated using mdBook -->",), "main"),
)


def content_root(page: str, tree: LexborHTMLParser) -> LexborNode | None:
    """The element that holds all of the content, None for a page of no known generator."""
    for generator in GENERATORS:
        if any(mark in page for mark in generator.marks):
            found = tree.css_first(generator.root)
            return found if found is not None and found.first_child is not None else None
    return None
