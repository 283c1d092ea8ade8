"""PhysBench: 10,002 questions about the physical world over images and videos that stand among the words, of four choices.

A video is shown as eight frames in its place. Answers of 200 questions (the split `val`) are published; of the others whoever has `test_answer.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.evaluate.benchmark import BenchmarkError, Item, Measure, Output, Piece, Scored, contents
from limner.evaluate.benchmarks.choices import letter
from limner.evaluate.benchmarks.files import Row, one_of, opened, rows
from limner.evaluate.benchmarks.videoframes import frames
from limner.evaluate.judging import Judge
from limner.experts.language import Content, Message, Sampling, user
from limner.formats.folder import Folder

DOMAINS = ("property", "relationships", "scene", "dynamics")
ABILITIES = ("identify", "comparison", "static", "dynamic", "perception", "prediction", "judgment", "reasoning")
MODES = ("image-only", "image&video", "general")
"""One image; one image or video; images and videos among the words."""

ANSWERS = ("val_answer.json", "test_answer.json")

_LETTERS = "ABCD"
_PLACE = re.compile(r"(<(?:image|video)>)")
_VIDEOS = (".mp4", ".webm", ".mov", ".avi", ".mkv")
_ASK = "Answer with the letter of the right choice and nothing else."


class PhysBench:
    """See the module; `PHYS_BENCH` is it."""

    name = "physbench"
    title = "PhysBench"
    reference = (
        "Chow et al., PhysBench, ICLR 2025, arXiv 2501.16411; hf.co/datasets/USC-PSI-Lab/PhysBench, github.com/USC-GVL/PhysBench"
    )
    files = (
        "test.json, image/ and video/ unpacked, and val_answer.json of the authors' repository; the answers were checked here, the questions by the "
        "schema of lmms-eval and the authors' programs, not on the real file"
    )
    measures: Sequence[Measure] = (
        Measure("accuracy", "the letter of the right choice is written; by chance 0.25"),
        Measure("unread", "what was written names no letter for certain", lower=True),
    )
    sampling = Sampling(tokens=32)
    ranks = False

    def items(self, data: Path | None) -> Iterator[Item]:
        """See `Benchmark`: the questions whose answers are there; one whose answer is empty (the authors' file has one) is no item. Questions about
        the same files are a family."""
        folder = opened(data, self.files)
        answers = _answers(folder)
        for row in rows(folder, one_of(folder, "test.json", "physbench.json")):
            if (answer := answers.pop(row.whole("idx"), None)) and answer.text("answer"):
                yield _item(folder, row, answer)
        if answers:
            raise BenchmarkError(f"{folder.root}: there are answers to {len(answers)} questions that test.json does not have")

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """See `Benchmark`: the question with its choices, which are part of its text."""
        return [user(*contents(item.asked), _ASK)]

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """See `Benchmark`."""
        wrote = letter(output.text, len(_LETTERS))
        return Scored({"accuracy": float(wrote == _LETTERS.index(item.expected)), "unread": float(wrote is None)})


def _answers(folder: Folder) -> dict[int, Row]:
    found: dict[int, Row] = {}
    for name in ANSWERS:
        if folder.path(name):
            for row in rows(folder, name):
                _one(row, "answer", (*_LETTERS, ""))
                _one(row, "task_type", DOMAINS)
                _one(row, "ability_type", ABILITIES)
                found[row.whole("idx")] = row
    if not found:
        raise BenchmarkError(f"{folder.root} has neither of {', '.join(ANSWERS)}")
    return found


def _one(row: Row, name: str, of: Sequence[str]) -> None:
    if row.text(name) not in of:
        raise row.wrong(f"{name} is {row.text(name)[:40]!r}, not one of {', '.join(filter(None, of))}")


def _item(folder: Folder, row: Row, answer: Row) -> Item:
    names = row.texts("file_name", []) if not isinstance(row.get("file_name"), str) else [row.text("file_name")]
    return Item(
        str(row.whole("idx")), (_placed(folder, row, names),), answer.text("answer"), family="|".join(names),
        categories={
            "domain": answer.text("task_type"), "subclass": answer.text("sub_type"), "ability": answer.text("ability_type"),
            "mode": row.text("mode"),
        },
    )  # fmt: skip


def _placed(folder: Folder, row: Row, names: Sequence[str]) -> tuple[Piece, ...]:
    """Files where the question says so; those it has no place for stand before it."""
    parts = _PLACE.split(row.text("question"))
    places = len(parts) // 2
    if places > len(names):
        raise row.wrong(f"the question has {places} places for {len(names)} files")
    early, left = names[: len(names) - places], iter(names[len(names) - places :])
    pieces: list[Piece] = [piece for name in early for piece in _shown(folder, row, name)]
    for number, part in enumerate(parts):
        if number % 2:
            pieces += _shown(folder, row, next(left))
        elif part.strip():
            pieces.append(part.strip("\n") if number else part.lstrip())
    return tuple(pieces)


def _shown(folder: Folder, row: Row, name: str) -> tuple[Piece, ...]:
    video = name.lower().endswith(_VIDEOS)
    path = next((p for below in ("video/" if video else "image/", "") if (p := folder.path(below + name))), None)
    if path is None:
        raise row.wrong(f"its file {name[:200]!r} is in neither {'video' if video else 'image'}/ nor {folder.root}")
    return frames(path) if video else (path,)


PHYS_BENCH = PhysBench()
