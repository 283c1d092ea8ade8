"""Judges that measure: which of a judge's measures an aspect asks for, and a grade made of them.

A measure is a number from 0 (bad) to 1 (good) about one facet of an answer. An aspect is known by the words of its name: nothing here reads a rubric.
One that asks for what no measure tells (how pictures look, whether a fact is true without a source) is `unable`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from limner.evaluate.judging import Aspect, Case, Grade

Facet = Literal["structure", "text", "images", "together", "support"]
"""`structure`: parts asked for, numbers, references; `text`: the texts; `images`: the pictures among each other; `together`: pictures and texts;
`support`: texts and their sources."""

FACETS: tuple[Facet, ...] = ("structure", "text", "images", "together", "support")

_UNKNOWN = re.compile(
    r"percept|aesthet|realis|beaut|trend|creativ|safe|toxic|bias|human|prefer|photo|resolution|sharp", re.IGNORECASE
)
_IMAGE = re.compile(r"image|visual|picture|figure|illustrat|multimodal|cross-?modal", re.IGNORECASE)
_TEXT = re.compile(r"text|language|fluen|readab|narrat|writing|caption|word", re.IGNORECASE)
_JOINED = re.compile(r"align|match|together|interleav|multimodal|cross-?modal|correspond|relevan", re.IGNORECASE)
_STRUCTURE = re.compile(r"struct|format|order|sequence|layout|number|count|step", re.IGNORECASE)
_SUPPORT = re.compile(r"support|faithful|ground|factual|hallucinat|accura|correct|cit(?:e|ation)|consistent with", re.IGNORECASE)
_COHERENT = re.compile(r"coheren|consisten|similar|logic", re.IGNORECASE)
_WHOLE = re.compile(r"overall|holistic|whole|quality|helpful|complete|rich|general|usab", re.IGNORECASE)


def facets(aspect: Aspect) -> tuple[Facet, ...]:
    """The facets that an aspect asks for, by its name; none where nothing here tells.

    >>> facets(Aspect("text-image coherence", "")), facets(Aspect("perceptual quality", "")), len(facets(Aspect("overall", "")))
    (('together',), (), 5)
    """
    name = aspect.name.replace("_", " ")
    if _UNKNOWN.search(name):
        return ()
    image, text = _IMAGE.search(name), _TEXT.search(name)
    if image:
        if text or _JOINED.search(name):
            return ("together",)
        # How good a picture is to look at is not measured; how it goes with the others is.
        return ("images",) if _COHERENT.search(name) else ("structure",) if _STRUCTURE.search(name) else ()
    named: tuple[tuple[re.Pattern[str], Facet], ...] = (
        (_STRUCTURE, "structure"), (_SUPPORT, "support"), (_JOINED, "together")
    )  # fmt: skip
    for pattern, found in named:
        if pattern.search(name):
            return (found,)
    if text or _COHERENT.search(name):
        return ("text",)
    return FACETS if _WHOLE.search(name) else ()


Measure = Callable[[Case], Mapping[str, float]]
"""The measures of a case, those left out that it does not have."""


class MeasuredJudge:
    """A judge by measures, each of some facet, that `combine` makes one number of."""

    def __init__(
        self,
        name: str,
        measure: Measure,
        of: Mapping[str, Facet],
        combine: Callable[[Sequence[float]], float],
        settings: Mapping[str, str],
    ) -> None:
        self._name, self._measure, self._of, self._combine = name, measure, of, combine
        self._settings = dict(settings)

    @property
    def name(self) -> str:
        """See `Judge`."""
        return self._name

    @property
    def settings(self) -> dict[str, str]:
        """See `Judge`."""
        return {"address": self._name, **self._settings}

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        """See `Judge`. The reason names the lowest measures."""
        asked = facets(aspect)
        if not asked:
            return [Grade(None, f"{self._name} has no measure of {aspect.name!r}", "unable") for _ in cases]
        return [self._one(case, aspect, asked) for case in cases]

    def _one(self, case: Case, aspect: Aspect, asked: Sequence[Facet]) -> Grade:
        if empty(case):
            return Grade(float(aspect.low), "the answer is empty")
        found = {name: value for name, value in self._measure(case).items() if self._of[name] in asked}
        if not found:
            return Grade(None, f"the answer has nothing that {self._name} measures for {aspect.name!r}", "unable")
        return scaled(self._combine(list(found.values())), aspect, told(found))

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        """See `Judge`: never able."""
        return unable(self._name)


def unable(name: str) -> Grade:
    """What a judge without a language model says to a free question."""
    return Grade(None, f"{name} answers no questions; give a language model (language:ADDRESS)", "unable")


def empty(case: Case) -> bool:
    """Whether an answer has neither words nor pictures."""
    return not any(part.strip() if isinstance(part, str) else part for part in case.answer)


def scaled(share: float, aspect: Aspect, reason: str) -> Grade:
    """A share from 0 to 1 as a grade on an aspect's scale."""
    return Grade(aspect.low + (aspect.high - aspect.low) * min(max(share, 0.0), 1.0), reason)


def told(found: Mapping[str, float], most: int = 3) -> str:
    """The lowest measures in words.

    >>> told({"duplicate_images": 0.5, "finished": 1.0})
    'lowest: duplicate images 0.50, finished 1.00'
    """
    lowest = sorted(found.items(), key=lambda pair: pair[1])[:most]
    return "lowest: " + ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in lowest)
