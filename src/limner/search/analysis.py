"""How the words of a language are made terms: folded, stemmed, or cut into pairs of characters where no blanks stand between words."""

from __future__ import annotations

import re
from functools import cache

from tantivy import Filter, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

STEMMED = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian", "nb": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""Languages with a stemmer (Snowball's, in tantivy)."""

PAIRS = frozenset(("ja", "zh", "ko", "th", "lo", "km", "my"))
"""Languages that are cut into pairs of characters."""

ASKED = tuple(sorted({*STEMMED, "bg", "ca", "cs", "fa", "he", "hi", "id", "ja", "ko", "pl", "th", "uk", "vi", "zh"} - {"nb"}))
"""Languages that a question, which is short, is taken to be in."""

_LONGEST = 60


def kind(language: str) -> str:
    """Which analyzer serves a language (BCP 47): its own, `pairs`, or `plain`.

    >>> kind("de-AT"), kind("zh-CN"), kind("xx"), kind("")
    ('german', 'pairs', 'plain', 'plain')
    """
    base = language.partition("-")[0].lower()
    return "pairs" if base in PAIRS else STEMMED.get(base, "plain")


# Runs of scripts that set no blanks between words, or of other letters and digits.
_RUNS = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+)"
    "|[^\\W_]+"
)


@cache
def _analyzer(kind: str) -> TextAnalyzer:
    built = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.remove_long(_LONGEST)).filter(Filter.lowercase())
    if kind not in ("plain", "pairs"):
        built = built.filter(Filter.stemmer(kind))
    return built.filter(Filter.ascii_fold()).build()


def terms(text: str, kind: str) -> list[str]:
    """The terms of a text, in order.

    >>> terms("Cropping the images", "english"), terms("画像を切る GIMP", "pairs")
    (['crop', 'the', 'imag'], ['画像', '像を', 'を切', '切る', 'gimp'])
    """
    if kind != "pairs":
        return _analyzer(kind).analyze(text)
    found: list[str] = []
    for run in _RUNS.finditer(text):
        if run[1]:
            found += [run[1][i : i + 2] for i in range(max(len(run[1]) - 1, 1))]
        elif len(run[0]) <= _LONGEST:
            found.append(run[0].lower())
    return found


def latin(text: str) -> bool:
    """Whether most letters of a text are Latin, the script of every language that a text encoder here names as known.

    >>> latin("Découper avec GIMP"), latin("GIMP で画像を切り抜く"), latin("42")
    (True, False, True)
    """
    letters = [letter for letter in text if letter.isalpha()]
    return 2 * sum(letter < "\u0250" or "\u1e00" <= letter < "\u1f00" for letter in letters) >= len(letters)
