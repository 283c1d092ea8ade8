"""What the quality rules measure of a text: each figure is made when it is first asked for.

Ratios are of words as `limner.curate.words` cuts them. A figure is None where it cannot be had: the stop-word ratio
of a language without a list, the length of words in a script without spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from limner.curate import ngrams, words

LONGEST = 400_000
"""Characters that are measured at most; what is beyond is not looked at."""

TERMINALS = (".", "!", "?", "…", '"', "'", "”", "’", "»", ":", ";", "。", "！", "？", "：", "」", "』", "）", ")", "؟", "۔", "।")
"""What a sentence, or the sentence that introduces a list, ends with."""

_SENTENCE_MARKS = '.,!?;:…"()“”„«»‘’‚—–¡¿、。，．！？；：「」『』（）〈〉《》【】・،؛؟۔।'
_LETTER, _MARK = 1, 2
_KNOWN = 0x20000


@cache
def _classes() -> NDArray[np.uint8]:
    """For each code point of the first two planes: 1 a letter, 2 a mark of punctuation in sentences, else 0."""
    table = np.zeros(_KNOWN, np.uint8)
    for code in range(_KNOWN):
        if unicodedata.category(chr(code))[0] in "LM":
            table[code] = _LETTER
    for mark in _SENTENCE_MARKS:
        table[ord(mark)] = _MARK
    return table


_WINDOWS = bytes(range(256)).decode("cp1252", "replace")
_NO_LETTERS = bytes(i for i, c in enumerate(_WINDOWS) if unicodedata.category(c)[0] not in "LM" or c == "\ufffd")
_NO_MARKS = bytes(i for i, c in enumerate(_WINDOWS) if c not in _SENTENCE_MARKS)


def count_letters(text: str) -> tuple[int, int]:
    """How many letters and how many marks of punctuation are in `text`.

    >>> count_letters("Dürers „Feldhase“, 1502."), count_letters("図を、見る。")
    ((14, 4), (4, 2))
    """
    # Most Western text is of Windows' code page, where bytes are counted many times faster.
    data = text.encode("cp1252", "replace")
    if data.count(b"?") == text.count("?"):
        return len(data.translate(None, _NO_LETTERS)), len(data.translate(None, _NO_MARKS))
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found = np.bincount(_classes()[np.minimum(codes, _KNOWN - 1)], minlength=3)
    beyond = int(((codes >= _KNOWN) & (codes < 0x40000)).sum())  # the later planes of Han
    return int(found[_LETTER]) + beyond, int(found[_MARK])


class Measured:
    """Texts of one language, one or more, measured together. With `any_language`, function words are looked for in all
    languages where those of `language` are rare.

    >>> m = Measured(["The crop tool cuts an image.", "It is the first of the tools."], "en")
    >>> m.word_count, m.stop_word_count, round(m.special_characters, 2)
    (13, 6, 0.25)
    """

    def __init__(self, texts: Sequence[str], language: str, any_language: bool = False):
        self.language = language
        self.any_language = any_language
        self.texts: list[str] = []
        left = LONGEST
        for text in texts:
            if left <= 0:
                break
            self.texts.append(text if len(text) <= left else text[:left])
            left -= len(text)

        self.text = self.texts[0] if len(self.texts) == 1 else "\n\n".join(self.texts)
        self.words: Sequence[str] = (
            words.words(self.text) if len(self.texts) == 1 else [word for text in self.texts for word in words.words(text)]
        )

    @property
    def word_count(self) -> int:
        """How many words."""
        return len(self.words)

    @cached_property
    def tokens(self) -> int:
        """How many words, numbers and other pieces between white space."""
        return sum(map(words.tokens, self.texts))

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The characters of each word."""
        return np.fromiter(map(len, self.words), np.int64, len(self.words))

    @cached_property
    def codes(self) -> NDArray[np.uint64]:
        """A number for each word."""
        return ngrams.word_codes(self.words)

    @cached_property
    def spaced(self) -> bool:
        """Whether most words are of a script that separates them."""
        single = int((self.lengths == 1).sum()) if words.unspaced(self.text) else 0
        return single * 2 < max(len(self.words), 1)

    @cached_property
    def _counts(self) -> tuple[int, int]:
        return count_letters(self.text)

    @property
    def mean_word_length(self) -> float | None:
        """Characters a word."""
        return float(self.lengths.mean()) if self.spaced and len(self.words) else None

    @property
    def special_characters(self) -> float:
        """The share of characters that are no letters: white space, digits, punctuation, symbols (ROOTS)."""
        return 1.0 - self._counts[0] / len(self.text) if self.text else 0.0

    @property
    def punctuation(self) -> float:
        """Marks of punctuation over marks and words (OBELICS)."""
        marks = self._counts[1]
        return marks / (marks + self.tokens) if self.tokens else 0.0

    @property
    def symbols(self) -> float:
        """Hash signs, or ellipses if those are more, a word (Gopher)."""
        most = max(self.text.count("#"), self.text.count("...") + self.text.count("…"))
        return most / self.tokens if self.tokens else 0.0

    @property
    def alphabetic_words(self) -> float:
        """The share of pieces between white space that have a letter in them (Gopher)."""
        return len(self.words) / self.tokens if self.tokens else 0.0

    @cached_property
    def _stops(self) -> tuple[float, float]:
        """The share of function words, and how common they are in their language next to English."""
        english = words.stop_word_share("en") or 1.0
        share = self.share_of(words.stop_words(self.language)) or 0.0
        best = (share, (words.stop_word_share(self.language) or 0.0) / english)
        if self.any_language and (not best[1] or share < 0.2 * best[1]):
            for language, known in words.stop_word_shares().items():
                found = (self.share_of(words.stop_words(language)) or 0.0, known / english)
                if not best[1] or found[0] / found[1] > best[0] / best[1]:
                    best = found
        return best

    @property
    def stop_words(self) -> float | None:
        """The share of words that are function words; None in a language where it was not measured how common
        those are."""
        return None if words.stop_word_share(self.language) is None else self._stops[0]

    @property
    def stop_word_scale(self) -> float:
        """How common function words are in this language, English being 1: what a threshold is multiplied by."""
        return self._stops[1]

    @property
    def stop_word_count(self) -> int | None:
        """How many different function words occur."""
        if not words.stop_words(self.language):
            return None
        count = len(words.stop_words(self.language).intersection(self.words))
        if self.any_language and count < 2:
            lists = map(words.stop_words, words.stop_word_shares())
            count = max(count, *(len(listed.intersection(self.words)) for listed in lists))
        return count

    @property
    def spam_words(self) -> float | None:
        """The share of words that offers and sign-up forms are full of."""
        return self.share_of(words.spam_words(self.language))

    @property
    def flagged_words(self) -> float | None:
        """The share of words that are flagged."""
        return self.share_of(words.flagged_words(self.language))

    def share_of(self, listed: frozenset[str]) -> float | None:
        """The share of words that are in `listed`; None where there is no list."""
        if not listed or not len(self.words):
            return None
        if listed.isdisjoint(self.words):
            return 0.0
        return sum(map(listed.__contains__, self.words)) / len(self.words)

    @cached_property
    def character_repetition(self) -> float:
        """See `ngrams.character_repetition`; 10 characters."""
        return ngrams.character_repetition(self.text)

    @cached_property
    def word_repetition(self) -> float:
        """See `ngrams.word_repetition`; 5 words, or 10 characters of a script without spaces."""
        return ngrams.word_repetition(self.words, 5 if self.spaced else 10)

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not empty, stripped."""
        return [line for raw in self.text.splitlines() if (line := raw.strip())]

    @property
    def bullet_lines(self) -> float:
        """The share of lines that begin with a bullet (Gopher)."""
        return _share(line.startswith(("-", "•", "*", "‣", "·", "▪")) for line in self.lines)

    @property
    def ellipsis_lines(self) -> float:
        """The share of lines that end with an ellipsis (Gopher)."""
        return _share(line.endswith(("...", "…")) for line in self.lines)

    @property
    def terminal_lines(self) -> float:
        """The share of lines that end as sentences do (FineWeb)."""
        return _share(line.endswith(TERMINALS) for line in self.lines)

    @property
    def short_lines(self) -> float:
        """The share of lines of at most 30 characters, 15 in a script without spaces (FineWeb)."""
        longest = 30 if self.spaced else 15
        return _share(len(line) <= longest for line in self.lines)

    @property
    def duplicate_line_characters(self) -> float:
        """The share of characters in lines that stood before (FineWeb, Gopher)."""
        return duplicates(self.lines)[1]


def duplicates(lines: Sequence[str]) -> tuple[float, float]:
    """Of `lines` that repeat an earlier one: their share of the lines, and of the characters.

    >>> duplicates(["ab", "ab", "cd", "ef"])
    (0.25, 0.25)
    """
    seen: set[str] = set()
    count = characters = total = 0
    for line in lines:
        total += len(line)
        if line in seen:
            count += 1
            characters += len(line)
        else:
            seen.add(line)
    return (count / len(lines), characters / total) if total else (0.0, 0.0)


_CODE = re.compile(r"[A-Za-z_]\w*(?:(?:\.|::|->|_)[A-Za-z_]\w*)+|\b_\w+|\w+\(|\w+=\S|\w+: \w+(?=,|\)| =| \|)| = |=>|->|[{}]")


def code_like(text: str) -> bool:
    """Whether a text reads as code or as the signature of a function, of which rules on prose say nothing: names with
    dots and underscores, calls and assignments are a good part of it.

    >>> code_like("crop(image, box=(0, 0, 64, 64), resample=None)"), code_like("Pick the crop tool (or press C).")
    (True, False)
    """
    return len(_CODE.findall(text[:5_000])) >= 0.15 * max(len(text[:5_000].split()), 1)


def _share(found: object) -> float:
    values = list(found)  # type: ignore[call-overload]
    return sum(values) / len(values) if values else 0.0
