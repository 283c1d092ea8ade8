"""The on-disk corpus: committed batches of documents and media, streaming, random access."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limner.corpus.batch import BatchWriter
    from limner.corpus.commit import Commit
    from limner.corpus.corpus import Corpus
    from limner.corpus.media import MediaInfo, MediaReader, MediaSink
    from limner.corpus.store import Store
    from limner.corpus.stream import Share, Stream

_WHERE = {
    "BatchWriter": "batch", "Commit": "commit", "Corpus": "corpus", "MediaInfo": "media", "MediaReader": "media",
    "MediaSink": "media", "Share": "stream", "Store": "store", "Stream": "stream",
}  # fmt: skip
__all__ = ["BatchWriter", "Commit", "Corpus", "MediaInfo", "MediaReader", "MediaSink", "Share", "Store", "Stream"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: reading a page needs the names of media, not Arrow.
    if name in _WHERE:
        return getattr(importlib.import_module(f"limner.corpus.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'limner.corpus' has no attribute {name!r}")
