"""Compacting: small batches become large ones, and a file that several of them store is stored once.

A shared file is kept once in each merged batch and not once in the corpus. A pointer from one batch into the shard of
another would save the rest, and cost what the layout is for: a range of documents would no longer be a range of media
(one more read for each shared file, one more request in an object store), and no batch could be replaced or taken down
without looking at all others. `bench/compaction.py` measures what is left on the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from limner.corpus.commit import Commit
from limner.corpus.content import read
from limner.corpus.corpus import Corpus
from limner.corpus.keeping.change import begin, rewritten, tidy
from limner.corpus.lock import writing
from limner.corpus.shards import Reader


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: batches and bytes (of all files) before and after."""

    batches_before: int
    batches_after: int
    bytes_before: int
    bytes_after: int

    @property
    def won(self) -> int:
        """Bytes won back."""
        return self.bytes_before - self.bytes_after

    def to_dict(self) -> dict[str, int]:
        """The result as a JSON-ready dictionary."""
        return {**asdict(self), "won": self.won}


def compact(
    corpus: Corpus,
    *,
    media_bytes: int = 1 << 30,
    documents: int = 10_000,
    progress: Callable[[int, int], None] | None = None,
) -> Compacted:
    """Merge neighbouring batches until each has about `media_bytes` of distinct media or that many documents. Order of
    documents, ledger and all records stay as they are. Interrupted, it leaves the same documents, and run again it
    continues; run twice, it does nothing. Raises `CorpusError` while another writes to the corpus."""
    with writing(corpus.store):
        commits = begin(corpus)
        before = _bytes(commits), len(commits)
        groups = [g for g in _groups(Reader(corpus.store), commits, media_bytes, documents) if len(g) > 1]
        for done, group in enumerate(groups):
            content = read(Reader(corpus.store), group)
            inputs = [name for commit in group for name in commit.inputs]
            # Each merged batch holds what the ones it replaces held: the corpus is the same after every step.
            rewritten(corpus.store, group, content, commits, inputs).write(corpus.store)
            corpus.sweep()
            if progress:
                progress(done + 1, len(groups))
        tidy(corpus)
        return Compacted(before[1], len(corpus.commits), before[0], _bytes(corpus.commits))


def _bytes(commits: Sequence[Commit]) -> int:
    return sum(sum(commit.files.values()) for commit in commits)


def _groups(reader: Reader, commits: Sequence[Commit], media_bytes: int, documents: int) -> Iterator[list[Commit]]:
    group: list[Commit] = []
    refs: set[str] = set()
    size = count = 0
    for commit in commits:
        held = {ref: span[1] - span[0] for ref in reader.table(commit) if (span := reader.table(commit).span(ref))}
        own, rows = sum(held.values()), commit.counts.get("documents", 0)
        more = sum(length for ref, length in held.items() if ref not in refs)
        # One that is half full already stays: rewriting it for a small neighbour would cost more than it wins.
        full = own * 2 >= media_bytes or rows * 2 >= documents
        if group and (full or size + more > media_bytes or count + rows > documents):
            yield group
            group, refs, size, count, more = [], set(), 0, 0, own
        if full:
            yield [commit]
            continue
        group.append(commit)
        refs |= held.keys()
        size, count = size + more, count + rows
    if group:
        yield group
