"""Interleaved scene graphs: answers of texts and images scored on four levels by questions, and an agent that plans, executes and refines.

Chen et al. 2024, arXiv 2411.17188: 1,150 requests, judged by GPT-4o; ISG-Agent is a large model with large tools. The authors' file and such
models are not here: requests are composed of emoji's things with graphs known from that, and go through the benchmark's own loader and scorer
(`limner.evaluate.benchmarks.isg`). An eye that knows the things from other artists' drawings answers the questions; how often it is right is
measured first, on drawings that it does not know. The systems share a painter, a corpus to retrieve from, a writer, and a budget.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from limner.corpus.pixels import Pixels
from limner.evaluate.asked import Subject
from limner.evaluate.benchmark import Item, Scored
from limner.evaluate.benchmarks.isg import ISG
from limner.evaluate.judges.address import judge
from limner.evaluate.judging import Judge
from limner.experts.requests import Kept
from limner.recipes.gains import compared
from limner.recipes.isgagent import WAYS, Budget, Workshop
from limner.recipes.isgeyes import Eye, LookingJudge, by_pictures, by_words, stands
from limner.recipes.isgrequests import TASKS, composed, indexed, placed, written
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.sprites import THINGS, sprites

LEVELS = ("structure", "block", "image", "holistic")


@dataclass(frozen=True)
class Settings:
    """What is asked, and of whom.

    `data`     sets of emoji: the first one's pictures are retrieved, and not known to the judge's eye; the others teach it
    `requests` how many
    `held`     things that the corpus has pictures of; others must be painted
    `pairs`    pictures of two things by which the eyes are measured
    `holistic` address of the judge of the whole
    """

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji", "openmoji")
    requests: int = 36
    held: int = 12
    pairs: int = 100
    holistic: str = "bundled:trained"
    budget: Budget = field(default_factory=Budget)


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Measure the eyes, compose, answer three ways, score on four levels; `seed` composes and says what the corpus holds."""
    draw = random.Random(seed)
    first, *others = (sprites(settings.data)[name] for name in settings.data)
    eye, own = by_pictures(others), by_words(THINGS)
    yield from _worth("eye", eye, first, settings.pairs, random.Random(seed))
    yield from _worth("own", own, first, settings.pairs, random.Random(seed))
    with TemporaryDirectory(prefix="limner-recipe-") as place:
        folder = Path(place)
        held = {name: first[name] for name in sorted(draw.sample(THINGS, settings.held))}
        written(composed(settings.requests, THINGS, draw), first, folder)
        items = list(ISG.items(folder))
        tools = Workshop(indexed(held, folder / "corpus"), own, settings.budget)
        tools.open()
        by = LookingJudge(eye, judge(settings.holistic))
        scored = {way: _scored(way, items, by, folder / way) for way in WAYS}
    yield Measurement(
        "requests", len(items), note=f"composed, of {len(TASKS)} tasks; {settings.held} of {len(THINGS)} things are in the corpus"
    )
    for way in WAYS:
        yield Measurement(f"{way}.tokens", tools.used[f"{way}.tokens"] / len(items), "tokens", "written for a request")
        yield Measurement(f"{way}.pictures", tools.used[f"{way}.pictures"] / len(items), "pictures", "candidates for a request")
    yield from _levels(scored)
    for task in TASKS:
        rows = [n for n, item in enumerate(items) if item.categories["task"] == task]
        for way in WAYS:
            image = [scored[way][n].values.get("image", np.nan) for n in rows]
            yield Measurement(
                f"{task.replace(' ', '-')}.image.{way}", 100 * float(np.nanmean(image)), "%", f"{len(rows)} requests"
            )


def _worth(name: str, eye: Eye, drawn: Mapping[str, Pixels], pairs: int, draw: random.Random) -> Iterator[Measurement]:
    """How often an eye is right of pictures by an artist that it does not know: of one thing, of two, and of how two stand."""
    alone = [{thing.name for thing in eye.things(placed([drawn[each]]))} for each in drawn]
    right = [each in found for each, found in zip(drawn, alone, strict=True)]
    wrong = [len(found - {each}) / (len(drawn) - 1) for each, found in zip(drawn, alone, strict=True)]
    yield Measurement(f"{name}.one", 100 * float(np.mean(right)), "%", f"{len(drawn)} pictures of one thing in which it is seen")
    yield Measurement(f"{name}.false", 100 * float(np.mean(wrong)), "%", "of things not in them that are seen")
    both: list[bool] = []
    held: list[bool] = []
    for n in range(pairs):
        pair, relation = draw.sample(list(drawn), 2), ("above", "to the left of")[n % 2]
        things = eye.things(placed([drawn[each] for each in pair], relation))
        both.append({thing.name for thing in things} >= set(pair))
        held.append(stands(things, pair[0], relation, pair[1]))
    yield Measurement(f"{name}.two", 100 * float(np.mean(both)), "%", f"of {pairs} pictures of two things in which both are seen")
    yield Measurement(f"{name}.relation", 100 * float(np.mean(held)), "%", "and in which how they stand is seen")


def _scored(way: str, items: Sequence[Item], by: Judge, kept: Path) -> list[Scored]:
    """The scores of a way's answers, kept in a folder of its own: nothing is taken from another run."""
    subject = Subject(f"isg:{way}", Kept(kept))
    asked = [one for at in range(0, len(items), 6) for one in subject.ask(ISG, items[at : at + 6])]
    return [ISG.score(item, output, by) for item, (output, _) in zip(items, asked, strict=True)]


def _levels(scored: Mapping[str, Sequence[Scored]]) -> Iterator[Measurement]:
    """Each level of each way, how often the judge failed of it, and what planning and refining gain over the same requests."""
    scale = {measure.name: measure.high for measure in ISG.measures}
    for level in LEVELS:
        times, unit = (100, "%") if scale[level] == 1 else (1, f"of {scale[level]:.0f}")
        rows = [n for n in range(len(scored["agent"])) if all(level in scored[way][n].values for way in WAYS)]
        for way in WAYS:
            failed = float(np.mean([level in one.failed for one in scored[way]]))
            yield Measurement(f"{level}.{way}.failed", 100 * failed, "%", "requests of which the judge had no score")
        if rows:
            got = {way: np.array([times * scored[way][n].values[level] for n in rows], np.float32) for way in WAYS}
            yield from compared(level, got["agent"], got["one-shot"], ("agent", "one-shot"), unit, f"{len(rows)} requests")
            yield from compared(
                f"{level}.refined", got["agent"], got["planned"], ("agent", "planned"), unit, f"{len(rows)} requests"
            )


_LAPTOP = Settings()
RECIPE = Recipe(
    slug="isg",
    title="Interleaved scene graphs: four levels of questions, and an agent that plans, executes and refines against one shot",
    reference="Chen et al. 2024, Interleaved Scene Graphs for Interleaved Text-and-Image Generation Assessment, ICLR 2025, arXiv 2411.17188",
    claims=[
        *(
            Claim(
                level, f"an agent that plans, executes and refines gains at the {level} level", paper,
                "composed requests: the agent against the same writer asked at once, with the same tools and budget",
                within=level, effect=effect,
            )
            for level, paper, effect in (
                ("structure", "no figure in the abstract", 15), ("block", "others suboptimal (abstract)", 1),
                ("image", "others suboptimal (abstract)", 10), ("holistic", "+122 % over the best other (abstract)", 1),
            )
        ),
        *(
            Claim(
                f"refined-{level}", f"and refining alone gains at the {level} level", "no figure in the abstract",
                "the agent against its plan executed without checks", within=f"{level}.refined", effect=effect,
            )
            for level, effect in (("block", 0.5), ("image", 5))
        ),
        Claim(
            "eye", "questions about single images can be answered by a model", "interpretable question-answer feedback (abstract)",
            "pictures of one thing, by an artist that the judge's eye does not know, in which it is seen", better="eye.one", at_least=80,
        ),
        Claim(
            "published", "scores of published systems on ISG-Bench", "1,150 requests (abstract)", "the authors' requests",
            waits="the authors' file and a judge that sees: `limner eval run isg --data FOLDER --model ADDRESS --judge language:ADDRESS`",
        ),
    ],
    settings={
        "smoke": replace(_LAPTOP, data=("fluent-emoji", "noto-emoji"), requests=3, pairs=2, budget=Budget(pictures=1, texts=2, tokens=6)),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, requests=300, pairs=1_000),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 1, "gpu": 3},
    panels=[
        Panel("Structure and image questions (%)", "{row}.{series}", ("one-shot", "agent")),
        Panel("Image questions by task (%)", "{row}.image.{series}", WAYS),
        Panel("Pictures in which the eyes see what is shown (%)", "{row}.{series}", ("one", "two", "relation")),
    ],
)  # fmt: skip
