"""MMSci: scientific articles as documents with their figures, and tasks built from them.

Li et al. 2024, arXiv 2407.04903: articles with figures and sub-figures; captioning, matching figures with captions in several settings, visual
instructions, and articles as interleaved documents to pre-train on.

The articles are papers and manuals as PDF and pages of a scientific manual; each is wholly for training or wholly for testing. What stands in
a figure is read, and a figure in which its caption can be read is left out. No model of the field that sees is small enough for here, so the
baselines are features of images and of the words read in them; tuning is a linear map to the captions' space, learnt on the articles for
training.

Articles to pre-train on are held against as many tokens of a manual, and of the same articles without their figures. There are no materials to
generate here; what small models are asked for is captions of figures in articles that they were not taught.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from limner.corpus.pixels import Pixels, decode
from limner.curate.subfigures import panels, subcaptions
from limner.document import Document
from limner.document.references import references
from limner.errors import MediaError
from limner.experts.image_encoder import image_encoder
from limner.experts.ocr import ocr
from limner.experts.text_encoder import text_encoder
from limner.pipeline.plan import Plan, step
from limner.recipes.gains import compared
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built
from limner.recipes.taught import TINY, Small, Told, taught
from limner.recipes.telling import asked, interleaved, placed, scaled, web

Floats = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]
CHOICES = 4

_LABEL = re.compile(r"\A\W*\w+\.?\s*[A-Z]?\d+(?:[.\-]\d+)*[a-z]?\s*[.:|–—-]?\s*")
_SIDE = 800  # pixels: figures are read no larger
_LEAKED = 0.6  # share of a caption's words that stand in its picture
_LEAST = 5  # words of a caption


@dataclass(frozen=True)
class Settings:
    """Which articles, and who looks at their figures.

    `data`      data sets of articles, and `web`, the one of web pages that models are taught instead
    `figures`   most figures of an article
    `image`     address of the encoder of images
    `text`      address of the encoder of texts
    `ocr`       address of the reader of text in figures
    `test`      share of the articles that are for testing
    `penalties` on the linear map's squares, of which one is chosen on the articles for training
    `pages`     of `web` that models are taught
    `small`     the models, `starts` of each
    `out`       file that visual instructions are written to, a conversation of JSON a line; "" for none
    `workers`   processes that build
    """

    data: tuple[str, ...] = (
        "r-cran-vcd", "r-cran-spacetime", "r-cran-gstat", "r-cran-rcpp", "r-cran-mvtnorm", "sasview", "datalab", "expeyes-doc",
        "gimp-help-en",
    )  # fmt: skip
    web: str = "gimp-help-en"
    pages: int = 150
    small: Small = field(default_factory=lambda: Small(taught=100_000))
    starts: int = 1
    figures: int = 16
    image: str = "bundled:efficientnet-lite0"
    text: str = "bundled:minilm"
    ocr: str = "bundled:rapidocr"
    test: float = 0.4
    penalties: tuple[float, ...] = (1.0, 10.0, 100.0, 1000.0)
    out: str = ""
    workers: int = 1


@dataclass(frozen=True)
class Figure:
    """A figure of an article: its caption without its number, the paragraphs that cite it, the words read in it, its parts (sub-captions with
    the words read in their panels), its features, and the image's ref."""

    article: str
    caption: str
    cited: tuple[str, ...]
    read: str
    looks: Floats = field(compare=False, repr=False)
    parts: tuple[tuple[str, str], ...] = ()
    ref: str = ""


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Build the tasks, score the baselines, tune; `seed` splits the articles and draws the choices."""
    figures, articles, leaked = _figures(settings)
    chance = random.Random(seed)
    names = sorted({figure.article for figure in figures})
    chance.shuffle(names)
    held = set(names[: max(round(settings.test * len(names)), 1)])
    train, test = [f for f in figures if f.article not in held], [f for f in figures if f.article in held]
    yield Measurement("articles", len(articles), note="documents with at least one figure that has a caption")
    yield Measurement("figures", len(figures), note="with a caption of five words or more")
    yield Measurement("figures.leaked", leaked, note="left out: their captions can be read in them")
    yield Measurement("figures.cited", 100 * sum(bool(f.cited) for f in figures) / max(len(figures), 1), "%")
    yield Measurement("figures.with-parts", sum(len(subcaptions(f.caption)) > 1 for f in figures), note="sub-captions (a), (b) …")
    yield Measurement("figures.cut", sum(bool(f.parts) for f in figures), note="... and a picture that falls into as many panels")
    yield Measurement("test.figures", len(test), note=f"of {len(held)} articles; {len(train)} figures for training")
    encode = text_encoder(settings.text).embed
    yield from _matching(train, test, encode, settings, chance)
    yield from _captioning(train, test, encode)
    yield from _taught([a for a in articles if a.id not in held], [a for a in articles if a.id in held], figures, settings, seed)
    talks = [talk for figure in figures if (talk := instruction(figure))]
    yield Measurement("instructions", len(talks), note="conversations about a figure, from its caption and what cites it")
    if settings.out:
        Path(settings.out).write_text("".join(json.dumps(talk, ensure_ascii=False) + "\n" for talk in talks), "utf-8")


@cache
def _figures(settings: Settings) -> tuple[list[Figure], list[Document], int]:
    """All figures, the articles that have any with a caption, and how many figures were left out because their caption can be read in them."""
    plan = Plan(steps=(step("image-rules", min_width=64, min_height=64),))
    out: list[Figure] = []
    articles: list[Document] = []
    leaked = 0
    with built(plan, [name for name in settings.data if name != settings.web], settings.workers) as (corpus, _):
        for document in corpus:
            found = list(_captioned(document, settings.figures)) if document.language in ("", "en") else []
            if found:
                articles.append(document)
            for caption, cited, ref in found:
                data = corpus.media(ref)
                try:
                    pixels = _small(decode(data)) if data else None
                except MediaError:
                    pixels = None
                if pixels is None:
                    continue
                words = " ".join(line.text for line in ocr(settings.ocr).read([pixels])[0]) if settings.ocr else ""
                if leaks(caption, words):
                    leaked += 1
                    continue
                cut = _pieces(caption, pixels)
                told = (
                    [" ".join(line.text for line in lines) for lines in ocr(settings.ocr).read(cut)]
                    if cut and settings.ocr
                    else []
                )
                parts = tuple(zip([text for _, text in subcaptions(caption)], told, strict=True)) if told else ()
                (looks,) = image_encoder(settings.image).embed([pixels])
                out.append(Figure(document.id, caption, cited, words, looks, parts, ref))
    return out, articles, leaked


def _captioned(document: Document, most: int) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """The captions without numbers, what cites them without themselves, and the pictures, of a document's figures; no caption twice."""
    by = references(document)
    text_of = {text.n: text.text for text in document.texts}
    seen: set[str] = set()
    for image in document.images:
        said = " ".join(text.text for text in document.captions(image.n))
        caption = _LABEL.sub("", said).strip()
        if image.ref and len(caption.split()) >= _LEAST and caption not in seen and len(seen) < most:
            seen.add(caption)
            yield caption, tuple(text_of[n] for n in by.get(image.n, ()) if n in text_of)[:3], image.ref


def leaks(caption: str, read: str) -> bool:
    """Whether most of a caption's words can be read in its picture."""
    said, there = set(_words(caption)), set(_words(read))
    return bool(said) and len(said & there) >= _LEAKED * len(said)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]{2,}", text.lower())


def _small(pixels: Pixels) -> Pixels:
    picture = Pillow.fromarray(pixels)
    picture.thumbnail((_SIDE, _SIDE))
    return np.asarray(picture)


def _pieces(caption: str, pixels: Pixels) -> list[Pixels]:
    """The panels of a picture whose caption has as many parts, else none."""
    wanted = len(subcaptions(caption))
    found = panels(pixels) if wanted > 1 else []
    return [pixels[p.top : p.bottom, p.left : p.right] for p in found] if len(found) == wanted else []


def _matching(
    train: Sequence[Figure], test: Sequence[Figure], encode: Encode, settings: Settings, chance: random.Random
) -> Iterator[Measurement]:
    """Choosing a figure's caption of four: by the words read in it, and by a map that was tuned on other articles."""
    tuned = _tuned(train, encode, settings.penalties)
    captions, words = encode([f.caption for f in test]), encode([f.read or "a figure" for f in test])
    mapped = tuned(test, words)
    for setting, same in (("other-articles", False), ("same-article", True)):
        right: dict[str, list[bool]] = {"words": [], "tuned": []}
        for i, figure in enumerate(test):
            others = [j for j, f in enumerate(test) if j != i and (f.article == figure.article) == same]
            if len(others) < CHOICES - 1:
                continue
            choices = [i, *chance.sample(others, CHOICES - 1)]
            for name, rows in (("words", words), ("tuned", mapped)):
                scores = captions[choices] @ rows[i]
                right[name].append(int(np.argmax(scores)) == 0)
        for name, found in right.items():
            share = 100 * float(np.mean(found)) if found else 100 / CHOICES
            yield Measurement(f"match.{setting}.{name}", share, "%", f"of {len(found)} figures; chance is {100 // CHOICES} %")
    yield Measurement("match.chance", 100 / CHOICES, "%")
    if any(f.parts for f in (*train, *test)):
        yield Measurement("match.parts.words", *_parts(test, encode, settings.ocr))


def _parts(test: Sequence[Figure], encode: Encode, reader: str) -> tuple[float, str, str]:
    """How often a panel's own sub-caption is chosen of its figure's by the words read in it."""
    hits: list[bool] = []
    for figure in test:
        said = encode([text for text, _ in figure.parts])
        rows = encode([words or "a panel" for _, words in figure.parts])
        hits += [int(np.argmax(said @ row)) == k for k, row in enumerate(rows)]
    return 100 * float(np.mean(hits)) if hits else 0.0, "%", f"of {len(hits)} panels, read by {reader or 'nobody'}"


def _tuned(train: Sequence[Figure], encode: Encode, penalties: Sequence[float]) -> Callable[[Sequence[Figure], Floats], Floats]:
    """What is read in a figure, moved towards its caption in the space of texts by a linear map of what is seen and read: ridge regression on
    what is left between both, so that it begins where the baseline is. Its penalty is the one by which half of the articles tell the
    other half's captions best."""
    words, captions = encode([f.read or "a figure" for f in train]), encode([f.caption for f in train])
    names = sorted({f.article for f in train})
    half = np.array([names.index(f.article) % 2 == 0 for f in train])
    if len(penalties) > 1 and half.any() and not half.all():
        fit_on = [f for f, first in zip(train, half, strict=True) if first]
        asked = [f for f, first in zip(train, half, strict=True) if not first]

        def close(penalty: float) -> float:
            rows = _moved(fit_on, words[half], captions[half], penalty)(asked, words[~half])
            scores = rows @ captions[~half].T
            return float((scores.argmax(axis=1) == np.arange(len(asked))).mean())

        penalties = [max(penalties, key=close)]
    return _moved(train, words, captions, penalties[0])


def _moved(
    train: Sequence[Figure], words: Floats, captions: Floats, penalty: float
) -> Callable[[Sequence[Figure], Floats], Floats]:
    given, wanted = _inputs(train, words), captions - words
    middle, aim = given.mean(axis=0), wanted.mean(axis=0)
    # As many equations as figures, fewer than numbers a figure: the dual form is the smaller one.
    kernel = (given - middle) @ (given - middle).T + penalty * np.eye(len(train))
    dual = np.linalg.solve(kernel, wanted - aim)

    def mapped(figures: Sequence[Figure], words: Floats) -> Floats:
        rows = words + (_inputs(figures, words) - middle) @ (given - middle).T @ dual + aim
        return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    return mapped


def _inputs(figures: Sequence[Figure], words: Floats) -> Floats:
    return np.concatenate([np.stack([f.looks for f in figures]), words], axis=1)


def _captioning(train: Sequence[Figure], test: Sequence[Figure], encode: Encode) -> Iterator[Measurement]:
    """Captions by what is known without a model that writes: the nearest figure's, and the sentence that cites the figure."""
    captions, known = encode([f.caption for f in test]), encode([f.caption for f in train])
    nearest = (np.stack([f.looks for f in test]) @ np.stack([f.looks for f in train]).T).argmax(axis=1)
    yield Measurement(
        "caption.nearest", float((captions * known[nearest]).sum(axis=1).mean()), note="cosine with the true caption"
    )
    yield Measurement("caption.chance", float((captions @ known.T).mean()), note="any caption's of the articles for training")
    cited = [(i, _citing(f)) for i, f in enumerate(test) if f.cited]
    if cited:
        said = encode([text for _, text in cited])
        value = float((captions[[i for i, _ in cited]] * said).sum(axis=1).mean())
        yield Measurement(
            "caption.cited", value, note=f"the sentence that cites it, {len(cited)} figures with the article's text"
        )


def _citing(figure: Figure) -> str:
    sentences = [s for text in figure.cited for s in re.split(r"(?<=[.!?])\s+(?=[A-Z])", text)]
    return next((s for s in sentences if re.search(r"\b[Ff]ig|\b[Aa]bb", s)), sentences[0])


def _taught(
    train: Sequence[Document], test: Sequence[Document], figures: Sequence[Figure], settings: Settings, seed: int
) -> Iterator[Measurement]:
    """The loss of small models on captions of held-out articles, after what stands before in the article, and after the figure where the model was
    taught figures. Captions that stand in the articles for training too are not asked for."""
    look = {f.ref: scaled(f.looks) for f in figures}
    known = {text.text for document in train for text in document.texts}
    ways: dict[str, Sequence[Told]] = {
        "articles": [interleaved(document, look) for document in train],
        "texts": [interleaved(document, {}) for document in train],
        "web": web(settings.web, settings.pages),
    }
    tests: dict[str, list[Told]] = {"seen": [], "unseen": []}
    for document in test:
        for image in document.images:
            said = document.captions(image.n)
            if image.ref in look and said and not any(text.text in known for text in said):
                gone = {image.n, *(text.n for text in said)}
                at = next(i for i, part in enumerate(document.parts) if part.n in gone)
                before = document.parts[:at]
                caption = " ".join(text.text for text in said)
                tests["seen"].append(asked((*placed(before, look), look[image.ref]), caption))
                tests["unseen"].append(asked(placed(before, {}), caption))
    for held in tests.values():
        random.Random(seed).shuffle(held)
    found = taught(ways, tests, settings.small, seed, settings.starts)
    what = f"a token of a caption of held-out articles, {settings.small.taught:,} tokens of {len(train)} articles or {settings.pages} pages"
    seen = found["articles", "seen"]
    yield from compared("taught", seen, found["web", "seen"], ("articles", "web"), "nats", what, lower=True)
    yield from compared("figures-taught", seen, found["texts", "unseen"], ("seen", "unseen"), "nats", what, lower=True)


def instruction(figure: Figure) -> dict[str, object] | None:
    """A conversation about a figure: what it shows, then what the article says of it. None where nothing cites it, or where what cites it repeats the
    caption."""
    said = [text for text in figure.cited if not leaks(figure.caption, text)]
    if not said:
        return None
    turns = [
        ("user", "<image>\nWhat does this figure show?"), ("assistant", figure.caption),
        ("user", "What does the article say about it?"), ("assistant", said[0]),
    ]  # fmt: skip
    return {"article": figure.article, "conversation": [{"role": role, "content": content} for role, content in turns]}


_LAPTOP = Settings()
RECIPE = Recipe(
    slug="mmsci",
    title="MMSci: scientific articles with their figures, and tasks made of them",
    reference="Li et al. 2024, MMSci: A Multimodal Multi-Discipline Dataset for PhD-Level Scientific Comprehension, arXiv 2407.04903",
    claims=[
        Claim(
            "leaks", "tasks are built without leaks", "articles are split; no figure", "figures whose caption can be read in them, which are left "
            "out; articles are wholly for training or testing", better="figures.leaked",
        ),
        Claim(
            "tuning", "tuning on articles makes matching of figures and captions better", "7 B parameters come to the level of GPT-4V/o (abstract)",
            "a linear map tuned on other articles against the words read in the figure, captions of other articles to choose from",
            better="match.other-articles.tuned", worse="match.other-articles.words", effect=5,
        ),
        Claim(
            "hard", "choosing among captions of one article is hard", "many open models struggle (abstract)", "tuned, captions of the same "
            "article against those of others", better="match.other-articles.tuned", worse="match.same-article.tuned", effect=5,
        ),
        Claim(
            "text", "the article's text helps to caption a figure", "no figure here", "likeness with the true caption: the sentence that cites "
            "the figure against the nearest figure's caption", better="caption.cited", worse="caption.nearest", effect=0.05,
        ),
        Claim(
            "pre-training", "interleaved articles help to generate materials", "improvements on that task (abstract)", "no materials here: loss "
            "of small models on captions of held-out articles, taught other articles or pages of the GIMP manual of equal tokens, which are further "
            "from what is asked; paired over captions, smallest effect of interest 0.1 nats", better="taught.gain", within="taught", effect=0.1,
        ),
        Claim(
            "figures", "figures in their places help to learn from articles", "not compared in the abstract", "the same, taught articles with their "
            "figures or without, equal tokens, each asked as it was taught; smallest effect of interest 0.02 nats",
            better="figures-taught.gain", within="figures-taught", effect=0.02,
        ),
    ],
    settings={
        "smoke": replace(_LAPTOP, data=("sasview", "gimp-help-en"), figures=2, ocr="", pages=6, small=TINY),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, data=(*_LAPTOP.data, "texlive-publishers-doc", "skimage-doc", "sklearn-doc"), figures=200, pages=600, workers=16),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("A figure's caption of four (%)", "match.{row}.{series}", ("words", "tuned")),
        Panel("Loss on captions by what was taught (nats a token)", "taught.{row}"),
    ],
)  # fmt: skip
