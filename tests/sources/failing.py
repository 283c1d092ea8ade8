"""A reader with a bug, for tests of what a bug costs."""

from __future__ import annotations

from collections.abc import Iterable

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.sources import page
from limner.sources.kinds import Page


def read_html(given: Page, media: MediaSink | None) -> Iterable[Document]:
    """Reads any page but the one called Page 2."""
    if b"<title>Page 2<" in given.data:
        raise IndexError("Page 2 is too much for me")
    yield from page.read_html(given, media)
