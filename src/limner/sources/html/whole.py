"""HTML that is content from its first element to its last: chapters of a book, cells of a notebook, what a converter wrote."""

from __future__ import annotations

from collections.abc import Mapping

from limner.document import Document
from limner.sources.html.extract import document, parse, read
from limner.sources.html.limits import Limits
from limner.sources.html.metadata import metadata

_LIMITS = Limits()


def whole(
    html: str, *, name: str, id: str = "", url: str = "", title: str = "", language: str = "",
    meta: Mapping[str, str] | None = None, limits: Limits = _LIMITS,
) -> Document:  # fmt: skip
    """The document of all that `html` shows. Nothing is chosen; pictures have their `url`, for the caller to attach."""
    _, tree = parse(html, "", name, limits)
    blocks, _ = read(tree.body or tree.root, limits)
    facts = metadata(tree, "")
    made = document(blocks, [True] * len(blocks), facts, url=url, name=name, id=id, limits=limits)
    return made.evolve(
        url=url, title=title or facts.title or _first_heading(made), language=language or facts.language,
        meta={**facts.meta(), **(meta or {})},
    )  # fmt: skip


def _first_heading(made: Document) -> str:
    return next((part.text for part in made.texts if part.role == "heading"), "")
