"""Writing illustrated answers and summaries from a corpus, each part with its source."""

from limner.write.answer import Answer, Source, Turn
from limner.write.writing import Writing, write

__all__ = ["Answer", "Source", "Turn", "Writing", "write"]
