"""PhysBench: questions about number, weight, place and motion in images and videos, by a model of language alone and by an agent with experts.

Chow et al. 2025, arXiv 2501.16411: 10,002 questions of nineteen subclasses, 75 models, and PhysAgent. The authors' questions and models that see
are not here: questions of four subclasses are composed from emoji in their schema (`limner.recipes.physscenes`) and go through the benchmark's
own loader, frames and scorer. The bare model is SmolLM2, which sees nothing; so what the agent gains is what the experts saw, and not what a
model that sees lacks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from limner.corpus.pixels import Pixels, decode
from limner.evaluate.benchmark import Item, Output, read
from limner.evaluate.benchmarks.physbench import PHYS_BENCH
from limner.experts.language import language
from limner.recipes.gains import compared
from limner.recipes.physagent import Agent, Entry
from limner.recipes.physscenes import SUBCLASSES, asked, written
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.sprites import THINGS, sprites

_LETTERS = "ABCD"
_CHOICE = re.compile(r"^[A-D]\. (.*)$", re.MULTILINE)
_NEEDS = {"number": "counts", "mass": "labels", "location": "places", "motion": "ways"}
_WAYS = ("bare", "found", "agent")


@dataclass(frozen=True)
class Settings:
    """What is asked, and of whom.

    `data`   sets of emoji: the first one's are shown
    `each`   questions of each subclass
    `model`  address of the language model, which must say likelihoods
    `reads`  address of the reader of text in pictures
    """

    data: tuple[str, ...] = ("fluent-emoji",)
    each: int = 60
    model: str = "bundled:smollm2-135m"
    reads: str = "bundled:rapidocr"


@dataclass(frozen=True, slots=True)
class Seen:
    """A question, what memory had for it, and what the expert found."""

    question: str
    choices: tuple[str, ...]
    entry: Entry
    found: str


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Compose, look, choose: without anything, with what was found, with what is known too; `seed` composes."""
    questions = list(asked(sprites(settings.data)[settings.data[0]], settings.each, random.Random(seed)))
    model: Any = language(settings.model)
    agent = Agent(model, THINGS, reads=settings.reads)
    with TemporaryDirectory(prefix="limner-recipe-") as place:
        written(questions, Path(place))
        items = list(PHYS_BENCH.items(Path(place)))
        seen = [_seen(agent, item) for item in items]
    yield Measurement("questions", len(items), note="composed from emoji, of four subclasses")
    kinds = np.array([question.subclass for question in questions])
    told = np.array([100.0 * (q.truth in s.found) for q, s in zip(questions, seen, strict=True)])
    right = np.array([100.0 * (s.entry.asks == _NEEDS[q.subclass]) for q, s in zip(questions, seen, strict=True)])
    scores = {way: np.array([_score(agent, way, i, s) for i, s in zip(items, seen, strict=True)], np.float32) for way in _WAYS}
    yield Measurement("memory.right", float(right.mean()), "%", "questions for which memory has the expert that they need")
    yield Measurement("experts.right", float(told.mean()), "%", "questions whose true answer is among what the expert found")
    for kind in SUBCLASSES:
        yield Measurement(f"{kind}.experts", float(told[kinds == kind].mean()), "%", f"{int((kinds == kind).sum())} questions")
        for way in _WAYS:
            yield Measurement(f"{kind}.{way}", float(scores[way][kinds == kind].mean()), "%")
    yield from compared(
        "all", scores["agent"], scores["bare"], ("agent", "bare"), "%", "questions answered right; by chance 25 %"
    )
    yield from compared(
        "memory", scores["agent"], scores["found"], ("with", "without"), "%", "what is known before what was found, and not"
    )


def _seen(agent: Agent, item: Item) -> Seen:
    text = "\n".join(piece for piece in item.asked if isinstance(piece, str))
    question = text.partition("\nA. ")[0].strip()
    entry = agent.remembered(question)
    return Seen(question, tuple(_CHOICE.findall(text)), entry, agent.found(entry, _pictures(item)))


def _pictures(item: Item) -> Sequence[Pixels]:
    return [decode(read(piece)) for piece in item.asked if isinstance(piece, Path)]


def _score(agent: Agent, way: str, item: Item, seen: Seen) -> float:
    """Per cent: the letter of the choice that is the likeliest, as the benchmark scores it."""
    knows = seen.entry.knows if way == "agent" else ""
    found = "" if way == "bare" else seen.found
    letter = _LETTERS[agent.choose(seen.question, seen.choices, knows, found)]
    return 100 * PHYS_BENCH.score(item, Output(((letter,),)), None).values["accuracy"]


_LAPTOP = Settings()
RECIPE = Recipe(
    slug="physbench",
    title="PhysBench: questions about the physical world, by a bare model and by an agent with experts of vision",
    reference="Chow et al. 2025, PhysBench: Benchmarking and Enhancing Vision-Language Models for Physical World Understanding, arXiv 2501.16411",
    claims=[
        Claim(
            "agent", "experts and a memory of physical knowledge help a model", "+18.4 % for GPT-4o (abstract)",
            "composed questions: the agent against "
            "SmolLM2 alone, which does not see", within="all", effect=5,
        ),
        Claim(
            "memory", "and so does what is known, beside what was found", "no figure in the abstract",
            "the agent with knowledge before what was found "
            "against without", within="memory", effect=5,
        ),
        Claim(
            "experts", "experts see what models do not", "no figure in the abstract", "questions whose true answer is among what the expert found",
            better="experts.right",
        ),
        Claim(
            "bare", "models that see struggle with the physical world", "75 models (abstract)", "the authors' questions",
            waits="a model that sees, and the authors' files: `limner eval run physbench --data FOLDER --model ADDRESS`",
        ),
    ],
    settings={
        "smoke": replace(_LAPTOP, each=1),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, each=200),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 1, "gpu": 3},
    panels=[Panel("Questions answered right (%)", "{row}.{series}", ("bare", "found", "agent", "experts"))],
)  # fmt: skip
