"""Small generators of images that are to show a text, trained in minutes: one draws letter by letter, one whole pictures by what a prompt means.

`Letters` is told each letter, as models are whose text encoder spells; where letters go is a rule. `Words` is told a prompt by the states of
an encoder of texts (MiniLM), which do not spell, and denoises a small picture: the kind of the first text-to-image models.

N letters or pictures, H x W pixels of a cell.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional

from limner.corpus.pixels import Pixels
from limner.evaluate.benchmarks.typeset import Font, font, fonts_for, lay
from limner.experts.text_encoder import MeanEncoder, text_encoder
from limner.models.tokenizers import Text
from limner.recipes.drawings import TOKENS, Dealt, Some
from limner.recipes.painting import Flowing, Size
from limner.recipes.tokenizing import fitting
from limner.train.trainer import fit

CELL = (32, 20)
"""Rows and columns of pixels of a letter."""
_PATCH, _GRID = 8, (8, 8)
_QUOTED = re.compile(r"“(.*)”", re.DOTALL)
_SPREAD = 0.3  # of the noise that each letter's drawing is varied by


def asked(prompt: str) -> str:
    """The text that a prompt wants in the picture: what stands between its outermost quotation marks, else all of it."""
    found = _QUOTED.search(prompt)
    return found[1] if found else prompt


class Letters(nn.Module):
    """A cell of each letter from a vector of it and of chance; its batches have `letter` and `cell`."""

    def __init__(self, letters: str, width: int = 64) -> None:
        super().__init__()
        self.known = letters
        self.vectors = nn.Embedding(len(letters), width)
        self.cell = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, CELL[0] * CELL[1]))

    def logits(self, letters_N: Tensor, chance: torch.Generator | None = None) -> Tensor:
        """How dark each pixel is, N x (H W)."""
        vectors = self.vectors(letters_N)
        noise = torch.randn(vectors.shape, generator=chance).to(vectors)
        return self.cell(vectors + _SPREAD * noise)

    def counts(self, batch: Some) -> dict[str, float]:
        """See `limner.train.trainer.Model`."""
        return {"pixels": float(len(batch))}

    def forward(self, batch: Some) -> dict[str, Tensor]:
        """See `limner.train.trainer.Model`."""
        logits = self.logits(batch["letter"].long())
        losses = functional.binary_cross_entropy_with_logits(logits, batch["cell"].flatten(1).float() / 255, reduction="none")
        return {"pixels": losses.mean(1).sum()}

    @torch.inference_mode()
    def draw(self, text: str, side: int, seed: int) -> Pixels:
        """A text on a picture of `side` pixels: as many columns of letters as let all of it in, words whole. Letters not known are left out."""
        rows, columns, lines = _grid(text, side)
        page = torch.zeros(rows * CELL[0], columns * CELL[1])
        chance = torch.Generator().manual_seed(seed)
        places = [(r, c, self.known.index(x)) for r, line in enumerate(lines) for c, x in enumerate(line) if x in self.known]
        if places:
            cells = self.logits(torch.tensor([letter for _, _, letter in places]), chance).sigmoid().unflatten(1, CELL)
            for (r, c, _), cell in zip(places, cells, strict=True):
                page[r * CELL[0] : (r + 1) * CELL[0], c * CELL[1] : (c + 1) * CELL[1]] = cell
        ink = Image.fromarray((255 - 255 * page.numpy()).round().astype(np.uint8))
        scale = min((side - 24) / ink.width, (side - 24) / ink.height, 1.5)
        small = ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.LANCZOS)
        sheet = Image.new("L", (side, side), "white")
        sheet.paste(small, (12, 12))
        return np.asarray(sheet.convert("RGB"))


def _grid(text: str, side: int) -> tuple[int, int, list[str]]:
    """Rows, columns and the lines of a text in the least of square pages that holds it."""
    columns = 8
    while True:
        lines = [""]
        for word in text.split():
            word = word[:columns]
            if len(lines[-1]) + 1 + len(word) > columns and lines[-1]:
                lines.append("")
            lines[-1] += f" {word}" if lines[-1] else word
        if len(lines) * CELL[0] <= columns * CELL[1] or columns >= side:
            return max(len(lines), 1), columns, lines
        columns += 2


def letters(texts: Sequence[str], steps: int, seed: int) -> Letters:
    """Trained on cells of the letters of texts, in an upright font."""
    known = "".join(sorted({letter for text in texts for letter in text if not letter.isspace()}))
    known = "".join(letter for letter in known if fonts_for(letter, "DejaVuSansMono.ttf")[:1])
    cells: list[Pixels] = []
    for letter in known:
        cell = Image.new("L", (CELL[1], CELL[0]), 0)
        face = font(fonts_for(letter, "DejaVuSansMono.ttf")[0], 26)
        ImageDraw.Draw(cell).text((CELL[1] / 2, 25), letter, 255, face, anchor="ms")
        cells.append(np.asarray(cell))
    some = Some({"letter": torch.arange(len(known)), "cell": torch.from_numpy(np.stack(cells))})
    torch.manual_seed(seed)
    model = Letters(known)
    fit(model, Dealt(some, min(32, len(known)), seed), fitting(steps, seed))
    return model.cpu().eval()


@dataclass(frozen=True)
class Lettered:
    """How `Words` is trained: pictures of a few `words` each, `count` of them, in `steps`."""

    count: int = 1_500
    words: int = 3
    steps: int = 300
    batch: int = 32
    size: Size = field(default_factory=lambda: Size(128, 4, 0, 3))
    scale: float = 2.0
    strokes: int = 20


class Words:
    """A flow over patches of a picture of 64 x 64 pixels, told what a prompt means."""

    def __init__(self, texts: Sequence[str], settings: Lettered, seed: int) -> None:
        self.settings = settings
        draw = random.Random(seed)
        some = [_few(draw.choice(texts), settings.words, draw) for _ in range(settings.count)]
        face = font(fonts_for("hg", "DejaVuSans-Bold.ttf")[0], 13)
        shown = torch.from_numpy(np.stack([_patches(_small(text, face)) for text in some]))
        states, mask = _told(some)
        torch.manual_seed(seed)
        self.flow = Flowing(_PATCH**2, _GRID[0] * _GRID[1], settings.size, states.shape[-1])
        rows = Some({"vectors": shown, "states": states.half(), "mask": mask})
        fit(self.flow, Dealt(rows, settings.batch, seed), fitting(settings.steps, seed))
        self.flow.cpu().eval()

    def draw(self, texts: Sequence[str], side: int, seed: int) -> list[Pixels]:
        """A picture of each text, made larger."""
        states, mask = _told(texts)
        chance = torch.Generator().manual_seed(seed)
        vectors = self.flow.draw(Text(states, mask), self.settings.scale, self.settings.strokes, chance)
        tiles = vectors.unflatten(1, _GRID).unflatten(-1, (_PATCH, _PATCH)).permute(0, 1, 3, 2, 4).flatten(3).flatten(1, 2)
        grey = (127.5 - 127.5 * tiles.clamp(-1, 1)).round().to(torch.uint8).numpy()
        return [np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC).convert("RGB")) for one in grey]


def _few(text: str, words: int, draw: random.Random) -> str:
    every = text.split()
    at = draw.randrange(max(len(every) - words, 0) + 1)
    return " ".join(every[at : at + words])


def _small(text: str, face: Font) -> Pixels:
    picture = Image.new("L", (_GRID[1] * _PATCH, _GRID[0] * _PATCH), "white")
    block = lay(text, face, picture.width - 2)
    block.first(max(1, (picture.height - 2) // block.step)).draw(picture, (1, 1))
    return np.asarray(picture)


def _patches(grey: Pixels) -> np.ndarray:
    """White is -1 and ink is 1: P x C, row by row."""
    tiles = grey.reshape(_GRID[0], _PATCH, _GRID[1], _PATCH).transpose(0, 2, 1, 3).reshape(-1, _PATCH**2)
    return (1 - tiles / 127.5).astype(np.float32)


def _told(texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    encoder = text_encoder("bundled:minilm")
    assert isinstance(encoder, MeanEncoder)
    states, mask = encoder.states(texts, TOKENS)
    return torch.from_numpy(states), torch.from_numpy(mask)
