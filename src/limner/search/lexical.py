"""BM25 over the words of units (tantivy), in one folder that is memory-mapped and changed in place.

A unit has a key, a number of 64 bits: its segment in the upper half, its row in that segment in the lower. Two fields are searched, what
names a unit and what else it says. A term is preceded by the kind of its language, so that languages share no counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import tantivy
from tantivy import Occur, Query

from limner.errors import CorpusError
from limner.search.analysis import terms

HEAD_BOOST = 2.0
"""How much more a term counts in what names a unit."""

_HEAP = 64 << 20
_MOST_TERMS = 256
_LAST = (1 << 32) - 1


class Words(NamedTuple):
    """A unit for the index: its key, the kind of its language, its two fields."""

    key: int
    kind: str
    head: str
    body: str


class Lexical:
    """The index of words in `folder`, made where there is none."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("key", stored=False, indexed=False, fast=True)
        builder.add_unsigned_field("segment", stored=False, indexed=True)
        builder.add_text_field("head", stored=False, tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field("body", stored=False, tokenizer_name="whitespace", index_option="freq")
        self._schema = builder.build()
        try:
            self._index = tantivy.Index(self._schema, str(folder))
        except ValueError as error:
            raise CorpusError(
                f"{folder} is no index of words that this limner reads ({error}); remove it and index again"
            ) from None
        self._index.reload()
        self._searcher = self._index.searcher()

    def change(self, gone: Iterable[int], units: Iterable[Words], fresh: int) -> None:
        """Forget the units of segments and take in others: at once, or not at all if this is cut off. Segments from the number `fresh` on are
        forgotten too: they are of a run that was cut off."""
        writer = self._index.writer(_HEAP, 1)
        try:
            for segment in gone:
                writer.delete_documents_by_query(Query.term_query(self._schema, "segment", segment))
            writer.delete_documents_by_query(
                Query.range_query(self._schema, "segment", tantivy.FieldType.Unsigned, fresh, _LAST, True, True)
            )
            for unit in units:
                document = tantivy.Document()
                document.add_unsigned("key", unit.key)
                document.add_unsigned("segment", unit.key >> 32)
                document.add_text("head", " ".join(_marked(terms(unit.head, unit.kind), unit.kind)))
                document.add_text("body", " ".join(_marked(terms(unit.body, unit.kind), unit.kind)))
                writer.add_document(document)
            writer.commit()
        except BaseException:
            writer.rollback()
            raise
        finally:
            writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def __len__(self) -> int:
        return self._searcher.num_docs

    def search(self, text: str, kinds: Sequence[str], most: int) -> list[tuple[int, float]]:
        """Keys and scores of the units with those words, read as a text of each of the kinds of language; best first. A unit counts by its best
        kind, which is its own. A score is BM25 as a share of the weight of the terms asked for, about 1 where a unit is named by them all."""
        asked = [query for kind in kinds if (query := self._query(terms(text, kind), kind)) is not None]
        if not asked or not len(self):
            return []
        query = asked[0] if len(asked) == 1 else Query.disjunction_max_query(asked)
        found = self._searcher.search(query, limit=min(most, len(self)), count=False).hits
        keys = self._searcher.fast_field_values("key", [address for _, address in found])
        return [(int(key), float(score)) for key, (score, _) in zip(keys, found, strict=True) if key is not None]

    def _query(self, words: list[str], kind: str) -> Query | None:
        counts: dict[str, int] = {}
        for word in _marked(words, kind):
            counts[word] = counts.get(word, 0) + 1
        if not counts:
            return None
        asked = [(f, w, b * n) for w, n in list(counts.items())[:_MOST_TERMS] for f, b in (("head", HEAD_BOOST), ("body", 1.0))]
        weight = sum(boost * self._rarity(field, word) for field, word, boost in asked)
        terms = [(Query.term_query(self._schema, field, word, "freq"), boost / weight) for field, word, boost in asked]
        return Query.boolean_query([(Occur.Should, Query.boost_query(term, boost)) for term, boost in terms])

    def _rarity(self, field: str, word: str) -> float:
        """The weight that BM25 gives a term (its inverse document frequency)."""
        count, having = len(self), self._searcher.doc_freq(field, word)
        return math.log1p((count - having + 0.5) / (having + 0.5))


def _marked(words: list[str], kind: str) -> list[str]:
    return [f"{kind}:{word}" for word in words]
