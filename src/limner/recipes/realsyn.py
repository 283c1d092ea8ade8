"""RealSyn: images and sentences of documents, taken apart and paired anew by retrieval, for contrastive training.

Gu et al. 2025, arXiv 2502.12513: 118 million documents become heaps of images and sentences; texts are clustered, an image is compared with the
clusters' centres and with the members of the nearest, and gets three realistic texts; a language model rewrites them with the image's tags
and caption; images are drawn so that no cluster of them is too large. CLIP trained on it beats CLIP trained on as many pairs of the web.

Here towers over frozen features stand for CLIP (`limner.experts.pairs`), the joint encoder that comes with limner retrieves, SmolLM2 rewrites.
Raw pairs are what documents offer: an image with the text before it, or with what its author says of it (caption or alternative text). All ways
train on the same images of the same documents for as many steps, which are chosen on other documents, and are asked for held-out documents'
captioned figures, emoji and clip art. The retriever was trained on other emoji and clip art, and on captions of three of the corpora: what it
knows is part of what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.curate.unpaired import levelled, same
from limner.experts.language import Sampling, language, user
from limner.experts.onnx import Floats
from limner.experts.pairs.encoder import WEIGHTS
from limner.experts.pairs.towers import Tower, load
from limner.experts.pairs.training import Training, train
from limner.recipes.gains import compared
from limner.recipes.heaps import OWN, Heaps, Strangers, embedded, heaps, strangers
from limner.recipes.pairing import by_group, ranks
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.search.hierarchy import Hierarchy, Hits, flat
from limner.sources.pairs import KINDS

Rows = NDArray[np.intp]
Towers = tuple[Tower, Tower]

_DEPTH = 10  # texts that are looked at, and pictures among which the right one counts as found
_NAMES = {"fluent-emoji": "emoji", "openclipart": "clipart"}
_PLACES = ("docs", "emoji", "clipart")


@dataclass(frozen=True)
class Settings:
    """Documents, how their images get texts, and how towers are trained on them.

    `data`      data sets: documents, and sets of named pictures that are only asked about
    `images`    most images of each set of documents
    `sentences` most sentences of each
    `asked`     most pictures of each of the others
    `encoder`   address of the joint encoder that retrieves
    `texts`     realistic texts an image gets
    `probes`    clusters whose members are compared, in the order in which they are tried; training takes `probes[probe]`
    `steps`     of training; the better number is chosen on documents of their own
    `share`     of the images that balance sampling keeps
    `writer`    address of the language model that writes synthetic texts, "" for none
    `written`   images that it writes for
    """

    data: tuple[str, ...] = ("gimp-help-en", "sasview", "sklearn-doc", "skimage-doc", "opencv-doc", "fluent-emoji", "openclipart")
    images: int = 1_500
    sentences: int = 5_000
    asked: int = 500
    encoder: str = OWN
    texts: int = 3
    probes: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    probe: int = 3
    steps: tuple[int, ...] = (100, 300)
    share: float = 0.5
    writer: str = "bundled:smollm2-135m"
    written: int = 256


@dataclass(frozen=True)
class Question:
    """Pictures that are asked for by texts: features N x F, texts N x E, the texts' names and the group each counts in."""

    features: Floats
    texts: Floats
    names: tuple[str, ...]
    groups: tuple[str, ...]

    def found(self, images: Floats, texts: Floats) -> Floats:
        """Recall@10 in percent of each group, in the space that images and texts (N x D) are in."""
        return by_group(np.asarray(100.0 * (ranks(texts, images, self.names) < _DEPTH), np.float32), self.groups)

    def by(self, towers: Towers) -> Floats:
        """... in the space of towers."""
        return self.found(towers[0](self.features), towers[1](self.texts))


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Take apart, pair anew, train each way, ask; `seed` draws clusters, samples and weights."""
    heap, others = _read(settings)
    for name, count in heap.counts.items():
        yield Measurement(name, count)
    at = heap.at("train")
    yield Measurement("images.train", len(at), note="in documents that are trained on; each way gets all of them")
    pool = np.flatnonzero(heap.trained)
    yield Measurement("sentences.train", len(pool), note="in documents that are trained on; the others' are not retrieved")
    queries = {"pixels": (heap.seen[at], heap.joint[pool]), "words": (heap.said[at], heap.rows[pool])}
    grown = {kind: Hierarchy.grown(rows, round(math.sqrt(len(rows))), seed) for kind, (_, rows) in queries.items()}
    for kind, (asked, _) in queries.items():
        yield from _searched(kind, heap, at, pool, asked, grown[kind], settings.probes)
    probes = settings.probes[min(settings.probe, len(settings.probes) - 1)]
    texts = {kind: pool[grown[kind].search(asked, settings.texts, probes).rows] for kind, (asked, _) in queries.items()}
    texts["chance"] = pool[np.random.default_rng(seed).integers(len(pool), size=(len(at), settings.texts))]
    yield from _alike(heap, at, texts)
    questions = {"docs": _figures(heap, "test"), **{_NAMES.get(n, n): _named(s) for n, s in others.items()}}
    yield from _trained(heap, at, texts, questions, settings, seed)
    yield from _balanced(heap, at, texts["pixels"], questions, settings, seed)
    if settings.writer:
        yield from _synthetic(heap, at, texts["pixels"], questions, settings, seed)


@cache
def _read(settings: Settings) -> tuple[Heaps, dict[str, Strangers]]:
    """The heaps of the documents, and the named pictures that are only asked about."""
    others = [name for name in settings.data if name in KINDS]
    documents = [name for name in settings.data if name not in KINDS]
    heap = heaps(documents, settings.images, settings.sentences, settings.encoder)
    return heap, {name: strangers(name, "test", settings.asked) for name in others}


def _searched(
    kind: str, heap: Heaps, at: Rows, pool: Rows, asked: Floats, grown: Hierarchy, probes: Sequence[int]
) -> Iterator[Measurement]:
    """What the hierarchy finds of what flat search finds, and of the sentences that stand beside the image in its document."""
    whole = flat(grown.rows, asked, _DEPTH)
    number = np.full(len(heap.sentences), -1, np.intp)
    number[pool] = np.arange(len(pool))
    beside = [number[heap.beside[i]] for i in at]
    with_any = np.array([n for n, rows in enumerate(beside) if (rows >= 0).any()], np.intp)
    documents = [heap.images[at[n]].document for n in with_any]
    yield Measurement(f"{kind}.clusters", len(grown.centres))

    def neighbours(hits: Hits) -> Floats:
        right = [100.0 * float(np.isin(hits.rows[n], beside[n][beside[n] >= 0]).any()) for n in with_any]
        return by_group(np.array(right, np.float32), documents)

    for count in probes:
        hits = grown.search(asked, _DEPTH, count)
        same_ten = [np.isin(a, b).mean() for a, b in zip(whole.rows, hits.rows, strict=True)]
        yield Measurement(f"{kind}.found.{count}", 100 * float(np.mean(same_ten)), "%", "of flat search's ten texts")
        share = 100 * float(hits.compared.mean() / len(pool))
        yield Measurement(f"{kind}.compared.{count}", share, "%", "of flat search's comparisons, those with centres included")
        yield from compared(
            f"{kind}.beside.{count}", neighbours(hits), neighbours(whole), ("hierarchy", "flat"), "%",
            f"images with a text that stands beside them among ten, by document, {len(with_any)} images",
        )  # fmt: skip


def _alike(heap: Heaps, at: Rows, texts: Mapping[str, Rows]) -> Iterator[Measurement]:
    """How like what authors say of an image its texts are: cosines of the encoder of texts."""
    means = {way: (heap.rows[rows] * heap.said[at][:, None]).sum(-1).mean(-1) for way, rows in texts.items()}
    means["before"] = (heap.before[at] * heap.said[at]).sum(-1)
    for way, values in means.items():
        yield Measurement(f"alike.{way}", float(values.mean()), "", "cosine with the caption or alternative text")


def _figures(heap: Heaps, which: str) -> Question:
    """The captioned figures of a part of the documents."""
    at = np.array([i for i in heap.at(which) if heap.images[i].captioned], np.intp)
    shown = [heap.images[i] for i in at]
    return Question(heap.features[at], heap.said[at], tuple(s.said.casefold() for s in shown), tuple(s.document for s in shown))


def _named(given: Strangers) -> Question:
    return Question(given.features, given.texts, tuple(p.text for p in given.pairs), tuple(p.concept for p in given.pairs))


def _fitted(heap: Heaps, at: Rows, wordings: Sequence[Floats], same_text: Sequence[str], settings: Settings, seed: int) -> Towers:
    """Towers trained on images with one of their wordings (each N x E) at a time, for the number of steps that is better on documents of their
    own. Images whose first text is the same are no negatives of each other."""
    tune = _figures(heap, "tune")
    tried = [train(heap.features[at], wordings, same_text, Training(steps=steps, batch=256), seed) for steps in settings.steps]
    return max(tried, key=lambda towers: float(tune.by(towers).mean()))


def _wordings(heap: Heaps, rows: Rows) -> list[Floats]:
    """Texts of retrieved sentences (N x T numbers), a wording each."""
    return [heap.rows[column] for column in rows.T]


def _firsts(rows: Rows) -> list[str]:
    return [str(n) for n in rows[:, 0]]


def _trained(
    heap: Heaps, at: Rows, texts: Mapping[str, Rows], questions: Mapping[str, Question], settings: Settings, seed: int
) -> Iterator[Measurement]:
    """Towers by each way of giving the same images texts."""
    before, said = [heap.images[i].before for i in at], [heap.images[i].said for i in at]
    ways: dict[str, tuple[list[Floats], list[str]]] = {
        "before": ([heap.before[at]], before),
        "said": ([heap.said[at]], said),
        "real": (_wordings(heap, texts["pixels"]), _firsts(texts["pixels"])),
        "worded": (_wordings(heap, texts["words"]), _firsts(texts["words"])),
        "chance": (_wordings(heap, texts["chance"]), _firsts(texts["chance"])),
        "joined": ([heap.before[at], *_wordings(heap, texts["pixels"])], before),
    }
    towers = {way: _fitted(heap, at, *given, settings, seed) for way, given in ways.items()}
    for place, question in questions.items():
        found = {way: question.by(each) for way, each in towers.items()}
        what = f"recall@10 among {len(question.names)} pictures, mean of {len(next(iter(found.values())))} documents or concepts"
        for way, values in found.items():
            yield Measurement(f"{place}.{way}", float(values.mean()), "%", what)
        if settings.encoder == OWN:
            own = float(question.by(load(WEIGHTS)).mean())
            yield Measurement(f"{place}.retriever", own, "%", f"{what}: by the joint encoder that retrieved")
        yield Measurement(f"{place}.guess", 100 * min(_DEPTH / len(question.names), 1.0), "%", "about")
        for a, b in (("real", "before"), ("real", "said"), ("real", "chance"), ("joined", "before"), ("worded", "before")):
            yield from compared(f"{place}.{a}-{b}", found[a], found[b], (a, b), "%", what)


def _balanced(
    heap: Heaps, at: Rows, texts: Rows, questions: Mapping[str, Question], settings: Settings, seed: int
) -> Iterator[Measurement]:
    """As many images drawn evenly over clusters of them, and drawn at random: which concepts, and what is learnt of them."""
    wanted = round(settings.share * len(at))
    grown = Hierarchy.grown(heap.seen[at], max(len(at) // 20, 2), seed)
    chosen = {
        "all": np.arange(len(at)),
        "drawn": np.sort(np.random.default_rng(seed).permutation(len(at))[:wanted]),
        "levelled": levelled(grown.labels, wanted, seed),
    }
    # What is counted is not what was levelled: classes that a classifier sees, where images come from, words.
    for name, rows in chosen.items():
        shown = [heap.images[at[n]] for n in rows]
        said = {word for n in rows for word in heap.sentences[texts[n, 0]].casefold().split()}
        yield Measurement(f"balance.images.{name}", len(rows))
        yield Measurement(f"balance.classes.{name}", _effective([s.tags[0] for s in shown]), "", "classes, were all as frequent")
        yield Measurement(f"balance.corpora.{name}", _effective([s.kind for s in shown]), "", "corpora, were all as frequent")
        yield Measurement(f"balance.words.{name}", len(said), "", "different words in the nearest texts")
    towers = {
        name: _fitted(heap, at[chosen[name]], _wordings(heap, texts[chosen[name]]), _firsts(texts[chosen[name]]), settings, seed)
        for name in ("drawn", "levelled")
    }
    for place, question in questions.items():
        evenly, freely = (question.by(towers[name]) for name in ("levelled", "drawn"))
        yield from compared(f"{place}.levelled-drawn", evenly, freely, ("levelled", "drawn"), "%", f"recall@10, {wanted} images")


def _effective(names: Sequence[str]) -> float:
    """How many equally frequent names have the entropy of these.

    >>> round(_effective(["a", "a", "b", "b"]), 3), _effective(["a", "a"])
    (2.0, 1.0)
    """
    shares = np.unique(np.asarray(names), return_counts=True)[1] / len(names)
    return float(np.exp(-(shares * np.log(shares)).sum()))


@cache
def _written(settings: Settings) -> dict[int, tuple[str, str]]:
    """A retrieved sentence and the text written of it, for the first images that are trained on; by their number. Those it says nothing of are
    left out. The same for all seeds, by flat search, since writing takes longest."""
    heap, _ = _read(settings)
    pool, at = np.flatnonzero(heap.trained), heap.at("train")
    at = np.sort(np.random.default_rng(0).permutation(at)[: settings.written])
    nearest_text = [heap.sentences[n] for n in pool[flat(heap.joint[pool], heap.seen[at], 1).rows[:, 0]]]
    prompts = [
        f"A picture looks like: {', '.join(heap.images[i].tags)}. A sentence that may go with it: {sentence}\n\n"
        "Write a caption for the picture, one short sentence."
        for i, sentence in zip(at, nearest_text, strict=True)
    ]
    answers = language(settings.writer).answer([[user(prompt)] for prompt in prompts], Sampling(tokens=40))
    said = [next((line.strip() for line in answer.text.splitlines() if line.strip()), "") for answer in answers]
    return {int(i): (sentence, text) for i, sentence, text in zip(at, nearest_text, said, strict=True) if text}


def _synthetic(
    heap: Heaps, at: Rows, texts: Rows, questions: Mapping[str, Question], settings: Settings, seed: int
) -> Iterator[Measurement]:
    """The same few images with three realistic texts, with one that was written, and with both."""
    written = _written(settings)
    yield Measurement("synthetic.images", len(written), note="that a text was written for")
    copied = [same(text) == same(sentence) for sentence, text in written.values()]
    yield Measurement("synthetic.copied", 100 * float(np.mean(copied)), "%", "of texts say the retrieved sentence again")
    few = np.array(sorted(written), np.intp)
    told = np.asarray([i in written for i in at])
    rows, made = texts[told], embedded([written[int(i)][1] for i in few])
    given = embedded([written[int(i)][0] for i in few])
    said, documents = heap.said[few], [heap.images[i].document for i in few]
    near = [by_group((each * said).sum(-1), documents) for each in (made, given)]
    yield from compared(
        "synthetic.alike", near[0], near[1], ("written", "retrieved"), "", "cosine with what authors say, by document"
    )
    wordings = _wordings(heap, rows)
    ways = {"few": wordings, "synthetic": [made], "both": [*wordings, made]}
    towers = {way: _fitted(heap, few, each, _firsts(rows), settings, seed) for way, each in ways.items()}
    for place, question in questions.items():
        found = {way: question.by(each) for way, each in towers.items()}
        what = f"recall@10, {len(few)} images"
        yield from compared(f"{place}.both-few", found["both"], found["few"], ("both", "few"), "%", what)
        yield from compared(f"{place}.synthetic-few", found["synthetic"], found["few"], ("synthetic", "few"), "%", what)


def _claims() -> Iterator[Claim]:
    for kind, by in (("pixels", "an image's place in the joint space"), ("words", "the words said of an image")):
        yield Claim(
            f"found-{kind}", f"eight clusters' members have nine of ten texts that flat search finds by {by}", "no figure",
            "share of flat search's ten texts, at least 90 %", better=f"{kind}.found.8", at_least=90.0,
        )  # fmt: skip
        yield Claim(
            f"compared-{kind}", f"... at a fifth of the comparisons ({kind})", "no figure; 0.84 billion sentences are too many to compare",
            "share of flat search's comparisons, at most 20 %", better=f"{kind}.compared.8", at_most=20.0,
        )  # fmt: skip
        yield Claim(
            f"beside-{kind}", f"texts that stand beside an image are found as often as by flat search ({kind})", "no figure",
            "recall@10 of a neighbouring text by eight clusters less by flat search, paired over documents: the interval's lower end is at "
            "least -1 point", better=f"{kind}.beside.8.gain.low", at_least=-1.0,
        )  # fmt: skip
    for key, statement, lower in (
        ("classes", "balance sampling keeps more classes of images than chance", 1.0),
        ("corpora", "... more corpora", 0.1),
        ("words", "... more different words", 20.0),
    ):
        yield Claim(
            f"balance-{key}", statement, "diversity is shown by unique entities (figure); no rate", "half of the images, paired over seeds",
            better=f"balance.{key}.levelled", worse=f"balance.{key}.drawn", effect=lower,
        )  # fmt: skip
    better = "better than as many pairs of the web (abstract)"
    for pair, statement, paper in (
        ("real-before", "towers trained on retrieved texts beat those trained on the text before the image", better),
        ("real-said", "... those trained on caption or alternative text", better),
        ("real-chance", "retrieved texts are better than any texts", "not claimed"),
        ("joined-before", "retrieved texts, added to the text before the image, help", "not claimed"),
        ("worded-before", "texts retrieved by what is said of the image beat the text before it", "not claimed"),
        (
            "levelled-drawn",
            "towers trained on balanced images beat those trained on as many drawn at random",
            "balance helps (abstract)",
        ),
        ("both-few", "a synthetic text beside realistic ones helps", "both together are best (abstract)"),
    ):
        for place in _PLACES:
            yield Claim(
                f"{pair}-{place}", f"{statement} ({place})", paper, "recall@10, paired over documents or concepts, mean of the seeds", effect=2.0,
                within=f"{place}.{pair}",
            )  # fmt: skip
    yield Claim(
        "synthetic-alike", "a written text is more like what authors say of the image than the sentence it was written from", "not claimed",
        "cosine, paired over documents", effect=0.02, within="synthetic.alike",
    )  # fmt: skip


RECIPE = Recipe(
    slug="realsyn",
    title="RealSyn: documents taken apart and paired anew",
    reference="Gu et al. 2025, RealSyn: An Effective and Scalable Multimodal Interleaved Document Transformation Paradigm, arXiv 2502.12513",
    claims=list(_claims()),
    settings={
        "smoke": Settings(data=("sasview",), images=60, sentences=300, probes=(1, 4), probe=1, steps=(10,), writer=""),
        "laptop": Settings(),
        "gpu": Settings(
            images=50_000, sentences=200_000, asked=10_000, steps=(300, 1_000, 3_000), written=10_000,
            encoder="hf:google/siglip-base-patch16-224",
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 5},
    panels=[
        Panel("Of flat search's ten texts, and of its comparisons, by clusters searched", "pixels.{series}.{row}", ("found", "compared")),
        Panel("The same by words", "words.{series}.{row}", ("found", "compared")),
        Panel("Held-out figures found among ten by their captions, by what images were trained with", "docs.{row}"),
        Panel("The same of emoji by their names", "emoji.{row}"),
        Panel("The same of clip art by its names", "clipart.{row}"),
        Panel("Classes of images, as if all were as frequent", "balance.classes.{row}"),
        Panel("Different words in the nearest texts", "balance.words.{row}"),
    ],
)  # fmt: skip
