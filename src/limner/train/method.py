"""How a model of interleaved documents is made from a corpus: its words learnt, then its image tokenizer, then the model; each part once.

What has been finished in the folder of a run is not done again, and what was cut off goes on, so the same call after a kill comes to the same model.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from limner.corpus import Corpus
from limner.corpus.pixels import Pixels, thumbnail
from limner.document import Document
from limner.errors import LimnerError, MediaError
from limner.models import saved
from limner.models.composed import Composition, composed, image_tokenizer
from limner.models.heads.vectors import spread
from limner.models.reader import Media, Reader, Reading, fitted
from limner.models.saved import Trained
from limner.models.sequence import Sequence
from limner.models.vocabulary import FILE, Vocabulary
from limner.train.batches import Packing, Streamed
from limner.train.curve import draw
from limner.train.imagetokenizer import TokenizerTraining, Weights, dealt, vectors
from limner.train.objectives.diffusion import flow
from limner.train.parallel import ranks
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, Fitted, fit

Tell = Callable[[str, Mapping[str, Any]], None]
"""Called with the name of a stage and a line of its log."""

SETTINGS = "method.json"


@dataclass(frozen=True)
class Method:
    """All settings of a run.

    `made`      what the model is made of; `reading` how documents are read, whose `side` is the image tokenizer's
    `stages`    of the model's training, by name: how it is trained, and what of documents counts (None: as `reading` says)
    `tokens`    of a batch, `context` of a sequence at most
    `pictures`  how the image tokenizer is trained, on batches of `batch` of at most `most` images
    """

    made: Composition = field(default_factory=Composition)
    reading: Reading = field(default_factory=Reading)
    stages: tuple[tuple[str, Fit, Reading | None], ...] = (("all", Fit(), None),)
    tokens: int = 2_048
    context: int = 1_024
    pictures: Fit = field(default_factory=lambda: Fit(steps=1_000, rate=1e-3, schedule=Schedule(warm=50)))
    weights: Weights = field(default_factory=Weights)
    batch: int = 64
    most: int = 20_000
    seed: int = 0


@dataclass(frozen=True)
class Taught:
    """A model, and what its stages came to."""

    trained: Trained
    fitted: Mapping[str, Fitted]
    unread: int


def teach(method: Method, corpus: Corpus, folder: Path, tell: Tell = lambda stage, line: None, source: str = "") -> Taught:
    """Make a model from a corpus in a folder, or finish one that was begun there with the same settings. `source` says in its card what
    it was made by.

    Raises `LimnerError` where the folder has a run with other settings, or the corpus has nothing to learn from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _same(method, folder)
    side = method.made.pictures.side
    method = replace(method, reading=replace(method.reading, side=side))
    vocabulary = _words(method, corpus, folder)
    tokenizer, shown = _tokenizer(method, corpus, folder, tell)
    found = None if method.made.head == "codes" else spread(vectors(tokenizer, shown[:1_000]))
    torch.manual_seed(method.seed)
    model = composed(method.made, vocabulary.size, vocabulary.marks, tokenizer, found, flow)
    trained = Trained(model, vocabulary, tokenizer, method.made, method.reading, found)
    unread = 0

    def told(document: Document, error: LimnerError) -> None:
        nonlocal unread
        unread += 1

    fitted_: dict[str, Fitted] = {}
    among = ranks()
    for name, settings, reading in method.stages:
        reader = Reader(vocabulary, trained.reader.head, replace(reading, side=side) if reading else method.reading)

        def reads(document: Document, media: Media, reader: Reader = reader) -> list[Sequence]:
            return list(reader.read(document, media))

        source_ = Streamed(corpus, reads, method.seed, among.rank, among.world, told)
        channels = 0 if method.made.head == "codes" else method.made.pictures.channels
        batches = Packing(source_, method.tokens, method.context, channels=channels, seed=method.seed)
        fitted_[name] = fit(
            model, batches, replace(settings, seed=method.seed), folder / name, tell=lambda line, name=name: tell(name, line)
        )
        if among.rank == 0:
            draw(fitted_[name].lines, folder / f"{name}.svg", name)
    if among.rank == 0:
        saved.save(trained, folder, card(method, fitted_, corpus, source))
    return Taught(trained, fitted_, unread)


def _same(method: Method, folder: Path) -> None:
    stated = json.loads(json.dumps(asdict(method)))
    path = folder / SETTINGS
    if path.is_file():
        if json.loads(path.read_text("utf-8")) != stated:
            raise LimnerError(f"{folder} has a run with other settings; name another folder, or remove it")
    elif ranks().rank == 0:
        waiting = path.with_name(f".{SETTINGS}.{os.getpid()}")  # a kill while it is written leaves none, and not half of it
        waiting.write_text(json.dumps(stated, indent=1) + "\n", "utf-8")
        os.replace(waiting, path)


def _words(method: Method, corpus: Corpus, folder: Path) -> Vocabulary:
    among = ranks()
    if not (folder / FILE).is_file() and among.rank == 0:
        texts = (text.text for document in corpus for text in document.texts)
        Vocabulary.learnt(texts, method.made.words).save(folder)
    among.wait()
    return Vocabulary.load(folder)


def _tokenizer(method: Method, corpus: Corpus, folder: Path, tell: Tell) -> tuple[Any, list[Pixels]]:
    shown = pictures(corpus, method.made.pictures.side, method.most, method.seed)
    torch.manual_seed(method.seed)
    made = image_tokenizer(method.made.pictures)
    if not shown:
        raise LimnerError("the corpus has no image that can be read; a model that writes images needs some")
    training = TokenizerTraining(made, method.weights)
    place = folder / "image"
    fit(
        training,
        dealt(shown, method.batch, method.seed),
        replace(method.pictures, seed=method.seed),
        place,
        tell=lambda line: tell("image", line),
    )
    return frozen(made), shown


def frozen(module: nn.Module) -> nn.Module:
    """A module that is trained no more."""
    return module.requires_grad_(False).eval().cpu()


def pictures(corpus: Corpus, side: int, most: int, seed: int = 0) -> list[Pixels]:
    """Images of a corpus in squares of `side` pixels: each once, `most` of them drawn."""
    refs = sorted({image.ref for document in corpus for image in document.images if image.ref})
    if len(refs) > most:
        refs = random.Random(seed).sample(refs, most)
    return list(_decoded(corpus, refs, side))


def _decoded(corpus: Corpus, refs: list[str], side: int) -> Iterator[Pixels]:
    for ref in refs:
        data = corpus.media(ref)
        if data is not None:
            try:
                yield fitted(thumbnail(data, side), side)
            except MediaError:
                continue


def card(method: Method, fitted: Mapping[str, Fitted], corpus: Corpus, source: str) -> str:
    """A model's README: what it is, what it was trained on, how far it came."""
    facts = corpus.facts
    lines = [
        "# A model of interleaved documents",
        "",
        f"Made by limner{f' ({source})' if source else ''}. It reads and writes texts with images in them.",
        "",
    ]
    lines += [
        "| | |",
        "|---|---|",
        f"| images | {method.made.pictures.kind}, {method.made.pictures.side} pixels, head: {method.made.head} |",
    ]
    d = method.made.decoder
    lines.append(f"| decoder | {d.layers} layers of {d.width}, {d.heads} heads, {d.copies} sets of weights |")
    lines.append(f"| documents | {len(corpus):,} |")
    for name, found in fitted.items():
        losses = ", ".join(f"{key} {value:.3f}" for key, value in found.losses.items())
        lines.append(f"| stage {name} | {found.steps:,} steps; at its end {losses} |")
    notes = [str(note) for note in facts.get("notes", ())] if isinstance(facts.get("notes"), list) else []
    lines += ["", "## What it was trained on", "", *(notes or ["The corpus says nothing of its sources' licences."]), ""]
    lines += ["## What it is not", "", "It says and shows what its documents made likely, which need not be so.", ""]
    return "\n".join(lines)
