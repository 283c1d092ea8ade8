"""A summarizer that is tuned in two stages on references, small enough for a laptop: what it draws next is scored by some thousand weights.

The paper's model has 7 B parameters; this one is a stand-in for its recipe, not for its size. It is told what the best row of draws for a reference
would be (instructions), then which of its own summaries score better than others (preferences: DPO). The encoder of texts that it sees by is
frozen. Low-rank changes to SmolLM2-135M were left aside: two dozen papers give some hundred sentences to learn from, and five
folds and three seeds of a language model do not fit into minutes. It reads captions, and what is said of figures; it does not see their pixels.

N options, D draws, A summaries, F features, M numbers of a sentence's meaning.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.experts.onnx import Floats
from limner.recipes.mdocdraws import FIGURE, SENTENCE, Draw, Kind, Known, Sketch, drawn
from limner.recipes.mdoceval import Embed, Summary
from limner.search.analysis import terms
from limner.train.batches import Rows
from limner.train.objectives.preference import dpo
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit
from limner.write.likeness import by_words

KINDS: tuple[Kind, ...] = ("sentence", "figure")


@dataclass(frozen=True)
class Tuning:
    """How it is tuned.

    `folds`   parts of the papers; each is summarized by what the others tuned
    `hidden`  numbers between features and score, `rank` those that a meaning is brought to
    `told`    steps on references, `preferred` steps on preferences, of `batch` papers each, at rates `rate` and `slow`
    `drawn`   summaries that are drawn for a paper, of which the best `pairs` are preferred to the worst
    `beta`    of DPO
    """

    folds: int = 5
    hidden: int = 16
    rank: int = 8
    told: int = 150
    preferred: int = 100
    batch: int = 8
    rate: float = 5e-3
    slow: float = 5e-3
    drawn: int = 12
    pairs: int = 4
    beta: float = 0.2


TINY = Tuning(folds=2, told=5, preferred=2, batch=2, drawn=4, pairs=1)
"""For smoke runs: it learns next to nothing."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """A paper to learn from: what is known of it, the draws that make its reference best, and how good any summary of it is (None where that
    cannot be said, as it can't for references without figures)."""

    known: Known
    best: tuple[Draw, ...]
    worth: Callable[[Summary], float] | None


@dataclass(frozen=True, eq=False)
class Options:
    """The options of D draws of one kind: rows of features, sentences' meanings, whose draw each is, and which rows were taken for which summary."""

    features_NF: Tensor
    meaning_NM: Tensor
    draw_N: Tensor
    taken_D: Tensor
    summary_D: Tensor

    def to(self, device: torch.device) -> Options:
        """It on a device."""
        return Options(*(tensor.to(device) for tensor in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Summaries:
    """The draws of A summaries, by kind."""

    of: dict[Kind, Options]
    count: int

    def to(self, device: torch.device) -> Summaries:
        """See `Batches`."""
        return Summaries({kind: options.to(device) for kind, options in self.of.items()}, self.count)

    def __len__(self) -> int:
        return self.count


def gathered(summaries: Sequence[tuple[Known, Sequence[Draw]]]) -> Summaries:
    """Summaries, each with what is known of its paper, as tensors."""
    found: dict[Kind, Options] = {}
    for kind in KINDS:
        width = summaries[0][0].meaning_SM.shape[1] if kind == "sentence" else 0
        features, meanings = (
            [np.zeros((0, SENTENCE if kind == "sentence" else FIGURE), np.float32)],
            [np.zeros((0, width), np.float32)],
        )
        draw, taken, of, count = [np.zeros(0, np.int64)], list[int](), list[int](), 0
        for at, (known, draws) in enumerate(summaries):
            for each in draws:
                if each.kind != kind:
                    continue
                draw.append(np.full(len(each.features_CF), len(taken), np.int64))
                taken.append(count + each.taken)
                of.append(at)
                count += len(each.features_CF)
                features.append(each.features_CF)
                meanings.append(
                    known.meaning_SM[list(each.sentence_C)] if width else np.zeros((len(each.features_CF), 0), np.float32)
                )
        rows_N = (torch.from_numpy(np.concatenate(rows)) for rows in (features, meanings, draw))
        found[kind] = Options(*rows_N, *(torch.tensor(at, dtype=torch.long) for at in (taken, of)))
    return Summaries(found, len(summaries))


class Scorer(nn.Module):
    """The score of an option: its features and, by a layer of low rank, its meaning, through one hidden layer."""

    def __init__(self, features: int, meaning: int, hidden: int, rank: int) -> None:
        super().__init__()
        self.into = nn.Linear(features, hidden)
        self.low = (
            nn.Sequential(nn.Linear(meaning, rank, bias=False), nn.Dropout(0.3), nn.Linear(rank, hidden, bias=False))
            if meaning
            else None
        )
        self.out = nn.Linear(hidden, 1)

    def forward(self, features_NF: Tensor, meaning_NM: Tensor) -> Tensor:
        """N scores."""
        hidden = self.into(features_NF)
        if self.low is not None:
            hidden = hidden + self.low(meaning_NM)
        return self.out(functional.gelu(hidden))[:, 0]


class Policy(nn.Module):
    """How likely each option of a draw is. Trained as it stands, it learns the draws it is shown."""

    def __init__(self, meaning: int, tuning: Tuning) -> None:
        super().__init__()
        self.sentence = Scorer(SENTENCE, meaning, tuning.hidden, tuning.rank)
        self.figure = Scorer(FIGURE, 0, tuning.hidden, tuning.rank)

    def scorer(self, kind: Kind) -> Scorer:
        """Of a kind of draws."""
        return self.sentence if kind == "sentence" else self.figure

    def chances(self, kind: Kind, options: Options) -> Tensor:
        """D log-probabilities of what was taken."""
        score_N = self.scorer(kind)(options.features_NF, options.meaning_NM)
        count = len(options.taken_D)
        top_D = score_N.new_full((count,), -torch.inf).scatter_reduce(0, options.draw_N, score_N.detach(), "amax")
        sum_D = score_N.new_zeros(count).index_add(0, options.draw_N, (score_N - top_D[options.draw_N]).exp())
        return score_N[options.taken_D] - top_D - sum_D.log()

    def summaries(self, batch: Summaries) -> Tensor:
        """A log-probabilities of whole summaries."""
        total = torch.zeros(batch.count, device=self.figure.out.weight.device)
        for kind, options in batch.of.items():
            total = total.index_add(0, options.summary_D, self.chances(kind, options))
        return total

    def counts(self, batch: Summaries) -> dict[str, float]:
        """See `trainer.Model`."""
        return {kind: len(options.taken_D) for kind, options in batch.of.items()}

    def forward(self, batch: Summaries) -> dict[str, Tensor]:
        """See `trainer.Model`."""
        return {kind: -self.chances(kind, options).sum() for kind, options in batch.of.items()}

    @torch.inference_mode()
    def scores(self, kind: Kind, known: Known, features_CF: Floats, sentence_C: tuple[int, ...]) -> Tensor:
        """C scores of the options of one draw."""
        meaning = known.meaning_SM[list(sentence_C)] if kind == "sentence" else np.zeros((len(features_CF), 0), np.float32)
        return self.scorer(kind)(torch.from_numpy(features_CF), torch.from_numpy(meaning))

    def write(
        self, known: Known, words: int, images: int, draw: torch.Generator | None = None
    ) -> tuple[Sketch, tuple[Draw, ...]]:
        """A summary: the likeliest option of each draw, or one by chance."""

        def choose(kind: Kind, features_CF: Floats, sentence_C: tuple[int, ...], sketch: Sketch) -> int:
            scores = self.scores(kind, known, features_CF, sentence_C)
            return int(scores.argmax() if draw is None else torch.multinomial(scores.softmax(0), 1, generator=draw))

        return drawn(known, words, images, choose)


class Preferring(nn.Module):
    """A policy that is tuned on preferences: summaries come in pairs, the better one first."""

    def __init__(self, policy: Policy, beta: float) -> None:
        super().__init__()
        self.policy, self.beta = policy, beta
        self.before = copy.deepcopy(policy).requires_grad_(False)

    def counts(self, batch: Summaries) -> dict[str, float]:
        """See `trainer.Model`."""
        return {"preference": batch.count / 2}

    def forward(self, batch: Summaries) -> dict[str, Tensor]:
        """See `trainer.Model`."""
        # Without dropout on both sides, so that they begin alike.
        self.eval()
        now, before = self.policy.summaries(batch), self.before.summaries(batch)
        return {"preference": dpo(now[::2], now[1::2], before[::2], before[1::2], self.beta)}


def tuned(lessons: Sequence[Lesson], words: int, images: int, tuning: Tuning, seed: int) -> tuple[Policy, Policy]:
    """What the lessons make of a new policy: after the first stage, and after both."""
    torch.manual_seed(seed)
    policy = Policy(lessons[0].known.meaning_SM.shape[1], tuning)
    told = [(lesson.known, lesson.best) for lesson in lessons]

    def batches(rows: Sequence[Any], make: Callable[[Any], Summaries]) -> Rows:
        return Rows(len(rows), min(tuning.batch, len(rows)), seed, make)

    fit(policy, batches(told, lambda rows: gathered([told[i] for i in rows])), _fit(tuning.told, tuning.rate, seed))
    first = copy.deepcopy(policy)
    chance = torch.Generator().manual_seed(seed)
    pairs = [found for lesson in lessons if (found := _pairs(policy, lesson, words, images, tuning, chance))]
    if pairs:
        preferring = Preferring(policy, tuning.beta)
        made = batches(pairs, lambda rows: gathered([each for i in rows for each in pairs[i]]))
        fit(preferring, made, _fit(tuning.preferred, tuning.slow, seed))
    return first.cpu().eval(), policy.cpu().eval()


def _fit(steps: int, rate: float, seed: int) -> Fit:
    return Fit(steps, rate, schedule=Schedule(warm=max(1, steps // 10)), precision="fp32", seed=seed, log=steps)


def _pairs(
    policy: Policy, lesson: Lesson, words: int, images: int, tuning: Tuning, chance: torch.Generator
) -> list[tuple[Known, tuple[Draw, ...]]]:
    """Drawn summaries of a paper, the better and the worse one of each pair; none where it cannot be said which is better."""
    if lesson.worth is None:
        return []
    policy.cpu().eval()
    made = [policy.write(lesson.known, words, images, chance) for _ in range(tuning.drawn)]
    worth = [lesson.worth(sketch.summary) for sketch, _ in made]
    order = sorted(range(len(made)), key=lambda at: -worth[at])
    ends = [(order[i], order[-1 - i]) for i in range(min(tuning.pairs, len(order) // 2))]
    return [(lesson.known, made[at][1]) for good, bad in ends if worth[good] > worth[bad] for at in (good, bad)]


def best(known: Known, reference: Summary, words: int, images: int, embed: Embed | None = None) -> tuple[Draw, ...]:
    """The draws that come nearest to a reference: the sentence that adds most to the terms and meanings it shares, then the reference's figures,
    each to the paragraph that is the most like its point, then no more."""
    points, kind = [paragraph.text for paragraph in reference], known.paper.kind
    wanted = Counter(term for point in points for term in terms(point, kind))
    has = [Counter(terms(sentence, kind)) for sentence in known.sentences]
    like_PS = _like(points, known, embed)
    of = {figure.ref: j for j, figure in enumerate(known.paper.figures)}
    showing = [(point, of[ref]) for point, p in enumerate(reference) for ref in p.figures if ref in of]

    def value(chosen: Sequence[int]) -> float:
        ours = sum((has[i] for i in chosen), Counter[str]())
        shared = 2 * (ours & wanted).total() / max(ours.total() + wanted.total(), 1)
        near = like_PS[:, list(chosen)]
        return shared + float(near.max(1).mean() + near.max(0).mean()) / 2

    def choose(kind: Kind, features_CF: Floats, sentence_C: tuple[int, ...], sketch: Sketch) -> int:
        if kind == "sentence":
            return int(np.argmax([value((*sketch.sentences, i)) for i in sentence_C]))
        left = [(point, j) for point, j in showing if j not in dict(sketch.figures).values()]
        if not left:
            return len(sketch.options) - 1
        point, j = left[0]
        fit = [like_PS[point, list(sketch.paragraphs[p])].max() if j == of_ else -1.0 for p, of_ in sketch.options]
        return int(np.argmax(fit))

    return drawn(known, words, images, choose)[1]


def _like(points: Sequence[str], known: Known, embed: Embed | None) -> Floats:
    if embed and known.sentences:
        return np.clip(embed(points) @ known.meaning_SM.T, 0.0, 1.0)
    return by_words(points, known.sentences, known.paper.kind)


def dealt(families: Sequence[str], folds: int, seed: int) -> list[frozenset[int]]:
    """The numbers of each fold's papers: those of one family stay together. At most as many folds as there are families."""
    names = sorted(set(families))
    order = np.random.default_rng([seed, 7]).permutation(len(names))
    place = {names[at]: i % min(folds, len(names)) for i, at in enumerate(order)}
    return [frozenset(i for i, name in enumerate(families) if place[name] == fold) for fold in range(min(folds, len(names)))]


def crossed(
    lessons: Sequence[Lesson], families: Sequence[str], words: int, images: int, tuning: Tuning, seed: int
) -> dict[str, list[Summary]]:
    """Summaries of each lesson's paper by what the other folds tuned: after the first stage (`instructed`), and after both (`tuned`).

    Raises `ValueError` for papers of less than two families.
    """
    folds = dealt(families, tuning.folds, seed)
    if len(folds) < 2:
        raise ValueError("a summarizer is tuned on papers of other families: there are less than two")
    found: dict[str, list[Summary]] = {way: [()] * len(lessons) for way in ("instructed", "tuned")}
    for fold, own in enumerate(folds):
        rest = [lesson for i, lesson in enumerate(lessons) if i not in own]
        for way, policy in zip(found, tuned(rest, words, images, tuning, 100 * seed + fold), strict=True):
            for i in own:
                found[way][i] = policy.write(lessons[i].known, words, images)[0].summary
    return found
