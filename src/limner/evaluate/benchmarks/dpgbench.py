"""DPG-Bench: 1,065 dense prompts, each with a graph of questions of yes or no about its image (Davidsonian scene graphs, arXiv 2310.18235).

A question whose parent is answered with no counts as no, whatever is said of it: a hat cannot be red that is not there. The authors' scorer is
mPLUG-large; scores by another judge are not the paper's. Their program leaves out the first line of its table, which is read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from limner.evaluate.benchmark import Item, Measure, Output, Scored, contents, conversation
from limner.evaluate.benchmarks.files import Row, one_of, opened, rows
from limner.evaluate.benchmarks.grading import Sheet, holds
from limner.evaluate.judging import Case, Judge
from limner.experts.language import Content, Message, Sampling

CATEGORIES = ("global", "entity", "attribute", "relation", "other")

_PICTURES = 4  # of an answer, as many as the authors ask for
_QUESTIONS = 500


class DpgBench:
    """The benchmark; `DPG_BENCH` is it."""

    name = "dpg-bench"
    title = "DPG-Bench"
    reference = "Hu et al., ELLA, arXiv 2403.05135; github.com/TencentQQGYLab/ELLA"
    files = "dpg_bench.csv of TencentQQGYLab/ELLA (columns as its compute_dpg_bench.py reads them; the file itself could not be had here)"
    measures: Sequence[Measure] = (
        Measure("score", "the questions answered with yes, parents and all; the mean over the answer's images", judged=True),
        *(
            Measure(name, f"the questions about {name} answered with yes, whatever their parents", judged=True)
            for name in CATEGORIES
        ),
    )
    sampling = Sampling(tokens=64, images=1, least_images=1)
    ranks = False

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a prompt, whose questions stand in lines one after the other."""
        folder = opened(data, self.files)
        found = rows(folder, one_of(folder, "dpg_bench.csv", "dpg_bench/dpg_bench.csv"))
        for _, lines in groupby(found, lambda row: row.text("item_id")):
            yield _item(list(lines))

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The prompt."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """The mean over the images of the answer, four at most; without any all is 0."""
        if judge is None:
            return Scored({})
        graph = [Question(**each) for each in item.expected]
        if not output.images:
            return Scored(dict.fromkeys(["score", *(q.category for q in graph)], 0.0), reasons={"score": "there is no image"})
        told = [answered(graph, Case(contents(item.asked), (image,)), judge) for image in output.images[:_PICTURES]]
        sheet = Sheet()
        for category in sorted({q.category for q in graph}):
            of = [q.id for q in graph if q.category == category]
            _mean(sheet, category, [answers.yes.get(n) for answers in told for n in of], told)
        _mean(sheet, "score", [held for answers in told for held in satisfied(graph, answers.yes).values()], told)
        if missing := [q.text for q in graph if told[0].yes.get(q.id) is False]:
            sheet.reasons["score"] = "no: " + " ".join(missing)
        return sheet.scored()


def _mean(sheet: Sheet, name: str, of: Sequence[bool | None], told: Sequence[Answers]) -> None:
    held = [float(yes) for yes in of if yes is not None]
    if len(held) < len(of):
        sheet.failed[name] = next(answers.failed for answers in told if answers.failed)
    else:
        sheet.values[name] = sum(held) / len(held)


@dataclass(frozen=True, slots=True)
class Question:
    """A question of a graph: its number, those it depends on, what it asks, and what of."""

    id: int
    parents: Sequence[int]
    text: str
    category: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What a judge says to questions by their numbers; those it failed at are left out, and `failed` says how."""

    yes: Mapping[int, bool]
    failed: str = ""


def answered(graph: Sequence[Question], seen: Case, judge: Judge) -> Answers:
    """What a judge says to each question."""
    yes: dict[int, bool] = {}
    how = ""
    for question in graph:
        said, failed, _ = holds(judge, seen, question.text)
        if said is None:
            how = failed
        else:
            yes[question.id] = said
    return Answers(yes, how)


def ordered(graph: Sequence[Question]) -> list[Question]:
    """The questions, each after its parents."""
    placed: dict[int, Question] = {}
    left = list(graph)
    while left:
        ready = [q for q in left if all(parent in placed for parent in q.parents)]
        placed.update({q.id: q for q in ready})
        left = [q for q in left if q.id not in placed]
        if not ready:
            raise ValueError("the questions depend on each other in a ring")
    return list(placed.values())


def satisfied(graph: Sequence[Question], yes: Mapping[int, bool]) -> dict[int, bool | None]:
    """What holds of each question: no where it or one it depends on is answered with no; None where that is not known."""
    found: dict[int, bool | None] = {}
    for question in ordered(graph):
        of = [found[parent] for parent in question.parents] + [yes.get(question.id)]
        found[question.id] = False if False in of else None if None in of else True
    return found


def _item(lines: list[Row]) -> Item:
    first = lines[0]
    if len(lines) > _QUESTIONS:
        raise first.wrong(f"{len(lines)} questions about one image")
    graph: list[dict[str, Any]] = []
    for row in lines:
        try:
            parents = [int(part) for part in row.text("dependency").split(",") if int(part)]
        except ValueError:
            raise row.wrong(f"dependency is {row.text('dependency')[:40]!r}, not numbers between commas") from None
        category = row.text("category_broad").strip().lower()
        if category not in CATEGORIES:
            raise row.wrong(f"category_broad is {category[:40]!r}, not one of {', '.join(CATEGORIES)}")
        graph.append({
            "id": row.whole("proposition_id"), "parents": parents, "text": row.text("question_natural_language"), "category": category,
        })  # fmt: skip
    known = {each["id"] for each in graph}
    if len(known) != len(graph):
        raise first.wrong("two of its questions have one number")
    if unknown := {parent for each in graph for parent in each["parents"]} - known:
        raise first.wrong(f"a question depends on {sorted(unknown)[0]}, which there is not")
    try:
        ordered([Question(**each) for each in graph])
    except ValueError as error:
        raise first.wrong(str(error)) from None
    return Item(first.text("item_id"), ((first.text("text"),),), graph)


DPG_BENCH = DpgBench()
