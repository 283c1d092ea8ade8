"""Searching a corpus: its passages, its images, its documents, by words, by meaning and by pixels."""

from limner.search.indexing import Indexed, index
from limner.search.manifest import Settings
from limner.search.searcher import Hit, Search
from limner.search.where import Where

__all__ = ["Hit", "Indexed", "Search", "Settings", "Where", "index"]
