"""SEED-Bench-2: 24,371 questions of four choices in 27 dimensions, answered by how likely a model holds each choice, of text or of images.

The control `seed-bench-2-blank` asks the same with every image blanked: what a model scores there it scores without seeing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from limner.corpus.probe import probe
from limner.evaluate.benchmark import Item, Measure, Output, Piece, Scored, contents, read
from limner.evaluate.benchmarks.choices import chosen, likeliest, listed
from limner.evaluate.benchmarks.files import Row, one_of, opened, whole
from limner.evaluate.judging import Judge
from limner.experts.language import Content, Message, Sampling, user
from limner.formats.folder import Folder

DIMENSIONS = (
    "Scene Understanding", "Instance Identity", "Instance Attributes", "Instance Location", "Instances Counting", "Spatial Relation",
    "Instance Interaction", "Visual Reasoning", "Text Understanding", "Celebrity Recognition", "Landmark Recognition", "Chart Understanding",
    "Visual Referring Expression", "Science Knowledge", "Emotion Recognition", "Visual Mathematics", "Difference Spotting",
    "Meme Comprehension", "Global Video Understanding", "Action Recognition", "Action Prediction", "Procedure Understanding",
    "In-Context Captioning", "Interleaved Image-Text Analysis", "Text-to-Image Generation", "Next Image Prediction", "Text-Image Creation",
)  # fmt: skip
"""By their number, from 1."""

QUESTIONS = ("SEED-Bench_v2_level1_2_3.json", "SEED-Bench-2.json")
FOLDERS = {"cc3m": ("cc3m-image", "seed_bench_image"), "SEED-Bench v2": ("SEED-Bench-2-image", "seed_bench_image_v2")}
"""Where the images of a source may lie, by what the authors' archives and their programs call it."""

_LETTERS = "ABCD"
_OPTIONS = 4
_SLOT = "<img>"
_OF_IMAGES, _NEXT_IMAGE, _OF_BOTH = 25, 26, 27


class SeedBench2:
    """See the module; `SEED_BENCH_2` is it. Choices of dimensions 25 and 26 are images, of 27 a text and an image each, of the others texts."""

    reference = "Li et al., SEED-Bench-2, CVPR 2024, arXiv 2311.17092; hf.co/datasets/AILab-CVC/SEED-Bench-2"
    files = (
        "SEED-Bench_v2_level1_2_3.json, cc3m-image/ and SEED-Bench-2-image/, unpacked; the schema of AILab-CVC/SEED-Bench/DATASET.md, not checked on "
        "the real files here"
    )
    measures: Sequence[Measure] = (
        Measure(
            "accuracy",
            "the right choice is held most likely (of choices that tie, its share), or is the letter written; by chance 0.25",
        ),
        Measure("by_likelihood", "chosen by likelihood, and not by the letter that a model without likelihoods writes"),
        Measure("unread", "a letter was asked for, and what was written names none for certain", lower=True),
    )
    sampling = Sampling(tokens=32)
    ranks = True

    def __init__(self, blank: bool = False) -> None:
        self.blank = blank
        self.name = "seed-bench-2-blank" if blank else "seed-bench-2"
        self.title = "SEED-Bench-2, every image blanked" if blank else "SEED-Bench-2"

    def items(self, data: Path | None) -> Iterator[Item]:
        """See `Benchmark`. Questions about one image are a family."""
        folder = opened(data, self.files)
        for row in whole(folder, one_of(folder, *QUESTIONS)).rows("questions"):
            item = _item(folder, row)
            yield _blanked(item) if self.blank else item

    def before(self, item: Item) -> list[Message]:
        """See `Ranked`: images and question, as the authors' programs have them."""
        return [user(*contents(item.asked))]

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """See `Benchmark`: the choices with letters, one of which is to be written."""
        return [
            user(*contents((*item.asked, *listed(item.choices))), "Answer with the letter of the right choice and nothing else.")
        ]

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """See `Benchmark`."""
        right = _LETTERS.index(item.expected)
        if output.likelihoods:
            best = likeliest(output.likelihoods)
            return Scored({"accuracy": (right in best) / len(best), "by_likelihood": 1.0})
        wrote = chosen(output.text, item.choices)
        return Scored({"accuracy": float(wrote == right), "by_likelihood": 0.0, "unread": float(wrote is None)})


def _item(folder: Folder, row: Row) -> Item:
    number = row.whole("question_type_id")
    if not 1 <= number <= len(DIMENSIONS):
        raise row.wrong(f"question_type_id is {number}, not one of 1-{len(DIMENSIONS)}")
    if row.text("answer") not in _LETTERS:
        raise row.wrong(f"answer is {row.text('answer')[:20]!r}, not A, B, C or D")
    names = [row.text("data_id")] if isinstance(row.get("data_id"), str) else row.texts("data_id")
    images: list[Piece] = [_image(folder, row, name) for name in names]
    texts = [row.text(f"choice_{letter}") for letter in "abcd"]
    asked, choices = images, tuple((text,) for text in texts)
    if number in (_OF_IMAGES, _NEXT_IMAGE, _OF_BOTH):
        if len(images) < _OPTIONS:
            raise row.wrong(f"data_id has {len(images)} images, fewer than its choices")
        asked, shown = images[:-_OPTIONS], images[-_OPTIONS:]
        choices = tuple((text, image) if number == _OF_BOTH else (image,) for text, image in zip(texts, shown, strict=True))
    return Item(
        row.text("question_id"), (_placed(row, row.text("question"), asked),), row.text("answer"), choices=choices,
        family=names[0] if asked else "",
        categories={
            "level": row.text("level"), "dimension": f"{number} {DIMENSIONS[number - 1]}", "part": row.text("subpart"),
            "version": row.text("version"),
        },
    )  # fmt: skip


def _image(folder: Folder, row: Row, name: str) -> Path:
    source = row.text("data_source")
    if source not in FOLDERS:
        raise row.wrong(f"data_source is {source[:40]!r}, not one of {', '.join(FOLDERS)}")
    places = [path for below in FOLDERS[source] if (path := folder.path(f"{below}/{name}"))]
    if not places:
        raise row.wrong(f"its image {name[:200]!r} is in none of {', '.join(FOLDERS[source])}")
    return places[0]


def _placed(row: Row, question: str, images: Sequence[Piece]) -> tuple[Piece, ...]:
    """Images where the question says `<img>`, else before it."""
    texts = question.split(_SLOT)
    if len(texts) == 1:
        return (*images, question)
    if len(texts) - 1 != len(images):
        raise row.wrong(f"the question has {len(texts) - 1} places for {len(images)} images")
    pieces: list[Piece] = [texts[0]]
    for image, text in zip(images, texts[1:], strict=True):
        pieces += [image, text]
    return tuple(piece for piece in pieces if not isinstance(piece, str) or piece.strip())


def _blanked(item: Item) -> Item:
    """The item with gray in the place of each image, as large as that."""
    return replace(
        item, turns=(tuple(map(_gray, item.asked)),), choices=tuple(tuple(map(_gray, choice)) for choice in item.choices)
    )


def _gray(piece: Piece) -> Piece:
    if isinstance(piece, str):
        return piece
    size = probe(read(piece) if isinstance(piece, Path) else piece)
    if not size.width or not size.height:
        return piece  # no image, which whoever is asked says
    with io.BytesIO() as out:
        Image.new("RGB", (size.width, size.height), (128, 128, 128)).save(out, "PNG")
        return out.getvalue()


SEED_BENCH_2 = SeedBench2()
SEED_BENCH_2_BLANK = SeedBench2(blank=True)
