"""Questions with given answers: how they are asked of a model that writes its choice, and which one it wrote.

A choice is read only where it is certain: nothing is guessed for an answer that names two letters, or none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from limner.evaluate.benchmark import Piece

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_ALONE = re.compile(r"\W*([A-Z])\W*")
_SAID = re.compile(r"(?i:answer|option|choice)\b(?i:\s+is)?\s*[:：]?\s*[*_(\[{$\"']*(?:\\(?:boxed|text)\{)*([A-Z])(?![\w'])")
_FIRST = re.compile(r"\s*[*_(\[\"']*([A-Z])[*_\"']*[).:\]](?!\w)")
_MARKED = re.compile(r"\(([A-Z])\)|(?<!\w)([A-Z])[).:](?!\w)")
_SINGLE = re.compile(r"(?<![\w'])([B-HJ-Z])(?![\w'])|(?<=[\w,] )(A)(?![\w'])")


def listed(choices: Sequence[Sequence[Piece]]) -> tuple[Piece, ...]:
    """The choices with their letters, as pieces of a question: `A. ...` and so on, a line each."""
    out: list[Piece] = []
    for letter, choice in zip(LETTERS, choices, strict=False):
        out += [f"{letter}.", *choice]
    return tuple(out)


def letter(text: str, count: int) -> int | None:
    """Which of the first `count` letters an answer chooses, from 0, None where that is not certain.

    Read in this order: the letter alone; after “answer” (the last time); at the beginning with a mark (`B.`, `(B)`); the one letter that is marked
    anywhere; the one letter that stands alone (no I, and no A that begins a sentence:
    they are words).

    >>> [letter(t, 4) for t in ("(b", "The answer is (C).", "B. A red car", "A or B", "D, since A. is wrong")]
    [None, 2, 1, 1, None]
    """
    text = text[:20_000].strip()
    inside = LETTERS[:count]
    if (alone := _ALONE.fullmatch(text)) and alone[1] in inside:
        return inside.index(alone[1])
    said = [found for found in _SAID.findall(text) if found in inside]
    if said:
        return inside.index(said[-1])
    if (first := _FIRST.match(text)) and first[1] in inside:
        return inside.index(first[1])
    marked = {a or b for a, b in _MARKED.findall(text)} & set(inside)
    single = {a or b for a, b in _SINGLE.findall(text)} & set(inside)
    every = marked | single
    return inside.index(every.pop()) if len(every) == 1 else None


def chosen(text: str, choices: Sequence[Sequence[Piece]]) -> int | None:
    """`letter`, or the one choice whose words the answer is."""
    found = letter(text, len(choices))
    if found is None:
        same = [
            i
            for i, choice in enumerate(choices)
            if [_folded(text)] == [_folded(p) if isinstance(p, str) else None for p in choice]
        ]
        found = same[0] if len(same) == 1 else None
    return found


def likeliest(values: Sequence[float]) -> tuple[int, ...]:
    """The choices that are held most likely: one, or all that tie.

    >>> likeliest([-1.5, -0.2, -0.2])
    (1, 2)
    """
    return tuple(i for i, value in enumerate(values) if value == max(values))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .")
