"""Scenes composed of real pictures, so that what each word stands for is known: emoji in the cells of a grid, and a sentence that names
some.

A region is the box around a picture. Pictures do not overlap, so its crop is the picture on the scene's ground, and its features are
computed once for each picture and ground. Words are MiniLM's word pieces. No concept is in two parts of the split.

N scenes of a batch, L word pieces of a sentence, M regions of a scene, F features, K classes, V word pieces that occur.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from limner.corpus.pixels import Pixels, thumbnail
from limner.errors import MediaError
from limner.experts import efficientnet
from limner.experts.device import place
from limner.experts.weights import weights
from limner.packages.cachedir import cache_folder
from limner.recipes.arrays import arrays
from limner.recipes.drawings import Some
from limner.recipes.provenance import data_hashes
from limner.sources import pairs as of_sources
from limner.sources.pairs import pairs, part
from limner.train.objectives.language import hidden

GROUNDS = ((255, 255, 255), (204, 222, 238))
GRID = 3
"""Cells a side."""

_BATCH = 64
_CELL, _MARGIN = 112, 6  # pixels
_SMALLEST = 0.6  # of a cell


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """What scenes are composed of. Row G i + g is picture i on ground g.

    `features`, `chances`  F and K numbers of each row, by EfficientNet-Lite0
    `sides`      how much of a cell each row's picture takes
    `concepts`, `names`, `rows`  of each concept: its name in the split, its name as word pieces, its pictures
    `table_VE`   vectors of the word pieces that occur, marks first
    """

    features: NDArray[np.float32]
    chances: NDArray[np.float32]
    sides: NDArray[np.float32]
    concepts: tuple[str, ...]
    names: tuple[tuple[int, ...], ...]
    rows: tuple[tuple[int, ...], ...]
    table_VE: Tensor

    def part(self, name: str) -> NDArray[np.intp]:
        """The concepts of a part of the split."""
        return np.array([i for i, concept in enumerate(self.concepts) if part(concept) == name])


PAD, START, END, MASK, COMMA, AND = range(6)
_MARKS = ("[PAD]", "[CLS]", "[SEP]", "[MASK]", ",", "and")


@cache
def pictures(data: tuple[str, ...], most: int = 0) -> Pictures:
    """The pictures of sets of emoji, at most so many concepts. Features are kept between runs."""
    # Of what features come from only what decides them: a hash of all that is imported would have them computed anew every day.
    made_by = sha256(Path(of_sources.__file__).read_bytes())
    made_by.update(f"{GROUNDS} {_CELL} {_MARGIN} {_SMALLEST} {data_hashes(data)} {most}".encode())
    file = cache_folder("features") / f"scenes-{made_by.hexdigest()[:16]}.npz"
    with arrays(file, lambda: _read(data, most)) as found:
        concepts, texts, rows = json.loads(found["said"].tobytes())
        names, table_VE = _worded(texts)
        return Pictures(
            found["features"].astype(np.float32), found["chances"].astype(np.float32), found["sides"], tuple(concepts), names,
            tuple(map(tuple, rows)), table_VE,
        )  # fmt: skip


def _read(data: Sequence[str], most: int) -> dict[str, NDArray[Any]]:
    """The plainest picture of each concept in each set: the one with the shortest name."""
    held: dict[str, dict[str, Any]] = defaultdict(dict)
    for name in data:
        for pair in sorted(pairs(name), key=lambda pair: (len(pair.text), pair.text)):
            held[pair.concept].setdefault(name, pair)
    concepts = sorted(held, key=lambda concept: sha256(concept[::-1].encode()).digest())[
        : most or None
    ]  # part() takes the plain hash
    draw = np.random.default_rng(0)
    crops: list[Pixels] = []
    sides: list[float] = []
    kept: list[str] = []
    texts: list[str] = []
    rows: list[list[int]] = []
    for concept in concepts:
        own: list[int] = []
        text = ""
        for pair in held[concept].values():
            try:
                drawn = thumbnail(pair.image, _CELL)
            except MediaError:
                continue
            text = text or pair.text.casefold()
            own.append(len(sides) // len(GROUNDS))
            for ground in GROUNDS:
                side = draw.uniform(_SMALLEST, 1.0)
                sides.append(side)
                crops.append(_crop(drawn, side, ground))
        if own:
            kept.append(concept)
            texts.append(text)
            rows.append(own)
    features, chances = _looked_at(crops)
    return {
        "features": features, "chances": chances, "sides": np.array(sides, np.float32),
        "said": np.frombuffer(json.dumps([kept, texts, rows]).encode(), np.uint8),
    }  # fmt: skip


def _crop(drawn: Pixels, side: float, ground: tuple[int, int, int]) -> Pixels:
    """What a scene shows in the box around a picture: what is white of it is seen through."""
    size = round(side * _CELL)
    image = Image.fromarray(drawn)
    image.thumbnail((size, size))
    small = np.asarray(image, np.float32)
    shown = np.full((size + 2 * _MARGIN, size + 2 * _MARGIN, 3), ground, np.float32)
    top, left = (shown.shape[0] - small.shape[0]) // 2, (shown.shape[1] - small.shape[1]) // 2
    box = shown[top : top + small.shape[0], left : left + small.shape[1]]
    box *= small / 255
    return shown.round().astype(np.uint8)


@torch.inference_mode()
def _looked_at(crops: Sequence[Pixels]) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """What EfficientNet-Lite0 sees of crops: N x F, and how likely each of its classes is, N x K."""
    device, numbers = place()
    network: Any = efficientnet.load(weights("efficientnet-lite0") / "efficientnet-lite0.pth").to(device)
    network = network.to(memory_format=torch.channels_last)
    last = network.get_parameter("_fc.weight"), network.get_parameter("_fc.bias")
    features: list[NDArray[np.float16]] = []
    chances: list[NDArray[np.float16]] = []
    for at in range(0, len(crops), _BATCH):
        resized = [
            Image.fromarray(crop).resize((efficientnet.SIDE, efficientnet.SIDE), Image.Resampling.BICUBIC)
            for crop in crops[at : at + _BATCH]
        ]
        x = torch.from_numpy((np.stack([np.asarray(i, np.float32) for i in resized]) - efficientnet.MEAN) / efficientnet.SCALE)
        with torch.autocast(device.type, numbers, numbers != torch.float32):
            found = network.features(x.permute(0, 3, 1, 2).to(device)).float()
        features.append(found.cpu().numpy().astype(np.float16))
        chances.append(functional.linear(found, *last).softmax(-1).cpu().numpy().astype(np.float16))
    return np.concatenate(features), np.concatenate(chances)


def _worded(texts: Sequence[str]) -> tuple[tuple[tuple[int, ...], ...], Tensor]:
    """Texts as word pieces numbered among those that occur, and MiniLM's vectors of these."""
    from transformers import AutoModel, AutoTokenizer

    where = str(weights("all-minilm-l6-v2"))
    tokenizer: Any = AutoTokenizer.from_pretrained(where)
    table: Tensor = AutoModel.from_pretrained(where, use_safetensors=True).get_input_embeddings().weight.detach()
    cut = [tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text)) for text in texts]
    kept = list(dict.fromkeys([*tokenizer.convert_tokens_to_ids(list(_MARKS)), *(piece for name in cut for piece in name)]))
    number = {piece: i for i, piece in enumerate(kept)}
    return tuple(tuple(number[piece] for piece in name) for name in cut), table[kept].clone()


@dataclass(frozen=True)
class SceneSettings:
    """Each scene shows `shown` pictures and names `named` of them; sentences have `pieces` word pieces at most. `share` of words and of
    regions are hidden where any are."""

    shown: int = 8
    named: int = 3
    pieces: int = 24
    share: float = 0.15


def composed(of: Pictures, concepts: NDArray[np.intp], count: int, settings: SceneSettings, draw: np.random.Generator) -> Some:
    """Scenes at random: `words` N x L, `present` (which are there), `stands` (the region that a piece is of, -1 for none), `rows` N x M of pictures,
    `boxes` N x M x 7 (left, top, right, bottom, width, height, area: shares of the scene), `concepts` N x M."""
    s = settings
    words = np.zeros((count, s.pieces), np.int64)
    stands = np.full((count, s.pieces), -1)
    rows, chosen = np.zeros((count, s.shown), np.int64), np.zeros((count, s.shown), np.int64)
    boxes = np.zeros((count, s.shown, 7), np.float32)
    for n in range(count):
        chosen[n] = draw.choice(concepts, s.shown, replace=False)
        ground = draw.integers(len(GROUNDS))
        rows[n] = [len(GROUNDS) * of.rows[c][draw.integers(len(of.rows[c]))] + ground for c in chosen[n]]
        side = of.sides[rows[n]] / GRID
        down, across = np.divmod(draw.choice(GRID**2, s.shown, replace=False), GRID)
        left, top = ((at + draw.uniform(0, 1, s.shown) * (1 - GRID * side)) / GRID for at in (across, down))
        boxes[n] = np.stack([left, top, left + side, top + side, side, side, side**2], 1)
        words[n], stands[n] = _sentence([of.names[c] for c in chosen[n]], draw.permutation(s.shown)[: s.named], s.pieces)
    told = {"words": words, "present": words != PAD, "stands": stands, "rows": rows, "boxes": boxes, "concepts": chosen}
    return Some({name: torch.from_numpy(value) for name, value in told.items()})


def _sentence(
    names: Sequence[tuple[int, ...]], named: NDArray[np.intp], most: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Names with commas and an "and" between them."""
    words, stands = [START], [-1]
    for at, region in enumerate(named):
        if at:
            words.append(AND if at == len(named) - 1 else COMMA)
            stands.append(-1)
        words += names[region]
        stands += [int(region)] * len(names[region])
    words, stands = [*words[: most - 1], END], [*stands[: most - 1], -1]
    missing = most - len(words)
    return np.array(words + [PAD] * missing), np.array(stands + [-1] * missing)


def swapped(of: Pictures, concepts: NDArray[np.intp], scenes: Some, draw: np.random.Generator) -> Tensor:
    """Rows N x M of the same scenes, but that one named picture of each is of a concept that the scene has not, on the same ground."""
    rows = scenes["rows"].numpy(force=True).copy()
    for n, (stands, own) in enumerate(zip(scenes["stands"].tolist(), scenes["concepts"].tolist(), strict=True)):
        other = draw.choice(np.setdiff1d(concepts, own))
        picture = of.rows[other][draw.integers(len(of.rows[other]))]
        rows[n, draw.choice([region for region in set(stands) if region >= 0])] = len(GROUNDS) * picture + rows[n, 0] % len(
            GROUNDS
        )
    return torch.from_numpy(rows)


class Scenes:
    """Batches of scenes without end, each with the next of `tasks`: what is hidden, and whether sentences are their own. See
    `limner.train.batches.Batches`.

    `words` (hidden pieces), `regions` (hidden regions) and `pairs` (half of the sentences are of another scene) are the kinds of tasks; with `joint`
    both words and regions are hidden for both of the first. Batches have, beside what `composed` gives, `given` (words with some hidden), `labels`,
    `veiled` N x M (hidden regions), `same` N and `task` N.
    """

    def __init__(
        self, of: Pictures, settings: SceneSettings, batch: int, tasks: Sequence[str], kinds: Mapping[str, str], joint: bool, seed: int
    ) -> None:  # fmt: skip
        self.of, self.settings, self.batch, self.tasks, self.kinds, self.joint = of, settings, batch, tuple(tasks), kinds, joint
        self.concepts, self.seed, self._at = of.part("train"), seed, 0

    def state_dict(self) -> dict[str, Any]:
        """See `Batches`."""
        return {"at": self._at}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Batches`."""
        self._at = int(state["at"])

    def __iter__(self) -> Iterator[Some]:
        while True:
            draw = np.random.default_rng([self.seed, self._at])
            task = self._at % len(self.tasks)
            self._at += 1
            scenes = composed(self.of, self.concepts, self.batch, self.settings, draw)
            yield asked(scenes, self.kinds[self.tasks[task]], task, self.joint, self.settings.share, len(self.of.table_VE), draw)


def asked(scenes: Some, kind: str, task: int, joint: bool, share: float, vocabulary: int, draw: np.random.Generator) -> Some:
    """Scenes with a task: see `Scenes`."""
    held = dict(scenes.held)
    count, chance = len(scenes), torch.Generator().manual_seed(int(draw.integers(2**31)))
    words = held["words"]
    able = held["present"] & (words != START) & (words != END)
    hides_words, hides_regions = (kind == one or (joint and kind != "pairs") for one in ("words", "regions"))
    given, labels = hidden(words, able & hides_words, MASK, vocabulary, share, chance)
    veiled = (torch.rand(held["rows"].shape, generator=chance) < share) & hides_regions
    if kind == "regions":  # at least one of each scene
        veiled[torch.arange(count), torch.randint(veiled.shape[1], (count,), generator=chance)] = True
    same = torch.ones(count, dtype=torch.bool)
    if kind == "pairs":
        same = torch.rand(count, generator=chance) < 0.5
        other = torch.where(same, torch.arange(count), torch.arange(count).roll(1))
        given, held["present"] = words[other], held["present"][other]
        held["stands"] = held["stands"][other]
    return Some({**held, "given": given, "labels": labels, "veiled": veiled, "same": same, "task": torch.full((count,), task)})
