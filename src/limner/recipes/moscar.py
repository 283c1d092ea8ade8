"""mOSCAR: interleaved documents in many languages, each language filtered by its own measure.

Futeral et al. 2024, arXiv 2406.08707, sections 3.2 to 3.6: language per document, text filters on nodes and documents, duplicates,
toxic words, personal data, image filters, unsafe images, duplicate images inside documents and across those of a language, and a
joint filter that keeps an image whose similarity to a text ranks high against negatives, and the other way round. The steps
stand in the plan `moscar`, which says what differs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from zlib import crc32

import numpy as np

from limner.corpus import Corpus
from limner.corpus.pixels import thumbnail
from limner.curate.language import LanguageFilter
from limner.curate.words import base
from limner.document import Document, Image, Text
from limner.errors import MediaError
from limner.experts.extractor import extractor
from limner.experts.image_encoder import image_encoder
from limner.experts.onnx import Floats
from limner.pipeline.plan import Plan, load, step
from limner.recipes.gains import compared
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import Kept, Unrecorded, built, changed, funnel, kept, pages
from limner.recipes.taught import TINY, Small, Told, taught

GIMP = tuple(f"gimp-help-{language}" for language in ("en", "de", "fr", "es", "ru", "ja"))


@dataclass(frozen=True)
class Settings:
    """Which pages, and what stands in for the paper's models.

    `data`        data sets that are read
    `unsafe`      address of the classifier of unsafe images; the step is left out where it is empty
    `joint`       address of the joint encoder of images and texts; the step is left out where it is empty
    `identified`  pages of each set that language identification is judged on; 0 for all
    `small`       the models that are taught, `starts` of each
    `workers`     processes that build
    """

    data: tuple[str, ...] = (*GIMP, "debian-handbook")
    unsafe: str = "bundled:open_nsfw"
    joint: str = ""
    identified: int = 0
    small: Small = field(default_factory=lambda: Small(most=60))
    starts: int = 3
    workers: int = 1


def plan_of(settings: Settings) -> Plan:
    """The plan `moscar` with the models that the settings name."""
    plan = changed(load("moscar"), "unsafe-images", **({"model": settings.unsafe} if settings.unsafe else {"drop": True}))
    if not settings.joint:
        return plan
    return replace(plan, steps=(*plan.steps[:-1], step("joint-rank", model=settings.joint, drop="both"), plan.steps[-1]))


def spoken(source: str) -> str:
    """The language that an input's folder says it is in.

    >>> spoken("gimp-help-de/index.html"), spoken("debian-handbook/pt-BR/index.html"), spoken("sasview/index.html")
    ('de', 'pt', 'en')
    """
    first, _, rest = source.partition("/")
    if first.startswith("gimp-help-"):
        return first.removeprefix("gimp-help-")
    if first == "debian-handbook":
        return base(rest.partition("/")[0])
    return "en"


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Identify, build, count by stage and language. Nothing is drawn at random: `seed` changes nothing."""
    yield from identification(settings)
    with built(plan_of(settings), settings.data, settings.workers) as (corpus, seconds):
        groups = kept(corpus, spoken)
        yield Measurement("languages.read", len(groups), note="languages of the folders read")
        yield Measurement(
            "languages.kept", sum(stages[-1].documents > 0 for stages in groups.values()), note="with a document left"
        )
        written = {document.language for document in corpus}
        yield Measurement("languages.written", len(written), note="languages that the finished corpus says its documents are in")
        every = [_total([stages[i] for stages in groups.values()]) for i in range(len(next(iter(groups.values()))))]
        yield from funnel(every)
        speed = every[0].documents / seconds / settings.workers
        yield Measurement("build.speed", speed, "pages/s", f"all stages, a process of {settings.workers}, wall clock")
        yield from teaching(corpus, settings)
    for language, stages in groups.items():
        for what in ("documents", "images"):
            counts = [getattr(stage, what) for stage in stages]
            path = ", ".join(
                f"{s.step} {n:,}" for s, n, before in zip(stages, counts, [-1, *counts], strict=False) if n != before
            )
            yield Measurement(f"share.{what}.{language}", 100 * counts[-1] / max(counts[0], 1), "%", f"left: {path}")


def teaching(corpus: Corpus, settings: Settings) -> Iterator[Measurement]:
    """The loss of small models on captions of pages that are held out in all languages, a mean over starts of each caption: taught images with their
    captions, or those and the documents, as many tokens. Images are features of EfficientNet-Lite0, a token each."""
    look = features(corpus)
    pairs: list[Told] = []
    documents: list[Told] = []
    tests: dict[str, list[Told]] = {}
    for document in corpus:
        own = [
            Told((look[i.ref], text), frozenset((1,)))
            for i in document.images
            if i.ref in look and (text := " ".join(t.text for t in document.captions(i.n)))
        ]
        if crc32(_name(document.source).encode()) % 5 == 0:
            tests.setdefault(base(document.language), []).extend(own)
            continue
        pairs += own
        parts = (look.get(p.ref) if isinstance(p, Image) else p.text for p in document.parts if isinstance(p, Image | Text))
        documents.append(Told(tuple(part for part in parts if part is not None)))
    tests = {language: held for language, held in sorted(tests.items()) if len(held) > 1}
    if not pairs or not tests:
        return
    ways = {"both": [*pairs, *documents], "captions": pairs}
    found = taught(ways, tests, settings.small, 0, settings.starts)
    what = f"a token of a caption after its image, {settings.small.taught:,} tokens of {len(pairs):,} captions, or with {len(documents):,} documents"
    for language in tests:
        yield from compared(
            f"taught.{language}",
            found["both", language],
            found["captions", language],
            ("both", "captions"),
            "nats",
            what,
            lower=True,
        )
    both, captions = (np.concatenate([found[way, language] for language in tests]) for way in ways)
    yield from compared("taught", both, captions, ("both", "captions"), "nats", f"{what}; all languages", lower=True)


def features(corpus: Corpus, batch: int = 64) -> dict[str, Floats]:
    """What a classifier of photographs sees in the captioned images of a corpus, by their sha256 (1280 numbers each, of deviation about 1)."""
    encoder = image_encoder()
    refs = sorted({image.ref for document in corpus for image in document.images if image.ref and document.captions(image.n)})
    found: dict[str, Floats] = {}
    for at in range(0, len(refs), batch):
        shown = {}
        for ref in refs[at : at + batch]:
            data = corpus.media(ref)
            try:
                if data is not None:
                    shown[ref] = thumbnail(data, 256)
            except MediaError:
                continue
        if shown:
            rows = encoder.embed(list(shown.values()))
            found.update(zip(shown, np.asarray(rows * np.sqrt(rows.shape[1]), np.float32), strict=True))
    return found


def _total(stages: list[Kept]) -> Kept:
    sums = (sum(getattr(s, what) for s in stages) for what in ("documents", "images", "words"))
    return Kept(stages[0].step, *sums)


def identification(settings: Settings) -> Iterator[Measurement]:
    """How often the language found in a page's text is the folder's. What a page says of its own language is taken away first,
    so that the text alone is judged, and pages too short to tell are left out.

    Folders of translations hold pages that nobody has translated yet. The texts are parallel, so these are known: of an
    untranslated page at least nine tenths stand word for word in the English page of the same name, of a translated one at
    most one tenth. What lies between, or has no English page, has no truth.
    """
    identify = LanguageFilter(min_confidence=0.0)
    english: dict[str, set[str]] = {}
    right: dict[str, Counter[bool]] = defaultdict(Counter)
    unknown = 0
    read = [(spoken(page.name), page) for page in pages(settings.data, settings.identified)]
    for language, page in sorted(read, key=lambda entry: entry[0] != "en"):
        (document,) = extractor().extract([page])
        if language == "en":
            english[_name(page.name)] = {text.text for text in document.texts}
            group, truth = "en", "en"
        else:
            share = _verbatim(document, english.get(_name(page.name), set[str]()))
            group, truth = (language, language) if share <= 0.1 else ("untranslated", "en") if share >= 0.9 else ("", "")
        found = next(iter(identify(document.evolve(language=""), Unrecorded()))).language
        if found and group:
            right[group][_same(found, truth)] += 1
        unknown += bool(found and not group)
    total = sum(right.values(), Counter[bool]())
    note = f"of {total.total()} pages; {unknown} more are in two languages or have no English counterpart"
    yield Measurement("identified", 100 * total[True] / max(total.total(), 1), "%", note)
    for group, counts in sorted(right.items()):
        note = "pages that are English in another language's folder" if group == "untranslated" else "pages"
        yield Measurement(f"identified.{group}", 100 * counts[True] / counts.total(), "%", f"of {counts.total()} {note}")


def _verbatim(document: Document, known: set[str]) -> float:
    """The share of a document's characters that are in texts of its English page; a half where there is no such page."""
    length = sum(len(text.text) for text in document.texts)
    same = sum(len(text.text) for text in document.texts if text.text in known)
    return same / max(length, 1) if known else 0.5


def _name(source: str) -> str:
    """What parallel pages share of their names: the book and the path in it."""
    first, _, rest = source.partition("/")
    return f"{first}/{rest.partition('/')[2]}" if first == "debian-handbook" else f"{first[: first.rfind('-')]}/{rest}"


def _same(found: str, truth: str) -> bool:
    # Bokmål and Nynorsk go by the name of Norwegian too.
    return base(found) == truth or {base(found), truth} <= {"no", "nb", "nn"}


RECIPE = Recipe(
    slug="moscar",
    title="mOSCAR: interleaved documents in many languages",
    reference="Futeral et al. 2024, mOSCAR: A Large-scale Multilingual and Multimodal Document-level Corpus, arXiv 2406.08707",
    claims=[
        Claim(
            "kept", "documents of many languages are left after all filters", "163 languages, 315 M documents, 1.2 G images of three "
            "crawls (abstract of v1; 303 M and 1.15 G in v2)", "documents left of those read, manuals in as many languages", better="share.documents",
        ),
        Claim(
            "identified", "the language of a document is found from its text", "no figure",
            "pages whose language is that of their folder", better="identified",
        ),
        Claim(
            "joint", "images and texts that rank low against negatives go", "35 % of text nodes and 10 % of images go (section 3.6)",
            "images kept with the step joint-rank (--set joint=ADDRESS)",
            waits="needs a multilingual joint encoder whose weights can be had under an open licence",
        ),
        Claim(
            "training", "training on captions and documents beats captions only, few-shot", "16 shots, xFlickR&CO 39.5 against 19.9, "
            "xGQA 35.2 against 13.4 (table 5)",
            "loss of a small model on captions of held-out pages, after their images: taught captions and documents, or captions, at equal "
            "tokens; over captions of all languages", better="taught.gain", within="taught", effect=0.05,
        ),
    ],
    settings={
        "smoke": Settings(data=("sasview",), unsafe="", identified=20, small=TINY, starts=1),
        "laptop": Settings(),
        "gpu": Settings(small=Small(taught=4_000_000, most=400), workers=16),
    },
    run=run,
    panels=[
        Panel("Left after each step", "{row}.{series}", ("documents", "images", "words"), relative=True),
        Panel("Pages whose language is found, by what the pages are in", "identified.{row}"),
        Panel("Loss on captions, by what was taught (nats)", "taught.{row}.{series}", ("both", "captions")),
        Panel("Left of each language at the end", "share.{series}.{row}", ("documents", "images")),
    ],
)  # fmt: skip
