"""Checking a corpus: what is missing, changed, unreadable, contradictory, or left over, each named with its file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from limner.corpus.commit import FOLDERS, SWITCH, Commit, is_record, record, sort_key
from limner.corpus.content import SIDECAR
from limner.corpus.index import COLUMNS, as_file, build_entries, file_name, fingerprint
from limner.corpus.keeping.batchcheck import check_batch
from limner.corpus.keeping.damage import Damage
from limner.corpus.keeping.exports import FOLDER as EXPORTS
from limner.corpus.keeping.exports import read_export
from limner.corpus.keys import key64, keys64
from limner.corpus.sealed import unseal
from limner.corpus.store import Store
from limner.corpus.tables import SCHEMA_VERSION
from limner.errors import CorpusError

_KNOWN_FILES = {"corpus.json", "takedown.json"}
_NAMED = 20


def check(store: Store, deep: bool = True, progress: Callable[[int, int], None] | None = None) -> list[Damage]:
    """Everything that is wrong with the corpus in `store`, worst first. Quick, it looks at records and the sizes of files;
    deep, it reads every byte. `progress` is told how many batches of how many are done."""
    found = list(_facts(store))
    damaged, commits, all_records = _commits(store)
    found += damaged
    keys: list[np.ndarray] = []
    for done, commit in enumerate(commits):
        damage, ids = check_batch(store, commit, deep)
        found += damage
        keys.append(keys64(ids))
        if progress:
            progress(done + 1, len(commits))
    if deep:
        found += _duplicates(store, commits, keys)
    broken = any(d.level == "error" for d in found)
    found += _indexes(store, commits, deep and not broken)
    found += _exports(store)
    found += _leftovers(store, commits, all_records)
    order = {"error": 0, "warning": 1, "info": 2}
    return sorted(found, key=lambda d: (order[d.level], d.file))


def _facts(store: Store) -> Iterator[Damage]:
    for name in sorted(_KNOWN_FILES):
        if not store.exists(name):
            if name == "corpus.json":
                yield Damage("error", "missing", name, 'a corpus has one; restore it from a copy or write {"schema": 1}')
            continue
        try:
            data, intact = unseal(json.loads(store.read(name)))
            schema = int(data.get("schema", 0 if name == "corpus.json" else SCHEMA_VERSION))
        except (ValueError, TypeError, RecursionError, CorpusError) as error:
            yield Damage("error", "unreadable", name, f"it is not JSON as limner writes it ({error})")
            continue
        if not intact:
            yield Damage("warning", "changed", name, "it does not match its own checksum: edited by hand, or damaged")
        if not 1 <= schema <= SCHEMA_VERSION:
            yield Damage(
                "error", "schema", name, f"its schema is {schema}, this limner reads 1 to {SCHEMA_VERSION}: update limner"
            )
        if data.get("complete") is False:
            yield Damage("info", "unfinished", name, "the build has not finished; the same `limner build` continues it")


def _commits(store: Store) -> tuple[list[Damage], list[Commit], list[str]]:
    found: list[Damage] = []
    commits: dict[str, Commit] = {}
    for name in store.names("commits"):
        path = f"commits/{name}"
        if path == SWITCH:
            found.append(Damage("info", "unfinished", path, "a change that counts, to be tidied by the next writer"))
            try:
                switched = [record(data) for data in json.loads(store.read(path))]
                commits.update((commit.stem, commit) for commit in switched)
            except (ValueError, TypeError, RecursionError) as error:
                found.append(Damage("error", "unreadable", path, str(error)))
        elif is_record(name):
            try:
                commit = record(json.loads(store.read(path)))
                if commit.stem != name.removesuffix(".json"):
                    raise ValueError(f"it is the record of batch {commit.stem}")
                commits[commit.stem] = commit
            except (ValueError, RecursionError) as error:
                message = f"{error}; restore it from a copy, or remove it to give up its batch"
                found.append(Damage("error", "unreadable", path, message))
        else:
            found.append(Damage("info", "left over", path, "no commit record; the next writer sweeps it"))
    replaced = {old for commit in commits.values() for old in commit.replaces}
    stale = sorted(replaced & commits.keys(), key=sort_key)
    found += [Damage("info", "left over", f"commits/{s}.json", "replaced; the next writer sweeps it") for s in stale]
    return found, [commits[s] for s in sorted(commits, key=sort_key) if s not in replaced], stale


def _duplicates(store: Store, commits: list[Commit], keys: list[np.ndarray]) -> Iterator[Damage]:
    if not keys:
        return
    values, counts = np.unique(np.concatenate(keys), return_counts=True)
    twice = set(values[counts > 1].tolist())
    if not twice:
        return
    seen: dict[str, str] = {}
    named = 0
    for commit, held in zip(commits, keys, strict=True):
        if twice.isdisjoint(held.tolist()):
            continue
        for id in check_batch(store, commit, deep=False, ids=True)[1]:
            if key64(id) not in twice:
                continue
            if id in seen and named < _NAMED:
                named += 1
                yield Damage("error", "duplicate", f"documents/{commit.stem}.parquet", f"document {id} is also in {seen[id]}")
            seen.setdefault(id, f"documents/{commit.stem}.parquet")


def _indexes(store: Store, commits: list[Commit], deep: bool) -> Iterator[Damage]:
    for name in store.names("index"):
        path = f"index/{name}"
        folder = name.partition("-")[0]
        if name.startswith("statistics-") and name.endswith(f"-{fingerprint(commits)}.json"):
            continue
        if folder not in COLUMNS or name != file_name(folder, commits):
            yield Damage("info", "stale", path, "not of the batches that count; readers build their own")
        elif deep and store.read(path) != as_file(build_entries(store, commits, folder)):
            yield Damage("error", "changed", path, "it does not say what the batches say; remove it, it is built again")


def _exports(store: Store) -> Iterator[Damage]:
    for name in store.names(EXPORTS):
        try:
            read_export(store, name)
        except CorpusError as error:
            yield Damage("error", "unreadable", f"{EXPORTS}/{name}", str(error))


def _leftovers(store: Store, commits: Iterable[Commit], stale: Iterable[str]) -> Iterator[Damage]:
    counting = {name for commit in commits for name in commit.files}
    folders = store.folders()
    for folder in [*FOLDERS, *(f for f in folders if f.startswith(SIDECAR))]:
        left = [n for n in store.names(folder) if f"{folder}/{n}" not in counting]
        yield from (
            Damage("info", "left over", f"{folder}/{n}", "of no batch that counts; the next writer sweeps it") for n in left
        )
    scratch = Counter(n for n in store.names(".scratch") if not n.endswith(".lock"))
    yield from (Damage("info", "left over", f".scratch/{n}", "from a killed writer; the next one sweeps it") for n in scratch)
    for name in store.names(""):
        if name.startswith(".writing-"):
            yield Damage("info", "left over", name, "from a killed writer; the next one sweeps it")
    if ".stages" in folders:
        yield Damage(
            "info", "unfinished", ".stages", "a build is going on or was interrupted; the same `limner build` continues it"
        )
