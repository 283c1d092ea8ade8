"""The judge that looks at structure: what was asked for, numbers and references that go together, nothing twice, cut, foreign or off topic.

Rules and counts, no model: it runs anywhere and gives the same grade always. What it says is whether the parts of an answer fit each other, never
whether a statement is true or a picture shows what is said. Most measures are `1 / (1 + faults)`: one fault counts the same in a long answer.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from limner.corpus.media import sha256
from limner.corpus.pixels import thumbnail
from limner.curate.identify import SURE, identify, long_enough, other_language
from limner.curate.phash import cell_difference, cells, hamming, phash
from limner.curate.words import stop_words
from limner.document.references import mentions, normal
from limner.errors import MediaError
from limner.evaluate.judges.layout import Layout, layout, said
from limner.evaluate.judges.measured import Facet, MeasuredJudge
from limner.evaluate.judging import Case
from limner.search.analysis import kind, terms
from limner.write.likeness import rarity

VERSION = "1"

OF: dict[str, Facet] = {
    "pictures_asked": "structure",
    "steps_asked": "structure",
    "readable": "images",
    "captions_with_pictures": "together",
    "figure_numbers": "structure",
    "references": "structure",
    "pointing": "together",
    "distinct_pictures": "images",
    "distinct_sentences": "text",
    "finished": "text",
    "whole_sentences": "text",
    "language": "text",
    "counts": "text",
    "topic": "text",
}
"""The measures and the facet of each."""

_NUMBERS = {word: i for i, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)}
COUNT = rf"(?P<n>\d{{1,3}}|{'|'.join(_NUMBERS)})"
"""A whole number in digits or in words, as a pattern."""

_PICTURES = re.compile(
    rf"\b{COUNT}\s+(?:\w+\s+){{0,2}}?(?:images?|pictures?|illustrations?|figures?|photos?|drawings?)\b", re.IGNORECASE
)
_STEPS = re.compile(rf"\b{COUNT}\s+(?:\w+\s+)?steps?\b", re.IGNORECASE)
_STEP = re.compile(r"\A\W{0,3}step\s+(\d{1,3})\b", re.IGNORECASE)
_COUNTED = re.compile(rf"\b{COUNT}\s+(?:[a-z]+\s+)?(?P<what>[a-z]{{3,}}s)\b")
_END = re.compile(r"[.!?…:;。！？：；][\"'”’»)\]*_`]*\Z|\)\Z|”\Z")
_POINTS = re.compile(
    r"\b(?:below|following|(?:as|is|are)\s+shown|looks?\s+like)\b[^.]{0,80}\b(?:images?|pictures?|figures?|screenshots?|plots?|diagrams?)\b"
    r"|\b(?:images?|pictures?|figures?|screenshots?|plots?|diagrams?)\s+(?:below|here)\b",
    re.IGNORECASE,
)
_BITS, _COLOURS = 4, 32  # by which hashes, and mean colours (0-255), of one picture may differ
_MOST_LIKE = 60  # sentences that are compared by words


def measures(case: Case) -> dict[str, float]:
    """The measures that a case has, each from 0 to 1 (see `OF`)."""
    given = layout(case.answer)
    return {name: value for name, value in _all(case, given) if value is not None}


def _all(case: Case, given: Layout) -> Iterator[tuple[str, float | None]]:
    asked = said(case.request)
    language = _language(said(case.answer))
    yield "pictures_asked", _asked(_PICTURES, asked, len(given.pictures))
    yield "steps_asked", _asked(_STEPS, asked, sum(bool(_STEP.match(line.text)) or line.kind == "item" for line in given.lines))
    if given.pictures:
        prints = [_print(picture.data) for picture in given.pictures]
        yield "readable", _few(sum(each is None for each in prints))
        yield "distinct_pictures", _few(_alike([each for each in prints if each is not None]))
    captions = [i for i, line in enumerate(given.lines) if line.kind == "caption"]
    if captions:
        shown = {i for picture in given.pictures for i in (picture.before, picture.after)}
        # A caption of two lines: the other one is at the picture.
        yield "captions_with_pictures", _few(sum(not shown & {i - 1, i, i + 1} for i in captions))
        yield "figure_numbers", _figure_numbers([given.lines[i].number for i in captions])
        yield "references", _references(given)
    if given.lines:
        yield "pointing", _few(sum(_points_at_nothing(given, i) for i in range(len(given.lines))))
    told = given.sentences
    if told:
        often = Counter(" ".join(text.casefold().split()) for _, text in told if len(text.split()) > 4)
        yield "distinct_sentences", _few(sum(n - 1 for n in often.values()))
        prose = [line.text for line in given.lines if line.kind == "prose"]
        if prose:
            yield "finished", sum(bool(_END.search(text)) for text in prose) / len(prose)
            yield "whole_sentences", _few(sum(_breaks_off(text, language) for text in prose))
        yield (
            "language",
            _few(sum(bool(other_language(line.text, language)) for line in given.lines if line.kind == "prose"))
            if language
            else None,
        )
        yield "counts", _counts([text for _, text in told])
        yield "topic", _topic([text for _, text in told], language)


def _few(faults: int) -> float:
    return 1 / (1 + faults)


def _number(text: str) -> int:
    return _NUMBERS.get(text.casefold()) or int(text)


def _asked(pattern: re.Pattern[str], request: str, there: int) -> float | None:
    """How near what is there comes to the number that a request names; None where it names none, or two."""
    asked = {_number(match["n"]) for match in pattern.finditer(request[:20_000])}
    if len(asked) != 1 or not (n := asked.pop()):
        return None
    return min(n, there) / max(n, there)


@dataclass(frozen=True, slots=True)
class _Print:
    """What a picture is known by: the sha256 of its file, its perceptual hash (None for a plain one) and its mean colours on a grid."""

    file: str
    hash: int | None
    cells: bytes

    def like(self, other: _Print) -> bool:
        """Whether both are one picture, as the same file or saved anew."""
        if self.file == other.file:
            return True
        if self.hash is None or other.hash is None or hamming(self.hash, other.hash) > _BITS:
            return False
        grids = (np.frombuffer(each.cells, np.uint8) for each in (self, other))
        return int(cell_difference(*grids)) <= _COLOURS


@lru_cache(32)
def _print(data: bytes) -> _Print | None:
    """What a picture is known by; None for one that does not decode."""
    try:
        pixels = thumbnail(data, 128)
    except MediaError:
        return None
    return _Print(sha256(data), phash(pixels), cells(pixels))


def _alike(prints: Sequence[_Print]) -> int:
    """How many pictures stood before."""
    return sum(any(each.like(other) for other in prints[:i]) for i, each in enumerate(prints))


def _figure_numbers(numbers: Sequence[str]) -> float | None:
    """Whether the numbers of captions go up by one (in their last place)."""
    places = [tuple(int(n) for n in re.findall(r"\d+", number)) for number in numbers]
    steps = [(a, b) for a, b in pairwise(places) if a and b and len(a) == len(b)]
    if not steps:
        return None
    return _few(
        sum(not (b[:-1] == a[:-1] and b[-1] - a[-1] in (0, 1)) and not (b[:-1] > a[:-1] and b[-1] == 1) for a, b in steps)
    )


def _references(given: Layout) -> float | None:
    """The share of figures mentioned that have a caption here; half of it counts, since an answer may be a part of something."""
    there = {normal(line.number) for line in given.lines if line.kind == "caption"}
    named = {n for line in given.lines if line.kind != "caption" for what, n in mentions(line.text) if what == "figure"}
    return 0.5 + 0.5 * len(named & there) / len(named) if named else None


def _points_at_nothing(given: Layout, i: int) -> bool:
    """Whether a line announces a picture and none is near."""
    if given.lines[i].kind not in ("prose", "item") or not _POINTS.search(given.lines[i].text[-300:]):
        return False
    return not any(near in given.follows for near in range(i - 1, i + 3))


def _breaks_off(text: str, language: str) -> bool:
    """Whether a paragraph ends where no sentence can: in the midst of one that follows others, or with a function word or a comma."""
    if _END.search(text):
        return False
    last = text.split()[-1].casefold()
    if last.endswith(",") or last in stop_words(language or "en"):
        return True
    return bool(re.search(r"[.!?]\s+[A-Z]", text)) or len(text.split()) >= 12


def _counts(told: Sequence[str]) -> float:
    """Whether the same things are counted the same throughout."""
    counted: dict[str, set[int]] = {}
    for text in told:
        for match in _COUNTED.finditer(text.casefold()):
            counted.setdefault(match["what"], set()).add(_number(match["n"]))
    return _few(sum(len(found) - 1 for found in counted.values()))


def _topic(told: Sequence[str], language: str) -> float | None:
    """How much the sentence that is least like the others shares with them, against the sentence in the middle."""
    long = [text for text in told if len(text.split()) > 6][:_MOST_LIKE]
    if len(long) < 5:
        return None
    cut = [Counter(terms(text, kind(language or "en"))) for text in long]
    weights = rarity([list(counts) for counts in cut])
    place = {term: i for i, term in enumerate(weights)}
    rows = np.zeros((len(long), len(place)))
    for row, counts in zip(rows, cut, strict=True):
        row[[place[term] for term in counts]] = [weights[term] for term in counts]
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    like = rows @ rows.T
    np.fill_diagonal(like, 0.0)
    nearest = np.sort(like, axis=1)[:, -3:].mean(axis=1)
    return float(0.5 + 0.5 * min(nearest.min() / (np.median(nearest) or 1.0), 1.0))


def _language(text: str) -> str:
    """The language of a text that is long enough to tell, else ""."""
    if not long_enough(text):
        return ""
    code, sure = identify(text[:2_000])
    return code if sure >= SURE else ""


def judge() -> MeasuredJudge:
    """`bundled:structural`."""
    return MeasuredJudge(
        "bundled:structural", measures, OF, math.prod, {"version": VERSION, "temperature": "none", "images": "as files"}
    )
