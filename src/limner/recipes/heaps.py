"""Documents as two heaps, images and sentences, with frozen features of both, and what is known of where they stood."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from limner.corpus import Corpus
from limner.corpus.pixels import Pixels, thumbnail
from limner.curate.unpaired import Rules, around, distinct, found, same
from limner.document import Document
from limner.errors import MediaError
from limner.experts.encoder import encoder
from limner.experts.image_encoder import bundled
from limner.experts.imagenet import names
from limner.experts.onnx import Floats
from limner.experts.pairs.encoder import TEXTS, WEIGHTS
from limner.experts.pairs.features import SIDE, image_features
from limner.experts.pairs.towers import load
from limner.experts.text_encoder import text_encoder
from limner.pipeline import load as plan
from limner.recipes.stages import built
from limner.sources.pairs import Pair, pairs, part

_BATCH = 64
_SEEN = 1280  # of the features, those that a network sees; the rest are colours
_ALIKE = 0.98  # cosine of what the network sees, from which an image repeats another
_CAPTION = (2, 60)
_TAGS = 3
OWN = "bundled:limner-pairs"

T = TypeVar("T")


@dataclass(frozen=True)
class Shown:
    """An image of a document: what is said of it (its caption, else its alternative text), the text before it, sentences beside it."""

    document: str
    kind: str
    said: str
    before: str
    captioned: bool
    beside: tuple[str, ...]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heaps:
    """N images and S sentences, unpaired.

    `features` N x F and `seen` N x D are images as towers and as the joint encoder take them; `said` and `before` N x E the texts known of them.
    `rows` S x E and `joint` S x D are the sentences; `trained` whether a sentence stands in a document that is trained on;
    `beside` the numbers of the sentences in the texts before and after each image. `counts` are what was left after each step.
    """

    images: tuple[Shown, ...]
    sentences: tuple[str, ...]
    trained: NDArray[np.bool_]
    beside: tuple[NDArray[np.intp], ...]
    features: Floats
    seen: Floats
    said: Floats
    before: Floats
    rows: Floats
    joint: Floats
    counts: dict[str, int]

    def at(self, which: str) -> NDArray[np.intp]:
        """The numbers of the images of documents in that part of the split."""
        return np.array([i for i, shown in enumerate(self.images) if dealt(shown.document) == which], np.intp)


@dataclass(frozen=True)
class Strangers:
    """Pairs that no document has: pictures (features N x F), the texts that name them (N x E)."""

    pairs: tuple[Pair, ...]
    features: Floats
    texts: Floats


def dealt(document: str) -> str:
    """In which part of the split a document is: 55 % `train`, 10 % `tune`, 35 % `test`."""
    place = int.from_bytes(sha256(document.encode()).digest()[:4]) / 2**32
    return "train" if place < 0.55 else "tune" if place < 0.65 else "test"


@dataclass
class _Reading:
    """What is gathered of documents, a corpus after the other."""

    rules: Rules
    images: list[Shown] = field(default_factory=list[Shown])
    features: list[Floats] = field(default_factory=list[Floats])
    seen: list[Floats] = field(default_factory=list[Floats])
    sentences: dict[str, str] = field(default_factory=dict[str, str])
    trained: set[str] = field(default_factory=set[str])
    refs: set[str] = field(default_factory=set[str])
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("images.read", "images.sized", "images.told", "sentences.read", "sentences.kept", "sentences.once"), 0
        )
    )


def heaps(data: Sequence[str], images: int, sentences: int, address: str, rules: Rules = Rules()) -> Heaps:  # noqa: B008
    """The heaps of data sets, at most so many images and sentences of each; `address` is the joint encoder's. Sentences beside images are
    preferred, so that what is looked for is there. English."""
    reading = _Reading(rules)
    for name in data:
        with built(plan("default"), (name,)) as (corpus, _):
            _read(corpus, name, reading, images, sentences, address)
    features, seen = np.concatenate(reading.features), np.concatenate(reading.seen)
    # An image that repeats another, in another document, would be asked for and trained on.
    left = distinct(features[:, :_SEEN], _ALIKE)
    kept = [reading.images[i] for i in left]
    reading.counts["images.distinct"], reading.counts["sentences.used"] = len(left), len(reading.sentences)
    number = {key: i for i, key in enumerate(reading.sentences)}
    beside = tuple(np.array([number[key] for key in shown.beside if key in number], np.intp) for shown in kept)
    texts = tuple(reading.sentences.values())
    rows = embedded(texts)
    joint = load(WEIGHTS)[1](rows) if address == OWN else encoder(address).embed_texts(texts)
    return Heaps(
        tuple(kept), texts, np.array([key in reading.trained for key in reading.sentences]), beside, features[left], seen[left],
        embedded([shown.said for shown in kept]), embedded([shown.before for shown in kept]), rows, joint, reading.counts,
    )  # fmt: skip


def embedded(texts: Sequence[str]) -> Floats:
    """N x E by the encoder of texts whose features towers take."""
    return text_encoder(TEXTS).embed(list(texts))


def strangers(name: str, which: str, most: int) -> Strangers:
    """The pairs of a set whose concepts are in that part of its split, `most` of them drawn."""
    given = [pair for pair in pairs(name) if part(pair.concept) == which]
    given = given if len(given) <= most else random.Random(0).sample(given, most)
    kept: list[Pair] = []
    rows: list[Floats] = []
    for batch, pixels in _decoded((pair, pair.image) for pair in given):
        kept += [replace(pair, image=b"") for pair in batch]
        rows.append(image_features(pixels))
    return Strangers(tuple(kept), np.concatenate(rows), embedded([pair.text for pair in kept]))


def _read(corpus: Corpus, name: str, reading: _Reading, images: int, sentences: int, address: str) -> None:
    here: dict[str, str] = {}
    shown: list[tuple[Shown, str]] = []
    for document in corpus:
        if document.language.partition("-")[0] in ("", "en"):
            _sentences(document, reading, here)
            shown += _images(document, name, reading)
    if len(shown) > images:
        shown = random.Random(0).sample(shown, images)
    first = dict.fromkeys(key for one, _ in shown for key in one.beside if key in here)
    others = [key for key in here if key not in first]
    random.Random(0).shuffle(others)
    for key in [*first, *others][:sentences]:
        reading.sentences.setdefault(key, here[key])
    network = bundled("efficientnet-lite0")
    for batch, pixels in _decoded((one, corpus.media(ref) or b"") for one, ref in shown):
        features, classes = image_features(pixels), network.classes(pixels)
        reading.features.append(features)
        reading.seen.append(load(WEIGHTS)[0](features) if address == OWN else encoder(address).embed_images(pixels))
        for one, row in zip(batch, classes, strict=True):
            tags = tuple(names()[i][0] for i in np.argsort(-row)[:_TAGS])
            reading.images.append(replace(one, tags=tags))


def _sentences(document: Document, reading: _Reading, here: dict[str, str]) -> None:
    trained = dealt(document.id) == "train"
    for text in document.texts:
        for sentence in found(text):
            reading.counts["sentences.read"] += 1
            if not reading.rules.sentence(sentence):
                continue
            reading.counts["sentences.kept"] += 1
            key = same(sentence)
            if key not in here:
                here[key] = sentence
                reading.counts["sentences.once"] += 1
            if trained:
                reading.trained.add(key)


def _images(document: Document, name: str, reading: _Reading) -> Iterator[tuple[Shown, str]]:
    """The images of a document that something is said of and a text stands before, with the names of their files."""
    for image in document.images:
        reading.counts["images.read"] += 1
        if not image.ref or image.ref in reading.refs or not reading.rules.image(image):
            continue
        reading.refs.add(image.ref)
        reading.counts["images.sized"] += 1
        captions = [" ".join(text.text.split()) for text in document.captions(image.n)]
        said = " ".join(captions) or " ".join(image.alt.split())
        before, after = around(document, image.n)
        if said and before:
            reading.counts["images.told"] += 1
            beside = tuple(
                dict.fromkeys(same(s) for text in (before, after) if text for s in found(text) if reading.rules.sentence(s))
            )
            captioned = len(captions) == 1 and _CAPTION[0] <= len(said.split()) <= _CAPTION[1]
            yield Shown(document.id, name, said, before.text, captioned, beside), image.ref


def _decoded(given: Iterator[tuple[T, bytes]]) -> Iterator[tuple[list[T], list[Pixels]]]:
    """What decodes of files, some at a time."""
    kept: list[T] = []
    pixels: list[Pixels] = []
    for what, data in given:
        try:
            pixels.append(thumbnail(data, SIDE))
        except MediaError:
            continue
        kept.append(what)
        if len(kept) == _BATCH:
            yield kept, pixels
            kept, pixels = [], []
    if kept:
        yield kept, pixels
