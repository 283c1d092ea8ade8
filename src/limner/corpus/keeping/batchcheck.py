"""Checking one batch: its files against its record, its tables against their schema, its shard against its table."""

from __future__ import annotations

from collections.abc import Iterator

from limner.corpus import content, tables
from limner.corpus.commit import FOLDERS, Commit
from limner.corpus.keeping.damage import Damage
from limner.corpus.media import MediaInfo, sha256
from limner.corpus.parquet import read_table
from limner.corpus.sealed import digest
from limner.corpus.shard import members
from limner.corpus.shards import Reader
from limner.corpus.store import Store
from limner.document import Document, Text
from limner.errors import CorpusError, InvalidDocument

_BLOCK = 512


def check_batch(store: Store, commit: Commit, deep: bool, ids: bool = False) -> tuple[list[Damage], list[str]]:
    """What is wrong with a batch, and the ids of its documents (where `deep` or `ids` asks for reading them)."""
    found: list[Damage] = []
    good: set[str] = set()
    for name, size in commit.files.items():
        damage = _file(store, commit, name, size) or (_bytes(store, commit, name) if deep else None)
        found += [damage] if damage else []
        good |= set() if damage else {name}
    documents: list[Document] = []
    reader = Reader(store)
    if (name := commit.file("documents")) in good and (deep or ids):
        try:
            groups = len(reader.starts(commit)) - 1
            documents = [d for group in range(groups) for d in reader.group(commit, group)]
        except (CorpusError, InvalidDocument, ValueError, OverflowError) as error:
            found.append(Damage("error", "unreadable", str(name), str(error)))
    if deep:
        for name in sorted(good):
            if name.endswith(".parquet"):
                found += _table(store, name)
        if not any(d.level == "error" for d in found):
            found += _counts(commit, documents)
            found += _shard(store, commit, reader)
            found += _references(commit, documents, set(reader.table(commit)))
    return found, [d.id for d in documents]


def _file(store: Store, commit: Commit, name: str, size: int) -> Damage | None:
    folder, _, file = name.partition("/")
    if file not in (f"{commit.stem}.parquet", f"{commit.stem}.tar") or not (
        folder in FOLDERS or folder.startswith(content.SIDECAR)
    ):
        return Damage("error", "record", f"commits/{commit.stem}.json", f"it claims {name!r}, which is no file of its batch")
    try:
        actual = store.size(name)
    except CorpusError:
        return Damage("error", "missing", name, "its batch counts and it is not there; restore it from a copy")
    if actual != size:
        what = "truncated" if actual < size else "changed"
        return Damage("error", what, name, f"{actual:,} bytes, its record says {size:,}; restore it from a copy")
    return None


def _bytes(store: Store, commit: Commit, name: str) -> Damage | None:
    """Whether a table is what was written, before anything parses it. (A shard has no digest: its members have.)"""
    expected = commit.digests.get(name)
    if expected and digest(store.read(name)) != expected:
        return Damage("error", "changed", name, "its bytes are not those that were written; restore it from a copy")
    return None


def _table(store: Store, name: str) -> Iterator[Damage]:
    try:
        read_table(store, name)
    except CorpusError as error:
        yield Damage("error", "unreadable", name, str(error))


def _counts(commit: Commit, documents: list[Document]) -> Iterator[Damage]:
    name = f"commits/{commit.stem}.json"
    actual = content.count(tables.encode(documents))
    for what, number in actual.items():
        if what in commit.counts and commit.counts[what] != number:
            yield Damage("error", "count", name, f"it counts {commit.counts[what]:,} {what}, there are {number:,}")
    if commit.groups and commit.groups != -(-len(documents) // content.ROWS_A_GROUP):
        yield Damage("error", "count", name, f"it counts {commit.groups} row groups of documents, there are others")


def _shard(store: Store, commit: Commit, reader: Reader) -> Iterator[Damage]:
    name = f"media/{commit.stem}.tar"
    table = reader.table(commit)
    if name not in commit.files:
        if len(table):
            yield Damage("error", "missing", name, "the table of media names files and there is no shard")
        return
    expected = {offset: info for info, offset in table.values()}
    try:
        with store.open(name) as file:
            end = 0
            for member, offset, size in members(file):
                info = expected.pop(offset, None)
                if info is None or info.size != size or not member.startswith(info.ref):
                    yield Damage(
                        "error", "shard", name, f"the table of media does not know its member {member} at byte {offset:,}"
                    )
                    continue
                file.seek(offset)
                yield from _member(name, info, file.read(size))
                padding = file.read(-size % _BLOCK)
                end = offset + size + len(padding)
                if padding.strip(b"\0"):
                    yield Damage("warning", "changed", name, f"the padding after {member} is not empty")
            file.seek(end)
            if any(file.read().strip(b"\0")):
                yield Damage("warning", "changed", name, "there are bytes after its end")
    except (ValueError, OSError) as error:
        yield Damage("error", "shard", name, str(error))
        return
    for offset, info in expected.items():
        yield Damage("error", "shard", name, f"{info.ref} should be at byte {offset:,} and is not")


def _member(name: str, info: MediaInfo, data: bytes) -> Iterator[Damage]:
    if sha256(data) != info.ref:
        yield Damage("error", "changed", name, f"{info.ref} has other bytes than its name says; restore the shard from a copy")


def _references(commit: Commit, documents: list[Document], stored: set[str]) -> Iterator[Damage]:
    name = f"documents/{commit.stem}.parquet"
    used: set[str] = set()
    for document in documents:
        ns = {part.n for part in document.parts}
        for part in document.parts:
            if isinstance(part, Text):
                if part.of is not None and part.of not in ns:
                    yield Damage(
                        "warning",
                        "caption",
                        name,
                        f"part {part.n} of document {document.id} is a caption of {part.of}, which is not there",
                    )
            elif part.ref:
                used.add(part.ref)
                if part.ref not in stored:
                    yield Damage(
                        "error",
                        "media",
                        name,
                        f"part {part.n} of document {document.id} refers to {part.ref}, which its batch does not store",
                    )
    for ref in sorted(stored - used):
        yield Damage("warning", "media", f"media/{commit.stem}.parquet", f"no document of the batch refers to {ref}")
