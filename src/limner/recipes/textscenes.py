"""Pictures with text in them, composed, and what makes text in the wild hard to read: each challenge in two strengths, the places of texts known.

The challenges are those that Raisi et al. 2020 (arXiv 2006.04305) name: rotation, perspective, resolution and blur, illumination, occlusion,
fonts and special characters. Grounds are drawings, blurred, under coloured boards; there are no photographs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from limner.evaluate.benchmarks.typeset import font, fonts_for
from limner.evaluate.metrics.ocr import Region

Quad = NDArray[np.float64]
"""The corners of a text, 4 x 2 pixels, from the top left, clockwise."""

SIDE = (640, 640)
STRENGTHS = ("mild", "strong")

_BOARDS = (
    ((250, 246, 230), (30, 25, 20)),
    ((25, 60, 120), (250, 250, 250)),
    ((160, 30, 30), (255, 250, 235)),
    ((240, 205, 60), (20, 20, 40)),
)
_PLAIN = "LiberationSans-Regular"
_FACES = {
    "mild": ("LiberationSerif-Italic", "LiberationMono-BoldItalic", "LiberationSansNarrow-Regular"),
    "strong": ("DejaVuSerif-Bold",),
}
_SPECIAL = {
    "mild": ("Café {0}", "{0}, naïve?", "«{0}»", "Größe {0}", "{0}: señor"),
    "strong": ("№ 7/3 {0}", "{0} @ 95 %", "#{0} & 4½", "[{0}] = 3°C", "{0}_v2.0 € 15,–"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture and the texts in it with their corners."""

    image: Image.Image
    texts: tuple[tuple[str, Quad], ...]

    @property
    def regions(self) -> list[Region]:
        """The texts with the upright boxes around their corners: what readers give is upright too."""
        found: list[Region] = []
        for text, quad in self.texts:
            (left, top), (right, bottom) = quad.min(0).tolist(), quad.max(0).tolist()
            found.append(Region(text, (left, top, right, bottom)))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """What a scene is drawn from: a ground and texts; the same `seed` puts them at the same places in the same colours."""

    ground: Image.Image
    texts: tuple[str, ...]
    seed: int
    faces: tuple[str, ...] = (_PLAIN,)
    outline: bool = False

    def drawn(self) -> Scene:
        """Each text on a board of its own, from the top."""
        draw, choosing = random.Random(self.seed), random.Random(self.seed + 1)
        canvas = self.ground.convert("RGB").resize(SIDE, Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(6))
        pen = ImageDraw.Draw(canvas)
        row = SIDE[1] / len(self.texts)
        found: list[tuple[str, Quad]] = []
        for number, text in enumerate(self.texts):
            board, ink = draw.choice(_BOARDS)
            size, right, down = draw.randint(26, 36), draw.random(), draw.random()
            face = _face(text, choosing.choice(self.faces))
            while size > 12 and font(face, size).getlength(text) > SIDE[0] - 80:
                size -= 2
            left, _, wide, _ = font(face, size).getbbox(text)
            _, top, _, low = font(face, size).getbbox(f"hg{text}")
            x = 40 + right * max(SIDE[0] - 80 - wide, 0) - left
            y = number * row + 24 + down * max(row - 48 - (low - top), 0) - top
            box = (x + left, y + top, x + wide, y + low)
            pen.rounded_rectangle((box[0] - 16, box[1] - 12, box[2] + 16, box[3] + 12), 8, board)
            if self.outline:
                pen.text((x, y), text, board, font(face, size), stroke_width=1, stroke_fill=ink)
            else:
                pen.text((x, y), text, ink, font(face, size))
            found.append((text, np.array([(box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3])], np.float64)))
        return Scene(canvas, tuple(found))


def _face(text: str, name: str) -> Path:
    """The font so called, else one that sets the text."""
    return fonts_for(text, name, _PLAIN, "DejaVuSans.ttf")[0]


Challenge = Callable[[Draft, str], Scene]


def plain(draft: Draft, strength: str = "mild") -> Scene:
    """As it is drawn."""
    return draft.drawn()


def rotation(draft: Draft, strength: str) -> Scene:
    """Turned by 15 or by 60 degrees, to either side."""
    angle = np.radians({"mild": 15, "strong": 60}[strength]) * (1 if draft.seed % 2 else -1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return warped(draft.drawn(), _corners() @ turn.T)


def perspective(draft: Draft, strength: str) -> Scene:
    """Seen from a side: one edge is shorter by a third or by two thirds, and the picture narrower."""
    share = {"mild": 1 / 6, "strong": 1 / 3}[strength]
    to = _corners()
    near = [1, 2] if draft.seed % 2 else [0, 3]
    to[near[0], 1] += share * SIDE[1]
    to[near[1], 1] -= share * SIDE[1]
    to[:, 0] *= 1 - share
    return warped(draft.drawn(), to)


def blur(draft: Draft, strength: str) -> Scene:
    """Out of focus, by a Gaussian of 1.5 or 3 pixels."""
    scene = draft.drawn()
    return replace(scene, image=scene.image.filter(ImageFilter.GaussianBlur({"mild": 1.5, "strong": 3.0}[strength])))


def resolution(draft: Draft, strength: str) -> Scene:
    """With a half or a quarter of the pixels a side, enlarged again."""
    scene = draft.drawn()
    share = {"mild": 2, "strong": 4}[strength]
    small = scene.image.resize((SIDE[0] // share, SIDE[1] // share), Image.Resampling.BOX)
    return replace(scene, image=small.resize(SIDE, Image.Resampling.BILINEAR))


def illumination(draft: Draft, strength: str) -> Scene:
    """Light falls off to one side, to a fifth or a twentieth, with a glare that reflects on every text, and noise."""
    scene = draft.drawn()
    draw = np.random.default_rng(draft.seed)
    low, glare = {"mild": (0.2, 0.35), "strong": (0.05, 0.8)}[strength]
    fall = np.linspace(1.0, low, SIDE[0])[:: 1 if draft.seed % 2 else -1]
    y, x = np.mgrid[: SIDE[1], : SIDE[0]]
    light = np.zeros((SIDE[1], SIDE[0]))
    for _, quad in scene.texts:
        middle, (wide, high) = quad.mean(0), np.ptp(quad, 0)
        spot = middle + draw.uniform(-0.3, 0.3, 2) * (wide, high)
        light = np.maximum(light, np.exp(-(((x - spot[0]) / (0.22 * wide)) ** 2) - ((y - spot[1]) / high) ** 2))
    pixels = np.asarray(scene.image, np.float64) * fall[None, :, None]
    pixels += glare * light[..., None] * (255 - pixels) + draw.normal(0, 4, pixels.shape)
    return replace(scene, image=Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8)))


def occlusion(draft: Draft, strength: str) -> Scene:
    """Bars across the letters of each text: a tenth or a third of its width."""
    scene = draft.drawn()
    draw = random.Random(draft.seed + 1)
    share = {"mild": 0.1, "strong": 1 / 3}[strength]
    canvas = scene.image.copy()
    pen = ImageDraw.Draw(canvas)
    for text, quad in scene.texts:
        (left, top), (right, low) = quad[0], quad[2]
        bars = max(len(text) // 5, 1)
        wide = share * (right - left) / bars
        for bar in range(bars):
            at = left + ((bar + draw.uniform(0.1, 0.9)) * (right - left) - wide * bars / 2) / bars
            lean = draw.uniform(-6, 6)
            corners = [(at, top - 8), (at + wide, top - 8), (at + wide + lean, low + 8), (at + lean, low + 8)]
            pen.polygon(corners, (110, 110, 105))
    return replace(scene, image=canvas)


def fonts(draft: Draft, strength: str) -> Scene:
    """Italics, condensed and typewriter letters, or letters that are outlines alone."""
    return replace(draft, faces=_FACES[strength], outline=strength == "strong").drawn()


def special(draft: Draft, strength: str) -> Scene:
    """Letters with accents and quotation marks, or signs and figures beside words."""
    draw = random.Random(draft.seed + 2)
    texts = tuple(draw.choice(_SPECIAL[strength]).format(text.split()[0]) for text in draft.texts)
    return replace(draft, texts=texts).drawn()


CHALLENGES: Mapping[str, Challenge] = {
    "rotation": rotation, "perspective": perspective, "blur": blur, "resolution": resolution, "illumination": illumination,
    "occlusion": occlusion, "fonts": fonts, "special": special,
}  # fmt: skip


def _corners() -> Quad:
    return np.array([(0, 0), (SIDE[0], 0), SIDE, (0, SIDE[1])], np.float64)


def warped(scene: Scene, to: Quad) -> Scene:
    """A scene whose corners come to stand at `to`, on a canvas that holds all of it."""
    to = to - to.min(0)
    there = _homography(_corners(), to)
    back = np.linalg.inv(there)
    size = (int(np.ceil(to[:, 0].max())), int(np.ceil(to[:, 1].max())))
    coefficients = (back / back[2, 2]).ravel()[:8].tolist()
    image = scene.image.transform(
        size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128)
    )
    return Scene(image, tuple((text, _moved(quad, there)) for text, quad in scene.texts))


def _homography(source: Quad, to: Quad) -> NDArray[np.float64]:
    """The projective map, 3 x 3, of four points onto four others."""
    rows: list[Sequence[float]] = []
    for (x, y), (u, v) in zip(source.tolist(), to.tolist(), strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
    return np.append(np.linalg.solve(np.array(rows), to.ravel()), 1.0).reshape(3, 3)


def _moved(quad: Quad, by: NDArray[np.float64]) -> Quad:
    points = np.column_stack([quad, np.ones(len(quad))]) @ by.T
    return points[:, :2] / points[:, 2:]
