"""VCR, Visual Caption Restoration: captions under a picture of which some stretches are covered but for the tops and bottoms of their letters.

`vcr`       the authors' sets (VCR-wiki), as parquet
`vcr-made`  items made from a corpus (`limner.evaluate.benchmarks.vcrmade`)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.evaluate.benchmark import Item, Measure, Output, Scored, contents
from limner.evaluate.benchmarks.files import Row, below, opened, rows
from limner.evaluate.benchmarks.vcrscoring import scores
from limner.evaluate.judging import Judge
from limner.experts.language import Content, Message, Sampling, user

ASK = "What are the covered texts in the image? Restore them, in their order, and write nothing else."
"""Ours; the authors' question says the same."""

_COLUMNS = ("question_id", "stacked_image", "only_it_image", "crossed_text")
_SHOWN = {"stacked_image": "picture and text", "only_it_image": "text alone"}


class Restoration:
    """What asking and scoring have in common."""

    reference = "Zhang et al., VCR: Visual Caption Restoration, ICLR 2025, arXiv 2406.06462; hf.co/vcr-org"
    measures: Sequence[Measure] = (
        Measure("exact match", "covered texts that the answer has word by word"),
        Measure(
            "jaccard", "words that the covered text and the answer's most similar stretch share, of those that one of them has"
        ),
    )
    sampling = Sampling(tokens=256)
    ranks = False

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The picture and the question."""
        return [user(*contents(item.asked), ASK)]

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """The means over the item's covered texts."""
        exact, near = scores(item.expected, output.text)
        return Scored({"exact match": exact, "jaccard": near})


class Vcr(Restoration):
    """The authors' sets; `VCR` is it. Each picture is asked with its text below it, and, as they do for comparison, its text alone."""

    name = "vcr"
    title = "VCR-wiki"
    files = (
        "parquet files of VCR-wiki-{en,zh}-{easy,hard}[-test[-N]], in folders of those names; the schema of the authors' programs, not checked on "
        "the real files here"
    )

    def items(self, data: Path | None) -> Iterator[Item]:
        """Two a row; the two are a family, with what else is asked of the picture in other sets."""
        folder = opened(data, self.files)
        for name in below(folder, "", ".parquet"):
            words = name.lower().replace("/", "-").replace("_", "-").split("-")
            language = next((w for w in ("en", "zh") if w in words), "")
            difficulty = next((w for w in ("easy", "hard") if w in words), "")
            for row in rows(folder, name, columns=_COLUMNS):
                yield from _items(row, language, difficulty)


def _items(row: Row, language: str, difficulty: str) -> Iterator[Item]:
    covered = row.texts("crossed_text")
    if not covered or not all(text.strip() for text in covered):
        raise row.wrong("crossed_text has no covered texts, or an empty one")
    number = row.text("question_id")
    for column, shown in _SHOWN.items():
        if not row.has(column):
            continue
        image = row.row(column).get("bytes")
        if not isinstance(image, bytes) or not image:
            raise row.wrong(f"{column} has no bytes of an image")
        yield Item(
            f"{language}-{difficulty}-{number}-{column}", ((image,),), covered, family=f"{language}-{number}",
            categories={"language": language, "difficulty": difficulty, "shown": shown},
        )  # fmt: skip


VCR = Vcr()
