"""Merging corpora into a new one: equal documents once, records and notes of all kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from limner.corpus import card
from limner.corpus.commit import read_commits, stem, sweep
from limner.corpus.content import Content, read, write
from limner.corpus.corpus import Corpus, write_facts
from limner.corpus.index import fingerprint
from limner.corpus.keeping.change import among, without
from limner.corpus.keeping.takedown import Count, cleaned, documents_gone, inputs_left, redacted
from limner.corpus.keeping.takelist import TakeList, taken
from limner.corpus.lock import writing
from limner.corpus.shards import Reader
from limner.corpus.store import Store
from limner.corpus.tables import SCHEMA_VERSION, decode, encode
from limner.document import Document
from limner.errors import CorpusError

Clash = Literal["error", "suffix"]
_MARK = ".scratch/merge.json"
_OWN = {"schema", "counts", "complete", "digest", "merged"}


def merge(
    corpora: Sequence[Corpus],
    into: str,
    *,
    clash: Clash = "error",
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Corpus:
    """A new corpus at `into` with the documents of all `corpora`, in their order.

    A document that several have is there once, with the records of the first. Different documents of one id are an
    error, or the later one's id has the number of its corpus after it (`clash="suffix"`). What was taken down from any
    is left out of all. Until it is whole the folder is no corpus: interrupted, the same merge continues. It has a card
    where one of them has. Raises `CorpusError` while another merges into the folder.
    """
    store = Store(into, **options)
    wanted = {"corpora": [[c.store.url, fingerprint(c.commits)] for c in corpora], "clash": clash}
    _start(store, wanted)
    with writing(store):
        _start(store, wanted)
        store.write(_MARK, json.dumps(wanted).encode())
        return _merged(store, corpora, clash, progress)


def _merged(
    store: Store, corpora: Sequence[Corpus], clash: Clash, progress: Callable[[int, int], None] | None
) -> Corpus:  # fmt: skip
    for corpus in corpora:
        if corpus.facts.get("complete") is False:
            raise CorpusError(f"{corpus.store.url} is still being built: let `limner build` finish it first")
    listed = TakeList()
    for corpus in corpora:
        listed = listed.union(taken(corpus))
    names, gone = _Names(corpora, clash), set[str]()
    for corpus in corpora if listed else ():
        for commit in corpus.commits:
            gone |= documents_gone(read(Reader(corpus.store), [commit]), listed)
    done = {commit.stem for commit in read_commits(store)}
    batches = [(k, commit) for k, corpus in enumerate(corpora) for commit in corpus.commits]
    for ordinal, (k, commit) in enumerate(batches):
        content = names.settled(k, read(Reader(corpora[k].store), [commit]))
        if stem(ordinal) not in done:
            left = cleaned(content, listed, gone, Count()) if listed else content
            made = write(store, stem(ordinal), left, inputs=inputs_left(commit, listed, gone))
            replace(made, counts={**commit.counts, **made.counts}).write(store)
        if progress:
            progress(ordinal + 1, len(batches))
    return _finish(store, corpora, listed)


def _start(store: Store, wanted: dict[str, Any]) -> None:
    """Whether this merge may begin or go on there."""
    if store.exists("corpus.json"):
        raise CorpusError(f"{store.url} is a corpus already; name a new folder to merge into")
    if store.exists(_MARK):
        if json.loads(store.read(_MARK)) != wanted:
            raise CorpusError(f"{store.url} holds another merge that was interrupted; run that one again, or remove the folder")
    elif store.names("") or set(store.folders()) - {".scratch"}:
        raise CorpusError(f"{store.url} is a folder with other things in it; name a new folder to merge into")


def _finish(store: Store, corpora: Sequence[Corpus], listed: TakeList) -> Corpus:
    corpus = Corpus(store, {}, read_commits(store))
    facts = merged_facts([c.facts for c in corpora], [c.store.url for c in corpora])
    if listed:
        facts, _ = redacted(facts, listed)
        listed.save(store)
    write_facts(store, {"schema": SCHEMA_VERSION, **facts, "complete": True, "counts": dict(corpus.counts)})
    sweep(store, corpus.commits)  # the mark of the merge goes with it
    out = Corpus.open(store.url, **store.options)
    out.save_indexes()
    if any(c.store.exists(card.NAME) for c in corpora):
        card.describe(out)
    return out


def merged_facts(facts: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """Facts of several corpora as those of one: what all say alike as it is, the rest under `merged`, a corpus each."""
    alike = {
        name: value
        for name, value in (facts[0] if facts else {}).items()
        if name not in _OWN and all(other.get(name) == value for other in facts)
    }
    rest = [
        {"corpus": url.rstrip("/").rpartition("/")[2], **{k: v for k, v in own.items() if k not in alike and k != "schema"}}
        for url, own in zip(names, facts, strict=True)
    ]
    return {**alike, "merged": rest}


class _Names:
    """Decides which of the documents of one id stay, and under which id."""

    def __init__(self, corpora: Sequence[Corpus], clash: Clash):
        self._corpora = corpora
        self._clash = clash
        self._owner: dict[str, int] = {}
        for k, corpus in enumerate(corpora):
            for table in corpus.rows("documents", ["id"]):
                for id in table.column("id").to_pylist():
                    self._owner.setdefault(id, k)
        self._recorded: list[set[str]] = [set() for _ in corpora]

    def settled(self, k: int, content: Content) -> Content:
        """The content of a batch of the `k`-th corpus as it goes into the new one."""
        ids = content.documents.column("id").to_pylist()
        equal: set[str] = set()
        renamed: dict[str, str] = {}
        for at, id in enumerate(ids):
            if self._owner[id] == k:
                continue
            owner = self._corpora[self._owner[id]]
            mine, theirs = decode(content.documents.slice(at, 1))[0], owner[id]
            if mine == theirs:
                equal.add(id)
            elif self._clash == "suffix":
                renamed[id] = self._free(id, k, mine)
            else:
                raise CorpusError(
                    f"{owner.store.url} and {self._corpora[k].store.url} have different documents {id} ({mine.source or mine.url!r}): "
                    "`limner merge --clash suffix` keeps both"
                )
        # What was dropped in several corpora has its records once, too: those of the first.
        earlier: set[str] = set().union(*self._recorded[:k])
        here = set(content.ledger.column("document").unique().to_pylist())
        others = {id for id in here if self._owner.get(id, k) != k} | {id for id in here & earlier if id not in self._owner}
        equal |= others - renamed.keys()
        self._recorded[k] |= here
        return _renamed(_less(content, equal), renamed) if equal or renamed else content

    def _free(self, id: str, k: int, document: Document) -> str:
        name = f"{id}-{k + 1}"
        while name in self._owner:
            name += "x"
        return name


def _less(content: Content, gone: set[str]) -> Content:
    def clear(table: pa.Table, column: str = "document") -> pa.Table:
        return without(table, among(table.column(column), gone))

    return replace(
        content,
        documents=clear(content.documents, "id"),
        ledger=clear(content.ledger),
        dropped=clear(content.dropped),
        sidecars={n: clear(t) if "document" in t.column_names else t for n, t in content.sidecars.items()},
    )


def _renamed(content: Content, names: Mapping[str, str]) -> Content:
    if not names:
        return content

    def rename(table: pa.Table) -> pa.Table:
        if "document" not in table.column_names:
            return table
        at = table.column_names.index("document")
        column = [names.get(id, id) for id in table.column("document").to_pylist()]
        return table.set_column(at, table.schema.field(at), pa.array(column, pa.string()))

    documents = decode(content.documents)
    if np.isin([d.id for d in documents], list(names)).any():
        content = replace(content, documents=encode([d.evolve(id=names.get(d.id, d.id)) for d in documents]))
    return replace(
        content,
        ledger=rename(content.ledger),
        dropped=rename(content.dropped),
        sidecars={name: rename(table) for name, table in content.sidecars.items()},
    )
