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
    barrier after it. With `attach`, images were fetched since the stage before and are put beside their documents."""

    index: int
    verdicts_of: Sequence[Step]
    steps: Sequence[Step]
    signs_for: Sequence[Step]
    attach: bool = False


def stages(plan: Plan) -> list[Stage]:
    """The stages of a plan; the last one has no barrier after it and writes the corpus."""
    out: list[Stage] = [Stage(0, (), (), ())] if plan.fetch_images else []
    verdicts: list[Step] = []
    local: list[Step] = []
    barrier: list[Step] = []
    for step in plan.steps:
        if step.is_global:
            barrier.append(step)
            continue
        if barrier:
            out.append(Stage(len(out), tuple(verdicts), tuple(local), tuple(barrier), attach=plan.fetch_images and len(out) == 1))
            verdicts, local, barrier = barrier, [], []
        local.append(step)
    if barrier:
        out.append(Stage(len(out), tuple(verdicts), tuple(local), tuple(barrier), attach=plan.fetch_images and len(out) == 1))
        verdicts, local = barrier, []
    out.append(Stage(len(out), tuple(verdicts), tuple(local), (), attach=plan.fetch_images and len(out) == 1))
    return out
