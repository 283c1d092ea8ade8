"""Commits: one small record a finished batch, the only thing that makes its files count.

A batch's files share its stem (`00000012`): `documents/00000012.parquet`, `media/00000012.tar`, … A commit that
`replaces` others (a compaction, a take-down) has a stem that sorts where they stood (`00000012.1`), and from the
moment its record is there, theirs do not count. Files of no counting commit are swept by the next writer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from limner.corpus.store import Store
from limner.errors import CorpusError

FOLDERS = ("documents", "media", "ledger", "dropped", "rejects")


@dataclass(frozen=True, slots=True)
class Commit:
    """A finished batch: its stem, the names of its inputs, its files with their sizes in bytes, its counts,
    the digest of what it was made from and with, and the stems it replaces."""

    stem: str
    inputs: Sequence[str] = ()
    files: Mapping[str, int] = field(default_factory=dict[str, int])
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    digest: str = ""
    replaces: Sequence[str] = ()

    def file(self, folder: str, extension: str = "parquet") -> str | None:
        """The path of this commit's file in `folder`, or None where it wrote none."""
        name = f"{folder}/{self.stem}.{extension}"
        return name if name in self.files else None

    def write(self, store: Store) -> None:
        """Make the batch count: one atomic write."""
        store.write(f"commits/{self.stem}.json", json.dumps(asdict(self), separators=(",", ":")).encode())


def stem(ordinal: int, revision: int = 0) -> str:
    """The stem of the batch at `ordinal`; a revision sorts right after it."""
    return f"{ordinal:08d}" + (f".{revision}" if revision else "")


def sort_key(name: str) -> tuple[int, int]:
    """The place of a stem in the order of the corpus."""
    ordinal, _, revision = name.partition(".")
    return int(ordinal), int(revision or 0)


def read_commits(store: Store) -> list[Commit]:
    """The commits that count, in order; raises `CorpusError` where a record cannot be read."""
    found: dict[str, Commit] = {}
    for name in store.names("commits"):
        if not name.endswith(".json") or name.startswith("."):
            continue
        try:
            data: dict[str, Any] = json.loads(store.read(f"commits/{name}"))
            commit = Commit(**data)
            sort_key(commit.stem)
        except (ValueError, TypeError) as error:
            raise CorpusError(f"{store.url}: the commit record commits/{name} is damaged ({error}); run `limner check`") from None
        found[commit.stem] = commit
    replaced = {old for commit in found.values() for old in commit.replaces}
    return [found[s] for s in sorted(found, key=sort_key) if s not in replaced]


def sweep(store: Store, commits: Sequence[Commit]) -> int:
    """Remove every file that belongs to none of `commits`: left by a killed writer, or replaced. Returns how
    many. Data go first and records last, so that an interrupted sweep leaves nothing that counts broken."""
    counting = {name for commit in commits for name in commit.files}
    stems = {commit.stem for commit in commits}
    gone = 0
    for folder in [*FOLDERS, *(f for f in store.folders() if f.startswith("sidecar-"))]:
        for name in store.names(folder):
            if f"{folder}/{name}" not in counting:
                store.remove(f"{folder}/{name}")
                gone += 1
    stale = [n for n in store.names("commits") if n.removesuffix(".json") not in stems]
    # A record is only removed after all that it replaced, or what it replaced would count again.
    for name in sorted(stale, key=_record_key):
        store.remove(f"commits/{name}")
        gone += 1
    return gone


def _record_key(name: str) -> tuple[int, int]:
    try:
        return sort_key(name.removesuffix(".json"))
    except ValueError:
        return (-1, 0)
