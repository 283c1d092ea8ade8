"""Items of Visual Caption Restoration made from a corpus: its pictures with the words that go with them, in any language that a font here sets.

As in VCR-wiki stretches of five words (letters, of scripts without spaces) without numbers, marks or names are covered, half of a sentence at most.
How much of the letters' height is covered says how hard it is: the authors' shares of a line's height, measured on the letters of Liberation Sans,
which is as large as the Arial that they use. Names are told by capitals, not by a model.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from limner.evaluate.benchmark import Item
from limner.evaluate.benchmarks.pictured import Pictured, corpus_of, ended, pictured, png
from limner.evaluate.benchmarks.typeset import Block, boxes, font, fonts_for, lay
from limner.evaluate.benchmarks.vcr import Restoration

ROWS = {
    ("spaced", "easy"): (0.322, 0.681), ("spaced", "hard"): (0.264, 0.716),
    ("unspaced", "easy"): (0.394, 0.706), ("unspaced", "hard"): (0.238, 0.875),
}  # fmt: skip
"""Of the height of letters, from the top of h to the bottom of g (of a square letter), what is covered: from, to. Of unspaced scripts the authors'
shares for SimSun, whose letters are taken to begin a tenth of their height below the top of the line."""


@dataclass(frozen=True)
class Making:
    """How items are made: lines of text and pixels of a letter as the authors have them; `width` of a picture; words of a text at least."""

    lines: int = 5
    size: int = 20
    width: int = 400
    words: int = 12
    together: int = 5
    share: float = 0.5
    seed: int = 0


class VcrMade(Restoration):
    """See the module; `VCR_MADE` is it."""

    name = "vcr-made"
    title = "Visual Caption Restoration, made from a corpus"
    files = "a corpus of limner; its pictures with their captions and the text after them"

    def __init__(self, making: Making = Making()) -> None:
        self.making = making

    def items(self, data: Path | None) -> Iterator[Item]:
        """Each picture easy and hard, as a family; those without enough words, or words that no font here sets, are passed over."""
        corpus = corpus_of(data)
        for number, found in enumerate(pictured(corpus)):
            for difficulty in ("easy", "hard"):
                made = restoration(found, difficulty, self.making, number)
                if made:
                    image, texts = made
                    yield Item(
                        f"{found.document.id}-{number}-{difficulty}", ((png(image),),), texts, family=f"{found.document.id}-{number}",
                        categories={"language": found.document.language, "difficulty": difficulty, "shown": "picture and text"},
                    )  # fmt: skip


def restoration(found: Pictured, difficulty: str, making: Making, number: int = 0) -> tuple[Image.Image, list[str]] | None:
    """A picture with its text below, stretches of which are covered, and those stretches; None where none can be covered. The same stretches for
    every difficulty."""
    width = min(making.width, found.image.width) if found.image.width >= making.width // 2 else making.width // 2
    made = covered(f"{ended(found.caption)} {found.prose}", width, making, number)
    if made is None:
        return None
    below = made.drawn(difficulty)
    picture = found.image.resize((width, max(1, round(found.image.height * width / found.image.width))), Image.Resampling.LANCZOS)
    whole = Image.new("RGB", (width, picture.height + below.height), "white")
    whole.paste(picture, (0, 0))
    whole.paste(below, (0, picture.height))
    return whole, made.texts


@dataclass(frozen=True, slots=True)
class Covered:
    """A text in lines of a width, and the stretches of its words that are covered."""

    block: Block
    stretches: tuple[tuple[int, ...], ...]
    width: int

    @property
    def texts(self) -> list[str]:
        """What the stretches say."""
        return [said(self.block, stretch) for stretch in self.stretches]

    def drawn(self, difficulty: str = "") -> Image.Image:
        """The text on white, its stretches covered as `easy` or `hard` says; with "" none is."""
        kind = "spaced" if sum(word.spaced for word in self.block.words) * 2 > len(self.block.words) else "unspaced"
        below = Image.new("RGB", (self.width, self.block.height + 2), "white")
        self.block.draw(below, (0, 0))
        pen = ImageDraw.Draw(below)
        for stretch in self.stretches if difficulty else ():
            for box in boxes(self.block, stretch, rows=ROWS[kind, difficulty]):
                pen.rectangle(box, "white")
        return below


def covered(text: str, width: int, making: Making, number: int = 0) -> Covered | None:
    """A text with stretches to cover, which `number` draws; None where no font sets it, it has too few words, or none may be covered."""
    text = " ".join(text.split())
    files = fonts_for(text, "LiberationSans-Regular", "DejaVuSans.ttf") if text else []
    if not files:
        return None
    block = lay(text, font(files[0], making.size), width).first(making.lines)
    if len(block.words) < making.words:
        return None
    stretches = chosen(block, making, random.Random(f"{making.seed} {number}"))
    return Covered(block, tuple(tuple(stretch) for stretch in stretches), width) if stretches else None


def chosen(block: Block, making: Making, draw: random.Random) -> list[list[int]]:
    """Which words are covered: stretches that do not touch, in their order, of words that may be."""
    stretches: list[list[int]] = []
    for sentence in _sentences(block):
        free = [_may(block, i, i == sentence[0]) for i in sentence]
        starts = [i for i in range(len(sentence) - making.together + 1) if all(free[i : i + making.together])]
        draw.shuffle(starts)
        taken: set[int] = set()
        for start in starts:
            if len(taken) + making.together > making.share * len(sentence):
                break
            if not taken & set(range(start - 1, start + making.together + 1)):
                taken |= set(range(start, start + making.together))
                stretches.append([sentence[i] for i in range(start, start + making.together)])
    every = [said(block, stretch) for stretch in stretches]
    once = [stretch for stretch, text in zip(stretches, every, strict=True) if block.text.count(text) == 1]
    return sorted(once)


def said(block: Block, stretch: Sequence[int]) -> str:
    """The words of a stretch as they are read."""
    return "".join((" " if block.words[i].spaced and i != stretch[0] else "") + block.words[i].text for i in stretch)


_ENDS = re.compile(r"[.!?:;。！？；：]['\"”’)]*$")
_PLAIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def _sentences(block: Block) -> list[list[int]]:
    out: list[list[int]] = [[]]
    for number, word in enumerate(block.words):
        out[-1].append(number)
        if _ENDS.search(word.text):
            out.append([])
    return [sentence for sentence in out if sentence]


def _may(block: Block, number: int, first: bool) -> bool:
    """Whether a word is letters alone and no name: one with a capital inside a sentence is taken for one."""
    text = block.words[number].text
    return bool(_PLAIN.fullmatch(text)) and (text[0].islower() or not text[0].isupper() or (first and text[1:].islower()))


VCR_MADE = VcrMade()
