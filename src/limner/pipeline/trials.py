"""Trying variants of a plan on one sample, which is read and extracted once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from limner.curate.registry import name_of, operator, settings
from limner.errors import PlanError
from limner.pipeline.build import build
from limner.pipeline.plan import Plan, Step
from limner.pipeline.progress import Progress, Silent
from limner.pipeline.readonce import read_once
from limner.pipeline.runners import Inline, Runner
from limner.pipeline.some import SomeToFetch, sample
from limner.pipeline.summary import Summary
from limner.sources.locate import source as locate


@dataclass(frozen=True)
class Trial:
    """A plan with some settings changed (none: as it stands), and what it came to on the sample."""

    changes: Mapping[str, Any]
    summary: Summary


def trials(
    plan: Plan,
    count: int,
    tries: Sequence[Mapping[str, Any]] = (),
    *,
    runner: Runner | None = None,
    progress: Progress | None = None,
) -> list[Trial]:
    """What `plan` comes to on `count` inputs of its sources, then what it comes to with each of `tries`: mappings such as
    `{"language.min_confidence": 0.8}`; raises `PlanError` for a wrong one before anything is read. Whole-corpus steps see the
    sample only, so that duplicates come out fewer than over everything. Nothing is kept but the fetcher's cache."""
    progress = progress or Silent()
    variants = [(changes, changed(plan, changes)) for changes in [{}, *tries]]
    found = [locate(text, **plan.source_settings) for text in plan.sources]
    sources = [SomeToFetch(source, sample(source, count)) for source in found]
    out: list[Trial] = []
    with tempfile.TemporaryDirectory(prefix="limner-dry-") as folder:
        read = read_once(plan, sources, f"{folder}/read", runner or Inline(), progress)
        for number, (changes, variant) in enumerate(variants):
            listening = Named(progress, told(changes)) if tries else progress
            # In this process: a sample is small, and a pool takes longer to start than its curating does.
            summary = build(variant, f"{folder}/{number}", sources=read, runner=Inline(), progress=listening)
            out.append(Trial(changes, summary))
    return out


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


def told(changes: Mapping[str, Any]) -> str:
    """The changes of a trial in words.

    >>> told({"language.keep": ["en"]}), told({})
    ("language.keep=['en']", 'the plan as it stands')
    """
    return ", ".join(f"{key}={value}" for key, value in changes.items()) or "the plan as it stands"


class Named:
    """Listens to one of several runs, and says which."""

    def __init__(self, inner: Progress, name: str):
        self._inner, self._name = inner, name

    def stage(self, name: str, total: int, done: int) -> None:
        """A stage of that run begins."""
        self._inner.stage(f"{self._name}: {name}", total, done)

    def advance(self, inputs: int, counts: Mapping[str, int]) -> None:
        """A batch of it is committed."""
        self._inner.advance(inputs, counts)

    def message(self, text: str) -> None:
        """Something a person should know of it."""
        self._inner.message(f"{self._name}: {text}")
