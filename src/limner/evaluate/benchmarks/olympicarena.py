"""OlympicArena: 11,163 problems of olympiads in seven subjects, with and without figures; answers judged by rule after their type, solutions step by
step by a judge.

`olympicarena-text` asks the same without the figures (their places stay), as the paper's text-only setting does. Programs (CS) are not run here,
since models wrote them: they are asked for and counted as not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from limner.evaluate.benchmark import BenchmarkError, Item, Measure, Output, Piece, Scored, contents, conversation
from limner.evaluate.benchmarks.files import Row, below, opened, rows
from limner.evaluate.benchmarks.olympicanswers import BY_RULE, TYPES, boxed, right
from limner.evaluate.judging import Case, Judge
from limner.experts.language import Content, Message, Sampling
from limner.formats.folder import Folder

SUBJECTS = ("Math", "Physics", "Chemistry", "Biology", "Geography", "Astronomy", "CS")

STEP = (
    "The answer so far is the beginning of a solution of the problem. Is its last step right: does it follow from the problem and the steps before "
    "it, without a mistake of reasoning, knowledge or calculation?"
)
"""What a judge is asked of each step. The wording is limner's own, after the paper's process-level evaluation (section 3.4)."""

_PLACE = re.compile(r"(\[(?:figure|图)\s*\d+\])")
_STEP = re.compile(r"\n\s*\n|\n(?=\s*(?:step|\d{1,2}[.)]|\*\*|#+ ))", re.IGNORECASE)
_STEPS = 12


class OlympicArena:
    """See the module; `OLYMPIC_ARENA` is it."""

    reference = "Huang et al., OlympicArena, NeurIPS 2024, arXiv 2406.12753; hf.co/datasets/GAIR/OlympicArena"
    files = (
        "SUBJECT/val*.parquet of the seven subjects (the test split has no answers), and images/ with the files that figure_urls end in; the schema "
        "of GAIR-NLP/OlympicArena, not checked on the real files here"
    )
    measures: Sequence[Measure] = (
        Measure("accuracy", "the answer is right, by the rule of its type"),
        Measure("unboxed", "no answer stands in \\boxed{}, where the problem asks for it", lower=True),
        Measure("process", "the steps of the solution that a judge calls right", judged=True),
    )
    sampling = Sampling(tokens=2_048)
    ranks = False

    def __init__(self, figures: bool = True) -> None:
        self.figures = figures
        self.name = "olympicarena" if figures else "olympicarena-text"
        self.title = "OlympicArena" if figures else "OlympicArena without its figures"

    def items(self, data: Path | None) -> Iterator[Item]:
        """See `Benchmark`."""
        folder = opened(data, self.files)
        found = [
            name
            for name in below(folder, "", ".parquet", ".jsonl", ".json")
            if re.match(r"(?:[^/]+/)*?\w+/val[^/]*(?:/|\.|-)", name)
        ]
        held = [name for name in found if any(part in SUBJECTS for part in name.split("/"))]
        if not held:
            raise BenchmarkError(f"{folder.root} has no SUBJECT/val*.parquet ({self.files})")
        for name in held:
            for row in rows(folder, name):
                yield _item(folder, row, self.figures)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """See `Benchmark`: the authors' prompt, figures in their places."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """See `Benchmark`."""
        kind: str = item.expected["type"]
        values: dict[str, float] = {}
        failed: dict[str, str] = {}
        reasons: dict[str, str] = {}
        if kind in BY_RULE:
            given = boxed(output.text)
            values["unboxed"] = float(not given)
            values["accuracy"] = float(right(given, item.expected["answer"], kind, item.expected["types"], item.expected["unit"]))
        else:
            failed["accuracy"] = "unable"
            reasons["accuracy"] = f"an answer of the type {TYPES[kind]} is not judged by rule, and programs are not run"
        if judge is not None and output.text.strip():
            _process(item, output.text, judge, values, failed, reasons)
        return Scored(values, failed, reasons)


def steps(text: str) -> list[str]:
    """A solution's steps: its paragraphs and numbered lines; of more than twelve neighbours are taken together."""
    found = [part.strip() for part in _STEP.split(text[:20_000]) if part.strip()]
    if len(found) <= _STEPS:
        return found
    cuts = [round(i * len(found) / _STEPS) for i in range(_STEPS + 1)]
    return ["\n\n".join(found[a:b]) for a, b in pairwise(cuts)]


def _process(
    item: Item, text: str, judge: Judge, values: dict[str, float], failed: dict[str, str], reasons: dict[str, str]
) -> None:
    told: list[float] = []
    parts = steps(text)
    for number in range(1, len(parts) + 1):
        seen = Case(contents(item.asked), tuple(parts[:number]), contents(item.reference))
        grade = judge.choose(seen, STEP, ("right", "wrong"))
        if grade.failed or grade.value is None:
            failed["process"] = grade.failed or "error"
            return
        told.append(float(grade.value == 0))
        if grade.value:
            reasons.setdefault("process", f"step {number}: {grade.reason}")
    values["process"] = sum(told) / len(told)


def _item(folder: Folder, row: Row, figures: bool) -> Item:
    kind = row.text("answer_type")
    if kind not in TYPES:
        raise row.wrong(f"answer_type is {kind[:20]!r}, not one of {', '.join(TYPES)}")
    answers = row.texts("answer", []) if not isinstance(row.get("answer"), str) else [row.text("answer")]
    types = row.texts("type_sequence", [])
    if kind in BY_RULE and not answers:
        raise row.wrong("it has no answer (those of the test split are not published)")
    if kind in ("MPV", "MA") and (len(types) < len(answers) or not set(types) <= set(BY_RULE) - {"MPV", "MA"}):
        raise row.wrong(f"type_sequence {types} does not say the types of {len(answers)} answers")
    solution = row.text("solution", "")
    return Item(
        row.text("id"), (_prompt(folder, row, figures),), {"type": kind, "answer": answers, "types": types, "unit": row.text("unit", "")},
        (solution,) if solution else (),
        categories={
            "subject": row.text("subject"), "modality": row.text("modality"), "language": row.text("language"), "type": TYPES[kind],
        },
    )  # fmt: skip


def _prompt(folder: Folder, row: Row, figures: bool) -> tuple[Piece, ...]:
    urls = row.texts("figure_urls", [])
    pieces: list[Piece] = []
    for part in _PLACE.split(row.text("prompt")):
        number = int("".join(filter(str.isdigit, part))) if _PLACE.fullmatch(part) else 0
        if number and figures:
            if number > len(urls):
                raise row.wrong(f"{part} has no figure among its {len(urls)}")
            name = urls[number - 1].partition("?")[0].rpartition("/")[2]
            pieces.append(row.file(folder, f"images/{name}"))
        elif part.strip():
            pieces.append(part)
    return tuple(pieces)


OLYMPIC_ARENA = OlympicArena()
OLYMPIC_ARENA_TEXT = OlympicArena(figures=False)
