"""Zip files that are documents: told apart by what is in them, and handed to the reader of each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable

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
# Zip files that are documents too, of kinds that nobody reads here.
_UNREAD = {"xl/workbook.xml": "a spreadsheet", "xl/workbook.bin": "a spreadsheet", "visio/document.xml": "a drawing of Visio"}


def is_document(has: Callable[[str], bool]) -> bool:
    """Whether a zip file is one document, by whether it has certain files."""
    return bool(_reader(has)) or any(has(path) for path in _UNREAD)


def _reader(has: Callable[[str], bool]) -> str:
    """Who reads the document that a zip file is."""
    found = next((name for name in _READERS if has(name)), "")
    # Any folder may have a file of this name.
    if found == "content.xml" and not has("mimetype") and not has("META-INF/manifest.xml"):
        return ""
    return _READERS.get(found, "")


def read_zip(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of the kind `zip`: of one document, or of the pages in an archive. Raises `SourceError` for a document of a kind
    that is not read."""
    folder = ZipFolder(page.data, page.name)
    names = set(folder.names)
    target = _reader(names.__contains__)
    if not target:
        if what := next((what for name, what in _UNREAD.items() if name in names), ""):
            raise SourceError(f"{page.name}: {what}: there is no reader for it")
        target = "limner.sources.archivepages:read_archive"
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)(page, media)
