"""HTML to documents, through whichever extractor the source was told to use."""

from __future__ import annotations

from collections.abc import Iterable

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.sources.kinds import Page

BUNDLED = "bundled:lexbor"


def read_html(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The document of an HTML page. An extractor other than the bundled one is reached through its port
    (`limner.experts.extractor`)."""
    if page.extractor == BUNDLED:
        from limner.sources.html import extract

        yield extract(page.data, url=page.url, name=page.name, id=page.id, charset=page.charset)
    else:
        from limner.experts import extractor as port

        given = port.Page(page.data, page.url, page.name, page.charset)
        for document in port.extractor(page.extractor).extract([given]):
            # The port names a document after its input; here a document may be the tenth of its input.
            yield document.evolve(id=page.id, source=page.name)
