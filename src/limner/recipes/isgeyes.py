"""Who answers questions about composed pictures: things apart from an even ground, each named by what it is nearest to.

Two eyes: `by_words` compares crops with names in a joint space, and is the agent's; `by_pictures` compares them with drawings of the same things by
other artists, and is the judge's, so that an agent is not judged by what it chose by. The weight of `colours` was chosen between Noto's drawings
and OpenMoji's, each known by the other's; Fluent's, by which the recipe measures the eyes, had no part in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from limner.corpus.pixels import Pixels, thumbnail
from limner.errors import MediaError
from limner.evaluate.judging import Aspect, Case, Grade, Judge
from limner.experts.encoder import encoder, unit
from limner.experts.image_encoder import image_encoder
from limner.experts.language import Content
from limner.experts.onnx import Floats
from limner.recipes.isgrequests import placed
from limner.recipes.physagent import Thing, boxes_of
from limner.recipes.sprites import thumbnail_of

_MOST = 4  # things of a picture, the largest
_SIDE = 192
_THERE = re.compile(r"Is there a (.+) in the picture\?")
_STANDS = re.compile(r"Is the (.+?) (to the left of|above) the (.+)\?")
_BOTH = re.compile(r"both have: the (.+)\?")
_APART = 0.15  # of the picture's side, from middle to middle


@dataclass(frozen=True)
class Eye:
    """Names things: `rows` are their vectors, `embed` makes those of pictures."""

    names: tuple[str, ...]
    rows: Floats
    embed: Callable[[Sequence[Pixels]], Floats]

    def things(self, pixels: Pixels) -> list[Thing]:
        """The largest things of a picture and their places."""
        boxes = sorted(boxes_of(pixels), key=lambda box: (box[0] - box[2]) * (box[3] - box[1]))[:_MOST]
        if not boxes:
            return []
        nearest = (
            self.embed([squared(pixels[top:bottom, left:right]) for left, top, right, bottom in boxes]) @ self.rows.T
        ).argmax(1)
        high, wide = pixels.shape[:2]
        return [
            Thing(self.names[n], (left + right) / 2 / wide, (top + bottom) / 2 / high)
            for n, (left, top, right, bottom) in zip(nearest, boxes, strict=True)
        ]


def by_words(names: Sequence[str], address: str = "bundled:limner-pairs") -> Eye:
    """By names in a joint space."""
    joint = encoder(address)
    return Eye(tuple(names), joint.embed_texts(list(names)), joint.embed_images)


def by_pictures(drawn: Sequence[Mapping[str, Pixels]], address: str = "bundled:efficientnet-lite0", colours: float = 1.0) -> Eye:
    """By drawings of the same things: how they look to an image encoder, and, weighted by `colours`, which colours are where."""
    # Drawings large and small, as they are in pictures of one thing and of two.
    shown = [
        [_crop(placed([each, *blank])) for each in artist.values()]
        for artist in drawn
        for blank in ([], [np.full((8, 8, 3), 255, np.uint8)])
    ]
    looks, hues = image_encoder(address).embed, [_colours(crops) for crops in shown]
    seen = [looks(crops) for crops in shown]
    middles = np.mean([found.mean(0) for found in seen], axis=0), np.mean([found.mean(0) for found in hues], axis=0)

    def embed(crops: Sequence[Pixels]) -> Floats:
        return _joined(looks(crops), _colours(crops), middles, colours)

    rows = np.mean([_joined(look, hue, middles, colours) for look, hue in zip(seen, hues, strict=True)], axis=0)
    return Eye(tuple(drawn[0]), unit(rows), embed)


def _joined(looks: Floats, hues: Floats, middles: tuple[Floats, Floats], colours: float) -> Floats:
    return unit(np.concatenate([unit(looks - middles[0]), colours * unit(hues - middles[1])], axis=1))


def _colours(crops: Sequence[Pixels]) -> Floats:
    """The colours of each crop on a grid of 8 x 8."""
    return np.stack([thumbnail_of(crop, 8).ravel() for crop in crops]).astype(np.float32) / np.float32(255)


def _crop(pixels: Pixels) -> Pixels:
    boxes = np.array(boxes_of(pixels) or [(0, 0, pixels.shape[1], pixels.shape[0])])
    (left, top), (right, bottom) = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    return squared(pixels[top:bottom, left:right])


def squared(pixels: Pixels) -> Pixels:
    """A crop in the middle of a white square, with a margin of an eighth: its outline is not stretched."""
    high, wide = pixels.shape[:2]
    side = max(high, wide) * 5 // 4
    out = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - high) // 2, (side - wide) // 2
    out[top : top + high, left : left + wide] = pixels
    return out


def stands(things: Sequence[Thing], one: str, relation: str, other: str) -> bool:
    """Whether a thing stands so to another."""
    return any(
        (b.down - a.down if relation == "above" else b.across - a.across) > _APART
        for a in things if a.name == one for b in things if b.name == other
    )  # fmt: skip


def named(text: str, thing: str) -> bool:
    """Whether a text names a thing, in the singular or the plural."""
    return re.search(rf"\b{re.escape(thing)}(?:e?s)?\b", text, re.IGNORECASE) is not None


class LookingJudge:
    """Answers the questions of composed scene graphs with an eye; grades of the whole are another judge's (`rest`)."""

    def __init__(self, eye: Eye, rest: Judge) -> None:
        self._rest = rest
        self.seen = lru_cache(256)(lambda data: looked(eye, data))

    @property
    def name(self) -> str:
        """See `Judge`."""
        return f"looking+{self._rest.name}"

    @property
    def settings(self) -> Mapping[str, str]:
        """See `Judge`."""
        return {**self._rest.settings, "looking": "1"}

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        """See `Judge`. Of a relation of two blocks: the share of the things that each of them has."""
        if aspect.name != "block":
            return self._rest.grade(cases, aspect)
        return [self._related(case, aspect) for case in cases]

    def _related(self, case: Case, aspect: Aspect) -> Grade:
        found = _BOTH.search(" ".join(part for part in case.request if isinstance(part, str)))
        if not found:
            return Grade(None, "another question than those of composed graphs", "unable")
        has = [self._has(block, name) for name in found[1].split(", the ") for block in case.answer]
        return Grade(aspect.low + (aspect.high - aspect.low) * sum(has) / len(has), f"{sum(has)} of {len(has)}")

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        """See `Judge`; options are yes and no."""
        things = [thing for part in case.answer if isinstance(part, bytes) for thing in self.seen(part)]
        told = ", ".join(thing.name for thing in things)
        if found := _THERE.fullmatch(question):
            yes = any(thing.name == found[1] for thing in things)
        elif found := _STANDS.fullmatch(question):
            yes = stands(things, found[1], found[2], found[3])
        else:
            return Grade(None, "another question than those of composed graphs", "unable")
        return Grade(float(options.index("yes" if yes else "no")), f"seen: {told}")

    def _has(self, block: Content, name: str) -> bool:
        if isinstance(block, str):
            return named(block, name)
        return any(thing.name == name for thing in self.seen(block))


def looked(eye: Eye, data: bytes) -> list[Thing]:
    """The things of a picture's file; none of one that does not decode."""
    try:
        return eye.things(thumbnail(data, _SIDE))
    except MediaError:
        return []
