"""Mogao: words and denoised images in one causal sequence, with weights apart for each modality, two encoders of images, positions whose axes are
interleaved, and guidance by words and by images apart.

Liao et al. 2025, arXiv 2505.05472. Its abstract names the four parts; its scales of guidance and its tables could not be looked up here.

Here documents are made of real emoji and are said to be composed: a name, its picture, what is done to it, the picture after that. What is done
(turned upside down, grey, on blue ...) can be done to any picture, to one that the model has drawn itself too, so whether a second picture
follows the words and keeps the first one can be measured. Vectors are principal components of patches in place of a variational autoencoder's;
the semantic encoder is EfficientNet-Lite0, frozen. As its teacher forcing has it, all images before the last are clean. Unlike there, words
see the vectors of earlier images beside their features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from limner.corpus.pixels import Pixels
from limner.experts.pairs.features import image_features
from limner.models.decoder import Decoder, DecoderSettings
from limner.models.decoding import Control
from limner.models.heads.dual import DualFlowHead, clean, features
from limner.models.heads.flow import FlowSettings
from limner.models.heads.vectors import Floats, pixels
from limner.models.interleaved import Interleaved
from limner.models.positions import Kind, Rotary
from limner.models.sequence import Piece, words
from limner.models.sequence import Sequence as Whole
from limner.models.vocabulary import Vocabulary
from limner.recipes.drawings import Drawings, drawings
from limner.recipes.edits import EDITS, Asked, edited, far, looked_at
from limner.recipes.gains import compared
from limner.recipes.likelihoods import nats
from limner.recipes.naming import written
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.tokenizing import SEEN
from limner.recipes.untrained import Patches, PatchVectors
from limner.train.batches import Held, Packing
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit


@dataclass(frozen=True)
class Settings:
    """Emoji of `side` pixels, at most `most` of each set; patches of `patch` pixels as `channels` numbers, `seen` tokens of features an image.

    `vocabulary`   word pieces
    `steps`, `tokens`, `rate`  of each model's training; `dropped` sequences of an edit have no words, as many nothing before the image
    `asked`, `others`, `strokes`  test pictures that are edited, pictures that each is told from, steps of the flow
    `guided`       the scale of guidance by words, by images, by both; `ways` of `WAYS` that are trained
    """

    data: tuple[str, ...] = ("fluent-emoji", "noto-emoji", "openmoji")
    most: int = 600
    side: int = 24
    patch: int = 8
    channels: int = 16
    seen: int = 4
    vocabulary: int = 768
    width: int = 128
    layers: int = 3
    heads: int = 4
    steps: int = 100
    tokens: int = 2_048
    rate: float = 2e-3
    dropped: float = 0.1
    asked: int = 160
    others: int = 15
    strokes: int = 10
    guided: float = 3.0
    ways: tuple[str, ...] = ("mogao", "1d", "sections")


@dataclass(frozen=True)
class Way:
    """What a model is made of."""

    rotary: Kind = "interleaved"
    copies: int = 2
    dual: bool = True


WAYS = {
    "mogao": Way(), "1d": Way(rotary="1d"), "sections": Way(rotary="sections"), "shared": Way(copies=1), "single": Way(dual=False),
}  # fmt: skip


class Readers:
    """Pictures and words as pieces, with what both encoders find of the training pictures."""

    def __init__(self, s: Settings, train: Drawings, seen: Mapping[str, Floats]) -> None:
        self.vocabulary = Vocabulary.learnt([*train.texts, *EDITS * 100], s.vocabulary)
        shown = pixels(train.some.images)
        some = [edited(picture, edit) for picture, edit in zip(shown, EDITS * len(shown), strict=False)]
        self.vectors = PatchVectors(Patches([*shown, *some], s.patch, s.channels))
        self.s = s
        self.mean, basis = seen["train"].mean(0), np.linalg.svd(seen["train"] - seen["train"].mean(0), full_matrices=False)[2]
        self.basis = basis[: s.seen * s.channels].T
        self.deviation = ((seen["train"] - self.mean) @ self.basis).std(0) + 1e-4

    def features(self, seen_F: Floats) -> Piece:
        """What the semantic encoder says of a picture."""
        return features(((seen_F - self.mean) @ self.basis / self.deviation).reshape(self.s.seen, -1))

    def history(self, head: DualFlowHead, picture: Pixels, seen_F: Floats, dual: bool) -> tuple[Piece, ...]:
        """A picture that was shown, by one encoder or both."""
        marks, piece = self.vocabulary.marks, clean(head.read(picture))
        return (words([marks.image], 0.0), *([self.features(seen_F)] if dual else []), piece, words([marks.closed], 0.0))

    def said(self, text: str, loss: float = 0.0) -> Piece:
        """Words."""
        return words(self.vocabulary.encode(text), loss)

    def model(self, way: Way) -> Interleaved:
        """A model, untrained."""
        s, side = self.s, self.s.side // self.s.patch
        made = DecoderSettings(s.width, s.layers, s.heads, s.heads, s.width * 11 // 4, way.copies, rotary=Rotary(way.rotary))
        head = DualFlowHead(FlowSettings(s.channels, s.width), self.vectors, (side, side))
        return Interleaved(Decoder(made), head, self.vocabulary.marks, self.vocabulary.size)


def sequences(readers: Readers, model: Interleaved, way: Way, train: Drawings, seen: Floats, seed: int) -> list[Whole]:
    """Of each picture: its name and it, it and its name, and each edit, some without words and some without anything before."""
    marks, head = readers.vocabulary.marks, _head(model)
    start, asks, end = words([marks.start], 0.0), words([marks.image], 0.0), words([marks.end], 0.0)
    draw, found = np.random.default_rng(seed), list[Whole]()
    for text, picture, seen_F in zip(train.texts, pixels(train.some.images), seen, strict=True):
        history, name = readers.history(head, picture, seen_F, way.dual), readers.said(text)
        found.append(Whole((start, name, asks, head.read(picture), end)))
        found.append(Whole((start, *history, readers.said(text, 1.0), words([marks.end]))))
        for edit in EDITS:
            after, chance = head.read(edited(picture, edit)), draw.random() / readers.s.dropped
            before = (name, *history, readers.said(edit)) if chance >= 2 else history[1:-1] if chance >= 1 else ()
            found.append(Whole((start, *before, asks, after, end)))
    return found


def _head(model: Interleaved) -> DualFlowHead:
    return cast("DualFlowHead", model.image)


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train each way on the same documents, draw and read with it; the whole model with each guidance. `seed` draws weights, order, edits, noise."""
    s = settings
    parts = drawings(s.data, s.side, s.most)
    seen = looked_at(s.data, s.side, s.most)
    train, test = parts["train"], parts["test"]
    at = np.unique(np.linspace(0, len(test.texts) - 1, min(s.asked, len(test.texts))).round().astype(int))
    asked = Asked(test.spread(s.asked), seen["test"][at], np.random.default_rng([seed, 1]), s.others)
    readers = Readers(s, train, seen)
    yield Measurement("pictures", len(train.texts), note="that are trained on; no concept of the test part is among them")
    left = [readers.vectors.decoded(readers.vectors.encoded(picture)) for picture in asked.truth]
    yield Measurement(
        "components",
        float(far(np.stack(left), np.stack(asked.truth)).mean()),
        "",
        "squared distance that patches' components leave",
    )
    judged: dict[str, dict[str, Floats]] = {}
    named: dict[str, Floats] = {}
    held: dict[bool, list[Whole]] = {}
    for name in s.ways:
        way = WAYS[name]
        torch.manual_seed(seed)
        model = readers.model(way)
        yield Measurement(f"{name}.parameters", sum(p.numel() for p in model.parameters()) / 1e6, "million")
        if way.dual not in held:
            held[way.dual] = sequences(readers, model, way, train, seen["train"], seed)
        batches = Packing(Held(held[way.dual], seed), s.tokens, channels=s.channels, seed=seed)
        schedule = Schedule(warm=max(s.steps // 10, 1))
        ended = fit(model, batches, Fit(s.steps, s.rate, schedule=schedule, log=s.steps, seed=seed))
        yield Measurement(f"{name}.flow", ended.losses["flow"], "", "loss of velocities at the end of training")
        named[name] = _named(readers, model, way, asked)
        for text, image in [(t, i) for t in (1.0, s.guided) for i in (1.0, s.guided)] if name == "mogao" else [(s.guided, 1.0)]:
            control = Control(steps=s.strokes, text_guidance=text, image_guidance=image)
            drawn = _drawn(readers, model, way, asked, (asked.shown, asked.seen), control, seed)
            guidance = {(1.0, 1.0): "none", (s.guided, 1.0): "words", (1.0, s.guided): "image", (s.guided, s.guided): "both"}[
                text, image
            ]
            judged[f"{name}.{guidance}"] = {**asked.judged(drawn, asked.shown), "far": 100 * far(drawn, np.stack(asked.truth))}
        control = Control(steps=s.strokes, text_guidance=s.guided)
        first = list(_drawn(readers, model, way, asked, None, control, seed))
        second = _drawn(readers, model, way, asked, (first, image_features(first)[:, :SEEN]), control, seed)
        judged[f"{name}.own"] = asked.judged(second, first)
    for key, values in judged.items():
        for figure, value in values.items():
            yield Measurement(f"{key}.{figure}", float(value.mean()), "%", FIGURES[figure])
    for key, better, worse, figure in COMPARED:
        if better in judged and worse in judged:
            pair = judged[better][figure], judged[worse][figure]
            yield from compared(key, *pair, ("first", "second"), "%", FIGURES[figure], lower=figure in ("far", "repeated"))
    if "single" in named:
        both, single = named["mogao"], named["single"]
        yield from compared("names", both, single, ("both", "vectors"), "nats", "a token of a test picture's name", lower=True)


FIGURES = {
    "followed": "second pictures that the edit asked for explains best",
    "repeated": "second pictures that are nearest to the first as it was",
    "kept": "other pictures with that edit that are farther; 50 is chance",
    "far": "of the greatest squared distance, from the true second picture",
}
COMPARED = (
    ("guided.words", "mogao.words", "mogao.none", "followed"),
    ("guided.image", "mogao.image", "mogao.none", "kept"),
    ("guided.near", "mogao.words", "mogao.none", "far"),
    ("guided.apart", "mogao.words", "mogao.both", "repeated"),
    ("guided.apart.followed", "mogao.words", "mogao.both", "followed"),
    *((f"{name}.{figure}", f"mogao.{made}", f"{name}.{made}", figure)
      for name in list(WAYS)[1:] for made, figure in (("words", "far"), ("own", "followed"), ("own", "kept"))),
)  # fmt: skip
"""Names of comparisons, what is compared, and in which figure."""


def _drawn(
    readers: Readers, model: Interleaved, way: Way, asked: Asked, first: tuple[Sequence[Pixels], Floats] | None, control: Control, seed: int
) -> NDArray[np.uint8]:  # fmt: skip
    """First pictures of names, or second ones after first ones."""
    marks, head = readers.vocabulary.marks, _head(model)
    prompts: list[Whole] = []
    for i, (text, edit) in enumerate(zip(asked.texts, asked.edits, strict=True)):
        begun: tuple[Piece, ...] = (words([marks.start], 0.0), readers.said(text))
        if first is not None:
            begun = (*begun, *readers.history(head, first[0][i], first[1][i], way.dual), readers.said(edit))
        prompts.append(Whole((*begun, words([marks.image], 0.0))))
    control = replace(control, tokens=0, least=1, most=1, seed=seed)
    found = {w.sequence: w.image for w in written(model, prompts, control) if w.image is not None}
    return np.stack([found[i] for i in range(len(prompts))])


def _named(readers: Readers, model: Interleaved, way: Way, asked: Asked) -> Floats:
    """Nats a token of the names of test pictures."""
    marks, head, found = readers.vocabulary.marks, _head(model), list[Whole]()
    for text, picture, seen_F in zip(asked.texts, asked.shown, asked.seen, strict=True):
        history = readers.history(head, picture, seen_F, way.dual)
        found.append(Whole((words([marks.start], 0.0), *history, readers.said(text, 1.0))))
    told = nats(model, found, readers.s.channels)
    return told[:, 0] / told[:, 1]


def _claims() -> Iterator[Claim]:
    guidance = "multi-modal classifier-free guidance (abstract; no figure at hand)"
    rotary = "interleaved rotary positions (abstract; no figure at hand)"
    dual, deep = "dual vision encoders (abstract; no figure at hand)", "deep fusion (abstract; no figure at hand)"
    of = "composed documents of unseen concepts, paired over pictures"
    for key, statement, paper, measured, effect in (
        ("guided.words", "guidance by words makes second pictures follow the words", guidance, "edits followed, %", 5.0),
        ("guided.image", "guidance by the image makes them keep the first picture", guidance, "other pictures that are farther, %", 2.0),
        ("guided.near", "guidance by words brings them nearer to the true ones", guidance, "squared distance, % of the greatest", 0.5),
        ("guided.apart", "guided by words alone fewer repeat the first than with that scale for both", guidance, "repeated, %", 2.0),
        ("guided.apart.followed", "and more follow the words", guidance, "edits followed, %", 5.0),
        ("1d.far", "interleaved axes draw nearer than positions in a line", rotary, "squared distance, % of the greatest", 0.5),
        ("sections.far", "and than axes in sections of a head", rotary, "squared distance, % of the greatest", 0.5),
        ("1d.followed", "where the first picture is its own, more follow the words than with positions in a line", rotary, "edits followed, %", 5.0),
        ("sections.followed", "and than with axes in sections of a head", rotary, "edits followed, %", 5.0),
        ("1d.kept", "its own first picture is kept better than with positions in a line", rotary, "other pictures that are farther, %", 2.0),
        ("sections.kept", "and than with axes in sections of a head", rotary, "other pictures that are farther, %", 2.0),
        ("shared.far", "weights apart for each modality draw nearer than shared ones", deep, "squared distance, % of the greatest", 0.5),
        ("single.far", "both encoders draw nearer than the vectors alone", dual, "squared distance, % of the greatest", 0.5),
        ("names", "both encoders name pictures better than the vectors alone", dual, "nats a token of names", 0.05),
    ):  # fmt: skip
        yield Claim(key.replace(".", "-"), statement, paper, f"{measured}; {of}", within=key, effect=effect)


RECIPE = Recipe(
    slug="mogao",
    title="Mogao: words and denoised images in one causal sequence, guided by both",
    reference="Liao et al. 2025, Mogao: An Omni Foundation Model for Interleaved Multi-Modal Generation, arXiv 2505.05472",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("fluent-emoji",), most=60, side=16, channels=4, seen=1, vocabulary=280, width=24, layers=1, heads=2, steps=2, tokens=256, asked=4,
            others=2, strokes=2, ways=tuple(WAYS),
        ),
        "laptop": Settings(),
        "gpu": Settings(
            most=0, side=64, patch=4, vocabulary=4_096, width=768, layers=12, heads=12, steps=20_000, tokens=32_768, rate=6e-4, asked=640, strokes=50,
            ways=tuple(WAYS),
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Second pictures by guidance (%)", "mogao.{row}.{series}", ("followed", "repeated", "kept")),
        Panel("From a name alone, by what the model is made of (%)", "{row}.own.{series}", ("followed", "repeated", "kept")),
    ],
)  # fmt: skip
