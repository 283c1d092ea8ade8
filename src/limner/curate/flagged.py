"""Flagged words: pornography and abuse, by language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from limner.curate import words
from limner.curate.operator import Context, Reason, drop_parts
from limner.document import Document, Text


@cache
def _phrases(listed: frozenset[str]) -> tuple[str, ...]:
    """What is not a single word: phrases, and words of scripts that are split into characters."""
    return tuple(sorted(word for word in listed if " " in word or words.unspaced(word)))


def _count(phrase: str, text: str) -> int:
    """How often `phrase` occurs; a spaced one not inside a longer word, for which an unspaced script has no mark."""
    if phrase not in text:
        return 0
    if words.unspaced(phrase):
        return text.count(phrase)
    return len(re.findall(rf"(?<!\w){re.escape(phrase)}(?!\w)", text))


@dataclass(frozen=True)
class FlaggedWords:
    """Drop text in which flagged words are frequent, as documents or as paragraphs.

    The ratio of flagged words is that of OBELICS (arXiv 2306.16527, table 3: 0.01) and BigScience ROOTS (arXiv 2303.03915). C4, and
    with it MMC4, drops a page for one word of its list (`max_count` 0), mOSCAR for two different ones (arXiv 2406.08707, 3.3:
    `min_distinct` 2, `max_count` 0). Their lists are longer; those here are limner's own, short,
    one a language (English where there is none), or a file of yours. A single occurrence does not condemn a text unless
    `max_count` says so. Records `flagged-words`, the ratio or the count, and the words found.

    `level`  whether whole documents are judged or single text parts
    `max_ratio`  greatest share of flagged words
    `max_count`  most flagged words, none for no such rule
    `min_distinct`  text with fewer different flagged words stays, whatever the other rules say
    `min_count`  the ratio is looked at from this many flagged words on, so that one word in a short text is not enough
    `words`  a file of words or phrases, one a line, in place of the built-in lists
    """

    level: Literal["document", "paragraph"] = "document"
    max_ratio: float | None = 0.01
    max_count: int | None = None
    min_distinct: int = 1
    min_count: int = 2
    words: str = field(default="", metadata={"file": True})

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        """The document, less what is flagged, or nothing."""
        found = {text.n: self._hits(text, document) for text in document.texts}
        if self.level == "paragraph":
            gone: dict[int, Reason] = {}
            for text in document.texts:
                hits = found[text.n]
                reason = self._reason(hits, len(words.words(text.text)) if hits else 0)
                if reason:
                    gone[text.n] = reason
            yield from drop_parts(document, gone, context)
            return
        hits = [word for some in found.values() for word in some]
        reason = self._reason(hits, sum(len(words.words(text.text)) for text in document.texts) if hits else 0)
        if reason:
            context.drop(document, None, reason)
        else:
            yield document

    def _hits(self, text: Text, document: Document) -> list[str]:
        language = text.language if text.role != "code" and text.language else document.language
        listed = words.read_words(self.words) if self.words else words.flagged_words(language)
        parts = words.words(text.text)
        single = listed.intersection(parts)
        hits = [word for word in parts if word in single] if single else []
        phrases = _phrases(listed)
        if phrases:
            lower = text.text.lower()
            hits += [phrase for phrase in phrases for _ in range(_count(phrase, lower))]
        return hits

    def _reason(self, hits: list[str], count: int) -> Reason | None:
        if not hits or len(set(hits)) < self.min_distinct:
            return None
        detail = ", ".join(sorted(set(hits))[:5])
        if self.max_count is not None and len(hits) > self.max_count:
            return Reason("flagged-words", len(hits), self.max_count, detail)
        ratio = len(hits) / max(count, 1)
        if self.max_ratio is not None and len(hits) >= self.min_count and ratio > self.max_ratio:
            return Reason("flagged-words", ratio, self.max_ratio, detail)
        return None
