"""Defects of how a picture looks, planted in passages like those of `limner.evaluate.judges.defects`: what it shows stays, how well does not."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from limner.corpus.pixels import decode
from limner.errors import MediaError
from limner.evaluate.judges.defects import Defect
from limner.evaluate.judges.passages import Passage, Shown

_SOFT = 1 / 60  # of the shorter side: the radius of a blur
_NOISE = 45.0  # grey levels of 255
_COARSE, _QUALITY = 3, 4  # pixels that are made one, and quality of JPEG

Change = Callable[[Image.Image, random.Random], Image.Image]


def blurred(image: Image.Image, chance: random.Random) -> Image.Image:
    """Out of focus."""
    return image.filter(ImageFilter.GaussianBlur(max(min(image.size) * _SOFT, 2.0)))


def noisy(image: Image.Image, chance: random.Random) -> Image.Image:
    """Grain over all of it, of each colour apart."""
    pixels = np.asarray(image, np.float32)
    grain = np.random.default_rng(chance.randrange(2**32)).normal(0, _NOISE, pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def blocky(image: Image.Image, chance: random.Random) -> Image.Image:
    """Made small and packed until blocks show."""
    small = image.resize((max(image.width // _COARSE, 1), max(image.height // _COARSE, 1)))
    packed = io.BytesIO()
    small.save(packed, "JPEG", quality=_QUALITY)
    return Image.open(packed).resize(image.size)


def _one(change: Change) -> Defect:
    """A picture of the passage, changed; None where it has none that decodes."""

    def planted(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
        if not passage.pictures:
            return None
        at = chance.choice(passage.pictures)
        block = passage.blocks[at]
        if not isinstance(block, Shown):
            return None
        try:
            image = Image.fromarray(decode(block.image))
        except MediaError:
            return None
        kept = io.BytesIO()
        change(image, chance).save(kept, "JPEG", quality=92)
        return passage.put((at, replace(block, image=kept.getvalue())))

    return planted


PERCEPTUAL: dict[str, Defect] = {
    "image-blurred": _one(blurred),
    "image-noisy": _one(noisy),
    "image-blocky": _one(blocky),
}
"""What they are called, and how they are planted."""


def spoiled(passage: Passage, name: str, seed: int = 0) -> Passage | None:
    """A passage with the defect of that name; the same seed plants the same."""
    return PERCEPTUAL[name](passage, (), random.Random(f"{seed}/{name}/{passage.name}"))
