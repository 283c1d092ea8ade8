"""MMSearch: what a model is worth as a search engine over pages of text and pictures, measured step by step and from end to end.

Jiang et al. 2024, arXiv 2409.12959: a model asks anew, chooses one of eight websites, answers from it; each step is marked by itself, with what the
steps before it should have given, and all of them together. Here the web is local: manuals, indexed. Questions are composed by rule
(`limner.recipes.lookups`), and so are their answers, the queries wanted, and which pages are right. What is compared: a language model without
search, with the question as the query, with the engine; rules in its place; with and without images, which is to say image search of the picture
that is asked with and its likeness to pictures of the pages. A model that sees is also shown the pages (`views`); the one of the laptop scale does
not see.

Marks as in the paper's own program: requery the mean of ROUGE-L (F1) and BLEU-1; rerank 1 for a right website, 0.5 for one that may do (here:
another page that has the name and the answer), else 0; summarise and end-to-end the F1 of words; all is 0.75 end-to-end, 0.05 requery, 0.1 rerank,
0.1 summarise. Words here are in lower case without marks, where the paper's requery counts what stands between spaces.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from limner.document import Document
from limner.experts.onnx import Floats
from limner.pipeline import load
from limner.recipes.gains import compared
from limner.recipes.lookups import DEFAULT, KEYS, MENU, SHOWN, SHOWN_NAME, Lookup, lookups, said
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built
from limner.search import Search, index
from limner.search import Settings as Indexing
from limner.write.driven import Driven, Examples
from limner.write.engine import (
    Alike,
    AsFound,
    Asked,
    Bounds,
    ContentWords,
    Engine,
    Likest,
    Page,
    Quoting,
    Requery,
    Rerank,
    Site,
    Summarise,
    Trace,
    Verbatim,
    Views,
    best_first,
)  # fmt: skip
from limner.write.views import Figures, Screenshots

WEIGHTS: Mapping[str, float] = {"requery": 0.05, "rerank": 0.1, "summarise": 0.1, "end": 0.75}
"""What each task counts in all."""

_PULLS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
_SHOWN_WORDS = 30  # of a page, in an example


@dataclass(frozen=True)
class Settings:
    """What is searched and asked, and who answers.

    `data`      data sets that are the web; of the German manual, only the windows are read that questions show
    `questions` composed; a third chooses how much pictures count and gives the examples that a model is shown, the rest is measured
    `text`, `encoder`  addresses of what the index is made with, "" for none
    `model`     address of the language model, "" for the rules alone
    `views`     what a model that sees (openai:MODEL@URL) is shown of pages: `figures`, `screenshots`, or "" for nothing
    `bounds`    how much each step is given
    `tokens`    that the model may say at most
    """

    data: tuple[str, ...] = ("gimp-help-en", "sasview", "gimp-help-de")
    questions: int = 90
    text: str = "bundled:minilm"
    encoder: str = "bundled:limner-pairs"
    model: str = "bundled:smollm2-135m"
    views: str = ""
    bounds: Bounds = field(default_factory=lambda: Bounds(snippet=30, words=80))
    tokens: int = 16


@dataclass(frozen=True)
class Driver:
    """Who takes the steps; with `images`, pictures are searched by and weighed."""

    name: str
    requery: Requery
    rerank: Rerank
    summarise: Summarise
    images: bool = False


@dataclass(frozen=True)
class Given:
    """An order that is there already."""

    scores: list[list[float]]

    def rerank(self, asked: Sequence[Asked], sites: Sequence[Sequence[Site]]) -> list[list[float]]:
        """See `limner.write.engine.Rerank`."""
        return self.scores


class Bench:
    """The local web and its questions; `test` are measured."""

    def __init__(self, search: Search, found: Sequence[Lookup], settings: Settings) -> None:
        self.search, self.settings = search, settings
        self.tune, self.test = found[::3], [each for at, each in enumerate(found) if at % 3]
        shows = {"figures": Figures, "screenshots": Screenshots}
        self.views: Views | None = shows[settings.views](search) if settings.views else None
        self._pages: dict[tuple[str, bool], Page] = {}
        self._sites: dict[tuple[str, bool], list[Site]] = {}

    def engine(self, driver: Driver) -> Engine:
        """The engine that a driver drives."""
        views = self.views if driver.images and isinstance(driver.summarise, Driven) else None
        steps = driver.requery, driver.rerank, driver.summarise
        return Engine(self.search, *steps, views=views, look=driver.images, bounds=self.settings.bounds)

    def traces(self, driver: Driver, bare: Sequence[Trace] = ()) -> list[Trace]:
        """The whole way of each question that is measured; see `again`."""
        at = self.again(driver, bool(bare))
        found = dict(zip(at, self.engine(driver).answer([(self.test[n].question, self.test[n].image) for n in at]), strict=True))
        return [found[n] if n in found else bare[n] for n in range(len(self.test))]

    def again(self, driver: Driver, bare: bool) -> list[int]:
        """The questions to be asked: with images only those that have one, where pages are not shown and the same driver was asked without, since
        for the others it does the same."""
        same = bare and driver.images and self.views is None
        return [n for n, each in enumerate(self.test) if each.image is not None or not same]

    def sites(self, engine: Engine, each: Lookup) -> list[Site]:
        """What there is to choose from where rerank is measured: what the index finds for the query wanted, the right page in the last's place where
        it does not find it. Their order says nothing: the one in which they are found would give the answer away."""
        key = each.document, engine.views is not None
        if key not in self._sites:
            found = list(engine.sites(each.query))
            if each.document not in [site.document for site in found]:
                found[self.settings.bounds.sites - 1 :] = [engine.site(each.query, each.document)]
            random.Random(each.document).shuffle(found)
            self._sites[key] = found
        return self._sites[key]

    def page(self, engine: Engine, each: Lookup) -> Page:
        """What is read of the right page for the query wanted, for all drivers the same."""
        key = each.document, engine.views is not None
        if key not in self._pages:
            self._pages[key] = engine.page(each.query, each.document)
        return self._pages[key]

    def choices(self, driver: Driver, questions: Sequence[Lookup]) -> tuple[list[Asked], list[list[Site]]]:
        """What rerank is given."""
        engine = self.engine(driver)
        asked = [engine.asked(each.question, each.image) for each in questions]
        return asked, [self.sites(engine, each) for each in questions]

    def rerank(self, driver: Driver, bare: Floats | None = None) -> Floats:
        """The marks of the websites chosen."""
        at = self.again(driver, bare is not None)
        questions = [self.test[n] for n in at]
        asked, sites = self.choices(driver, questions)
        return self._merged(at, self.marks(questions, sites, driver.rerank.rerank(asked, sites)), bare)

    def _merged(self, at: Sequence[int], values: Iterator[float], bare: Floats | None) -> Floats:
        row = np.zeros(len(self.test), np.float32) if bare is None else bare.copy()
        row[list(at)] = list(values)
        return row

    def marks(
        self, questions: Sequence[Lookup], sites: Sequence[Sequence[Site]], scores: Sequence[Sequence[float]]
    ) -> Iterator[float]:
        """The mark of the best website of each question."""
        for each, here, values in zip(questions, sites, scores, strict=True):
            yield self.mark(each, here[best_first(values)[0]].document)

    def mark(self, each: Lookup, document: str) -> float:
        """1 for the page that a question is about, ½ for another that has its name and its answer."""
        if document == each.document:
            return 1.0
        page = f" {' '.join(said(self.search.document(document).text))} "
        return 0.5 * all(f" {' '.join(said(what))} " in page for what in (each.thing, each.answer))

    def summarised(self, driver: Driver, bare: Floats | None = None) -> Floats:
        """How right the answers are from the right page."""
        at = self.again(driver, bare is not None)
        engine = self.engine(driver)
        questions = [self.test[n] for n in at]
        asked = [engine.asked(each.question, each.image) for each in questions]
        answers = driver.summarise.summarise(asked, [self.page(engine, each) for each in questions])
        return self._merged(at, (f1(answer, each.answer) for answer, each in zip(answers, questions, strict=True)), bare)

    def with_images(self, driver: Driver) -> Driver:
        """The driver with pictures, which count as much as suits those questions with images best that are not measured: both what is found for its
        own queries and what is given where rerank is measured."""
        named = replace(driver, name=f"{driver.name}-images", images=True)
        tune = [each for each in self.tune if each.kind in SHOWN and self.settings.encoder]
        engine = self.engine(named)
        asked, given = self.choices(named, tune)
        own = [list(engine.sites(query)) for query in engine.queries(asked)]
        rows = [row for sites in (given, own) for row in zip(tune, asked, sites, strict=True) if row[2]]
        shown, told, sites = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
        first = Given(driver.rerank.rerank(told, sites))

        def value(pull: float) -> float:
            return sum(self.marks(shown, sites, Alike(self.search, first, pull).rerank(told, sites)))

        return replace(named, rerank=Alike(self.search, driver.rerank, max(_PULLS, key=value))) if rows else named

    def examples(self, images: bool) -> Examples:
        """What a model is shown: a question of each kind that is not measured; one with an image where that is looked up, told in words."""
        engine = Engine(self.search, look=images, bounds=replace(self.settings.bounds, words=_SHOWN_WORDS))
        kinds = (MENU, KEYS, DEFAULT, *((SHOWN_NAME,) if images else ()))
        chosen = [next((each for each in self.tune if each.kind == kind), None) for kind in kinds]
        asked = [(engine.asked(each.question, each.image), each) for each in chosen if each]
        return Examples(
            tuple((replace(one, image=None), each.query) for one, each in asked),
            tuple((replace(one, image=None), engine.page(each.query, each.document), each.answer) for one, each in asked),
        )


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Build and index the web, compose questions, let each driver answer; `seed` says what is asked, in which words."""
    with built(load("default"), [name for name in settings.data if name != "gimp-help-de"]) as (corpus, _):
        indexed = index(corpus, Indexing(settings.text, settings.encoder))
        search = Search.open(corpus)
        english: list[Document] = [document for document in corpus if document.language.partition("-")[0] in ("", "en")]
        bench = Bench(search, lookups(english, seed, settings.questions), settings)
        yield Measurement("web.pages", indexed.documents)
        yield Measurement("web.images", indexed.images)
        for kind, count in sorted(Counter(each.kind for each in bench.test).items()):
            yield Measurement(f"questions.{kind}", count, note="measured; half as many others tune and are examples")
        yield from _measured(bench)


def _measured(bench: Bench) -> Iterator[Measurement]:
    text = bench.settings.text
    rules = Driver("rules", ContentWords(), Likest(text), Quoting(text))
    whole = [rules, bench.with_images(rules)]
    found_order = replace(rules, name="rules-found", rerank=AsFound())
    others = [found_order, replace(found_order, name="rules-raw", requery=Verbatim())]
    alone: Floats | None = None
    if bench.settings.model:
        blind, looking = (Driven(bench.settings.model, bench.examples(images), bench.settings.tokens) for images in (False, True))
        model = Driver("model", blind, blind, blind)
        whole += [model, bench.with_images(Driver("model", looking, looking, looking))]
        raw = replace(model, name="model-raw", requery=Verbatim(), rerank=AsFound())
        others += [raw, replace(whole[1], name="mixed-images", summarise=blind)]
        by_itself = blind.summarise([Asked(each.question, each.image) for each in bench.test], [None] * len(bench.test))
        alone = _row(f1(answer, each.answer) for answer, each in zip(by_itself, bench.test, strict=True))
    scores: dict[str, dict[str, Floats]] = {}
    ways: dict[str, list[Trace]] = {}
    for driver in [*whole, *others]:
        name = driver.name.removesuffix("-images")
        bare = scores.get(name, {}) if driver in whole else {}
        traces = ways[driver.name] = bench.traces(driver, ways.get(name, ()) if bare else ())
        found = scores[driver.name] = dict(_ended(bench, traces))
        if driver in whole:
            found["rerank"] = bench.rerank(driver, bare.get("rerank"))
            found["summarise"] = bench.summarised(driver, bare.get("summarise"))
            found["all"] = np.sum([weight * found[task] for task, weight in WEIGHTS.items()], axis=0)
    for driver in whole:
        if isinstance(driver.rerank, Alike):
            yield Measurement(
                f"{driver.name}.pull",
                driver.rerank.weight,
                note="of pictures beside one over the place, chosen on other questions",
            )
    yield from _shown(bench, scores, alone)
    yield from _compared(bench, scores, alone)


def _ended(bench: Bench, traces: Sequence[Trace]) -> Iterator[tuple[str, Floats]]:
    """What a whole way is worth, a row a figure."""
    rows = list(zip(traces, bench.test, strict=True))
    yield "requery", _row(alike(trace.query, each.query) for trace, each in rows)
    yield "end", _row(f1(trace.answer, each.answer) for trace, each in rows)
    yield "listed", _row(float(each.document in [site.document for site in trace.sites]) for trace, each in rows)
    yield "right", _row(float(t.chosen >= 0 and t.sites[t.chosen].document == each.document) for t, each in rows)
    yield "holds", _row(float(set(said(each.answer)) <= set(said(trace.answer))) for trace, each in rows)


_NOTES = {
    "requery": "ROUGE-L and BLEU-1 against the query wanted",
    "rerank": "1 for the right website of eight, 0.5 for one that may do",
    "summarise": "F1 of the answer, from the right page",
    "end": "F1 of the answer, end to end",
    "all": "0.75 end to end, 0.05 requery, 0.1 rerank, 0.1 summarise",
    "right": "pages chosen that are the right one, end to end",
    "listed": "questions whose right page is among the eight found",
    "holds": "answers that have all words of the right one",
}


def _shown(bench: Bench, scores: Mapping[str, Mapping[str, Floats]], alone: Floats | None) -> Iterator[Measurement]:
    groups = _groups(bench)
    if alone is not None:
        scores = {**scores, "model-alone": {"end": alone}}
    for name, tasks in scores.items():
        for task, values in tasks.items():
            for group, at in groups.items():
                if at.any():
                    yield Measurement(f"{name}{group}.{task}", 100 * float(values[at].mean()), "%", _NOTES[task])


def _groups(bench: Bench) -> dict[str, NDArray[np.bool_]]:
    shown = np.array([each.kind in SHOWN for each in bench.test], bool)
    return {"": np.ones(len(shown), bool), ".text": ~shown, ".image": shown}


def _compared(bench: Bench, scores: Mapping[str, Mapping[str, Floats]], alone: Floats | None) -> Iterator[Measurement]:
    groups = _groups(bench)

    def pair(
        name: str, task: str, better: Floats, worse: Floats, series: tuple[str, str], group: str = ""
    ) -> Iterator[Measurement]:
        at = groups[group]
        if at.sum() > 1:
            yield from compared(f"paired.{name}", 100 * better[at], 100 * worse[at], series, "%", _NOTES[task])

    for driver in ("rules", "model"):
        if driver not in scores:
            continue
        bare, seen, raw = scores[driver], scores[f"{driver}-images"], scores[f"{driver}-raw"]
        yield from pair(f"{driver}.engine", "end", bare["end"], raw["end"], ("engine", "raw"), ".text")
        yield from pair(f"{driver}.images", "end", seen["end"], bare["end"], ("images", "words"), ".image")
        yield from pair(f"{driver}.images-requery", "requery", seen["requery"], bare["requery"], ("images", "words"), ".image")
        yield from pair(f"{driver}.images-rerank", "rerank", seen["rerank"], bare["rerank"], ("images", "words"), ".image")
        yield from pair(f"{driver}.steps", "end", seen["summarise"], seen["end"], ("summarise", "end"))
    if alone is None:
        return
    rules, model, mixed = scores["rules-images"], scores["model-images"], scores["mixed-images"]
    yield from pair("search", "end", model["end"], alone, ("search", "alone"))
    yield from pair("search-mixed", "end", mixed["end"], alone, ("search", "alone"))
    yield from pair("requery", "requery", model["requery"], rules["requery"], ("model", "rule"))
    yield from pair("rerank", "rerank", scores["model"]["rerank"], scores["rules"]["rerank"], ("model", "likest"), ".text")
    yield from pair("summarise", "end", mixed["end"], rules["end"], ("model", "quoted"))
    yield from pair("all", "all", model["all"], rules["all"], ("model", "rules"))


def alike(query: str, wanted: str) -> float:
    """The mean of ROUGE-L (F1) and BLEU-1 of a query against the one that is wanted.

    >>> alike("GIMP Crop menu", "GIMP Crop menu"), round(alike("crop gimp", "GIMP Crop menu"), 3)
    (1.0, 0.503)
    """
    ours, theirs = said(query), said(wanted)
    if not ours or not theirs:
        return 0.0
    row = [0] * (len(theirs) + 1)
    for word in ours:  # the longest common subsequence
        last = row
        row = [0]
        for at, other in enumerate(theirs):
            row.append(last[at] + 1 if word == other else max(last[at + 1], row[at]))
    rouge = 2 * row[-1] / (len(ours) + len(theirs))
    short = math.exp(min(1 - len(theirs) / len(ours), 0.0))
    return (rouge + short * (Counter(ours) & Counter(theirs)).total() / len(ours)) / 2


def f1(answer: str, wanted: str) -> float:
    """The F1 of the words of an answer.

    >>> f1("Shift+C", "Shift+C"), f1("by Shift+C.", "Shift+C"), f1("", "Shift+C")
    (1.0, 0.8, 0.0)
    """
    ours, theirs = Counter(said(answer)), Counter(said(wanted))
    return 2 * (ours & theirs).total() / max(ours.total() + theirs.total(), 1)


def _row(values: Iterator[float]) -> Floats:
    return np.array(list(values), np.float32)


def _claims() -> Iterator[Claim]:
    end, over = "F1 end to end, paired over questions", "paired over questions"
    yield Claim(
        "search", "a model with search answers better than the model alone", "correct answers can only be had by searching (abstract)",
        end, effect=10.0, within="paired.search",
    )  # fmt: skip
    yield Claim(
        "search-mixed", "the same with rules that ask and choose, and the model that answers",
        "correct answers can only be had by searching (abstract)", end, effect=10.0, within="paired.search-mixed",
    )  # fmt: skip
    for driver, who in (("rules", "rules"), ("model", "the model")):
        yield Claim(
            f"engine-{driver}", f"asking anew and choosing beat the question as the query, its first page ({who}, questions without an image)",
            "the pipeline's first two rounds (section 2.1); no figure", f"{end} without an image", effect=2.0, within=f"paired.{driver}.engine",
        )  # fmt: skip
        for what, statement, effect in (
            ("images", "images help end to end", 5.0),
            ("images-requery", "what image search finds helps to ask anew", 5.0),
            ("images-rerank", "pictures of pages help to choose", 2.0),
        ):
            yield Claim(
                f"{what}-{driver}", f"{statement} ({who}, questions with an image)",
                "queries and pages of images and text are what search engines of text neglect (abstract); no figure",
                f"{over} with an image", effect=effect, within=f"paired.{driver}.{what}",
            )  # fmt: skip
        yield Claim(
            f"steps-{driver}", f"the steps before cost answers: from the right page they are better than end to end ({who})",
            "end-to-end is the challenging task (abstract)", f"F1, {over}", effect=2.0, within=f"paired.{driver}.steps",
        )  # fmt: skip
    yield Claim(
        "requery", "a model asks anew better than a rule", "not compared there", f"requery, {over}", effect=2.0, within="paired.requery",
    )  # fmt: skip
    yield Claim(
        "rerank", "a model chooses better than likeness does (questions without an image)", "not compared there",
        f"rerank, {over} without an image", effect=2.0, within="paired.rerank",
    )  # fmt: skip
    yield Claim(
        "summarise", "a model answers better than one quoted sentence of the same page", "not compared there", end, effect=2.0,
        within="paired.summarise",
    )  # fmt: skip
    yield Claim(
        "all", "a model drives the engine better than rules do", "GPT-4o, 60.4 end to end, beats Perplexity Pro, 47.8",
        f"all four marks, {over}", effect=2.0, within="paired.all",
    )  # fmt: skip


RECIPE = Recipe(
    slug="mmsearch",
    title="A language model as a search engine over pages of text and pictures",
    reference="Jiang et al. 2024, MMSearch: Benchmarking the Potential of Large Models as Multi-modal Search Engines, arXiv 2409.12959",
    claims=list(_claims()),
    settings={
        "smoke": Settings(data=("sasview",), questions=15, text="", encoder="", model=""),
        "laptop": Settings(),
        "gpu": Settings(questions=600, model="hf:HuggingFaceTB/SmolLM2-1.7B-Instruct"),
    },
    run=run,
    panels=[
        Panel("Four tasks and all, %", "{row}.{series}", ("requery", "rerank", "summarise", "end", "all")),
        Panel("Questions with an image, %", "{row}.image.{series}", ("requery", "rerank", "summarise", "end", "all")),
    ],
)
