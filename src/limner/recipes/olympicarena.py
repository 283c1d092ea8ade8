"""OlympicArena: answers judged by rules after their type, on answers with labels; solutions judged step by step, on planted mistakes.

Huang et al. 2024, arXiv 2406.12753: 11,163 problems of olympiads; answers of thirteen types, eleven of them judged by rules, and solutions by a
language model. The authors' files are not here. The labels are those of `limner.recipes.olympiccases`: by hand, and by rules whose answers are
certain. All go through the benchmark's own loader and scorer, each as a problem of the authors' schema. Beside the rules stands the comparison
that benchmarks fall back to: the same characters, once what says nothing is taken away.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from limner.evaluate.benchmark import Item, Output
from limner.evaluate.benchmarks.olympicanswers import BY_RULE, TYPES, cleaned
from limner.evaluate.benchmarks.olympicarena import OLYMPIC_ARENA, STEP
from limner.evaluate.judges.address import judge
from limner.evaluate.judging import Case
from limner.evaluate.statistics.bootstrap import mean
from limner.experts.onnx import Floats
from limner.recipes.gains import compared
from limner.recipes.olympiccases import Labelled, labelled
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe


@dataclass(frozen=True)
class Settings:
    """Which answers, and who judges steps.

    `varied`  answers of each type that rules vary, as many right as wrong
    `steps`   pairs of a right step and a wrong one in its place
    `judge`   address of the judge of steps; "" to leave that out
    """

    varied: int = 100
    steps: int = 10
    judge: str = "likelihood:bundled:smollm2-135m"


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Judge the labelled answers and the planted mistakes; `seed` varies both."""
    cases = labelled(seed, settings.varied)
    judged = _judged(cases)
    truth = np.array([case.right for case in cases])
    plain = np.array([_plainly(case) for case in cases])
    ours, theirs = (100 * (found == truth).astype(np.float32) for found in (judged, plain))
    hand = np.array([case.by == "hand" for case in cases])
    yield Measurement("answers.hand", int(hand.sum()), note="labelled by hand; those of one expected answer are a family")
    yield Measurement("answers.rule", int((~hand).sum()), note="varied by rules, half of them right")
    for by, rows in (("hand", hand), ("rule", ~hand)):
        if not rows.any():
            continue
        found = mean(ours[rows], [c.expected for c, one in zip(cases, rows, strict=True) if one], (0.0, 100.0))
        yield Measurement(
            f"{by}.agreement", found.value, "%", f"95 % interval {found.low:.1f}-{found.high:.1f}, by expected answer"
        )
        for name, kept in (("wrong-taken", ~truth), ("right-refused", truth)):
            yield Measurement(
                f"{by}.{name}",
                100 - float(ours[rows & kept].mean()),
                "%",
                f"{name.replace('-', ' ')}, {int((rows & kept).sum())} answers",
            )
    yield from compared("answers", ours[hand], theirs[hand], ("rules", "characters"), "%", "agreement with the labels by hand")
    least = 100.0
    for kind in BY_RULE:
        rows = np.array([case.kind == kind for case in cases])
        for name, found in (("rules", ours), ("characters", theirs)):
            yield Measurement(f"type.{kind}.{name}", float(found[rows].mean()), "%", f"{TYPES[kind]}, {int(rows.sum())} answers")
        least = min(least, float(ours[rows].mean()))
    yield Measurement("type.least", least, "%", "agreement on the type that is judged worst")
    if settings.judge:
        yield from _steps(settings, seed)


def _judged(cases: Sequence[Labelled]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """What the benchmark makes of each answer, from files as the authors publish them."""
    with TemporaryDirectory(prefix="limner-recipe-") as place:
        file = Path(place) / "Math" / "val.jsonl"
        file.parent.mkdir()
        file.write_text("".join(json.dumps(_row(number, case)) + "\n" for number, case in enumerate(cases)), "utf-8")
        items = list(OLYMPIC_ARENA.items(Path(place)))
    return np.array([_right(item, case.given) for item, case in zip(items, cases, strict=True)])


def _row(number: int, case: Labelled) -> dict[str, object]:
    return {
        "id": f"Math_{number}", "problem": "", "prompt": "What is it? Write the answer in \\boxed{}.", "figure_urls": [],
        "answer": list(case.expected),
        "answer_type": case.kind, "type_sequence": list(case.kinds), "unit": case.unit, "solution": "", "subject": "Math", "language": "EN",
        "modality": "text-only",
    }  # fmt: skip


def _right(item: Item, given: str) -> bool:
    output = Output(((f"First, $a \\neq b$. So the answer is $\\boxed{{{given}}}$.",),))
    return OLYMPIC_ARENA.score(item, output, None).values["accuracy"] == 1


def _plainly(case: Labelled) -> bool:
    """Whether the characters are the same, without spaces and signs that say nothing."""
    given, expected = ("".join(cleaned(text).split()) for text in (case.given, ",".join(case.expected)))
    return given == expected


def _steps(s: Settings, seed: int) -> Iterator[Measurement]:
    """A step as it is, and with a wrong result in its place, after the same right steps."""
    marker, draw = judge(s.judge), random.Random(f"{seed} steps")
    hits: list[Floats] = []
    failed = 0
    for _ in range(s.steps):
        problem, before, good, bad = _solution(draw)
        grades = [marker.choose(Case((problem,), (*before, step)), STEP, ("right", "wrong")) for step in (good, bad)]
        failed += sum(bool(grade.failed) for grade in grades)
        hits.append(np.array([100.0 * (g.value == want) for g, want in zip(grades, (0, 1), strict=True)], np.float32))
    found = np.stack(hits)
    chance = np.full(len(found), 50.0, np.float32)
    what = f"{s.judge}, {2 * s.steps} steps, half of them wrong; one verdict for all is right for half"
    yield from compared("steps", found.mean(1), chance, ("agreement", "chance"), "%", what)
    yield Measurement("steps.wrong-found", float(found[:, 1].mean()), "%", "of the planted mistakes")
    yield Measurement("steps.right-kept", float(found[:, 0].mean()), "%", "of the right steps")
    yield Measurement("steps.failed", failed, "steps", "that the judge did not judge")


def _solution(draw: random.Random) -> tuple[str, tuple[str, ...], str, str]:
    """A problem, its first steps, the next one, and that with a mistake."""
    each, boxes, lost = draw.randint(3, 12), draw.randint(3, 9), draw.randint(2, 8)
    problem = f"There are {boxes} boxes with {each} apples in each. {lost} apples are eaten. How many apples are left?"
    total = each * boxes
    first = f"In the boxes there are {boxes} * {each} = {total} apples."
    off = draw.choice([-10, -3, 4, 10])
    return (
        problem,
        (first,),
        f"Then {total} - {lost} = {total - lost} apples are left.",
        f"Then {total} - {lost} = {total - lost + off} apples are left.",
    )


_LAPTOP = Settings()
RECIPE = Recipe(
    slug="olympicarena",
    title="OlympicArena: answers judged by rules after their type",
    reference="Huang et al. 2024, OlympicArena: Benchmarking Multi-discipline Cognitive Reasoning for Superintelligent AI, arXiv 2406.12753",
    claims=[
        Claim(
            "types", "answers of eleven types are judged right by rules",
            "rules by type (section 3.4, as the benchmark's module has it); no figure", "agreement with "
            "labels by hand", better="hand.agreement", at_least=95,
        ),
        Claim(
            "every", "of every type", "no figure", "agreement on the type that is judged worst", better="type.least", at_least=90,
        ),
        Claim(
            "certain", "answers whose label is certain are judged so", "no figure", "agreement with labels by rule", better="rule.agreement",
            at_least=99,
        ),
        Claim(
            "characters", "rules by type are needed: the same characters are not enough", "no figure", "agreement with labels by hand: rules against "
            "the same characters", within="answers", effect=5,
        ),
        Claim(
            "process", "steps of a solution are judged by a language model", "process-level evaluations (abstract)",
            "agreement on steps with planted mistakes against one verdict for all, over problems", within="steps", effect=10,
        ),
        Claim(
            "modality", "interleaved problems against text alone", "GPT-4o 39.97 % over all (abstract)", "olympicarena against olympicarena-text",
            waits="a model that sees, and the authors' files: `limner eval run` of olympicarena and of olympicarena-text, `limner eval compare`",
        ),
        Claim(
            "leakage", "problems are checked for leakage", "rigorously examined for leakage (abstract)", "n-grams of problems foretold by a model",
            waits="the authors' files, and a model trained on what may hold them",
        ),
    ],
    settings={
        "smoke": replace(_LAPTOP, varied=2, judge=""),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, varied=1_000, steps=500),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 1, "gpu": 3},
    panels=[Panel("Agreement with the labels by type (%)", "type.{row}.{series}", ("rules", "characters"))],
)  # fmt: skip
