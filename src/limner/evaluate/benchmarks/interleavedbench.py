"""InterleavedBench: real use cases of interleaved generation, graded from 0 to 5 in five aspects (InterleavedEval).

A record is a conversation in LLaVA's form: what the person says and the authors' answer, each with `<image>` where the next image of the
record's list stands. Use cases whose answers are images alone (image editing, subject-driven generation) have no text aspects, as the
authors' card says. `coherent` says whether images fit each other. Rubrics are limner's own, from the paper's definitions: scores are not the paper's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.evaluate.benchmark import Item, Measure, Output, Piece, Scored, conversation
from limner.evaluate.benchmarks.files import Row, one_of, opened, rows
from limner.evaluate.benchmarks.grading import graded, measures
from limner.evaluate.judging import Aspect, Judge
from limner.experts.language import Content, Message, Sampling
from limner.formats.folder import Folder

ASPECTS = (
    Aspect(
        "text quality",
        "texts: are they clear, correct in language, and without needless repetition or cut sentences? Look at the texts of the answer alone.",
    ),
    Aspect(
        "perceptual quality",
        "images, each by itself: are they natural, sharp, without distortions, artefacts or broken bodies and letters?",
    ),
    Aspect(
        "image coherence",
        "images among each other, and with those that were given: do style, persons and things stay the same where they should, and does one "
        "follow from the other?",
    ),
    Aspect(
        "text-image coherence",
        "each image and the text it belongs to: does it show what the text says, and does the text speak of what it shows?",
    ),
    Aspect(
        "helpfulness",
        "the request: does the answer follow it, with the number and kind of texts and images asked for, and is it of use to who asked?",
    ),
)

IMAGES_ALONE = ("image editing", "subject-driven generation")
"""Use cases without text aspects."""

_TEXTS = ("text quality", "text-image coherence")
_PLACE = re.compile(r"<image>|<BEGIN>")
_FOLDERS = ("", "images/", "zipped_images/")


class InterleavedBench:
    """The benchmark; `INTERLEAVED_BENCH` is it."""

    name = "interleaved-bench"
    title = "InterleavedBench"
    reference = (
        "Liu et al., Holistic Evaluation for Interleaved Text-and-Image Generation, EMNLP 2024, arXiv 2406.14643; "
        "hf.co/mqliu/InterleavedBench"
    )
    files = "interleaved_bench.json and the unzipped images; the schema of the authors' card, not checked on the real file here"
    measures: Sequence[Measure] = tuple(
        measures(ASPECTS, "mean", "the mean of the aspects that the use case has and the judge can grade")
    )
    sampling = Sampling(tokens=1024, images=8)
    ranks = False

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a record."""
        folder = opened(data, self.files)
        for row in rows(folder, one_of(folder, "interleaved_bench.json", "interleaved_bench.jsonl")):
            yield _item(folder, row)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """What the person says, plainly."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """Grades of the aspects that the use case has."""
        alone = item.categories["use case"] in IMAGES_ALONE
        return graded(item, output, judge, [a for a in ASPECTS if not (alone and a.name in _TEXTS)], "mean").scored()


def use_case(task: str) -> str:
    """A task's name as the paper writes it.

    >>> use_case("subject_driven_generation"), use_case("wikihow_next_step")
    ('subject-driven generation', 'wikihow next step')
    """
    return task.replace("_", " ").strip().lower().replace("subject driven", "subject-driven")


def _item(folder: Folder, row: Row) -> Item:
    files = [_image(folder, row, name) for name in row.texts("image", [])]
    taken = 0
    sides: dict[str, tuple[Piece, ...]] = {}
    for said in row.rows("conversations"):
        side, value = said.text("from"), said.text("value")
        if side not in ("human", "gpt") or side in sides:
            raise said.wrong(f"it is from {side!r}: one turn of human and one of gpt are expected")
        here = value.count("<image>")
        if taken + here > len(files):
            raise said.wrong(f"it has more places for images than the record's {len(files)} images")
        sides[side] = _pieces(value, files[taken : taken + here])
        taken += here
    if "human" not in sides:
        raise row.wrong("nothing is asked")
    # Images that no text has a place for are the answer's: some use cases have answers of images alone.
    reference = (*sides.get("gpt", ()), *files[taken:])
    asked = sides["human"]
    based = "context-based" if any(isinstance(piece, Path) for piece in asked) else "context-free"
    return Item(
        row.text("id"), (asked,), None, reference, categories={"use case": use_case(row.text("task_name")), "subset": based}
    )


def _pieces(value: str, files: Sequence[Path]) -> tuple[Piece, ...]:
    out: list[Piece] = []
    left = iter(files)
    at = 0
    for place in _PLACE.finditer(value):
        out += [text] if (text := value[at : place.start()].strip()) else []
        out += [next(left)] if place.group() == "<image>" else []
        at = place.end()
    return (*out, text) if (text := value[at:].strip()) else tuple(out)


def _image(folder: Folder, row: Row, name: str) -> Path:
    found = next((path for where in _FOLDERS if (path := folder.path(where + name))), None)
    return found or row.file(folder, name)


INTERLEAVED_BENCH = InterleavedBench()
