"""The port to judges of interleaved work: a case and what is asked of it in, a grade with its reason out, or how the judge failed.

A judge sees requests and answers as texts and images in order. Two things are asked of one: a grade of an aspect on a scale, and which of some
options holds. One that cannot (a measure without a language model has no answer to a free question) says `unable`, and nothing is guessed for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from limner.experts.language import Content

Failure = Literal["", "timeout", "refused", "nonsense", "error", "unable"]


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: what was asked, what was answered, an answer by the authors (may be empty), and the texts that the answer must hold to."""

    request: tuple[Content, ...]
    answer: tuple[Content, ...]
    reference: tuple[Content, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Aspect:
    """What is graded: a name, what it asks (the rubric), and the ends of its scale. `reference`: whether the authors' answer is shown."""

    name: str
    rubric: str
    low: int = 0
    high: int = 5
    reference: bool = False


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade on the aspect's scale (or the number of the option chosen) and why. Where `failed` says how the judge failed there is no value.

    `raw` is all that the judge wrote, one text for each time it was asked; `repaired` says that the value was read by a rule from an answer that
    was not in the form asked for."""

    value: float | None
    reason: str = ""
    failed: Failure = ""
    raw: tuple[str, ...] = ()
    repaired: bool = False


class Judge(Protocol):
    """Grades cases."""

    @property
    def name(self) -> str:
        """Its address."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """What its grades depend on: version, prompt hash, temperature ... They are part of every result."""
        ...

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        """A grade of each case, in their order."""
        ...

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        """Which of the options answers the question about the case: the number of it, from 0."""
        ...
