"""Taking down: documents, images and everything kept of them leave every file of a corpus, and do not come back.

The list is kept in the corpus first, so that a later build honours it; then every batch that holds something of it is
written anew, all become visible in one write, and the old files are removed. Addresses in `corpus.json`, such as those of the
sources it was built from, are taken out of it. Exports are not in the corpus, which knows
where they lie: `limner.formats.exports` brings them up to date.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from limner.corpus import card
from limner.corpus.commit import FOLDERS, Commit
from limner.corpus.content import SIDECAR, Content, parts_column, read
from limner.corpus.corpus import Corpus
from limner.corpus.keeping.change import among, begin, rewritten, settle, without
from limner.corpus.keeping.exports import FOLDER as EXPORTS
from limner.corpus.keeping.exports import behind
from limner.corpus.keeping.takelist import NAME, TakeList, taken
from limner.corpus.lock import writing
from limner.corpus.shards import Reader
from limner.corpus.tables import decode, encode
from limner.document import Document, document_id
from limner.document.jsonform import loads, part_from_dict
from limner.errors import InvalidDocument

_OURS = {"corpus.json", NAME, card.NAME}
SEARCH = "search"
"""The folder of the search index (`limner.search`), which is made anew after a take-down."""

_FOLDERS = {*FOLDERS, "commits", "index", EXPORTS, SEARCH, ".scratch"}


@dataclass(frozen=True, slots=True)
class TakenDown:
    """What left: documents that were kept, documents that were dropped before but kept for reading, parts of documents that
    stay, stored files, rejects, inputs, addresses in `corpus.json` (`sources`); what else lies in the corpus that limner cannot
    clean (`unknown`); and the folders of exports made before, which may hold it still (`behind`)."""

    documents: int
    dropped: int
    parts: int
    media: int
    rejects: int
    inputs: int
    sources: int
    unknown: tuple[str, ...]
    behind: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """The result as a JSON-ready dictionary."""
        return asdict(self)


def takedown(corpus: Corpus, listed: TakeList, progress: Callable[[int, int], None] | None = None) -> TakenDown:
    """Take down what `listed` names, together with all that was taken down before.

    A document goes with its ledger, what was dropped of it, and its files where no other document of its batch shows
    them: to be rid of a file everywhere, list its sha256. Killed at any moment, the corpus is as before or as after;
    run again, it is finished.
    """
    with writing(corpus.store):
        commits = begin(corpus)
        whole = taken(corpus).union(listed)
        whole.save(corpus.store)
        reader = Reader(corpus.store)
        gone: set[str] = set()
        for commit in commits:
            gone |= documents_gone(read(reader, [commit]), whole)
        made: list[Commit] = []
        total = Count()
        for done, commit in enumerate(commits):
            content = read(reader, [commit])
            inputs = inputs_left(commit, whole, gone)
            left = cleaned(content, whole, gone, total)
            if left is not content or len(inputs) < len(commit.inputs):
                total.inputs += len(commit.inputs) - len(inputs)
                total.media += len(content.infos) - len(left.refs())
                made.append(rewritten(corpus.store, [commit], left, commits, inputs))
            if progress:
                progress(done + 1, len(commits))
        for folder in corpus.store.folders(".scratch"):
            corpus.store.remove(f".scratch/{folder}")
        facts, sources = redacted(corpus.facts, whole)
        if sources:
            corpus.update_facts(**facts)
        settle(corpus, made)
        if made and SEARCH in corpus.store.folders():
            corpus.store.remove(SEARCH)  # words that are only marked as gone would stay in its files
        return TakenDown(
            total.documents, total.dropped, total.parts, total.media, total.rejects, total.inputs, sources,
            _unknown(corpus), tuple(made.folder for made in behind(corpus.store)),
        )  # fmt: skip


class Count:
    """What left a corpus so far."""

    documents = dropped = parts = media = rejects = inputs = 0


def inputs_left(commit: Commit, listed: TakeList, gone: set[str]) -> list[str]:
    """The names of a batch's inputs less those that are taken down or whose document is."""
    return [name for name in commit.inputs if not listed.address(name) and document_id(name) not in gone]


def redacted(facts: Mapping[str, Any], listed: TakeList) -> tuple[dict[str, Any], int]:
    """The facts of a corpus with `card.TAKEN` in place of every address that is taken down, and how many there were."""
    count = 0
    left = json.loads(json.dumps(facts))
    stack: list[Any] = [left]
    while stack:
        held = stack.pop()
        for key, value in list(held.items() if isinstance(held, dict) else enumerate(held)):
            if isinstance(value, dict | list):
                stack.append(value)
            elif isinstance(value, str) and listed.address(value):
                held[key] = card.TAKEN
                count += 1
    return left, count


def _unknown(corpus: Corpus) -> tuple[str, ...]:
    files = [name for name in corpus.store.names("") if name not in _OURS]
    return (*files, *(f"{f}/" for f in corpus.store.folders() if f not in _FOLDERS and not f.startswith(SIDECAR)))


def documents_gone(content: Content, listed: TakeList) -> set[str]:
    """Ids of documents that go whole, kept or dropped."""
    heads = content.documents.select(["id", "url", "source"])
    columns = [heads.column(name).to_pylist() for name in heads.column_names]
    gone = {
        id
        for id, url, source in zip(*columns, strict=True)
        if listed.document(id) or listed.address(url or "") or listed.address(source or "")
    }
    for id, part, text in zip(*(content.dropped.column(n).to_pylist() for n in ("document", "part", "json")), strict=True):
        if listed.document(id) or (part == -1 and _was_taken(text, listed)):
            gone.add(id)
    ledger = content.ledger.column("document").unique().to_pylist()
    return gone | {id for id in ledger if listed.document(id)}


def _was_taken(text: str, listed: TakeList) -> bool:
    try:
        return listed(loads(text))
    except InvalidDocument:
        return True  # what cannot be read cannot be cleared


def cleaned(content: Content, listed: TakeList, gone: set[str], total: Count) -> Content:
    """The content less what is taken down; the very same object where that is nothing."""
    documents = _documents(content, listed, gone, total)
    left = set(documents.column("id").to_pylist())
    # A document that lost its last part is gone too, and its records with it.
    gone = gone | (set(content.documents.column("id").to_pylist()) - left)
    dropped = _dropped(content.dropped, listed, gone, total)
    ledger = without(content.ledger, among(content.ledger.column("document"), gone))
    rejects = _rejects(content.rejects, listed, gone, total)
    tables = (documents, content.documents), (dropped, content.dropped), (ledger, content.ledger), (rejects, content.rejects)
    sidecars = {name: _sidecar(table, gone, listed) for name, table in content.sidecars.items()}
    stored = [ref for ref in content.infos if listed.media(ref)]
    same = all(new is old for new, old in tables) and all(sidecars[n] is content.sidecars[n] for n in sidecars)
    if same and not stored:
        return content
    beside = {name: table for name, table in sidecars.items() if table is not None}
    infos = {ref: info for ref, info in content.infos.items() if not listed.media(ref)}
    return replace(
        content, documents=documents, dropped=dropped, ledger=ledger, rejects=rejects, sidecars=beside, infos=infos
    )  # fmt: skip


def _documents(content: Content, listed: TakeList, gone: set[str], total: Count) -> pa.Table:
    table = content.documents
    whole = among(table.column("id"), gone)
    total.documents += int(whole.sum())
    kept = without(table, whole)
    urls = parts_column(kept, "url").unique().to_pylist()
    refs = parts_column(kept, "ref").unique().to_pylist()
    if not any(listed.address(url or "") for url in urls) and not any(listed.media(ref or "") for ref in refs):
        return kept
    left: list[Document] = []
    for document in decode(kept):
        rest = listed.left(document)
        total.parts += len(document) - len(rest or ())
        total.documents += rest is None
        left += [rest] if rest else []
    return encode(left)


def _dropped(table: pa.Table, listed: TakeList, gone: set[str], total: Count) -> pa.Table:
    rows = zip(*(table.column(name).to_pylist() for name in ("document", "part", "json")), strict=True)
    mask = np.array([id in gone or _part_taken(part, text, listed) for id, part, text in rows], bool)
    total.dropped += int((mask & (table.column("part").to_numpy() == -1)).sum()) if table.num_rows else 0
    return without(table, mask)


def _part_taken(part: int, text: str, listed: TakeList) -> bool:
    try:
        if part == -1:
            # Dropped whole, it is kept as it was: it goes where any part of it would.
            return listed.left(document := loads(text)) is not document
        return listed.part(part_from_dict(json.loads(text)))
    except (InvalidDocument, ValueError):
        return True


def _rejects(table: pa.Table, listed: TakeList, gone: set[str], total: Count) -> pa.Table:
    rows = zip(*(table.column(name).to_pylist() for name in ("input", "location")), strict=True)
    mask = np.array([i in gone or document_id(i) in gone or listed.address(i) or listed.address(at) for i, at in rows], bool)
    total.rejects += int(mask.sum())
    return without(table, mask)


def _sidecar(table: pa.Table, gone: set[str], listed: TakeList) -> pa.Table | None:
    """What is left of a sidecar. One that names neither documents nor files cannot be cleared row by row: it goes whole
    where anything of its batch goes."""
    if "document" in table.column_names:
        return without(table, among(table.column("document"), gone))
    if {"name", "documents"} <= set(table.column_names):
        inputs = zip(table.column("name").to_pylist(), table.column("documents").to_pylist(), strict=True)
        return without(table, np.array([listed.address(name) or not gone.isdisjoint(ids) for name, ids in inputs], bool))
    if "ref" in table.column_names:
        return without(table, np.array([listed.media(ref or "") for ref in table.column("ref").to_pylist()], bool))
    return None if gone or listed.entries.get("sha256") else table
