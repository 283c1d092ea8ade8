"""Trying a plan on a sample: what it would drop, with its own settings and with others in their place."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from limner.curate.registry import name_of, operator, settings
from limner.errors import PlanError
from limner.pipeline.build import build
from limner.pipeline.plan import Plan, Step
from limner.pipeline.progress import Progress
from limner.pipeline.runners import Runner
from limner.pipeline.some import SomeToFetch, sample
from limner.pipeline.summary import Summary
from limner.sources.locate import source as locate


@dataclass(frozen=True)
class Trial:
    """A plan with some settings changed (none: as it stands), and what it came to on the sample."""

    changes: Mapping[str, Any]
    summary: Summary


def dry_run(
    plan: Plan,
    count: int,
    tries: Sequence[Mapping[str, Any]] = (),
    *,
    runner: Runner | None = None,
    progress: Progress | None = None,
) -> list[Trial]:
    """Build `count` inputs of the plan's sources into a temporary corpus with the plan as it stands, then once for each of
    `tries`: mappings such as `{"language.min_confidence": 0.8}`. Global decisions see the sample only, so that duplicates
    come out fewer than over everything. Nothing is kept but the fetcher's cache."""
    found = [locate(text, **plan.source_settings) for text in plan.sources]
    sources = [SomeToFetch(source, sample(source, count)) for source in found]
    trials: list[Trial] = []
    for changes in [{}, *tries]:
        with tempfile.TemporaryDirectory(prefix="limner-dry-") as folder:
            tried = changed(plan, changes)
            trials.append(Trial(changes, build(tried, f"{folder}/corpus", sources=sources, runner=runner, progress=progress)))
    return trials


def changed(plan: Plan, changes: Mapping[str, Any]) -> Plan:
    """The plan with settings of its steps changed, named `step.setting`; raises `PlanError` for one it has not."""
    steps = {step.name: step for step in plan.steps}
    for key, value in changes.items():
        name, _, setting = key.rpartition(".")
        if name not in steps:
            raise PlanError(f"the plan has no step {name!r}; its steps are {', '.join(steps) or 'none'}")
        old = steps[name].operator
        steps[name] = Step(operator(name_of(old), **{**settings(old), setting: value}), name)
    return replace(plan, steps=tuple(steps.values()))
