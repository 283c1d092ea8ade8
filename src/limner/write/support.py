"""Whether a source supports a sentence: by the words that carry it, all its numbers, and, with an encoder, its meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from limner.curate.align import sentences
from limner.search.analysis import terms
from limner.write.likeness import by_meaning, rarity

SHARE = 0.5
"""The least weight, of a sentence's words, that the best place of a source has; chosen in bench/write.py."""

MEANING = 0.55
"""With an encoder, the least cosine of a sentence with the best sentence of its source."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NOT = re.compile(r"\b(?:not|no|never|cannot|can't|don't|doesn't|isn't|won't|without|nor|none)\b", re.IGNORECASE)
_WINDOW = 3  # sentences in a row that may support one together


@dataclass(frozen=True, slots=True)
class Support:
    """The place that supports a sentence best: the number of its text among those given, and how well. `holds` says whether that is enough."""

    at: int
    share: float
    holds: bool


def supported(said: Sequence[str], sources: Sequence[str], address: str = "", kind: str = "english") -> list[Support]:
    """For each sentence that is said, the source (a text) that supports it best.

    >>> [s.holds for s in supported(["Press Enter to crop.", "Cows eat grass."], ["Draw a box. To crop, press Enter."])]
    [True, False]
    """
    windows = [(at, window) for at, text in enumerate(sources) for window in _windows(text)]
    if not windows:
        return [Support(-1, 0.0, False) for _ in said]
    cut = [terms(window, kind) for _, window in windows]
    weights = rarity([*cut, *(terms(sentence, kind) for sentence in said)])
    near = by_meaning(said, [window for _, window in windows], address) if address and said else None
    found: list[Support] = []
    for row, sentence in enumerate(said):
        own = set(terms(sentence, kind))
        whole = sum(weights.get(term, 0.0) for term in own) or 1.0
        best, place = -1.0, 0
        for column, window in enumerate(cut):
            share = sum(weights[term] for term in own & set(window)) / whole
            value = share if near is None else share + float(near[row, column])
            if value > best:
                best, place = value, column
        at, window = windows[place]
        share = sum(weights[term] for term in own & set(cut[place])) / whole
        holds = share >= SHARE and (near is None or float(near[row, place]) >= MEANING)
        holds = holds and set(_NUMBER.findall(sentence)) <= set(_NUMBER.findall(sources[at]))
        holds = holds and bool(_NOT.search(sentence)) <= bool(_NOT.search(window))
        found.append(Support(at, share, holds))
    return found


def _windows(text: str) -> list[str]:
    cut = [sentence for line in text.splitlines() for sentence in sentences(line)][:400]
    return [" ".join(cut[at : at + size]) for size in range(1, _WINDOW + 1) for at in range(max(len(cut) - size + 1, 0))]
