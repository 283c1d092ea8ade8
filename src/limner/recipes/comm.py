"""CoMM: documents whose texts get on, whose images belong together, and whose images fit their texts.

Chen et al. 2024, arXiv 2406.10462: three filters (text sequence by a language model, image sequence and image-text alignment by encoders),
preference pairs of a document and a shuffled one, four tasks of interleaved generation, few-shot learning from filtered documents.

What should fall is known here: half of the raw set are documents made worse on purpose (`limner.recipes.defects`), the other half are as they
are. Thresholds are the `strict` quantile of intact documents that are drawn apart, of which no defect is known to the filter. The filtered set is
judged by other measures than those that filtered it. No model of the field draws or sees here: the four tasks are answered by retrieval
from other documents, which is a baseline and named so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from limner.corpus import Corpus
from limner.corpus.media import MediaInfo
from limner.curate.align import decoded
from limner.curate.coherence import TextSequence
from limner.curate.imagesequence import ImageSequence, appearance
from limner.curate.imagewords import ImageWords
from limner.curate.steps import image_words, steps, title
from limner.document import Document
from limner.experts.image_encoder import image_encoder
from limner.experts.language import Scores, language
from limner.experts.text_encoder import text_encoder
from limner.pipeline.plan import Plan, step
from limner.recipes import defects
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import Unrecorded, built

Floats = NDArray[np.float32]

TEXTUAL: tuple[defects.Defect, ...] = (defects.shuffled_texts, defects.foreign_texts, defects.cut_short)
VISUAL: tuple[defects.Defect, ...] = (defects.foreign_images, defects.foreign_pairs)
BOTH: tuple[defects.Defect, ...] = (defects.shuffled_both, defects.shuffled_steps)
SHOTS = (0, 2, 4)


@dataclass(frozen=True)
class Settings:
    """What is filtered, and by whom.

    `data`      data sets whose documents are the raw set
    `language`  address of the language model of the text filter; it must give likelihoods
    `text`      address of the encoder of texts of the alignment filter
    `image`     address of the encoder of images of the image filter
    `ocr`       address of a reader of text in images for the alignment filter, or "" for none
    `documents` of the raw set, half of them made worse; as many again set the thresholds, and half as many are held out
    `strict`    share of intact documents that a threshold may cost
    `words`     words of a step that a language model is shown in the few-shot comparison
    `workers`   processes that build
    """

    data: tuple[str, ...] = ("gimp-help-en", "skimage-doc")
    language: str = "bundled:smollm2-135m"
    text: str = "bundled:minilm"
    image: str = "bundled:efficientnet-lite0"
    ocr: str = ""
    documents: int = 80
    strict: float = 0.2
    words: int = 24
    workers: int = 2


class _Seen(Unrecorded):
    """The images of a corpus, for operators that are only asked for their scores."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def media(self, ref: str) -> bytes | None:
        """See `MediaReader`."""
        return self._corpus.media(ref)

    def info(self, ref: str) -> MediaInfo | None:
        """See `MediaReader`."""
        return None


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Draw, make worse, filter, judge, and answer the tasks; `seed` draws the documents and the defects."""
    chance = random.Random(seed)
    plan = Plan(steps=(step("image-rules", min_width=48, min_height=48),))
    with built(plan, settings.data, settings.workers) as (corpus, _):
        whole = [document for document in corpus if _fit(document)]
        if len(whole) < 8:
            raise ValueError("fewer than eight documents with two images and three steps: name more data")
        chance.shuffle(whole)
        size = min(settings.documents, 2 * len(whole) // 5)
        raw, known, held = whole[:size], whole[size : 2 * size], whole[2 * size : 2 * size + size // 2]
        yield Measurement("documents", size, note="of the raw set; as many are used to set thresholds")
        seen = _Seen(corpus)
        filters = _Filters(settings, seen)
        marked, which = _worse(raw, whole, chance)
        limits = filters.limits(known)
        table = filters.scores(marked)
        yield from _found(table, which, limits)
        kept = [i for i in range(len(marked)) if not _fails(table, i, limits)]
        yield Measurement("kept", 100 * len(kept) / len(marked), "%", "of the raw set, half of which is defective")
        judges = _judged(marked, settings, seen)
        for name, values in judges.items():
            here = values[np.isfinite(values)]
            left = values[kept]
            yield Measurement(f"judge.{name}.raw", float(here.mean()))
            yield Measurement(f"judge.{name}.filtered", float(left[np.isfinite(left)].mean()))
        yield from _tasks(held, whole[: 2 * size], settings, seen, chance)
        yield from _few_shot(held, marked, [marked[i] for i in kept], settings, chance)


def _fit(document: Document) -> bool:
    stored = sum(bool(image.ref) for image in document.images)
    said = [s for s in steps(document) if len(s.text.split()) >= 5]
    return document.language in ("", "en") and 2 <= stored <= 40 and len(said) >= 3


def _worse(raw: Sequence[Document], others: Sequence[Document], chance: random.Random) -> tuple[list[Document], list[str]]:
    """The raw set with every second document made worse, and which defect each has ("" for none)."""
    out: list[Document] = []
    which: list[str] = []
    ways = [*TEXTUAL, *VISUAL, *BOTH]
    for i, document in enumerate(raw):
        way = ways[(i // 2) % len(ways)] if i % 2 else None
        out.append(way(document, [o for o in others if o.id != document.id], chance) if way else document)
        which.append(_name(way) if way else "")
    return out, which


def _name(way: Callable[..., Document]) -> str:
    return way.__name__.replace("_", "-")


class _Filters:
    """The three filters, and what each says of documents."""

    def __init__(self, settings: Settings, seen: _Seen) -> None:
        self._text = TextSequence(model=settings.language, most=5)
        self._image = ImageSequence(model=settings.image)
        self._words = ImageWords(model=settings.text, ocr=settings.ocr)
        self._seen = seen
        self._strict = settings.strict

    def scores(self, documents: Sequence[Document]) -> dict[str, Floats]:
        """Each score of each document; not a number where it has none."""
        texts = self._text.scores(documents)
        images = self._image.scores(documents, self._seen)
        words = self._words.scores(documents, self._seen)
        table: dict[str, list[float]] = {
            "text-development": [t.development if t else np.nan for t in texts],
            "text-coherence": [t.coherence if t else np.nan for t in texts],
            "text-completeness": [t.completeness if t else np.nan for t in texts],
            "image-progress": [i.progress if i else np.nan for i in images],
            "image-entities": [i.entities if i else np.nan for i in images],
            "image-style": [i.style if i else np.nan for i in images],
            "alignment": [float(np.mean(list(w.values()))) if w else np.nan for w in words],
        }
        return {name: np.array(values, np.float32) for name, values in table.items()}

    def limits(self, intact: Sequence[Document]) -> dict[str, float]:
        """The thresholds: what a share of intact documents lies below, all scores together."""
        table = self.scores(intact)
        share = self._strict / len(table)
        return {name: float(np.nanquantile(values, share)) for name, values in table.items()}


def _fails(table: dict[str, Floats], i: int, limits: dict[str, float]) -> bool:
    return any(values[i] < limits[name] for name, values in table.items())


def _found(table: dict[str, Floats], which: Sequence[str], limits: dict[str, float]) -> Iterator[Measurement]:
    """How well scores tell defects, and what falls of each kind."""
    names = list(dict.fromkeys(which))
    for name, values in table.items():
        good = values[[i for i, w in enumerate(which) if not w]]
        bad = values[[i for i, w in enumerate(which) if w]]
        yield Measurement(
            f"rank.{name}", rank(good, bad), note="how often an intact document has more than a defective one; 0.5 is chance"
        )
    for defect in names:
        members = [i for i, w in enumerate(which) if w == defect]
        share = 100 * sum(_fails(table, i, limits) for i in members) / len(members)
        yield Measurement(f"dropped.{defect or 'intact'}", share, "%", f"of {len(members)} documents")
    defective = [i for i, w in enumerate(which) if w]
    yield Measurement("dropped.defective", 100 * sum(_fails(table, i, limits) for i in defective) / max(len(defective), 1), "%")


def rank(good: Floats, bad: Floats) -> float:
    """The probability that one of `good` exceeds one of `bad`, ties counted half; values that are no number are left out.

    >>> rank(np.array([2.0, 3.0]), np.array([1.0, 3.0]))
    0.625
    """
    good, bad = good[np.isfinite(good)], bad[np.isfinite(bad)]
    if not len(good) or not len(bad):
        return 0.5
    more = (good[:, None] > bad[None, :]).mean() + 0.5 * (good[:, None] == bad[None, :]).mean()
    return float(more)


def _judged(documents: Sequence[Document], settings: Settings, seen: _Seen) -> dict[str, Floats]:
    """Coherence by measures that did not filter: of texts by the encoder of texts (the filter asks a language model), of images by how they
    look (beside the filter's features), of both by how much likelier an image's words are after the text before it."""
    encoder = text_encoder(settings.text)
    model = language(settings.language)
    assert isinstance(model, Scores)
    texts = np.full(len(documents), np.nan, np.float32)
    looks = np.full(len(documents), np.nan, np.float32)
    gains = np.full(len(documents), np.nan, np.float32)
    pictures: dict[str, Floats] = {}
    for refs, pixels in decoded(dict.fromkeys(i.ref for d in documents for i in d.images[:12] if i.ref), seen):
        pictures.update(zip(refs, map(appearance, pixels), strict=True))
    pairs: list[tuple[int, str, str]] = []
    for at, document in enumerate(documents):
        said = [s.text for s in steps(document) if s.text][:12]
        if len(said) > 1:
            rows = encoder.embed(said)
            texts[at] = float((rows[1:] * rows[:-1]).sum(axis=1).mean())
        shown = [pictures[i.ref] for i in document.images[:12] if i.ref in pictures]
        if len(shown) > 1:
            looks[at] = float(1 - np.abs(np.diff(np.stack(shown), axis=0)).mean())
        pairs += [(at, before, words) for before, words in _worded(document)][:4]
    asked = {pair for _, before, words in pairs for pair in ((before, words), ("", words))}
    known = dict(zip(asked, model.likelihood(list(asked)), strict=True))
    by: dict[int, list[float]] = {}
    for at, before, words in pairs:
        (after, count), (alone, _) = known[before, words], known["", words]
        by.setdefault(at, []).append((after - alone) / max(count, 1))
    for at, values in by.items():
        gains[at] = float(np.mean(values))
    return {"text": texts, "image": looks, "alignment": gains}


def _worded(document: Document) -> Iterator[tuple[str, str]]:
    """The words of each image with the text of its step before them, cut."""
    for s in steps(document):
        before = " ".join(s.text.split()[-40:])
        for image in s.images:
            words = " ".join(image_words(document, image).split()[:20])
            if before and len(words.split()) > 1:
                yield before + "\n", words


def _tasks(
    held: Sequence[Document], pool: Sequence[Document], settings: Settings, seen: _Seen, chance: random.Random
) -> Iterator[Measurement]:
    """CoMM's four tasks, answered by retrieval: what is nearest in other documents."""
    encoder, model = text_encoder(settings.text), language(settings.language)
    assert isinstance(model, Scores)
    shown = {ref: v for d in (*held, *pool) for ref, v in _features(d, settings, seen).items()}
    known = [(s.text, i.ref) for d in pool for s in steps(d) for i in s.images if s.text and i.ref in shown]
    asked = [(s.text, i.ref) for d in held for s in steps(d) for i in s.images[:1] if s.text and i.ref in shown]
    said = np.asarray(encoder.embed([text for text, _ in (*asked, *known)]))
    ours, theirs = said[: len(asked)], said[len(asked) :]
    nearest = (np.stack([shown[r] for _, r in asked]) @ np.stack([shown[r] for _, r in known]).T).argmax(axis=1)
    yield Measurement(
        "task.image-to-text",
        float((ours * theirs[nearest]).sum(axis=1).mean()),
        note="cosine of the text of the nearest image with the true one",
    )
    yield Measurement("task.image-to-text.chance", float((ours @ theirs.T).mean()), note="the same of any image's text")
    right = lucky = count = 0.0
    for document in held:
        named = [(s.text, words) for s in steps(document) for i in s.images[:1] if s.text and (words := image_words(document, i))]
        if len(named) < 2:
            continue
        rows = np.asarray(encoder.embed([t for t, _ in named] + [w for _, w in named]))
        order = (rows[: len(named)] @ rows[len(named) :].T).argmax(axis=1)
        right += float((order == np.arange(len(named))).sum())
        lucky += 1.0
        count += len(named)
    yield Measurement(
        "task.text-to-image", 100 * right / max(count, 1), "%", "steps whose own image is chosen of their document's by its words"
    )
    yield Measurement("task.text-to-image.chance", 100 * lucky / max(count, 1), "%")
    said_by = [[" ".join(s.text.split()[: settings.words]) for s in steps(d) if len(s.text.split()) > 4] for d in held]
    cases: list[tuple[str, list[str]]] = []
    for own in said_by:
        if len(own) > 2:
            wrong = [chance.choice(chance.choice([o for o in said_by if o is not own and o])) for _ in range(3)]
            cases.append((own[0] + "\n" + own[1] + "\n", [own[2], *wrong]))
    pairs = [pair for before, choices in cases for c in choices for pair in ((before, c), ("", c))]
    found = dict(zip(pairs, model.likelihood(pairs), strict=True))
    chosen = [
        int(np.argmax([(found[before, c][0] - found["", c][0]) / max(found["", c][1], 1) for c in choices]))
        for before, choices in cases
    ]
    share = 100 * sum(c == 0 for c in chosen) / max(len(chosen), 1)
    yield Measurement("task.continuation", share, "%", "the third step chosen of four by likelihood")
    yield Measurement("task.continuation.chance", 25, "%")
    steps_of = [(d.id, s.text) for d in held for s in steps(d) if len(s.text.split()) > 4]
    rows = np.asarray(encoder.embed([text for _, text in steps_of]))
    shares: list[float] = []
    for document in held:
        own = [id == document.id for id, _ in steps_of]
        if any(own):
            (question,) = encoder.embed([f"How to: {title(document)}"])
            best = np.argsort(-(rows @ question))[: sum(own)]
            shares.append(float(np.mean([own[i] for i in best])))
    share = 100 * float(np.mean(shares))
    yield Measurement(
        "task.question-to-answer", share, "%", "steps of the true answer among as many that are nearest to the title"
    )
    yield Measurement("task.question-to-answer.chance", 100 / max(len(held), 1), "%")


def _features(document: Document, settings: Settings, seen: _Seen) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    for refs, pixels in decoded(dict.fromkeys(i.ref for i in document.images[:12] if i.ref), seen):
        found.update(zip(refs, image_encoder(settings.image).embed(pixels), strict=True))
    return found


def _few_shot(
    held: Sequence[Document], raw: Sequence[Document], kept: Sequence[Document], settings: Settings, chance: random.Random
) -> Iterator[Measurement]:
    """The loss of a held-out document's third step, a token, after no, two and four other documents of the raw or of the filtered set."""
    model = language(settings.language)
    assert isinstance(model, Scores)

    def told(document: Document) -> list[str]:
        return [" ".join(s.text.split()[: settings.words]) for s in steps(document) if len(s.text.split()) > 4][:3]

    def shown(document: Document) -> str:
        return f"Title: {title(document)}\n" + "\n".join(told(document)) + "\n\n"

    questions = [(f"Title: {title(d)}\n{t[0]}\n{t[1]}\n", t[2]) for d in held if len(t := told(d)) == 3]
    draws = [[chance.random() for _ in range(max(SHOTS))] for _ in questions]
    for name, pool in (("raw", raw), ("filtered", kept)):
        pool = [d for d in pool if len(told(d)) == 3]
        for shots in SHOTS:
            pairs = [
                ("".join(shown(pool[int(x * len(pool))]) for x in draw[:shots]) + before, after)
                for (before, after), draw in zip(questions, draws, strict=True)
            ]
            found = model.likelihood(pairs)
            loss = -sum(value for value, _ in found) / max(sum(count for _, count in found), 1)
            yield Measurement(f"loss.{shots}-shot.{name}", loss, note=f"nats a token, {len(pairs)} held-out documents")


_LAPTOP = Settings()
_JUDGE = "higher than MMC4's and OBELICS's by judging models (its comparison of data sets)"
RECIPE = Recipe(
    slug="comm",
    title="CoMM: coherent documents of images and texts",
    reference="Chen et al. 2024, CoMM: A Coherent Interleaved Image-Text Dataset for Multimodal Understanding and Generation, arXiv 2406.10462",
    claims=[
        Claim(
            "defects", "the filters drop documents that do not hang together, and keep those that do", "no figure: shuffled documents "
            "are the worse ones of its preference pairs",
            "documents made worse on purpose against intact ones, thresholds of other documents",
            better="dropped.defective", worse="dropped.intact", effect=10,
        ),
        Claim(
            "text", "filtered documents are more coherent in text", _JUDGE, "mean cosine of neighbouring steps, an encoder that did "
            "not filter texts", better="judge.text.filtered", worse="judge.text.raw", effect=0.01,
        ),
        Claim(
            "image", "filtered documents are more consistent in their images", _JUDGE, "likeness of neighbouring images' looks",
            better="judge.image.filtered", worse="judge.image.raw", effect=0.002,
        ),
        Claim(
            "alignment", "filtered documents' images fit their texts better", _JUDGE, "how much likelier an image's words are after "
            "its step (nats a token)", better="judge.alignment.filtered", worse="judge.alignment.raw", effect=0.02,
        ),
        Claim(
            "continuation", "the four tasks can be asked and scored", "scores of trained models", "a text continued by the right step "
            "of four, by likelihood; the tasks with images by retrieval: nothing here draws",
            better="task.continuation", worse="task.continuation.chance", effect=5,
        ),
        Claim(
            "few-shot", "examples of the filtered set teach more than those of the raw one", "few-shot scores of a model trained on it",
            "loss of a held-out step after four documents of the one or the other set, no training",
            better="loss.4-shot.filtered", worse="loss.4-shot.raw", lower=True, effect=0.02,
        ),
        Claim(
            "training", "a model trained on filtered documents is better in context", "few-shot captioning and questions, 0 to 32 shots",
            "training on both at equal tokens", waits="needs the trainer, which does not exist yet",
        ),
    ],
    settings={
        "smoke": replace(_LAPTOP, data=("sasview",), documents=10, workers=1),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, data=(*_LAPTOP.data, "sklearn-doc", "sasview"), documents=1_000, ocr="bundled:rapidocr", workers=16),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Dropped, by defect (%)", "dropped.{row}"),
        Panel("How often an intact document scores more than a defective one", "rank.{row}"),
        Panel("Loss of the next step after examples", "loss.{row}.{series}", ("raw", "filtered")),
    ],
)  # fmt: skip
