"""GenEval: prompts that name things, their number, colours and places, and images in which a detector looks for them.

Images are scored by the authors' rules (`limner.evaluate.metrics.geneval`) with a detector and a teller of colours that are named by address;
both are part of the measure's name, since other detectors give other scores (the paper's are Mask2Former's and CLIP ViT-L/14's). The benchmark
`geneval` takes them from `LIMNER_DETECTOR` and `LIMNER_COLOURS` (an encoder's address, or `pixels` for flat drawings); a judge, where there is
one, says by its own eyes whether an image shows what the prompt names. The paper's score in all is the mean over tasks, not over prompts.

`limner.evaluate.benchmarks.genevalvotes` reads what people said of the paper's images.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from limner.corpus.pixels import decode
from limner.errors import LimnerError
from limner.evaluate.benchmark import Item, Measure, Output, Scored, conversation
from limner.evaluate.benchmarks.files import Row, one_of, opened, rows
from limner.evaluate.benchmarks.grading import Sheet, holds
from limner.evaluate.judging import Case, Grade, Judge
from limner.evaluate.metrics.colours import Colourist, EncoderColours, PixelColours
from limner.evaluate.metrics.geneval import judged, prompt
from limner.experts.detector import detector
from limner.experts.language import Content, Message, Sampling

_PROMPTS = ("evaluation_metadata.jsonl", "prompts/evaluation_metadata.jsonl")


class GenEvalBench:
    """The benchmark with a detector and a teller of colours, each by address ("" for none); `GENEVAL` is it with those of the environment."""

    name = "geneval"
    title = "GenEval"
    reference = (
        "Ghosh et al., GenEval: An Object-Focused Framework for Evaluating Text-to-Image Alignment, NeurIPS 2023, arXiv 2310.11513; "
        "github.com/djghosh13/geneval"
    )
    files = "evaluation_metadata.jsonl, as in prompts of the authors' repository"
    sampling = Sampling(tokens=16, images=1, least_images=1)
    ranks = False

    def __init__(self, finds: str = "", colours: str = "") -> None:
        self._finds, self._colours = finds, colours
        self._correct = f"correct[{finds}, {colours or 'no colours'}]"
        found = [Measure(self._correct, "images that show what the prompt names, by the detector")] if finds else []
        self.measures: Sequence[Measure] = (
            *found,
            Measure("shown", "images that show what the prompt names, by the judge", judged=True),
        )

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a prompt."""
        folder = opened(data, self.files)
        for number, row in enumerate(rows(folder, one_of(folder, *_PROMPTS))):
            yield _item(row, number)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The prompt, plainly."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """The share of the images that are right; 0 where there is none. Prompts with colours have none where nobody tells colours."""
        sheet = Sheet()
        if self._finds and (self._colours or not any("color" in each for each in item.expected["include"])):
            sheet.values[self._correct], why = self._detected(item, output)
            if why:
                sheet.reasons[self._correct] = why
        if judge is not None:
            _shown(sheet, item, output, judge)
        return sheet.scored()

    def _detected(self, item: Item, output: Output) -> tuple[float, str]:
        asked, right, reasons = prompt(item.expected), 0, list[str]()
        for image in output.images:
            pixels = decode(image)
            verdict = judged(asked, detector(self._finds).detect([pixels])[0], pixels, self._colourist())
            right += verdict.right
            reasons += verdict.reasons
        return (right / len(output.images) if output.images else 0.0), "; ".join(reasons)

    def _colourist(self) -> Colourist | None:
        if not self._colours:
            return None
        return PixelColours() if self._colours == "pixels" else EncoderColours(self._colours)


def _shown(sheet: Sheet, item: Item, output: Output, judge: Judge) -> None:
    """By the judge, the share of images that show all that the prompt names."""
    question = (
        f"Is this {item.asked[0]}, with every thing that these words name, in the number, of the colour and at the place that they say? "
        "More of a thing counts as no only where a number is named."
    )
    right = 0
    for image in output.images:
        held, failed, reason = holds(judge, Case(_words(item), (image,)), question)
        if held is None:
            sheet.put("shown", Grade(None, reason, failed))
            return
        right += held
    sheet.values["shown"] = right / len(output.images) if output.images else 0.0


def _words(item: Item) -> tuple[str, ...]:
    """The prompt's words."""
    return tuple(piece for piece in item.asked if isinstance(piece, str))


def _item(row: Row, number: int) -> Item:
    expected = {name: row.get(name) for name in ("tag", "include", "exclude", "prompt") if row.has(name)}
    try:
        asked = prompt(expected)
    except LimnerError as error:
        raise row.wrong(str(error)) from None
    return Item(f"{number:05d}", ((row.text("prompt"),),), expected, categories={"task": asked.task})


GENEVAL = GenEvalBench(os.environ.get("LIMNER_DETECTOR", ""), os.environ.get("LIMNER_COLOURS", ""))
