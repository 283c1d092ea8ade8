"""Pairs of pictures and texts as frozen features, kept in the cache: what recipes that train connectors on them share.

A picture is a grid of patches, EfficientNet-Lite0's last map, and one row in the joint space of `bundled:limner-pairs`, which was trained by contrast
on the same training concepts and on no other (docs/pairs.md), as Flamingo's and GILL's encoders of images were on their pairs.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from limner.corpus.pixels import Pixels, thumbnail
from limner.errors import MediaError
from limner.experts import efficientnet
from limner.experts.device import place
from limner.experts.encoder import encoder
from limner.experts.onnx import Floats
from limner.experts.pairs import features
from limner.experts.pairs.encoder import WEIGHTS
from limner.experts.weights import weights
from limner.packages.cachedir import cache_folder
from limner.pipeline import load
from limner.provenance.used import PAGES, code_of
from limner.recipes.arrays import arrays
from limner.recipes.provenance import data_hashes
from limner.recipes.stages import built
from limner.sources.pairs import KINDS, Pair, figures, pairs, part

_BATCH = 64
_CELLS = 4
PATCHES, CHANNELS, JOINT = _CELLS**2, 320, 256
"""Patches of a picture, numbers of each, numbers of its row in the joint space."""


@dataclass(frozen=True)
class Pictured:
    """The pairs of a set: what they say and show, `patches` N x PATCHES x CHANNELS and `joint` N x JOINT."""

    name: str
    texts: tuple[str, ...]
    concepts: tuple[str, ...]
    groups: tuple[str, ...]
    patches: NDArray[np.float16]
    joint: Floats

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, name: str) -> NDArray[np.intp]:
        """The numbers of its pairs in that part of the split."""
        return np.array([i for i, concept in enumerate(self.concepts) if part(concept) == name], np.intp)

    def seen(self, rows: NDArray[np.intp]) -> Floats:
        """What a model sees of these pictures: patches, each beside the picture's row in the joint space; N x PATCHES x (CHANNELS + JOINT)."""
        joint = np.repeat(self.joint[rows][:, None], PATCHES, axis=1)
        # Of length one, a row's numbers are a sixteenth; patches' are about one.
        return np.concatenate([self.patches[rows].astype(np.float32), joint * JOINT**0.5], axis=2)


def pictured(name: str, most: int, words: int = 60) -> Pictured:
    """At most `most` pairs of a set whose texts have at most `words` words. Computed once: it takes minutes."""
    # Of what features come from only what decides them: with what is trained on them, they would be computed anew every day.
    code = code_of(
        "limner.experts.imagenet", "limner.experts.pairs.encoder", "limner.sources.pairs", *(() if name in KINDS else PAGES)
    )
    made_by = sha256(WEIGHTS.read_bytes() + f"{code} {_CELLS} {data_hashes((name,))} {most} {words}".encode())
    file = cache_folder("features") / f"pictured-{name}-{made_by.hexdigest()[:16]}.npz"

    def made() -> dict[str, NDArray[Any]]:
        found = _computed(name, most, words)
        said = json.dumps([found.texts, found.concepts, found.groups]).encode()
        return {"said": np.frombuffer(said, np.uint8), "patches": found.patches, "joint": found.joint}

    with arrays(file, made) as held:
        texts, concepts, groups = (tuple(each) for each in json.loads(held["said"].tobytes()))
        return Pictured(name, texts, concepts, groups, held["patches"], held["joint"])


def _computed(name: str, most: int, words: int) -> Pictured:
    if name in KINDS:
        given = list(pairs(name))
    else:
        with built(load("default"), (name,)) as (corpus, _):
            given = list(figures(corpus, name))
    given = [pair for pair in given if len(pair.text.split()) <= words]
    given = given if len(given) <= most else random.Random(0).sample(given, most)
    kept: list[Pair] = []
    patches: list[NDArray[np.float16]] = [np.empty((0, PATCHES, CHANNELS), np.float16)]
    joint: list[Floats] = [np.empty((0, JOINT), np.float32)]
    eye = encoder("bundled:limner-pairs")
    for at in range(0, len(given), _BATCH):
        pixels: list[Pixels] = []
        for pair in given[at : at + _BATCH]:
            try:
                pixels.append(thumbnail(pair.image, features.SIDE))
            except MediaError:
                continue
            kept.append(pair)
        if pixels:
            patches.append(_patches(pixels))
            joint.append(eye.embed_images(pixels))
    texts, concepts, groups = (tuple(getattr(pair, what) for pair in kept) for what in ("text", "concept", "group"))
    return Pictured(name, texts, concepts, groups, np.concatenate(patches), np.concatenate(joint))


def _patches(pixels: Sequence[Pixels]) -> NDArray[np.float16]:
    """EfficientNet-Lite0's last map of channels, averaged to a grid of _CELLS by _CELLS."""
    given = np.stack([np.asarray(_canvas(image, efficientnet.SIDE), np.float32) for image in pixels])
    device, numbers = place()
    with torch.inference_mode(), torch.autocast(device.type, numbers, numbers != torch.float32):
        maps = _network().maps(
            torch.from_numpy((given - efficientnet.MEAN) / efficientnet.SCALE).to(device).permute(0, 3, 1, 2), (15,)
        )[0]
        cells = functional.adaptive_avg_pool2d(maps, _CELLS).flatten(2).transpose(1, 2)
    return cells.float().cpu().numpy().astype(np.float16)


@cache
def _network() -> Any:
    return efficientnet.load(weights("efficientnet-lite0") / "efficientnet-lite0.pth").to(place()[0])


def _canvas(pixels: Pixels, side: int) -> Image.Image:
    """The whole picture on a white square."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    canvas = Image.new("RGB", (side, side), "white")
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas
