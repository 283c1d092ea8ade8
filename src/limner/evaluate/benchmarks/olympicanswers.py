"""Answers to problems of olympiads, judged by rules after their type: numbers, sets, intervals, expressions, equations, tuples, choices.

The rules are those of OlympicArena's paper (section 3.4); where its programs ask computer algebra, formulas are compared at random points instead
(`formulas`). A unit that an answer has after its number is passed over where the problem states the unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from limner.evaluate.benchmarks.formulas import close, number, same, same_equation

TYPES: Mapping[str, str] = {
    "SC": "single choice", "MC": "multiple choice", "TF": "true or false", "NV": "numerical value", "SET": "set of values", "IN": "interval",
    "EX": "expression", "EQ": "equation", "TUP": "tuple of values", "MPV": "several quantities", "MA": "several answers",
    "CODE": "program", "OT": "other",
}  # fmt: skip
BY_RULE = ("SC", "MC", "TF", "NV", "SET", "IN", "EX", "EQ", "TUP", "MPV", "MA")
"""Programs are not run and free answers not guessed at: they need a judge."""

_ABSOLUTE = 1.01e-5
_MANTISSA = 0.101
_MOST = 64  # answers in one
_IN = re.compile(r"\\in(?![a-zA-Z])|∈")
_BRACKETS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_SCIENTIFIC = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:\\times|\\cdot|\*|×)\s*10\s*\^\s*(?:\{\s*([+-]?\d+)\s*\}|([+-]?\d))")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_EXPONENT = re.compile(r"([+-]?\d+(?:\.\d+)?)[eE]([+-]?\d{1,3})")
_WRAPPED = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mbox)\s*\{~?([^{}]*)\}")
_REPLACED = (
    ("\\left", ""), ("\\right", ""), ("∶", ":"), ("，", ","), ("$", ""), ("\\approx", "="), ("\\simeq", "="), ("\\sim", "="),
    ("^\\prime", "'"), ("^{\\prime}", "'"), ("^\\circ", ""), ("^{\\circ}", ""), ("°", ""), ("{,}", ","), ("\\,", " "), ("\\;", " "),
    ("\\ ", " "), ("\\!", ""), ("~", " "), ("\\%", ""), ("%", ""), ("−", "-"), ("\\dfrac", "\\frac"), ("\\tfrac", "\\frac"),
)  # fmt: skip


def boxed(text: str) -> str:
    """What the last whole `\\boxed{}` of an answer holds; "" where there is none.

    >>> boxed(r"so \\boxed{1} ... hence $\\boxed{\\frac{1}{2}}$.")
    '\\\\frac{1}{2}'
    """
    text = text[-20_000:]
    for found in reversed(list(re.finditer(r"\\boxed\s*\{", text))):
        depth = 1
        for at in range(found.end(), len(text)):
            depth += _BRACES.get(text[at], 0)
            if not depth:
                return text[found.end() : at].strip()
    return ""


_BRACES = {"{": 1, "}": -1}


def cleaned(text: str) -> str:
    """An answer without signs that say nothing about it."""
    for old, new in _REPLACED:
        text = text.replace(old, new)
    return _WRAPPED.sub(r"\1", text).strip().rstrip(".").strip()


def split(text: str) -> list[str]:
    """The parts between commas that are in no brackets.

    >>> split("f(x, y), [1, 2), 3")
    ['f(x, y)', '[1, 2)', '3']
    """
    parts, depth, begun = [], 0, 0
    for at, sign in enumerate(text):
        depth = max(0, depth + _BRACKETS.get(sign, 0))
        if sign == "," and not depth:
            parts.append(text[begun:at].strip())
            begun = at + 1
    return [part for part in [*parts, text[begun:].strip()] if part]


def right(given: str, expected: Sequence[str], kind: str, kinds: Sequence[str] = (), unit: str = "") -> bool:
    """Whether an answer (what its box holds) is one of the type `kind`; `kinds` are those of the quantities of MPV and MA. Raises `KeyError` for a
    type that no rule judges."""
    given = cleaned(given)
    if unit and given.endswith(cleaned(unit)):
        given = given.removesuffix(cleaned(unit)).strip()
    wanted = [cleaned(each) for each in expected]
    if not given or not wanted:
        return False
    if kind in ("MPV", "MA"):
        parts = split(given)
        if len(parts) != len(wanted) or len(parts) > _MOST or len(kinds) < len(wanted):
            return False
        rules = [_RULES[each] for each in kinds]
        if kind == "MPV":
            return all(rule(part, [each]) for rule, part, each in zip(rules, parts, wanted, strict=False))
        return _matched(parts, wanted, lambda part, i: rules[i](part, [wanted[i]]))
    return _RULES[kind](given, wanted)


def _matched(parts: Sequence[str], wanted: Sequence[str], fits: Callable[[str, int], bool]) -> bool:
    """Whether each of the wanted has a part of its own: greedily, as parts that fit one fit no other but their equals."""
    left = list(parts)
    for i in range(len(wanted)):
        found = next((part for part in left if fits(part, i)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def _letters(text: str) -> list[str]:
    found = [part.strip("()[]{}. ") for part in split(text.strip("[]{} "))]
    if len(found) == 1 and re.fullmatch(r"[A-Z]{2,10}", found[0]):
        found = list(found[0])  # ABD
    return [part[0] if re.fullmatch(r"[A-Z](?:[:.)].*)?", part, re.DOTALL) else "" for part in found]


def _single(given: str, wanted: Sequence[str]) -> bool:
    return len(wanted) == 1 and _letters(given) == _letters(wanted[0]) != [""]


def _several(given: str, wanted: Sequence[str]) -> bool:
    found, expected = _letters(given), [letter for each in wanted for letter in _letters(each)]
    return "" not in found and len(found) == len(expected) and set(found) == set(expected)


def _truth(given: str, wanted: Sequence[str]) -> bool:
    return given.casefold() == wanted[0].casefold()


def _number(given: str, wanted: Sequence[str]) -> bool:
    gold = wanted[0].rpartition("=")[2].strip()
    given = given.rpartition("=")[2].strip()
    if given == gold:
        return True
    given, gold = (_plain(each) for each in (given, gold))
    mine, theirs = _SCIENTIFIC.fullmatch(given), _SCIENTIFIC.fullmatch(gold)
    if mine and theirs and (mine[2] or mine[3]) == (theirs[2] or theirs[3]):
        return abs(float(mine[1]) - float(theirs[1])) <= _MANTISSA
    a, b = number(given.replace(" ", "")), number(gold.replace(" ", ""))
    return a is not None and b is not None and (abs(a - b) <= _ABSOLUTE or close(a, b, 1e-9))


def _plain(text: str) -> str:
    """A number without commas between its thousands, its power of ten written out.

    >>> _plain("1,000,000"), _plain("1,00")
    ('1000000', '1,00')
    """
    if _GROUPED.fullmatch(text):
        return text.replace(",", "")
    return _EXPONENT.sub(r"\1\\times10^{\2}", text) if _EXPONENT.fullmatch(text) else text


def _expression(given: str, wanted: Sequence[str]) -> bool:
    given, gold = given.rpartition("=")[2].strip(), wanted[0].rpartition("=")[2].strip()
    return given == gold or same(given, gold)


def _equation(given: str, wanted: Sequence[str]) -> bool:
    return given == wanted[0] or same_equation(given, wanted[0])


def _set(given: str, wanted: Sequence[str]) -> bool:
    gold = [part for each in wanted for part in split(_bare(each, "{}"))]
    parts = split(_bare(given, "{}"))
    return len(parts) == len(gold) <= _MOST and _matched(parts, gold, lambda part, i: _number(part, [gold[i]]))


def _tuple(given: str, wanted: Sequence[str]) -> bool:
    parts, gold = split(_bare(given, "()")), split(_bare(wanted[0], "()"))
    return len(parts) == len(gold) <= _MOST and all(_number(a, [b]) for a, b in zip(parts, gold, strict=True))


def _bare(text: str, pair: str) -> str:
    text = text.replace("\\{", "{").replace("\\}", "}").strip()
    return text[1:-1] if text[:1] == pair[0] and text[-1:] == pair[1] else text


def _intervals(text: str) -> list[tuple[str, str, str, str]] | None:
    """Each interval as its left bracket, its ends, its right bracket; None for what is none."""
    found: list[tuple[str, str, str, str]] = []
    for part in re.split(r"\\cup|∪", text)[:_MOST]:
        part = part.strip()
        if len(part) < 5 or part[0] not in "([" or part[-1] not in ")]" or len(ends := split(part[1:-1])) != 2:
            return None
        found.append((part[0], ends[0], ends[1], part[-1]))
    return found


def _interval(given: str, wanted: Sequence[str]) -> bool:
    mine, gold = _intervals(_IN.split(given)[-1]), _intervals(_IN.split(wanted[0])[-1])
    if mine is None or gold is None or len(mine) != len(gold):
        return False
    left = list(mine)
    for opening, low, high, closing in gold:
        match = next(
            (i for i in left if (i[0], i[3]) == (opening, closing) and _end(i[1], low) and _end(i[2], high)),
            None,
        )
        if match is None:
            return False
        left.remove(match)
    return True


def _end(given: str, gold: str) -> bool:
    return _number(given, [gold]) or _expression(given, [gold])


_RULES: Mapping[str, Callable[[str, Sequence[str]], bool]] = {
    "SC": _single, "MC": _several, "TF": _truth, "NV": _number, "SET": _set, "IN": _interval, "EX": _expression, "EQ": _equation, "TUP": _tuple,
}  # fmt: skip
