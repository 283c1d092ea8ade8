"""A judge for tests that answers by a rule of the test's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from limner.evaluate.judging import Aspect, Case, Grade


@dataclass
class Saying:
    """`choose` is told by `says(case, question)`: the option, or a `Grade`; `grade` by `grades(case, aspect)`. What it was asked is kept."""

    says: Callable[[Case, str], str | Grade] = lambda case, question: "yes"
    grades: Callable[[Case, Aspect], float] = lambda case, aspect: aspect.high
    asked: list[str] = field(default_factory=list[str])
    name: str = "saying"
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        """See `Judge`."""
        self.asked.append(aspect.name)
        return [Grade(self.grades(case, aspect), "by rule") for case in cases]

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        """See `Judge`."""
        self.asked.append(question)
        said = self.says(case, question)
        return said if isinstance(said, Grade) else Grade(float(options.index(said)), "by rule")
