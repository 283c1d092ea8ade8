"""What a benchmark is: items, how each is asked, how an answer to it is scored.

A benchmark says what is asked and what a good answer has; who answers (`limner.experts.language`) and who judges (`limner.evaluate.judging`)
are given from outside, always apart. Images are read when they are needed, so that a benchmark of any size takes little memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from limner.errors import LimnerError
from limner.evaluate.judging import Judge
from limner.experts.language import Content, Message, Sampling, user

Piece = str | bytes | Path
"""What an item is made of: text, an image as the bytes of its file, or the file."""

LARGEST = 50_000_000
"""Bytes of an image's file."""


class BenchmarkError(LimnerError):
    """A benchmark's files are missing, or not what their authors publish."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is asked.

    `id`          of its own in the benchmark
    `turns`       what is asked, one turn after the other (mostly one); each text and images in order
    `expected`    what its scorer compares with, as JSON
    `reference`   an answer by its authors
    `choices`     of a question with given answers, each text and images
    `family`      items of one family share a source (an image, a document, a template): intervals are clustered by it; "" for its own
    `categories`  by which scores are also told apart, as {"level": "L1"}
    """

    id: str
    turns: tuple[tuple[Piece, ...], ...]
    expected: Any = None
    reference: tuple[Piece, ...] = ()
    choices: tuple[tuple[Piece, ...], ...] = ()
    family: str = ""
    categories: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def asked(self) -> tuple[Piece, ...]:
        """The first turn."""
        return self.turns[0]

    @property
    def cluster(self) -> str:
        """What its scores are clustered by."""
        return self.family or self.id


@dataclass(frozen=True, slots=True)
class Output:
    """What a model gave: an answer a turn, texts and images in order; how likely it holds each choice (the mean of the natural logarithms of its
    tokens' probabilities), where it was asked that; and what went wrong, where something did (then there may be no answers)."""

    turns: tuple[tuple[Content, ...], ...] = ()
    likelihoods: tuple[float, ...] = ()
    error: str = ""

    @property
    def parts(self) -> tuple[Content, ...]:
        """The last answer."""
        return self.turns[-1] if self.turns else ()

    @property
    def text(self) -> str:
        """The texts of the last answer, a line each."""
        return "\n".join(part for part in self.parts if isinstance(part, str))

    @property
    def images(self) -> tuple[bytes, ...]:
        """The images of the last answer."""
        return tuple(part for part in self.parts if isinstance(part, bytes))


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of an item by measure, larger is better unless the benchmark says otherwise. A measure that an item does not have is left out;
    one whose judge failed stands in `failed` with how (`timeout`, `refused`, `nonsense`, `error`, `unable`) and has no score. `reasons` are
    what judges said."""

    values: Mapping[str, float]
    failed: Mapping[str, str] = field(default_factory=dict[str, str])
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of a benchmark: its `name`, its range, what it says, and whether a judge is asked for it."""

    name: str
    says: str
    low: float = 0.0
    high: float = 1.0
    judged: bool = False
    lower: bool = False


class Benchmark(Protocol):
    """Items, how they are asked, how answers are scored. Stateless: items come from files each time."""

    name: str
    title: str
    reference: str
    """The paper, and where its authors publish the files."""
    files: str
    """What `--data` must hold; "" where the items are made here, from what limner can get."""
    measures: Sequence[Measure]
    """The first is what systems are ranked by."""
    sampling: Sampling
    ranks: bool
    """Whether choices are ranked by how likely the model holds them; one that does not say so is asked for an answer."""

    def items(self, data: Path | None) -> Iterator[Item]:
        """All items in the order of their files. Raises `BenchmarkError` where files are missing or malformed, naming which and what."""
        ...

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """What is asked in the next turn, after the answers `before`."""
        ...

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """The scores of an answer; an empty one, or none, scores as such."""
        ...


@runtime_checkable
class Ranked(Protocol):
    """A benchmark that `ranks` choices after a prompt of their own, without the choices; `messages` asks a model that has no likelihoods of them
    to write its choice."""

    def before(self, item: Item) -> list[Message]:
        """What stands before the choices of an item."""
        ...


def contents(pieces: Sequence[Piece]) -> tuple[Content, ...]:
    """Pieces with their files read. Raises `BenchmarkError` for one that is missing or too large."""
    return tuple(read(piece) if isinstance(piece, Path) else piece for piece in pieces)


def read(file: Path) -> bytes:
    """The bytes of an image's file."""
    try:
        if file.stat().st_size > LARGEST:
            raise BenchmarkError(f"{file} has more than {LARGEST:,} bytes: not an image of a benchmark")
        return file.read_bytes()
    except OSError as error:
        raise BenchmarkError(f"an image of the benchmark cannot be read: {file}: {error.strerror}") from None


def conversation(item: Item, before: Sequence[tuple[Content, ...]], instruction: str = "") -> list[Message]:
    """The turns so far as they are asked plainly: each of the item's, with the answers between them. An instruction stands before the first."""
    out: list[Message] = []
    for number in range(len(before) + 1):
        pieces = contents(item.turns[number])
        out.append(user(*((instruction,) if instruction and not number else ()), *pieces))
        if number < len(before):
            out.append(Message("assistant", before[number]))
    return out
