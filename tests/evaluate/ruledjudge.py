"""A judge that keeps to a rule given by a test, and small pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

from PIL import Image

from limner.evaluate.judging import Aspect, Case, Grade

Rule = Callable[[Case, Aspect], float | None]
Choice = Callable[[Case, str], bool | None]


class RuledJudge:
    """Grades by a rule and answers questions of yes or no by another; None is a failure, a timeout."""

    name = "ruled"
    settings: Mapping[str, str] = {}

    def __init__(
        self, grades: Rule = lambda case, aspect: float(aspect.high), says: Choice = lambda case, question: True
    ) -> None:
        self._grades, self._says = grades, says

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        """By the rule."""
        return [_grade(self._grades(case, aspect)) for case in cases]

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        """Option 0 for yes."""
        said = self._says(case, question)
        return _grade(None if said is None else float(not said))


def _grade(value: float | None) -> Grade:
    return Grade(value, "by the rule") if value is not None else Grade(None, failed="timeout")


def picture(colour: str, size: tuple[int, int] = (8, 6)) -> bytes:
    """A PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()
