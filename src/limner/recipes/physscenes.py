"""Questions about number, weight, place and motion, composed from emoji and written in the schema of PhysBench.

Number: some of one thing among others. Weight: what is written beneath four things. Place: one thing as another is seen from. Motion: a thing
that crosses a video while others stand still. The right choice is drawn, so words alone do not tell it.
"""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from limner.corpus.pixels import Pixels
from limner.evaluate.benchmarks.physbench import ANSWERS
from limner.models.reader import png
from limner.recipes.sprites import scene

SIDE = 384
"""Pixels of a picture."""
SUBCLASSES: Mapping[str, tuple[str, str]] = {
    "number": ("property", "identify"), "mass": ("property", "comparison"), "location": ("relationships", "static"),
    "motion": ("relationships", "dynamic"),
}  # fmt: skip
"""Those that are composed, of the nineteen, with their domain and ability."""

_GRID = 3
_SIZE = 0.26  # of a sprite, in the picture's side
_FRAMES = 16
_WAYS = {"to the left": (-1, 0), "to the right": (1, 0), "upwards": (0, -1), "downwards": (0, 1)}
_STANDS = {"to the left of": (-1, 0), "to the right of": (1, 0), "above": (0, -1), "below": (0, 1)}
_GROUND = (246, 244, 236)
_LETTERS = "ABCD"


@dataclass(frozen=True)
class Asked:
    """A question: its subclass, its picture or the frames of its video, the words, the choices, the right one, and what seeing it should come to."""

    subclass: str
    shown: tuple[Pixels, ...]
    words: str
    choices: tuple[str, ...]
    right: int
    truth: str


def asked(things: Mapping[str, Pixels], each: int, draw: random.Random) -> Iterator[Asked]:
    """So many of each subclass."""
    for make in (_number, _mass, _location, _motion):
        for _ in range(each):
            yield make(things, draw)


def written(questions: Sequence[Asked], folder: Path) -> None:
    """Write questions and answers as the authors' files are."""
    rows: list[dict[str, object]] = []
    answers: list[dict[str, object]] = []
    for below in ("image", "video"):
        (folder / below).mkdir(parents=True, exist_ok=True)
    for number, q in enumerate(questions):
        moving = len(q.shown) > 1
        name = f"{number}.mp4" if moving else f"{number}.png"
        if moving:
            _video(q.shown, folder / "video" / name)
        else:
            (folder / "image" / name).write_bytes(png(q.shown[0]))
        listed = "\n".join(f"{letter}. {choice}" for letter, choice in zip(_LETTERS, q.choices, strict=True))
        text = f"<{'video' if moving else 'image'}>\n{q.words}\n{listed}"
        domain, ability = SUBCLASSES[q.subclass]
        rows.append({"idx": number, "split": "val", "mode": "image&video", "question": text, "file_name": [name]})
        told = {"task_type": domain, "sub_type": q.subclass, "ability_type": ability, "mode": "image&video"}
        answers.append({"idx": number, "answer": _LETTERS[q.right], **told})
    (folder / "test.json").write_text(json.dumps(rows), "utf-8")
    (folder / ANSWERS[0]).write_text(json.dumps(answers), "utf-8")


def _cells(draw: random.Random, count: int) -> list[tuple[float, float]]:
    """Left and top of so many places that do not touch."""
    cells = draw.sample([(x, y) for x in range(_GRID) for y in range(_GRID)], count)
    return [((x + draw.uniform(0.05, 0.15)) / _GRID, (y + draw.uniform(0.05, 0.15)) / _GRID) for x, y in cells]


def _number(things: Mapping[str, Pixels], draw: random.Random) -> Asked:
    thing, other = draw.sample(sorted(things), 2)
    right, numbers = draw.randrange(4), draw.sample(range(1, 7), 4)
    count, others = numbers[right], draw.randint(1, 3)
    placed = [(things[thing if n < count else other], x, y, _SIZE) for n, (x, y) in enumerate(_cells(draw, count + others))]
    words = f"How many pictures of this thing are there: {thing}?"
    return Asked("number", (scene(SIDE, _GROUND, placed),), words, tuple(map(str, numbers)), right, f"{thing}: {count}")


def _mass(things: Mapping[str, Pixels], draw: random.Random) -> Asked:
    names, right = draw.sample(sorted(things), 4), draw.randrange(4)
    weights = draw.sample(range(2, 99), 4)
    most = max(range(4), key=lambda n: weights[n])
    weights[most], weights[right] = weights[right], weights[most]
    corners = [(0.1, 0.05), (0.6, 0.05), (0.1, 0.55), (0.6, 0.55)]
    picture = Image.fromarray(scene(SIDE, _GROUND, [(things[n], x, y, _SIZE) for n, (x, y) in zip(names, corners, strict=True)]))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(28)
    for weight, (x, y) in zip(weights, corners, strict=True):
        pen.text((SIDE * x, SIDE * (y + _SIZE + 0.02)), f"{weight} kg", "black", font)
    truth = f"The {names[right]} weighs {weights[right]} kg."
    return Asked("mass", (np.asarray(picture),), "Which thing is the heaviest?", tuple(names), right, truth)


def _location(things: Mapping[str, Pixels], draw: random.Random) -> Asked:
    one, other = draw.sample(sorted(things), 2)
    order, right = draw.sample(sorted(_STANDS), 4), draw.randrange(4)
    across, down = _STANDS[order[right]]
    middle = (1 - _SIZE) / 2
    away, aside = draw.uniform(0.3, 0.36), draw.uniform(-0.05, 0.05)
    left, top = middle + across * away + aside * abs(down), middle + down * away + aside * abs(across)
    picture = scene(SIDE, _GROUND, [(things[one], left, top, _SIZE), (things[other], middle, middle, _SIZE)])
    words = f"Where is the {one}?"
    choices = tuple(f"{stands} the {other}" for stands in order)
    return Asked("location", (picture,), words, choices, right, f"The {one} is {order[right]} the {other}.")


def _motion(things: Mapping[str, Pixels], draw: random.Random) -> Asked:
    thing, *others = draw.sample(sorted(things), 3)
    order, right = draw.sample(sorted(_WAYS), 4), draw.randrange(4)
    across, down = _WAYS[order[right]]
    lane = draw.uniform(0.3, 0.42)
    stands = [(0.02, 0.02), (0.72, 0.72)]
    shown: list[Pixels] = []
    for n in range(_FRAMES):
        along = (1 - _SIZE) * (0.15 + 0.7 * n / (_FRAMES - 1))
        at = along if across + down > 0 else (1 - _SIZE) - along
        left, top = (at, lane) if across else (lane, at)
        still = [(things[name], x, y, _SIZE * 0.9) for name, (x, y) in zip(others, stands, strict=True)]
        shown.append(scene(SIDE, _GROUND, [*still, (things[thing], left, top, _SIZE)]))
    return Asked("motion", tuple(shown), f"How does the {thing} move?", tuple(order), right, f"The {thing} moves {order[right]}.")


def _video(shown: Sequence[Pixels], path: Path) -> None:
    av: Any = importlib.import_module("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=8, options={"qscale": "2"})
        stream.width, stream.height, stream.pix_fmt = shown[0].shape[1], shown[0].shape[0], "yuv420p"
        stream.bit_rate = 4_000_000
        for pixels in shown:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
        container.mux(stream.encode())
