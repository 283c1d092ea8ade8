"""PartiPrompts: 1,632 prompts for images, in 12 categories and with 11 challenges. The authors have people compare images and give no score of their
own: here a judge grades how far the image shows what the prompt says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.evaluate.benchmark import Item, Measure, Output, Scored, conversation
from limner.evaluate.benchmarks.files import one_of, opened, rows
from limner.evaluate.benchmarks.grading import graded, measures
from limner.evaluate.judging import Aspect, Judge
from limner.experts.language import Content, Message, Sampling

ALIGNMENT = Aspect(
    "alignment",
    "what the request says: does the image show all of it, the things, how many they are, what they are like, where they stand, the style asked for "
    "and any words to be written? 5 where nothing is missing or wrong, 0 where it shows something else.",
)
QUALITY = Aspect(
    "quality",
    "the image by itself: is it well made, without distortions, broken bodies or letters, in the way that the request wants it to look?",
)


class PartiPrompts:
    """The benchmark; `PARTI_PROMPTS` is it."""

    name = "partiprompts"
    title = "PartiPrompts (P2)"
    reference = "Yu et al., Scaling Autoregressive Models for Content-Rich Text-to-Image Generation, arXiv 2206.10789; google-research/parti"
    files = "PartiPrompts.tsv of google-research/parti (read here: 1,632 prompts)"
    measures: Sequence[Measure] = (
        *measures([ALIGNMENT, QUALITY]),
        Measure("image", "there is one image and nothing is wrong with it as a file"),
    )
    sampling = Sampling(tokens=64, images=1, least_images=1)
    ranks = False

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a line; their number is their id."""
        folder = opened(data, self.files)
        for number, row in enumerate(rows(folder, one_of(folder, "PartiPrompts.tsv"), quoted=False)):
            prompt = row.text("Prompt")
            yield Item(
                f"{number:04}", ((prompt,),), categories={"category": row.text("Category"), "challenge": row.text("Challenge")}
            )

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The prompt."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """Grades of the answer; without a judge whether there is an image."""
        sheet = graded(item, output, judge, [ALIGNMENT, QUALITY])
        sheet.values["image"] = float(len(output.images) == 1)
        return sheet.scored()


PARTI_PROMPTS = PartiPrompts()
