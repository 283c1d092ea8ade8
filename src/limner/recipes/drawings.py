"""Small drawings with captions as tensors, and batches of them: what recipes of image tokenizers and of text-to-image models are trained on.

Pictures are emoji, scaled to a few dozen pixels; texts are their names with the set they are of, as states of a frozen encoder (MiniLM).

N pictures, S pixels of a side, L tokens of a text, E their width.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limner.corpus.pixels import thumbnail
from limner.errors import MediaError
from limner.experts.text_encoder import MeanEncoder, text_encoder
from limner.models.reader import fitted
from limner.models.tokenizers import Text
from limner.packages.cachedir import cache_folder
from limner.provenance.gist import gist_hash
from limner.provenance.used import code_of
from limner.recipes.arrays import arrays
from limner.recipes.provenance import data_hashes
from limner.sources.pairs import pairs, part
from limner.train.batches import Rows

TOKENS = 12
"""Of a text; names of emoji have about six."""


@dataclass(frozen=True, slots=True, eq=False)
class Some:
    """Tensors of the same rows: a batch, or all there is."""

    held: Mapping[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.held.values())))

    def __getitem__(self, name: str) -> Tensor:
        return self.held[name]

    def to(self, device: Any) -> Some:
        """On that device."""
        return Some({name: tensor.to(device) for name, tensor in self.held.items()})

    def at(self, rows: Any) -> Some:
        """These rows."""
        return Some({name: tensor[rows] for name, tensor in self.held.items()})

    @property
    def images(self) -> Tensor:
        """N x 3 x S x S, from -1 to 1."""
        return self["pixels"].float() / 127.5 - 1

    @property
    def text(self) -> Text:
        """What the pictures are of."""
        return Text(self["states"].float(), self["mask"])

    def captioned(self, share: float) -> Text:
        """The same with that share of the texts, drawn, taken away."""
        stays = torch.rand(len(self), 1, device=self["mask"].device) >= share
        return Text(self["states"].float(), self["mask"] & stays)


@dataclass(frozen=True, slots=True, eq=False)
class Drawings:
    """Pictures of a part of the split, their texts in words and all tensors."""

    texts: tuple[str, ...]
    some: Some

    def spread(self, most: int) -> Drawings:
        """At most so many of them, evenly from first to last."""
        at = np.unique(np.linspace(0, len(self.texts) - 1, min(most, len(self.texts))).round().astype(int))
        return Drawings(tuple(self.texts[i] for i in at), self.some.at(torch.from_numpy(at)))


class Dealt(Rows):
    """Batches of rows without end, in another order each pass."""

    def __init__(self, some: Some, batch: int, seed: int) -> None:
        super().__init__(len(some), batch, seed, lambda rows: some.at(torch.from_numpy(rows)))


@cache
def drawings(data: tuple[str, ...], side: int, most: int = 0) -> dict[str, Drawings]:
    """The pictures of each part of the split (`train`, `tune`, `test`; no concept is in two), of at most `most` of each set (0: all). Kept
    between runs."""
    own = gist_hash(Path(__file__).read_bytes())
    made_by = f"{own} {code_of('limner.sources.pairs', 'limner.experts.text_encoder')} {data_hashes(data)} {side} {most}"
    file = cache_folder("features") / f"drawings-{sha256(made_by.encode()).hexdigest()[:16]}.npz"
    with arrays(file, lambda: _read(data, side, most)) as found:
        texts, concepts = json.loads(found["texts"].tobytes())
        held = {name: torch.from_numpy(found[name]) for name in ("pixels", "states", "mask")}
    parts = np.array([part(concept) for concept in concepts])
    rows = {name: np.flatnonzero(parts == name) for name in ("train", "tune", "test")}
    return {name: Drawings(tuple(texts[i] for i in at), Some(held).at(torch.from_numpy(at))) for name, at in rows.items()}


def _read(data: Sequence[str], side: int, most: int) -> dict[str, NDArray[Any]]:
    shown: list[NDArray[np.uint8]] = []
    texts: list[str] = []
    concepts: list[str] = []
    for name in data:
        found = list(pairs(name))
        for pair in found if not 0 < most < len(found) else random.Random(0).sample(found, most):
            try:
                small = thumbnail(pair.image, side)
            except MediaError:
                continue
            shown.append(fitted(small, side).transpose(2, 0, 1))
            texts.append(f"{pair.text}, {name.partition('-')[0]}")
            concepts.append(pair.concept)
    encoder = text_encoder("bundled:minilm")
    assert isinstance(encoder, MeanEncoder)
    states, mask = encoder.states(texts, TOKENS)
    said = np.frombuffer(json.dumps([texts, concepts]).encode(), np.uint8)
    return {"pixels": np.stack(shown), "states": states.astype(np.float16), "mask": mask, "texts": said}


def batches(some: Some, batch: int) -> Iterator[Some]:
    """All rows once, in order."""
    for at in range(0, len(some), batch):
        yield some.at(slice(at, at + batch))
