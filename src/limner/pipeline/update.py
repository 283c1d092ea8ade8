"""Bringing a corpus up to date: what changed since it was built is read again, and takes the place of what stood there.

New, changed and gone inputs are found by the digest of their content. Those that are new or changed go through the whole plan
in a corpus of their own; its documents then replace the old ones in one atomic change. Whole-corpus steps see only what is read
again: a page that became a near-duplicate of an old one stays. `limner build` into a new folder decides over everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from limner.corpus import Corpus
from limner.corpus.card import describe
from limner.corpus.keeping.recrawl import SIDECAR, Changes, Fresh, changed, inputs_table, replace_inputs
from limner.corpus.keeping.takelist import taken
from limner.corpus.lock import writing
from limner.document import Document
from limner.errors import PlanError
from limner.pipeline.build import WORKPLACE, build
from limner.pipeline.digest import digest_of
from limner.pipeline.plan import Plan
from limner.pipeline.progress import Progress, Silent
from limner.pipeline.runners import Runner
from limner.pipeline.some import Some
from limner.pipeline.summary import Summary, summarize
from limner.sources.fetchsettings import FetchSettings
from limner.sources.locate import source as locate
from limner.sources.source import Fetching, Source


def update(
    plan: Plan,
    out: str,
    *,
    runner: Runner | None = None,
    progress: Progress | None = None,
    memory: int = 1 << 30,
    sources: Sequence[Source] | None = None,
) -> tuple[Changes, Summary]:
    """Bring the corpus `out`, which `plan` built, up to date with its sources; returns what had changed, and what the corpus holds
    now. Pages from the web are asked for again, by their validators where the server gave any. Raises `PlanError` where
    the corpus was built with another plan, or is not complete."""
    began = time.monotonic()
    progress = progress or Silent()
    corpus = Corpus.open(out)
    if corpus.facts.get("digest") != plan.digest():
        raise PlanError(f"{out} was built with another plan or other sources; name those to bring it up to date")
    if not corpus.facts.get("complete"):
        raise PlanError(f"{out} is not complete; run the same command without --update first")
    found = [_asking_again(s) for s in sources or [locate(text, **plan.source_settings) for text in plan.sources]]
    listed = [(source, list(source.inputs())) for source in found]
    for source, inputs in listed:
        if isinstance(source, Fetching):
            progress.stage("fetching", len(inputs), 0)
            source.fetch(inputs, _advance(progress))
    digests = {item.name: digest_of(source, item) for source, inputs in listed for item in inputs}
    changes = changed(corpus, digests.items())
    again = {*changes.new, *changes.changed}
    if again or changes.gone:
        fresh: Corpus | None = None
        place = f"{out.rstrip('/')}/{WORKPLACE}/update"
        if again:
            some = [Some(source, [item for item in inputs if item.name in again]) for source, inputs in listed]
            corpus.store.remove(f"{WORKPLACE}/update")
            build(plan, place, runner=runner, progress=progress, memory=memory, sources=some, listed=taken(corpus))
            fresh = Corpus.open(place)
        with writing(corpus.store):
            _exchange(corpus, changes, digests, fresh)
            corpus.reload()
            corpus.sweep()
            corpus.save_indexes()
            corpus.update_facts(counts=dict(corpus.counts))
            describe(corpus)
            corpus.store.remove(WORKPLACE)
    return changes, summarize(corpus, time.monotonic() - began)


def _advance(progress: Progress) -> Callable[[int], None]:
    return lambda n: progress.advance(n, {})


def _asking_again(source: Source) -> Source:
    settings: Any = getattr(source, "settings", None)
    return replace(source, settings=replace(settings, max_age=0.0)) if isinstance(settings, FetchSettings) else source  # type: ignore[type-var]


def _exchange(corpus: Corpus, changes: Changes, digests: Mapping[str, str], fresh: Corpus | None) -> None:
    documents: dict[str, list[Document]] = {}
    ledger: list[tuple[Any, ...]] = []
    dropped: list[tuple[Any, ...]] = []
    ids: dict[str, str] = {}
    if fresh is not None:
        for table in fresh.rows(f"sidecar-{SIDECAR}"):
            for name, _, known in zip(*(column.to_pylist() for column in table.columns), strict=True):
                ids |= dict.fromkeys(known, name)
        for document in fresh:
            documents.setdefault(ids.get(document.id, document.source), []).append(document)
        ledger = [tuple(row.values()) for table in fresh.rows("ledger") for row in table.to_pylist()]
        dropped = [tuple(row.values()) for table in fresh.rows("dropped") for row in table.to_pylist()]
    news = {name: Fresh(digests[name], documents.get(name, [])) for name in changes.changed}
    if news or changes.gone:
        replace_inputs(corpus, news, changes.gone, fresh, ledger, dropped)
        corpus.reload()
    if fresh is not None and changes.new:
        _append(corpus, changes.new, digests, fresh, documents, ledger, dropped, ids)


def _append(
    corpus: Corpus, new: Sequence[str], digests: Mapping[str, str], fresh: Corpus, documents: Mapping[str, list[Document]],
    ledger: Sequence[tuple[Any, ...]], dropped: Sequence[tuple[Any, ...]], ids: Mapping[str, str],
) -> None:  # fmt: skip
    writer = corpus.batch()
    names = set(new)
    for name in new:
        for document in documents.get(name, ()):
            writer.add(document)
            for part in document.parts:
                info = fresh.info(getattr(part, "ref", ""))
                data = fresh.media(info.ref) if info else None
                if info and data is not None:
                    writer.carry(info, data)
    writer.ledger = [row for row in ledger if ids.get(row[0]) in names]
    writer.dropped = [row for row in dropped if ids.get(row[0]) in names]
    for table in fresh.rows("rejects"):
        writer.rejects += [tuple(row.values()) for row in table.to_pylist() if row["input"] in names]
    known = {name: [id for id, owner in ids.items() if owner == name] for name in new}
    writer.sidecar(SIDECAR, inputs_table((name, digests[name], known[name]) for name in new))
    writer.commit(list(new), digest=str(corpus.facts.get("digest", "")))
    writer.close()
