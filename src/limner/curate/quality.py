"""Rules on the quality of text, for documents and for paragraphs, as OBELICS, Gopher, FineWeb and C4 define them.

Sources of rules and thresholds:

OBELICS   Laurençon et al. 2023, arXiv 2306.16527, appendix A.1.4 and table 3; github.com/huggingface/OBELICS,
          obelics/configs/config_filter_web_documents.yaml, and for spam words, which it looks for in paragraphs only,
          build_obelics/13_final_processing.py; the ratios are those of BigScience ROOTS (arXiv 2303.03915)
Gopher    Rae et al. 2021, arXiv 2112.11446, appendix A.1.1 (its repetition rules are `limner.curate.repetition`)
FineWeb   Penedo et al. 2024, arXiv 2406.17557, section 3.6
C4        Raffel et al. 2020, arXiv 1910.10683, section 2.2

The cutoffs of OBELICS were compared with its table and its configuration, Gopher's with the passage as others quote it.
The presets differ from the papers in what they measure with: lists of words are limner's own (OBELICS has its own stop words,
flagged and spam words, and the words that occur twice in 10 million documents of OSCAR as common words; Gopher asks for two of
the, be, to, of, and, that, have, with), and so is the cutting into words. OBELICS's rule on perplexity, at most 1500 under
a KenLM model of Wikipedia (documents only, in its configuration), has no operator: KenLM may not be linked for its licence, the
model is not at hand, and 1500 means nothing under another.

OBELICS and Gopher were made for English. Here thresholds on function words are scaled by how common those are in a
language; a rule that cannot be measured for a language is passed over, and so it is where the text is surely in another language
than its document says and `any_language` is set (`limner.curate.identify`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from limner.curate import words
from limner.curate.identify import other_language
from limner.curate.measure import Measured, code_like
from limner.curate.operator import Context, DocumentFilter, PartFilter, Reason
from limner.document import Document, Part, Role, Text

PROSE: tuple[Role, ...] = ("paragraph", "list", "quote", "speech")
"""The roles that rules on running text apply to: not headings, captions, code, tables, formulas or text in images."""


class Rule(NamedTuple):
    """The setting that holds a limit, the reason recorded, what is measured, and for what sizes of text."""

    setting: str
    reason: str
    measure: str
    ratio: bool = True
    scale: str = ""


RULES = (
    Rule("min_words", "few-words", "word_count", ratio=False),
    Rule("max_words", "many-words", "word_count", ratio=False),
    Rule("min_mean_word_length", "word-length", "mean_word_length"),
    Rule("max_mean_word_length", "word-length", "mean_word_length"),
    Rule("max_symbols", "symbols", "symbols"),
    Rule("max_bullet_lines", "bullet-lines", "bullet_lines"),
    Rule("max_ellipsis_lines", "ellipsis-lines", "ellipsis_lines"),
    Rule("min_alphabetic_words", "alphabetic-words", "alphabetic_words"),
    Rule("min_stop_word_count", "stop-words", "stop_word_count"),
    Rule("min_stop_words", "stop-words", "stop_words", scale="stop_word_scale"),
    Rule("max_special_characters", "special-characters", "special_characters"),
    Rule("max_flagged_words", "flagged-words", "flagged_words"),
    Rule("max_spam_words", "spam-words", "spam_words"),
    Rule("min_terminal_lines", "terminal-lines", "terminal_lines"),
    Rule("max_short_lines", "short-lines", "short_lines"),
    Rule("max_duplicate_line_characters", "duplicate-lines", "duplicate_line_characters"),
    Rule("max_character_repetition", "character-repetition", "character_repetition"),
    Rule("max_word_repetition", "word-repetition", "word_repetition"),
    Rule("min_punctuation", "punctuation", "punctuation"),
)


@cache
def _rules(cls: type) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if hasattr(cls, rule.setting))


def broken(limits: object, measured: Measured, ratios: bool) -> Reason | None:
    """The first rule that a text breaks, or None. `ratios` false leaves out all but the rules on length."""
    for rule in _rules(type(limits)):
        limit: float | None = getattr(limits, rule.setting)
        if limit is None or (rule.ratio and not ratios):
            continue
        value: float | None = getattr(measured, rule.measure)
        if value is None:
            continue
        if rule.scale:
            limit = round(limit * getattr(measured, rule.scale), 4)
        if value < limit if rule.setting.startswith("min") else value > limit:
            return Reason(rule.reason, float(value), limit)
    return None


OF_A_LANGUAGE = frozenset({"stop-words", "flagged-words", "spam-words", "common-words"})
"""The reasons that depend on which language a text is taken to be in."""


def uncommon(limit: float | None, path: str, measured: Measured) -> Reason | None:
    """Why too few words are in the list of common words at `path`, or None."""
    if limit is None or not path:
        return None
    share = measured.share_of(words.read_words(path))
    return Reason("common-words", share, limit) if share is not None and share < limit else None


@dataclass(frozen=True)
class Quality(DocumentFilter):
    """Drop documents whose text as a whole breaks a rule on length, words, lines or repetition.

    Rules as OBELICS, Gopher and FineWeb define them (see `limner.curate.quality`); a limit of none turns its rule off.
    The defaults are those of OBELICS that also hold for documentation and reference pages; `preset` is `obelics`,
    `gopher` or `fineweb` for the published ones. Records the first rule that is broken, its value and its limit.

    `min_words`  least words in all text parts
    `max_words`  most words in all text parts
    `min_measured`  ratios are looked at only where running text has at least this many words
    `roles`  the roles that are running text; others count for length only
    `any_language`  whether the function words of any language count, so that a page partly in another one stays, and whether
        text that is surely in another language than the page says is judged as being in that one
    `exempt_code`  whether paragraphs that read as code count for length only
    `min_mean_word_length`  least mean characters a word (Gopher)
    `max_mean_word_length`  most mean characters a word (Gopher)
    `max_symbols`  most hash signs or ellipses a word (Gopher)
    `max_bullet_lines`  greatest share of lines that begin with a bullet (Gopher)
    `max_ellipsis_lines`  greatest share of lines that end with an ellipsis (Gopher)
    `min_alphabetic_words`  least share of words with a letter (Gopher)
    `min_stop_word_count`  least number of different function words (Gopher)
    `min_stop_words`  least share of function words, for English; scaled for other languages (OBELICS)
    `max_special_characters`  greatest share of characters that are no letters, white space included (OBELICS)
    `min_punctuation`  least share of punctuation among words and punctuation (OBELICS)
    `max_flagged_words`  greatest share of flagged words (OBELICS)
    `max_spam_words`  greatest share of words of offers and sign-up forms (OBELICS)
    `min_common_words`  least share of words that are in the file `common_words` (OBELICS)
    `common_words`  a file of common words, one a line; without it the rule is off
    `max_character_repetition`  greatest share of the most frequent runs of 10 characters (OBELICS)
    `max_word_repetition`  greatest share of runs of 5 words that repeat (OBELICS)
    `min_terminal_lines`  least share of lines that end as sentences do (FineWeb)
    `max_short_lines`  greatest share of lines of at most 30 characters (FineWeb)
    `max_duplicate_line_characters`  greatest share of characters in lines that stood before (FineWeb)
    """

    min_words: int | None = 10
    max_words: int | None = None
    min_measured: int = 50
    roles: tuple[Role, ...] = PROSE
    any_language: bool = True
    exempt_code: bool = True
    min_mean_word_length: float | None = 2.5
    max_mean_word_length: float | None = 12.0
    max_symbols: float | None = 0.2
    max_bullet_lines: float | None = None
    max_ellipsis_lines: float | None = 0.3
    min_alphabetic_words: float | None = 0.7
    min_stop_word_count: int | None = 2
    min_stop_words: float | None = 0.08
    max_special_characters: float | None = 0.35
    min_punctuation: float | None = 0.01
    max_flagged_words: float | None = 0.01
    max_spam_words: float | None = 0.12
    min_common_words: float | None = None
    common_words: str = field(default="", metadata={"file": True})
    max_character_repetition: float | None = 0.2
    max_word_repetition: float | None = 0.6
    min_terminal_lines: float | None = None
    max_short_lines: float | None = None
    max_duplicate_line_characters: float | None = None

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})

    @classmethod
    def obelics(cls, **changes: Any) -> Quality:
        """The document-level cutoffs of OBELICS, for English web pages (its common-word rule, 0.9, needs a list)."""
        return cls(**{**cls.PRESETS["obelics"], **changes})

    @classmethod
    def gopher(cls, **changes: Any) -> Quality:
        """The quality rules of Gopher, A.1.1."""
        return cls(**{**cls.PRESETS["gopher"], **changes})

    @classmethod
    def fineweb(cls, **changes: Any) -> Quality:
        """FineWeb's own rules: lines without an end, duplicated lines, short lines."""
        return cls(**{**cls.PRESETS["fineweb"], **changes})

    def judge(self, document: Document, context: Context) -> Reason | None:
        """See `DocumentFilter`."""
        whole = Measured([text.text for text in document.texts], document.language)
        reason = broken(self, whole, ratios=False)
        if reason:
            return reason
        texts = [text.text for text in document.texts if text.role in self.roles]
        reason = self._running(texts, document.language)
        # What reads as code is looked for only where it matters.
        if reason and self.exempt_code:
            reason = self._running([text for text in texts if not code_like(text)], document.language)
        return reason

    def _running(self, texts: list[str], language: str) -> Reason | None:
        prose = Measured(texts, language, self.any_language)
        if prose.word_count < _enough(self.min_measured, prose):
            return None
        reason = broken(self, prose, ratios=True) or uncommon(self.min_common_words, self.common_words, prose)
        if reason and reason.reason in OF_A_LANGUAGE and self.any_language:
            found = other_language(prose.text, language)
            return self._running(texts, found) if found else reason
        return reason


def _enough(words: int, measured: Measured) -> int:
    """How many words are as much text as `words` words of English: of single characters, twice as many."""
    return max(words, 1) if measured.spaced else 2 * max(words, 1)


_AROUND = 200
"""How many texts of a document are looked at for the language it is in."""

_OFF = {f.name: None for f in fields(Quality) if f.name.startswith(("min_", "max_")) and f.name != "min_measured"}

Quality.PRESETS = MappingProxyType(
    {
        "obelics": {
            **_OFF,
            "min_measured": 1,
            "any_language": False,
            "exempt_code": False,
            "min_words": 10,
            "max_words": 2_000,
            "max_character_repetition": 0.1,
            "max_word_repetition": 0.2,
            "max_special_characters": 0.275,
            "min_stop_words": 0.35,
            "max_flagged_words": 0.01,
            "min_punctuation": 0.03,
            "max_spam_words": 0.12,
            "min_common_words": 0.9,
        },
        "gopher": {
            **_OFF,
            "min_measured": 1,
            "min_words": 50,
            "max_words": 100_000,
            "min_mean_word_length": 3.0,
            "max_mean_word_length": 10.0,
            "max_symbols": 0.1,
            "max_bullet_lines": 0.9,
            "max_ellipsis_lines": 0.3,
            "min_alphabetic_words": 0.8,
            "min_stop_word_count": 2,
        },
        "fineweb": {
            **_OFF,
            "min_measured": 1,
            "min_terminal_lines": 0.12,
            "max_short_lines": 0.67,
            "max_duplicate_line_characters": 0.01,
        },
    }
)


@dataclass(frozen=True)
class ParagraphQuality(PartFilter):
    """Drop paragraphs that break a rule on length, words or repetition.

    Rules as OBELICS defines them at paragraph level (see `limner.curate.quality`); a limit of none turns its rule off.
    `preset` is `obelics` for the published cutoffs. Only parts whose role is in `roles` are judged, so that headings,
    captions, code, tables and formulas stay. Records the first rule that is broken, its value and its limit.

    `roles`  the roles that are judged
    `min_words`  least words
    `max_words`  most words
    `min_measured`  ratios are looked at only in paragraphs of at least this many words
    `any_language`  whether the function words of any language count, so that a quotation stays, and whether a paragraph that is
        surely in another language than its document says is judged as being in that one
    `exempt_code`  whether paragraphs that read as code, such as the signature of a function, stay
    `max_symbols`  most hash signs or ellipses a word (Gopher)
    `min_stop_words`  least share of function words, for English; scaled for other languages
    `max_special_characters`  greatest share of characters that are no letters, white space included
    `min_punctuation`  least share of punctuation among words and punctuation
    `max_flagged_words`  greatest share of flagged words
    `max_spam_words`  greatest share of words of offers and sign-up forms
    `min_common_words`  least share of words that are in the file `common_words`
    `common_words`  a file of common words, one a line; without it the rule is off
    `max_character_repetition`  greatest share of the most frequent runs of 10 characters
    `max_word_repetition`  greatest share of runs of 5 words that repeat
    """

    roles: tuple[Role, ...] = ("paragraph", "quote")
    min_words: int | None = None
    max_words: int | None = 3_000
    min_measured: int = 12
    any_language: bool = True
    exempt_code: bool = True
    max_symbols: float | None = 0.3
    min_stop_words: float | None = 0.05
    max_special_characters: float | None = 0.45
    min_punctuation: float | None = None
    max_flagged_words: float | None = 0.1
    max_spam_words: float | None = 0.3
    min_common_words: float | None = None
    common_words: str = field(default="", metadata={"file": True})
    max_character_repetition: float | None = 0.25
    max_word_repetition: float | None = 0.4

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
        {
            "obelics": {
                "roles": ("paragraph", "quote", "list"),
                "min_words": 4,
                "max_words": 1_000,
                "min_measured": 1,
                "any_language": False,
                "exempt_code": False,
                "max_symbols": None,
                "min_stop_words": 0.3,
                "max_special_characters": 0.3,
                "min_punctuation": 0.001,
                "max_flagged_words": 0.01,
                "max_spam_words": 0.12,
                "min_common_words": 0.8,
                "max_character_repetition": 0.1,
                "max_word_repetition": 0.1,
            }
        }
    )

    @classmethod
    def obelics(cls, **changes: Any) -> ParagraphQuality:
        """The paragraph-level cutoffs of OBELICS, for English web pages (its common-word rule needs a list)."""
        return cls(**{**cls.PRESETS["obelics"], **changes})

    def judge(self, part: Part, document: Document, context: Context) -> Reason | None:
        """See `PartFilter`."""
        if not isinstance(part, Text) or part.role not in self.roles:
            return None
        language = part.language or document.language
        reason = self._reason(part.text, language)
        if reason and reason.reason in OF_A_LANGUAGE and self.any_language:
            around = "\n".join(text.text for text in document.texts[:_AROUND] if text.role in self.roles)
            found = other_language(part.text, language, around)
            return self._reason(part.text, found) if found else reason
        return reason

    def _reason(self, text: str, language: str) -> Reason | None:
        measured = Measured([text], language, self.any_language)
        enough = measured.word_count >= _enough(self.min_measured, measured)
        reason = broken(self, measured, ratios=enough)
        if reason and self.exempt_code and reason.reason not in ("few-words", "many-words") and code_like(text):
            return None
        # OBELICS looks at punctuation only from 12 words on: a short phrase needs none.
        if reason and reason.reason == "punctuation" and measured.word_count < 12:
            reason = None
        return reason or (uncommon(self.min_common_words, self.common_words, measured) if enough else None)
