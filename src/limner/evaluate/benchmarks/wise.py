"""WISE: prompts whose picture one must know the world to draw, in two editions.

`wise`           the paper's: consistency, realism and aesthetic quality from 0 to 2, WiScore = (0.7 c + 0.2 r + 0.1 a) / 2, and in all
                 0.4 culture + 0.167 time + 0.133 space + 0.1 each of biology, physics and chemistry
`wise-verified`  the authors' update of 2026, about 200 prompts changed: one score of 0 or 1, in all 0.4 culture + 0.12 each of the rest

The category of a prompt is told by its number. Rubrics are limner's own, so that scores are not the paper's. `overall` weighs categories,
`leaderboard` reads the table of the authors' repository.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner.evaluate.benchmark import Item, Measure, Output, Scored, contents, conversation
from limner.evaluate.benchmarks.files import Row, markdown_table, opened, rows
from limner.evaluate.benchmarks.grading import NOTHING, Sheet, weighted
from limner.evaluate.judging import Aspect, Case, Grade, Judge
from limner.experts.language import Content, Message, Sampling

CONSISTENCY, REALISM, AESTHETIC, VERIFIED = (
    Aspect(
        "consistency",
        "what the prompt means: the explanation says what must be seen. 2 where the picture shows it wholly, 1 in part, 0 not at all, "
        "however well it is drawn.",
        0,
        2,
    ),
    Aspect(
        "realism",
        "whether it looks real: 2 as a photograph of the world, 1 with mistakes that one sees, 0 broken or against nature.",
        0,
        2,
    ),
    Aspect("aesthetic quality", "whether it is pleasing: 2 well composed and coloured, 1 ordinary, 0 poor.", 0, 2),
    Aspect(
        "score",
        "whether the picture is right: the explanation says what must be seen. 1 where it shows that, is as the world is, and is good enough to "
        "tell; 0 where the knowledge is missed, a relation is wrong, or one cannot tell.",
        0,
        1,
    ),
)


@dataclass(frozen=True)
class Edition:
    """An edition of the prompts: its files, its categories by the last number of each, their weights, and what is graded."""

    files: Sequence[str]
    ends: Mapping[str, int]
    weights: Mapping[str, float]
    aspects: Mapping[Aspect, float]
    """Each with its weight, of grades as shares of their scale."""


_STEMS = ("cultural_common_sense", "spatio-temporal_reasoning", "natural_science")
LEGACY = Edition(
    tuple(f"{stem}.json" for stem in _STEMS),
    {"culture": 400, "time": 567, "space": 700, "biology": 800, "physics": 900, "chemistry": 1000},
    {"culture": 0.4, "time": 0.167, "space": 0.133, "biology": 0.1, "physics": 0.1, "chemistry": 0.1},
    {CONSISTENCY: 0.7, REALISM: 0.2, AESTHETIC: 0.1},
)
UPDATED = Edition(
    tuple(f"{stem}_verified.json" for stem in _STEMS),
    {"culture": 400, "time": 520, "space": 640, "biology": 760, "physics": 880, "chemistry": 1000},
    {"culture": 0.4, "time": 0.12, "space": 0.12, "biology": 0.12, "physics": 0.12, "chemistry": 0.12},
    {VERIFIED: 1.0},
)

_FOLDERS = ("", "data/", "data_verified/", "WISE_legacy/data/")


class WiseBench:
    """The benchmark; `WISE` and `WISE_VERIFIED` are its editions."""

    title = "WISE"
    reference = (
        "Niu et al., WISE: A World Knowledge-Informed Semantic Evaluation for Text-to-Image Generation, arXiv 2503.07265; "
        "github.com/PKU-YuanGroup/WISE"
    )
    sampling = Sampling(tokens=16, images=1, least_images=1)
    ranks = False

    def __init__(self, name: str, edition: Edition) -> None:
        self.name = name
        self.edition = edition
        self.files = f"{', '.join(edition.files)} of the authors' repository"
        several = [
            Measure(a.name, a.rubric.partition(":")[0], a.low, a.high, judged=True)
            for a in edition.aspects
            if len(edition.aspects) > 1
        ]
        self.measures: Sequence[Measure] = (Measure("WiScore", "the grades, weighed", judged=True), *several)

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a prompt."""
        folder = opened(data, self.files)
        for file in self.edition.files:
            name = next((where + file for where in _FOLDERS if folder.path(where + file)), file)
            for row in rows(folder, name):
                yield _item(row, self.edition)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The prompt, plainly."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """The grades of the first image, and the score that they make."""
        if judge is None:
            return Scored({})
        sheet, aspects = Sheet(), self.edition.aspects
        seen = Case((*contents(item.asked), f"Explanation: {item.expected['explanation']}"), output.images[:1])
        for aspect in aspects:
            sheet.put(aspect.name, judge.grade([seen], aspect)[0] if output.images else Grade(float(aspect.low), NOTHING))
        if failed := next((sheet.failed[a.name] for a in aspects if a.name in sheet.failed), ""):
            sheet.failed["WiScore"] = failed
        else:
            sheet.values["WiScore"] = wiscore({a.name: sheet.values[a.name] for a in aspects}, self.edition)
        if len(aspects) == 1:
            sheet.values.pop(VERIFIED.name, None)
            sheet.failed.pop(VERIFIED.name, None)
        return sheet.scored()


def wiscore(grades: Mapping[str, float], edition: Edition = LEGACY) -> float:
    """The score of a picture, 0 to 1.

    >>> wiscore({"consistency": 2, "realism": 1, "aesthetic quality": 0})
    0.7999999999999999
    """
    return sum(weight * grades[aspect.name] / aspect.high for aspect, weight in edition.aspects.items())


def overall(by_category: Mapping[str, float], edition: Edition = LEGACY) -> float | None:
    """The score in all, None where a category is missing."""
    return weighted(by_category, edition.weights)


def leaderboard(file: Path) -> dict[str, dict[str, float]]:
    """A table of the authors' with a column for each category and `Overall`: by model, scores by category and `overall`."""
    columns = {name.upper(): name for name in LEGACY.ends} | {"Overall": "overall"}
    found = markdown_table(opened(file.parent, "the leaderboard"), file.name, "Model", *columns)
    return {row.text("Model"): {name: row.number(column) for column, name in columns.items()} for row in found}


def _item(row: Row, edition: Edition) -> Item:
    number = row.whole("prompt_id")
    category = next((name for name, end in edition.ends.items() if 0 < number <= end), "")
    if not category:
        raise row.wrong(f"prompt_id is {number}, outside of 1 to 1000")
    categories = {"category": category, "subcategory": row.text("Subcategory", "")}
    return Item(str(number), ((row.text("Prompt"),),), {"explanation": row.text("Explanation")}, categories=categories)


WISE = WiseBench("wise", LEGACY)
WISE_VERIFIED = WiseBench("wise-verified", UPDATED)
