"""A small reader of lines of text, covered or not: columns of pixels to letters. What `vcr` trains before and after covering.

Every letter's place is known where a text is set, so each column is told the letter that has its middle there, or none; what is read off is letters
of the likeliest columns, those that go on counted once (as CTC reads: Graves et al. 2006), without an alignment to be found.

N lines, H x W pixels of one, F = W/2 columns, A letters and none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from limner.evaluate.benchmarks.typeset import Block
from limner.evaluate.benchmarks.vcrmade import Covered
from limner.experts.device import place
from limner.recipes.drawings import Dealt, Some
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit

_COLUMN = 2  # pixels
_NONE = 0.2  # how much a column without a letter counts


@dataclass(frozen=True)
class Reader:
    """Channels of its layers over pixels and over columns, the latter with the given reaches; trained on batches of lines."""

    channels: tuple[int, int, int] = (16, 32, 64)
    width: int = 128
    reaches: tuple[int, ...] = (1, 2, 4)
    batch: int = 16
    rate: float = 2e-3


class RowReader(nn.Module):
    """Lines N x 1 x H x W, dark letters near 1, to logits N x A x F. Batches have `lines` and `letters` (N x F)."""

    def __init__(self, settings: Reader, letters: str, high: int) -> None:
        super().__init__()
        self.alphabet = letters
        one, two, three = settings.channels
        self.pixels = nn.Sequential(
            nn.Conv2d(1, one, 3, padding=1), nn.GELU(), nn.MaxPool2d(2),
            nn.Conv2d(one, two, 3, padding=1), nn.GELU(), nn.MaxPool2d((2, 1)),
            nn.Conv2d(two, three, 3, padding=1), nn.GELU(), nn.Flatten(1, 2),
        )  # fmt: skip
        self.first = nn.Conv1d(three * (high // 4), settings.width, 1)
        self.columns = nn.ModuleList(
            nn.Conv1d(settings.width, settings.width, 3, padding=r, dilation=r) for r in settings.reaches
        )
        self.last = nn.Conv1d(settings.width, len(letters) + 1, 1)

    def logits(self, lines: Tensor) -> Tensor:
        """See the class."""
        x = functional.gelu(self.first(self.pixels(lines.float() / 255)))
        for layer in self.columns:
            x = x + functional.gelu(layer(x))
        return self.last(x)

    def counts(self, batch: Some) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        return {"letters": float(len(batch))}

    def forward(self, batch: Some) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        weight = torch.ones(len(self.alphabet) + 1, device=batch["lines"].device)
        weight[0] = _NONE
        losses = functional.cross_entropy(self.logits(batch["lines"]), batch["letters"].long(), weight, reduction="none")
        return {"letters": losses.mean(1).sum()}

    @torch.inference_mode()
    def read(self, lines: Tensor) -> list[str]:
        """What N lines say."""
        best = self.logits(lines.to(next(self.parameters()).device)).argmax(1).tolist()
        return ["".join(self.alphabet[at - 1] for at, _ in groupby(row) if at) for row in best]


def alphabet(texts: Iterable[str], least: int = 5) -> str:
    """The letters that come so often, and the space, sorted."""
    counted = Counter(letter for text in texts for letter in text)
    return "".join(sorted({" ", *(letter for letter, count in counted.items() if count >= least)}))


def lines_of(image: Image.Image, block: Block, wide: int) -> NDArray[np.uint8]:
    """The lines of a text that is drawn on `image` from its top left, dark near 255: N x 1 x H x `wide`."""
    ink = 255 - np.asarray(image.convert("L"))
    ink = np.pad(ink, ((0, 0), (0, max(wide - ink.shape[1], 0))))[:, :wide]
    return np.stack([ink[None, line * block.step : (line + 1) * block.step] for line in range(block.lines)])


def letters_of(block: Block, letters: str, wide: int) -> NDArray[np.uint8]:
    """Which letter each column of each line has the middle of: 0 for none, else its place in `letters` from 1: N x F."""
    place_of = {letter: number for number, letter in enumerate(letters, 1)}
    found = np.zeros((block.lines, wide // _COLUMN), np.uint8)
    space = block.face.getlength(" ")
    for number, word in enumerate(block.words):
        ends = [word.left + block.face.getlength(word.text[:end]) for end in range(len(word.text) + 1)]
        middles = [(letter, (a + b) / 2) for letter, a, b in zip(word.text, ends, ends[1:], strict=False)]
        if word.spaced and number and block.words[number - 1].line == word.line:
            middles.append((" ", word.left - space / 2))
        for letter, middle in middles:
            if letter in place_of and 0 <= middle < wide:
                found[word.line, int(middle / _COLUMN)] = place_of[letter]
    return found


def lines(texts: Sequence[Covered], letters: str, wide: int, difficulties: Sequence[str]) -> Some:
    """The lines of texts, covered in turn as `difficulties` say, with their letters."""
    drawn = [lines_of(text.drawn(difficulties[i % len(difficulties)]), text.block, wide) for i, text in enumerate(texts)]
    told = [letters_of(text.block, letters, wide) for text in texts]
    return Some({"lines": torch.from_numpy(np.concatenate(drawn)), "letters": torch.from_numpy(np.concatenate(told))})


def trained(reader: RowReader, some: Some, settings: Reader, steps: int, seed: int) -> RowReader:
    """The reader after so many steps on these lines."""
    fit(
        reader, Dealt(some, settings.batch, seed),
        Fit(steps, settings.rate, decay=0.01, schedule=Schedule(warm=min(30, steps // 4), least=0.05), log=steps, seed=seed),
    )  # fmt: skip
    return reader.to(place()[0]).eval()
