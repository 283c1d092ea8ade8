"""SEED-Bench-2: questions of four choices at the levels a model supports, answered by how likely it holds each choice, of texts or of images.

Li et al. 2023, arXiv 2311.17092: 24,371 questions in 27 dimensions. The authors' files are not here, so questions of seven dimensions are
composed from emoji in their schema (`limner.recipes.levels`) and go through the benchmark's own loader, prompts and scorer. The model that reads
and writes images is trained here for minutes on questions composed of two artists' emoji, and asked about those of a third; a model of texts gets
the words alone (level 0). Every question is asked again with its images blanked.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from limner.corpus import Corpus
from limner.evaluate.asked import Subject
from limner.evaluate.benchmark import Item, Output
from limner.evaluate.benchmarks.choices import likeliest
from limner.evaluate.benchmarks.seedbench2 import SEED_BENCH_2, SEED_BENCH_2_BLANK
from limner.evaluate.statistics.bootstrap import mean
from limner.experts.onnx import Floats
from limner.experts.requests import Kept
from limner.models.composed import Composition, Pictures
from limner.models.decoder import DecoderSettings
from limner.models.reader import Reading
from limner.models.tokenizers import BlockSettings
from limner.recipes.gains import compared
from limner.recipes.levels import Composer, answered, written
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.sprites import sprites
from limner.train.method import Method, teach
from limner.train.schedule import Schedule
from limner.train.trainer import Fit

_CHANCE = 25.0
_LEVELS = ("L1", "L2", "L3")


@dataclass(frozen=True)
class Settings:
    """What is asked, and of whom.

    `data`     sets of emoji; the last one's are asked about, the others learnt from
    `taught`   questions of each dimension that the model learns, `asked` that it is asked
    `blind`    of these, most that the model of texts gets, in all; 0 to leave it out
    `model`    how the model is made
    `text`     address of the model of texts
    """

    data: tuple[str, ...] = ("noto-emoji", "fluent-emoji", "openmoji")
    taught: int = 600
    asked: int = 60
    blind: int = 60
    text: str = "bundled:smollm2-135m"
    model: Method = field(default_factory=Method)


def method(width: int, layers: int, steps: int) -> Method:
    """A decoder of words and codes of images, 16 of them an image of 32 pixels."""
    pictures = Pictures("codes", 32, 256, 8, BlockSettings(width=64, depth=1, heads=2, patch=8))
    decoder = DecoderSettings(width, layers, max(width // 32, 1), max(width // 32, 1), 3 * width)
    fit = Fit(steps, 3e-3, schedule=Schedule(warm=min(50, steps // 5)), log=max(steps // 10, 1), save=steps)
    own = replace(fit, steps=max(steps // 3, 10), rate=2e-3)
    return Method(Composition(pictures, decoder, "codes", 400), Reading(), (("all", fit, None),), 1_024, 256, own, batch=32)


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Compose, teach, ask with and without images, ask again; `seed` draws questions and the model's start."""
    with TemporaryDirectory(prefix="limner-recipe-") as place:
        folder = Path(place)
        items, blank = _composed(settings, seed, folder)
        address = f"run:{_taught(settings, seed, folder)}"
        yield Measurement("questions", len(items), note="composed, of seven dimensions; each is a family of its own")
        outputs = _outputs(address, items, folder / "first", 16)
        scored = _scores(items, outputs)
        unseen = _scores(blank, _outputs(address, blank, folder / "blank", 16))
        again = _outputs(f"{address}/.", items[::-1], folder / "second", 1)[::-1]
        blind = _blind(items, settings.blind, seed)
        words = _outputs(settings.text, blind, folder / "words", 8) if blind else []
    told = np.array([bool(output.likelihoods) for output in outputs])
    for level in _LEVELS:
        rows = [i for i, item in enumerate(items) if item.categories["level"] == level]
        share = 100 * float(told[rows].mean())
        yield Measurement(f"{level}.ranked", share, "%", "questions chosen by likelihood, not by a letter that is written")
        yield from compared(f"{level}.accuracy", scored[rows], unseen[rows], ("seen", "blank"), "%", f"{len(rows)} questions")
    for dimension in dict.fromkeys(item.categories["dimension"] for item in items):
        rows = [i for i, item in enumerate(items) if item.categories["dimension"] == dimension]
        name = dimension.partition(" ")[2].lower().replace(" ", "-")
        yield Measurement(f"{name}.seen", float(scored[rows].mean()), "%", f"{len(rows)} questions")
        yield Measurement(f"{name}.blank", float(unseen[rows].mean()), "%")
    yield from _by_chance("blank", unseen, "of all questions with their images blanked")
    apart, changed = _apart(outputs, again)
    yield Measurement(
        "rescored.apart", apart, "nats a token", "greatest difference, the model loaded again, questions in another order"
    )
    yield Measurement("rescored.changed", changed, "questions", "whose choice is another one")
    if blind:
        yield Measurement("L0.ranked", 100 * float(np.mean([bool(o.likelihoods) for o in words])), "%", "of choices of text")
        yield Measurement(
            "L0.accuracy", float((found := _scores(blind, words)).mean()), "%", f"{settings.text}, without the images"
        )
        yield from _by_chance("L0", found, "of what a model of texts chooses without the images")


def _composed(s: Settings, seed: int, folder: Path) -> tuple[list[Item], list[Item]]:
    """The questions and their control; those to learn are written to `taught`."""
    every = sprites(s.data)
    *known, new = s.data
    taught = [
        question
        for n, name in enumerate(known)
        for question in Composer(every[name], 32, random.Random(f"{seed} taught {n}")).questions(s.taught // len(known))
    ]
    written(taught, folder / "taught")
    written(list(Composer(every[new], 32, random.Random(f"{seed} asked")).questions(s.asked)), folder / "asked")
    return list(SEED_BENCH_2.items(folder / "asked")), list(SEED_BENCH_2_BLANK.items(folder / "asked"))


def _taught(s: Settings, seed: int, folder: Path) -> Path:
    corpus = Corpus.create(str(folder / "corpus"))
    answered(SEED_BENCH_2.items(folder / "taught"), corpus)
    torch.manual_seed(seed)
    teach(replace(s.model, seed=seed), corpus, folder / "run", source="seed-bench-2")
    return folder / "run"


def _outputs(address: str, items: Sequence[Item], kept: Path, group: int) -> list[Output]:
    """What a model gives, kept in a folder of its own: nothing is taken from another pass."""
    subject = Subject(address, Kept(kept))
    return [
        output for at in range(0, len(items), group) for output, _ in subject.ask(SEED_BENCH_2, items[at : at + group])
    ]  # fmt: skip


def _scores(items: Sequence[Item], outputs: Sequence[Output]) -> Floats:
    """Per cent: a hundred, none, or a share of choices that tie."""
    values = [SEED_BENCH_2.score(item, output, None).values["accuracy"] for item, output in zip(items, outputs, strict=True)]
    return 100 * np.array(values, np.float32)


def _by_chance(name: str, scores: Floats, what: str) -> Iterator[Measurement]:
    """How far the interval of an accuracy keeps away from chance, 0 where chance is in it."""
    found = mean(scores, range(len(scores)), (0.0, 100.0))
    yield Measurement(f"{name}.low", found.low, "%", f"lower end of the 95 % interval {what}")
    yield Measurement(f"{name}.high", found.high, "%", "its upper end")
    away = max(found.low - _CHANCE, _CHANCE - found.high, 0.0)
    yield Measurement(f"{name}.beyond-chance", away, "points", f"between chance and the interval {what}")


def _apart(first: Sequence[Output], second: Sequence[Output]) -> tuple[float, int]:
    """The greatest difference of likelihoods, and how many choices differ."""
    pairs = [(a.likelihoods, b.likelihoods) for a, b in zip(first, second, strict=True)]
    if any(len(a) != len(b) for a, b in pairs):
        return float("inf"), len(pairs)
    apart = max((abs(x - y) for a, b in pairs for x, y in zip(a, b, strict=True)), default=0.0)
    return apart, sum(bool(a) and likeliest(a) != likeliest(b) for a, b in pairs)


def _blind(items: Sequence[Item], most: int, seed: int) -> list[Item]:
    """Questions whose choices are texts, without the images: what is left of them for a model at level 0."""
    texts = [item for item in items if all(isinstance(piece, str) for choice in item.choices for piece in choice)]
    drawn = random.Random(seed).sample(texts, min(most, len(texts)))
    return [replace(item, turns=(_words(item),)) for item in drawn]


def _words(item: Item) -> tuple[str, ...]:
    return tuple(piece for piece in item.asked if isinstance(piece, str))


_LAPTOP = Settings(model=method(96, 3, 1_000))
_SCALES: Mapping[str, Settings] = {
    "smoke": replace(_LAPTOP, data=("fluent-emoji", "openmoji"), taught=6, asked=2, blind=0, model=method(32, 1, 10)),
    "laptop": _LAPTOP,
    "gpu": replace(_LAPTOP, taught=5_000, asked=500, blind=500, model=method(512, 8, 10_000)),
}
RECIPE = Recipe(
    slug="seed-bench-2",
    title="SEED-Bench-2: choices of text and images ranked by likelihood, level by level",
    reference="Li et al. 2023, SEED-Bench-2: Benchmarking Multimodal Large Language Models, arXiv 2311.17092",
    claims=[
        Claim(
            "L1", "questions about an image are answered by likelihoods of texts", "dimensions 1-16, 23 models (abstract; no figure)",
            "composed questions (what, where, how many): accuracy with the images against blanked ones, over the questions", within="L1.accuracy",
            effect=5,
        ),
        Claim(
            "L2", "and where images and texts take turns", "dimensions 23-24", "a third image's name after two named ones, against blanked images",
            within="L2.accuracy", effect=5,
        ),
        Claim(
            "L3", "images are ranked by likelihood like texts", "dimensions 25-27", "the image named, the next image, a text with its image: "
            "against blanked ones, where images tie", within="L3.accuracy", effect=5,
        ),
        Claim(
            "levels", "a model is asked at the level it supports: images among the choices are ranked", "levels L0-L4 (abstract)",
            "questions of L3 chosen by likelihood", better="L3.ranked", at_least=100,
        ),
        Claim(
            "text", "a model of texts is asked at level 0, and chooses by chance without the images", "L0: accepts and writes texts",
            "points between chance and the 95 % interval of SmolLM2 on the words alone", better="L0.beyond-chance", at_most=0,
        ),
        Claim(
            "control", "with blanked images a model is at chance", "no such control in the paper",
            "points between 25 % and the 95 % interval over all "
            "questions", better="blank.beyond-chance", at_most=0,
        ),
        Claim(
            "identical", "scoring again gives the same", "objective, without a judge (abstract)",
            "choices that differ when the saved model is loaded "
            "again and asked in another order", better="rescored.changed", at_most=0,
        ),
        Claim(
            "published", "accuracies of open models", "Table of 23 models", "the authors' questions",
            waits="the authors' files and a model of billions of parameters: `limner eval run seed-bench-2 --data FOLDER --model ADDRESS`",
        ),
    ],
    settings={"smoke": _SCALES["smoke"], "laptop": _SCALES["laptop"], "gpu": _SCALES["gpu"]},
    run=run,
    seeds={"smoke": 1, "laptop": 2, "gpu": 3},
    panels=[
        Panel("Questions answered right (%)", "{row}.accuracy.{series}", ("seen", "blank")),
        Panel("By dimension (%)", "{row}.{series}", ("seen", "blank")),
    ],
)  # fmt: skip
