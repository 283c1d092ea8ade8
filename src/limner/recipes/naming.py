"""Small drawings and their names as sequences: a name and then its picture, a picture and then its name; how well models read and draw so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from torch import Tensor

from limner.experts.device import place
from limner.models.decoding import Control, Written, write
from limner.models.heads.vectors import images, pixels
from limner.models.interleaved import ImageHead, Interleaved
from limner.models.sequence import Piece, words
from limner.models.sequence import Sequence as Whole
from limner.models.vocabulary import Vocabulary
from limner.recipes.drawings import Drawings
from limner.recipes.likelihoods import Floats, fits, nats


def prompt(vocabulary: Vocabulary, text: str, loss: float = 0.0) -> Whole:
    """A name, and that its picture comes."""
    marks = vocabulary.marks
    return Whole((words([marks.start], 0.0), words(vocabulary.encode(text), loss), words([marks.image], loss)))


def drawing(vocabulary: Vocabulary, text: str, piece: Piece) -> Whole:
    """A name and its picture, both of which are learnt."""
    marks = vocabulary.marks
    return Whole((*prompt(vocabulary, text, 1.0).pieces, piece, words([marks.closed], 0.0), words([marks.end])))


def naming(vocabulary: Vocabulary, piece: Piece, text: str, rest: float = 1.0) -> Whole:
    """A picture and its name; marks count as `rest` says, and the picture as its piece does: it is one without words."""
    marks = vocabulary.marks
    begun = words([marks.start], 0.0), words([marks.image], rest), piece, words([marks.closed], 0.0)
    return Whole((*begun, words(vocabulary.encode(text)), words([marks.end], rest)))


class Reading:
    """What a model says of pictures: only the words of their names count."""

    def __init__(self, model: Interleaved, vocabulary: Vocabulary, shown: Drawings) -> None:
        self.model, self.vocabulary, self.texts = model, vocabulary, shown.texts
        head = cast("ImageHead", model.image)
        self.pieces = [replace(head.read(picture), loss=0.0) for picture in pixels(shown.some.images)]

    def nats(self) -> Floats:
        """A token of each picture's name."""
        found = nats(self.model, [self.told(i, i) for i in range(len(self.texts))])
        return found[:, 0] / found[:, 1]

    def fits(self, others: int, seed: int) -> Floats:
        """See `limner.recipes.likelihoods.fits`."""
        return fits(self.model, self.told, self.alone, self.texts, others, seed)

    def told(self, i: int, j: int) -> Whole:
        """Picture i and name j."""
        return naming(self.vocabulary, self.pieces[i], self.texts[j], 0.0)

    def alone(self, j: int) -> Whole:
        """Name j."""
        return Whole((words([self.vocabulary.marks.start], 0.0), words(self.vocabulary.encode(self.texts[j]))))


def drawn(model: Interleaved, vocabulary: Vocabulary, shown: Drawings, control: Control) -> Tensor:
    """Pictures of names."""
    prompts = [prompt(vocabulary, text) for text in shown.texts]
    found = {w.sequence: w.image for w in written(model, prompts, control) if w.image is not None}
    return images([found[i] for i in range(len(prompts))]).to(place()[0])


def written(model: Interleaved, prompts: Sequence[Whole], control: Control, at_once: int = 24) -> Iterator[Written]:
    """What a model writes after prompts, each with a seed of its own. Few go side by side: the cache is copied when one begins or ends."""
    controls = [replace(control, seed=control.seed * len(prompts) + i) for i in range(len(prompts))]
    for first in range(0, len(prompts), at_once):
        rows = slice(first, first + at_once)
        for one in write(model, prompts[rows], controls[rows]):
            yield replace(one, sequence=first + one.sequence)
