"""Answers graded by a judge, aspect by aspect, and answered questions about them, as scores of a benchmark.

An answer that is empty has the lowest grade of each aspect, and nobody is asked. Without a judge the judged measures are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from limner.evaluate.benchmark import Item, Measure, Output, Scored, contents
from limner.evaluate.judging import Aspect, Case, Failure, Grade, Judge

NOTHING = "there is no answer"


@dataclass
class Sheet:
    """Scores as they come in."""

    values: dict[str, float] = field(default_factory=dict[str, float])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    reasons: dict[str, str] = field(default_factory=dict[str, str])

    def put(self, name: str, grade: Grade, value: float | None = None) -> None:
        """A grade under a measure's name; `value` where the score is not the grade's own. A failed one is no score."""
        if grade.value is None or grade.failed:
            self.failed[name] = grade.failed or "error"
        else:
            self.values[name] = grade.value if value is None else value
        if grade.reason:
            self.reasons[name] = grade.reason

    def mean(self, name: str, of: Sequence[str]) -> None:
        """The mean of other measures that this item has. Where one of them failed, it fails with it; what the judge cannot grade at all is left
        out of it, and stands as `unable` under its own name."""
        held = [self.values[each] for each in of if each in self.values]
        failed = [self.failed[each] for each in of if each in self.failed]
        lost = [how for how in failed if how != "unable"] or ([] if held else failed)
        if lost:
            self.failed[name] = lost[0]
        elif held:
            self.values[name] = sum(held) / len(held)

    def scored(self) -> Scored:
        """The scores."""
        return Scored(self.values, self.failed, self.reasons)


def case(item: Item, output: Output, sources: tuple[str, ...] = ()) -> Case:
    """What a judge sees of an item and its answer: all turns of both."""
    request = tuple(part for turn in item.turns for part in contents(turn))
    answer = tuple(part for turn in output.turns for part in turn)
    return Case(request, answer, contents(item.reference), sources)


def graded(item: Item, output: Output, judge: Judge | None, aspects: Sequence[Aspect], overall: str = "") -> Sheet:
    """Grades of an answer under the names of the aspects, and their mean as `overall` where that has a name."""
    sheet = Sheet()
    if judge is None:
        return sheet
    seen = case(item, output)
    for aspect in aspects:
        if empty(output):
            sheet.put(aspect.name, Grade(float(aspect.low), NOTHING))
        else:
            sheet.put(aspect.name, judge.grade([seen], aspect)[0])
    if overall:
        sheet.mean(overall, [aspect.name for aspect in aspects])
    return sheet


def empty(output: Output) -> bool:
    """Whether there is neither a word nor an image in any turn."""
    return not any(part.strip() for turn in output.turns for part in turn)


def holds(judge: Judge, seen: Case, question: str) -> tuple[bool | None, Failure, str]:
    """Whether a question of yes or no is answered with yes; None where the judge failed, with how; and its reason."""
    grade = judge.choose(seen, question, ("yes", "no"))
    if grade.value is None or grade.failed:
        return None, grade.failed or "error", grade.reason
    return grade.value == 0, "", grade.reason


def measures(
    aspects: Sequence[Aspect], overall: str = "", says: str = "the mean of the aspects that the judge can grade"
) -> list[Measure]:
    """The measures that `graded` gives, the overall one first."""
    low, high = min(a.low for a in aspects), max(a.high for a in aspects)
    first = [Measure(overall, says, low, high, judged=True)] if overall else []
    return first + [Measure(a.name, a.rubric.partition(":")[0], a.low, a.high, judged=True) for a in aspects]


def weighted(scores: Mapping[str, float], weights: Mapping[str, float]) -> float | None:
    """The sum of scores by category, each times its weight; None where one is missing."""
    if any(name not in scores for name in weights):
        return None
    return sum(weight * scores[name] for name, weight in weights.items())
