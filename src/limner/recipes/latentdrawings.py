"""Emoji and clip art as latents of an autoencoder, told by classes, names and dense captions: what `pixart` trains on.

N pictures, L tokens of a text, E their width, C channels of a latent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from limner.errors import LimnerError
from limner.models.heads.vectors import pixels, spread
from limner.models.paint.autoencoder import CompressionSettings, compressing
from limner.models.paint.painter import WEIGHTS, Drawing, load, told
from limner.models.tokenizers import Autoencoder
from limner.models.tokenizers.frozen import frozen_stages
from limner.recipes.densecaptions import dense
from limner.recipes.drawings import Dealt, Drawings, Some, drawings
from limner.recipes.tokenizing import Learned, Weights, encoded
from limner.sources.pairs import pairs
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit

GOOD = "fluent-emoji"
"""The set whose pictures are the good ones: rendered, of one style."""


@dataclass(frozen=True, eq=False)
class LatentDrawings:
    """Rows have `latents` (N x C x R x S, of mean 0 and deviation 1), a `class`, and `names` and `dense` captions as states (with
    `names_mask`, `dense_mask`).

    `train`, `test`  all pictures of these parts; `good`, `best` the good ones of them
    `judged`   some of `best`, with their pixels; `known` some of `good`, likewise
    `classes`  how many there are; `words` of a name and of a dense caption, means
    """

    autoencoder: Autoencoder
    drawing: Drawing
    train: Some
    good: Some
    test: Some
    best: Some
    judged: Drawings
    known: Drawings
    classes: int
    words: tuple[float, float]


@cache
def latent(data: tuple[str, ...], most: int, judged: int, eye: int) -> LatentDrawings:
    """The pictures of `data`, of at most `most` of each set (0: all), in latents of the autoencoder that comes with limner, or of one that
    is trained `eye` steps. Raises `LimnerError` where the good ones are not among them."""
    if GOOD not in data:
        raise LimnerError(f"the third step is on the pictures of {GOOD}, which is not among {', '.join(data)}")
    parts = drawings(data, CompressionSettings().side, most)
    autoencoder, drawing = _trained(parts["train"], eye) if eye else _shipped()
    groups = {f"{p.text}, openclipart": p.group for p in pairs("openclipart")} if "openclipart" in data else {}
    said = {name: _dense(part, groups) for name, part in parts.items()}
    labels = sorted({_label(text, groups) for part in parts.values() for text in part.texts})
    made: dict[str, Some] = {}
    for name, part in parts.items():
        number = torch.tensor([labels.index(_label(text, groups)) for text in part.texts])
        made[name] = Some(
            {
                **_latents(part, autoencoder, drawing),
                "class": number,
                **_states("names", part.texts),
                **_states("dense", said[name]),
            }
        )
    good = {name: _rows(part) for name, part in parts.items()}
    words = [float(np.mean([len(text.split()) for text in each])) for each in (parts["train"].texts, said["train"])]
    train, test = made["train"], made["test"]
    asked, known = (_some(parts[name], made[name], good[name], judged) for name in ("test", "train"))
    best = test.at(good["test"])
    return LatentDrawings(
        autoencoder, drawing, train, train.at(good["train"]), test, best, asked, known, len(labels), (words[0], words[1])
    )  # fmt: skip


def _some(part: Drawings, made: Some, rows: torch.Tensor, most: int) -> Drawings:
    """At most so many of these rows, with their pixels."""
    both = Some({**made.held, "pixels": part.some["pixels"]})
    return Drawings(tuple(part.texts[i] for i in rows.tolist()), both.at(rows)).spread(most)


def _shipped() -> tuple[Autoencoder, Drawing]:
    painter = load(WEIGHTS)
    return painter.autoencoder, painter.drawing


def _trained(pictures: Drawings, steps: int) -> tuple[Autoencoder, Drawing]:
    torch.manual_seed(0)
    made = compressing()
    frozen = frozen_stages((0, 2, 4), 1.0)  # the finer maps alone: the coarser ones cost as much as all the rest
    schedule = Schedule("cosine", min(50, steps), 0.02)
    fit(
        Learned(made, frozen, Weights(perceptual=0.05)),
        Dealt(pictures.some, 16, 0),
        Fit(steps, 2e-3, decay=0.01, schedule=schedule, ema=0.99),
    )
    made.cpu().eval()
    mean, deviation = spread(encoded(made, pictures.some.at(slice(0, None, 4))).before_NPC)
    return made, Drawing(tuple(mean.tolist()), tuple(deviation.tolist()))


def _latents(part: Drawings, autoencoder: Autoencoder, drawing: Drawing) -> dict[str, torch.Tensor]:
    vectors = encoded(autoencoder, part.some).before_NPC
    vectors = (vectors - torch.tensor(drawing.mean)) / torch.tensor(drawing.deviation)
    side = autoencoder.side // 8
    return {"latents": vectors.transpose(1, 2).unflatten(2, (side, side))}


def _states(name: str, texts: Sequence[str]) -> dict[str, torch.Tensor]:
    states, mask = told(texts)
    return {name: states.half(), f"{name}_mask": mask}


def _dense(part: Drawings, groups: Mapping[str, str]) -> list[str]:
    shown = pixels(part.some.images)
    return [dense(text, picture, groups.get(text, "")) for text, picture in zip(part.texts, shown, strict=True)]


def _label(text: str, groups: Mapping[str, str]) -> str:
    """A picture's class: the folder of clip art, the maker of emoji."""
    return groups.get(text) or text.rpartition(", ")[2]


def _rows(part: Drawings) -> torch.Tensor:
    """The rows of the good pictures."""
    maker = GOOD.partition("-")[0]
    return torch.tensor([i for i, text in enumerate(part.texts) if text.endswith(f", {maker}")], dtype=torch.long)
