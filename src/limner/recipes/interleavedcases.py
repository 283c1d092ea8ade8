"""Requests with answers of real documents, in InterleavedBench's schema, and which aspect should fall by which planted defect.

The authors' records are not here, so these are composed: a manual's section is the answer to a request for it (*guide generation*), or, where
it has pictures enough, to its own beginning (*document completion*); one picture is the answer to another one of its section and the caption
that is asked for (*subject-driven generation*, an answer of images alone). They are written as the authors publish theirs, and read by the
benchmark's own loader.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from limner.corpus.pixels import decode
from limner.curate.align import sentences
from limner.errors import MediaError
from limner.evaluate.benchmarks.interleavedbench import ASPECTS
from limner.evaluate.judges.defects import planted
from limner.evaluate.judges.passages import Block, Passage, Said, Shown
from limner.evaluate.judges.perceptual import PERCEPTUAL, spoiled
from limner.experts.language import Content

TEXT, PERCEPT, IMAGES, TOGETHER, HELP = (aspect.name for aspect in ASPECTS)

EXPECTED: dict[str, frozenset[str]] = {
    "image-swapped": frozenset({TOGETHER}),
    "image-dropped": frozenset({TOGETHER, HELP}),
    "image-repeated": frozenset({IMAGES, TOGETHER, HELP}),
    "image-out-of-order": frozenset({TOGETHER}),
    "image-foreign": frozenset({IMAGES, TOGETHER, HELP}),
    "sentence-contradicted": frozenset({HELP}),
    "sentence-cut": frozenset({TEXT}),
    "sentence-repeated": frozenset({TEXT}),
    "sentence-off-topic": frozenset({TEXT, HELP}),
    "wrong-count": frozenset({TOGETHER, HELP}),
    "wrong-place": frozenset({TOGETHER, HELP}),
    "image-blurred": frozenset({PERCEPT}),
    "image-noisy": frozenset({PERCEPT}),
    "image-blocky": frozenset({PERCEPT}),
}
"""The aspects that a defect should lower, by the benchmark's rubrics; the others should stay. Written down before anything was measured."""

OF_PICTURES_ALONE = ("image-foreign", *PERCEPTUAL)
"""The defects that an answer of one picture can have."""


@dataclass(frozen=True)
class Asked:
    """A request and the answer by the document's authors."""

    id: str
    task: str
    request: tuple[Content, ...]
    answer: Passage


def asked(passages: Sequence[Passage], alone: int = 0) -> list[Asked]:
    """A request for each passage: every other one that can be continued gives its beginning, the others their title; then `alone` requests whose
    answer is a picture, of the first passages with a caption at their second picture."""
    out: list[Asked] = []
    for number, passage in enumerate(passages):
        parts = _halves(passage) if number % 2 else None
        if parts:
            begun, rest = parts
            out.append(
                Asked(f"document_completion_{number}", "document_completion", (*begun.answer, "Go on, with pictures."), rest)
            )
        else:
            out.append(Asked(f"guide_generation_{number}", "guide_generation", passage.case().request, passage))
    pairs = [(n, p, one, two) for n, p in enumerate(passages) for one, two in [_shown(p)[:2]] if two.caption]
    for number, passage, one, two in pairs[:alone]:
        request = (one.image, f"This is from a manual about {passage.title}. Show what goes with it: {two.caption}")
        answer = Passage(passage.name, passage.title, (Shown(two.image),))
        out.append(Asked(f"subject_driven_generation_{number}", "subject_driven_generation", request, answer))
    return out


def _halves(passage: Passage) -> tuple[Passage, Passage] | None:
    """What stands up to the first picture, and the rest, which must have two more and three paragraphs."""
    at = passage.pictures[0] + 1
    begun, rest = (Passage(passage.name, passage.title, blocks) for blocks in (passage.blocks[:at], passage.blocks[at:]))
    return (begun, rest) if len(rest.pictures) >= 2 and len(rest.paragraphs) >= 3 else None


def _shown(passage: Passage) -> list[Shown]:
    return [block for block in passage.blocks if isinstance(block, Shown)]


def written(cases: Sequence[Asked], folder: Path) -> None:
    """The cases as `interleaved_bench.json` and images."""
    (folder / "images").mkdir(parents=True)
    rows: list[dict[str, object]] = []
    for case in cases:
        files: list[str] = []
        turns: list[dict[str, str]] = []
        for side, parts in (("human", case.request), ("gpt", case.answer.answer)):
            said: list[str] = []
            for part in parts:
                if isinstance(part, str):
                    said.append(part.replace("<image>", "image").replace("<BEGIN>", ""))
                    continue
                name = f"{case.id}_{len(files)}.img"
                (folder / "images" / name).write_bytes(part)
                files.append(name)
                said.append("<image>")
            turns.append({"from": side, "value": "\n".join(said)})
        rows.append({"id": case.id, "task_name": case.task, "image": files, "conversations": turns})
    (folder / "interleaved_bench.json").write_text(json.dumps(rows), "utf-8")


def worse(answer: Passage, others: Sequence[Passage], defect: str, seed: int) -> Passage | None:
    """The answer with a defect, None where it can't have it."""
    return spoiled(answer, defect, seed) if defect in PERCEPTUAL else planted(answer, others, defect, seed)


def near(answer: Passage, seed: int) -> tuple[Content, ...]:
    """A reference that is easy: of each paragraph every second sentence, and all pictures, saved anew at half their size."""
    chance = random.Random(f"{seed}/near/{answer.name}")
    blocks: list[Block] = []
    for block in answer.blocks:
        if isinstance(block, Said):
            told = sentences(block.text)
            kept = told if block.level else told[chance.randrange(2) if len(told) > 1 else 0 :: 2]
            blocks.append(Said(" ".join(kept), block.level))
        else:
            blocks.append(Shown(_smaller(block.image), block.caption, block.above))
    return Passage(answer.name, answer.title, tuple(blocks)).answer


def _smaller(data: bytes) -> bytes:
    try:
        image = Image.fromarray(decode(data))
    except MediaError:
        return data
    kept = io.BytesIO()
    image.resize((max(image.width // 2, 1), max(image.height // 2, 1))).save(kept, "JPEG", quality=80)
    return kept.getvalue()
