"""The on-disk corpus: committed batches of documents and media, streaming, random access."""

from limner.corpus.batch import BatchWriter
from limner.corpus.commit import Commit
from limner.corpus.corpus import Corpus
from limner.corpus.media import MediaInfo, MediaReader, MediaSink
from limner.corpus.probe import probe
from limner.corpus.store import Store
from limner.corpus.stream import Share, Stream

__all__ = [
    "BatchWriter", "Commit", "Corpus", "MediaInfo", "MediaReader", "MediaSink", "Share", "Store", "Stream", "probe",
]  # fmt: skip
