"""Where batches come from: endless, deterministic, and continued from a saved position.

Sequences are read a window at a time, packed so that batches are nearly full, and dealt out. A position is where the window
began in its source and how many of its batches have been dealt, so that a run that goes on packs the very same window again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from limner.corpus import Corpus
from limner.document import Document
from limner.errors import LimnerError
from limner.models.sequence import Packed, collate, cut, packs
from limner.models.sequence import Sequence as Whole

State = dict[str, Any]
Media = Callable[[str], bytes | None]


class Batches(Protocol):
    """What the trainer takes batches from."""

    def __iter__(self) -> Iterator[Any]:
        """Batches without end; each has `to(device)`."""
        ...

    def state_dict(self) -> State:
        """The position after the batch that came last, JSON-ready."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a position."""
        ...


_MULTIPLE = 64  # that the tokens of a batch are


class Rows:
    """Batches of `batch` of `count` rows without end, in another order each pass; `make` makes a batch of rows' numbers. What is left at the end of a
    pass is not dealt. See `Batches`. Raises `LimnerError` where there are fewer rows than a batch has."""

    def __init__(self, count: int, batch: int, seed: int, make: Callable[[NDArray[np.int64]], Any]) -> None:
        if count < batch:
            raise LimnerError(f"{count} rows are not one batch of {batch}")
        self._count, self._batch, self._seed, self._make = count, batch, seed, make
        self._epoch = self._at = 0

    def state_dict(self) -> State:
        """See `Batches`."""
        return {"epoch": self._epoch, "at": self._at}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Batches`."""
        self._epoch, self._at = int(state["epoch"]), int(state["at"])

    def __iter__(self) -> Iterator[Any]:
        while True:
            order = np.random.default_rng([self._seed, self._epoch]).permutation(self._count)
            while self._at + self._batch <= self._count:
                rows = order[self._at : self._at + self._batch]
                self._at += self._batch
                yield self._make(rows)
            self._epoch, self._at = self._epoch + 1, 0


class Source(Protocol):
    """Sequences of a pass, in an order of its own."""

    def passing(self, epoch: int, state: Mapping[str, Any] | None) -> Iterator[tuple[Whole, State]]:
        """The sequences of pass number `epoch`, each with the position after it; from `state` on, where one is given."""
        ...


@dataclass(frozen=True)
class Held:
    """Sequences in memory, in another order each pass; rank `rank` of `world` has its share."""

    sequences: Sequence[Whole]
    seed: int = 0
    rank: int = 0
    world: int = 1

    def passing(self, epoch: int, state: Mapping[str, Any] | None) -> Iterator[tuple[Whole, State]]:
        """See `Source`."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.sequences))[self.rank :: self.world]
        for at in range(int(state["at"]) if state else 0, len(order)):
            yield self.sequences[order[at]], {"at": at + 1}


@dataclass(frozen=True)
class Streamed:
    """The documents of a corpus, shuffled, each as the sequences that `reads` makes of it and its media (none for one that is
    of no use).

    What `reads` raises as a `LimnerError` costs that document only; `told` is called with it.
    """

    corpus: Corpus
    reads: Callable[[Document, Media], Iterable[Whole]]
    seed: int = 0
    rank: int = 0
    world: int = 1
    told: Callable[[Document, LimnerError], None] = lambda document, error: None

    def passing(self, epoch: int, state: Mapping[str, Any] | None) -> Iterator[tuple[Whole, State]]:
        """See `Source`. A document's sequences come together: the position is after all of them."""
        stream = self.corpus.stream(
            shuffle=True, seed=self.seed, epoch=epoch, rank=self.rank, world=self.world, state=state["stream"] if state else None
        )
        for document in stream:
            try:
                found = list(self.reads(document, stream.media))
            except LimnerError as error:
                self.told(document, error)
                continue
            position: State = {"stream": stream.state()}
            for sequence in found:
                yield sequence, position


class Packing:
    """Batches of at most `tokens` (and filled up to a multiple of 64) from a source: sequences longer than `context` are cut, a window of about
    `window` batches is packed at a time and dealt out in an order drawn by the seed. `channels` are those of continuous tokens.

    `waste` is the share of `tokens` that batches so far have not filled.
    """

    def __init__(self, source: Source, tokens: int, context: int = 0, window: int = 64, channels: int = 0, seed: int = 0) -> None:
        self._source, self._tokens, self._context = source, tokens, min(context or tokens, tokens)
        self._window, self._channels, self._seed = window, channels, seed
        self._position: State = {"epoch": 0, "window": 0, "from": None, "dealt": 0}
        self._filled = self._room = 0

    @property
    def waste(self) -> float:
        """See the class."""
        return 1 - self._filled / max(self._room, 1)

    def state_dict(self) -> State:
        """See `Batches`."""
        return dict(self._position)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Batches`."""
        if set(state) != set(self._position):
            raise LimnerError("the saved position of the data is not one of packed sequences")
        self._position = dict(state)

    def __iter__(self) -> Iterator[Packed]:
        empty = 0
        while True:
            epoch, begun = int(self._position["epoch"]), self._position["from"]
            got = False
            for sequences, after in self._windows(epoch, begun):
                got = True
                yield from self._dealt(sequences, int(self._position["dealt"]))
                self._position = {**self._position, "window": int(self._position["window"]) + 1, "from": after, "dealt": 0}
            empty = 0 if got or begun is not None else empty + 1
            if empty:
                raise LimnerError("there is nothing to train on: the source gives no sequence that can be used")
            self._position = {"epoch": epoch + 1, "window": 0, "from": None, "dealt": 0}

    def _windows(self, epoch: int, begun: Any) -> Iterator[tuple[list[Whole], State | None]]:
        held: list[Whole] = []
        count = 0
        last: State | None = begun
        for sequence, position in self._source.passing(epoch, begun):
            # A window ends between documents: all sequences of one have the same position.
            if count >= self._window * self._tokens and position != last:
                yield held, last
                held, count = [], 0
            held += cut(sequence, self._context)
            count += len(sequence)
            last = position
        if held:
            yield held, last

    def _dealt(self, sequences: Sequence[Whole], first: int) -> Iterator[Packed]:
        position = self._position
        found = packs([len(s) for s in sequences], self._tokens)
        order = np.random.default_rng([self._seed, int(position["epoch"]), int(position["window"])]).permutation(len(found))
        for dealt in range(first, len(found)):
            some = [sequences[i] for i in found[order[dealt]]]
            self._filled += sum(map(len, some))
            self._room += self._tokens
            # Before it is given away: whoever saves while the batch is used goes on after it.
            self._position = {**self._position, "dealt": dealt + 1}
            yield collate(some, self._channels, _MULTIPLE)
