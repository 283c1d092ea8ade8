"""Rules on single paragraphs that crawls are cleaned with: menus, counters, dates, code, calls to follow and to sign up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from limner.curate import words
from limner.curate.operator import Context, PartFilter, Reason
from limner.document import Document, Part, Role, Text

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    rf"\b\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}\b|\b\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}\b"
    rf"|\b\d{{1,2}}\.?\s(?:{_MONTHS})[a-z]*\.?,?\s\d{{4}}\b|\b(?:{_MONTHS})[a-z]*\.?\s\d{{1,2}},?\s\d{{4}}\b|\d{{4}}年\d{{1,2}}月",
    re.IGNORECASE,
)
_COMPARISONS = frozenset("≥≤><")
_LONGEST = 20_000


@dataclass(frozen=True)
class ParagraphRules(PartFilter):
    """Drop paragraphs that break one of many small rules, those of mOSCAR or of OmniCorpus.

    `preset` `moscar` has the heuristics of Futeral et al. 2024 (arXiv 2406.08707, appendix A.4, and "over 10 bytes" of 3.3). What
    the paper leaves open: a date is a number or a month in one of the common forms; capitals, digits and the most frequent
    character are shares of what is no white space, non-letters of all. Its rules that change texts (URLs and repeated signs taken
    out) are not here. `preset` `omnicorpus` has those of the published rules for English of Li et al. 2024 (arXiv 2406.08418,
    table 11) that drop paragraphs by themselves, with the thresholds of human_feedback_textfiltering/run.py and
    text_filter/filters.py in github.com/OpenGVLab/OmniCorpus. The phrases are English in both.

    Records the first rule that is broken: `few-bytes`, `few-words`, `digits`, `dates`, `non-letters`, `capitals`,
    `one-character`, `comparisons`, `braces`, `phrase`, `short-phrase`, `exact-phrase` or `ending`.

    `roles`  the roles that are judged
    `min_bytes`  least bytes (UTF-8) of a text that is mostly in Latin script
    `min_bytes_other`  least bytes of another
    `min_words`  least words
    `max_digits`  greatest share of digits
    `max_dates`  most dates
    `max_non_letters`  greatest share of characters that are no letters
    `max_capitals`  greatest share of capitals
    `max_one_character`  greatest share of the most frequent character
    `max_comparisons`  how often each of the signs ≥ ≤ > < may stand
    `braces`  whether a curly bracket may stand in it
    `phrases`  it goes where one of these stands in it, in any case
    `short_phrases`  it goes where one of these stands in it and it has at most ten words
    `exact`  it goes where it is one of these and nothing else
    `endings`  it goes where it ends with one of these and has at most ten words
    """

    roles: tuple[Role, ...] = ("paragraph", "quote", "list")
    min_bytes: int = 0
    min_bytes_other: int = 0
    min_words: int | None = None
    max_digits: float | None = None
    max_dates: int | None = None
    max_non_letters: float | None = None
    max_capitals: float | None = None
    max_one_character: float | None = None
    max_comparisons: int | None = None
    braces: bool = True
    phrases: tuple[str, ...] = ()
    short_phrases: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {
            "moscar": {
                "min_bytes": 11,
                "min_bytes_other": 15,
                "max_digits": 0.3,
                "max_dates": 1,
                "max_non_letters": 0.33,
                "max_capitals": 0.2,
                "max_one_character": 0.33,
                "max_comparisons": 2,
                "braces": False,
                "phrases": ("lorem ipsum", "follow us", "javascript", "copyright", "©"),
                "exact": ("comment", "facebook", "instagram", "twitter", "rss", "newsletter", "share", "follow us"),
            },
            "omnicorpus": {
                "roles": ("paragraph", "quote"),
                "min_bytes": 10,
                "min_bytes_other": 10,
                "min_words": 5,
                "max_digits": 0.8,
                "max_capitals": 0.8,
                "phrases": (
                    "for more info", "for more detail", "top threads", "most read", "most viewed", "most shared", "most liked",
                ),
                "short_phrases": ("sign-in", "sign in", "sign up", "read more", "item in cart"),
                "endings": ("likes", "followers", "subscribes", "share", "comments", "comments:", "dislikes", "comment"),
            },
        }
    )  # fmt: skip

    def judge(self, part: Part, document: Document, context: Context) -> Reason | None:
        """See `PartFilter`."""
        if not isinstance(part, Text) or part.role not in self.roles:
            return None
        text = part.text[:_LONGEST].strip()
        return self._length(text) or self._phrase(text.lower()) or self._characters(text)

    def _length(self, text: str) -> Reason | None:
        letters = [c for c in text if c.isalpha()]
        latin = sum(c < "\u0250" for c in letters) * 2 >= len(letters)
        size, least = len(text.encode("utf-8", "replace")), self.min_bytes if latin else self.min_bytes_other
        if size < least:
            return Reason("few-bytes", size, least)
        count = words.tokens(text)
        return Reason("few-words", count, self.min_words) if self.min_words is not None and count < self.min_words else None

    def _phrase(self, lower: str) -> Reason | None:
        if lower in self.exact:
            return Reason("exact-phrase", detail=lower)
        if found := next((phrase for phrase in self.phrases if phrase in lower), None):
            return Reason("phrase", detail=found)
        if (self.short_phrases or self.endings) and words.tokens(lower) <= 10:
            if found := next((phrase for phrase in self.short_phrases if phrase in lower), None):
                return Reason("short-phrase", detail=found)
            if lower.rstrip(".").endswith(self.endings) and self.endings:
                return Reason("ending", detail=lower[-20:])
        return None

    def _characters(self, text: str) -> Reason | None:
        if not self.braces and ("{" in text or "}" in text):
            return Reason("braces")
        counts = Counter(text)
        solid = sum(n for c, n in counts.items() if not c.isspace())
        if not solid:
            return None
        letters = sum(n for c, n in counts.items() if c.isalpha())
        digits = sum(n for c, n in counts.items() if c.isdigit())
        capitals = sum(n for c, n in counts.items() if c.isupper())
        most = max(n for c, n in counts.items() if not c.isspace())
        signs = max(counts[c] for c in _COMPARISONS)
        for name, value, limit in (
            ("digits", digits / solid, self.max_digits),
            ("non-letters", 1 - letters / len(text), self.max_non_letters),
            ("capitals", capitals / solid, self.max_capitals),
            ("one-character", most / solid, self.max_one_character),
            ("comparisons", signs, self.max_comparisons),
        ):
            if limit is not None and value > limit:
                return Reason(name, round(value, 4), limit)
        if self.max_dates is not None and (dates := len(_DATE.findall(text))) > self.max_dates:
            return Reason("dates", dates, self.max_dates)
        return None
