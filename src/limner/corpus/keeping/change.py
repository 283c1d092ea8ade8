"""What every change of a corpus shares: it must be whole before, batches are replaced together, and the old ones go after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from limner.corpus import card
from limner.corpus.commit import Commit, revision_of, write_all
from limner.corpus.content import Content, write
from limner.corpus.corpus import Corpus
from limner.corpus.index import fingerprint
from limner.corpus.store import Store
from limner.errors import CorpusError

pc: Any = pyarrow.compute


def begin(corpus: Corpus) -> list[Commit]:
    """The commits that a change starts from, leftovers of killed writers swept. For who holds the corpus. Raises `CorpusError`
    for one that is still being built."""
    if corpus.facts.get("complete") is False:
        raise CorpusError(
            f"{corpus.store.url} is still being built: let `limner build` finish it first (the same command continues)"
        )
    corpus.sweep()
    return list(corpus.commits)


def rewritten(store: Store, old: Sequence[Commit], new: Content, taken: Sequence[Commit], inputs: Sequence[str]) -> Commit:
    """Write `new` in place of `old`, adjacent batches; it does not count yet. Counts of the plan's own (of what it saw) are
    summed, the others counted again."""
    totals: Counter[str] = Counter()
    for commit in old:
        totals.update(commit.counts)
    digests = {commit.digest for commit in old}
    name = revision_of([commit.stem for commit in old], taken)
    made = write(
        store, name, new, inputs=inputs, digest=digests.pop() if len(digests) == 1 else "",
        replaces=[commit.stem for commit in old],
    )  # fmt: skip
    return replace(made, counts={**totals, **made.counts})


def settle(corpus: Corpus, made: Sequence[Commit]) -> None:
    """Make the new batches count in one write, then tidy: old files go, indexes and the counts of `corpus.json` follow."""
    write_all(corpus.store, made)
    tidy(corpus)


def tidy(corpus: Corpus) -> None:
    """Remove what does not count, and renew what was derived and kept: indexes, statistics, the counts of `corpus.json`, the
    card."""
    corpus.sweep()
    store = corpus.store
    if kept := store.names("index"):
        corpus.save_indexes()
        for name in kept:
            if fingerprint(corpus.commits) not in name:
                store.remove(f"index/{name}")
    if "counts" in corpus.facts and corpus.facts["counts"] != dict(corpus.counts):
        corpus.update_facts(counts=dict(corpus.counts))
    if store.exists(card.NAME):
        card.describe(corpus)


def among(column: pa.ChunkedArray | pa.Array, values: Sequence[str] | set[str]) -> np.ndarray:
    """Which of a column's strings are among `values`, as a mask."""
    return pc.is_in(column, value_set=pa.array(list(values), pa.string())).to_numpy(zero_copy_only=False)


def without(table: pa.Table, gone: np.ndarray) -> pa.Table:
    """The rows of a table that a mask does not name."""
    return table.filter(pa.array(~gone)) if gone.any() else table
