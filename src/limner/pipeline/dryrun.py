"""Trying a plan on a sample: what it would drop, with its own settings and with others in their place."""

from __future__ import annotations

import hashlib
import heapq
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from limner.corpus import MediaSink
from limner.curate.registry import name_of, operator, settings
from limner.document import Document
from limner.errors import PlanError
from limner.pipeline.build import build
from limner.pipeline.plan import Plan, Step
from limner.pipeline.progress import Progress
from limner.pipeline.runners import Runner
from limner.pipeline.summary import Summary
from limner.sources.locate import source as locate
from limner.sources.source import Fetching, Input, Source


@dataclass(frozen=True)
class Sampled:
    """`count` inputs of another source, the same ones every time, in their own order."""

    source: Source
    count: int

    def inputs(self) -> Iterable[Input]:
        """Those whose names hash lowest."""
        keyed = ((_rank(found.name), position, found) for position, found in enumerate(self.source.inputs()))
        chosen = heapq.nsmallest(self.count, keyed, key=lambda entry: entry[0])
        return [found for _, _, found in sorted(chosen, key=lambda entry: entry[1])]

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """As the source does."""
        return self.source.read(input, media)

    def fetch(self, inputs: Sequence[Input], progress: Callable[[int], None]) -> None:
        """As the source does, where it must."""
        if isinstance(self.source, Fetching):
            self.source.fetch(inputs, progress)


def _rank(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()


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
    sources = [Sampled(locate(text, **plan.source_settings), count) for text in plan.sources]
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
