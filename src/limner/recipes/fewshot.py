"""Documents and prompts made of pairs, for models that learn from examples: an image's mark, its text, the end of the line, and so on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.experts.onnx import Floats
from limner.models.sequence import IMAGE, Piece, words
from limner.models.sequence import Sequence as Whole
from limner.recipes.pictured import Pictured
from limner.train.batches import State

CHOICES = 10
"""Texts among which an image's own is told."""

_BARE = 0.2  # of documents


class Writer:
    """Pairs as pieces of a sequence. An image is a mark in it, and looked at apart."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._mark = np.array([int(tokenizer.bos_token_id)])
        self._texts: dict[str, tuple[int, ...]] = {}

    def text(self, said: str) -> Piece:
        """A text and the end of its line."""
        if said not in self._texts:
            self._texts[said] = tuple(self._tokenizer(f" {said}\n", add_special_tokens=False)["input_ids"])
        return words(self._texts[said])

    def image(self, patches: Floats) -> Piece:
        """The mark of an image, P x C."""
        return Piece(self._mark, IMAGE, 0.0, image=patches)

    def pairs(self, held: Pictured, rows: NDArray[np.intp], images: bool = True) -> Iterator[Piece]:
        """Pairs, with their images or as texts only."""
        patches = held.seen(rows) if images else None
        for n, row in enumerate(rows):
            if patches is not None:
                yield self.image(patches[n])
            yield self.text(held.texts[row])


@dataclass(frozen=True)
class Composed:
    """Documents of up to `images` training pairs of one set, composed anew each pass, which has each pair once. In a share of them all texts but the
    last lack their images, so that a prompt of texts is nothing new. A `Source` of the trainer."""

    sets: Sequence[Pictured]
    writer: Writer
    images: int
    seed: int

    def passing(self, epoch: int, state: Mapping[str, Any] | None) -> Iterator[tuple[Whole, State]]:
        """See `limner.train.batches.Source`."""
        draw = np.random.default_rng([self.seed, epoch])
        documents: list[tuple[Pictured, NDArray[np.intp], bool]] = []
        for held in self.sets:
            rows = draw.permutation(held.part("train"))
            while len(rows):
                count = int(draw.integers(1, self.images + 1))
                documents.append((held, rows[:count], bool(draw.random() < _BARE)))
                rows = rows[count:]
        order = draw.permutation(len(documents))
        for at in range(int(state["at"]) if state else 0, len(order)):
            held, rows, bare = documents[order[at]]
            pieces = *self.writer.pairs(held, rows[:-1], not bare), *self.writer.pairs(held, rows[-1:])
            yield Whole(pieces), {"at": at + 1}


@dataclass(frozen=True, eq=False)
class Question:
    """An image of the test part, whose text is the first of `choices`, and training pairs that may be shown before it."""

    held: Pictured
    row: int
    choices: tuple[str, ...]
    examples: NDArray[np.intp]

    def prompt(self, writer: Writer, examples: int, images: bool) -> Whole:
        """So many examples, with their images or as texts only, and the image."""
        shown = writer.pairs(self.held, self.examples[:examples], images)
        return Whole((*shown, writer.image(self.held.seen(np.array([self.row]))[0])))


def questions(sets: Sequence[Pictured], most: int, examples: int, seed: int) -> list[Question]:
    """At most so many images of the test part, from each set in turn, with other texts of the same set and part to choose among,
    and examples. Sets of too few texts are left out."""
    draw = np.random.default_rng([seed, 1])
    found: list[list[Question]] = []
    for held in sets:
        said = {held.texts[i].casefold(): held.texts[i] for i in held.part("test")}
        own: list[Question] = []
        for row in draw.permutation(held.part("test"))[:most] if len(said) >= CHOICES else ():
            others = [text for key, text in said.items() if key != held.texts[row].casefold()]
            wrong = draw.choice(np.array(others, object), CHOICES - 1, replace=False)
            own.append(
                Question(held, int(row), (held.texts[row], *wrong), draw.choice(held.part("train"), examples, replace=False))
            )
        found.append(own)
    return [own[turn] for turn in range(most) for own in found if turn < len(own)][:most]
