"""ALIGN: a dual encoder trained by a contrastive loss on many noisy pairs of images and texts.

Jia et al. 2021, arXiv 2102.05918: 1.8 billion pairs of images and alternative texts with next to no cleaning; four times as many noisy pairs as
clean ones make up for the noise (section 6.2); classes are told without examples by naming them; an image and a text added find the image that is
the one, changed as the other says.

Here encoders stay frozen and small towers are trained (`limner.experts.pairs`) on some ten thousand real pairs: emoji, clip art, figures with
captions. Noise is composed: captions are shuffled among a share of the pairs. No concept of the test part was trained on.
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
from numpy.typing import NDArray

from limner.corpus.pixels import thumbnail
from limner.errors import MediaError
from limner.experts.encoder import encoder, unit
from limner.experts.onnx import Floats
from limner.experts.pairs.encoder import TEXTS, WEIGHTS
from limner.experts.pairs.features import SIDE, image_features
from limner.experts.pairs.towers import Tower, load, save
from limner.experts.pairs.training import Training, train
from limner.experts.text_encoder import text_encoder
from limner.packages.cachedir import cache_folder
from limner.pipeline import load as plan
from limner.provenance.used import PAGES, code_of
from limner.recipes.arrays import arrays
from limner.recipes.provenance import data_hashes
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built
from limner.sources.pairs import KINDS, Pair, figures, pairs, part

_TONES = ("light skin tone", "medium light skin tone", "medium skin tone", "medium dark skin tone", "dark skin tone")
_BATCH = 64


@dataclass(frozen=True)
class Settings:
    """Pairs, and how towers are trained on them.

    `data`    data sets; one that `limner.sources.pairs` does not know is built and its captioned figures are taken
    `unseen`  of these, those that are only asked about
    `sizes`   shares of the training pairs, for the grid
    `noises`  shares of them whose captions are shuffled
    `steps`   of training
    `most`    pairs of each set at most
    `keep`    a file that the towers of the first seed are written to
    """

    data: tuple[str, ...] = (
        "fluent-emoji", "noto-emoji", "openclipart", "sklearn-doc", "skimage-doc", "opencv-doc", "openmoji", "gimp-help-en",
    )  # fmt: skip
    unseen: tuple[str, ...] = ("openmoji", "gimp-help-en")
    sizes: tuple[float, ...] = (0.0625, 0.25, 1.0)
    noises: tuple[float, ...] = (0.0, 0.25, 0.5)
    steps: int = 800
    most: int = 10_000
    keep: str = ""


@dataclass(frozen=True)
class Read:
    """Pairs of a set as features: `images` N x F, `texts` some wordings of each, N x E, the plain one first, `conse` N x C."""

    name: str
    pairs: tuple[Pair, ...]
    images: Floats
    texts: tuple[Floats, ...]
    conse: tuple[Floats, Floats]

    def part(self, name: str) -> NDArray[np.intp]:
        """The numbers of its pairs in that part of the split."""
        return np.array([i for i, p in enumerate(self.pairs) if part(p.concept) == name], np.intp)


Space = tuple[Floats, Floats]
"""Images and texts of a set in one space."""


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train over the grid, then ask what the largest clean one knows; `seed` draws subsets, noise and weights."""
    read = _read(settings)
    seen = [r for r in read if r.name not in settings.unseen]
    rows = {r.name: r.part("train") for r in seen}
    yield Measurement("pairs.train", sum(map(len, rows.values())), note="of concepts that are trained on")
    towers: tuple[Tower, Tower] | None = None
    for size in settings.sizes:
        for noise in settings.noises:
            towers_here = _trained(seen, rows, size, noise, settings.steps, seed)
            found = [_recall(_space(r, towers_here), r, "test")["text.10"] for r in seen]
            yield Measurement(
                f"grid.{size:g}.{noise:g}", float(np.mean(found)), "%", "recall@10 of images by texts, mean of the kinds"
            )
            if size == max(settings.sizes) and noise == 0:
                towers = towers_here
    assert towers is not None
    if settings.keep and seed == 0:
        save(Path(settings.keep), *towers)
    linear = Linear(seen, rows)
    for r in read:
        yield from _told(r, {"pairs": _space(r, towers), "linear": linear(r), "conse": r.conse})
    for r in read:
        if r.name == "openclipart":
            yield from _classified(r, towers, linear)
        if r.name == "fluent-emoji":
            yield from _added(r, towers)
    if WEIGHTS.is_file():
        kept = load(WEIGHTS)
        for r in read:
            yield Measurement(
                f"{r.name}.shipped.text.10", _recall(_space(r, kept), r, "test")["text.10"], "%", "by the towers that limner has"
            )


@cache
def _read(settings: Settings) -> tuple[Read, ...]:
    """Every set, with frozen features."""
    return tuple(_kept(name, settings.most) for name in settings.data)


def _kept(name: str, most: int) -> Read:
    """A set's features from the cache, or computed: they take minutes, and every change of what is trained on them asks again."""
    code = code_of(
        "limner.experts.imagenet", "limner.experts.pairs.features", "limner.sources.pairs", *(() if name in KINDS else PAGES)
    )
    made_by = sha256(f"{code} {data_hashes((name,))} {most}".encode())
    file = cache_folder("features") / f"{name}-{made_by.hexdigest()[:16]}.npz"

    def made() -> dict[str, NDArray[Any]]:
        read = _featured(name, tuple(_pairs(name, most)))
        said = json.dumps([(p.text, p.concept, p.group) for p in read.pairs]).encode()
        return {
            "pairs": np.frombuffer(said, np.uint8), "images": read.images, "texts": np.stack(read.texts), "a": read.conse[0], "b": read.conse[1],
        }  # fmt: skip

    with arrays(file, made) as found:
        held = tuple(Pair(b"", text, concept, name, group) for text, concept, group in json.loads(found["pairs"].tobytes()))
        return Read(name, held, found["images"], tuple(found["texts"]), (found["a"], found["b"]))


def _pairs(name: str, most: int) -> list[Pair]:
    if name in KINDS:
        found = list(pairs(name))
    else:
        with built(plan("default"), (name,)) as (corpus, _):
            found = list(figures(corpus, name))
    return found if len(found) <= most else random.Random(0).sample(found, most)


def _featured(name: str, found: Sequence[Pair]) -> Read:
    """Those that decode; features are computed a batch at a time."""
    kept: list[Pair] = []
    rows: list[Floats] = []
    named: list[Floats] = []
    other = encoder("bundled:conse")
    for at in range(0, len(found), _BATCH):
        pixels = []
        for pair in found[at : at + _BATCH]:
            try:
                pixels.append(thumbnail(pair.image, SIDE))
            except MediaError:
                continue
            kept.append(pair)
        rows.append(image_features(pixels))
        if pixels:
            named.append(other.embed_images(pixels))
    embed = text_encoder(TEXTS).embed
    wordings = (
        [p.text for p in kept],
        [f"a picture of {p.text}" for p in kept],
        [f"{p.text}, {p.group.replace('_', ' ')}" for p in kept],
    )
    texts = tuple(np.concatenate([embed(w[at : at + 512]) for at in range(0, len(w), 512)]) for w in wordings)
    told = np.concatenate([other.embed_texts(wordings[0][at : at + 512]) for at in range(0, len(kept), 512)])
    return Read(name, tuple(kept), np.concatenate(rows), texts, (np.concatenate(named), told))


def _trained(
    read: Sequence[Read], rows: Mapping[str, NDArray[np.intp]], size: float, noise: float, steps: int, seed: int
) -> tuple[Tower, Tower]:
    """Towers trained on a share of the concepts, with the captions of a share of their pairs shuffled."""
    draw = np.random.default_rng([seed, round(1e6 * size), round(1e6 * noise)])
    concepts = np.array([r.pairs[i].concept for r in read for i in rows[r.name]])
    names = np.random.default_rng(seed).permutation(np.unique(concepts))
    chosen = np.flatnonzero(np.isin(concepts, names[: max(round(size * len(names)), 2)]))
    images = np.concatenate([r.images[rows[r.name]] for r in read])[chosen]
    texts = [np.concatenate([r.texts[w][rows[r.name]] for r in read])[chosen] for w in range(len(read[0].texts))]
    concepts = concepts[chosen]
    wrong = draw.permutation(len(chosen))[: round(noise * len(chosen))]
    moved = np.arange(len(chosen))
    moved[wrong] = np.roll(wrong, 1)
    # A shuffled caption brings a concept of its own: what is no pair is not known to be none.
    return train(images, [t[moved] for t in texts], list(concepts), Training(steps=steps), seed)


def _space(read: Read, towers: tuple[Tower, Tower]) -> Space:
    return towers[0](read.images), towers[1](read.texts[0])


class Linear:
    """Texts' features from images', by ridge regression on the same pairs: the simplest map that is trained."""

    def __init__(self, read: Sequence[Read], rows: Mapping[str, NDArray[np.intp]]) -> None:
        x = np.concatenate([r.images[rows[r.name]] for r in read]).astype(np.float64)
        y = np.concatenate([r.texts[0][rows[r.name]] for r in read]).astype(np.float64)
        self.mean, self.deviation, self.middle = x.mean(0), np.maximum(x.std(0), 1e-3), y.mean(0)
        z = (x - self.mean) / self.deviation
        inner = z.T @ z
        best = (-1.0, np.zeros((z.shape[1], y.shape[1])))
        for strength in (0.1, 1.0, 10.0, 100.0):
            map = np.linalg.solve(inner + strength * len(z) / 10 * np.eye(z.shape[1]), z.T @ (y - self.middle))
            self.map = map
            value = float(np.mean([_recall(self(r), r, "tune")["text.10"] for r in read]))
            best = max(best, (value, map), key=lambda pair: pair[0])
        self.map = best[1]

    def images(self, features: Floats) -> Floats:
        """N x F to N x E."""
        return unit((((features - self.mean) / self.deviation) @ self.map).astype(np.float32))

    def texts(self, features: Floats) -> Floats:
        """N x E, about the middle."""
        return unit((features - self.middle).astype(np.float32))

    def __call__(self, read: Read) -> Space:
        return self.images(read.images), self.texts(read.texts[0])


def _recall(space: Space, read: Read, which: str, depths: Sequence[int] = (1, 5, 10)) -> dict[str, float]:
    """Recall in percent, of images by texts (`text.K`) and of texts by images (`image.K`); all of one wording are right for it."""
    at = read.part(which)
    if not len(at):
        return {f"{side}.{k}": 0.0 for side in ("text", "image") for k in depths}
    scores = space[1][at] @ space[0][at].T
    names = np.unique([read.pairs[i].text for i in at], return_inverse=True)[1]
    right = names[:, None] == names[None]
    found: dict[str, float] = {}
    for side, s in (("text", scores), ("image", scores.T)):
        best = np.where(right, s, -np.inf).max(axis=1)
        ranks = ((s > best[:, None]) & ~right).sum(axis=1)
        found |= {f"{side}.{k}": 100 * float(np.mean(ranks < k)) for k in depths}
    return found


def _told(read: Read, spaces: Mapping[str, Space]) -> Iterator[Measurement]:
    """Recall of each way on concepts that were not trained on."""
    count = len(read.part("test"))
    if not count:
        return
    yield Measurement(f"{read.name}.test", count, note="pairs of concepts that were not trained on; the pool")
    for way, space in spaces.items():
        for name, value in _recall(space, read, "test").items():
            yield Measurement(f"{read.name}.{way}.{name}", value, "%", "recall")
    yield Measurement(f"{read.name}.chance.text.10", 100 * min(10 / count, 1.0), "%", "about")


def _classified(read: Read, towers: tuple[Tower, Tower], linear: Linear) -> Iterator[Measurement]:
    """The folder that a drawing is in, told by the folders' names alone."""
    at = np.array([i for i in read.part("test") if read.pairs[i].group not in ("unsorted", "special")])
    groups = sorted({read.pairs[i].group for i in at})
    truth = np.array([groups.index(read.pairs[i].group) for i in at])
    named = text_encoder(TEXTS).embed([f"a picture of {group.replace('_', ' ')}" for group in groups])
    told = encoder("bundled:conse").embed_texts([group.replace("_", " ") for group in groups])
    spaces = {
        "pairs": (towers[0](read.images[at]), towers[1](named)),
        "linear": (linear.images(read.images[at]), linear.texts(named)),
        "conse": (read.conse[0][at], told),
    }
    for way, (images, texts) in spaces.items():
        yield Measurement(
            f"classes.{way}", 100 * float(np.mean((images @ texts.T).argmax(1) == truth)), "%", f"of {len(groups)} classes"
        )
    yield Measurement("classes.most", 100 * float(np.bincount(truth).max() / len(truth)), "%", "the most frequent class")


def _added(read: Read, towers: tuple[Tower, Tower]) -> Iterator[Measurement]:
    """Emoji of people: a picture and "dark skin tone" find the same with that skin, among all pictures but itself."""
    at = read.part("test")
    by_text = {read.pairs[i].text: n for n, i in enumerate(at)}
    asked: list[tuple[int, int, int]] = []
    for text, n in by_text.items():
        tone = next((t for t in sorted(_TONES, key=len, reverse=True) if text.endswith(f" {t}")), "")
        base = text.removesuffix(f" {tone}")
        if tone and not any(t in base for t in _TONES):
            asked += [(n, k, by_text[f"{base} {t}"]) for k, t in enumerate(_TONES) if t != tone and f"{base} {t}" in by_text]
    if not asked:
        return
    yield Measurement("added.asked", len(asked), note="pictures with a tone to change to")
    images, tones = towers[0](read.images[at]), towers[1](text_encoder(TEXTS).embed(_TONES))
    start, tone, truth = np.array(asked).T
    queries = {"both": unit(images[start] + tones[tone]), "image": images[start], "text": tones[tone]}
    for way, rows in queries.items():
        scores = rows @ images.T
        scores[np.arange(len(start)), start] = -np.inf
        ranks = (scores > scores[np.arange(len(start)), truth][:, None]).sum(axis=1)
        for k in (1, 10):
            yield Measurement(f"added.{way}.{k}", 100 * float(np.mean(ranks < k)), "%", "recall")


def _claims() -> Iterator[Claim]:
    share = "recall@10 of images by texts over concepts not trained on, mean of the kinds of pictures"
    scale = "CC-3M cleaned against ALIGN's noisy pairs: as many are worse, four times as many are no worse (section 6.2)"
    for key, statement, better, worse in (
        (
            "scale-offsets-noise",
            "four times the pairs, a quarter of the captions wrong, beat the clean quarter",
            "grid.1.0.25",
            "grid.0.25.0",
        ),
        (
            "scale-offsets-much-noise",
            "four times the pairs, half of the captions wrong, beat the clean quarter",
            "grid.1.0.5",
            "grid.0.25.0",
        ),
        ("more-is-better", "four times the clean pairs are better", "grid.1.0", "grid.0.25.0"),
        ("noise-costs", "with as many pairs, clean ones are better than half wrong ones", "grid.1.0", "grid.1.0.5"),
    ):
        yield Claim(key, statement, scale, share, better=better, worse=worse, effect=1.0)
    paper = "zero-shot top-1 76.4 % on ImageNet"
    yield Claim(
        "zero-shot", "classes are told by their names better than by a classifier's names for what it sees", paper,
        "share of clip art whose folder is told by its name", better="classes.pairs", worse="classes.conse", effect=5.0,
    )  # fmt: skip
    for way in ("image", "text"):
        yield Claim(
            f"arithmetic-{way}", f"a picture and a text together find the changed picture better than the {way} alone",
            "examples are shown, no figure (figure 5)", "recall@10 of emoji by another tone of skin", better="added.both.10",
            worse=f"added.{way}.10", effect=5.0,
        )  # fmt: skip
    for name in ("noto-emoji", "openclipart", "openmoji"):
        yield Claim(
            f"towers-{name}", f"towers trained by contrast beat the best linear map ({name})", "not claimed",
            "recall@10 of images by texts", better=f"{name}.pairs.text.10", worse=f"{name}.linear.text.10", effect=2.0,
        )  # fmt: skip


RECIPE = Recipe(
    slug="align",
    title="ALIGN: pairs of pictures and texts, noisy and many",
    reference="Jia et al. 2021, Scaling Up Visual and Vision-Language Representation Learning With Noisy Text Supervision, arXiv 2102.05918",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("fluent-emoji", "noto-emoji"), unseen=(), sizes=(0.25, 1.0), noises=(0.0, 0.25, 0.5), steps=60, most=160
        ),
        "laptop": Settings(),
        "gpu": Settings(sizes=(0.0625, 0.125, 0.25, 0.5, 1.0), noises=(0.0, 0.125, 0.25, 0.5, 0.75), steps=3_000),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 5, "gpu": 10},
    panels=[
        Panel("Recall@10 by pairs and share of wrong captions", "grid.{row}.{series}", ("0", "0.25", "0.5")),
        Panel("Recall@10 of images by texts", "{row}.{series}.text.10", ("pairs", "linear", "conse", "chance")),
        Panel("A picture and a text together, recall", "added.{series}.{row}", ("both", "image", "text")),
    ],
)
