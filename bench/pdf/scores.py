"""Scores of a page: words in their order, figures, figures with their captions; intervals by resampling files."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from labelled import Box, Figure, LabelledPage, tokens
from rapidfuzz.distance import Indel, LCSseq

OVERLAP = 0.5
"""Intersection over union from which on a box is that of a figure."""
ALIKE = 0.9
"""Normalised similarity (of edits that put in and take out) from which on a caption is the one."""
SMALL = 30.0
"""Points: what is found narrower or lower than this and was not labelled is an ornament, and counts neither way."""


@dataclass
class Found:
    """What a system says of a page: its text, and figures with their captions ("" for none)."""

    text: str
    figures: list[tuple[Box, str]]


@dataclass(frozen=True)
class PageScore:
    """Sums of one page."""

    file: str
    words: int
    in_order: int  # of the longest common subsequence
    common: int  # words that both have, in whatever order
    said: int  # words of the system, without those that are free
    figures: int
    proposed: int
    right: int
    captioned: int
    paired: int
    claimed: int  # figures with a caption that the system gave


def score(page: LabelledPage, found: Found) -> PageScore:
    """One page of one system."""
    said = tokens(found.text)
    ours, theirs = Counter(page.words), Counter(said)
    beyond = theirs - ours
    free = sum(min(n, page.free[word]) for word, n in beyond.items())
    order = LCSseq.similarity(list(page.words), said) if page.words else 0
    figures, proposed, right, captioned, paired, claimed = _figures(page.figures, found.figures)
    return PageScore(
        page.file, len(page.words), order, sum((ours & theirs).values()), len(said) - free if page.words else 0,
        figures, proposed, right, captioned, paired, claimed,
    )  # fmt: skip


def _figures(labels: Sequence[Figure], found: Sequence[tuple[Box, str]]) -> tuple[int, int, int, int, int, int]:
    pairs = sorted(
        ((max(overlap(f.box, box), overlap(f.also, box) if f.also else 0), i, j) for i, f in enumerate(labels) for j, (box, _) in enumerate(found)),
        reverse=True,
    )  # fmt: skip
    of: dict[int, int] = {}
    for share, i, j in pairs:
        if share >= OVERLAP and i not in of and j not in of.values():
            of[i] = j
    matched = set(of.values())
    proposed = [
        j for j, (box, said) in enumerate(found) if j in matched or said or min(box[2] - box[0], box[3] - box[1]) >= SMALL
    ]
    paired = sum(bool(f.caption) and i in of and alike(f.caption, found[of[i]][1]) for i, f in enumerate(labels))
    return (
        len(labels), len(proposed), len(of), sum(bool(f.caption) for f in labels), paired, sum(bool(said) for _, said in found),
    )  # fmt: skip


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - wide * high
    return wide * high / area


def alike(label: str, said: str) -> bool:
    """Whether a caption is the one, by its letters and digits."""
    return bool(said) and Indel.normalized_similarity("".join(tokens(label)), "".join(tokens(said))) >= ALIKE


def ratio(top: float, under: float) -> float:
    return top / under if under else 0.0


def f1(right: float, said: float, true: float) -> float:
    return ratio(2 * right, said + true)


MEASURES: Mapping[str, Callable[[Sequence[PageScore]], float]] = {
    "word_order": lambda s: ratio(sum(p.in_order for p in s), sum(p.common for p in s)),
    "word_recall": lambda s: ratio(sum(p.in_order for p in s), sum(p.words for p in s)),
    "word_precision": lambda s: ratio(sum(p.in_order for p in s), sum(p.said for p in s)),
    "word_f1": lambda s: f1(sum(p.in_order for p in s), sum(p.said for p in s), sum(p.words for p in s)),
    "figure_precision": lambda s: ratio(sum(p.right for p in s), sum(p.proposed for p in s)),
    "figure_recall": lambda s: ratio(sum(p.right for p in s), sum(p.figures for p in s)),
    "figure_f1": lambda s: f1(sum(p.right for p in s), sum(p.proposed for p in s), sum(p.figures for p in s)),
    "pairing_precision": lambda s: ratio(sum(p.paired for p in s), sum(p.claimed for p in s)),
    "pairing_recall": lambda s: ratio(sum(p.paired for p in s), sum(p.captioned for p in s)),
    "pairing_f1": lambda s: f1(sum(p.paired for p in s), sum(p.claimed for p in s), sum(p.captioned for p in s)),
}


def summary(scores: Sequence[PageScore], rounds: int = 1_000, seed: int = 7) -> dict[str, list[float]]:
    """Each measure with its 95 % interval: a bootstrap that draws files, with all of their pages (seeded)."""
    files = sorted({s.file for s in scores})
    by_file = {name: [s for s in scores if s.file == name] for name in files}
    draw = random.Random(seed)
    drawn = [[s for name in draw.choices(files, k=len(files)) for s in by_file[name]] for _ in range(rounds)]
    out: dict[str, list[float]] = {}
    for name, measure in MEASURES.items():
        values = sorted(measure(sample) for sample in drawn)
        out[name] = [round(v, 4) for v in (measure(scores), values[int(0.025 * rounds)], values[int(0.975 * rounds) - 1])]
    return out
