"""IDEA-Bench: professional design, from texts and images to one image or many, by six questions of yes or no for each case.

A case is a folder: `instruction.txt`, `meta.json`, its images, and either `auto_eval.jsonl` (the 18 tasks that the authors score by a model, each
question with the images it is about) or `eval.json` (questions for people). Questions come in three tiers of two: where one of the first two is
answered with no, the rest count as no; likewise the last two, where one of the middle two is. A question about the number of images is answered
by counting. The authors show the judge all images stitched into one, three times, and take Gemini 1.5 Pro; here a judge sees them one after the
other, once: scores are not the paper's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from limner.evaluate.benchmark import BenchmarkError, Item, Measure, Output, Piece, Scored, contents, conversation
from limner.evaluate.benchmarks.files import Row, below, opened, rows, whole
from limner.evaluate.benchmarks.grading import Sheet
from limner.evaluate.judging import Aspect, Case, Grade, Judge
from limner.experts.language import Content, Message, Sampling
from limner.formats.folder import Folder

_INSTRUCTION = "Draw what is asked for. Answer with the image, or the images in their order."
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_PLACE = re.compile(r"<(?:image|img)\s*_?(\d+)>", re.IGNORECASE)
_COUNTED = re.compile(r"is the number in the image the digit\D{0,20}(\d+)", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)\.\w+$")
_LONGEST = 1 << 20


class IDEABench:
    """The benchmark; `IDEA_BENCH` is it."""

    name = "idea-bench"
    title = "IDEA-Bench"
    reference = (
        "Liang et al., IDEA-Bench: How Far are Generative Models from Professional Designing?, CVPR 2025, arXiv 2412.11767; "
        "github.com/ali-vilab/IDEA-Bench"
    )
    files = (
        "the folders of the cases (hf.co/datasets/ali-vilab/IDEA-Bench); the schema of the card and the authors' scripts, not checked on the "
        "real files here"
    )
    measures: Sequence[Measure] = (Measure("score", "questions answered with yes, in tiers", judged=True),)
    sampling = Sampling(tokens=64, images=16, least_images=1)
    ranks = False

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a case that has questions."""
        folder = opened(data, self.files)
        for name in below(folder, "", "meta.json"):
            yield _item(folder, name.removesuffix("meta.json"))

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The instruction with its images."""
        return conversation(item, before, _INSTRUCTION)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """The share of the questions, once each tier has been let through."""
        if judge is None:
            return Scored({})
        sheet, answers, reasons = Sheet(), list[bool](), list[str]()
        given = contents(item.asked)
        for question in item.expected["questions"]:
            grade = _asked(question, given, output, judge)
            if grade.value is None or grade.failed:
                sheet.put("score", grade)
                return sheet.scored()
            answers.append(grade.value >= 1)
            reasons.append(grade.reason)
        sheet.put("score", Grade(tiered(answers), " / ".join(reason for reason in reasons if reason)))
        return sheet.scored()


def tiered(answers: Sequence[bool]) -> float:
    """The share of yes, where a no in a tier of two makes all later ones no.

    >>> tiered([True, True, True, False, True, True]), tiered([True, False, True, True, True, True])
    (0.5, 0.16666666666666666)
    """
    counted = list(answers)
    for tier in (0, 2):
        if not all(counted[tier : tier + 2]):
            counted[tier + 2 :] = [False] * len(counted[tier + 2 :])
            break
    return sum(counted) / len(counted)


def overall(scores: Sequence[tuple[Mapping[str, str], float]]) -> dict[str, float]:
    """By kind of task, the mean of its tasks, each the mean of its cases; `overall` is the mean of the kinds. Takes categories and score of items."""
    tasks: dict[tuple[str, str], list[float]] = defaultdict(list)
    for categories, score in scores:
        tasks[categories["kind"], categories["task"]].append(score)
    kinds: dict[str, list[float]] = defaultdict(list)
    for (kind, _), values in tasks.items():
        kinds[kind].append(sum(values) / len(values))
    out = {kind: sum(values) / len(values) for kind, values in sorted(kinds.items())}
    return out | {"overall": sum(out.values()) / len(out)} if out else {}


def _asked(question: Mapping[str, Any], given: Sequence[Content], output: Output, judge: Judge) -> Grade:
    """1 for yes, 0 for no. Nothing drawn is a no."""
    numbers: Sequence[int] = question["outputs"]
    drawn = [output.images[n - 1] for n in numbers if 0 < n <= len(output.images)] if numbers else list(output.images)
    if counted := _COUNTED.search(question["text"]):
        return Grade(float(int(counted.group(1)) == len(output.images)), f"{len(output.images)} images, counted")
    if not drawn:
        return Grade(0.0, "nothing is drawn that it asks about")
    pictures = [part for part in given if isinstance(part, bytes)]
    shown = [pictures[n - 1] for n in question["inputs"] if 0 < n <= len(pictures)]
    aspect = Aspect("question", question["text"], 0, 1)
    return judge.grade([Case((*(part for part in given if isinstance(part, str)), *shown), tuple(drawn))], aspect)[0]


def _item(folder: Folder, case: str) -> Item:
    meta = whole(folder, f"{case}meta.json")
    path = folder.path(f"{case}instruction.txt")
    if path is None or path.stat().st_size > _LONGEST:
        raise meta.wrong(f"beside it there is no instruction.txt of at most {_LONGEST:,} bytes")
    try:
        instruction = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise meta.wrong(f"instruction.txt cannot be read: {error}") from None
    pictures = [file for name in _beside(folder, case) if (file := folder.path(name))]
    questions = _questions(folder, case, pictures)
    task = meta.text("task_name")
    return Item(
        f"{meta.text('uid')}-{meta.text('case_id')}",
        (_placed(instruction, pictures),),
        {"questions": questions, "images": meta.whole("output_image_count", 1)},
        family=meta.text("uid"),
        categories={"kind": _kind(meta), "task": task},
    )


def _kind(meta: Row) -> str:
    """The paper's five kinds, by what goes in and comes out."""
    into = "" if not meta.get("image_reference") else "Is" if meta.get("multi_image_reference") else "I"
    if meta.get("multi_image_output"):
        return "I(s)2Is" if into else "T2Is"
    return f"{into or 'T'}2I"


def _placed(instruction: str, pictures: Sequence[Path]) -> tuple[Piece, ...]:
    """Images where the text names them by number, else before it."""
    out: list[Piece] = []
    used: set[int] = set()
    at = 0
    for place in _PLACE.finditer(instruction):
        number = int(place.group(1))
        if 0 < number <= len(pictures):
            out += [instruction[at : place.start()], pictures[number - 1]]
            used.add(number)
            at = place.end()
    out.append(instruction[at:])
    left = [picture for number, picture in enumerate(pictures, 1) if number not in used]
    return tuple(piece for piece in (*left, *out) if isinstance(piece, Path) or piece.strip())


def _beside(folder: Folder, case: str) -> list[str]:
    """The pictures in the case's own folder, in order of their names."""
    root = Path(folder.root) / case
    return [f"{case}{path.name}" for path in sorted(root.iterdir()) if path.suffix.lower() in _PICTURES]


def _questions(folder: Folder, case: str, pictures: Sequence[Path]) -> list[dict[str, Any]]:
    if folder.path(f"{case}auto_eval.jsonl"):
        names = [path.name for path in pictures]
        out: list[dict[str, Any]] = []
        for row in rows(folder, f"{case}auto_eval.jsonl"):
            inputs = row.texts("input_images", [])
            if lost := set(inputs) - set(names):
                raise row.wrong(f"it is about {sorted(lost)[0]!r}, which the case does not have")
            outputs = [int(found.group(1)) for name in row.texts("output_images", []) if (found := _NUMBER.search(name))]
            out.append({"text": row.text("question"), "inputs": [names.index(name) + 1 for name in inputs], "outputs": outputs})
        return out
    if not folder.path(f"{case}eval.json"):
        raise BenchmarkError(f"{case}: it has neither auto_eval.jsonl nor eval.json")
    every = list(range(1, len(pictures) + 1))
    return [
        {"text": "\n".join(str(value) for value in row.values.values() if isinstance(value, str)), "inputs": every, "outputs": []}
        for row in whole(folder, f"{case}eval.json").rows("questions")
    ]


IDEA_BENCH = IDEABench()
