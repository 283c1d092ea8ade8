"""TextAtlasEval: images of dense text from prompts; what an OCR reads in them against what was to be written.

`textatlas`       the authors' sets: styled text, text blended with pictures, scenes
`textatlas-made`  prompts and pages made from a corpus (`limner.evaluate.benchmarks.textatlasmade`)

The authors read with PaddleOCR; scores by another reader are not the paper's. Which one read is part of every score's reasons. Their accuracy and F1
add up words over all images; here each image has its own, and the result is their mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from limner.corpus.pixels import thumbnail
from limner.errors import MediaError
from limner.evaluate.benchmark import Item, Measure, Output, Scored, conversation
from limner.evaluate.benchmarks.files import Row, below, opened, rows
from limner.evaluate.judging import Judge
from limner.evaluate.metrics.ocr import ALIKE, character_rate, word_counts
from limner.experts.language import Content, Message, Sampling
from limner.experts.ocr import DEFAULT, ocr

SUBSETS = ("styledtextsynth", "textvisionblend", "textsceneshq", "cleantextsynth")
_SIDE = 2_048


class DenseText:
    """What asking and scoring have in common. `reader` is the address of an OCR."""

    reference = "Wang et al., TextAtlas5M, arXiv 2502.07870; hf.co/datasets/CSU-JPG/TextAtlasEval, github.com/CSU-JPG/TextAtlas"
    measures: Sequence[Measure] = (
        Measure("f1", f"words read and wanted, right where {ALIKE} % of their letters are"),
        Measure("accuracy", "wanted words that were read (the authors' name for recall)"),
        Measure("cer", "edits of letters by the longer of what was read and wanted", lower=True),
        Measure("image", "there is an image"),
    )
    sampling = Sampling(tokens=64, images=1, least_images=1)
    ranks = False

    def __init__(self, reader: str = DEFAULT) -> None:
        self.reader = reader

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The prompt."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """What is read in the answer's first image; without one nothing is."""
        if not output.images:
            return Scored({"f1": 0.0, "accuracy": 0.0, "cer": 1.0, "image": 0.0})
        try:
            pixels = thumbnail(output.images[0], _SIDE)
        except MediaError as error:
            return Scored({"f1": 0.0, "accuracy": 0.0, "cer": 1.0, "image": 0.0}, reasons={"image": str(error)})
        read = read_text(pixels, self.reader)
        counted, errors = word_counts(read, item.expected, ALIKE), character_rate(read, item.expected)
        values = {
            "f1": counted.f1, "accuracy": counted.recall, "cer": errors.distance, "image": 1.0,
        }  # fmt: skip
        return Scored(values, reasons={"f1": f"read by {self.reader}: {read[:500]}"})


def read_text(pixels: np.ndarray, reader: str = DEFAULT) -> str:
    """The text of an image as it is read: lines from the top, those at one height from the left, between spaces."""
    (lines,) = ocr(reader).read([pixels])
    out: list[str] = []
    left = sorted(lines, key=lambda line: (line.box[1] + line.box[3]) / 2)
    while left:
        first = left[0]
        level = [line for line in left if (line.box[1] + line.box[3]) / 2 < first.box[3]]
        out += [line.text for line in sorted(level, key=lambda line: line.box[0])]
        left = [line for line in left if line not in level]
    return " ".join(out)


class TextAtlas(DenseText):
    """The authors' sets; `TEXT_ATLAS` is it."""

    name = "textatlas"
    title = "TextAtlasEval"
    files = (
        "parquet files of TextAtlasEval, in folders named after its subsets; the schema of CSU-JPG/TextAtlas/evaluation, not checked on the real "
        "files here"
    )

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a row; the authors' image is the reference."""
        folder = opened(data, self.files)
        for name in below(folder, "", ".parquet"):
            subset = next((each for each in SUBSETS if each in name.lower()), "")
            for row in rows(folder, name, columns=("image", "annotation", "image_path", "raw_text")):
                yield _item(row, subset)


def _item(row: Row, subset: str) -> Item:
    text = row.text("raw_text")
    if not text.strip():
        raise row.wrong("raw_text is empty: nothing is to be written")
    image = row.row("image").get("bytes") if row.has("image") else None
    return Item(
        f"{subset}-{row.text('image_path')}", ((row.text("annotation"),),), text, (image,) if isinstance(image, bytes) else (),
        categories={"subset": subset},
    )  # fmt: skip


TEXT_ATLAS = TextAtlas()
