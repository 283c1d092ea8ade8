"""A small scoring model: grades on a benchmark's scale, learnt from answers with labels.

Two scorers of `limner.evaluate.judges.trained.fit`: of open answers, over the measures of the two judges without a language model, and of
answers to questions with given choices, over those of `limner.evaluate.judges.choosing`. How sure a scorer is, from 0 to 1, is the place of the
grade on the scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from limner.evaluate.judges import choosing, coherent, structural, trained
from limner.evaluate.judges.measured import empty, scaled, unable
from limner.evaluate.judges.trained import Array, Scorer
from limner.evaluate.judges.training import Choice, Measured, chosen, fitted, ranked
from limner.evaluate.judging import Aspect, Case, Grade

Form = str
OPEN, GIVEN = "open", "given choices"


@dataclass(frozen=True)
class Labelled:
    """An answer with its label on the aspect's scale, and the family of answers that it is held against: those to the same request."""

    case: Case
    aspect: Aspect
    label: float
    family: str


def features(case: Case, aspect: Aspect) -> tuple[Form, list[float]]:
    """Whether a case is of given choices, and its measures, NaN for one that is missing."""
    if aspect.reference and (found := choosing.measures(case)):
        return GIVEN, [found[name] for name in choosing.NAMES]
    return OPEN, trained.row({**structural.measures(case), **coherent.coherence().measures(case)})


@dataclass(frozen=True)
class ScoringModel:
    """The scoring model as a judge, by form. Of a form it has not learnt it is `unable`."""

    scorers: Mapping[Form, Scorer]
    choices: Mapping[Form, Choice]
    name: str = "scoring"

    @property
    def settings(self) -> dict[str, str]:
        """See `Judge`."""
        held = {f"{form}.penalty": f"{choice.penalty:g}" for form, choice in self.choices.items()}
        return {"address": self.name, "version": f"structural {structural.VERSION}, coherent {coherent.VERSION}", **held}

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        """See `Judge`."""
        return [self._one(case, aspect) for case in cases]

    def _one(self, case: Case, aspect: Aspect) -> Grade:
        if empty(case):
            return Grade(float(aspect.low), "the answer is empty")
        form, row = features(case, aspect)
        if form not in self.scorers:
            return Grade(None, f"{self.name} has learnt nothing of {form} answers", "unable")
        share = float(_sure(self.scorers[form], np.array([row]))[0])
        return scaled(share, aspect, f"at {share:.2f} of the scale")

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        """See `Judge`: never able."""
        return unable(self.name)


def learnt(sets: Sequence[Sequence[Labelled]], agreement: Callable[[Array, Array], float]) -> ScoringModel:
    """A scoring model of sets of answers, one a set of documents (two at least of each form). Settings are those whose scorers of the other sets
    agree furthest with the labels of the one left out. A form that fewer sets have is not learnt."""
    scorers: dict[Form, Scorer] = {}
    choices: dict[Form, Choice] = {}
    measured = [[(each, *features(each.case, each.aspect)) for each in answers] for answers in sets]
    for form in (OPEN, GIVEN):
        parts: list[tuple[Array, Array, Measured]] = []
        for answers in measured:
            own = [(each, row) for each, kind, row in answers if kind == form]
            rows = np.array([row for _, row in own], float)
            pairs = ranked(rows, [each.label for each, _ in own], [each.family for each, _ in own]) if own else None
            if pairs and pairs.of:
                labels = np.array([(each.label - each.aspect.low) / (each.aspect.high - each.aspect.low) for each, _ in own])
                parts.append((rows, labels, pairs))
        if len(parts) < 2:
            continue

        def scored(scorer: Scorer, held: int, parts: Sequence[tuple[Array, Array, Measured]] = tuple(parts)) -> float:
            rows, labels, _ = parts[held]
            found = agreement(labels, _sure(scorer, rows))
            return 0.0 if math.isnan(found) else found

        choices[form] = chosen([pairs for *_, pairs in parts], scored)
        scorers[form] = fitted([pairs for *_, pairs in parts], choices[form].penalty, choices[form].pairs)
    return ScoringModel(scorers, choices)


def _sure(scorer: Scorer, rows: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(scorer.logits(rows, "whole"), -30, 30)))
