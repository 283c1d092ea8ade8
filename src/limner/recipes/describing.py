"""What a picture shows, in the words that a small text-to-image model is told: name, colours, shape and maker; and how the words are revised
once it is seen what was drawn of them.

The describer is no language model that sees: the name is the nearest of a list by `bundled:limner-pairs`, the maker the nearest mean of
EfficientNet-Lite0's features, colours and shape are counted (`limner.recipes.densecaptions`). Any captioner may take its place: then the name
is what that says.

N pictures, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from limner.corpus.pixels import Pixels
from limner.experts.captioner import Captioner
from limner.experts.onnx import Floats
from limner.experts.pairs.encoder import WEIGHTS
from limner.experts.pairs.features import image_features
from limner.experts.pairs.towers import load
from limner.experts.text_encoder import text_encoder
from limner.models.heads.vectors import pixels
from limner.recipes.densecaptions import colours, shape
from limner.recipes.drawings import Drawings
from limner.recipes.tokenizing import SEEN

_NAMES = 5  # that are kept, the likeliest first
_EACH = 50  # pictures of a maker whose features are averaged


@dataclass(frozen=True, slots=True)
class Described:
    """A description: names from the likeliest on, of which number `at` is used, colours, shape and maker. `stressed` colours come first, and
    twice."""

    names: tuple[str, ...]
    colours: tuple[str, ...]
    shape: str
    maker: str
    at: int = 0
    stressed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name that is used."""
        return self.names[self.at]

    @property
    def text(self) -> str:
        """The prompt, as dense captions are written.

        >>> Described(("key",), ("yellow", "red"), "tall", "noto", stressed=("red",)).text
        'red, tall red and yellow key, noto'
        """
        ordered = (*self.stressed, *(colour for colour in self.colours if colour not in self.stressed))
        head = "".join(f"{colour}, " for colour in self.stressed)
        said = " ".join(word for word in (self.shape, " and ".join(ordered), self.name) if word)
        return f"{head}{said}, {self.maker}" if self.maker else f"{head}{said}"


@dataclass(frozen=True, eq=False)
class Looked:
    """Pictures as seen: pixels, EfficientNet's features (N x F) and rows in limner-pairs' joint space."""

    shown: Sequence[Pixels]
    eye: Floats
    joint: Floats

    def __len__(self) -> int:
        return len(self.shown)


class Describer:
    """Names are of the list `names`; makers are learnt from `train`, whose texts end with theirs. A captioner, where there is one, gives the
    names."""

    def __init__(self, names: Sequence[str], train: Drawings, captioner: Captioner | None = None) -> None:
        self.names, self._captioner = tuple(dict.fromkeys(names)), captioner
        self._tower, texts = load(WEIGHTS)
        self._texts = texts
        self._joint = self.told(self.names)
        makers = [text.rpartition(", ")[2] for text in train.texts]
        self.makers = tuple(sorted(set(makers)))
        means: list[Floats] = []
        for maker in self.makers:
            rows = [i for i, made in enumerate(makers) if made == maker][:_EACH]
            means.append(_unit(self.look(pixels(train.some.at(rows).images)).eye.mean(0)))
        self._means = np.stack(means)

    def look(self, shown: Sequence[Pixels]) -> Looked:
        """Pictures, seen once for all that asks about them."""
        found = image_features(shown)
        return Looked(shown, found[:, :SEEN], self._tower(found))

    def told(self, texts: Sequence[str]) -> Floats:
        """Rows of texts in the joint space."""
        return self._texts(text_encoder("bundled:minilm").embed(list(texts)))

    def describe(self, seen: Looked) -> list[Described]:
        """What pictures show."""
        said = self._captioner.caption(seen.shown) if self._captioner else None
        nearest = (seen.joint @ self._joint.T).argsort(1)[:, ::-1][:, :_NAMES]
        makers = (seen.eye @ self._means.T).argmax(1)
        found: list[Described] = []
        for i, picture in enumerate(seen.shown):
            names = tuple(self.names[n] for n in nearest[i])
            names = (said[i], *names) if said and said[i] else names
            found.append(Described(names, tuple(colours(picture)), shape(picture), self.makers[makers[i]]))
        return found


def revised(wanted: Described, drawn: Described) -> Described:
    """Other words for `wanted`, after `drawn`, what the picture shows that was drawn of them: colours that are missing are stressed, and where
    it is taken for something that `wanted` may not be, the next name is tried. The same words where nothing is found wrong: another picture
    of them may still be nearer."""
    missing = tuple(colour for colour in wanted.colours if colour not in drawn.colours)
    if drawn.names[0] in wanted.names:
        return replace(wanted, stressed=missing)
    return replace(wanted, stressed=missing, at=(wanted.at + 1) % len(wanted.names))


def _unit(row: Floats) -> Floats:
    return np.asarray(row / np.linalg.norm(row), np.float32)
