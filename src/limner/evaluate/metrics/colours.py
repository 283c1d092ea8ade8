"""Which colour a thing in an image has, for scorers that ask: by a joint encoder, as GenEval does it, or by its pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.corpus.pixels import Pixels
from limner.evaluate.metrics.detection import Box
from limner.experts.encoder import encoder, unit
from limner.experts.onnx import Floats

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
"""Those that GenEval tells apart."""

_TEMPLATES = ("a photo of a {colour} {name}", "a photo of a {colour}-colored {name}", "a photo of a {colour} object")
_NEAR = 30  # difference of a channel from the ground that is no other colour


class Colourist(Protocol):
    """Names the colours of things."""

    def colours(self, pixels: Pixels, boxes: Sequence[Box], name: str) -> list[str]:
        """One of `COLOURS` for each box of things called `name`."""
        ...


class EncoderColours:
    """The colour whose texts a joint encoder puts nearest to the crop (GenEval: CLIP ViT-L/14, and what is around a thing
    made grey by its mask, which detectors with boxes alone do not give)."""

    def __init__(self, address: str) -> None:
        self._joint = encoder(address)
        self._texts: dict[str, Floats] = {}

    def colours(self, pixels: Pixels, boxes: Sequence[Box], name: str) -> list[str]:
        """See `Colourist`."""
        if not boxes:
            return []
        if name not in self._texts:
            texts = [template.format(colour=colour, name=name) for colour in COLOURS for template in _TEMPLATES]
            self._texts[name] = unit(self._joint.embed_texts(texts).reshape(len(COLOURS), len(_TEMPLATES), -1).mean(1))
        nearest = (self._joint.embed_images([_crop(pixels, box) for box in boxes]) @ self._texts[name].T).argmax(1)
        return [COLOURS[i] for i in nearest]


class PixelColours:
    """The commonest colour of a crop's pixels, those like the image's edge left out where there are others: for flat drawings
    on a plain ground."""

    def colours(self, pixels: Pixels, boxes: Sequence[Box], name: str) -> list[str]:
        """See `Colourist`."""
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        ground = np.median(edge, axis=0)
        out: list[str] = []
        for box in boxes:
            crop = _crop(pixels, box).reshape(-1, 3)
            other = crop[(np.abs(crop - ground) > _NEAR).any(1)]
            out.append(COLOURS[int(np.bincount(_numbers(other if len(other) else crop), minlength=len(COLOURS)).argmax())])
        return out


def _crop(pixels: Pixels, box: Box) -> Pixels:
    """What a box holds of the image, a pixel at least."""
    height, width = pixels.shape[:2]
    left, top = min(max(int(box[0]), 0), width - 1), min(max(int(box[1]), 0), height - 1)
    return pixels[top : max(min(round(box[3]), height), top + 1), left : max(min(round(box[2]), width), left + 1)]


def _numbers(rows: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The number of the colour of each of N pixels, by hue, saturation and value: brown is dark orange, pink is light red or
    what lies between purple and red, and greys are black or white, whichever is nearer."""
    hsv = np.asarray(Image.fromarray(rows[None]).convert("HSV"), np.float64)[0] / 255
    hue, saturation, value = 360 * hsv[:, 0], hsv[:, 1], hsv[:, 2]
    number = {name: i for i, name in enumerate(COLOURS)}
    hues = ((15, "red"), (45, "orange"), (68, "yellow"), (165, "green"), (255, "blue"), (300, "purple"), (345, "pink"))
    found = np.select([hue < most for most, _ in hues], [number[name] for _, name in hues], number["red"])
    found[(hue >= 10) & (hue < 45) & (value < 0.7)] = number["brown"]
    found[((hue < 15) | (hue >= 345)) & (saturation < 0.55) & (value > 0.8)] = number["pink"]
    found[(saturation < 0.15) & (value >= 0.5)] = number["white"]
    found[((saturation < 0.15) & (value < 0.5)) | (value < 0.15)] = number["black"]
    return found
