"""Lumina-mGPT: a decoder over codes of images and words, images of any shape, fine-tuned from small images to large ones and then on all tasks.

Liu et al. 2024, arXiv 2408.02657. Images are lines of codes that say their rows and columns first and end each row by a mark (unambiguous image
representation); positions are those of a line. A model that was trained to predict interleaved sequences is fine-tuned on drawing with larger and
larger images (flexible progressive fine-tuning), then on all tasks at once (omnipotent fine-tuning). The paper's tables were not at hand.

Here pictures are clip art in its own proportions, and emoji; codes are the nearest of k means of patches. The stages are `small` images,
`large` ones, and `all` tasks on large ones: draw a name, name a picture, give a picture's silhouette, fill a silhouette with a name. What a stage
is worth is told by models that have as many batches without it, on pictures of concepts that none was trained on.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from PIL import Image

from limner.corpus.pixels import Pixels
from limner.experts.pairs.encoder import WEIGHTS
from limner.experts.pairs.features import image_features
from limner.experts.pairs.towers import load
from limner.experts.text_encoder import text_encoder
from limner.models.decoder import Decoder, DecoderSettings
from limner.models.decoding import Control
from limner.models.interleaved import Interleaved, Marks
from limner.models.sampling_text import Draw
from limner.models.sequence import Sequence as Whole
from limner.models.sequence import words
from limner.recipes.gains import compared
from limner.recipes.likelihoods import Floats, fits, nats
from limner.recipes.naming import written
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.shapes import PATCH, TASKS, Drawn, Shown, Writer, fitted, shape_of, shown, silhouette
from limner.train.batches import Held, Packing
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit

SHAPES = ((5, 5), (4, 6), (6, 4), (3, 8), (8, 3))


@dataclass(frozen=True)
class Settings:
    """At most `most` pictures of each set; `images` are as large as they say, but in the first stage, where they have `small` codes at most.

    `tokens`, `rate`, `stages`   of a batch; batches of the three stages
    `asked`, `others`  test pictures that are judged, names that each is told from; `drawn` names that are drawn in each shape
    `tries`        test pictures whose silhouettes are asked for and filled
    """

    data: tuple[str, ...] = ("openclipart", "fluent-emoji")
    most: int = 1_600
    small: int = 9
    images: Drawn = field(default_factory=Drawn)
    decoder: DecoderSettings = field(default_factory=lambda: DecoderSettings(128, 4, 4, 4, 344))
    tokens: int = 512
    rate: float = 2e-3
    stages: tuple[int, int, int] = (200, 300, 350)
    asked: int = 160
    others: int = 15
    drawn: int = 40
    tries: int = 60


@dataclass(frozen=True, eq=False)
class Material:
    """What all seeds share: sequences to train on by stage, and pictures of other concepts. Images of `unmarked` are codes alone."""

    writer: Writer
    plain: Writer
    small: list[Whole]
    large: list[Whole]
    every: list[Whole]
    unmarked: tuple[list[Whole], list[Whole]]
    test: Shown
    pictures: int
    shapes: int


@cache
def material(s: Settings) -> Material:
    """The material of settings."""
    parts = shown(s.data, s.most, 3 * PATCH * int(s.images.large**0.5) // 2)
    train, both = parts["train"], TASKS[:2]
    writer, plain = Writer(s.images, train), Writer(s.images, train, marked=False)
    small, large, every = (
        writer.sequences(train, area, tasks) for area, tasks in ((s.small, both), (s.images.large, both), (s.images.large, TASKS))
    )
    unmarked = plain.sequences(train, s.small, both), plain.sequences(train, s.images.large, both)
    shapes = {shape_of(picture, s.images.large) for picture in train.pictures}
    return Material(writer, plain, small, large, every, unmarked, parts["test"], len(train.names), len(shapes))


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train all stages in their order, and models that lack a stage or the marks of shapes; `seed` draws weights, order and what is drawn."""
    s = settings
    made = material(s)
    test, writer, plain = made.test.spread(s.asked), made.writer, made.plain
    yield Measurement("pictures", made.pictures, note="that are trained on; no concept of the test part is among them")
    yield Measurement("shapes", made.shapes, note="of large images of theirs")
    first, second, third = s.stages

    def trained(model: Interleaved, sequences: Sequence[Whole], steps: int) -> Interleaved:
        learnt, schedule = copy.deepcopy(model), Schedule(warm=max(steps // 10, 1))
        fit(
            learnt,
            Packing(Held(sequences, seed), s.tokens, seed=seed),
            Fit(steps, s.rate, schedule=schedule, log=steps, seed=seed),
        )
        return learnt

    torch.manual_seed(seed)
    new = _model(s, writer)
    models = {"small": trained(new, made.small, first)}
    models["staged"] = trained(models["small"], made.large, second)
    models["direct"] = trained(new, made.large, first + second)
    torch.manual_seed(seed)
    models["plain"] = trained(trained(_model(s, plain), made.unmarked[0], first), made.unmarked[1], second)
    models["all"] = trained(models["staged"], made.every, third)
    lost = {name: _lost(plain if name == "plain" else writer, model, test) for name, model in models.items()}
    for name in ("small", "direct", "plain"):
        yield from compared(
            f"draw.{name}", lost["staged"], lost[name], ("staged", name), "nats", "a code of a large picture", lower=True
        )
    yield from compared(
        "draw.all", lost["all"], lost["staged"], ("all", "staged"), "nats", "a code of a large picture", lower=True
    )
    yield from _shaped(writer, models["staged"], made.test.spread(s.drawn), seed)
    for name in ("staged", "all"):
        found = _named(writer, models[name], test, s.others, seed)
        yield Measurement(
            f"named.{name}", float(found.mean()), "%", "of other names that the picture makes less likely; 50 is chance"
        )
        if name == "all":
            yield from compared("named.chance", found, np.full_like(found, 50), ("all", "none"), "%", "of other names")
    yield from _silhouettes(writer, models["all"], made.test.spread(s.tries), seed)


def _model(s: Settings, writer: Writer) -> Interleaved:
    """A model, untrained; what it writes ends with an image."""
    marks = Marks(writer.vocabulary.marks.start, writer.vocabulary.marks.closed, -1)
    return Interleaved(Decoder(s.decoder), None, marks, writer.vocabulary.size + writer.flat.size)


def _lost(writer: Writer, model: Interleaved, test: Shown) -> Floats:
    """Nats a code of large pictures after their names."""
    found: list[Whole] = []
    for name, picture in zip(test.names, test.pictures, strict=True):
        image = writer.image(writer.code(picture, writer.s.large), marks=0.0)
        found.append(Whole((writer.start(), writer.said(name, 0.0), *image)))
    told = nats(model, found)
    return told[:, 0] / told[:, 1]


def _named(writer: Writer, model: Interleaved, test: Shown, others: int, seed: int) -> Floats:
    """See `limner.recipes.likelihoods.fits`."""
    read = [writer.image(writer.code(picture, writer.s.large), 0.0, 0.0) for picture in test.pictures]

    def told(i: int, j: int) -> Whole:
        return Whole((writer.start(), *read[i], writer.said("name", 0.0), writer.said(f" {test.names[j]}")))

    return fits(model, told, lambda j: Whole((writer.start(), writer.said(test.names[j]))), test.names, others, seed)


def _written(
    writer: Writer, model: Interleaved, prompts: Sequence[Whole], seed: int, temperature: float = 1.0
) -> list[list[int]]:
    """What a model writes after prompts, up to the end of an image."""
    control = Control(2 + writer.s.large * 2, Draw(temperature), most=0, seed=seed)
    found: list[list[int]] = [[] for _ in prompts]
    for one in written(model, prompts, control):
        found[one.sequence] += one.ids
    return found


def _shaped(writer: Writer, model: Interleaved, asked: Shown, seed: int) -> Iterator[Measurement]:
    """Pictures of names in shapes that were asked for, or chosen by the model: whether they are images of that shape, and fit their names."""
    tower, texts = load(WEIGHTS)
    vectors = texts(text_encoder("bundled:minilm").embed(list(asked.names)))
    other = np.array(asked.names)[:, None] != np.array(asked.names)[None]
    right: list[Floats] = []
    for shape in (*SHAPES, None):
        opening = writer.flat.opening(*shape) if shape else []
        begun = [
            Whole((writer.start(), writer.said(name), words([writer.vocabulary.marks.image, *opening]))) for name in asked.names
        ]
        found = [writer.flat.codes([*opening, *ids]) for ids in _written(writer, model, begun, seed)]
        key = "x".join(map(str, shape)) if shape else "free"
        share = 100 * float(np.mean([codes is not None for codes in found]))
        yield Measurement(f"shaped.{key}", share, "%", "of names: an image whose rows are as long as it says")
        at = [i for i, codes in enumerate(found) if codes is not None]
        below = np.full(len(found), 50, np.float32)  # what is no image fits no better than chance
        if at:
            drawn = [writer.codes.decoded(codes) for codes in found if codes is not None]
            scores = tower(image_features(drawn)) @ vectors.T
            less = (scores < scores[np.arange(len(at)), at][:, None]) & other[at]
            below[at] = 100 * less.sum(1) / other[at].sum(1)
        yield Measurement(f"alignment.{key}", float(below.mean()), "%", "of other texts that fit less; 50 is chance")
        if shape and shape[0] != shape[1]:
            right.append(below)
    long = np.concatenate(right)
    chance = np.full_like(long, 50)
    yield from compared("alignment.long", long, chance, ("drawn", "chance"), "%", "of other texts that fit less; not square")


def _silhouettes(writer: Writer, model: Interleaved, asked: Shown, seed: int) -> Iterator[Measurement]:
    """Silhouettes of pictures, and pictures in silhouettes: how much of both is shared. What is dark in most of the others, stretched to the same
    shape, is what could be told without looking."""
    codes = [writer.code(picture, writer.s.large) for picture in asked.pictures]
    true = [silhouette(fitted(picture, shape_of(picture, writer.s.large))) for picture in asked.pictures]
    openings = [writer.flat.opening(*each.shape) for each in codes]
    for task in ("mask", "fill"):
        begun: list[Whole] = []
        for name, picture, mask, opening in zip(asked.names, codes, map(writer.codes.encoded, true), openings, strict=True):
            asks = writer.said(task), *([writer.said(f" {name}")] if task == "fill" else [])
            image = writer.image(picture if task == "mask" else mask)
            begun.append(Whole((writer.start(), *image, *asks, words([writer.vocabulary.marks.image, *opening]))))
        told = _written(writer, model, begun, seed, 0.5)
        own, typical = np.zeros(len(codes), np.float32), np.zeros(len(codes), np.float32)
        for i, (opening, ids) in enumerate(zip(openings, told, strict=True)):
            drawn, size = writer.flat.codes([*opening, *ids]), (true[i].shape[1], true[i].shape[0])
            others = [np.asarray(Image.fromarray(each).resize(size)) for each in true[:i] + true[i + 1 :]]
            typical[i] = _shared(np.median(others, 0).astype(np.uint8), true[i])
            if drawn is not None:
                own[i] = _shared(silhouette(writer.codes.decoded(drawn)), true[i])
        yield from compared(f"shared.{task}", 100 * own, 100 * typical, ("own", "typical"), "%", "intersection over union")


def _shared(a: Pixels, b: Pixels) -> float:
    """Intersection over union of what is dark."""
    first, second = a[:, :, 0] < 128, b[:, :, 0] < 128
    return float((first & second).sum() / max((first | second).sum(), 1))


def _claims() -> Iterator[Claim]:
    shapes = "images of varying aspect ratios from one model (abstract; no figure at hand)"
    for shape in SHAPES:
        key = "x".join(map(str, shape))
        statement = f"asked for {shape[0]} rows of {shape[1]} codes it draws them"
        yield Claim(f"shape-{key}", statement, shapes, "names of unseen concepts, %", f"shaped.{key}", at_least=95.0)
    lost = "nats a code of large pictures of unseen concepts, paired over pictures"
    stages = "progressive fine-tuning, from 512 over 768 to 1024 pixels (no figure at hand)"
    marks = "codes alone do not say their shape (unambiguous representation; no figure at hand)"
    omni = "omnipotent fine-tuning: drawing, recognition, controlled drawing in one model (abstract; no figure at hand)"
    less = "texts that fit less than its own, by limner-pairs, %; 50 is chance"
    union = "intersection over union with the true silhouette, %, against the typical one"
    for key, statement, paper, measured, within, effect in (
        ("long", "what it draws that is not square fits its name", shapes, less, "alignment.long", 3.0),
        ("marks", "images that say their shape are predicted better than codes alone", marks, lost, "draw.plain", 0.02),
        ("stages-large", "the second stage makes large pictures likelier", stages, lost, "draw.small", 0.02),
        ("stages-small", "small pictures first are better than large ones all along, with as many batches", stages, lost, "draw.direct", 0.02),
        ("all-draw", "the one model of the last stage draws better than before it", omni, lost, "draw.all", 0.02),
        ("all-name", "names pictures", omni, "names that a picture makes less likely than its own, %; 50 is chance", "named.chance", 3.0),
        ("all-mask", "gives their silhouettes", omni, union, "shared.mask", 5.0),
        ("all-fill", "and fills silhouettes", omni, union, "shared.fill", 5.0),
    ):  # fmt: skip
        yield Claim(key, statement, paper, measured, within=within, effect=effect)


RECIPE = Recipe(
    slug="lumina-mgpt",
    title="Lumina-mGPT: images of any shape from a decoder over codes, fine-tuned in stages to all tasks",
    reference="Liu et al. 2024, Lumina-mGPT: Illuminate Flexible Photorealistic Text-to-Image Generation, arXiv 2408.02657",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("fluent-emoji",), most=80, images=Drawn(25, 16, 8, 300), decoder=DecoderSettings(32, 1, 2, 2, 64), tokens=512, stages=(2, 2, 2),
            asked=6, others=2, drawn=4, tries=4,
        ),
        "laptop": Settings(),
        "gpu": Settings(
            most=10_000, small=64, images=Drawn(256, 4_096, 64, 8_192), decoder=DecoderSettings(1_024, 16, 16, 8, 2_816), tokens=32_768, rate=6e-4,
            stages=(10_000, 10_000, 10_000), asked=640, drawn=160, tries=320,
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Images that have the shape asked for, and that fit their names (%)", "{series}.{row}", ("shaped", "alignment")),
        Panel("Nats a code of large pictures", "draw.{row}.{series}", ("staged", "small", "direct", "plain", "all")),
    ],
)  # fmt: skip
