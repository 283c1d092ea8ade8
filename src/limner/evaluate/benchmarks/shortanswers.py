"""Short answers scored by the rules of MMLongBench-Doc: whole numbers, decimals, words, lists, and that a question has no answer.

Ma et al. 2024 (arXiv 2407.01523), section 4.1. The scores are those of the authors' `eval/eval_score.py` (`bench/evaluate/published.py` compares
them). An unreadable list is one answer here; the authors' script stops at it.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from typing import Any

from limner.evaluate.metrics.library import library

FORMATS = ("Str", "Int", "Float", "List", "None")
NOT_ANSWERABLE = "Not answerable"

_LEAST = 0.5  # similarity above which words count
_TOLERANCE = 0.01  # of a decimal
_LONGEST = 4_000  # characters of an answer that are compared
_BRACKETED = re.compile(r"\s*\([^)]*\)")
_QUOTED = re.compile(r"^['\"]|['\"]$")
_EXACT = (
    re.compile(r".*https://.*", re.DOTALL),
    re.compile(r".*(?:\.py|ipynb)", re.DOTALL),
    re.compile(r"page.*", re.DOTALL),
    re.compile(r"\b\d+(-\d+|\s\d+)?\b"),
    re.compile(r".*[ap]\.m\..*", re.DOTALL),
    re.compile(r"\b\d{4}[-\s]\d{2}([-\s]\d{2})?\b"),
    re.compile(r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}"),
)


def score(expected: str, answer: str, form: str) -> float:
    """How right a short answer is, 0 to 1. Whole numbers and decimals are right or wrong, a decimal within 1 % and with or without its percent;
    words by their similarity (ANLS), addresses, times and the like exactly; a list by its worst entry, after sorting, and 0 for another length.

    >>> score("18.29%", "0.1829", "Float"), score("Less well-off", "less well off", "Str"), score("['b', 'a']", "['A', 'B']", "List")
    (1.0, 0.9230769230769231, 1.0)
    """
    answer = answer[:_LONGEST]
    if form == "Int":
        return float(_whole(answer) is not None and str(_whole(answer)) == expected.strip())
    if form == "Float":
        return float(_near(_decimal(expected), _decimal(answer)))
    if form in ("Str", "None"):
        return _words(_clean(expected), _clean(answer))
    own, other = sorted(map(_clean, _listed(answer))), sorted(map(_clean, _listed(expected)))
    if len(own) != len(other):
        return 0.0
    if not other or _number(other[0]) is not None or _exact(other[0]):
        return float("-".join(own) == "-".join(other))
    return min(_similar(a, b) for a, b in zip(other, own, strict=True))


def accuracy_and_f1(rows: Sequence[tuple[str, str, float]]) -> tuple[float, float]:
    """Of (expected, answer, score): the mean score, and F1 from the recall over questions that have an answer and the precision over those that
    were given one. The authors' generalised accuracy and F1.

    >>> accuracy_and_f1([("4", "4", 1.0), ("5", "Not answerable", 0.0), ("Not answerable", "7", 0.0)])
    (0.3333333333333333, 0.5)
    """
    if not rows:
        return 0.0, 0.0
    right = sum(value for expected, _, value in rows if expected != NOT_ANSWERABLE)
    have = sum(expected != NOT_ANSWERABLE for expected, _, _ in rows)
    given = sum(answer != NOT_ANSWERABLE for _, answer, _ in rows)
    recall, precision = (right / have if have else 0.0), (right / given if given else 0.0)
    f1 = 2 * recall * precision / (recall + precision) if have and given and recall + precision else 0.0
    return sum(value for *_, value in rows) / len(rows), f1


def _whole(text: str) -> int | None:
    """The whole number that a text is, cut from a decimal as Python's int does."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _decimal(text: str) -> float | None:
    found = _number(_clean(text))
    return found if found is not None and math.isfinite(found) else None


def _near(expected: float | None, answer: float | None) -> bool:
    """Whether two decimals are the same within 1 %, or once rounded to the places that both have, at least two; a percentage may be a share."""
    if expected is None or answer is None:
        return False
    for one in (expected / 100, expected, expected * 100):
        if math.isclose(one, answer, rel_tol=_TOLERANCE):
            return True
        places = max(min(_places(answer), _places(one)), 2)
        if round(answer, places) == round(one, places):
            return True
    return False


def _places(number: float) -> int:
    text = str(number)
    return len(text.rpartition(".")[2]) if "." in text else 3


def _clean(text: Any) -> str:
    """Lower case, without what stands in brackets, quotation marks at the ends, a dollar before and a percent behind."""
    bare = _QUOTED.sub("", _BRACKETED.sub("", str(text).lower().strip()).strip()).strip()
    return bare.lstrip("$").strip().rstrip("%").strip()


def _exact(text: str) -> bool:
    """Whether an answer must be the same to the letter: an address, a file of code, a page, a telephone number, a time, a date."""
    return any(pattern.fullmatch(text) for pattern in _EXACT)


def _words(expected: str, answer: str) -> float:
    return float(expected == answer) if _exact(expected) else _similar(expected, answer)


def _similar(expected: str, answer: str) -> float:
    """ANLS: 1 less the edits over the longer one's length, 0 where that is not above a half."""
    longer = max(len(expected), len(answer))
    if not longer:
        return 1.0
    distance: Any = library("rapidfuzz.distance", "the similarity of answers")
    value = 1 - distance.Levenshtein.distance(expected, answer) / longer
    return value if value > _LEAST else 0.0


def _listed(text: str) -> list[Any]:
    if text.startswith("["):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            return [text]
        return list(found) if isinstance(found, list) else [text]
    return [text]
