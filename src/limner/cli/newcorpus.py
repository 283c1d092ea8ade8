"""Where a command makes a corpus: a place that can hold one, and nothing left there by a run that came to nothing. Not a command."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

from limner.corpus import Corpus, Store
from limner.errors import CorpusError
from limner.pipeline.build import WORKPLACE


def opened_folder(corpus: str) -> Store:
    """The store of a corpus that should be there; raises `CorpusError` where that is a file, or nothing at all."""
    store = Store(corpus)
    path = store.local("")
    if path is not None and os.path.exists(path) and not os.path.isdir(path):
        raise CorpusError(f"{corpus} is a file; a corpus is a folder")
    if not store.exists("corpus.json") and not store.names("commits"):
        raise CorpusError(f"{corpus} is not a corpus (it has no corpus.json); `limner build SOURCE -o {corpus}` makes one")
    return store


@contextmanager
def making(corpus: str, *, whole: bool = False) -> Generator[bool]:
    """Around a run that makes `corpus` or continues it; gives whether its folder is new. Raises `CorpusError` at once where it
    cannot lie there. A new folder is removed where the run fails before anything was committed (`whole`: at any time); a run
    that is interrupted leaves it, to be continued."""
    if not corpus.strip():
        raise CorpusError("-o names no folder; give the corpus a name, as in -o corpus")
    store = Store(corpus)
    path = store.local("")
    if path is not None:
        _check(corpus, path)
    new = path is not None and not os.path.exists(path)
    try:
        yield new
    except Exception:
        if new and (whole or not _committed(store)):
            discard(corpus)
        raise


def _check(corpus: str, path: str) -> None:
    there = os.path.abspath(path)
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there):
        what = "is a file" if there == os.path.abspath(path) else f"would lie below the file {there}"
        raise CorpusError(f"{corpus} {what}; name a new folder for the corpus")
    if not os.access(there, os.W_OK | os.X_OK):
        raise CorpusError(f"{corpus} cannot be written to ({there} does not let you); name another folder")


def _committed(store: Store) -> bool:
    """Whether any batch of any stage counts."""
    stages = [f"{WORKPLACE}/{name}/commits" for name in store.folders(WORKPLACE)]
    return any(store.names(folder) for folder in ("commits", *stages))


def discard(corpus: str) -> None:
    """Remove a corpus that holds nothing, with its folder."""
    store = Store(corpus)
    if store.is_local and os.path.isdir(store.path("")):
        store.remove("")


def unread(corpus: str, count: int, most: int = 3) -> str:
    """The first of `count` inputs that could not be read into a corpus, and why."""
    if not count:
        return ""
    rows = [row for table in Corpus.open(corpus).rows("rejects") for row in table.slice(0, most).to_pylist()][:most]
    # Most messages begin with the input they speak of.
    said = [row["message"] if row["message"].startswith(row["input"]) else f"{row['input']}: {row['message']}" for row in rows]
    more = count - len(rows)
    return "; ".join(said) + (f"; and {more:,} more" if more > 0 else "")
