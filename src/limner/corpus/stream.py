"""Streaming a corpus: in order or shuffled, split over consumers, continued from a saved position.

The unit is the block, one row group of documents with the range of the shard that holds their media: one read
each. Shuffling permutes all blocks by (seed, epoch), deals them to the consumers in turn, and shuffles the
documents of every `window` blocks a consumer holds at a time. The order is a pure function of the corpus and
(seed, epoch, consumer, consumers, window); no two consumers share a block and together they have all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from limner.corpus.commit import Commit
from limner.corpus.index import fingerprint
from limner.corpus.shards import Reader
from limner.document import Document, Text
from limner.errors import CorpusError

LOCAL_GAP = 1 << 16
REMOTE_GAP = 1 << 20
"""Two files of a shard that lie closer than this are read together with what is between them."""


@dataclass(frozen=True, slots=True)
class Share:
    """Which share of a corpus a consumer reads: the `index`-th of `count`."""

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise CorpusError(f"share {self.index} of {self.count} does not exist")


class Stream:
    """An iterator over documents that knows where it is.

    `media(ref)` gives the bytes of the document yielded last (and of its window). `state()` is a small
    JSON-ready dictionary; a stream made with it continues with the very next document.
    """

    def __init__(
        self,
        reader: Reader,
        commits: Sequence[Commit],
        *,
        shuffle: bool = False,
        seed: int = 0,
        epoch: int = 0,
        share: Share | None = None,
        window: int = 32,
        media: bool = True,
        state: Mapping[str, Any] | None = None,
    ):
        self._reader = reader
        self._shuffle = shuffle
        self._window = max(window, 1) if shuffle else 1
        self._with_media = media
        share = share or Share()
        self._setting = {
            "corpus": fingerprint(commits), "shuffle": shuffle, "seed": seed, "epoch": epoch,
            "share": [share.index, share.count], "window": self._window,
        }  # fmt: skip
        self._next = 0
        self._skip = 0
        if state is not None:
            for name, value in self._setting.items():
                if state.get(name) != value:
                    raise CorpusError(
                        f"the saved position has {name} {state.get(name)!r}, this stream {value!r}: not the same stream"
                    )
            try:
                self._next, self._skip = int(state["window_index"]), int(state["yielded"])
            except (KeyError, TypeError, ValueError):
                self._next = -1
            if min(self._next, self._skip) < 0:
                raise CorpusError("the saved position is damaged; start the stream without one")
        blocks = [(c, g) for c in commits for g in range(reader.groups(c))]
        self._random = random.Random(f"{seed}/{epoch}")
        if shuffle:
            self._random.shuffle(blocks)
        mine = blocks[share.index :: share.count]
        self._windows = [mine[i : i + self._window] for i in range(0, len(mine), self._window)]
        self._name = f"{seed}/{epoch}/{share.index}/{share.count}"
        self._held: dict[str, memoryview] = {}
        self._iterator = self._run()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Document:
        return next(self._iterator)

    def state(self) -> dict[str, Any]:
        """The position after the document yielded last."""
        return {**self._setting, "window_index": self._next, "yielded": self._skip}

    def media(self, ref: str) -> bytes | None:
        """The stored bytes of a part of the document yielded last, or None where they are not stored."""
        found = self._held.get(ref)
        return None if found is None else bytes(found)

    def _run(self) -> Iterator[Document]:
        while self._next < len(self._windows):
            at = self._next
            documents: list[Document] = []
            self._held = {}
            for commit, group in self._windows[at]:
                block = self._reader.group(commit, group)
                documents += block
                if self._with_media:
                    self._held.update(block_media(self._reader, commit, block))
            if self._shuffle:
                random.Random(f"{self._name}/{at}").shuffle(documents)
            for i in range(self._skip, len(documents)):
                self._skip = i + 1
                if self._skip == len(documents):
                    self._next, self._skip = at + 1, 0
                yield documents[i]
            self._next, self._skip = at + 1, 0


def block_media(reader: Reader, commit: Commit, documents: Sequence[Document]) -> Iterator[tuple[str, memoryview]]:
    """The media of documents that lie side by side, read in as few ranges of the shard as their places allow."""
    table = reader.table(commit)
    refs = {part.ref for d in documents for part in d.parts if not isinstance(part, Text) and part.ref}
    found = sorted((span, ref) for ref in refs if (span := table.span(ref)))
    gap = LOCAL_GAP if reader.store.is_local else REMOTE_GAP
    i = 0
    while i < len(found):
        j, (start, end) = i, found[i][0]
        while j + 1 < len(found) and found[j + 1][0][0] - end < gap:
            j += 1
            end = max(end, found[j][0][1])
        data = memoryview(reader.bytes(commit, start, end))
        for (first, last), ref in found[i : j + 1]:
            yield ref, data[first - start : last - start]
        i = j + 1
