"""Which language a text is in, by py3langid."""

from __future__ import annotations

from functools import cache, lru_cache

from py3langid.langid import LanguageIdentifier

from limner.curate import words
from limner.errors import PlanError

SURE = 0.8
"""The probability from which a language found in a paragraph counts as found. Of the English pages of WCXB and of the
translations of debian-handbook, what was found above it was that language; below it were lists of names and of links."""

_SAMPLE = 1_000
_SHORTEST = 40


@cache
def _identifier(candidates: tuple[str, ...]) -> LanguageIdentifier:
    """One identifier a process for each set of candidates; all share the model's tables."""
    if not candidates:
        return LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    every = _identifier(())
    ptc, pc, classes = every._full_model  # type: ignore[attr-defined]
    identifier = LanguageIdentifier(ptc, pc, classes, every.tk_nextmove, every.tk_output, norm_probs=True, tk_row=every.tk_row)
    try:
        identifier.set_languages(candidates)
    except ValueError as error:
        raise PlanError(f"operator 'language': {error}; known are {' '.join(sorted(every.labels))}") from None
    return identifier


def identify(text: str, candidates: tuple[str, ...] = ()) -> tuple[str, float]:
    """The language of `text` (ISO 639, by py3langid's model of 140 languages) and its probability among `candidates`.

    >>> identify("Das ist ein kurzer Satz über Bilder und Texte.")[0]
    'de'
    """
    code, confidence = _identifier(candidates).classify(text)
    return code, round(float(confidence), 4)


def other_language(text: str, label: str, around: str = "") -> str:
    """The language of a text where it is surely not the one that `label` names, else "". `around` is more text of the same
    document: a guess at `text` that is not sure by itself is taken where `around` surely is in that language.

    >>> other_language("Việc phân vùng ổ đĩa là một bước không thể thiếu trong quá trình cài đặt.", "en")
    'vi'
    """
    if not long_enough(text):
        return ""
    code, confidence = _remembered(text[:_SAMPLE])
    if same_language(label, code):
        return ""
    if confidence < SURE and around:
        found, confidence = _remembered(around[:_SAMPLE])
        confidence = confidence if same_language(found, code) else 0.0
    return code if confidence >= SURE else ""


_remembered = lru_cache(64)(identify)


def long_enough(text: str, letters: int = _SHORTEST) -> bool:
    """Whether a text has the characters that identification takes: fewer of scripts without spaces."""
    return len(text) >= letters * (0.3 if words.unspaced(text) else 1.0)


_MACRO = {"nb": "no", "nn": "no", "cmn": "zh", "yue": "zh", "wuu": "zh", "iw": "he", "in": "id", "fil": "tl"}


def same_language(tag: str, code: str) -> bool:
    """Whether a BCP 47 tag names the language `code`, dialects and macrolanguages taken together."""
    one, other = words.base(tag), words.base(code)
    return _MACRO.get(one, one) == _MACRO.get(other, other)
