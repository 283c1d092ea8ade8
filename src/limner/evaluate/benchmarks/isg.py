"""ISG-Bench: are texts and images there in the order asked for, in the relations asked for, and do the images show what they must?

Each record has a scene graph of the expected answer: its sequence of texts and images, relations between blocks as questions, and what each image
must show as questions of yes or no, some of which depend on others. Four levels are scored:

structure  the sequence of texts and images is that of the authors' answer; 0 or 1
block      a grade from 1 to 10 of each relation between two blocks; the mean
image      the share of questions about single images that are answered with yes
holistic   a grade from 1 to 10 of the whole answer, which sees the authors' answer

As in the authors' script an answer of another structure has a block score of 1 and an image score of 0, relations to the whole answer (`<all>`) are
not asked, and blocks are numbered in their order (`<gen_img2>`). Two things differ and are said here: a question that depends on others is asked
where those are answered with yes, as the paper has it (the script as published never asks it, and counts it as no), and texts that follow each
other in an answer are one block. The wording of the judge's questions is limner's own: scores are not the paper's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from limner.evaluate.benchmark import Item, Measure, Output, Piece, Scored, contents, conversation
from limner.evaluate.benchmarks.files import Row, one_of, opened, rows
from limner.evaluate.benchmarks.grading import NOTHING, Sheet, case, empty, holds
from limner.evaluate.judging import Aspect, Case, Grade, Judge
from limner.experts.language import Content, Message, Sampling
from limner.formats.folder import Folder

GROUPS: Mapping[str, Sequence[str]] = {
    "style transfer": ("Art Style Transfer", "Scene Attribute Transfer", "Photo Variation", "Portrait Variation"),
    "progressive": ("Animation Images", "Animation Text-Image", "Attribute Transfer"),
    "3D scene": ("3D_object", "multi-Perspective Scene Generation"),
    "image decomposition": ("Realistic Object Detection", "Imaginary Object Detection"),
    "image-text complementation": ("HowTo", "Scientific"),
    "temporal prediction": ("Prediction", "painting"),
    "visual story telling": ("visual storytelling text-image", "visual storytelling image", "visual storytelling text"),
    "VQA": ("Object_VQA", "Historical"),
}
"""The eight categories of the paper's table, and the tasks in each, as the authors' script has them; other tasks are `other`."""

BLOCK = Aspect(
    "block",
    "relation: two blocks of an interleaved answer, and a question about how they are related. Grade how well what the question asks holds: "
    "10 where it holds in every respect, 1 where it does not hold at all.",
    1,
    10,
)
HOLISTIC = Aspect(
    "holistic",
    "the whole answer: texts and images together. Weigh whether they work together as one message; whether what is said and shown is right; "
    "whether it answers what was asked; whether each image fits the text around it; and whether it is imaginative. 10 is flawless, 1 has no worth. "
    "The authors' answer shows one good way, not the only one.",
    1,
    10,
    reference=True,
)

_NAME = re.compile(r"<(?:gen|query)_(?:text|img)\d+>")
_INSTRUCTION = "Answer with texts and images, in the order and the number asked for."
_QUESTIONS = 500  # of one record


class InterleavedSceneGraph:
    """The benchmark; `ISG` is it."""

    name = "isg"
    title = "ISG-Bench"
    reference = (
        "Chen et al., Interleaved Scene Graphs for Interleaved Text-and-Image Generation Assessment, ICLR 2025, arXiv 2411.17188; "
        "github.com/Dongping-Chen/ISG"
    )
    files = "ISG-Bench.jsonl and images/ (hf.co/datasets/shuaishuaicdp/ISG-Bench); the schema of its readme, not checked on the real file here"
    measures: Sequence[Measure] = (
        Measure("holistic", "the whole answer, beside the authors'", 1, 10, judged=True),
        Measure("structure", "texts and images stand in the order of the authors' answer"),
        Measure("block", "relations between blocks", 1, 10, judged=True),
        Measure("image", "questions about single images answered with yes", judged=True),
    )
    sampling = Sampling(tokens=2048, images=12)
    ranks = False

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a record."""
        folder = opened(data, self.files)
        for row in rows(folder, one_of(folder, "ISG-Bench.jsonl", "ISG_eval/ISG-Bench.jsonl")):
            yield _item(folder, row)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """What is asked, after a word on the form of the answer."""
        return conversation(item, before, _INSTRUCTION)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """The four levels; without a judge, the structure."""
        blocks = contents(merged(output.parts))
        sheet = Sheet()
        same = [_kind(block) for block in blocks] == item.expected["structure"]
        sheet.values["structure"] = float(same)
        if judge is not None:
            names = named(contents(item.asked), "query") | named(blocks, "gen")
            _relations(sheet, item.expected["block"], names if same else {}, judge)
            _questions(sheet, item.expected["image"], names if same else {}, judge)
            lowest = Grade(float(HOLISTIC.low), NOTHING)
            sheet.put("holistic", lowest if empty(output) else judge.grade([case(item, output)], HOLISTIC)[0])
        return sheet.scored()


def merged(parts: Sequence[Piece]) -> list[Piece]:
    """Blocks of an answer: texts that follow each other become one, blank ones go.

    >>> merged(["a", " ", "b", b"png"])
    ['a\\nb', b'png']
    """
    out: list[Piece] = []
    for part in parts:
        if isinstance(part, str):
            if not part.strip():
                continue
            if out and isinstance(last := out[-1], str):
                out[-1] = f"{last}\n{part.strip()}"
                continue
            part = part.strip()
        out.append(part)
    return out


def named(blocks: Sequence[Content], side: str) -> dict[str, Content]:
    """Blocks under the names that scene graphs give them.

    >>> sorted(named(["a", b"png"], "gen"))
    ['<gen_img1>', '<gen_text1>']
    """
    counts = {"text": 0, "img": 0}
    out: dict[str, Content] = {}
    for block in blocks:
        kind = "text" if isinstance(block, str) else "img"
        counts[kind] += 1
        out[f"<{side}_{kind}{counts[kind]}>"] = block
    return out


def _relations(sheet: Sheet, asked: Sequence[Mapping[str, str]], names: Mapping[str, Content], judge: Judge) -> None:
    """The mean grade of the relations whose blocks are there."""
    if not asked:
        return
    grades: list[Grade] = []
    for each in asked:
        if each["subject"] in names and each["object"] in names:
            question = each["question"].replace(each["subject"], "the first block").replace(each["object"], "the second block")
            pair = (names[each["subject"]], names[each["object"]])
            grades.append(judge.grade([Case((_NAME.sub("the block", question),), pair)], BLOCK)[0])
    if failed := next((grade for grade in grades if grade.value is None or grade.failed), None):
        sheet.put("block", failed)
    elif grades:
        reasons = " / ".join(grade.reason for grade in grades if grade.reason)
        sheet.put("block", Grade(sum(grade.value or 0.0 for grade in grades) / len(grades), reasons))
    else:
        sheet.put("block", Grade(float(BLOCK.low), "another structure, or none of its blocks"))


def _questions(sheet: Sheet, asked: Sequence[Mapping[str, Any]], names: Mapping[str, Content], judge: Judge) -> None:
    """The share of questions that are answered with yes. One whose preliminary questions are not all is not asked, and counts as no."""
    if not asked:
        return
    yes: set[int] = set()
    for each in asked:
        if each["image"] not in names or not set(each["after"]) <= yes:
            continue
        held, failed, reason = holds(judge, Case((), (names[each["image"]],)), each["question"])
        if held is None:
            sheet.put("image", Grade(None, reason, failed))
            return
        if held:
            yes.add(each["id"])
    sheet.values["image"] = len(yes) / len(asked)


def _kind(block: Piece) -> str:
    return "text" if isinstance(block, str) else "image"


def _item(folder: Folder, row: Row) -> Item:
    asked, golden = _pieces(folder, row, "Query"), _pieces(folder, row, "Golden")
    predicted = row.row("predict")
    task = row.text("Category")
    group = next((name for name, tasks in GROUPS.items() if task in tasks), "other")
    expected = {
        "structure": [_kind(piece) for piece in merged(golden)],
        "block": [
            _relation(one)
            for one in _listed(predicted, "block_qa")
            if one.has("subject") and one.has("object") and one.has("Question")
        ],
        "image": [_question(one) for one in _listed(predicted, "image_qa")],
    }
    return Item(row.text("id"), (asked,), expected, golden, categories={"category": group, "task": task})


def _pieces(folder: Folder, row: Row, name: str) -> tuple[Piece, ...]:
    out: list[Piece] = []
    for part in row.rows(name):
        kind, content = part.text("type"), part.text("content")
        if kind not in ("text", "image"):
            raise part.wrong(f"its type is {kind!r}, neither text nor image")
        out.append(content if kind == "text" else part.file(folder, content))
    return tuple(out)


def _listed(row: Row, name: str) -> list[Row]:
    """Questions: a list, or an object whose first entry is one; records come in both."""
    if not row.has(name):
        return []
    found = row.get(name)
    one = row if isinstance(found, list) else row.row(name)
    listed = one.rows(name if one is row else next(iter(one.values)))
    if len(listed) > _QUESTIONS:
        raise row.wrong(f"{name} has {len(listed)} questions, more than {_QUESTIONS}")
    return listed


def _relation(one: Row) -> dict[str, str]:
    return {"subject": one.text("subject"), "object": one.text("object"), "question": one.text("Question")}


def _question(one: Row) -> dict[str, Any]:
    after = one.list("Preliminary", [])
    if not all(isinstance(each, int) for each in after):
        raise one.wrong("Preliminary has something other than numbers of questions in it")
    return {"id": one.whole("id"), "image": one.text("image"), "question": one.text("Question"), "after": after}


ISG = InterleavedSceneGraph()
