"""Emoji as small pictures to compose scenes of: the same things as several artists drew them, on white.

S pixels of a side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from limner.corpus.pixels import Pixels, thumbnail
from limner.errors import LimnerError
from limner.models.reader import fitted
from limner.packages.cachedir import cache_folder
from limner.provenance.gist import gist_hash
from limner.provenance.used import code_of
from limner.recipes.arrays import arrays
from limner.recipes.provenance import data_hashes
from limner.sources.pairs import pairs

THINGS = (
    "red apple", "banana", "carrot", "broccoli", "grapes", "tangerine", "blue heart", "sun", "cloud", "evergreen tree", "pig face", "frog",
    "orange book", "basketball", "eggplant", "fire engine", "penguin", "sunflower", "cactus", "guitar", "four leaf clover", "droplet",
    "gem stone", "key",
)  # fmt: skip
"""Names in Unicode that each set draws, told apart by colour and outline at 32 pixels."""

Sprites = Mapping[str, Mapping[str, Pixels]]
"""By set, by thing: S x S x 3, on white."""


@cache
def sprites(data: tuple[str, ...], things: tuple[str, ...] = THINGS, side: int = 64) -> Sprites:
    """The things as each data set draws them, kept between runs. Raises `LimnerError` where a set lacks one."""
    own = gist_hash(Path(__file__).read_bytes())
    made_by = f"{own} {code_of('limner.sources.pairs')} {data_hashes(data)} {things} {side}"
    file = cache_folder("features") / f"sprites-{sha256(made_by.encode()).hexdigest()[:16]}.npz"
    with arrays(file, lambda: {name: _drawn(name, things, side) for name in data}) as found:
        return {name: dict(zip(things, found[name], strict=True)) for name in data}


def _drawn(name: str, things: Sequence[str], side: int) -> Pixels:
    wanted = dict.fromkeys(things, b"")
    for pair in pairs(name):
        if pair.text in wanted and not wanted[pair.text]:
            wanted[pair.text] = pair.image
    if lacking := [thing for thing, data in wanted.items() if not data]:
        raise LimnerError(f"{name} has no picture of {', '.join(lacking)}: name other things")
    return np.stack([fitted(thumbnail(data, side), side) for data in wanted.values()])


def scene(side: int, ground: Sequence[int], placed: Sequence[tuple[Pixels, float, float, float]]) -> Pixels:
    """A square of one light colour with sprites on it, each with its left, top and side as parts of the square. White is transparent: the
    ground shines through (the product of both).

    >>> dot = np.zeros((4, 4, 3), np.uint8)
    >>> scene(8, (255, 255, 250), [(dot, 0.5, 0.0, 0.5)])[0, :, 2].tolist()
    [250, 250, 250, 250, 0, 0, 0, 0]
    """
    out = np.broadcast_to(np.asarray(ground, np.float32), (side, side, 3)).copy()
    for sprite, left, top, size in placed:
        x, y = round(left * side), round(top * side)
        wide = min(round(size * side), side - x, side - y)
        small = np.asarray(thumbnail_of(sprite, wide), np.float32) / 255
        out[y : y + wide, x : x + wide] *= small
    return out.round().astype(np.uint8)


def thumbnail_of(sprite: Pixels, side: int) -> Pixels:
    """A sprite as a square of so many pixels."""
    from PIL import Image

    return np.asarray(Image.fromarray(sprite).resize((side, side), Image.Resampling.BOX))
