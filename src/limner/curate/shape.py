"""The shape of a document: how much text it has, how long its parts are, whether it has images."""

from __future__ import annotations

from dataclasses import dataclass

from limner.curate import words
from limner.curate.operator import Context, DocumentFilter, PartFilter, Reason
from limner.document import Document, Part, Role, Text


@dataclass(frozen=True)
class TextLength(DocumentFilter):
    """Drop documents with too little or too much text. Records `few-words`, `many-words`, `few-characters`,
    `many-characters` or `few-texts`, the count and the limit.

    `min_words`  least words in all text parts (characters, in scripts without spaces)
    `max_words`  most words
    `min_characters`  least characters
    `max_characters`  most characters
    `min_texts`  least text parts of any role
    """

    min_words: int | None = 1
    max_words: int | None = None
    min_characters: int | None = None
    max_characters: int | None = None
    min_texts: int | None = None

    def judge(self, document: Document, context: Context) -> Reason | None:
        """See `DocumentFilter`."""
        if self.min_texts is not None and len(document.texts) < self.min_texts:
            return Reason("few-texts", len(document.texts), self.min_texts)
        characters = sum(len(text.text) for text in document.texts)
        if self.min_characters is not None and characters < self.min_characters:
            return Reason("few-characters", characters, self.min_characters)
        if self.max_characters is not None and characters > self.max_characters:
            return Reason("many-characters", characters, self.max_characters)
        if self.min_words is None and self.max_words is None:
            return None
        return _outside(sum(len(words.words(t.text)) for t in document.texts), self.min_words, self.max_words)


@dataclass(frozen=True)
class PartLength(PartFilter):
    """Drop text parts that are too short or too long. Records `few-words` or `many-words`, the count and the limit.

    `roles`  the roles that are judged
    `min_words`  least words (characters, in scripts without spaces)
    `max_words`  most words
    """

    roles: tuple[Role, ...] = ("paragraph",)
    min_words: int | None = 1
    max_words: int | None = None

    def judge(self, part: Part, document: Document, context: Context) -> Reason | None:
        """See `PartFilter`."""
        if not isinstance(part, Text) or part.role not in self.roles:
            return None
        return _outside(len(words.words(part.text)), self.min_words, self.max_words)


@dataclass(frozen=True)
class RequireImages(DocumentFilter):
    """Drop documents with fewer images than asked for. Records `few-images`, the count and the limit.

    `least`  how many images a document must have
    `stored`  whether only images whose bytes are stored count
    """

    least: int = 1
    stored: bool = False

    def judge(self, document: Document, context: Context) -> Reason | None:
        """See `DocumentFilter`."""
        count = sum(1 for image in document.images if image.ref or not self.stored)
        return Reason("few-images", count, self.least) if count < self.least else None


@dataclass(frozen=True)
class ParagraphLengths(DocumentFilter):
    """Drop documents that have short paragraphs only: menus, lists of teasers, tables taken apart.

    A rule of OmniCorpus with its limits (Li et al. 2024, arXiv 2406.08418, table 11, "documents with bad paragraph length";
    `check_paragraph_lengths` in human_feedback_textfiltering/text_filter/filters.py of its repository): a document goes where its
    longest paragraph is shorter than one limit and the mean shorter than the other. Records `short-paragraphs` with the mean.

    `min_longest`  least words (characters, in scripts without spaces) of the longest paragraph
    `min_mean`  least mean words of all paragraphs
    `roles`  the roles that count as paragraphs
    """

    min_longest: int = 35
    min_mean: float = 12.0
    roles: tuple[Role, ...] = ("paragraph", "quote")

    def judge(self, document: Document, context: Context) -> Reason | None:
        """See `DocumentFilter`."""
        counts = [words.tokens(text.text) for text in document.texts if text.role in self.roles]
        mean = sum(counts) / max(len(counts), 1)
        if max(counts, default=0) >= self.min_longest or mean >= self.min_mean:
            return None
        return Reason("short-paragraphs", round(mean, 3), self.min_mean)


def _outside(count: int, least: int | None, most: int | None) -> Reason | None:
    if least is not None and count < least:
        return Reason("few-words", count, least)
    if most is not None and count > most:
        return Reason("many-words", count, most)
    return None
