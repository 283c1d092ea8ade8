"""What a corpus knows of its exports: where each lies, as what, and under which take-down list it was made.

A record an export, `exports/ID.json`, written before the export is there: one that is not known cannot be brought up to date.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from limner.corpus.keeping.takelist import TakeList, taken
from limner.corpus.sealed import seal, unseal
from limner.corpus.store import Store
from limner.errors import CorpusError

FOLDER = "exports"


@dataclass(frozen=True, slots=True)
class Exported:
    """An export: its id, the folder it lies in, its format with its settings, where the corpus lay when it was made (a copy of
    the corpus does not own the export), and the digest of the take-down list it honours."""

    id: str
    folder: str
    format: str
    corpus: str
    taken: str
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


def digest_of_list(listed: TakeList) -> str:
    """Names what is on a take-down list, whenever it was put there."""
    entries = {kind: sorted(held) for kind, held in listed.entries.items() if held}
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()[:16]


def place_of(store: Store) -> str:
    """Where a corpus lies, in full."""
    local = store.local("")
    return os.path.realpath(local) if local else store.url.rstrip("/")


def remember(store: Store, made: Exported) -> None:
    """Keep the record of an export."""
    store.write(f"{FOLDER}/{made.id}.json", json.dumps(seal(asdict(made)), indent=1).encode("utf-8", "replace"))


def forget(store: Store, made: Exported) -> None:
    """Remove the record of an export."""
    store.remove(f"{FOLDER}/{made.id}.json")


def exports(store: Store) -> list[Exported]:
    """The exports a corpus knows; raises `CorpusError` where a record is damaged."""
    return [read_export(store, name) for name in store.names(FOLDER) if name.endswith(".json")]


def read_export(store: Store, name: str) -> Exported:
    """The record of that name; raises `CorpusError` where it is damaged."""
    try:
        given, intact = unseal(json.loads(store.read(f"{FOLDER}/{name}")))
        found = Exported(**given)
        texts = [getattr(found, f.name) for f in fields(found) if f.name != "settings"]
        if not intact or f"{found.id}.json" != name or not all(isinstance(t, str) for t in texts):
            raise ValueError("it is not as limner wrote it")
        if not isinstance(given["settings"], dict):
            raise ValueError("its settings are none")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorpusError(
            f"{store.url}: {FOLDER}/{name}, the record of an export, is damaged ({error}): remove it, and export again"
        ) from None
    return found


def behind(store: Store) -> list[Exported]:
    """The exports that were made under another take-down list than the corpus has now: they may hold what it names."""
    now = digest_of_list(taken(store))
    return [made for made in exports(store) if made.taken != now]
