"""Mixture-of-Mamba: a Mamba model whose projections are apart for each modality, against the dense one with as many FLOPs a token.

Liang et al. 2025, arXiv 2501.16295, in its three settings: Transfusion (words, and continuous image tokens learnt by denoising),
Chameleon (words, and codes of images in one vocabulary), and three modalities (codes of speech as well); and the projections taken apart
one at a time (section 3.5).

Here words and images are of manuals, in their order; captions, pictures and recordings are of Tux Paint's stamps. Image tokens are
patches' principal components or the nearest of their k means, speech is the nearest of k means of 25 spectra a second. How many FLOPs the
dense model's loss takes is read off curves of losses on documents (stamps) held out, at a constant rate. Images are noised by rectified
flow in place of DDPM.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.corpus.pixels import thumbnail
from limner.errors import MediaError
from limner.models.heads.codes import CodesHead
from limner.models.heads.flow import FlowHead, FlowSettings
from limner.models.interleaved import ImageHead, Interleaved, Marks
from limner.models.mamba import PROJECTIONS, Mamba, MambaSettings
from limner.models.reader import Reader, Reading, fitted
from limner.models.sequence import IGNORED, IMAGE, Packed, Piece, collate, cut, packs, words
from limner.models.sequence import Sequence as Whole
from limner.models.vocabulary import Vocabulary
from limner.pipeline import load as plan
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built
from limner.recipes.talk import sound, stamps
from limner.recipes.untrained import Means, PatchCodes, Patches, PatchVectors, spectrum
from limner.sources.pairs import part
from limner.train.batches import Held, Packing
from limner.train.method import pictures
from limner.train.schedule import Schedule
from limner.train.speed import operations
from limner.train.trainer import Fit, fit

SPEECH = 2
NAMES = {0: "text", IMAGE: "image", SPEECH: "speech"}
_STAMPS = "tuxpaint-stamps"
_CHANNELS, _PATCH = 16, 4


@dataclass(frozen=True)
class Settings:
    """What is trained on what.

    `data`       manuals, and the stamps; `languages` of what is said of stamps
    `most`       documents of manuals, and stamps of a language, at most
    `vocabulary`, `entries`, `side`  word pieces, codes of images and of speech, pixels of a side of images
    `context`, `tokens`, `steps`     tokens of a sequence and of a batch at most, batches
    `points`     times that held-out losses are taken, of `held` tokens
    `settings`   of the paper's
    """

    data: tuple[str, ...] = ("gimp-help-en", "skimage-doc", _STAMPS)
    languages: tuple[str, ...] = ("fr", "es", "ca", "ro")
    most: int = 400
    vocabulary: int = 2_048
    entries: int = 256
    side: int = 32
    width: int = 128
    layers: int = 4
    state: int = 8
    context: int = 512
    tokens: int = 1_024
    steps: int = 150
    points: int = 6
    held: int = 8_192
    rate: float = 2e-3
    settings: tuple[str, ...] = ("transfusion", "chameleon", "three")


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A setting: sequences to train on and held out, and what images are."""

    train: tuple[Whole, ...]
    held: tuple[Whole, ...]
    marks: Marks
    vocabulary: int
    modalities: int
    vectors: PatchVectors | None = None
    codes: tuple[PatchCodes, int] | None = None

    def model(self, settings: Settings, apart: tuple[str, ...]) -> Interleaved:
        """The model with these projections apart."""
        s, side = settings, settings.side // _PATCH
        backbone = Mamba(MambaSettings(s.width, s.layers, state=s.state, copies=self.modalities if apart else 1, apart=apart))
        head: nn.Module | None = None
        if self.vectors is not None:
            head = FlowHead(FlowSettings(_CHANNELS, s.width), self.vectors, (side, side))
        elif self.codes is not None:
            head = CodesHead(*self.codes, (side, side))
        return Interleaved(backbone, head, self.marks, self.vocabulary)

    @property
    def channels(self) -> int:
        """Of continuous tokens."""
        return _CHANNELS if self.vectors is not None else 0


@cache
def tasks(settings: Settings) -> dict[str, Task]:
    """The settings that are asked for."""
    found: dict[str, Task] = {}
    if {"transfusion", "chameleon"} & set(settings.settings):
        found |= _manuals(settings)
    if "three" in settings.settings:
        found["three"] = _stamps(settings)
    return {name: found[name] for name in settings.settings}


def _manuals(settings: Settings) -> dict[str, Task]:
    s, side = settings, settings.side // _PATCH
    with built(plan("default"), [name for name in s.data if name != _STAMPS]) as (corpus, _):
        documents = [document for document in corpus if document.images]
        documents = random.Random(0).sample(documents, min(s.most, len(documents)))
        vocabulary = Vocabulary.learnt((text.text for d in documents for text in d.texts), s.vocabulary)
        patches = Patches(pictures(corpus, s.side, 2_000), _PATCH, _CHANNELS)
        vectors, codes = PatchVectors(patches), PatchCodes(patches, s.entries)
        heads: dict[str, Any] = {
            "transfusion": FlowHead(FlowSettings(_CHANNELS, 8), vectors, (side, side)),
            "chameleon": CodesHead(codes, vocabulary.size, (side, side)),
        }
        found: dict[str, Task] = {}
        for name, head in heads.items():
            reader = Reader(vocabulary, head, Reading(s.side))
            read: dict[str, list[Whole]] = {"train": [], "held": []}
            for document in documents:
                side_of = "train" if part(document.id) == "train" else "held"
                for whole in reader.read(document, corpus.media):
                    # A stretch without any image would make a batch that has only words.
                    read[side_of] += [some for some in cut(whole, s.context) if any(p.modality == IMAGE for p in some.pieces)]
            parts = (tuple(read["train"]), tuple(read["held"]), vocabulary.marks)
            if name == "transfusion":
                found[name] = Task(*parts, vocabulary.size, 2, vectors=vectors)
            else:
                found[name] = Task(*parts, vocabulary.size + s.entries, 2, codes=(codes, vocabulary.size))
    return found


def _stamps(settings: Settings) -> Task:
    """A caption, its picture as codes, its recording as codes: one sequence for each stamp and language."""
    s = settings
    given = [stamp for language in s.languages for stamp in stamps(language, s.most)]
    vocabulary = Vocabulary.learnt((stamp.text for stamp in given), s.vocabulary)
    shown: dict[str, Any] = {}
    for stamp in given:
        if stamp.name not in shown and stamp.picture is not None:
            try:
                shown[stamp.name] = fitted(thumbnail(stamp.picture.read_bytes(), s.side), s.side)
            except MediaError:
                continue
    images = PatchCodes(Patches(list(shown.values()), _PATCH, _CHANNELS), s.entries)
    heard = [spectrum(sound(stamp.recording)) for stamp in given]
    speech = Means.of(np.concatenate(heard), s.entries)
    marks, side = vocabulary.marks, s.side // _PATCH
    codes = {name: Piece(images.encoded(p).reshape(-1) + vocabulary.size, IMAGE, 1.0, side, side) for name, p in shown.items()}
    read: dict[str, list[Whole]] = {"train": [], "held": []}
    for stamp, frames in zip(given, heard, strict=True):
        if stamp.name in codes:
            said = Piece(speech(frames)[: s.context // 2] + vocabulary.size + s.entries, SPEECH)
            pieces = (
                words([marks.start], 0.0), words(vocabulary.encode(stamp.text)[: s.context // 4]), words([marks.image]), codes[stamp.name],
                words([marks.closed], 0.0), said, words([marks.end]),
            )  # fmt: skip
            read["train" if part(stamp.name) == "train" else "held"].append(Whole(pieces, stamp.name))
    return Task(
        tuple(read["train"]), tuple(read["held"]), marks, vocabulary.size + 2 * s.entries, 3, codes=(images, vocabulary.size)
    )


Curve = dict[str, list[float]]
"""The held-out losses of each modality at even steps."""


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train the dense model and the mixture in each setting on the same batches, and in Chameleon's those with one projection apart."""
    s = settings
    for name, task in tasks(s).items():
        for modality, count in _tokens(task.train).items():
            yield Measurement(f"{name}.{modality}.tokens", count, note="to train on")
        ways: dict[str, tuple[str, ...]] = {"dense": (), "mixture": PROJECTIONS}
        if name == "chameleon":
            ways |= {projection: (projection,) for projection in PROJECTIONS}
        curves = {way: trained(task, s, apart, seed) for way, apart in ways.items()}
        for way in ways:
            for modality, losses in curves[way].items():
                yield Measurement(
                    f"{name}.{way}.{modality}",
                    losses[-1],
                    "" if (name, modality) == ("transfusion", "image") else "nats",
                    "held-out loss at the end",
                )
        for modality, losses in curves["mixture"].items():
            share = reached(curves["dense"][modality], losses)
            yield Measurement(
                f"{name}.mixture.{modality}.flops", share, "%", "of the dense model's FLOPs, to its loss at the end"
            )
        torch.manual_seed(seed)
        for way in ("dense", "mixture"):
            model, batch = task.model(s, ways[way]), collate(task.held[:2], task.channels)
            flops = operations(lambda model=model, batch=batch: model(batch)) / len(batch)
            yield Measurement(f"{name}.{way}.flops", flops, "FLOPs", "of multiplications, a token forward")
            yield Measurement(f"{name}.{way}.weights", sum(p.numel() for p in model.parameters()))


def trained(task: Task, settings: Settings, apart: tuple[str, ...], seed: int) -> Curve:
    """The curve of a model."""
    s = settings
    torch.manual_seed(seed)
    model = task.model(s, apart)
    held = [collate([task.held[i] for i in some], task.channels) for some in packs([len(w) for w in task.held], s.tokens)]
    held = [held[i] for i in np.random.default_rng(0).permutation(len(held))[: max(s.held // s.tokens, 1)]]
    curve: Curve = {}

    def tell(line: Mapping[str, Any]) -> None:
        for modality, loss in told(model, held).items():
            curve.setdefault(modality, []).append(loss)

    batches = Packing(Held(task.train, seed), s.tokens, s.context, channels=task.channels, seed=seed)
    schedule = Schedule("constant", warm=max(s.steps // 10, 1))
    fit(model, batches, Fit(s.steps, s.rate, schedule=schedule, log=max(s.steps // s.points, 1), seed=seed), tell=tell)
    return curve


@torch.no_grad()
def told(model: Interleaved, held: Sequence[Packed]) -> dict[str, float]:
    """The mean loss of each modality over held-out batches; noise is the same every time."""
    sums: dict[str, list[float]] = {}
    device = next(model.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        for batch in held:
            batch = batch.to(device)
            states = model.states(batch)
            at = batch.labels_T != IGNORED
            loss = functional.cross_entropy(model.logits(states[at]).float(), batch.labels_T[at], reduction="none")
            of = batch.modality_T.roll(-1)[at]  # a label is of the modality of the token that it is
            for modality, name in NAMES.items():
                _add(sums, name, loss[of == modality])
            if isinstance(model.image, FlowHead):
                head = cast("ImageHead", model.image)
                _add(sums, "image", head.losses(states, batch)["flow"], head.counts(batch)["flow"])
    return {name: total / count for name, (total, count) in sums.items() if count}


def _add(sums: dict[str, list[float]], name: str, losses: Tensor, count: float | None = None) -> None:
    held = sums.setdefault(name, [0.0, 0.0])
    held[0] += float(losses.sum())
    held[1] += losses.numel() if count is None else count


def reached(dense: Sequence[float], other: Sequence[float]) -> float:
    """Percent of the steps after which the other model has the loss that the dense one has at its end. Above 100 where it ends higher:
    its steps as a percentage of those that the dense model takes to the loss at its end.

    >>> reached([4.0, 3.0, 2.0], [4.0, 2.0, 1.0]), reached([4.0, 2.0, 1.0], [4.0, 3.0, 2.0])
    (66.66666666666667, 150.0)
    """
    if other[-1] > dense[-1]:
        return 1e4 / reached(other, dense)
    for at, loss in enumerate(other):
        if loss <= dense[-1]:
            before = other[at - 1] if at else loss
            part = (before - dense[-1]) / (before - loss) if before > loss else 1.0
            return 100 * (at + part) / len(other)
    raise AssertionError("a curve whose end is low enough crosses")


def _tokens(sequences: Sequence[Whole]) -> dict[str, int]:
    found: dict[str, int] = {}
    for sequence in sequences:
        for piece in sequence.pieces:
            name = NAMES[piece.modality]
            found[name] = found.get(name, 0) + len(piece)
    return found


def _claims() -> Iterator[Claim]:
    papers = {
        ("transfusion", "image"): "34.76 % of the FLOPs at 1.4B", ("transfusion", "text"): "less gain than images have",
        ("chameleon", "image"): "42.50 % of the FLOPs at 1.4B", ("chameleon", "text"): "65.40 % of the FLOPs at 1.4B",
        ("three", "speech"): "24.80 % of the FLOPs at 1.4B", ("three", "image"): "lower losses too", ("three", "text"): "lower losses too",
    }  # fmt: skip
    for (name, modality), paper in papers.items():
        yield Claim(
            f"{name}-{modality}", f"{name}: with projections apart the loss of {modality} ends lower", paper, "held-out loss, same FLOPs and batches",
            better=f"{name}.mixture.{modality}", worse=f"{name}.dense.{modality}", lower=True, effect=0.02,
        )  # fmt: skip
        yield Claim(
            f"{name}-{modality}-flops", f"{name}: the dense model's loss of {modality} takes fewer FLOPs", paper,
            "percent of the dense model's FLOPs", better=f"{name}.mixture.{modality}.flops", at_most=100.0,
        )  # fmt: skip
    for projection in PROJECTIONS:
        for modality in ("text", "image"):
            yield Claim(
                f"joint-over-{projection}-{modality}", f"all projections apart gain more than {projection}_proj alone ({modality})",
                "joint decoupling yields greater gains than single ones (section 3.5)", "held-out loss, Chameleon setting",
                better=f"chameleon.mixture.{modality}", worse=f"chameleon.{projection}.{modality}", lower=True, effect=0.01,
            )  # fmt: skip


RECIPE = Recipe(
    slug="mixture-of-mamba",
    title="Mixture-of-Mamba: projections of a state space model apart for each modality",
    reference="Liang et al. 2025, arXiv 2501.16295",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=(_STAMPS,), languages=("fr",), most=40, vocabulary=300, entries=16, side=16, width=16, layers=1, state=4, steps=4, points=2,
            held=512, tokens=512, settings=("three",),
        ),
        "laptop": Settings(),
        "gpu": Settings(width=768, layers=24, state=16, tokens=16_384, context=2_048, steps=5_000, points=50, held=131_072, rate=6e-4),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("FLOPs to the dense model's loss (%)", "{row}.mixture.{series}.flops", ("text", "image", "speech")),
        Panel("Held-out loss in the Chameleon setting, by what is apart", "chameleon.{row}.{series}", ("text", "image"), relative=True),
    ],
)  # fmt: skip
