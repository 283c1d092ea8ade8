"""The small trained scorer: how probable it is that an answer has no defect, by the measures of the two judges without a language model.

Logistic regression on `structural` and `coherent`, fitted on passages of documents with one planted defect each against the same without
(`limner.evaluate.judges.defects`); one set of weights for all defects, one for those of pictures, one for those of texts. The weights, and what they
were fitted on, are in `trained.json`, written by `bench/evaluate/train_scorer.py`. It has not seen the documents that its worth is measured on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from limner.errors import ExpertError
from limner.evaluate.judges import coherent, structural
from limner.evaluate.judges.coherent import Encoders
from limner.evaluate.judges.measured import Facet, empty, facets, scaled, told, unable
from limner.evaluate.judging import Aspect, Case, Grade

WEIGHTS = Path(__file__).with_name("trained.json")
NAMES = (*structural.OF, *coherent.OF)
"""The measures, in the order of the features."""

SEEN = tuple(name for name in NAMES if coherent.OF.get(name) != "support")
"""Those that the scorer takes: documents without sources have the others not."""

Head = Literal["whole", "image", "text"]
HEADS: tuple[Head, ...] = ("whole", "image", "text")
_HEAD: dict[Facet, Head] = {"text": "text", "images": "image", "together": "image", "structure": "image"}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scorer:
    """Weights on features: `mean` and `scale` of each, `weights` of each head on the measures and then on whether each is missing, and `bias`."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: Mapping[str, tuple[float, ...]]
    bias: Mapping[str, float]

    def features(self, rows: Array) -> Array:
        """N x 2F of N x F measures, NaN for one that is missing."""
        missing = np.isnan(rows)
        return np.concatenate([np.where(missing, 0.0, (rows - self.mean) / self.scale), missing], axis=1)

    def logits(self, rows: Array, head: Head) -> Array:
        """N: how sure it is, in logits, that there is no defect."""
        return self.features(rows) @ np.array(self.weights[head]) + self.bias[head]


def row(found: Mapping[str, float]) -> list[float]:
    """Measures in the order of `SEEN`, NaN for one that is missing."""
    return [found.get(name, math.nan) for name in SEEN]


def fit(clean: Array, worse: Array, of: Sequence[int], kinds: Sequence[str], penalty: float = 3.0, pairs: float = 1.0) -> Scorer:
    """A scorer. `clean` are N x F measures of passages, `worse` M x F of the same with a defect of `kinds` ("image", "text"), each of the passage
    `of`. The loss is of each being told apart from any, and, weighing `pairs`, of each pair being put in order; `penalty` on the squares."""
    every = np.concatenate([clean, worse])
    there = ~np.isnan(every)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, every, 0).sum(axis=0) / count
    scale = np.maximum(np.sqrt(np.where(there, (every - mean) ** 2, 0).sum(axis=0) / count), 0.02)
    bare = Scorer(tuple(mean.tolist()), tuple(scale.tolist()), {}, {})
    left, right, own, kind = bare.features(clean), bare.features(worse), np.array(of), np.array(kinds)
    weights: dict[str, tuple[float, ...]] = {}
    bias: dict[str, float] = {}
    for head in HEADS:
        rows = np.ones(len(kind), bool) if head == "whole" else kind == head
        found = _logistic(left[own[rows]], right[rows], penalty, pairs)
        weights[head], bias[head] = tuple(found[1:].round(5).tolist()), round(float(found[0]), 5)
    return Scorer(tuple(mean.round(5).tolist()), tuple(scale.round(5).tolist()), weights, bias)


def _logistic(clean: Array, worse: Array, penalty: float, pairs: float) -> Array:
    """Bias and weights by L-BFGS; row i of `worse` is row i of `clean` with a defect."""
    from scipy.optimize import minimize  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    def ones(rows: Array) -> Array:
        return np.concatenate([np.ones((len(rows), 1)), rows], axis=1)

    signed = np.concatenate([ones(clean), -ones(worse), ones(clean) - ones(worse)])
    parts = np.concatenate([np.ones(2 * len(clean)), np.full(len(clean), pairs)])

    def loss(weights: Array) -> tuple[float, Array]:
        margins = signed @ weights
        value = float(parts @ np.logaddexp(0, -margins)) + penalty * float(weights[1:] @ weights[1:]) / 2
        slope = -(signed.T @ (parts / (1 + np.exp(np.clip(margins, -30, 30)))))
        slope[1:] += penalty * weights[1:]
        return value, slope

    found: Any = minimize(loss, np.zeros(signed.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 2_000})
    return np.asarray(found.x)


def save(scorer: Scorer, path: Path, made_from: Mapping[str, Any]) -> None:
    """Write a scorer as JSON with what it was made from."""
    said = {"measures": SEEN, **asdict(scorer), "made_from": dict(made_from)}
    path.write_text(json.dumps(said, indent=1) + "\n", "utf-8")


@cache
def load(path: Path = WEIGHTS) -> Scorer:
    """The scorer that `save` wrote. Raises `ExpertError` for a file that is none, or of other measures than there are now."""
    try:
        said = cast("dict[str, Any]", json.loads(path.read_text("utf-8")))
        if tuple(said["measures"]) != SEEN:
            raise ExpertError(f"{path.name} is of other measures than the judges have: run bench/evaluate/train_scorer.py")
        weights = {head: tuple(map(float, said["weights"][head])) for head in HEADS}
        bias = {head: float(said["bias"][head]) for head in HEADS}
        made = Scorer(tuple(map(float, said["mean"])), tuple(map(float, said["scale"])), weights, bias)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExpertError(f"{path} has no scorer: {error}") from None
    if {len(made.mean), len(made.scale)} != {len(SEEN)} or any(len(w) != 2 * len(SEEN) for w in weights.values()):
        raise ExpertError(f"{path} has weights of another size than its measures")
    return made


class TrainedJudge:
    """The scorer as a judge. An aspect of pictures or of how they go with texts asks the weights of defects of pictures, one of texts those
    of texts, a general one all; support by sources is the encoders' own measure."""

    name = "bundled:trained"

    def __init__(self, scorer: Scorer, encoders: Encoders = Encoders()) -> None:  # noqa: B008
        self._scorer, self._coherence = scorer, coherent.coherence(encoders)

    @property
    def settings(self) -> dict[str, str]:
        """See `Judge`."""
        versions = f"structural {structural.VERSION}, coherent {coherent.VERSION}, weights {digest()}"
        encoders = {f"encoder.{name}": address for name, address in asdict(self._coherence.encoders).items()}
        return {"address": self.name, "version": versions, "temperature": "none", "images": "seen", **encoders}

    def measures(self, case: Case) -> dict[str, float]:
        """All measures of a case."""
        return {**structural.measures(case), **self._coherence.measures(case)}

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        """See `Judge`. The reason names what speaks most against the answer."""
        asked = facets(aspect)
        if not asked:
            return [Grade(None, f"{self.name} has no measure of {aspect.name!r}", "unable") for _ in cases]
        if asked == ("support",):
            return list(map(partial(self._supported, aspect=aspect), cases))
        head = _HEAD[asked[0]] if len(asked) == 1 else "whole"
        return [self._one(case, aspect, head) for case in cases]

    def _one(self, case: Case, aspect: Aspect, head: Head) -> Grade:
        if empty(case):
            return Grade(float(aspect.low), "the answer is empty")
        found = self.measures(case)
        rows = np.array([row(found)])
        share = 1 / (1 + math.exp(-float(np.clip(self._scorer.logits(rows, head)[0], -30, 30))))
        against = self._scorer.features(rows)[0][: len(SEEN)] * np.array(self._scorer.weights[head][: len(SEEN)])
        lowest = [SEEN[i].replace("_", " ") for i in np.argsort(against)[:3] if against[i] < -0.05]
        reason = f"no defect with probability {share:.2f}"
        return scaled(share, aspect, f"{reason}; against it: {', '.join(lowest)}" if lowest else reason)

    def _supported(self, case: Case, aspect: Aspect) -> Grade:
        if empty(case):
            return Grade(float(aspect.low), "the answer is empty")
        found = {name: value for name, value in self._coherence.measures(case).items() if coherent.OF[name] == "support"}
        if not found:
            return Grade(None, "there are no sources, or no sentences, to hold the answer to", "unable")
        return scaled(sum(found.values()) / len(found), aspect, told(found))

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        """See `Judge`: never able."""
        return unable(self.name)


@cache
def digest(path: Path = WEIGHTS) -> str:
    """A hash of the weights."""
    from limner.corpus.media import sha256

    return sha256(path.read_bytes())[:12]


def judge() -> TrainedJudge:
    """`bundled:trained`."""
    return TrainedJudge(load())
