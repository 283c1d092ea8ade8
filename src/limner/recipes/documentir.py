"""Whole documents found by one representation that merges those of their sections, pictures and tables included.

Lee et al. 2024, Unified Multimodal Interleaved Document Representation for Retrieval, arXiv 2410.02729: a model that sees embeds each section with
its images and tables; a document is the mean of its sections; a reranker then finds the section. It is fine-tuned there; here encoders are frozen:
texts by a text encoder, pictures by a joint encoder, a document the mean of each.

Questions are what documents themselves say and have been relieved of: a paragraph, or the caption of a figure (with its alternative text). A question
finds its document among all of the corpus. With a picture: the question's picture is taken out of its document as well, and asked along.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.corpus import Corpus
from limner.corpus.pixels import Pixels, thumbnail
from limner.document import Document, Image, Part, Text
from limner.errors import MediaError
from limner.experts.encoder import encoder, unit
from limner.experts.onnx import Floats
from limner.experts.reranker import reranker
from limner.experts.text_encoder import remembering
from limner.pipeline import load
from limner.recipes.gains import compared
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built
from limner.search.units import units

_LEAST_WORDS = 12
_LEAST_CAPTION = 3
_LEAST_FIGURES = 40  # documents with captions
_SIDE = 256
_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2)
_WAYS = ("merged", "text", "pixels", "first", "best", "both")
_NAMES = {"gimp-help-en": "gimp", "sklearn-doc": "sklearn", "opencv-doc": "opencv"}


@dataclass(frozen=True)
class Settings:
    """What is asked of which documents, and who reads them.

    `data`      data sets, each a corpus that is searched by itself
    `documents` most documents of each
    `text`      address of the encoder of texts
    `encoder`   address of the joint encoder of pictures and texts
    `reranker`  address of the reranker of sections, "" for none
    `reranked`  questions whose sections it ranks, in each corpus
    """

    data: tuple[str, ...] = ("gimp-help-en", "sklearn-doc", "opencv-doc")
    documents: int = 600
    text: str = "bundled:minilm"
    encoder: str = "bundled:limner-pairs"
    reranker: str = "language:bundled:smollm2-135m"
    reranked: int = 15


@dataclass(frozen=True)
class Question:
    """What was taken out of a document: a paragraph or a caption, of which section it was (a number among the document's), and whether
    its picture can be asked along."""

    document: int
    text: str
    kind: str
    section: int
    shown: bool = False


@dataclass(frozen=True)
class Read:
    """A corpus as figures; `captioned` of its `documents` have captions.
    `sections`, `bare` and `pictures` are rows for each document: sections with what is said of images, sections without,
    pixels. `said` are the sections' texts. `asked` and `seen` are the questions in the space of texts and in that of pictures."""

    documents: int
    captioned: int
    sections: tuple[Floats, ...]
    bare: tuple[Floats, ...]
    pictures: tuple[Floats, ...]
    said: tuple[tuple[str, ...], ...]
    questions: tuple[Question, ...]
    asked: Floats
    seen: Floats
    shown: Floats
    """The questions' own pictures, rows of zeros where there is none."""


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Take something out of each document, ask for it; `seed` says what, and which half weights are chosen on."""
    for name in settings.data:
        read = _read(name, settings, seed)
        short = _NAMES.get(name, name)
        order = np.random.default_rng(seed).permutation(len(read.questions))
        tune, held = order[: len(order) // 3], order[len(order) // 3 :]
        yield Measurement(f"{short}.documents", read.documents)
        yield Measurement(f"{short}.questions", len(held), note="held out; weights are chosen on half as many others")
        yield from _found(short, read, tune, held)
        if settings.reranker:
            yield from _passages(short, read, held, settings)


def _found(name: str, read: Read, tune: NDArray[np.intp], held: NDArray[np.intp]) -> Iterator[Measurement]:
    """Recall@10 of documents by each representation, and the comparisons."""
    merged, bare = _means(read.sections), _means(read.bare)
    first = np.stack([rows[0] if len(rows) else np.zeros(read.asked.shape[1], np.float32) for rows in read.sections])
    pixels = _means(read.pictures)
    scores = {
        "merged": read.asked @ merged.T,
        "text": read.asked @ bare.T,
        "first": read.asked @ first.T,
        "best": np.stack(
            [(rows @ read.asked.T).max(axis=0) if len(rows) else np.full(len(read.asked), -1.0) for rows in read.sections], axis=1
        ),
    }
    by_pixels, by_picture = read.seen @ pixels.T, read.shown @ pixels.T

    def right(values: Floats, at: NDArray[np.intp], most: int = 10) -> Floats:
        truth = np.array([read.questions[i].document for i in at])
        own = values[at, truth]
        return ((values[at] > own[:, None]).sum(axis=1) < most).astype(np.float32)

    weight = max(_WEIGHTS, key=lambda w: float(right(scores["merged"] + w * by_pixels, tune).mean()))
    scores["pixels"] = scores["merged"] + weight * by_pixels
    asked = np.array([i for i in tune if read.questions[i].shown], np.intp)
    second = max(_WEIGHTS, key=lambda w: float(right(scores["merged"] + w * by_picture, asked).mean())) if len(asked) else 0.0
    both = max(_WEIGHTS, key=lambda w: float(right(w * scores["best"] + scores["merged"], tune).mean()))
    scores["both"] = scores["merged"] + both * scores["best"]
    percent = {way: 100 * right(values, held) for way, values in scores.items()}
    what = "recall@10 of documents"
    for way, other in (("merged", "text"), ("merged", "first"), ("merged", "best"), ("pixels", "merged"), ("both", "best")):
        yield from compared(f"{name}.{way}-{other}", percent[way], percent[other], (way, other), "%", what)
    # Of few figures some seeds would ask for none.
    for kind in ("paragraph", *(("caption",) if read.captioned >= _LEAST_FIGURES else ())):
        at = np.array([n for n, i in enumerate(held) if read.questions[i].kind == kind], np.intp)
        for way, values in percent.items():
            if len(at):
                yield Measurement(f"{name}.{kind}.{way}", float(values[at].mean()), "%", f"{what} by a {kind}, {len(at)} of them")
    shown = np.array([i for i in held if read.questions[i].shown], np.intp)
    if len(shown) and read.captioned >= _LEAST_FIGURES:
        with_it, without = (100 * right(scores["merged"] + w * by_picture, shown) for w in (second, 0.0))
        yield from compared(f"{name}.shown", with_it, without, ("picture", "caption"), "%", "recall@10 by caption and picture")
    yield Measurement(f"{name}.weight.pixels", weight, note="of pictures in documents, chosen on other questions")
    yield Measurement(f"{name}.weight.best", both, note="of the best section beside the merged document")


def _passages(name: str, read: Read, held: NDArray[np.intp], settings: Settings) -> Iterator[Measurement]:
    """The section of the question in its document: by its vector, and by the reranker."""
    asked = [i for i in held if len(read.said[read.questions[i].document]) > 2][: settings.reranked]
    near, again = [], []
    for i in asked:
        question = read.questions[i]
        rows = read.sections[question.document][: len(read.said[question.document])]  # what is said of images comes after
        order = np.argsort(-(rows @ read.asked[i]))[:10]
        texts = [read.said[question.document][n] for n in order]
        scores = reranker(settings.reranker).score(question.text, texts)
        near.append(100.0 * (order[0] == question.section))
        again.append(100.0 * (order[int(np.argmax(scores))] == question.section))
    if asked:
        rows = np.array(again, np.float32), np.array(near, np.float32)
        yield from compared(f"{name}.passage", *rows, ("reranked", "vector"), "%", "sections found first in their document")


def _means(rows: Sequence[Floats]) -> Floats:
    width = max(r.shape[1] for r in rows)
    return unit(np.stack([r.mean(axis=0) if len(r) else np.zeros(width, np.float32) for r in rows]))


@dataclass(frozen=True)
class Whole:
    """The documents of a corpus, and the row of each of their pictures by its `ref`."""

    documents: tuple[Document, ...]
    looks: dict[str, Floats]

    def pictures(self, images: Iterable[Image], width: int) -> Floats:
        """The rows of images that decode."""
        found = [self.looks[image.ref] for image in images if image.ref in self.looks]
        return np.stack(found) if found else np.zeros((0, width), np.float32)


@cache
def _whole(name: str, settings: Settings) -> Whole:
    joint = encoder(settings.encoder)
    with built(load("default"), (name,)) as (corpus, _):
        documents = [d for d in corpus if d.language.partition("-")[0] in ("", "en") and d.parts]
        documents = sorted(documents, key=lambda d: d.id)[: settings.documents]
        looks: dict[str, Floats] = {}
        for some in _some(sorted({i.ref for d in documents for i in d.images if i.ref}), 64):
            pixels = {ref: found for ref in some if (found := _pixels(corpus, ref)) is not None}
            if pixels:
                looks.update(zip(pixels, joint.embed_images(list(pixels.values())), strict=True))
    return Whole(tuple(documents), looks)


def _some(refs: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (refs[at : at + size] for at in range(0, len(refs), size))


def _pixels(corpus: Corpus, ref: str) -> Pixels | None:
    data = corpus.media(ref)
    try:
        return thumbnail(data, _SIDE) if data is not None else None
    except MediaError:
        return None


@cache
def _read(name: str, settings: Settings, seed: int) -> Read:
    """The corpus with something taken out of each document that can spare it, encoded."""
    embed = remembering(settings.text)
    joint = encoder(settings.encoder)
    chance = random.Random(seed)
    whole = _whole(name, settings)
    taken = [_taken(document, n, chance) for n, document in enumerate(whole.documents)]
    found = [[u for u in units(document) if u.kind != "document"] for document, _, _ in taken]
    said = [tuple(u.text for u in each if u.kind == "section") for each in found]
    of_images = [tuple(u.head for u in each if u.kind == "image" and u.head) for each in found]
    sections = _rows([(*s, *i) for s, i in zip(said, of_images, strict=True)], embed)
    bare = _rows(said, embed)
    size = joint.embed_texts(["x"]).shape[1]
    pixels = [whole.pictures(document.images, size) for document, _, _ in taken]
    questions: list[Question] = []
    own: list[Floats] = []
    for _, question, image in taken:
        if question:
            shown = whole.pictures([image] if image else [], size)
            questions.append(replace(question, shown=len(shown) > 0))
            own.append(shown[0] if len(shown) else np.zeros(size, np.float32))
    words = [question.text for question in questions]
    read = tuple(sections), tuple(bare), tuple(pixels), tuple(said), tuple(questions)
    captioned = sum(any(document.captions(i.n) for i in document.images) for document in whole.documents)
    return Read(len(whole.documents), captioned, *read, embed(words), joint.embed_texts(words), np.stack(own))


def _rows(texts: Sequence[Sequence[str]], embed: Callable[[Sequence[str]], Floats]) -> list[Floats]:
    """Rows for the texts of each document."""
    rows = embed([text for each in texts for text in each])
    ends = np.cumsum([len(each) for each in texts])
    return np.split(rows, ends[:-1])


def _taken(document: Document, number: int, chance: random.Random) -> tuple[Document, Question | None, Image | None]:
    """A document without one of its paragraphs, or without one of its figures: half of those that have captions lose a figure."""
    captions = [
        (image, texts[0]) for image in document.images
        if len(texts := document.captions(image.n)) == 1 and len(texts[0].text.split()) >= _LEAST_CAPTION
    ]  # fmt: skip
    paragraphs = [t for t in document.texts if t.role == "paragraph" and t.of is None and len(t.text.split()) >= _LEAST_WORDS]
    if captions and chance.random() < 0.5:
        image, caption = chance.choice(captions)
        gone, text, kind, where = {image.n, caption.n}, caption.text, "caption", image.n
        kept = image
    elif len(paragraphs) > 1:
        paragraph = chance.choice(paragraphs)
        gone, text, kind, where, kept = {paragraph.n}, paragraph.text, "paragraph", paragraph.n, None
    else:
        return document, None, None
    parts: tuple[Part, ...] = tuple(p for p in document.parts if p.n not in gone and not (isinstance(p, Text) and p.of in gone))
    left = document.evolve(parts=parts)
    spans = [u for u in units(left) if u.kind == "section"]
    section = max((i for i, u in enumerate(spans) if u.n <= where), default=0)
    return left, Question(number, text, kind, section), kept


def _claims() -> Iterator[Claim]:
    paper = "a tuned model of merged sections and all modalities beats its baselines (abstract)"
    for name in _NAMES.values():
        for pair, statement in (
            ("merged-first", "merged sections find a document better than its first passage"),
            ("merged-text", "what is said of images, merged in, helps"),
            ("pixels-merged", "the pixels of images, merged in, help"),
            ("both-best", "the merged document beside its best section is better than the best section alone"),
        ):
            yield Claim(
                f"{pair}-{name}", f"{statement} ({name})", paper, "recall@10, paired over questions, mean of the seeds", effect=2.0,
                within=f"{name}.{pair}",
            )  # fmt: skip
        yield Claim(
            f"shown-{name}", f"a caption with its picture finds the document better than the caption ({name})",
            "questions of text and of both kinds (abstract)", "recall@10, paired over questions", effect=2.0, within=f"{name}.shown",
        )  # fmt: skip
        yield Claim(
            f"reranker-{name}", f"a reranker finds the section better than its vector ({name})", "a reranker finds it (abstract)",
            "sections found first in their document, paired over questions", effect=5.0, within=f"{name}.passage",
        )  # fmt: skip


RECIPE = Recipe(
    slug="document-ir",
    title="Whole documents by one interleaved representation",
    reference="Lee et al. 2024, Unified Multimodal Interleaved Document Representation for Retrieval, arXiv 2410.02729",
    claims=list(_claims()),
    settings={
        "smoke": Settings(data=("sasview",), documents=12, reranked=0, reranker=""),
        "laptop": Settings(),
        "gpu": Settings(documents=5_000, reranked=500, encoder="hf:google/siglip-base-patch16-224"),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 5},
    panels=[
        Panel(
            "Documents found among ten by a paragraph",
            "{row}.paragraph.{series}",
            ("merged", "text", "pixels", "first", "best", "both"),
        ),
        Panel(
            "Documents found among ten by a caption",
            "{row}.caption.{series}",
            ("merged", "text", "pixels", "first", "best", "both"),
        ),
    ],
)
