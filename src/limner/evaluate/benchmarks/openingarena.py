"""What OpenING's arena publishes: verdicts between two systems, grades by seven criteria, and tables made of them.

A verdict names an item, two systems and who won: `A`, `B`, `Tie(A)` or `Tie(B)`, where a tie says which side it leans to (forced to choose, the
judge would have named it). A grade is what a judge wrote of one answer. Statistics of them are in `limner.evaluate.statistics`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from limner.evaluate.benchmark import BenchmarkError
from limner.evaluate.benchmarks.files import Row, opened, rows
from limner.evaluate.benchmarks.opening import ASPECTS

Winner = Literal["A", "B", "Tie(A)", "Tie(B)", "Tie"]
WINNERS: Sequence[Winner] = ("A", "B", "Tie(A)", "Tie(B)", "Tie")

CRITERIA = tuple(aspect.name for aspect in ASPECTS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One meeting of two systems on an item."""

    item: str
    a: str
    b: str
    winner: Winner

    @property
    def meeting(self) -> tuple[str, str, str]:
        """What two judges' verdicts are matched by."""
        return self.item, self.a, self.b


@dataclass(frozen=True, slots=True)
class Grades:
    """The grades of one system's answer to an item, by criterion."""

    item: str
    system: str
    grades: Mapping[str, float]


def verdicts(file: Path) -> list[Verdict]:
    """The verdicts of a file; of a meeting that is judged more than once the last, as the authors' scripts have it. Raises `BenchmarkError` for a
    record that is none."""
    found: dict[tuple[str, str, str], Verdict] = {}
    for row in _rows(file):
        winner = row.text("winner")
        if winner not in WINNERS:
            raise row.wrong(f"its winner is {winner[:40]!r}, none of {', '.join(WINNERS)}")
        one = Verdict(_id(row), row.row("model_A").text("name"), row.row("model_B").text("name"), cast("Winner", winner))
        found[one.meeting] = one
    return list(found.values())


def grades(file: Path) -> Iterator[Grades]:
    """The grades of a file of judged answers. An answer whose judge gave nothing, or nothing for one of the criteria, has none: it is left out, as
    in the authors' summary; `unjudged` counts them."""
    for row in _rows(file):
        if held := _grades(row):
            yield Grades(_id(row), row.row("model").text("name"), held)


def unjudged(file: Path) -> int:
    """How many answers of a file have no grade."""
    return sum(not _grades(row) for row in _rows(file))


def table(found: Sequence[Grades]) -> dict[str, dict[str, float]]:
    """By system, the mean of each criterion to two places, and `Overall`, the mean of those rounded means to two places: the authors' arithmetic."""
    by: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        for name, grade in one.grades.items():
            by[one.system][name].append(grade)
    out: dict[str, dict[str, float]] = {}
    for system, columns in by.items():
        means = {name: round(sum(values) / len(values), 2) for name, values in columns.items()}
        out[system] = means | {"Overall": round(sum(means.values()) / len(means), 2)}
    return out


def published_table(file: Path) -> dict[str, dict[str, float]]:
    """The authors' `model_score_summaries.csv` in the form of `table`."""
    return {row.text("Model_Name"): {name: row.number(name) for name in (*CRITERIA, "Overall")} for row in _rows(file)}


def _grades(row: Row) -> dict[str, float]:
    if not row.has("score"):
        return {}
    given = row.row("score")
    given = given.row("scores") if given.has("scores") else given
    out: dict[str, float] = {}
    for name in CRITERIA:
        if not given.has(name) or not given.row(name).has("Score"):
            return {}
        grade = given.row(name).number("Score")
        if not 0 <= grade <= 10:
            raise given.wrong(f"{name} is {grade:g}, outside of 0 to 10")
        out[name] = grade
    return out


def _id(row: Row) -> str:
    return row.text("data_id") if row.has("data_id") else row.text("instance_id")


def _rows(file: Path) -> Iterator[Row]:
    if not file.is_file():
        raise BenchmarkError(f"{file} is not a file")
    return rows(opened(file.parent, "the arena's files"), file.name)
