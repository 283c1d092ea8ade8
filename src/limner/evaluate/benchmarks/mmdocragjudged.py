"""The judged answers that MMDocRAG's authors publish: five grades of each answer, as their judge wrote them.

The judge was asked for a JSON object and not always gave the names asked for (" Citation Quality", "'Fluency'"). The authors' script counts a
grade under another name as 0; `average` gives both readings, theirs and one that knows a name by its letters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner.evaluate.benchmark import BenchmarkError
from limner.evaluate.benchmarks.files import Row, opened, rows
from limner.evaluate.benchmarks.mmdocrag import ASPECTS

NAMES = tuple(aspect.name for aspect in ASPECTS)
_LETTERS = re.compile(r"[^a-z]")
_KNOWN = {_LETTERS.sub("", name.lower()): name for name in NAMES}


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """Grades of an answer: under exactly the names asked for, and under names that are meant."""

    item: int
    exact: Mapping[str, float]
    meant: Mapping[str, float]

    @property
    def whole(self) -> bool:
        """Whether all five grades are there, by what is meant."""
        return len(self.meant) == len(NAMES)


def judged(file: Path) -> list[JudgedAnswer]:
    """The answers of a `*_llm-judge.jsonl`, in its order. Raises `BenchmarkError` for a grade that is no number from 0 to 5."""
    if not file.is_file():
        raise BenchmarkError(f"{file} is not a file")
    return [_judged(row) for row in rows(opened(file.parent, "judged answers"), file.name)]


def average(answers: Sequence[JudgedAnswer], as_published: bool) -> dict[str, float]:
    """The mean of each aspect and of all (`Avg`). `as_published`: a grade that is not under its exact name is 0, over all answers; else names
    are taken as meant, over the answers that have all five."""
    if as_published:
        means = {name: sum(answer.exact.get(name, 0.0) for answer in answers) / len(answers) for name in NAMES}
    else:
        whole = [answer for answer in answers if answer.whole]
        means = {name: sum(answer.meant[name] for answer in whole) / len(whole) for name in NAMES}
    return means | {"Avg": sum(means.values()) / len(means)}


def _judged(row: Row) -> JudgedAnswer:
    given = row.get("response")
    exact: dict[str, float] = {}
    meant: dict[str, float] = {}
    if isinstance(given, dict):
        grades = row.row("response")
        for name in map(str, grades.values):
            known = _KNOWN.get(_LETTERS.sub("", name.lower()))
            if known is None:
                continue
            grade = grades.number(name)
            if not 0 <= grade <= 5:
                raise grades.wrong(f"{name} is {grade:g}, outside of 0 to 5")
            meant[known] = grade
            if name == known:
                exact[known] = grade
    return JudgedAnswer(row.whole("q_id"), exact, meant)
