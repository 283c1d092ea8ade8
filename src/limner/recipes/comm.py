"""CoMM: documents whose texts get on, whose images belong together, and whose images fit their texts.

Chen et al. 2024, arXiv 2406.10462: filters for the development of the text, the consistency of the images and the alignment of both (abstract),
four tasks of interleaved generation (`limner.recipes.fourtasks`), few-shot learning from the filtered documents. Of the paper its abstract and
the authors' code (github.com/HKUST-LongGroup/CoMM) were at hand when this was written; its tables were not, so that claims give no figure of
theirs. The filters stand in the plan `comm`.

What should fall is known here: documents are made worse on purpose (`limner.recipes.defects`). A seed takes one of `folds` parts of the documents,
which share none. It asks first, in pairs, whether each score puts a document above the same document made worse; then it
makes a raw set, every second document worse, filters it with thresholds of the other parts' intact documents, and has raw and filtered set
judged by measures that did not filter. Since the parts are drawn once, seeds tell how much the documents matter, not how much the draw of
the corpus does.

A model trained on the filtered set is a small one (`limner.recipes.taught`): taught the raw sets of all parts but the one that it is asked of, what
the filters leave of them, or the same documents unharmed, as many tokens of each. Of that part nothing is taught but pieces that a
defect planted elsewhere; documents that share a text of their first steps with what is taught are not asked for.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from limner.corpus import Corpus
from limner.corpus.media import MediaInfo
from limner.curate.align import decoded
from limner.curate.coherence import TextSequence
from limner.curate.imagesequence import ImageSequence, appearance
from limner.curate.imagewords import ImageWords
from limner.curate.steps import image_words, steps, title
from limner.document import Document
from limner.errors import ExpertError, LimnerError
from limner.experts.image_encoder import image_encoder
from limner.experts.language import Scores, language
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder
from limner.pipeline.plan import load
from limner.recipes import defects
from limner.recipes.fourtasks import Answers, four_tasks, shown
from limner.recipes.gains import compared
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import Unrecorded, built
from limner.recipes.taught import TINY, Small, Told, taught
from limner.recipes.telling import asked, interleaved, scaled

SHOTS = (0, 2, 4)
FILTERS = ("text-sequence", "image-sequence", "image-words")

CONCERNS: dict[str, tuple[defects.Defect, ...]] = {
    "text": (
        defects.shuffled_texts, defects.shuffled_both, defects.shuffled_steps, defects.foreign_texts, defects.cut_short,
    ),
    "image": (
        defects.shuffled_images, defects.shuffled_both, defects.shuffled_steps, defects.foreign_images, defects.foreign_pairs,
    ),
    "alignment": (
        defects.shuffled_texts, defects.shuffled_images, defects.shuffled_both, defects.foreign_texts, defects.foreign_images,
        defects.foreign_pairs,
    ),
}  # fmt: skip
"""The defects that a score of this kind could find."""

WAYS: tuple[defects.Defect, ...] = tuple(dict.fromkeys(way for ways in CONCERNS.values() for way in ways))


@dataclass(frozen=True)
class Settings:
    """What is filtered, and by whom.

    `data`      data sets whose documents are the raw set
    `language`  address of the language model; it must give likelihoods
    `text`      address of the encoder of texts
    `image`     address of the encoder of images
    `ocr`       address of a reader of text in images for the alignment filter, or "" for none
    `documents` that are looked at, in all parts together
    `folds`     parts that share no document, one a seed
    `strict`    share of intact documents that the thresholds may cost, all scores together
    `asked`     documents of another part that the tasks and the examples are asked of
    `words`     words of a step that a language model is shown as an example
    `small`     the models that are taught, `starts` of each
    `tokens`    that a language model writes as a step; an answer to a question has twice as many
    `workers`   processes that build
    """

    data: tuple[str, ...] = ("gimp-help-en", "skimage-doc", "sklearn-doc")
    language: str = "bundled:smollm2-135m"
    text: str = "bundled:minilm"
    image: str = "bundled:efficientnet-lite0"
    ocr: str = ""
    documents: int = 160
    folds: int = 5
    strict: float = 0.2
    asked: int = 10
    words: int = 16
    tokens: int = 60
    small: Small = field(default_factory=lambda: Small(taught=80_000))
    starts: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        if self.folds < 2 or self.documents < 8 * self.folds:
            raise ValueError("folds must be at least 2, documents at least 8 a fold")


class _Known(Unrecorded):
    """Images that lie in memory, for operators that are only asked for their scores."""

    def __init__(self, media: Mapping[str, bytes]) -> None:
        self._media = media

    def media(self, ref: str) -> bytes | None:
        """See `MediaReader`."""
        return self._media.get(ref)

    def info(self, ref: str) -> MediaInfo | None:
        """See `MediaReader`."""
        return None


@dataclass(frozen=True)
class _Material:
    """What all seeds share: the documents in a drawn order, what their images are like, and the filters' scores of them as they are."""

    documents: list[Document]
    filters: _Filters
    features: dict[str, Floats]
    looks: dict[str, Floats]
    scores: dict[str, Floats]


@lru_cache(maxsize=1)
def _material(settings: Settings) -> _Material:
    # The plan up to its filters makes the raw documents; made once, for nothing in it depends on the seed.
    plan = load("comm")
    cleaned = replace(plan, steps=tuple(s for s in plan.steps if s.name not in (*FILTERS, "images-left")))
    with built(cleaned, settings.data, settings.workers) as (corpus, _):
        documents = [document for document in corpus if fit(document)]
        random.Random(0).shuffle(documents)
        documents = documents[: settings.documents]
        media = _media(documents, corpus)
    if len(documents) < 8 * settings.folds:
        raise LimnerError(f"{len(documents)} documents have two images and three steps, too few for the folds: name more data")
    filters = _Filters(settings, _Known(media))
    features: dict[str, Floats] = {}
    looks: dict[str, Floats] = {}
    for refs, pixels in decoded(dict.fromkeys(media), _Known(media)):
        features.update(zip(refs, image_encoder(settings.image).embed(pixels), strict=True))
        looks.update(zip(refs, map(appearance, pixels), strict=True))
    return _Material(documents, filters, features, looks, filters.scores(documents))


def _media(documents: Sequence[Document], corpus: Corpus) -> dict[str, bytes]:
    refs = dict.fromkeys(image.ref for document in documents for image in document.images[:MOST] if image.ref)
    return {ref: data for ref in refs if (data := corpus.media(ref)) is not None}


MOST = 12
"""Images of a document that are looked at."""


def fit(document: Document) -> bool:
    """Whether a document has steps and images enough to be one of CoMM's kind: a tutorial, not a gallery, in English."""
    stored = sum(bool(image.ref) for image in document.images)
    said = [s for s in steps(document) if len(s.text.split()) >= 5]
    return document.language in ("", "en") and 2 <= stored <= 40 and len(said) >= 3


class _Filters:
    """The three filters of the plan, and what each says of documents."""

    def __init__(self, settings: Settings, seen: _Known) -> None:
        found = {s.name: s.operator for s in load("comm").steps}
        text, image, words = (found[name] for name in FILTERS)
        if not (isinstance(text, TextSequence) and isinstance(image, ImageSequence) and isinstance(words, ImageWords)):
            raise LimnerError("the plan comm has other filters than the recipe knows")
        self._text = replace(text, model=settings.language)
        self._image = replace(image, model=settings.image, most=MOST)
        self._words = replace(words, model=settings.text, ocr=settings.ocr)
        self._seen = seen

    def scores(self, documents: Sequence[Document]) -> dict[str, Floats]:
        """Each score of each document; not a number where it has none. Style is left out: it is what judges the images."""
        texts = self._text.scores(documents)
        images = self._image.scores(documents, self._seen)
        words = self._words.scores(documents, self._seen)
        table: dict[str, list[float]] = {
            "text-development": [t.development if t else np.nan for t in texts],
            "text-coherence": [t.coherence if t else np.nan for t in texts],
            "text-completeness": [t.completeness if t else np.nan for t in texts],
            "image-progress": [i.progress if i else np.nan for i in images],
            "image-entities": [i.entities if i else np.nan for i in images],
            "alignment": [float(np.mean(list(w.values()))) if w else np.nan for w in words],
        }
        return {name: np.array(values, np.float32) for name, values in table.items()}


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """The part of this seed, made worse, filtered, judged; `seed` chooses the part, the defects, and who is asked."""
    material, part = _material(settings), _part(settings, seed)
    raw, intact, kept = part.raw, part.intact, part.kept
    chance = random.Random()
    chance.setstate(part.chance)
    yield Measurement("documents", len(intact), note="in this seed's part; the other parts set the thresholds")
    yield from preferred(part.good, part.bad, part.known, part.ways)
    for name, value in part.low.items():
        yield Measurement(
            f"limit.{name}",
            value,
            note=f"least value that stays; {settings.strict / len(part.low):.1%} of other intact documents have less",
        )
    yield from _dropped(part.fallen, part.ways)
    yield from _judged(raw, intact, kept, settings, material)
    after = material.documents[(seed + 1) % settings.folds :: settings.folds]
    yield from _trained(after, material, settings, seed)
    held = [document for document in after if len(shown(document, material.features)) >= 2][: settings.asked]
    yield from _few_shot(held, raw, intact, kept, settings, chance)
    own = {document.id for document in held}
    encoder = text_encoder(settings.text)
    pool = [document for document in material.documents if document.id not in own]
    answers = Answers(pool, held, material.features, encoder, language(settings.language))
    yield from four_tasks(held, answers, material.features, encoder, settings.tokens)


@dataclass(frozen=True)
class _Part:
    """A seed's part: its documents, the same made worse, the scores of both, those of the other parts' documents with the thresholds by them, the
    raw set, what falls of it, and the state of chance after all this."""

    intact: list[Document]
    ways: list[defects.Defect]
    raw: list[Document]
    good: dict[str, Floats]
    bad: dict[str, Floats]
    known: dict[str, Floats]
    low: dict[str, float]
    fallen: np.ndarray
    chance: tuple[Any, ...]

    @property
    def kept(self) -> list[int]:
        """The numbers of what stays of the raw set."""
        return [i for i in range(len(self.raw)) if not self.fallen[i]]


@lru_cache(maxsize=16)
def _part(settings: Settings, seed: int) -> _Part:
    # Kept between seeds: what is trained needs the parts of other seeds too.
    material = _material(settings)
    places = np.arange(len(material.documents))
    inside, outside = places[seed % settings.folds :: settings.folds], places[places % settings.folds != seed % settings.folds]
    chance = random.Random(seed)
    intact = [material.documents[i] for i in inside]
    ways = [WAYS[(i + seed) % len(WAYS)] for i in range(len(intact))]
    others = [material.documents[i] for i in outside]
    worse = [way(document, others, chance) for way, document in zip(ways, intact, strict=True)]
    good = {name: values[inside] for name, values in material.scores.items()}
    bad = material.filters.scores(worse)
    known = {name: values[outside] for name, values in material.scores.items()}
    raw = [w if i % 2 else d for i, (d, w) in enumerate(zip(intact, worse, strict=True))]
    table = {name: np.where(np.arange(len(raw)) % 2 == 1, bad[name], good[name]) for name in good}
    low = limits(known, settings.strict)
    fallen = np.array([any(values[i] < low[name] for name, values in table.items()) for i in range(len(raw))])
    return _Part(intact, ways, raw, good, bad, known, low, fallen, chance.getstate())


def _trained(held: Sequence[Document], material: _Material, settings: Settings, seed: int) -> Iterator[Measurement]:
    """The loss of small models on a held-out document's third step, after none, two and four other held-out documents, the same for all models.
    Images are features of EfficientNet-Lite0, a token each."""
    parts = [
        _part(settings, seed - seed % settings.folds + fold)
        for fold in range(settings.folds)
        if fold != (seed + 1) % settings.folds
    ]
    look = {ref: scaled(features) for ref, features in material.features.items()}
    sets = {
        "raw": [document for part in parts for document in part.raw],
        "filtered": [part.raw[i] for part in parts for i in part.kept],
        "intact": [document for part in parts for document in part.intact],
    }
    ways = {name: [interleaved(document, look) for document in documents] for name, documents in sets.items()}
    known = {text.text for document in sets["raw"] for text in document.texts}
    every = ((document, _steps(document, look, settings.words)) for document in held)
    told = [(document, its) for document, its in every if len(its) == 3 and not any(s.said & known for s in its)]
    chance = random.Random(seed)
    tests: dict[str, list[Told]] = {f"{shots}-shot": [] for shots in SHOTS}
    for document, its in told:
        others = [_example(*other) for other in told if other[0] is not document]
        examples = chance.sample(others, min(max(SHOTS), len(others)))
        own = _example(document, its[:2])
        for shots in SHOTS:
            before = [part for example in examples[:shots] for part in example]
            tests[f"{shots}-shot"].append(asked((*before, *own), its[2].text))
    found = taught(ways, tests, settings.small, seed, settings.starts)
    of = {name: f"{len(documents)} documents" for name, documents in sets.items()}
    for shots in SHOTS:
        what = f"a token of the third step, {settings.small.taught:,} tokens of {of['raw']}, of which {of['filtered']} stay"
        filtered, raw = found["filtered", f"{shots}-shot"], found["raw", f"{shots}-shot"]
        yield from compared(f"trained.{shots}-shot", filtered, raw, ("filtered", "raw"), "nats", what, lower=True)
    for name in sets:
        value = np.mean([found[name, test] for test in tests])
        yield Measurement(f"trained.{name}", float(value), "nats", f"mean over {len(SHOTS)} numbers of shots, taught {of[name]}")


@dataclass(frozen=True)
class _Step:
    """A step as a small model is told it: its first words, the features of its first image, and its texts of five words or more as they stand."""

    text: str
    look: Floats | None
    said: frozenset[str]


def _steps(document: Document, look: Mapping[str, Floats], words: int) -> list[_Step]:
    found: list[_Step] = []
    for s in steps(document):
        if len(s.text.split()) > 4:
            first = next((look[image.ref] for image in s.images if image.ref in look), None)
            found.append(
                _Step(
                    " ".join(s.text.split()[:words]),
                    first,
                    frozenset(text.text for text in s.texts if len(text.text.split()) > 4),
                )
            )
    return found[:3]


def _example(document: Document, told: Sequence[_Step]) -> list[str | Floats]:
    parts = [part for s in told for part in (s.text, s.look) if part is not None]
    return [f"Title: {title(document)}", *parts]


def preferred(
    good: Mapping[str, Floats], bad: Mapping[str, Floats], known: Mapping[str, Floats], ways: Sequence[defects.Defect]
) -> Iterator[Measurement]:
    """How often a score puts a document above the same made worse, over the defects that concern it; ties count half, chance is
    50 %. `all` is the mean of the scores that both have, each as its share of `known` intact documents that have less."""
    shares = np.array([[_share(table[name], known[name]) for name in good] for table in (good, bad)])
    shares[:, np.isnan(shares).any(axis=0)] = np.nan
    together = np.nanmean(shares, axis=1)
    for name in good:
        concerned = np.array([way in CONCERNS[name.partition("-")[0]] for way in ways])
        value = wins(good[name][concerned], bad[name][concerned])
        yield Measurement(f"preferred.{name}", value, "%", "of documents and the same made worse, the first has more")
    yield Measurement("preferred.all", wins(*together), "%", "the same of all defects, by the mean of all scores")
    for way in WAYS:
        here = np.array([w is way for w in ways])
        if here.any():
            yield Measurement(
                f"found.{_name(way)}", wins(together[0][here], together[1][here]), "%", f"of {here.sum()} documents"
            )
    yield Measurement("preferred.chance", 50, "%")


def _share(values: Floats, known: Floats) -> Floats:
    """The share of known values that are below each; no number stays none."""
    known = np.sort(known[np.isfinite(known)])
    below = np.searchsorted(known, values) / max(len(known), 1)
    return np.where(np.isfinite(values), below, np.nan).astype(np.float32)


def wins(good: Floats, bad: Floats) -> float:
    """The percentage of pairs in which the first is greater, ties counted half; pairs without both numbers are left out.

    >>> wins(np.array([2.0, 3.0, np.nan]), np.array([1.0, 3.0, 1.0]))
    75.0
    """
    both = np.isfinite(good) & np.isfinite(bad)
    if not both.any():
        return 50.0
    return 100 * float((good[both] > bad[both]).mean() + 0.5 * (good[both] == bad[both]).mean())


def limits(known: Mapping[str, Floats], strict: float) -> dict[str, float]:
    """The thresholds: each score's share of what intact documents may be lost."""
    return {name: float(np.nanquantile(values, strict / len(known))) for name, values in known.items()}


def _dropped(fallen: np.ndarray, ways: Sequence[defects.Defect]) -> Iterator[Measurement]:
    worse = np.arange(len(fallen)) % 2 == 1
    yield Measurement("dropped.intact", 100 * float(fallen[~worse].mean()), "%", f"of {(~worse).sum()} documents")
    yield Measurement("dropped.worse", 100 * float(fallen[worse].mean()), "%", f"of {worse.sum()} documents")
    right = int(fallen[worse].sum())
    yield Measurement("dropped.precision", 100 * right / max(int(fallen.sum()), 1), "%", "of what was dropped was made worse")


def _name(way: defects.Defect) -> str:
    return getattr(way, "__name__", "").replace("_", "-")


def _judged(
    raw: Sequence[Document], intact: Sequence[Document], kept: Sequence[int], settings: Settings, material: _Material
) -> Iterator[Measurement]:
    """Raw, filtered and unharmed set by measures that did not filter. Dropping as many at random would leave the raw set's mean."""
    unique = list({id(document): document for document in (*raw, *intact)}.values())
    place = {id(document): i for i, document in enumerate(unique)}
    judges = {
        "text": (_near(unique, settings), "mean cosine of neighbouring steps by the encoder of texts; a language model filtered"),
        "image": (_looks(unique, material.looks), "how alike neighbours look; features of a network filtered"),
        "alignment": (_gains(unique, settings), "how much likelier an image's words are after its step; an encoder filtered"),
    }
    for name, (values, note) in judges.items():
        for which, documents in (("raw", raw), ("filtered", [raw[i] for i in kept]), ("intact", intact)):
            here = values[[place[id(document)] for document in documents]]
            yield Measurement(f"judge.{name}.{which}", float(np.nanmean(here)), note=note)


def _near(documents: Sequence[Document], settings: Settings) -> Floats:
    said = [[s.text for s in steps(document) if s.text][:MOST] for document in documents]
    unique = list(dict.fromkeys(text for texts in said for text in texts))
    rows = dict(zip(unique, text_encoder(settings.text).embed(unique), strict=True))
    return np.array(
        [np.mean([rows[a] @ rows[b] for a, b in itertools.pairwise(t)]) if len(t) > 1 else np.nan for t in said], np.float32
    )


def _looks(documents: Sequence[Document], looks: Mapping[str, Floats]) -> Floats:
    out: list[float] = []
    for document in documents:
        seen = [looks[image.ref] for image in document.images[:MOST] if image.ref in looks]
        out.append(float(1 - np.abs(np.diff(np.stack(seen), axis=0)).mean()) if len(seen) > 1 else np.nan)
    return np.array(out, np.float32)


def _gains(documents: Sequence[Document], settings: Settings) -> Floats:
    """Nats a token by which up to three images' words are likelier after the text of their step than on their own."""
    asked = [_worded(document) for document in documents]
    known = _likelihoods([pair for pairs in asked for b, w in pairs for pair in ((b, w), ("", w))], settings)
    gains = [[(known[b, w][0] - known["", w][0]) / max(known["", w][1], 1) for b, w in pairs] for pairs in asked]
    return np.array([np.mean(values) if values else np.nan for values in gains], np.float32)


def _worded(document: Document) -> list[tuple[str, str]]:
    """The words of images, with the text before them, cut."""
    found: list[tuple[str, str]] = []
    for s in steps(document):
        before = " ".join(s.text.split()[-20:])
        for image in s.images:
            words = " ".join(image_words(document, image).split()[:12])
            if before and len(words.split()) > 1:
                found.append((before + "\n", words))
    return found[: 3 * max(len(found) // 3, 1) : max(len(found) // 3, 1)]


def _likelihoods(pairs: Sequence[tuple[str, str]], settings: Settings) -> dict[tuple[str, str], tuple[float, int]]:
    model = language(settings.language)
    if not isinstance(model, Scores):
        raise ExpertError(f"{settings.language} gives no likelihoods; name a model that runs here")
    unique = list(dict.fromkeys(pairs))
    return dict(zip(unique, model.likelihood(unique), strict=True))


def _few_shot(
    held: Sequence[Document],
    raw: Sequence[Document],
    intact: Sequence[Document],
    kept: Sequence[int],
    settings: Settings,
    chance: random.Random,
) -> Iterator[Measurement]:
    """The loss of a held-out document's third step, a token, after none, two and four other documents.

    All three sets show the same documents as far as they can: the filtered set another one where the one drawn fell, the intact set the same
    one unharmed. So their difference is what the filter changed, and what it could have.
    """

    def told(document: Document) -> list[str]:
        return [" ".join(s.text.split()[: settings.words]) for s in steps(document) if len(s.text.split()) > 4][:3]

    def example(document: Document) -> str:
        return f"Title: {title(document)}\n" + "\n".join(told(document)) + "\n\n"

    questions = [(f"Title: {title(d)}\n{t[0]}\n{t[1]}\n", t[2]) for d in held if len(t := told(d)) == 3]
    draws = [[chance.randrange(len(raw)) for _ in range(max(SHOTS))] for _ in questions]
    again = [[chance.choice(kept) for _ in range(max(SHOTS))] for _ in questions]
    stays = set(kept)
    pools = {
        "raw": [[raw[i] for i in draw] for draw in draws],
        "filtered": [
            [raw[i if i in stays else j] for i, j in zip(*both, strict=True)] for both in zip(draws, again, strict=True)
        ],
        "intact": [[intact[i] for i in draw] for draw in draws],
    }
    asked = {
        (which, shots): [
            ("".join(map(example, examples[:shots])) + before, after)
            for examples, (before, after) in zip(pool, questions, strict=True)
        ]
        for which, pool in pools.items() for shots in SHOTS
    }  # fmt: skip
    known = _likelihoods([pair for pairs in asked.values() for pair in pairs], settings)
    for (which, shots), pairs in asked.items():
        loss = -sum(known[pair][0] for pair in pairs) / max(sum(known[pair][1] for pair in pairs), 1)
        yield Measurement(f"loss.{shots}-shot.{which}", loss, note=f"nats a token, {len(pairs)} held-out documents")


_LAPTOP = Settings()
_BEST = "best of three data sets by metrics of its own (abstract; tables not at hand)"
_TASK = "scores of models trained on it (eval/ of its code; tables not at hand)"
RECIPE = Recipe(
    slug="comm",
    title="CoMM: coherent documents of images and texts",
    reference="Chen et al. 2024, CoMM: A Coherent Interleaved Image-Text Dataset for Multimodal Understanding and Generation, arXiv 2406.10462",
    claims=[
        Claim(
            "preferred", "the scores put a coherent document above the same document made worse", "no figure",
            "documents and the same with one composed defect of eight kinds, the mean of six scores; chance is 50 %",
            better="preferred.all", worse="preferred.chance", effect=5,
        ),
        Claim(
            "dropped", "the filters drop what does not hang together, and keep what does", "no figure",
            "documents made worse and intact ones that fall, thresholds of other intact documents",
            better="dropped.worse", worse="dropped.intact", effect=10,
        ),
        Claim(
            "text", "filtered documents are more coherent in text than raw ones", _BEST, "mean cosine of neighbouring steps; half of the raw "
            "set is made worse on purpose", better="judge.text.filtered", worse="judge.text.raw", effect=0.01,
        ),
        Claim(
            "image", "filtered documents are more consistent in their images", _BEST, "how alike neighbouring images look",
            better="judge.image.filtered", worse="judge.image.raw", effect=0.005,
        ),
        Claim(
            "alignment", "filtered documents' images fit their texts better", _BEST, "how much likelier an image's words are after "
            "its step (nats a token)", better="judge.alignment.filtered", worse="judge.alignment.raw", effect=0.05,
        ),
        Claim(
            "image-to-text", "texts can be made for a sequence of images (task 1)", _TASK, "cosine with the true text, by retrieval: nothing here "
            "sees", better="task.image-to-text.text", worse="task.image-to-text.text.chance", effect=0.02,
        ),
        Claim(
            "text-to-image", "images can be made for a sequence of texts (task 2)", _TASK, "cosine of features with the true images, by retrieval: "
            "nothing here draws", better="task.text-to-image.image", worse="task.text-to-image.image.chance", effect=0.02,
        ),
        Claim(
            "continuation", "a document can be continued in text and images (task 3)", _TASK, "cosine with the true step; a language model "
            "writes, the image is retrieved", better="task.continuation.text", worse="task.continuation.text.chance", effect=0.02,
        ),
        Claim(
            "question", "a question can be answered in text and images (task 4)", _TASK, "cosine with the true document; a language model "
            "writes, images are retrieved", better="task.question.text", worse="task.question.text.chance", effect=0.02,
        ),
        Claim(
            "few-shot", "four examples of the filtered set teach more than four of the raw one", "better in context on several tasks "
            "(abstract; tables not at hand)", "loss of a held-out step after four examples, without training",
            better="loss.4-shot.filtered", worse="loss.4-shot.raw", lower=True, effect=0.02,
        ),
        Claim(
            "shots", "four examples are better than none", "a curve over shots (tables not at hand)", "the same loss, raw set",
            better="loss.4-shot.raw", worse="loss.0-shot.raw", lower=True, effect=0.1,
        ),
        Claim(
            "training", "a model trained on the filtered set is better in context, 0, 2 and 4 shots", "better on several tasks (abstract; tables "
            "not at hand)", "loss of small models on the third step of held-out documents, mean of 0, 2 and 4 other held-out documents before it; "
            "taught raw sets, half of them made worse on purpose, or what the filters leave of them, equal tokens; over seeds",
            better="trained.filtered", worse="trained.raw", lower=True, effect=0.02,
        ),
        Claim(
            "judge", "a model that sees rates the four tasks' answers", "GPT-4o, completeness, fidelity, style, entities, trend from 0 to 10 "
            "(eval/tot_metric/machine_evaluation_prompts)", "the same questions to a model that sees",
            waits="needs a model that sees and rates, which cannot be had here",
        ),
    ],
    settings={
        "smoke": replace(_LAPTOP, data=("sasview",), documents=16, folds=2, asked=3, tokens=16, small=TINY),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, data=(*_LAPTOP.data, "sasview"), documents=1_000, asked=40, ocr="bundled:rapidocr", workers=16),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 5, "gpu": 5},
    panels=[
        Panel("How often a document is preferred to the same made worse (%)", "preferred.{row}"),
        Panel("The same, by defect (%)", "found.{row}"),
        Panel("Dropped (%)", "dropped.{row}"),
        Panel("Coherence by measures that did not filter", "judge.{row}.{series}", ("raw", "filtered", "intact")),
        Panel("Loss of small models by what they were taught (nats a token)", "trained.{row}"),
        Panel("Loss of the next step after examples", "loss.{row}.{series}", ("raw", "filtered", "intact")),
    ],
)  # fmt: skip
