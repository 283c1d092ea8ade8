"""CIDEr-D: how much of what people agree on a caption says (Vedantam et al. 2015, arXiv 1411.5726, section 8), without Java.

N-grams of one to four words, weighted by how few of the references' images have them; the cosine with each reference, what
is repeated cut to the reference's count, times a Gaussian of the difference of lengths; a mean over references and orders,
times ten. The authors' program cuts words by Stanford's tokenizer; `tokens` does the same for captions (it knows nothing of
dates and URLs).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from limner.errors import LimnerError

_ORDERS = 4
_SIGMA = 6.0
_TOKEN = re.compile(
    r"(?:mrs?|ms|dr|st|vs|etc|jr|sr)\.(?!\w)"
    r"|[^\W\d_]\.(?:[^\W\d_]\.)+"  # u.s.
    r"|(?<![^\s(=:^])[-+]\d+(?:[.,]\d+)*(?:e-\d+)?"  # -0.2
    r"|\d+(?:[.,:/-]\d+)+(?:e-\d+)?"  # 3.5, 10:30
    r"|'\d\ds?"
    r"|\#?[^\W_]+(?:[-_'/][^\W_]+)*"
    r"|\*+|\.\.+|--+"
    r"|\S"
)
_CLITIC = re.compile(r"(.+?)(n't|'(?:s|m|d|ll|re|ve))\Z")
# Brackets stay: the authors mean to drop them, but look for them in upper case after the tokenizer has lowered them.
_DROPPED = frozenset("' ` `` '' \" . ? ! , : - -- ... .. ; “ ” ‘ ’ « » – — …".split())
_PARTS = {
    "cannot": ("can", "not"),
    "gonna": ("gon", "na"),
    "wanna": ("wan", "na"),
    "gotta": ("got", "ta"),
    "lemme": ("lem", "me"),
}

Gram = tuple[str, ...]


def tokens(caption: str) -> list[str]:
    """The words of a caption in lower case, clitics apart, punctuation dropped, as the authors' tokenizer has them.

    >>> tokens("A man's dog doesn't bark, at 10:30.")
    ['a', 'man', "'s", 'dog', 'does', "n't", 'bark', 'at', '10:30']
    """
    out: list[str] = []
    for token in _TOKEN.findall(caption.lower().replace("’", "'")):
        if token in _DROPPED:
            continue
        clitic = _CLITIC.match(token)
        out += clitic.groups() if clitic else _PARTS.get(token, (token,))
    return out


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In how many of `images` images' references each n-gram is. Of a test set, or of a larger one where that is too small to
    say what is rare."""

    images: int
    of: Mapping[Gram, int]

    def weight(self, gram: Gram) -> float:
        """The inverse document frequency; what is nowhere counts as what is in one image."""
        return math.log(self.images) - math.log(max(self.of.get(gram, 0), 1))


def frequencies(references: Iterable[Sequence[str]]) -> Frequencies:
    """Those of the references of images."""
    found: Counter[Gram] = Counter()
    images = 0
    for each in references:
        images += 1
        found.update({gram for caption in each for gram in _grams(tokens(caption))})
    if not images:
        raise LimnerError("CIDEr-D needs the references of an image to weigh words by")
    return Frequencies(images, found)


def cider(predictions: Sequence[str], references: Sequence[Sequence[str]], weighed: Frequencies | None = None) -> list[float]:
    """CIDEr-D of each prediction against its references, 0-10; the corpus' is the mean. Words are weighed by the frequencies
    of all these references, unless others are given: of a single image all weights are 0, and so is its score."""
    if len(predictions) != len(references) or not all(references):
        raise LimnerError(f"CIDEr-D needs references, one at least, for each of {len(predictions)} captions")
    weighed = weighed or frequencies(references)
    return [_score(prediction, each, weighed) for prediction, each in zip(predictions, references, strict=True)]


@dataclass(frozen=True, slots=True)
class _Vector:
    values: tuple[dict[Gram, float], ...]
    norms: tuple[float, ...]
    length: int


def _grams(words: Sequence[str]) -> Counter[Gram]:
    return Counter(tuple(words[i : i + n]) for n in range(1, _ORDERS + 1) for i in range(len(words) - n + 1))


def _vector(caption: str, weighed: Frequencies) -> _Vector:
    words = tokens(caption)
    values: tuple[dict[Gram, float], ...] = tuple({} for _ in range(_ORDERS))
    for gram, count in _grams(words).items():
        values[len(gram) - 1][gram] = count * weighed.weight(gram)
    norms = tuple(math.sqrt(sum(value * value for value in of.values())) for of in values)
    # The authors' program counts pairs of words for the length, which for captions of a word or more is the same difference.
    return _Vector(values, norms, max(len(words) - 1, 0))


def _score(prediction: str, references: Sequence[str], weighed: Frequencies) -> float:
    own = _vector(prediction, weighed)
    total = 0.0
    for reference in references:
        other = _vector(reference, weighed)
        near = math.exp(-((own.length - other.length) ** 2) / (2 * _SIGMA**2))
        for n in range(_ORDERS):
            if own.norms[n] and other.norms[n]:
                held = other.values[n]
                dot = sum(min(value, held[gram]) * held[gram] for gram, value in own.values[n].items() if gram in held)
                total += near * dot / (own.norms[n] * other.norms[n])
    return 10 * total / (_ORDERS * len(references))
