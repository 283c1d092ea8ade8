"""A corpus and its documents in a notebook, or in one HTML file: images inside it, bounded, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from markupsafe import Markup

from limner.document import Document, Part, Text
from limner.document.render import html

if TYPE_CHECKING:
    from limner.corpus.corpus import Corpus

SHOWN = frozenset(["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", "image/svg+xml"])
"""Images that a browser shows; others are named."""

MOST_IMAGE = 4 * 2**20
MOST = 24 * 2**20
"""An image of more than 4 MB is named, not shown; and so are all after the first 24 MB of a document."""

_FIRST = 8


def data_uris(corpus: Corpus, document: Document, most: int = MOST, most_image: int = MOST_IMAGE) -> dict[str, str]:
    """The stored images of a document as `data:` URIs by sha256, within the bounds (bytes before encoding)."""
    found: dict[str, str] = {}
    left = most
    for part in document.parts:
        ref = "" if isinstance(part, Text) else part.ref
        if not ref or ref in found:
            continue
        info = corpus.info(ref)
        if info is None or info.mime not in SHOWN or info.size > min(left, most_image):
            continue
        data = corpus.media(ref)
        if data is not None:
            left -= len(data)
            # In an <img> a browser runs no script of an SVG (HTML Standard, "secure static mode").
            found[ref] = f"data:{info.mime};base64,{base64.b64encode(data).decode()}"
    return found


@dataclass(frozen=True)
class Shown:
    """A document with its images, for a notebook to display."""

    corpus: Corpus
    document: Document
    most: int = MOST

    def html(self) -> str:
        """The document as an HTML fragment, its images inside it."""
        uris = data_uris(self.corpus, self.document, self.most)

        def source(part: Part) -> str:
            return "" if isinstance(part, Text) else uris.get(part.ref, "")

        return html(self.document, source)

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return repr(self.document)


def corpus_html(corpus: Corpus) -> str:
    """Key figures, and a table of the first documents."""
    counts = corpus.counts
    figures = Markup(" · ").join(
        Markup("<b>{}</b> {}").format(f"{counts[name]:,}", name)
        for name in ("documents", "words", "images", "rejects")
        if counts[name]
    )
    rows = Markup("").join(
        Markup('<tr><td><code>{}</code></td><td style="text-align:left">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>').format(
            document.id[:12], _cut(document.title or document.source), document.language, len(document), len(document.images)
        )
        for document in islice(corpus, _FIRST)
    )
    more = counts["documents"] - _FIRST
    foot = Markup("<p>… and {} more</p>").format(f"{more:,}") if more > 0 else Markup("")
    head = "<tr><th>id</th><th>title</th><th>language</th><th>parts</th><th>images</th></tr>"
    return Markup('<div class="limner-corpus"><p><code>{}</code><br>{}</p><table>{}{}</table>{}</div>').format(
        corpus.store.url, figures, Markup(head), rows, foot
    )


def standalone(corpus: Corpus, document: Document) -> str:
    """A whole HTML page with the document, its images inside it; a policy in its head forbids script and requests."""
    body = Shown(corpus, document).html()
    title = Markup("{}").format(document.title or document.id)
    return (
        f'<!doctype html>\n<html lang="{Markup("{}").format(document.language)}"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>body{{margin:2rem auto;padding:0 1rem;max-width:46rem}}</style></head><body>{body}</body></html>\n"
    )


def _cut(text: str, length: int = 80) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
