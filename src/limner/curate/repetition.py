"""Documents that repeat themselves: the rules of Gopher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

from limner.curate.measure import Measured, duplicates
from limner.curate.ngrams import ngram_shares
from limner.curate.operator import Context, DocumentFilter, Reason
from limner.curate.quality import PROSE
from limner.document import Document, Role

_GOPHER_TOP: Mapping[str, float] = {"2": 0.20, "3": 0.18, "4": 0.16}
_GOPHER_DUPLICATE: Mapping[str, float] = {"5": 0.15, "6": 0.14, "7": 0.13, "8": 0.12, "9": 0.11, "10": 0.10}
# A manual says the same of each of a hundred tools: twice the published shares.
_TOP: Mapping[str, float] = {n: round(2 * share, 2) for n, share in _GOPHER_TOP.items()}
_DUPLICATE: Mapping[str, float] = {n: round(2 * share, 2) for n, share in _GOPHER_DUPLICATE.items()}


def _top() -> Mapping[str, float]:
    return dict(_TOP)


def _duplicate() -> Mapping[str, float]:
    return dict(_DUPLICATE)


@dataclass(frozen=True)
class Repetition(DocumentFilter):
    """Drop documents that repeat lines, paragraphs or n-grams of words (Rae et al. 2021, arXiv 2112.11446, table A1).

    Lines and paragraphs that stood before are counted, and the characters in them; of the n-grams of 2 to 4 words
    the characters in the most frequent one; of those of 5 to 10 words the characters in any that stood before, each
    character once. In a script without spaces an n-gram has twice as many characters as it would have words.
    `preset` is `gopher` for the published shares, of which the defaults are twice or nearly so: manuals repeat
    themselves with reason, and forums have the same labels beside each post. Records the first rule that is broken,
    its value and its limit.

    `roles`  the roles that are measured
    `min_measured`  documents with fewer words are not looked at
    `max_duplicate_lines`  greatest share of lines that stood before
    `max_duplicate_paragraphs`  greatest share of paragraphs that stood before
    `max_duplicate_line_characters`  greatest share of characters in lines that stood before
    `max_duplicate_paragraph_characters`  greatest share of characters in paragraphs that stood before
    `max_top_ngram`  by n: greatest share of characters in the most frequent n-gram
    `max_duplicate_ngrams`  by n: greatest share of characters in n-grams that stood before
    """

    roles: tuple[Role, ...] = PROSE
    min_measured: int = 50
    max_duplicate_lines: float | None = 0.50
    max_duplicate_paragraphs: float | None = 0.60
    max_duplicate_line_characters: float | None = 0.20
    max_duplicate_paragraph_characters: float | None = 0.20
    max_top_ngram: Mapping[str, float] = field(default_factory=_top, hash=False)
    max_duplicate_ngrams: Mapping[str, float] = field(default_factory=_duplicate, hash=False)

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {
            "gopher": {
                "min_measured": 1,
                "max_duplicate_lines": 0.30,
                "max_duplicate_paragraphs": 0.30,
                "max_duplicate_line_characters": 0.20,
                "max_duplicate_paragraph_characters": 0.20,
                "max_top_ngram": _GOPHER_TOP,
                "max_duplicate_ngrams": _GOPHER_DUPLICATE,
            }
        }
    )

    @classmethod
    def gopher(cls, **changes: Any) -> Repetition:
        """The thresholds of Gopher's table A1."""
        return cls(**{**cls.PRESETS["gopher"], **changes})

    def __post_init__(self) -> None:
        for n in (*self.max_top_ngram, *self.max_duplicate_ngrams):
            if not (n.isdecimal() and 1 <= int(n) <= 50):
                raise ValueError(f"an n-gram has 1 to 50 words, not {n!r}")

    def judge(self, document: Document, context: Context) -> Reason | None:
        """See `DocumentFilter`."""
        paragraphs = [text.text.strip() for text in document.texts if text.role in self.roles]
        measured = Measured(paragraphs, document.language)
        if measured.word_count < max(self.min_measured, 1):
            return None
        return (
            _repeats("paragraph", paragraphs, self.max_duplicate_paragraphs, self.max_duplicate_paragraph_characters)
            or _repeats("line", measured.lines, self.max_duplicate_lines, self.max_duplicate_line_characters)
            or self._ngrams(measured)
        )

    def _ngrams(self, measured: Measured) -> Reason | None:
        factor = 1 if measured.spaced else 2
        for n, limit in sorted((int(n), limit) for n, limit in self.max_top_ngram.items()):
            share = ngram_shares(measured.codes, measured.lengths, n * factor).top
            if share > limit:
                return Reason(f"top-{n}-gram", share, limit)
        for n, limit in sorted((int(n), limit) for n, limit in self.max_duplicate_ngrams.items()):
            share = ngram_shares(measured.codes, measured.lengths, n * factor).duplicate
            if share > limit:
                return Reason(f"duplicate-{n}-grams", share, limit)
            if not share:  # no n-gram repeats, so no longer one does
                return None
        return None


def _repeats(what: str, lines: list[str], most: float | None, characters: float | None) -> Reason | None:
    share, weight = duplicates(lines)
    if most is not None and share > most:
        return Reason(f"duplicate-{what}s", share, most)
    if characters is not None and weight > characters:
        return Reason(f"duplicate-{what}-characters", weight, characters)
    return None
