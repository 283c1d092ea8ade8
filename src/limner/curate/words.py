"""Words of a text in any language, and the word lists that ship with limner.

A word is what stands between white space, in lower case, less the punctuation and digits at its ends. In scripts
written without spaces (Han, Kana, Thai, Lao, Khmer, Burmese) each character is a word.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

from limner.errors import PlanError

UNSPACED_CLASS = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\U00020000-\U0003ffff"
)
"""The characters of scripts written without spaces, as the inside of a regular expression's class."""

_UNSPACED = re.compile(f"[{UNSPACED_CLASS}]")
_PIECES = re.compile(f"[{UNSPACED_CLASS}]|[^\\s{UNSPACED_CLASS}]+")

# What is taken off the ends of a word: ASCII and general punctuation, digits, and the marks of common scripts.
_EDGES = (
    "".join(chr(c) for c in range(0x21, 0x7F) if not chr(c).isalpha())
    + "".join(chr(c) for c in range(0xA1, 0xC0) if not chr(c).isalpha())
    + "×÷"
    + "".join(chr(c) for c in range(0x2010, 0x2060))
    + "".join(chr(c) for c in range(0x2190, 0x2300))
    + "".join(chr(c) for c in range(0x2460, 0x2800))
    + "".join(chr(c) for c in range(0x3000, 0x3005))
    + "".join(chr(c) for c in range(0x3008, 0x3021))
    + "".join(chr(c) for c in range(0xFF01, 0xFF21))
    + "、。，．：；！？・「」『』（）［］｛｝〈〉《》【】〔〕～…—–·€©®™°№¡¿،؛؟۔।॥•◦▪‣"
    + "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹"
)

_ASCII_EDGES = "".join(c for c in _EDGES if c.isascii())

CACHED = 512
"""How many paragraphs' words are remembered, so that operators that follow each other split a paragraph once."""
_LONGEST_CACHED = 20_000

SAME_LIST: Mapping[str, str] = {"nb": "no", "nn": "no", "yue": "zh", "wuu": "zh", "cmn": "zh", "sk": "cs"}
"""Languages that borrow another's list."""


def words(text: str) -> tuple[str, ...]:
    """The words of `text`, in order.

    >>> words("Don't panic: 42 e-mails!"), words("図を見る")
    (("don't", 'panic', 'e-mails'), ('図', 'を', '見', 'る'))
    """
    return _cached(text)[0] if len(text) <= _LONGEST_CACHED else _split(text)[0]


def tokens(text: str) -> int:
    """How many pieces of `text` stand between white space, words or not (numbers, dashes).

    >>> tokens("Don't panic: 42 e-mails!")
    4
    """
    return _cached(text)[1] if len(text) <= _LONGEST_CACHED else _split(text)[1]


def unspaced(text: str) -> bool:
    """Whether `text` has characters of a script written without spaces."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def _split(text: str) -> tuple[tuple[str, ...], int]:
    pieces = _PIECES.findall(text.lower()) if unspaced(text) else text.lower().split()
    # Most pieces are letters only; the long list of edges is searched only for what is not ASCII.
    found = [piece if piece.isalpha() else piece.strip(_ASCII_EDGES if piece.isascii() else _EDGES) for piece in pieces]
    return tuple([word for word in found if word]), len(pieces)


_cached = lru_cache(CACHED)(_split)


def base(language: str) -> str:
    """The primary subtag of a BCP 47 tag, in lower case: `pt` of `pt-BR`."""
    return language.replace("_", "-").partition("-")[0].lower()


@lru_cache(1024)
def stop_words(language: str) -> frozenset[str]:
    """The function words of a language; empty for a language without a list."""
    return _list("stop-words").get(_key(language), frozenset())


@lru_cache(1024)
def stop_word_share(language: str) -> float | None:
    """The share of function words in running text of a language, measured; None where it was not."""
    return stop_word_shares().get(_key(language))


@lru_cache(1024)
def flagged_words(language: str) -> frozenset[str]:
    """Words of pornography and abuse; a phrase has spaces in it. Those of English where there is no list."""
    lists = _list("flagged-words")
    return lists.get(_key(language), lists["en"])


@lru_cache(1024)
def spam_words(language: str) -> frozenset[str]:
    """Words that offers and sign-up forms are full of; empty for a language without a list."""
    return _list("spam-words").get(_key(language), frozenset())


@cache
def read_words(path: str) -> frozenset[str]:
    """The words of a file, one a line (`#` begins a comment), in lower case; read once a process.

    Raises `PlanError` when it cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as lines:
            return frozenset(word for line in lines if (word := line.partition("#")[0].strip().lower()))
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the word list {path!r} cannot be read: {error}") from error


def _key(language: str) -> str:
    code = base(language)
    return SAME_LIST.get(code, code)


@cache
def _list(name: str) -> Mapping[str, frozenset[str]]:
    data = tomllib.loads((files("limner.curate") / "lists" / f"{name}.toml").read_text("utf-8"))
    return {code: frozenset(entry.replace("_", " ") for entry in text.split()) for code, text in data["words"].items()}


@cache
def stop_word_shares() -> Mapping[str, float]:
    """The share of function words in running text, by language."""
    data = tomllib.loads((files("limner.curate") / "lists" / "stop-words.toml").read_text("utf-8"))
    return data.get("share", {})
