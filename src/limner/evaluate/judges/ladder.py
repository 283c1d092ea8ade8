"""Passages made worse step by step: answers at known levels of quality, one planted defect more at each."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from limner.evaluate.judges.defects import DEFECTS
from limner.evaluate.judges.passages import Block, Passage


@dataclass(frozen=True, slots=True)
class Rung:
    """A passage and the defects it has, in the order in which they were planted."""

    passage: Passage
    defects: tuple[str, ...] = ()


def ladder(passage: Passage, others: Sequence[Passage], seed: int = 0, most: int = 6) -> list[Rung]:
    """The passage, and with one to `most` defects, each with those of the one before; fewer where it can't have so many.

    Kinds are drawn without coming again; one that would bring back what stood on a lower rung is left out. A defect may fall where
    another one has: the more there are, the more a rung is worth what it says only in the mean."""
    chance = random.Random(f"{seed}/ladder/{passage.name}")
    kinds = chance.sample(list(DEFECTS), len(DEFECTS))
    rungs = [Rung(passage)]
    seen: set[tuple[Block, ...]] = {passage.blocks}
    for kind in kinds:
        if len(rungs) > most:
            break
        last = rungs[-1]
        worse = DEFECTS[kind][1](last.passage, others, chance)
        if worse is not None and worse.blocks not in seen:
            seen.add(worse.blocks)
            rungs.append(Rung(worse, (*last.defects, kind)))
    return rungs
