"""A document as a sequence of pieces, and sequences of any lengths packed into batches without padding.

A piece is a stretch of one modality: text tokens, the codes of an image, or the continuous tokens of one. A packed batch is
flat: the tokens of all its sequences one after the other, and how long each is. Nothing attends across sequences
(`limner.models.attention`).

T tokens of a batch, V of them continuous, P tokens of a piece, C channels of a continuous token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limner.errors import LimnerError

TEXT, IMAGE = 0, 1
"""Modalities; a recipe may number others from 2 on."""

CONTINUOUS = -1
"""The id of a token that is a vector and not an entry of a vocabulary."""

IGNORED = -100
"""The label of a token after which nothing is to be predicted."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of a sequence.

    `ids`      P token ids; CONTINUOUS for tokens that are vectors
    `modality` TEXT, IMAGE, ...
    `loss`     how much it counts that these tokens are predicted, 0 for not at all
    `rows`, `columns`  the grid that an image's tokens lie in, row by row, 0 for text
    `together` whether the tokens of the piece all see each other
    `values`   P x C, the vectors of continuous tokens
    `image`    what the image is to a model that looks at it apart from the sequence (pixels or features of any shape)
    """

    ids: NDArray[np.int64]
    modality: int = TEXT
    loss: float = 1.0
    rows: int = 0
    columns: int = 0
    together: bool = False
    values: NDArray[np.float32] | None = None
    image: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        if self.rows and self.rows * self.columns != len(self.ids):
            raise LimnerError(f"a grid of {self.rows} x {self.columns} is not {len(self.ids)} tokens")
        if self.values is not None and len(self.values) != len(self.ids):
            raise LimnerError(f"{len(self.values)} vectors are not {len(self.ids)} tokens")

    def __len__(self) -> int:
        return len(self.ids)


def words(ids: Iterable[int], loss: float = 1.0) -> Piece:
    """A piece of text."""
    return Piece(np.fromiter(ids, np.int64), TEXT, loss)


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """What a model reads at once: pieces in order. `source` says which document it is, for messages."""

    pieces: tuple[Piece, ...]
    source: str = ""

    def __len__(self) -> int:
        return sum(map(len, self.pieces))


def cut(sequence: Sequence, context: int) -> Iterator[Sequence]:
    """The sequence in stretches of at most `context` tokens. Text is cut anywhere, an image never: one that is longer than the
    context raises `LimnerError`."""
    held: list[Piece] = []
    room = context
    for piece in sequence.pieces:
        if piece.modality != TEXT and len(piece) > context:
            raise LimnerError(
                f"an image of {len(piece)} tokens in {sequence.source or 'a sequence'} is longer than the context of {context}; "
                "make images smaller or the context longer"
            )
        if piece.modality != TEXT and len(piece) > room:
            yield Sequence(tuple(held), sequence.source)
            held, room = [], context
        at = 0
        while at < len(piece):
            part = piece if at == 0 and len(piece) <= room else replace(piece, ids=piece.ids[at : at + room])
            held.append(part)
            at += len(part)
            room -= len(part)
            if not room:
                yield Sequence(tuple(held), sequence.source)
                held, room = [], context
    if held:
        yield Sequence(tuple(held), sequence.source)


def packs(lengths: Many[int], tokens: int) -> list[list[int]]:
    """Which sequences go together into batches of at most `tokens`: each into the fullest batch that has room, the longest
    first (best fit decreasing). Raises `LimnerError` for one that is too long.

    >>> packs([5, 3, 4, 2, 6], 10)
    [[4, 2], [0, 1, 3]]
    """
    import bisect

    rooms: list[tuple[int, int]] = []  # sorted: room left, batch
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if lengths[i] > tokens:
            raise LimnerError(f"a sequence of {lengths[i]} tokens does not fit into a batch of {tokens}")
        at = bisect.bisect_left(rooms, (lengths[i], -1))
        if at < len(rooms):
            room, batch = rooms.pop(at)
        else:
            room, batch = tokens, len(batches)
            batches.append([])
        batches[batch].append(i)
        bisect.insort(rooms, (room - lengths[i], batch))
    return batches


@dataclass(frozen=True, slots=True)
class Span:
    """Where an image lies in a batch: its first token, how many it has, the sequence it is of, its grid and its modality."""

    start: int
    length: int
    sequence: int
    rows: int
    columns: int
    modality: int


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A batch of sequences, flat.

    `ids_T`      token ids, CONTINUOUS for vectors
    `labels_T`   the id that comes next in the same sequence where that counts, IGNORED elsewhere
    `loss_T`     how much it counts that a token is predicted
    `modality_T` of each token
    `places_T3`  time, row and column of each token: of text all three count on; an image takes one time, its rows and columns
    count from there,
                 and what follows it begins after the greatest of them (Qwen2-VL, arXiv 2409.12191, section 2.1)
    `block_T`    the number of a group whose tokens all see each other, -1 for none
    `lengths`    tokens of each sequence
    `spans`      the images in the sequences, in order
    `values_VC`  the vectors of continuous tokens, in order
    `images`     what images are to models that look at them apart, in the order of spans (those that have it)
    """

    ids_T: Tensor
    labels_T: Tensor
    loss_T: Tensor
    modality_T: Tensor
    places_T3: Tensor
    block_T: Tensor
    lengths: tuple[int, ...]
    spans: tuple[Span, ...] = ()
    values_VC: Tensor | None = None
    images: tuple[Tensor, ...] = ()
    together: tuple[bool, ...] = field(default=())
    """Of each sequence, whether it has a group whose tokens all see each other."""
    filler: int = 0
    """Tokens at the end that are there for the batch's size alone, a sequence of their own."""

    def __len__(self) -> int:
        return len(self.ids_T)

    @property
    def tokens(self) -> int:
        """How many there are without the filler."""
        return len(self) - self.filler

    @property
    def sequence_T(self) -> Tensor:
        """The number of the sequence of each token."""
        return torch.repeat_interleave(torch.tensor(self.lengths, device=self.ids_T.device))

    @property
    def index_T(self) -> Tensor:
        """The number of each token in its sequence."""
        return torch.cat([torch.arange(n, device=self.ids_T.device) for n in self.lengths]) if self.lengths else self.ids_T[:0]

    @property
    def continuous_T(self) -> Tensor:
        """Which tokens are vectors."""
        return self.ids_T == CONTINUOUS

    def to(self, device: torch.device | str) -> Packed:
        """The batch on a device."""
        moved: dict[str, Any] = {
            name: getattr(self, name).to(device) for name in ("ids_T", "labels_T", "loss_T", "modality_T", "places_T3", "block_T")
        }
        values = None if self.values_VC is None else self.values_VC.to(device)
        return replace(self, **moved, values_VC=values, images=tuple(image.to(device) for image in self.images))


def places(pieces: Iterable[Piece], start: int = 0) -> tuple[NDArray[np.int64], int]:
    """Time, row and column of the tokens of pieces (T x 3), and where what follows begins."""
    found: list[NDArray[np.int64]] = []
    for piece in pieces:
        if piece.rows:
            row, column = np.divmod(np.arange(len(piece)), piece.columns)
            found.append(np.stack([np.full(len(piece), start), start + row, start + column], 1))
            start += max(piece.rows, piece.columns)
        else:
            found.append(np.repeat(np.arange(start, start + len(piece))[:, None], 3, 1))
            start += len(piece)
    return (np.concatenate(found) if found else np.zeros((0, 3), np.int64)), start


def collate(sequences: Many[Sequence], channels: int = 0, multiple: int = 1) -> Packed:
    """Sequences as one batch. `channels` are those of continuous tokens, so that a batch without any has V x C of none too. It is filled up to a
    `multiple` of tokens by a sequence of which nothing is learnt: kernels are compiled, and kept, for each size that comes."""
    filler = -sum(map(len, sequences)) % multiple
    if filler:
        sequences = [*sequences, Sequence((words([0] * filler, 0.0),))]
    ids: list[NDArray[np.int64]] = []
    labels, loss, modality, where, block = [], [], [], [], []
    values: list[NDArray[np.float32]] = []
    spans: list[Span] = []
    images: list[Tensor] = []
    together: list[bool] = []
    at = groups = 0
    for number, sequence in enumerate(sequences):
        own = np.concatenate([p.ids for p in sequence.pieces]) if sequence.pieces else np.zeros(0, np.int64)
        weight = np.concatenate([np.full(len(p), p.loss, np.float32) for p in sequence.pieces] or [np.zeros(0, np.float32)])
        following = np.append(own[1:], IGNORED)
        following[np.append(weight[1:] == 0, True) | (following == CONTINUOUS)] = IGNORED
        ids.append(own)
        labels.append(following)
        loss.append(weight)
        where.append(places(sequence.pieces)[0])
        start = at
        for piece in sequence.pieces:
            modality.append(np.full(len(piece), piece.modality))
            block.append(np.full(len(piece), groups if piece.together else -1))
            groups += piece.together
            if piece.modality != TEXT:
                spans.append(Span(start, len(piece), number, piece.rows, piece.columns, piece.modality))
            if piece.values is not None:
                values.append(piece.values)
            if piece.image is not None:
                images.append(torch.from_numpy(piece.image))
            start += len(piece)
        together.append(any(piece.together for piece in sequence.pieces))
        at = start

    def joined(rows: list[NDArray[Any]], empty: tuple[int, ...] = (0,), kind: Any = np.int64) -> Tensor:
        return torch.from_numpy(np.concatenate(rows).astype(kind, copy=False) if rows else np.zeros(empty, kind))

    vectors = joined(values, (0, channels), np.float32) if values or channels else None
    return Packed(
        joined(ids), joined(labels), joined(loss, kind=np.float32), joined(modality), joined(where, (0, 3)), joined(block),
        tuple(len(each) for each in ids), tuple(spans), vectors, tuple(images), tuple(together), filler,
    )  # fmt: skip
