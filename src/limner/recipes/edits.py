"""What can be done to any picture, and whether a second picture is what was asked to be done to the first: so that what a model draws can be held
against what it drew before. What an encoder sees of small drawings, kept.

N pictures, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.corpus.pixels import Pixels
from limner.experts.pairs.features import image_features
from limner.models.heads.vectors import Floats, pixels
from limner.packages.cachedir import cache_folder
from limner.recipes.arrays import arrays
from limner.recipes.drawings import Drawings, drawings
from limner.recipes.provenance import data_hashes
from limner.recipes.tokenizing import SEEN

EDITS = ("upside down", "in grey", "on blue", "inverted", "small")
_BLUE = np.array([140, 190, 255], np.float32) / 255


def edited(picture: Pixels, edit: str) -> Pixels:
    """A picture after an edit.

    >>> edited(np.full((2, 2, 3), 255, np.uint8), "inverted").max()
    np.uint8(0)
    """
    side = len(picture)
    if edit == "upside down":
        return picture[::-1].copy()
    if edit == "in grey":
        return np.repeat(picture.mean(2, keepdims=True).round().astype(np.uint8), 3, 2)
    if edit == "on blue":
        return (picture * _BLUE).round().astype(np.uint8)
    if edit == "inverted":
        return 255 - picture
    shown = np.full_like(picture, 255)
    at = side // 4
    shown[at : at + side // 2, at : at + side // 2] = np.asarray(
        Image.fromarray(picture).resize((side // 2, side // 2), Image.Resampling.BOX)
    )
    return shown


class Asked:
    """Test pictures, each with an edit, and what is measured of the second picture."""

    def __init__(self, of: Drawings, seen: Floats, draw: np.random.Generator, others: int) -> None:
        self.texts, self.shown, self.seen = of.texts, pixels(of.some.images), seen
        self.edits = [EDITS[i] for i in draw.integers(len(EDITS), size=len(self.texts))]
        self.truth = [edited(picture, edit) for picture, edit in zip(self.shown, self.edits, strict=True)]
        self.others = [draw.permutation(np.delete(np.arange(len(self.texts)), i))[:others] for i in range(len(self.texts))]

    def judged(self, drawn: NDArray[np.uint8], first: Sequence[Pixels]) -> dict[str, Floats]:
        """Of each second picture, in percent: `followed`, whether the edit that was asked for is nearest of all edits of the first and itself;
        `repeated`, whether the first as it was is; `kept`, how many of other first pictures with that edit are farther (50: chance)."""
        found = np.zeros((3, len(drawn)), np.float32)
        for i, (second, picture, edit) in enumerate(zip(drawn, first, self.edits, strict=True)):
            ways = np.stack([*(edited(picture, other) for other in EDITS), picture])
            best = int(far(ways, second[None]).argmin())
            others = np.stack([edited(first[j], edit) for j in self.others[i]])
            kept = far(others, second[None]) > far(edited(picture, edit)[None], second[None])
            found[:, i] = best == EDITS.index(edit), best == len(EDITS), kept.mean()
        return dict(zip(("followed", "repeated", "kept"), 100 * found, strict=True))


def far(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> Floats:
    """The mean squared distance of pictures whose numbers go from 0 to 1."""
    return np.square((a.astype(np.float32) - b) / 255).mean((1, 2, 3))


@cache
def looked_at(data: tuple[str, ...], side: int, most: int) -> dict[str, Floats]:
    """What EfficientNet-Lite0 sees of the pictures of `drawings`, N x 1280 for each part. Kept between runs."""
    parts = drawings(data, side, most)
    made_by = sha256(f"{data_hashes(data)} {side} {most} {[len(part.texts) for part in parts.values()]}".encode()).hexdigest()
    with arrays(
        cache_folder("features") / f"seen-{made_by[:16]}.npz",
        lambda: {name: image_features(pixels(part.some.images))[:, :SEEN].astype(np.float16) for name, part in parts.items()},
    ) as found:
        return {name: found[name].astype(np.float32) for name in parts}
