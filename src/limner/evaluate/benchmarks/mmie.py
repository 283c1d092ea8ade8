"""MMIE: interleaved comprehension in three categories, with given choices or open answers.

An id says the category: `SA` situational analysis, `PBL` project-based learning, `MSR` multi-step reasoning, whose judge sees the right answer. The
authors score with a model of their own (MMIE-Score, a fine-tuned InternVL-2-4B), from 0 to 6; here any judge grades from 0 to 6 by the criteria
of its prompt in limner's words, so that scores are not the paper's. A question with given choices whose answer is a letter is also
scored by rule: the letter that an answer names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.evaluate.benchmark import Item, Measure, Output, Piece, Scored, conversation
from limner.evaluate.benchmarks.files import Row, below, opened, rows
from limner.evaluate.benchmarks.grading import graded
from limner.evaluate.judging import Aspect, Judge
from limner.experts.language import Content, Message, Sampling
from limner.formats.folder import Folder

CATEGORIES = {"SA": "situational analysis", "PBL": "project-based learning", "MSR": "multi-step reasoning"}

OVERALL = "overall score"
"""What is graded: by this name judges that measure know that they are asked for all that they measure."""

ASPECTS = {
    "SA": Aspect(
        OVERALL,
        "the story that goes on: weigh the text (clear, correct, engaging), the images (vivid, clear), how tightly both belong together, whether "
        "persons, places and events stay the same, whether it is original, and whether the style is one throughout, which weighs strictly. "
        "Take one off where it is harmful. 6 is without fault, 0 is worthless.",
        0,
        6,
    ),
    "PBL": Aspect(
        OVERALL,
        "the method that is shown: weigh the text (clear, correct, in order), the images (relevant, each at its step), how tightly both belong "
        "together, whether one can do it by this answer alone, whether it engages, and whether the style is one throughout, which weighs "
        "strictly. Take one off where it is harmful. 6 is without fault, 0 is worthless.",
        0,
        6,
    ),
    "MSR": Aspect(
        OVERALL,
        "the solution: weigh whether the question's text and images are understood, whether each step follows and is clear, what is right on "
        "the way even where the end is wrong, and whether the end is the right answer, which is given. 6 is right in every step, 0 has "
        "nothing right.",
        0,
        6,
        reference=True,
    ),
}

_LETTER = re.compile(r"\(?([A-H])\)?[.):]?")
_OPTION = re.compile(r"^\s*\(?([A-H])\)?\s*[.):]", re.MULTILINE)
_SAID = re.compile(r"(?i:answer|option|choice)\W{0,4}(?i:is\b)?\W{0,4}([A-H](?![A-Za-z'])|[a-h](?=\W*$))")
_ALONE = re.compile(r"(?<![A-Za-z])\(?([A-H])\)?(?![A-Za-z'])")


class MMIEBench:
    """The benchmark; `MMIE` is it."""

    name = "mmie"
    title = "MMIE"
    reference = (
        "Xia et al., MMIE: Massive Multimodal Interleaved Comprehension Benchmark for Large Vision-Language Models, ICLR 2025, arXiv 2410.10139; "
        "github.com/Lillianwei-h/MMIE"
    )
    files = "the JSON files and images/ (hf.co/datasets/MMIE/MMIE); the schema of the authors' readme, not checked on the real files here"
    measures: Sequence[Measure] = (
        Measure(OVERALL, "the answer as a whole, from 0 to 6", 0, 6, judged=True),
        Measure("correct", "the letter of a question with given choices is the right one"),
    )
    sampling = Sampling(tokens=1024, images=4)
    ranks = False

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a record of every JSON file at the top of the folder."""
        folder = opened(data, self.files)
        for name in below(folder, "", ".json", ".jsonl"):
            if "/" not in name:
                for row in rows(folder, name):
                    yield _item(folder, row)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The question, plainly."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """A grade by the category's criteria, and whether the letter is right."""
        sheet = graded(item, output, judge, [ASPECTS[item.expected["kind"]]])
        if right := item.expected["letter"]:
            sheet.values["correct"] = float(letter(output.text) == right)
        return sheet.scored()


def letter(answer: str) -> str:
    """The choice that an answer names: what it is alone, else what it says last that the answer is, else the only letter in it; "" for none.

    >>> letter("B."), letter("Since it is A or C, the answer is (C)."), letter("A cat")
    ('B', 'C', '')
    """
    answer = answer.strip()
    if found := _LETTER.fullmatch(answer):
        return found.group(1)
    if said := _SAID.findall(answer):
        return said[-1].upper()
    # "A" and "I" may be words: a letter in the midst of a text counts where a bracket, a colon or a full stop marks it.
    marked = {
        found.group(1)
        for found in _ALONE.finditer(answer)
        if re.search(r"[().:]", found.group() + answer[found.end() : found.end() + 1])
    }
    return marked.pop() if len(marked) == 1 else ""


def _item(folder: Folder, row: Row) -> Item:
    name = row.text("id")
    kind = next((each for each in ("PBL", "MSR", "SA") if each in name), "")
    if not kind:
        raise row.wrong(f"its id {name[:60]!r} has none of {', '.join(CATEGORIES)}, by which its category is told")
    asked = _pieces(folder, row, "question")
    if not asked:
        raise row.wrong("nothing is asked")
    # In the published set the right answer is that of the model "gt"; files made for scoring carry it beside another's answer.
    reference = _pieces(folder, row, "gt_answer") or (_pieces(folder, row, "answer") if row.get("model") == "gt" else ())
    texts = [piece for piece in reference if isinstance(piece, str)]
    options = set(_OPTION.findall("\n".join(piece for piece in asked if isinstance(piece, str))))
    found = _LETTER.fullmatch(texts[0].strip()) if len(texts) == 1 and len(options) > 1 else None
    right = found.group(1) if found and found.group(1) in options else ""
    return Item(
        name,
        (asked,),
        {"kind": kind, "letter": right},
        reference,
        categories={"category": CATEGORIES[kind], "form": "given choices" if right else "open"}
        | {each: row.text(each) for each in ("field", "subfield") if row.has(each)},
    )


def _pieces(folder: Folder, row: Row, name: str) -> tuple[Piece, ...]:
    out: list[Piece] = []
    for step in row.rows(name, []):
        out += [text] if (text := step.text("text", "").strip()) else []
        out += [step.file(folder, step.text("image"))] if step.has("image") else []
    return tuple(out)


MMIE = MMIEBench()
