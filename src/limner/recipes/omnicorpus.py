"""OmniCorpus: raw pages to interleaved documents in five stages, and from those to plain text and to pairs.

Li et al. 2024, arXiv 2406.08418v3. The stages and their thresholds are section 3.1, in the order of figure 2; they stand in the
plan `omnicorpus`, which `limner build --plan omnicorpus` runs on any source. This recipe runs it on manuals and documentation in
several languages and counts what each stage leaves.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from limner.corpus import Corpus
from limner.curate.registry import operator
from limner.curate.words import words
from limner.errors import LimnerError
from limner.experts.extractor import Page, extractor
from limner.pipeline.plan import load
from limner.recipes.gains import compared
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import Unrecorded, built, changed, extraction_speed, funnel, kept, pages
from limner.recipes.taught import TINY, Small, Told, taught

WHOLE_SPLIT = Path("bench/results/extraction-wcxb.json")
"""Where `bench/extraction/wcxb.py --likely` keeps the F1 of several extractors on the whole split, from the root of the repository."""

CROSS_VALIDATED = "limner, cross-validated"
"""The name there of limner's extraction with a classifier that has not seen the page's site."""


@dataclass(frozen=True)
class Settings:
    """Which pages, and what stands in for the paper's models.

    `data`     data sets that are read
    `unsafe`   address of the classifier of unsafe images; the step is left out where it is empty
    `timed`    pages of each set that extraction is timed on
    `wcxb`     folder of WCXB, for extraction quality on labelled pages; not measured where it is empty
    `held`     the data set that models are not taught but asked; where it is the only one, every fifth document
    `small`    the models, `starts` of each
    `workers`  processes that build
    """

    data: tuple[str, ...] = ("sklearn-doc", "skimage-doc", "gimp-help-en", "gimp-help-de", "debian-handbook")
    unsafe: str = "bundled:open_nsfw"
    timed: int = 200
    wcxb: str = ""
    held: str = "skimage-doc"
    small: Small = field(default_factory=Small)
    starts: int = 3
    workers: int = 1


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Build, count what each stage left, degrade. Nothing is drawn at random: `seed` changes nothing."""
    yield extraction_speed(pages(settings.data, settings.timed))
    plan = load("omnicorpus")
    plan = changed(plan, "unsafe-images", **({"model": settings.unsafe} if settings.unsafe else {"drop": True}))
    with built(plan, settings.data, settings.workers) as (corpus, seconds):
        stages = kept(corpus)[""]
        yield from funnel(stages)
        yield Measurement("rejected.inputs", sum(t.num_rows for t in corpus.rows("rejects", ["error"])), note="unreadable")
        speed = stages[0].documents / seconds / settings.workers
        yield Measurement("build.speed", speed, "pages/s", f"all stages, a process of {settings.workers}, wall clock")
        yield from degraded(corpus)
        filtered = told(corpus)
    with built(replace(plan, steps=()), settings.data, settings.workers) as (corpus, _):
        raw = told(corpus)
    yield from teaching(filtered, raw, settings)
    yield from quality(settings)


def told(corpus: Corpus) -> dict[str, list[Told]]:
    """The texts of its documents, by data set."""
    found: dict[str, list[Told]] = {}
    for document in corpus:
        if texts := tuple(text.text for text in document.texts if text.text.strip()):
            found.setdefault(document.source.partition("/")[0], []).append(Told(texts))
    return found


def teaching(filtered: Mapping[str, list[Told]], raw: Mapping[str, list[Told]], settings: Settings) -> Iterator[Measurement]:
    """The loss of small models on documents of a data set that they were not taught, filtered and raw ones: a mean over starts of each document."""
    ways: dict[str, list[Told]] = {}
    tests: dict[str, list[Told]] = {}
    for way, sets in (("filtered", filtered), ("raw", raw)):
        if len(sets) > 1:
            ways[way] = [each for name, held in sets.items() if name != settings.held for each in held]
            tests[way] = sets.get(settings.held, [])
        else:
            (held,) = sets.values()
            ways[way], tests[way] = [each for n, each in enumerate(held) if n % 5], held[::5]
    found = taught(ways, tests, settings.small, 0, settings.starts)
    for test in tests:
        what = f"a token of {test} documents of {settings.held}, after {settings.small.taught:,} tokens of other sets, {settings.starts} starts"
        yield from compared(
            f"taught.{test}", found["filtered", test], found["raw", test], ("filtered", "raw"), "nats", what, lower=True
        )


def degraded(corpus: Corpus) -> Iterator[Measurement]:
    """The same documents as image-text pairs and as plain text (abstract, section 3.4)."""
    context = Unrecorded()
    pairs, plain = operator("pairs"), operator("plain-text")
    texts: Counter[str] = Counter()
    documents = count = 0
    for document in corpus:
        texts.update(pair.meta["text"] for pair in pairs(document, context))
        for left in plain(document, context):
            documents += 1
            count += sum(len(words(text.text)) for text in left.texts)
    yield Measurement("pairs", texts.total(), note="image-text pairs of the finished corpus")
    for source in ("caption", "alt", "nearest"):
        yield Measurement(f"pairs.{source}", texts[source], note=f"pairs whose text is the image's {source} text")
    yield Measurement("plain.documents", documents, note="plain-text documents of the finished corpus")
    yield Measurement("plain.words", count, note="their words, captions left out")


def quality(settings: Settings) -> Iterator[Measurement]:
    """Extraction against labelled pages, word-level F1 as WCXB's own script has it."""
    if settings.wcxb:
        scores = list(labelled(Path(settings.wcxb).expanduser() / "dev"))
        note = f"in-sample: the block classifier was trained on these {len(scores)} pages"
        yield Measurement("extraction.f1", sum(scores) / len(scores), note=note)
    yield from benched()


def labelled(folder: Path) -> Iterator[float]:
    """The F1 of each labelled page in `folder`; raises `LimnerError` where there are none."""
    truths = sorted((folder / "ground-truth").glob("*.json"))
    if not truths:
        raise LimnerError(f"{folder} has no ground-truth/*.json; set wcxb to the folder of WCXB")
    for path in truths:
        # Pages without any main content have no entry, as WCXB's own script reads them.
        truth = json.loads(path.read_text("utf-8"))["ground_truth"].get("main_content") or ""
        page = gzip.decompress((folder / "html" / f"{path.stem}.html.gz").read_bytes())
        (document,) = extractor().extract([Page(page, name=path.stem)])
        yield word_f1(document.text, truth)


def word_f1(found: str, truth: str) -> float:
    """What two texts share of their words, as multisets in lower case.

    >>> round(word_f1("the cat sat", "The cat sat down."), 3)
    0.857
    """
    ours, theirs = (Counter(re.findall(r"\w+", text.lower())) for text in (found, truth))
    if not ours or not theirs:
        return float(ours == theirs)
    return 2 * (ours & theirs).total() / (ours.total() + theirs.total())


def benched(folder: Path = Path()) -> Iterator[Measurement]:
    """What the benches below `folder` have measured of extraction, nothing where they have not been run."""
    found = _read(folder / WHOLE_SPLIT)
    if found is None:
        return
    result, note = found
    for name, scores in result["systems"].items():
        if name == CROSS_VALIDATED:
            yield Measurement("extraction.f1.cross-validated", float(scores["f1"]), note=f"{scores['pages']} pages, {note}")
            for kind, value in scores["types"].items():
                yield Measurement(
                    f"extraction.f1.cross-validated.{kind}", float(value["f1"]), note=f"{value['pages']} pages, {note}"
                )
        elif name != "limner":  # the shipped classifier was trained on the split: its figure stands for nothing here
            label = re.sub(r"\W+", "-", name).strip("-")
            yield Measurement(f"extraction.f1.{label}", float(scores["f1"]), note=f"{scores['pages']} pages, {note}")


def _read(path: Path) -> tuple[dict[str, Any], str] | None:
    """A bench's result, and where it is from, with the start of its sha256; None where there is none."""
    if not path.is_file():
        return None
    data = path.read_bytes()
    try:
        return json.loads(data), f"not measured in this run: from {path.name} ({hashlib.sha256(data).hexdigest()[:16]})"
    except ValueError as error:
        raise LimnerError(f"{path} is not a result of bench/extraction: {error}") from None


RECIPE = Recipe(
    slug="omnicorpus",
    title="OmniCorpus: interleaved documents from raw pages in five stages",
    reference="Li et al. 2024, OmniCorpus: A Unified Multimodal Corpus of 10 Billion-Level Images Interleaved with Text, "
    "arXiv 2406.08418",
    claims=[
        Claim(
            "speed", "main-body extraction is fast enough for a crawl", "33.3 documents a CPU second (figure 2; "
            "109 and 38.8 there are stages 2 and 3 by table 9)",
            "pages a second of one core, bytes in memory to document", better="extraction.speed", at_least=33.3,
        ),
        Claim(
            "funnel", "each stage takes away what is of low quality", "of Common Crawl's pages 53 % are left after extraction, "
            "10.6 % after preliminary text filtering, 1.1 % after deduplication, 0.2 % at the end (figure 2)",
            "documents left of those read; manuals and documentation, not a crawl", better="share.documents",
        ),
        Claim(
            "quality", "extraction finds the main content", "no figure", "word F1 on labelled pages (WCXB), cross-validated over "
            "sites: the shipped block classifier was trained on them, so that its direct figure is in-sample",
            better="extraction.f1.cross-validated",
        ),
        Claim(
            "degrade", "the format degrades to plain text and to image-text pairs", "no figure",
            "pairs of the finished corpus", better="pairs",
        ),
        Claim(
            "training", "a model trained on filtered documents is better than one trained on raw ones", "not compared so in the paper; few-shot "
            "accuracy by kind of data (table 2)",
            "loss of a small model on filtered documents of a site that it was not taught, taught filtered or raw documents of other sites at equal "
            "tokens; over documents", better="taught.filtered.gain", within="taught.filtered", effect=0.02,
        ),
        Claim(
            "training-raw", "... on documents of that site that are not filtered", "not compared so in the paper", "the same on raw documents",
            better="taught.raw.gain", within="taught.raw", effect=0.02,
        ),
        Claim(
            "aesthetic", "images with an aesthetic score below 3.7 go", "no figure of its own (section 3.1)",
            "images kept with and without the filter",
            waits="needs an aesthetic scorer whose weights can be had under an open licence",
        ),
        Claim(
            "video", "video sites become documents as pages do", "10 M documents of video (table 1)", "documents of keyframes "
            "and speech", waits="needs pages of video sites; the videos themselves are read (see multimodal-textbook)",
        ),
    ],
    settings={
        "smoke": Settings(data=("sasview",), unsafe="", timed=20, held="sasview", small=TINY, starts=1),
        "laptop": Settings(),
        "gpu": Settings(small=Small(taught=4_000_000, most=400), workers=16),
    },
    run=run,
    panels=[
        Panel("Left after each step", "{row}.{series}", ("documents", "images", "words"), relative=True),
        Panel("Text of the image-text pairs", "pairs.{row}"),
        Panel("Main content of labelled pages (WCXB dev, not of this run), word F1", "extraction.f1.{row}"),
        Panel("The same, cross-validated, by type of page", "extraction.f1.cross-validated.{row}"),
    ],
)  # fmt: skip
