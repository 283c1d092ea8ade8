"""ImageRepainter: a picture is drawn of a description, reviewed beside its reference, the words are revised and it is drawn again; and as many
pictures of the first words alone, the best of which is what revision has to beat.

N references.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from limner.corpus.pixels import Pixels
from limner.evaluate.metrics.regeneration import alike
from limner.evaluate.statistics.clusters import Floats
from limner.recipes.describing import Described, Describer, Looked, revised

Drawn = Callable[[Sequence[str], int], list[Pixels]]
"""Draws a picture of each prompt; pictures of another seed are other ones."""


def repainted(
    draws: Drawn, describer: Describer, reference: Looked, rounds: int, seed: int, revises: bool = True
) -> tuple[list[Floats], list[Described]]:
    """How like its reference the picture chosen so far is, after the first one and after each of so many rounds (EfficientNet's features), and the
    words that the chosen pictures were drawn of. The reviewer chooses, and revises, by limner-pairs. Without `revises` each round draws of the first
    words."""
    wanted = describer.describe(reference)
    best = [*wanted]
    words = [*wanted]
    kept = np.full(len(reference), -np.inf)
    told = np.zeros(len(reference))
    found: list[Floats] = []
    for turn in range(rounds + 1):
        made = describer.look(draws([said.text for said in words], 1_000 * seed + turn))
        review = alike(made.joint, reference.joint)
        better = review > kept
        kept = np.where(better, review, kept)
        told = np.where(better, alike(made.eye, reference.eye), told)
        best = [new if won else old for new, old, won in zip(words, best, better, strict=True)]
        found.append(told)
        if revises and turn < rounds:
            words = [revised(said, seen) for said, seen in zip(words, describer.describe(made), strict=True)]
    return found, best
