"""Cutting a plan into stages: what can run batch by batch, then a barrier where whole-corpus decisions are made.

Neighbouring global steps share one barrier: their signatures are taken in the same pass, and what an earlier one of
them dropped is left out of what a later one sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from limner.pipeline.plan import Plan, Step


@dataclass(frozen=True)
class Stage:
    """One pass over the batches: the verdicts of the barrier before it, the steps of its own, and the signatures for the
    barrier after it."""

    index: int
    verdicts_of: Sequence[Step]
    steps: Sequence[Step]
    signs_for: Sequence[Step]


def stages(plan: Plan) -> list[Stage]:
    """The stages of a plan; the last one has no barrier after it and writes the corpus."""
    out: list[Stage] = []
    verdicts: list[Step] = []
    local: list[Step] = []
    barrier: list[Step] = []
    for step in plan.steps:
        if step.is_global:
            barrier.append(step)
            continue
        if barrier:
            out.append(Stage(len(out), tuple(verdicts), tuple(local), tuple(barrier)))
            verdicts, local, barrier = barrier, [], []
        local.append(step)
    if barrier:
        out.append(Stage(len(out), tuple(verdicts), tuple(local), tuple(barrier)))
        verdicts, local = barrier, []
    out.append(Stage(len(out), tuple(verdicts), tuple(local), ()))
    return out
