"""Questions at the levels of SEED-Bench-2, composed from emoji and written in the schema of its authors.

L1: an image is asked about. L2: images and texts in turn. L3: the choices are images, or texts with images. The right choice is as often one thing
(place, number) as another, and so are the wrong ones, so that nothing but the images tells which is right.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from limner.corpus import Corpus
from limner.corpus.media import sha256
from limner.corpus.pixels import Pixels
from limner.document import Document, Image, Part, Text
from limner.evaluate.benchmark import Item, Piece, contents
from limner.evaluate.benchmarks.seedbench2 import QUESTIONS
from limner.models.reader import png
from limner.recipes.sprites import scene

PLACES = ("top left", "top right", "bottom right", "bottom left")
"""Corners in clockwise order."""

_CORNERS = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))
_NUMBERS = ("One.", "Two.", "Three.", "Four.")
_LETTERS = "ABCD"
_FOLDER = "SEED-Bench-2-image"
_PARTS = {
    "L1": "Single-Image & Text Comprehension",
    "L2": "Interleaved Image & Text Comprehension",
    "L3": "Image & Text Generation",
}


@dataclass(frozen=True)
class Question:
    """A question: the number of its dimension, its level, what is asked, its images (those asked about, then those of the choices), the texts of
    the choices and the number of the right one."""

    dimension: int
    level: str
    asked: str
    images: tuple[Pixels, ...]
    choices: tuple[str, ...]
    right: int


@dataclass(frozen=True)
class Composer:
    """Composes questions of one artist's things in squares of `side` pixels."""

    things: Mapping[str, Pixels]
    side: int
    draw: random.Random

    def shown(self, placed: Sequence[tuple[str, float, float, float]], ground: Sequence[int] | None = None) -> Pixels:
        """A scene on a light ground of any colour."""
        ground = ground or self.ground()
        return scene(self.side, ground, [(self.things[thing], x, y, size) for thing, x, y, size in placed])

    def ground(self) -> tuple[int, int, int]:
        """A light colour."""
        red, green, blue = (self.draw.randint(215, 255) for _ in range(3))
        return red, green, blue

    def alone(self, thing: str) -> Pixels:
        """One thing, about as large as the picture."""
        size = self.draw.uniform(0.75, 0.95)
        return self.shown([(thing, self.draw.uniform(0, 1 - size), self.draw.uniform(0, 1 - size), size)])

    def cornered(self, thing: str, corner: int, ground: Sequence[int] | None = None) -> Pixels:
        """One thing in a corner."""
        return self.shown([(thing, *_CORNERS[corner], 0.5)], ground)

    def four(self) -> tuple[list[str], int]:
        """Four things, and which is right."""
        return self.draw.sample(sorted(self.things), 4), self.draw.randrange(4)

    def identity(self) -> Question:
        """What an image shows."""
        names, right = self.four()
        return Question(2, "L1", "What is this?", (self.alone(names[right]),), tuple(f"{name}." for name in names), right)

    def location(self) -> Question:
        """Where the thing is."""
        (thing, *_), right = self.four()
        texts = tuple(f"At the {place}." for place in PLACES)
        return Question(4, "L1", f"Where is the {thing}?", (self.cornered(thing, right),), texts, right)

    def counting(self) -> Question:
        """How many there are."""
        (thing, *_), right = self.four()
        corners = self.draw.sample(_CORNERS, right + 1)
        return Question(5, "L1", "How many are there?", (self.shown([(thing, *c, 0.5) for c in corners]),), _NUMBERS, right)

    def captioning(self) -> Question:
        """Two images with their names, and one without."""
        names, right = self.four()
        first, second = self.draw.sample(sorted(set(self.things) - set(names)), 2)
        images = tuple(self.alone(name) for name in (first, second, names[right]))
        return Question(23, "L2", f"<img>{first}.<img>{second}.<img>", images, tuple(f"{name}." for name in names), right)

    def pictured(self) -> Question:
        """Which image shows what is named."""
        names, right = self.four()
        return Question(25, "L3", f"Show this: {names[right]}.", tuple(map(self.alone, names)), ("",) * 4, right)

    def following(self) -> Question:
        """Three steps of a thing that goes around the corners, and where it is next: two ways round, so all of the corners."""
        (thing, *_), begin = self.four()
        step, ground = self.draw.choice((1, -1)), self.ground()
        at = [(begin + step * n) % 4 for n in range(4)]
        order = self.draw.sample(range(4), 4)
        steps = [self.cornered(thing, corner, ground) for corner in at[:3]]
        choices = [self.cornered(thing, corner, ground) for corner in order]
        return Question(26, "L3", "What comes next?", (*steps, *choices), ("",) * 4, order.index(at[3]))

    def creation(self) -> Question:
        """Which answer's image shows what its text says."""
        (thing, *_), right = self.four()
        said = self.draw.sample(range(4), 4)
        corners = [at if n == right else self.draw.choice([c for c in range(4) if c != at]) for n, at in enumerate(said)]
        texts = tuple(f"At the {PLACES[at]}." for at in said)
        images = tuple(self.cornered(thing, corner) for corner in corners)
        return Question(27, "L3", f"Say where the {thing} is, and show it.", images, texts, right)

    def questions(self, each: int) -> Iterator[Question]:
        """So many of each kind."""
        kinds: tuple[Callable[[], Question], ...] = (
            self.identity, self.location, self.counting, self.captioning, self.pictured, self.following, self.creation,
        )  # fmt: skip
        for kind in kinds:
            for _ in range(each):
                yield kind()


def written(questions: Sequence[Question], folder: Path) -> None:
    """Write questions as the authors' files are."""
    rows: list[dict[str, object]] = []
    (folder / _FOLDER).mkdir(parents=True, exist_ok=True)
    for number, q in enumerate(questions):
        names = [f"{number}_{n}.png" for n in range(len(q.images))]
        for name, pixels in zip(names, q.images, strict=True):
            (folder / _FOLDER / name).write_bytes(png(pixels))
        choices = {f"choice_{letter.lower()}": text for letter, text in zip(_LETTERS, q.choices, strict=True)}
        rows.append({
            **choices, "answer": _LETTERS[q.right], "data_id": names, "data_source": "SEED-Bench v2", "data_type": "Composed",
            "level": q.level, "question": q.asked, "question_id": f"{q.dimension}_{number}", "question_type_id": q.dimension,
            "subpart": _PARTS[q.level], "version": "composed",
        })  # fmt: skip
    (folder / QUESTIONS[0]).write_text(json.dumps({"questions": rows}), "utf-8")


def answered(items: Iterator[Item], corpus: Corpus) -> None:
    """Add questions with their right choices to a corpus, a document each: what a model learns the tasks from."""
    documents: list[Document] = []
    media: dict[str, bytes] = {}
    for item in items:
        parts: list[Part] = []
        for piece in contents(_right(item)):
            if isinstance(piece, bytes):
                media[sha256(piece)] = piece
                parts.append(Image(len(parts), sha256(piece)))
            elif piece.strip():
                parts.append(Text(len(parts), piece))
        documents.append(Document(item.id, tuple(parts), "composed"))
    corpus.append(documents, media)


def _right(item: Item) -> tuple[Piece, ...]:
    return (*item.asked, *item.choices[_LETTERS.index(item.expected)])
