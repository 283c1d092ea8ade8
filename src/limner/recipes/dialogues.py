"""Dialogues over several images that stand in the middle of sentences, composed of real pictures, whose answers a rule can check.

As in SparklesDialogue (Huang et al. 2023, arXiv 2308.16463) a dialogue has two turns, the second brings new images and speaks of earlier ones, and an
image stands where a word would. There GPT-4 wrote them about photographs; here templates ask what images show, which one is meant and whether two
agree. Pictures are emoji by different artists, so that two images of one thing differ.

C numbers of an image.
"""

from __future__ import annotations

import io
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.corpus.pixels import Pixels, thumbnail
from limner.errors import LimnerError
from limner.evaluate.benchmarks.dialoguefacts import ORDINALS, Facts
from limner.evaluate.benchmarks.sparkleseval import IMAGE, IMAGES, RECORDS
from limner.experts.encoder import encoder
from limner.experts.onnx import Floats
from limner.models.reader import fitted
from limner.packages.cachedir import cache_folder
from limner.provenance.gist import gist_hash
from limner.provenance.used import code_of
from limner.recipes.arrays import arrays
from limner.recipes.provenance import data_hashes
from limner.sources.pairs import pairs

_SIDE = 96  # pixels of a picture


@dataclass(frozen=True, eq=False)
class Things:
    """Things that each of some artists drew: `seen` artists x things x C, rows of the joint space times the root of C; `shown` artists x things
    x S x S x 3."""

    names: tuple[str, ...]
    seen: Floats
    shown: Pixels

    @property
    def channels(self) -> int:
        """C."""
        return self.seen.shape[2]


@cache
def things(data: tuple[str, ...], most: int) -> Things:
    """At most `most` things, drawn by lot, that every set of emoji has under one name of one word. Kept between runs."""
    own = gist_hash(Path(__file__).read_bytes())
    made_by = f"{own} {code_of('limner.sources.pairs', 'limner.experts.pairs.encoder')} {data_hashes(data)} {most}"
    file = cache_folder("features") / f"things-{sha256(made_by.encode()).hexdigest()[:16]}.npz"
    with arrays(file, lambda: _looked_at(data, most)) as found:
        return Things(tuple(json.loads(found["names"].tobytes())), found["seen"], found["shown"])


def _looked_at(data: tuple[str, ...], most: int) -> dict[str, NDArray[Any]]:
    held: dict[str, dict[str, bytes]] = defaultdict(dict)
    for name in data:
        for pair in pairs(name):
            text = pair.text.casefold()
            if text == pair.concept and text.isascii() and text.isalpha():
                held[text].setdefault(name, pair.image)
    shared = sorted(text for text, drawn in held.items() if len(drawn) == len(data))
    if len(shared) < 4:
        raise LimnerError(f"{', '.join(data)} share {len(shared)} things: dialogues need four")
    names = sorted(random.Random(0).sample(shared, min(most, len(shared))))
    eye = encoder("bundled:limner-pairs")
    pictures = [[thumbnail(held[text][name], 256) for text in names] for name in data]
    seen = np.stack([eye.embed_images(row) for row in pictures])
    shown = np.stack([[fitted(picture, _SIDE) for picture in row] for row in pictures])
    return {"names": np.frombuffer(json.dumps(names).encode(), np.uint8), "seen": seen * seen.shape[2] ** 0.5, "shown": shown}


@dataclass(frozen=True, slots=True)
class Shown:
    """An image of a dialogue: which artist drew which thing."""

    artist: int
    thing: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What is asked, texts and images in order, the answer, and what must be in it."""

    asked: tuple[str | Shown, ...]
    answer: str
    facts: Facts

    @property
    def images(self) -> list[Shown]:
        """Those of the question."""
        return [piece for piece in self.asked if isinstance(piece, Shown)]


Dialogue = tuple[Turn, ...]


def a(name: str) -> str:
    """A name with its article.

    >>> a("apple"), a("key")
    ('an apple', 'a key')
    """
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


@dataclass
class Composer:
    """Composes dialogues about things as some `artists` drew them; two images in a dialogue that show one thing are by different artists where there
    are several."""

    of: Things
    artists: Sequence[int]
    draw: random.Random = field(default_factory=lambda: random.Random(0))

    def dialogue(self) -> Dialogue:
        """Two turns over several images, any kinds of turns."""
        first = self.draw.choice((self.told, self.selection, self.statement))()
        return first, self.draw.choice((self.matched, self.compared))(first)

    def evaluated(self) -> Dialogue:
        """A dialogue of the evaluation: what two images show and whether they agree; then which of two new ones goes with one of them, or
        whether a new one agrees with it."""
        first = self.told()
        return first, self.draw.choice((self.matched, self.compared))(first)

    def single(self) -> Dialogue:
        """Two turns about one image, as pairs of an image and an instruction have it."""
        thing, other = self._things(2)
        image, true = self._image(thing), self.draw.random() < 0.5
        names = {0: self.of.names[thing]}
        asked = self.of.names[thing if true else other]
        first = Turn(("What is ", image, "?"), _answer(names), Facts(names))
        return first, Turn((f"Is it true that it is {a(asked)}?",), *_both(names, _truth(true), agree=true))

    def told(self) -> Turn:
        """What two images show, and whether they agree."""
        same = self.draw.random() < 0.5
        one, other = self._pair(same)
        return Turn(("What are ", one, " and ", other, "?"), *_both(self._named(one, other), _agreed(same), agree=same))

    def selection(self) -> Turn:
        """Which of two images shows what is named: binary image selection, as in BISON."""
        images, right = self._pair(False), self.draw.randrange(2)
        asked = ("Which of ", images[0], " and ", images[1], f" is {a(self.of.names[images[right].thing])}?")
        return Turn(asked, *_both(self._named(*images), _meant(right), meant=right))

    def statement(self) -> Turn:
        """Whether a statement about two images is true, as in NLVR2: of both, or of one and the other. Half are; of the false ones half have the
        wrong name, half the wrong number of it, so that neither names alone nor whether images agree tells which are true."""
        both, true, renamed = (self.draw.random() < 0.5 for _ in range(3))
        one, other = self._pair(both == (true or renamed))
        names = self._named(one, other)
        wrong = self.of.names[self._other([one.thing, other.thing])]
        if both:
            said = f" both are {a(wrong if renamed and not true else names[self.draw.randrange(2)])}?"
        else:
            told = [names[0], names[1] if true else wrong]
            if not true:
                self.draw.shuffle(told)
            said = f" are {a(told[0])} and {a(told[1])}?"
        return Turn(("Is it true that ", one, " and ", other, said), *_both(names, _truth(true), agree=true))

    def matched(self, before: Turn) -> Turn:
        """Which of two new images goes with an earlier one."""
        earlier = before.images
        at, right = self.draw.randrange(len(earlier)), self.draw.randrange(2)
        new = [self._image(self._other([image.thing for image in earlier])) for _ in range(2)]
        new[right] = self._image(earlier[at].thing, earlier[at].artist)
        number = len(earlier)
        names = {at: self.of.names[earlier[at].thing], **self._named(*new, first=number)}
        asked = ("Which of ", new[0], " and ", new[1], f" goes with the {ORDINALS[at]}?")
        return Turn(asked, *_both(names, _meant(number + right), meant=number + right))

    def compared(self, before: Turn) -> Turn:
        """Whether a new image agrees with an earlier one."""
        earlier = before.images
        at, same = self.draw.randrange(len(earlier)), self.draw.random() < 0.5
        thing = earlier[at].thing if same else self._other([image.thing for image in earlier])
        new, number = self._image(thing, earlier[at].artist), len(earlier)
        names = {at: self.of.names[earlier[at].thing], number: self.of.names[thing]}
        return Turn(("Does ", new, f" agree with the {ORDINALS[at]}?"), *_both(names, _agreed(same), agree=same))

    def _named(self, *images: Shown, first: int = 0) -> dict[int, str]:
        return {first + n: self.of.names[image.thing] for n, image in enumerate(images)}

    def _things(self, count: int) -> list[int]:
        return self.draw.sample(range(len(self.of.names)), count)

    def _other(self, than: Sequence[int]) -> int:
        return self.draw.choice([thing for thing in range(len(self.of.names)) if thing not in than])

    def _image(self, thing: int, but: int = -1) -> Shown:
        able = [artist for artist in self.artists if artist != but] or list(self.artists)
        return Shown(self.draw.choice(able), thing)

    def _pair(self, same: bool) -> tuple[Shown, Shown]:
        one, other = self._things(2)
        first = self._image(one)
        return first, self._image(one if same else other, first.artist if same else -1)


def _answer(names: Mapping[int, str]) -> str:
    """What images are, before anything is said of them: a conclusion follows what was seen.

    >>> _answer({0: "key", 2: "apple", 3: "frog"})
    'The first is a key, the third is an apple and the fourth is a frog.'
    """
    parts = [f"the {ORDINALS[number]} is {a(name)}" for number, name in names.items()]
    said = " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
    return f"{said[0].upper()}{said[1:]}."


def _both(names: Mapping[int, str], end: str, meant: int | None = None, agree: bool | None = None) -> tuple[str, Facts]:
    return f"{_answer(names)} {end}", Facts(names, meant, agree)


def _meant(number: int) -> str:
    return f"It is the {ORDINALS[number]}."


def _truth(true: bool) -> str:
    return "Yes, it is true." if true else "No, it is false."


def _agreed(same: bool) -> str:
    return "They agree." if same else "They differ."


def written(dialogues: Sequence[Dialogue], of: Things, folder: Path) -> None:
    """Write dialogues as SparklesEval's files are; beside the authors' keys each answer has its `facts`."""
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    (folder / RECORDS).parent.mkdir(parents=True, exist_ok=True)
    rows: list[Mapping[str, object]] = []
    for number, dialogue in enumerate(dialogues):
        said: list[Mapping[str, object]] = []
        count = 0
        for turn in dialogue:
            images: list[Mapping[str, object]] = []
            content = ""
            for piece in turn.asked:
                if isinstance(piece, str):
                    content += piece
                    continue
                name = f"{number}_{count}"
                count += 1
                (folder / IMAGES / f"{name}.jpg").write_bytes(_jpeg(of.shown[piece.artist, piece.thing]))
                images.append({"image_id": name, "caption": a(of.names[piece.thing])})
                content += IMAGE
            said += [{"content": content, "images": images}, {"content": turn.answer, "facts": turn.facts.row()}]
        rows.append({"evaluation_id": number, "dialogue": said})
    (folder / RECORDS).write_text(json.dumps(rows), "utf-8")


def _jpeg(pixels: Pixels) -> bytes:
    with io.BytesIO() as out:
        Image.fromarray(pixels).save(out, "JPEG", quality=92)
        return out.getvalue()
