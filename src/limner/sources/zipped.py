"""Zip files that are documents: told apart by what is in them, and handed to the reader of each."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.errors import SourceError
from limner.sources.kinds import Page
from limner.sources.zipfolder import ZipFolder

_READERS = {
    "word/document.xml": "limner.sources.word:read_docx",
    "ppt/presentation.xml": "limner.sources.slides:read_pptx",
    "META-INF/container.xml": "limner.sources.epub:read_epub",
    "content.xml": "limner.sources.opendocument:read_opendocument",
}


def read_zip(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of the kind `zip`. Raises `SourceError` for an archive that is no document."""
    names = set(ZipFolder(page.data, page.name).names)
    target = next((target for name, target in _READERS.items() if name in names), "")
    if not target:
        raise SourceError(f"{page.name}: a zip file that is no document; unpack it, and name its folder")
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)(page, media)
