"""Bringing a corpus up to date: what has changed since it was built, and new documents in the place of the old ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from typing import Any

import pyarrow as pa

from limner.corpus.commit import Commit
from limner.corpus.content import Content, read
from limner.corpus.corpus import Corpus
from limner.corpus.keeping.change import among, begin, rewritten, settle, without
from limner.corpus.lock import writing
from limner.corpus.media import MediaReader
from limner.corpus.shards import Reader
from limner.corpus.tables import decode, encode, rows
from limner.document import Document, Text
from limner.errors import CorpusError

INPUTS = pa.schema([("name", pa.string()), ("digest", pa.string()), ("documents", pa.list_(pa.string()))])
SIDECAR = "inputs"


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of inputs, against those a corpus was built from: not there before, with other content, no longer there; and
    how many are as they were."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    same: int

    def to_dict(self) -> dict[str, Any]:
        """The changes as a JSON-ready dictionary."""
        return asdict(self)


def inputs_table(inputs: Iterable[tuple[str, str, Sequence[str]]]) -> pa.Table:
    """The sidecar `inputs` of a batch, which a writer adds with `writer.sidecar("inputs", …)`: each input's name, the digest of
    its content (of its bytes, or of the server's validators), and the ids of the documents read from it."""
    return rows(INPUTS, [(name, digest, list(ids)) for name, digest, ids in inputs])


def recorded(corpus: Corpus) -> dict[str, str]:
    """The digest of every input, by name, as it was when the corpus was built."""
    out: dict[str, str] = {}
    for table in corpus.rows(f"sidecar-{SIDECAR}", ["name", "digest"]):
        out.update(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return out


def changed(corpus: Corpus, digests: Iterable[tuple[str, str]]) -> Changes:
    """What the inputs are now (name and digest of each) against what `corpus` was built from."""
    before = recorded(corpus)
    if not before and len(corpus):
        raise CorpusError(
            f"{corpus.store.url} does not know the digests of its inputs: build it anew to have what changes replaced"
        )
    now = dict(digests)
    return Changes(
        new=tuple(name for name in now if name not in before),
        changed=tuple(name for name, digest in now.items() if before.get(name, digest) != digest),
        gone=tuple(name for name in before if name not in now),
        same=sum(before.get(name) == digest for name, digest in now.items()),
    )


@dataclass(frozen=True)
class Fresh:
    """An input read again: its digest and its documents now."""

    digest: str
    documents: Sequence[Document]


def replace_inputs(
    corpus: Corpus,
    fresh: Mapping[str, Fresh],
    gone: Iterable[str] = (),
    media: MediaReader | None = None,
    ledger: Iterable[tuple[Any, ...]] = (),
    dropped: Iterable[tuple[str, int, str, str]] = (),
) -> list[Commit]:
    """Put new documents where those of the same inputs stood, and take those of `gone` out, in one atomic change; the other
    batches stay untouched. New files are read from `media`; `ledger` and `dropped` are the records of the new documents.
    Returns the commits written. Raises `CorpusError` for an input the corpus does not know, and while another writes to
    the corpus."""
    with writing(corpus.store):
        commits = begin(corpus)
        reader = Reader(corpus.store)
        wanted, made, found = {*fresh, *gone}, list[Commit](), set[str]()
        new_ledger, new_dropped = _by_document(ledger), _by_document(dropped)
        for commit in commits:
            if wanted.isdisjoint(commit.inputs):
                continue
            content = read(reader, [commit])
            held = content.sidecars.get(SIDECAR)
            known = (
                dict(zip(*(held.column(n).to_pylist() for n in ("name", "documents")), strict=True)) if held is not None else {}
            )
            here = wanted & known.keys()
            found |= here
            inputs = [name for name in commit.inputs if name not in here or name in fresh]
            left = _replaced(
                content, {name: known[name] for name in known if name in here}, fresh, media, new_ledger, new_dropped
            )
            made.append(rewritten(corpus.store, [commit], left, commits, inputs))
        if missing := sorted(wanted - found):
            corpus.sweep()
            raise CorpusError(
                f"{corpus.store.url} was not built from {missing[0]!r}, or does not know which documents came from it"
            )
        settle(corpus, made)
        return made


def _by_document(records: Iterable[tuple[Any, ...]]) -> dict[str, list[tuple[Any, ...]]]:
    out: dict[str, list[tuple[Any, ...]]] = {}
    for record in records:
        out.setdefault(record[0], []).append(record)
    return out


def _replaced(
    content: Content,
    old: Mapping[str, Sequence[str]],
    fresh: Mapping[str, Fresh],
    media: MediaReader | None,
    ledger: Mapping[str, list[tuple[Any, ...]]],
    dropped: Mapping[str, list[tuple[Any, ...]]],
) -> Content:
    gone = set(chain.from_iterable(old.values()))
    new = {name: list(fresh[name].documents) if name in fresh else [] for name in old}
    input_of = {id: name for name, ids in old.items() for id in ids}
    documents = _in_place(decode(content.documents), old, new, input_of)
    ids = [*chain.from_iterable(old.values()), *(d.id for found in new.values() for d in found)]
    sidecars = {
        name: without(table, among(table.column("document"), gone))
        for name, table in content.sidecars.items()
        if name != SIDECAR and "document" in table.column_names
    }
    held = content.sidecars[SIDECAR]
    entries = zip(*(held.column(n).to_pylist() for n in ("name", "digest", "documents")), strict=True)
    sidecars[SIDECAR] = inputs_table(
        (name, fresh[name].digest, [d.id for d in new[name]]) if name in fresh and name in old else (name, digest, documents)
        for name, digest, documents in entries
        if name not in old or name in fresh
    )
    out = replace(
        content,
        documents=encode(documents),
        ledger=_with(content.ledger, gone, ids, ledger),
        dropped=_with(content.dropped, gone, ids, dropped),
        rejects=without(content.rejects, among(content.rejects.column("input"), {*old, *gone})),
        sidecars=sidecars,
    )
    return _with_media(out, media) if media else out


def _with(table: pa.Table, gone: set[str], ids: Sequence[str], new: Mapping[str, list[tuple[Any, ...]]]) -> pa.Table:
    added = [record for id in dict.fromkeys(ids) for record in new.get(id, ())]
    return pa.concat_tables([without(table, among(table.column("document"), gone)), rows(table.schema, added)])


def _in_place(
    documents: Sequence[Document],
    old: Mapping[str, Sequence[str]],
    new: Mapping[str, list[Document]],
    input_of: Mapping[str, str],
) -> list[Document]:
    out: list[Document] = []
    waiting = dict(new)
    for document in documents:
        name = input_of.get(document.id)
        out += [document] if name is None else waiting.pop(name, [])
    # Inputs none of whose documents were kept before have no place of their own: theirs come last in the batch.
    return [*out, *chain.from_iterable(waiting[name] for name in old if name in waiting)]


def _with_media(content: Content, media: MediaReader) -> Content:
    infos = dict(content.infos)
    fresh: set[str] = set()
    for document in decode(content.documents):
        for part in document.parts:
            if not isinstance(part, Text) and part.ref and part.ref not in infos and (info := media.info(part.ref)):
                infos[part.ref] = info
                fresh.add(part.ref)
    stored = content.bytes_of

    def bytes_of(ref: str) -> bytes:
        return (media.media(ref) or b"") if ref in fresh else stored(ref)

    return replace(content, infos=infos, bytes_of=bytes_of)
