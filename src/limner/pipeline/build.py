"""Building a corpus: a plan over sources, stage by stage, batch by batch, continued where it stopped."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from limner.corpus import Corpus
from limner.corpus.card import describe
from limner.corpus.commit import read_commits, stem, sweep
from limner.corpus.keeping.takelist import TakeList, taken
from limner.corpus.lock import writing
from limner.corpus.shards import Reader
from limner.corpus.store import Store
from limner.errors import PlanError
from limner.pipeline.decide import decide
from limner.pipeline.inputs import Batch, batches, freeze
from limner.pipeline.plan import Plan
from limner.pipeline.progress import Progress, Silent
from limner.pipeline.runners import Inline, Runner
from limner.pipeline.stages import Stage, stages
from limner.pipeline.summary import Summary, summarize
from limner.pipeline.task import Task
from limner.sources.fetch import Fetcher
from limner.sources.images import fetch_images, image_urls
from limner.sources.locate import fetch_settings
from limner.sources.locate import source as locate
from limner.sources.source import Fetching, Source

WORKPLACE = ".stages"
_VERSIONED = ("limner", "selectolax", "pyarrow", "numpy", "duckdb", "pillow", "py3langid")


def build(
    plan: Plan,
    out: str,
    *,
    runner: Runner | None = None,
    progress: Progress | None = None,
    memory: int = 1 << 30,
    threads: int = 1,
    sources: Sequence[Source] | None = None,
    listed: TakeList | None = None,
) -> Summary:
    """Build the corpus that `plan` describes in the folder `out`, or continue building it.

    `memory` is the budget in bytes of whole-corpus decisions; what exceeds it spills to disk. `sources` may be given as objects, in
    place of the plan's addresses. `listed` is what may not come in, by default the corpus's own take-down list. Raises `PlanError`
    where `out` holds a corpus of another plan.
    """
    began = time.monotonic()
    runner, progress = runner or Inline(), progress or Silent()
    given = list(sources) if sources is not None else [locate(text, **plan.source_settings) for text in plan.sources]
    if not given:
        raise PlanError("there is nothing to read: name a source (a folder, a WARC file, a URL, pip:NAME==VERSION#folder, …)")
    corpus = Corpus.create(out, {"plan": plan.to_dict(), "digest": plan.digest(), "versions": versions(), "complete": False})
    if corpus.facts.get("digest") != plan.digest():
        raise PlanError(f"{out} was built with another plan or other sources; name a new folder, or remove it")
    place = Store(f"{out.rstrip('/')}/{WORKPLACE}", **corpus.store.options)
    if corpus.facts.get("complete"):
        if WORKPLACE in corpus.store.folders():  # killed at the very end
            with writing(corpus.store):
                _close(corpus, place)
        progress.message(f"{out} is complete")
        return summarize(corpus, time.monotonic() - began)
    with writing(corpus.store):
        total = freeze(place, given)
        work = _Building(plan, corpus, place, given, total, runner, progress, memory, threads)
        work.taken = listed or work.taken
        work.fetch()
        for stage in work.stages:
            work.stage(stage)
        return work.finish(began)


def versions() -> dict[str, str]:
    """The versions of what a corpus depends on."""
    return {name: importlib.metadata.version(name) for name in _VERSIONED}


def _close(corpus: Corpus, place: Store) -> None:
    """The last of a build: what pages about the corpus show, and nothing left of the work."""
    describe(corpus)
    place.remove("")


class _Building:
    def __init__(
        self, plan: Plan, corpus: Corpus, place: Store, sources: Sequence[Source], total: int,
        runner: Runner, progress: Progress, memory: int, threads: int,
    ):  # fmt: skip
        self.plan, self.corpus, self.place, self.sources, self.total = plan, corpus, place, sources, total
        self.runner, self.progress, self.memory, self.threads = runner, progress, memory, threads
        self.fetching = fetch_settings(plan.source_settings.get("fetch"))
        self.taken = taken(corpus)
        self.stages = stages(plan)
        self.stores = [self._store(stage) for stage in self.stages]

    def _store(self, stage: Stage) -> Store:
        if stage is self.stages[-1]:
            return self.corpus.store
        return Store(f"{self.place.url}/{stage.index}", **self.place.options)

    def _batches(self) -> Iterator[Batch]:
        return batches(self.place, self.plan.batch, self.plan.batch_bytes)

    def fetch(self) -> None:
        """Have every source that must fetch its inputs bring those that no committed batch holds."""
        done = {c.stem for c in read_commits(self.stores[0])}
        for number, source in enumerate(self.sources):
            if not isinstance(source, Fetching):
                continue
            wanted = [
                item
                for batch in self._batches()
                if stem(batch.ordinal) not in done
                for item, owner in zip(batch.inputs, batch.source_of, strict=True)
                if owner == number
            ]
            if wanted:
                self.progress.stage("fetching", len(wanted), 0)
                source.fetch(wanted, lambda n: self.progress.advance(n, {}))

    def stage(self, stage: Stage) -> None:
        """Run what is left of one stage, and the barrier after it."""
        out = self.stores[stage.index]
        commits = read_commits(out)
        sweep(out, commits)
        done = {c.stem for c in commits}
        finished = sum(len(c.inputs) for c in commits)
        # Records name every input: they are not held while the stage runs.
        del commits
        name = "reading" if stage.index == 0 else "curating"
        self.progress.stage(name, self.total, finished)
        for _, commit in self.runner.run(self._tasks(stage, out, done)):
            self.progress.advance(len(commit.inputs), commit.counts)
        if any(after.attach for after in self.stages[stage.index + 1 : stage.index + 2]):
            self._fetch_images(out)
        verdicts = f"verdicts-{stage.index}.parquet"
        if stage.signs_for and not out.exists(verdicts):
            self.progress.stage(f"deciding: {', '.join(s.name for s in stage.signs_for)}", 0, 0)
            with TemporaryDirectory(prefix="deciding-", dir=self.corpus.store.scratch()) as folder:
                decide(out, read_commits(out), stage.signs_for, verdicts, Path(folder), self.memory, self.threads)

    def _fetch_images(self, store: Store) -> None:
        if store.exists("images-fetched"):
            return
        reader, commits = Reader(store), read_commits(store)
        missing = sum(commit.counts["images"] - commit.counts["stored"] for commit in commits)
        self.progress.stage("images", missing, 0)
        documents = (d for c in commits for g in range(reader.groups(c)) for d in reader.group(c, g))
        urls = (url for document in documents for url in image_urls(document))
        outcome = fetch_images(urls, Fetcher(self.fetching), lambda n: self.progress.advance(n, {}))
        self.progress.message("images: " + ", ".join(f"{count:,} {what}" for what, count in outcome.items()))
        store.write("images-fetched", b"")

    def _tasks(self, stage: Stage, out: Store, done: set[str]) -> Iterator[Task]:
        task = Task(
            stage=stage, stem="", out=out, root=self.corpus.store, digest=self.plan.digest(),
            seconds=self.plan.allowed(stage.index), memory=self.plan.memory, keep_dropped=self.plan.keep_dropped, taken=self.taken,
        )  # fmt: skip
        if stage.index == 0:
            for batch in self._batches():
                if (name := stem(batch.ordinal)) not in done:
                    yield replace(task, stem=name, inputs=batch.inputs, sources=self.sources, source_of=batch.source_of)
            return
        before = tuple(self.stores[: stage.index])
        verdicts = f"verdicts-{stage.index - 1}.parquet" if stage.verdicts_of else ""
        for batch in self._batches():
            if (name := stem(batch.ordinal)) not in done:
                yield replace(task, stem=name, before=before, verdicts=verdicts, attach=self.fetching if stage.attach else None)

    def finish(self, began: float) -> Summary:
        """Make the corpus whole: indexes, facts, and nothing left of the work."""
        self.corpus.reload()
        self.corpus.sweep()
        self.corpus.save_indexes()
        self.corpus.update_facts(complete=True, counts=dict(self.corpus.counts))
        _close(self.corpus, self.place)
        return summarize(self.corpus, time.monotonic() - began)
