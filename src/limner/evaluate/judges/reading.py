"""The grade in what a judge wrote: strictly first, then by rules where only one meaning is possible, else none.

A rule reads what is around the form asked for (fences, thoughts, quotes, trailing commas, `4/5`, `Grade: 4`, `4.0`, `four`). It never decides: two
different grades, a range, half a point or a number off the scale are no grade.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

LONGEST = 20_000
"""Characters of an answer that are looked at; a longer one is no line of JSON."""

_GRADE = ("grade", "score", "rating", "mark")
_OPTION = ("option", "choice")
_WORDS = {word: i for i, word in enumerate("zero one two three four five six seven eight nine ten".split())}
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"^\s*(?:```|~~~)\w*\s*$", re.MULTILINE)
_NUMBER = re.compile(
    rf"\+?(?P<n>\d{{1,4}}|{'|'.join(_WORDS)})(?:\.0+)?(?:\s*(?:/|out\s+of)\s*(?P<of>\d{{1,4}})(?:\.0+)?)?", re.IGNORECASE
)
_MARKUP = " \t\"'“”‘’`*_#>"
_AFTER = re.compile(
    r"[\"'“”‘’`*_)\]]*\s*(?:\Z|\n|[;}]|\.(?!\d)|,\s*(?:[\"'“‘}\n]|\Z)|[-–—]\s*(?=[^\W\d_])|because\b|since\b)", re.IGNORECASE
)
_REASON = re.compile(
    r"\breason[\"'”’`*_]*\s*[:=]\s*[\"'“‘]?(?P<said>.+?)[\"'”’]?\s*(?:,\s*[\"'“‘]?(?:grade|option)|[}\n]|\Z)", re.IGNORECASE
)
_REFUSED = re.compile(
    r"\bI(?:['’]m| am)\s+(?:very\s+|really\s+)?(?:sorry|unable|not\s+able|not\s+comfortable|not\s+allowed)\b"
    r"|\bI\s+(?:can(?:not|['’]t|\s+not)|could\s+not|won['’]t|will\s+not|must\s+decline|decline|refuse|apologi[sz]e)\b"
    r"|\bas\s+an?\s+(?:AI|language\s+model|large\s+language\s+model)\b"
    r"|\b(?:against|violates?)\s+(?:my|the|our)\s+(?:\w+\s+)?(?:guidelines|polic(?:y|ies)|rules)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A value on the scale and the reason given; `repaired` where a rule read it."""

    value: int
    reason: str
    repaired: bool


def grade(text: str, low: int, high: int, whole: bool = True) -> Found | None:
    """The grade in a text, None where there is none or more than one is possible. `whole` is false for a text that was cut at its end.

    >>> grade('{"reason": "It fits.", "grade": 4}', 0, 5)
    Found(value=4, reason='It fits.', repaired=False)
    >>> grade("Grade: 4/5", 0, 5).value, grade("Grade: 3 or 4", 0, 5), grade('{"grade": 7}', 0, 5)
    (4, None, None)
    """
    return _read(text, _GRADE, low, high, whole)


def option(text: str, count: int, whole: bool = True) -> Found | None:
    """The option in a text, counted from 1 to `count`; as `grade`.

    >>> option('{"reason": "It is a box.", "option": 2}', 3).value
    2
    """
    return _read(text, _OPTION, 1, count, whole)


def refused(text: str) -> bool:
    """Whether a text that has no grade declines to give one.

    >>> refused("I'm sorry, but I can't help with that."), refused("The image cannot be a crop.")
    (True, False)
    """
    return bool(_REFUSED.search(text[:LONGEST]))


def _read(text: str, keys: Sequence[str], low: int, high: int, whole: bool) -> Found | None:
    if len(text) > LONGEST:
        return None
    strict = _strict(text, keys, low, high)
    if strict:
        return strict
    shown = _FENCE.sub("", _THOUGHT.sub("", text)).strip()
    values: list[int | None] = []
    reason, rest, at = "", "", 0
    for start, end, said in _objects(shown):
        rest, at = f"{rest}{shown[at:start]}\n", end
        named = {key.strip().casefold(): value for key, value in said}
        values += [_value(value, low, high) for key, value in said if key.strip().casefold() in keys]
        reason = reason or (named["reason"] if isinstance(named.get("reason"), str) else "")
    rest += shown[at:]
    values += _keyed(rest, keys, low, high, whole) or ([] if values else _alone(rest, low, high))
    if len(set(values)) != 1 or values[0] is None:
        return None
    found = _REASON.search(rest)
    reason = reason or (found["said"] if found else rest)
    return Found(values[0], " ".join(reason.split())[:1000], True)


def _strict(text: str, keys: Sequence[str], low: int, high: int) -> Found | None:
    """What is one object with the key asked for, its value a whole number on the scale, and no second one."""
    try:
        said = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    if not _is_object(said):
        return None
    values = [value for key, value in said if key.strip().casefold() in keys]
    if len(values) != 1 or type(values[0]) is not int or not low <= values[0] <= high or keys[0] not in dict(said):
        return None
    return Found(values[0], " ".join(str(dict(said).get("reason", "")).split())[:1000], False)


def _is_object(said: Any) -> bool:
    """Whether what `object_pairs_hook=list` gave is an object: a list of pairs, which no array can be."""
    return isinstance(said, list) and bool(said) and all(isinstance(pair, tuple) for pair in cast("list[Any]", said))


def _objects(text: str) -> Iterator[tuple[int, int, list[tuple[str, Any]]]]:
    """The objects of JSON in a text, as pairs so that a key given twice is seen, and where each stands."""
    decoder = json.JSONDecoder(object_pairs_hook=list)
    at = text.find("{")
    for _ in range(50):
        if at < 0:
            return
        try:
            said, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        if _is_object(said):
            yield at, end, said
        at = text.find("{", end)


def _value(said: Any, low: int, high: int) -> int | None:
    """The number on the scale that a value surely is."""
    if isinstance(said, bool):
        return None
    if isinstance(said, str):
        match = _NUMBER.fullmatch(said.strip(_MARKUP))
        return _matched(match, low, high) if match else None
    if isinstance(said, int | float) and said == said and abs(said) < 1e6 and said == int(said) and low <= said <= high:
        return int(said)
    return None


def _matched(match: re.Match[str], low: int, high: int) -> int | None:
    word = match["n"].casefold()
    n = _WORDS[word] if word in _WORDS else int(word)
    return n if low <= n <= high and (match["of"] is None or int(match["of"]) == high) else None


def _keyed(text: str, keys: Sequence[str], low: int, high: int, whole: bool) -> list[int | None]:
    """What is said as `Grade: 4`; None for each that is a range, a part, off the scale, or may go on after the end of a text that was cut."""
    key = re.compile(
        rf"\b(?:{'|'.join(keys)})[\"'“”‘’`*_]*\s*(?:\(\s*\d+\s*(?:-|–|to)\s*\d+\s*\)\s*)?(?:[:=]|\bis\b)\s*[{re.escape(_MARKUP)}(\[]*",
        re.IGNORECASE,
    )
    out: list[int | None] = []
    for named in key.finditer(text):
        match = _NUMBER.match(text, named.end())
        if match is None:
            out += [None] if re.match(r"[-−.]\s*\d", text[named.end() : named.end() + 8]) else []
            continue
        after = _AFTER.match(text, match.end())
        sure = after is not None and (whole or match.end() < len(text.rstrip()))
        out.append(_matched(match, low, high) if sure else None)
    return out


def _alone(text: str, low: int, high: int) -> list[int | None]:
    """A text that is a number and nothing else, or lines that are a fraction of the scale's end (`4/5`)."""
    lines = [bare for line in text.splitlines() if (bare := line.strip(_MARKUP + ".,;()[]{}"))]
    matches = [_NUMBER.fullmatch(line) for line in lines]
    return [_matched(m, low, high) for m in matches if m and (len(lines) == 1 or m["of"])]
