"""Commits: one small record a finished batch, the only thing that makes its files count.

A batch's files share its stem (`00000012`): `documents/00000012.parquet`, `media/00000012.tar`, … A commit that
`replaces` others (a compaction, a take-down) has a stem that sorts where they stood (`00000012.1`), and from the
moment its record is there, theirs do not count. Several commits become visible at once through `commits/switch`:
it holds their records, which count as if they were files of their own; the next writer makes them so. Files of no
counting commit are swept by the next writer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from sys import intern
from typing import Any, cast, overload

from limner.corpus.sealed import seal, unseal
from limner.corpus.store import Store
from limner.errors import CorpusError

FOLDERS = ("documents", "media", "ledger", "dropped", "rejects")
SWITCH = "commits/switch"
_FEW = 4

_STEM = re.compile(r"\d{8,12}(\.\d{1,9})?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Commit:
    """A finished batch: its stem, the names of its inputs, its files with their sizes in bytes, its counts, the digest of
    what it was made from and with, the stems it replaces, how many row groups its documents lie in (0 where an older
    writer did not say), and the digests of its Parquet files (a shard needs none: its members are named by theirs)."""

    stem: str
    inputs: Sequence[str] = ()
    files: Mapping[str, int] = field(default_factory=dict[str, int])
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    digest: str = ""
    replaces: Sequence[str] = ()
    groups: int = 0
    digests: Mapping[str, str] = field(default_factory=dict[str, str])

    def file(self, folder: str, extension: str = "parquet") -> str | None:
        """The path of this commit's file in `folder`, or None where it wrote none."""
        name = f"{folder}/{self.stem}.{extension}"
        return name if name in self.files else None

    def write(self, store: Store) -> None:
        """Make the batch count: one atomic write."""
        store.write(f"commits/{self.stem}.json", json.dumps(seal(self.to_record()), separators=(",", ":")).encode())

    def to_record(self) -> dict[str, Any]:
        """The record, JSON-ready."""
        return {
            **{f.name: getattr(self, f.name) for f in fields(self)},
            "inputs": list(self.inputs),
            "replaces": list(self.replaces),
        }


class Inputs(Sequence[str]):
    """The names of a batch's inputs, read from its record when they are asked for: they can be more than all else that a corpus
    holds in memory. Raises `CorpusError` where the record was swept since."""

    __slots__ = ("_count", "_stem", "_store")

    def __init__(self, store: Store, stem: str, count: int):
        self._store, self._stem, self._count = store, stem, count

    def _names(self) -> Sequence[str]:
        found = _read(self._store, f"{self._stem}.json").inputs
        if len(found) != self._count:
            raise CorpusError(f"{self._store.url}: the record of batch {self._stem} has changed; open the corpus again")
        return found

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._names()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(cast("Sequence[object]", other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<the names of {self._count:,} inputs>"


def stem(ordinal: int, revision: int = 0) -> str:
    """The stem of the batch at `ordinal`; a revision sorts right after it."""
    return f"{ordinal:08d}" + (f".{revision}" if revision else "")


def sort_key(name: str) -> tuple[int, int]:
    """The place of a stem in the order of the corpus."""
    ordinal, _, revision = name.partition(".")
    return int(ordinal), int(revision or 0)


def next_ordinal(commits: Iterable[Commit]) -> int:
    """The first ordinal after all that count or were replaced: a replaced stem stays taken, for the record that replaces
    it would hide a new batch of the same name."""
    return max((sort_key(s)[0] for c in commits for s in (c.stem, *c.replaces)), default=-1) + 1


def revision_of(stems: Sequence[str], taken: Iterable[Commit]) -> str:
    """A stem that stands where the last of `stems` stood and that nothing has had."""
    ordinal = max(sort_key(s)[0] for s in stems)
    had = [*stems, *(s for c in taken for s in (c.stem, *c.replaces))]
    return stem(ordinal, 1 + max(sort_key(s)[1] for s in had if sort_key(s)[0] == ordinal))


def record(data: object) -> Commit:
    """The commit that a record describes; raises `ValueError` where it is not one."""
    given, intact = unseal(data)
    if not intact:
        raise ValueError("it does not match its own checksum")
    if unknown := set(given) - {f.name for f in fields(Commit)}:
        raise ValueError(f"unknown entry {min(unknown)!r}")
    if not _is_stem(given.get("stem")):
        raise ValueError(f"{given.get('stem')!r} is not a stem")
    for name, right in (("inputs", lambda v: isinstance(v, str)), ("replaces", _is_stem)):
        values: object = given.get(name, [])
        if not isinstance(values, list) or not all(right(v) for v in cast("list[object]", values)):
            raise ValueError(f"{name} is not a list of them")
    for name in ("files", "counts"):
        values = given.get(name, {})
        if not isinstance(values, dict) or not all(_is_count(v) for v in cast("dict[str, object]", values).values()):
            raise ValueError(f"{name} is not a table of numbers")
    values = given.get("digests", {})
    if not isinstance(values, dict) or not all(isinstance(v, str) for v in cast("dict[str, object]", values).values()):
        raise ValueError("digests is not a table of strings")
    if not isinstance(given.get("digest", ""), str) or not _is_count(given.get("groups", 0)):
        raise ValueError("digest or groups is of the wrong type")
    files = cast("dict[str, int]", given.get("files", {}))
    same = {name: name for name in files}
    # One object for what many records say alike: with many batches, memory goes on their strings.
    given["digests"] = {same.get(name, name): value for name, value in cast("dict[str, str]", values).items()}
    given["counts"] = {intern(name): value for name, value in cast("dict[str, int]", given.get("counts", {})).items()}
    given["digest"] = intern(cast("str", given.get("digest", "")))
    return Commit(**given)


def _is_stem(value: object) -> bool:
    return isinstance(value, str) and _STEM.match(value) is not None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_record(name: str) -> bool:
    """Whether a file in `commits` has the name of a commit's record."""
    return name.endswith(".json") and _is_stem(name.removesuffix(".json"))


def read_commits(store: Store) -> list[Commit]:
    """The commits that count, in order; raises `CorpusError` where a record cannot be read."""
    found = _records(store)
    replaced = {old for commit in found.values() for old in commit.replaces}
    return [found[s] for s in sorted(found, key=sort_key) if s not in replaced]


def _records(store: Store) -> dict[str, Commit]:
    for _ in range(10):
        names = store.names("commits")
        try:
            found = {name.removesuffix(".json"): _slim(store, _read(store, name)) for name in names if is_record(name)}
            if "switch" in names:
                found.update((commit.stem, commit) for commit in _switched(store))
        except CorpusError:
            # A writer may have swept a replaced record, or finished a switch, since the folder was listed.
            if store.names("commits") == names:
                raise
        else:
            return found
    raise CorpusError(f"{store.url}: the commits change faster than they can be read; try again when its writer is done")


def _slim(store: Store, commit: Commit) -> Commit:
    return replace(commit, inputs=Inputs(store, commit.stem, len(commit.inputs))) if len(commit.inputs) > _FEW else commit


def _read(store: Store, name: str) -> Commit:
    try:
        commit = record(json.loads(store.read(f"commits/{name}")))
        if commit.stem != name.removesuffix(".json"):
            raise ValueError(f"it is of batch {commit.stem}")
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{store.url}: the commit record commits/{name} is damaged ({error}); run `limner check`") from None
    return commit


def read_commit(store: Store, stem: str) -> Commit | None:
    """The commit of that stem, or None where it has no record; raises `CorpusError` where the record is damaged."""
    return _read(store, f"{stem}.json") if store.exists(f"commits/{stem}.json") else None


def _switched(store: Store) -> list[Commit]:
    try:
        return [record(data) for data in json.loads(store.read(SWITCH))]
    except (ValueError, TypeError, RecursionError) as error:
        raise CorpusError(f"{store.url}: {SWITCH} is damaged ({error}); run `limner check`") from None


def write_all(store: Store, commits: Sequence[Commit]) -> None:
    """Make several batches count, and those they replace not, all in one atomic write."""
    if len(commits) > 1:
        finish(store)
        store.write(SWITCH, json.dumps([seal(c.to_record()) for c in commits], separators=(",", ":")).encode())
        finish(store)
    elif commits:
        commits[0].write(store)


def finish(store: Store) -> None:
    """Give the commits of an interrupted `write_all` records of their own. They count before and after."""
    if store.exists(SWITCH):
        for commit in _switched(store):
            commit.write(store)
        store.remove(SWITCH)


def sweep(store: Store, commits: Sequence[Commit]) -> int:
    """Remove every file that belongs to none of `commits`: left by a killed writer, or replaced. Returns how
    many. Data go first and records last, so that an interrupted sweep leaves nothing that counts broken."""
    finish(store)
    counting = {name for commit in commits for name in commit.files}
    stems = {commit.stem for commit in commits}
    stale = [
        f"{folder}/{name}"
        for folder in [*FOLDERS, *(f for f in store.folders() if f.startswith("sidecar-"))]
        for name in store.names(folder)
        if f"{folder}/{name}" not in counting
    ]
    stale += [f".scratch/{name}" for name in store.names(".scratch") if not name.endswith(".lock")]
    stale += [f"{at}{name}" for at in ("", "index/") for name in store.names(at.rstrip("/")) if name.startswith(".writing-")]
    records = [name for name in store.names("commits") if name.removesuffix(".json") not in stems]
    stale += [f"commits/{name}" for name in records if not is_record(name)]
    stale += [f"commits/{s}.json" for s in _oldest_first(store, [n.removesuffix(".json") for n in records if is_record(n)])]
    for name in stale:
        store.remove(name)
    return len(stale)


def _oldest_first(store: Store, stems: Sequence[str]) -> list[str]:
    """Records in an order in which they can go: each after all that it replaced, which would count again without it."""
    replaces = {s: set(_read(store, f"{s}.json").replaces) for s in stems}
    order: list[str] = []
    while replaces:
        free = sorted((s for s, old in replaces.items() if not old & replaces.keys()), key=sort_key)
        free = free or sorted(replaces, key=sort_key)  # only a forged corpus has a circle
        order += free
        for s in free:
            del replaces[s]
    return order
