"""InternLM-XComposer: articles whose images are placed by a model, looked up by a caption that is written for the place, and selected.

Zhang et al. 2023, arXiv 2309.15112. There a tuned language model says after which paragraphs an image helps and writes a caption for each; the
caption finds candidates in a pool, and the model that sees selects one. Whole articles are judged by people; how often an image comes where an author
would have it is not measured there.

Here authors' documents have their images taken out. Three questions are asked of held-out documents of each corpus: at which places do images come
(spots), which place is an image's (place), which image of a pool is a place's (choice). limner's answer is a habit (`limner.write.places`) that is
learnt from other documents of the same corpus; beside it stand the habit of the other corpora, the place or image whose words are the most like
(nearest caption), and chance. A caption written for the place by a small language model is tried on some places.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.experts.language import Sampling, language, user
from limner.experts.onnx import Floats
from limner.experts.text_encoder import remembering
from limner.pipeline.plan import load
from limner.recipes.gains import compared
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built
from limner.write.places import Article, Embed, Example, Habit, article, best_threshold, content, example, learn

_POOL = 50  # images that a place chooses among: its own and others of the corpus
_NAMES = {"gimp-help-en": "gimp", "sklearn-doc": "sklearn", "opencv-doc": "opencv", "sasview": "sasview"}


@dataclass(frozen=True)
class Settings:
    """Which documents, and who looks at their words.

    `data`      data sets, each a corpus with habits of its own
    `documents` most illustrated documents of each
    `held`      share of a corpus's documents that are held out
    `text`      address of the encoder of texts; "" to go by shared words alone
    `writer`    address of the language model that writes captions for places; "" to leave that out
    `captions`  places that it writes a caption for, in each corpus
    """

    data: tuple[str, ...] = ("gimp-help-en", "sklearn-doc", "opencv-doc", "sasview")
    documents: int = 150
    held: float = 0.4
    text: str = "bundled:minilm"
    writer: str = "bundled:smollm2-135m"
    captions: int = 6


@dataclass(frozen=True)
class Read:
    """A corpus with its images taken out, as figures; `pool` are N images' words, `own` the column of each image of each article in it."""

    name: str
    articles: tuple[Article, ...]
    examples: tuple[Example, ...]
    pool: tuple[Floats, ...]
    own: tuple[tuple[int, ...], ...]
    words: tuple[str, ...]


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Take images out, learn on some documents, place and choose in the others; `seed` deals documents and pools."""
    corpora = _read(settings)
    splits = {name: _split(len(read.articles), settings.held, seed) for name, read in corpora.items()}
    chance = np.random.default_rng(seed)
    for name, read in corpora.items():
        held, kept = splits[name]
        others = [(c, splits[other][1]) for other, c in corpora.items() if other != name]
        own = learn([read.examples[i] for i in kept], [_strangers(read, i, chance) for i in kept])
        theirs = [(c, i) for c, some in others for i in some]
        foreign = learn([c.examples[i] for c, i in theirs], [_strangers(c, i, chance) for c, i in theirs]) if theirs else own
        short = _NAMES.get(name, name)
        yield Measurement(f"{short}.documents", len(held), note=f"held out; {len(kept)} are learnt from")
        yield Measurement(f"{short}.images", sum(len(read.articles[i].images) for i in held), note="taken out of them")
        yield from _placed(short, read, held, own, foreign, chance)
        yield from _chosen(short, read, held, own, foreign, chance)
        yield from _spotted(short, read, held, kept, own, foreign)
        if settings.writer:
            yield from _captioned(short, read, held, own, settings)


@cache
def _read(settings: Settings) -> dict[str, Read]:
    """The illustrated documents of each corpus, those without a language or in English."""
    found: dict[str, Read] = {}
    embed = _embed(settings.text)
    for name in settings.data:
        with built(load("default"), (name,)) as (corpus, _):
            documents = sorted((d for d in corpus if d.language.partition("-")[0] in ("", "en")), key=lambda d: d.id)
        articles = tuple([a for d in documents if (a := article(d))][: settings.documents])
        words = tuple(dict.fromkeys(word for a in articles for word in a.words))
        at = {word: i for i, word in enumerate(words)}
        examples = tuple(example(a, embed) for a in articles)
        pool = tuple(content(a, words, embed) for a in articles)
        found[name] = Read(name, articles, examples, pool, tuple(tuple(at[w] for w in a.words) for a in articles), words)
    return found


def _embed(address: str) -> Embed | None:
    return remembering(address) if address else None


def _split(count: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    """The held-out and the other numbers below `count`."""
    order = list(range(count))
    random.Random(seed).shuffle(order)
    cut = max(round(share * count), 1)
    return order[:cut], order[cut:]


def _strangers(read: Read, at: int, chance: np.random.Generator, most: int = _POOL - 1) -> Floats:
    """The figures of an article's places with images of other articles."""
    foreign = np.setdiff1d(np.arange(len(read.words)), read.own[at])
    return read.pool[at][:, chance.permutation(foreign)[:most]]


def _nearest(both: Floats) -> Floats:
    """How like the words of images are to those of the texts before places, by words and meaning alike."""
    planes = both.shape[-1] - 2
    return both[..., [0, 3] if planes == 6 else [0]].mean(axis=-1)


def _placed(
    name: str, read: Read, held: Sequence[int], own: Habit, foreign: Habit, chance: np.random.Generator
) -> Iterator[Measurement]:
    """Each image of an article into one of its places."""
    ways: dict[str, Callable[[Example], NDArray[np.intp]]] = {
        "own": lambda e: own.places(e.gap, e.both),
        "foreign": lambda e: foreign.places(e.gap, e.both),
        "nearest": lambda e: _nearest(e.both).argmax(axis=0),
        "random": lambda e: chance.integers(len(e.gap), size=len(e.places)),
    }
    right = {
        way: np.array([float(np.mean(f(read.examples[i]) == read.examples[i].places)) for i in held]) for way, f in ways.items()
    }
    near = {
        way: np.array([float(np.mean(abs(f(read.examples[i]) - read.examples[i].places) <= 1)) for i in held])
        for way, f in ways.items()
    }
    yield from _told(f"{name}.place", right, "images put where their author put them, mean of documents")
    for way, values in near.items():
        yield Measurement(f"{name}.near.{way}", 100 * float(values.mean()), "%", "... or one place beside")


def _told(name: str, right: dict[str, Floats], what: str) -> Iterator[Measurement]:
    """Shares of each way, and the comparisons over documents with nearest caption and with chance."""
    percent = {way: np.asarray(100 * values, np.float32) for way, values in right.items()}
    yield from compared(name, percent["own"], percent["nearest"], ("own", "nearest"), "%", what)
    yield Measurement(f"{name}.foreign", float(percent["foreign"].mean()), "%", "by the habit of the other corpora")
    yield Measurement(f"{name}.random", float(percent["random"].mean()), "%", "by chance")


def _chosen(
    name: str, read: Read, held: Sequence[int], own: Habit, foreign: Habit, chance: np.random.Generator
) -> Iterator[Measurement]:
    """Of each place of an image, the image among those of a pool."""
    right: dict[str, list[float]] = {"own": [], "foreign": [], "nearest": [], "random": []}
    for i in held:
        e, others = read.examples[i], _strangers(read, i, chance)
        rows: dict[str, list[float]] = {way: [] for way in right}
        for c, at in enumerate(e.places):
            both = np.concatenate([e.both[at : at + 1, c : c + 1], others[at : at + 1]], axis=1)
            for way, scores in (("own", own.choose(both)), ("foreign", foreign.choose(both)), ("nearest", _nearest(both))):
                rows[way].append(_first(scores[0]))
            rows["random"].append(1 / both.shape[1])
        for way, values in rows.items():
            right[way].append(float(np.mean(values)))
    yield from _told(
        f"{name}.choice", {way: np.array(v, np.float32) for way, v in right.items()}, f"images found among {_POOL} of the corpus"
    )


def _first(scores: Floats) -> float:
    """Whether the first is the best; ties count their share.

    >>> _first(np.array([1.0, 1.0, 0.0])), _first(np.array([0.0, 1.0]))
    (0.5, 0.0)
    """
    best = scores >= scores.max()
    return float(best[0]) / float(best.sum())


def _spotted(
    name: str, read: Read, held: Sequence[int], kept: Sequence[int], own: Habit, foreign: Habit
) -> Iterator[Measurement]:
    """At which places images come; nearest caption: those most like any image of the pool, the threshold learnt as the habit's is."""
    truth = {i: np.isin(np.arange(len(read.examples[i].gap)), read.examples[i].places) for i in (*held, *kept)}
    like = {i: _nearest(read.pool[i]).max(axis=1) for i in (*held, *kept)}
    least = best_threshold(np.concatenate([like[i] for i in kept]), np.concatenate([truth[i] for i in kept]))
    share = float(np.concatenate([truth[i] for i in kept]).mean())
    spots = {
        "own": {i: own.spots(read.examples[i].gap) > own.least for i in held},
        "foreign": {i: foreign.spots(read.examples[i].gap) > foreign.least for i in held},
        "nearest": {i: like[i] > least for i in held},
    }
    right = {way: np.array([_f1(found[i], truth[i]) for i in held], np.float32) for way, found in spots.items()}
    # A fair coin with the corpus's own share does no better than marking every place.
    right["random"] = np.array([_f1(np.ones_like(truth[i]), truth[i]) for i in held], np.float32)
    yield from _told(f"{name}.spot", right, "F1 of the places where images come, mean of documents")
    yield Measurement(f"{name}.share", 100 * share, "%", "of places have an image")


def _f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return 2 * float((found & truth).sum()) / max(float(found.sum() + truth.sum()), 1.0)


def _captioned(name: str, read: Read, held: Sequence[int], own: Habit, settings: Settings) -> Iterator[Measurement]:
    """The image of a place, by a caption that a language model writes for the place, against by the texts themselves; among all of the corpus."""
    asked = [(i, c) for i in held for c in range(len(read.articles[i].images))][: settings.captions]
    prompts: list[str] = []
    for i, c in asked:
        a, at = read.articles[i], read.examples[i].places[c]
        said = " ".join(" ".join(text.text for text in a.texts[max(at - 2, 0) : at + 2]).split()[:90])
        prompts.append(
            f"From “{a.name}”: {said}\n\nWrite a caption, in one short line, for a picture that would help a reader here."
        )
    answers = language(settings.writer).answer([[user(p)] for p in prompts], Sampling(tokens=32))
    written, direct = [], []
    for (i, c), answer in zip(asked, answers, strict=True):
        target, at = read.own[i][c], read.examples[i].places[c]
        a = read.articles[i]
        line = Article(a.name, a.language, (type(a.texts[0])(0, answer.text.strip() or a.name),), (), (), ())
        found = _nearest(content(line, read.words, _embed(settings.text)))[0]
        written.append(1 / float((found >= found[target]).sum()))
        scores = own.choose(read.pool[i][at : at + 1])[0]
        direct.append(1 / float((scores >= scores[target]).sum()))
    yield Measurement(
        f"{name}.captioned.written",
        100 * float(np.mean(written)),
        "%",
        f"reciprocal rank of {len(asked)} images by a written caption",
    )
    yield Measurement(
        f"{name}.captioned.direct", 100 * float(np.mean(direct)), "%", "the same by the texts of the place and the habit"
    )


def _claims() -> Iterator[Claim]:
    paper = "no figure: whole articles are judged by people"
    for name in _NAMES.values():
        yield Claim(
            f"place-{name}", f"an image goes where its author put it more often than by its nearest words ({name})", paper,
            "share of images, paired over held-out documents, mean of the seeds", effect=5.0, within=f"{name}.place",
        )  # fmt: skip
    for name in _NAMES.values():
        yield Claim(
            f"choice-{name}", f"a place gets its author's image more often than by nearest words ({name})", paper,
            f"share of images found among {_POOL}, paired over held-out documents, mean of the seeds", effect=5.0, within=f"{name}.choice",
        )  # fmt: skip
    for name in _NAMES.values():
        yield Claim(
            f"spot-{name}", f"places where images come are told better than by nearest words ({name})", paper,
            "F1, paired over held-out documents, mean of the seeds", effect=5.0, within=f"{name}.spot",
        )  # fmt: skip


RECIPE = Recipe(
    slug="xcomposer",
    title="InternLM-XComposer: where images go in an article, and which",
    reference="Zhang et al. 2023, InternLM-XComposer: A Vision-Language Large Model for Advanced Text-image Comprehension and Composition, "
    "arXiv 2309.15112",
    claims=[
        *_claims(),
        Claim(
            "multilingual", "tuning on many-language knowledge lifts comprehension", "see the paper's tables of MMBench and CCBench",
            "not measured", waits="not trained on yet",
        ),
    ],
    settings={
        "smoke": Settings(data=("sasview",), documents=30, text="", writer=""),
        "laptop": Settings(),
        "gpu": Settings(documents=2000, captions=500),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 5, "gpu": 5},
    panels=[
        Panel("Images put where their author put them", "{row}.place.{series}", ("own", "foreign", "nearest", "random")),
        Panel("Images found among 50 for their place", "{row}.choice.{series}", ("own", "foreign", "nearest", "random")),
        Panel("Places where images come, F1", "{row}.spot.{series}", ("own", "foreign", "nearest", "random")),
    ],
)  # fmt: skip
