"""How near a text is to others: n-grams, tokens, characters.

Shares are from 0 to 1; BLEU and chrF are from 0 to 100, as sacrebleu gives them. A text is scored against the best of its
references unless said otherwise. Nothing here takes longer than the square of a text's words divided by 64.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from limner.errors import LimnerError
from limner.evaluate.metrics.library import library

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation)
_WORD = re.compile(r"\w+")
_LEAVES = 1_000  # strings and numbers of an answer to ANLS*, whose assignment is cubic
_DEPTH = 32


def words(text: str) -> list[str]:
    """The words of a text in any script that sets spaces between them, case folded, without punctuation.

    >>> words("Two cats, l'été!")
    ['two', 'cats', 'l', 'été']
    """
    return _WORD.findall(text.casefold())


def normalised(text: str) -> str:
    """A text as answers to SQuAD are compared: lower case, without English articles, ASCII's punctuation and surplus spaces
    (Rajpurkar et al. 2016, arXiv 1606.05250, the official script).

    >>> normalised("The  Eiffel-Tower, a tower.")
    'eiffeltower tower'
    """
    bare = "".join(c for c in text.lower() if c not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(prediction: str, references: Sequence[str]) -> float:
    """1 where a reference is the same once `normalised`, else 0."""
    own = normalised(prediction)
    return _best(references, lambda reference: float(normalised(reference) == own))


def token_f1(prediction: str, references: Sequence[str]) -> float:
    """F1 of the tokens of `normalised` texts, each as often as it occurs. Where a text has none, 1 if neither has."""
    own = normalised(prediction).split()
    return _best(references, lambda reference: _f1(own, normalised(reference).split()))


def _f1(own: Sequence[str], other: Sequence[str]) -> float:
    if not own or not other:
        return float(own == other)
    return 2 * (Counter(own) & Counter(other)).total() / (len(own) + len(other))


def jaccard(prediction: Iterable[str], reference: Iterable[str]) -> float:
    """Words (or any things) that both have, of those that one has; 1 where neither has any.

    >>> jaccard(["a", "b", "b"], ["b", "c"])
    0.3333333333333333
    """
    own, other = set(prediction), set(reference)
    return len(own & other) / len(own | other) if own or other else 1.0


@cache
def _scorer() -> Any:
    module: Any = library("rouge_score.rouge_scorer", "ROUGE")
    return module.RougeScorer(["rouge1", "rouge2"])


class _Words:
    """The tokenizer that the package asks for, with words of any script (its own knows a-z and 0-9 alone)."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


@cache
def _worded() -> Any:
    module: Any = library("rouge_score.rouge_scorer", "ROUGE")
    return module.RougeScorer(["rouge1", "rouge2"], tokenizer=_Words())


def rouge(prediction: str, references: Sequence[str], scripts: bool = False) -> dict[str, float]:
    """F1 of words ("rouge1"), of pairs of words ("rouge2") and of the longest common subsequence ("rougeL"), the best of the
    references for each (Lin 2004). No stemming. The package rouge-score cuts words as Google's does, which has none but of
    a-z and 0-9; with `scripts` words are `words`."""
    if not references:
        raise LimnerError("ROUGE needs a reference")
    scorer = _worded() if scripts else _scorer()
    distance: Any = library("rapidfuzz.distance", "ROUGE-L")
    tokenize: Callable[[str], list[str]] = scorer._tokenizer.tokenize
    own = tokenize(prediction)
    best = {"rouge1": 0.0, "rouge2": 0.0, "rougeL": 0.0}
    for reference in references:
        found = {kind: float(score.fmeasure) for kind, score in scorer.score(reference, prediction).items()}
        # The package's own table of the subsequence is filled in Python, cell by cell.
        other = tokenize(reference)
        common = distance.LCSseq.similarity(own, other)
        found["rougeL"] = 2 * common / (len(own) + len(other)) if own and other else 0.0
        best = {kind: max(value, found[kind]) for kind, value in best.items()}
    return best


@dataclass(frozen=True, slots=True)
class OfCorpus:
    """A score of a whole set of texts, and sacrebleu's signature: what one must know to compare it."""

    value: float
    signature: str


def bleu(predictions: Sequence[str], references: Sequence[Sequence[str]], tokenize: str = "13a") -> OfCorpus:
    """BLEU of a corpus (Papineni et al. 2002; sacrebleu), 0-100. `references[i]` are those of `predictions[i]`, as many for
    each. `tokenize`: 13a for languages with spaces, `zh`, `char`, `intl`."""
    return _sacrebleu("BLEU", predictions, references, tokenize=tokenize)


def chrf(predictions: Sequence[str], references: Sequence[Sequence[str]], word_order: int = 0) -> OfCorpus:
    """chrF2 of a corpus (Popović 2015; sacrebleu), 0-100; with `word_order` 2 it is chrF++."""
    return _sacrebleu("CHRF", predictions, references, word_order=word_order)


def sentence_bleu(prediction: str, references: Sequence[str], tokenize: str = "13a") -> float:
    """BLEU of one text, 0-100, with sacrebleu's exponential smoothing. Means of it are not the corpus' BLEU."""
    module: Any = library("sacrebleu.metrics", "BLEU")
    return float(module.BLEU(tokenize=tokenize, effective_order=True).sentence_score(prediction, list(references)).score)


def _sacrebleu(metric: str, predictions: Sequence[str], references: Sequence[Sequence[str]], **settings: Any) -> OfCorpus:
    if len(predictions) != len(references) or len({len(each) for each in references}) != 1 or not references[0]:
        raise LimnerError(f"{metric} needs as many references, one at least, for each of {len(predictions)} texts")
    module: Any = library("sacrebleu.metrics", metric)
    scorer = getattr(module, metric)(**settings)
    streams = [[each[i] for each in references] for i in range(len(references[0]))]
    found = scorer.corpus_score(list(predictions), streams)
    return OfCorpus(float(found.score), str(scorer.get_signature()))


@dataclass(frozen=True, slots=True)
class Errors:
    """Edits (insertions, deletions, replacements) that make a text of another, and the units of the reference. They add up,
    so that the rate of a corpus is that of their sum."""

    edits: int
    units: int
    longest: int
    """Units of the longer of both texts."""

    @property
    def rate(self) -> float:
        """Edits a unit of the reference: CER or WER; above 1 where much was made up. Nothing for nothing: 0; something for
        nothing: 1."""
        return self.edits / self.units if self.units else float(self.edits > 0)

    @property
    def distance(self) -> float:
        """Edits a unit of the longer text, 0-1: the normalised edit distance (NED). What competitions call 1-NED is one minus
        it."""
        return self.edits / self.longest if self.longest else 0.0

    def __add__(self, other: Errors) -> Errors:
        return Errors(self.edits + other.edits, self.units + other.units, self.longest + other.longest)


def character_errors(prediction: str, reference: str) -> Errors:
    """Errors in characters, as they stand: fold case and spaces before where that is meant."""
    return _errors(prediction, reference)


def word_errors(prediction: str, reference: str) -> Errors:
    """Errors in words, cut at spaces."""
    return _errors(prediction.split(), reference.split())


def _errors(own: Sequence[str], other: Sequence[str]) -> Errors:
    distance: Any = library("rapidfuzz.distance", "edit distances")
    return Errors(int(distance.Levenshtein.distance(own, other)), len(other), max(len(own), len(other)))


def anls(prediction: Any, references: Any) -> float:
    """ANLS* (Peer et al. 2024, arXiv 2402.03848), 0-1: of texts the similarity by edits, ignoring case, 0 below a half, which
    is ANLS (Biten et al. 2019, arXiv 1905.13648); of lists and dictionaries a mean over what is matched. A tuple, or for a
    text a sequence, holds answers that are all right. An answer of more than a thousand values, or deeper than 32, scores
    0."""
    expected = tuple(references) if isinstance(prediction, str) and isinstance(references, list) else references
    if _count(prediction) > _LEAVES:
        return 0.0
    module: Any = library("anls_star", "ANLS*")
    # What is more than twice as long as any reference is less than half like it; the package would still fill a table for it.
    return float(module.anls_score(expected, _cut(prediction, 2 * _longest(expected) + 1)))


def _count(value: Any, depth: int = 0) -> int:
    if depth > _DEPTH:
        return _LEAVES + 1
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if inside is None else sum(_count(each, depth + 1) for each in inside)


def _longest(value: Any) -> int:
    if isinstance(value, dict):
        return max(map(_longest, value.values()), default=0)
    return max(map(_longest, value), default=0) if isinstance(value, list | tuple) else len(" ".join(str(value).lower().split()))


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, dict):
        return {key: _cut(each, most) for key, each in value.items()}
    if isinstance(value, list):
        return [_cut(each, most) for each in value]
    return " ".join(value.split())[:most] if isinstance(value, str) else value


def _best(references: Sequence[str], score: Callable[[str], float]) -> float:
    if not references:
        raise LimnerError("a text is compared with one reference at least")
    return max(map(score, references))
