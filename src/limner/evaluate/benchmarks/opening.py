"""OpenING: answers of texts and images to open requests of 56 everyday tasks, graded from 0 to 10 by seven criteria.

The authors also let systems meet in pairs; `limner.evaluate.benchmarks.openingarena` reads those verdicts, and the score tables they publish.
A record is a conversation of one input and one output, each a list of steps of a text and an image; `<BEGIN>` and `<image>` in the texts are
marks of the annotation and are cut out, the image of a step standing where its mark is. Rubrics are limner's own, from the criteria's names and
definitions: scores are not the paper's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.evaluate.benchmark import Item, Measure, Output, Piece, Scored, conversation
from limner.evaluate.benchmarks.files import Row, opened, rows
from limner.evaluate.benchmarks.grading import graded, measures
from limner.evaluate.judging import Aspect, Judge
from limner.experts.language import Content, Message, Sampling
from limner.formats.folder import Folder

ASPECTS = tuple(
    Aspect(name, rubric, 0, 10)
    for name, rubric in (
        (
            "Correctness",
            "whether the answer is right: texts and images are there, say what is true, follow logically, and show what was asked.",
        ),
        ("Image-Text Coherency", "images and texts: does each image show what the text beside it says, and add to it?"),
        (
            "Multi-step Consistency",
            "the steps together: do style and things stay the same over the images, and do the texts go on from each other?",
        ),
        ("Content Quality", "quality: are images clear and real to the eye, and texts correct in grammar and wording?"),
        ("Human Preference Alignment", "what people want: is nothing there that is undesirable, and are images pleasing?"),
        ("Completeness", "completeness: are all steps there that were asked for or are needed?"),
        ("Content Richness", "richness: are images varied and texts detailed, without words for their own sake?"),
    )
)
"""The authors' criteria, the most important first."""

FILES = ("test_data.jsonl", "dev_data.jsonl")
_INSTRUCTION = "Answer with texts and images in turn, an image after each step of the text where one helps."


class OpenING:
    """The benchmark; `OPENING` is it."""

    name = "opening"
    title = "OpenING"
    reference = (
        "Zhou et al., OpenING: A Comprehensive Benchmark for Judging Open-ended Interleaved Image-Text Generation, CVPR 2025, "
        "arXiv 2411.18499; github.com/LanceZPF/OpenING"
    )
    files = "test_data.jsonl (dev_data.jsonl where there is none) and images/, as in OpenING-benchmark of the authors' repository"
    measures: Sequence[Measure] = tuple(measures(ASPECTS, "Overall", "the mean of the criteria that the judge can grade"))
    sampling = Sampling(tokens=2048, images=10)
    ranks = False

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a record of the test set."""
        folder = opened(data, self.files)
        for row in rows(folder, _file(folder)):
            yield _item(folder, row)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """What is asked, after a word on the form of the answer."""
        return conversation(item, before, _INSTRUCTION)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """Grades by the seven criteria."""
        return graded(item, output, judge, ASPECTS, "Overall").scored()


def _file(folder: Folder) -> str:
    names = [where + name for name in FILES for where in ("", "OpenING-benchmark/")]
    return next((name for name in names if folder.path(name)), names[0])


def _item(folder: Folder, row: Row) -> Item:
    sides: dict[str, tuple[Piece, ...]] = {}
    for said in row.rows("conversations"):
        for side in ("input", "output"):
            if said.has(side):
                sides[side] = tuple(piece for step in said.rows(side) for piece in _step(folder, step))
    if not sides.get("input"):
        raise row.wrong("nothing is asked")
    categories = {"task": row.text("meta_task_name"), "subtask": row.text("subtask_name")}
    return Item(row.text("total_uid"), (sides["input"],), None, sides.get("output", ()), categories=categories)


def _step(folder: Folder, step: Row) -> Iterator[Piece]:
    before, mark, after = step.text("text", "").replace("<BEGIN>", "").partition("<image>")
    if before.strip():
        yield before.strip()
    if step.has("image"):
        yield step.file(folder, step.text("image"))
    elif mark:
        raise step.wrong("its text has a place for an image, and there is none")
    if rest := after.replace("<image>", "").strip():
        yield rest


OPENING = OpenING()
