"""InfiMM-WebMath-40B: pages of mathematics found by a classifier of words, with their formulas and images in place.

Han et al. 2024, arXiv 2409.12568: pages of a crawl in English and Chinese are judged by classifiers of words (fastText), extracted so that formulas
stay, duplicates go by address and by text, images by rules; models trained on what is left read mathematics better. The paper's second
classifier learns from marks that a large language model gives; here there is one, and it learns from markup.

What is a page of mathematics is known here from its markup: three formulas or more. The classifier never sees them: formulas, code and tables
are taken out of the text before it learns or judges, and the site that it is measured on is not among those it learnt from. Formulas are counted
against the pages' own sources (`limner.recipes.formulas`). Small language models are taught pages of each kind (`limner.recipes.taught`).
"""

from __future__ import annotations

import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from limner.curate.linear import Linear, fit
from limner.curate.textclass import plain
from limner.curate.words import words
from limner.document import Document
from limner.errors import LimnerError
from limner.experts.extractor import Page, extractor
from limner.pipeline.plan import Plan, step
from limner.recipes.formulas import FORMS, composed, squeezed, systems, written
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built, funnel, kept, pages
from limner.recipes.taught import TINY, Small, Told, taught
from limner.sources.datasets import dataset

LEAST = 3
"""Formulas of a page of mathematics."""

SITES = 3
"""Sites that are held out, one a seed."""

STREAMS = {
    "unfiltered": "pages drawn from all",
    "filtered": "pages that the classifier takes",
    "marked": "pages whose markup has formulas, which the classifier is to find",
}
"""What models are taught."""

_SCRIPT = re.compile(rb"<script(?![^>]*math/)[^>]*>.*?</script>", re.DOTALL | re.IGNORECASE)
_FORMULA = re.compile(rb"\\\(.{1,2000}?\\\)|\\\[.{1,5000}?\\\]|<math[\s>]|type=[\"']math/tex", re.DOTALL)
_WORDS = re.compile(
    r"\b(?:theorem|lemma|equation|matrix|matrices|vector|integral|polynomial|derivative|gradient|eigenvalue|probability|variance|function|logarithm|"
    r"exponential|gaussian|distribution|algebra|geometry|coefficient|norm|linear|quadratic|convex|proof|sum|formula)s?\b",
    re.IGNORECASE,
)
_TEX = re.compile(r"\\[a-zA-Z]{2,}\{|\\[(\[]")
_INLINE = re.compile(r"\$[^\s$](?:[^$\n]*[^\s$])?\$")


@dataclass(frozen=True)
class Settings:
    """Which pages.

    `data`     data sets; each is one site, and the first three that have pages of mathematics are held out in turn, one a seed
    `sources`  data sets that have the source of each page, in which formulas are counted
    `most`     pages of a site that are read, evenly spread; 0 for all
    `words`    of the pages that models are taught, at most; `small` says which models
    `out`      file that the classifier of all sites is written to (for the operator `text-class`), "" for none
    `workers`  processes that build
    """

    data: tuple[str, ...] = ("sklearn-doc", "sasview", "opencv-doc", "skimage-doc", "gimp-help-en", "debian-handbook")
    sources: tuple[str, ...] = ("sasview", "sklearn-doc", "skimage-doc")
    most: int = 1_500
    words: int = 200_000
    small: Small = field(default_factory=lambda: Small(taught=100_000, most=100))
    out: str = ""
    workers: int = 1


@dataclass(frozen=True)
class Read:
    """A page: its site, whether it is one of mathematics, what a classifier sees, and all of its text."""

    site: str
    maths: bool
    seen: str
    text: str


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Judge, count formulas, learn, build. `seed` says which site is held out from the classifier and which third of the pages formulas are
    counted in, and draws what models are taught."""
    read = _pages(settings)
    sites = _sites(read)
    yield Measurement("pages", len(read), note=f"of which {sum(page.maths for page in read):,} have {LEAST} formulas or more")
    told = [page for page in read if page.maths]
    leak = sum(_TEX.search(page.seen) is not None for page in told)
    yield Measurement(
        "leak", 100 * leak / len(told), "%", "pages of mathematics in whose text TeX is left that the classifier sees"
    )
    rest, apart = _held(read, sites[seed % len(sites)])
    note = f"sites held out, a seed each: {', '.join(sites)}"
    yield from _judged(rest, apart, note)
    yield from _formulas(settings, seed)
    yield from _learnt(read, sites, settings.words, settings.small, seed)
    yield from _built(settings)
    if settings.out and not seed:
        _whole(settings).save(settings.out)


@lru_cache(maxsize=1)
def _pages(settings: Settings) -> tuple[Read, ...]:
    """All pages, English where a site has more languages. Kept between seeds, which read the same ones."""
    found = tuple(
        _read(name, page)
        for name in settings.data
        for page in pages((name,), settings.most)
        if name != "debian-handbook" or "/en-US/" in page.name
    )
    if not any(page.maths for page in found):
        raise LimnerError(f"no page of {', '.join(settings.data)} has {LEAST} formulas: name data sets with mathematics")
    return found


def _read(site: str, page: Page) -> Read:
    (document,) = extractor().extract([page])
    return Read(site, marked(page.data), plain(document), f"{document.title}\n{document.text}")


def marked(page: bytes) -> bool:
    """Whether a page's markup has formulas enough, counted in its bytes and not in what limner makes of them.

    >>> marked(b"<p>\\\\(a\\\\) \\\\(b\\\\) \\\\[c\\\\]"), marked(b"<script>var a = ['\\\\(', '\\\\)']</script> <math> \\\\(a\\\\)")
    (True, False)
    """
    return len(_FORMULA.findall(_SCRIPT.sub(b"", page))) >= LEAST


def _sites(read: Sequence[Read]) -> list[str]:
    counts = Counter(page.site for page in read if page.maths)
    return [site for site in dict.fromkeys(page.site for page in read) if counts[site]][:SITES]


def _held(read: Sequence[Read], site: str) -> tuple[list[Read], list[Read]]:
    """The pages of other sites, and those of `site`; with one site, a third of its pages is held out instead."""
    rest, apart = [p for p in read if p.site != site], [p for p in read if p.site == site]
    return (rest, apart) if rest else ([*apart[1::3], *apart[2::3]], apart[::3])


def _judged(rest: Sequence[Read], apart: Sequence[Read], note: str) -> Iterator[Measurement]:
    """The classifier and a count of words of mathematics, both set on the other sites, on the one held out."""
    truth = np.array([p.maths for p in apart])
    model = fit([p.seen for p in rest], [p.maths for p in rest])
    given = model.probabilities([p.seen for p in apart])
    yield from _scores("classifier", given >= _threshold(tuple(rest)), truth, f"its threshold set on the other sites; {note}")
    known = np.array([p.maths for p in rest])
    share = np.array([_share(p.seen) for p in rest])
    theirs = np.array([_share(p.seen) for p in apart])
    yield from _scores(
        "keywords", theirs >= best(share, known), truth, "share of words of mathematics, its threshold set on the other sites"
    )
    yield from _scores("all", np.ones(len(truth), bool), truth, "every page taken")
    yield Measurement("ranked.classifier", 100 * precision(given, truth), "%", f"average precision: thresholds left open; {note}")
    yield Measurement("ranked.keywords", 100 * precision(theirs, truth), "%", "average precision")
    yield Measurement("ranked.chance", 100 * float(truth.mean()), "%", "share of pages of mathematics")


def _share(text: str) -> float:
    return len(_WORDS.findall(text)) / max(len(text.split()), 50)


def _scores(name: str, said: np.ndarray, truth: np.ndarray, note: str) -> Iterator[Measurement]:
    right = int((said & truth).sum())
    yield Measurement(f"precision.{name}", 100 * right / max(int(said.sum()), 1), "%", note)
    yield Measurement(f"recall.{name}", 100 * right / max(int(truth.sum()), 1), "%", note)
    yield Measurement(f"f1.{name}", 100 * _f1(said, truth), "%", note)


def _f1(said: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * (said & truth).sum() / max(int(said.sum() + truth.sum()), 1))


def best(scores: np.ndarray, truth: np.ndarray) -> float:
    """The score from which on pages are taken so that F1 is greatest.

    >>> best(np.array([0.9, 0.8, 0.1]), np.array([True, True, False]))
    0.8
    """
    return float(max(np.unique(scores), key=lambda limit: _f1(scores >= limit, truth)))


@lru_cache(maxsize=SITES + 1)
def _crossed(read: tuple[Read, ...]) -> np.ndarray:
    """The probability of each page by a classifier of all other sites; of the other half of the pages, where mathematics is on one site only."""
    sites = sorted({p.site for p in read})
    several = len({p.site for p in read if p.maths}) > 1
    groups = np.array([sites.index(p.site) if several else at % 2 for at, p in enumerate(read)])
    scores = np.zeros(len(read))
    for group in np.unique(groups):
        ours, theirs = np.flatnonzero(groups != group), np.flatnonzero(groups == group)
        model = fit([read[i].seen for i in ours], [read[i].maths for i in ours])
        scores[theirs] = model.probabilities([read[i].seen for i in theirs])
    return scores


def _threshold(read: tuple[Read, ...]) -> float:
    return best(_crossed(read), np.array([p.maths for p in read]))


def precision(scores: np.ndarray, truth: np.ndarray) -> float:
    """Average precision: the mean, over the pages that are of mathematics, of the share of such pages among those ranked as high.

    >>> round(precision(np.array([0.9, 0.8, 0.1]), np.array([True, False, True])), 3)
    0.833
    """
    order = np.argsort(-scores, kind="stable")
    hits = truth[order]
    ranks = np.flatnonzero(hits) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).mean()) if len(ranks) else 0.0


def _formulas(settings: Settings, seed: int) -> Iterator[Measurement]:
    """How many formulas of the pages' sources are in what is extracted, letter for letter but for white space: in the pages as they are, and
    in those composed of them. Each seed has a third of the pages of its own."""
    counts: Counter[tuple[str, str]] = Counter()
    total = read = 0
    readers = systems()
    for name in settings.sources:
        root = dataset(name).data
        known = [
            (page, wanted) for page in pages((name,), settings.most) if (wanted := written(root, page.name.partition("/")[2]))
        ]
        for page, wanted in known[seed % 3 :: 3]:
            total, read = total + len(wanted), read + 1
            sought = [squeezed(formula) for formula in wanted]
            for form in ("", *FORMS):
                given = composed(page, form) if form else page
                for system, reader in readers.items():
                    there = squeezed(reader(given))
                    counts[system, form] += sum(formula in there for formula in sought)
    note = f"of {total:,} formulas in the sources of {read} pages, another third of them each seed"
    for system in readers:
        shares = {form: 100 * counts[system, form] / max(total, 1) for form in ("", *FORMS)}
        yield Measurement(f"formulas.{system}", shares[""], "%", note)
        for form in FORMS:
            yield Measurement(f"composed.{form}.{system}", shares[form], "%", f"{note}; composed pages, formulas as {form}")
        yield Measurement(
            f"composed.{system}", sum(shares[form] for form in FORMS) / len(FORMS), "%", "mean of the composed pages"
        )


def _learnt(read: Sequence[Read], sites: Sequence[str], most: int, small: Small, seed: int) -> Iterator[Measurement]:
    """The loss of pages of mathematics of each site by models of other sites: taught as many words of all pages, of those the classifier takes, and
    of those that are marked. Each seed draws the pages and the models' start anew; the sites are the same."""
    means = dict.fromkeys(STREAMS, 0.0)
    for site in sites:
        rest, apart = _held(read, site)
        chance = random.Random(f"{seed} {site}")
        shown = {"unfiltered": rest, "filtered": _taken(tuple(rest)), "marked": [p for p in rest if p.maths]}
        size = min(most, *(sum(len(words(p.text)) for p in given) for given in shown.values()))
        streams = {name: _stream(chance.sample(given, len(given)), size) for name, given in shown.items()}
        test = chance.sample([Told((p.text,)) for p in apart if p.maths], sum(p.maths for p in apart))
        found = taught(streams, {"test": test}, small, seed)
        for name in STREAMS:
            value = found[name, "test"]
            means[name] += float(value.mean()) / len(sites)
            note = f"a token of {len(value)} pages of {site}, taught {small.taught:,} tokens of {size:,} words of other sites"
            yield Measurement(f"loss.{name}.{site}", float(value.mean()), "nats", note)
    for name, note in STREAMS.items():
        yield Measurement(f"loss.{name}", means[name], "nats", f"mean of the sites; {note}")


def _taken(rest: tuple[Read, ...]) -> list[Read]:
    """The pages that a classifier takes which has not learnt from their site."""
    limit = _threshold(rest)
    return [page for page, probable in zip(rest, _crossed(rest), strict=True) if probable >= limit]


def _stream(read: Sequence[Read], most: int) -> list[Told]:
    """Pages up to so many words."""
    out: list[Told] = []
    for page in read:
        if most <= 0:
            break
        out.append(Told((page.text,)))
        most -= len(words(page.text))
    return out


def plan_of(weights: str, threshold: float = 0.5) -> Plan:
    """The paper's stages as a plan, with the classifier in the file `weights` and the least probability of a page that stays."""
    return Plan(
        name="infimm-webmath",
        steps=(
            step("language", keep=["en", "zh"]),
            step("text-class", weights=weights, threshold=threshold),
            step("duplicate-urls"),
            step("near-duplicates"),
            step("image-rules", min_width=32, min_height=32, max_aspect=5.0),
        ),
    )


@lru_cache(maxsize=1)
def _whole(settings: Settings) -> Linear:
    read = _pages(settings)
    return fit([p.seen for p in read], [p.maths for p in read])


@lru_cache(maxsize=1)
def _built(settings: Settings) -> tuple[Measurement, ...]:
    """What each stage leaves, with a classifier of all sites: the same for each seed."""
    with tempfile.TemporaryDirectory(prefix="limner-recipe-") as folder:
        weights = f"{folder}/maths.npz"
        _whole(settings).save(weights)
        limit = _threshold(_pages(settings))
        with built(plan_of(weights, limit), settings.data, settings.workers) as (corpus, _):
            (stages,) = kept(corpus).values()
            formulas = sum(_formulas_in(document) for document in corpus)
            note = "in the documents that are left, displayed and in lines"
            least = Measurement("threshold", limit, note="least probability of a page that stays, set by sites held out in turn")
            return (*funnel(stages), least, Measurement("kept.formulas", formulas, note=note))


def _formulas_in(document: Document) -> int:
    return sum(1 if part.role == "formula" else len(_INLINE.findall(part.text)) for part in document.texts if part.role != "code")


_LAPTOP = Settings()
RECIPE = Recipe(
    slug="infimm-webmath",
    title="InfiMM-WebMath-40B: web pages of mathematics, with formulas and images",
    reference="Han et al. 2024, InfiMM-WebMath-40B: Advancing Multimodal Pre-Training for Enhanced Mathematical Reasoning, arXiv 2409.12568",
    claims=[
        Claim(
            "classifier", "a classifier of words finds pages of mathematics", "no precision or recall is known to us", "F1 on a site that it has "
            "not learnt from, three sites, against a count of words of mathematics set on the same sites", better="f1.classifier",
            worse="f1.keywords", effect=5,
        ),
        Claim(
            "ranking", "... and ranks them", "no figure", "average precision on the same pages", better="ranked.classifier", worse="ranked.keywords",
            effect=5,
        ),
        Claim(
            "formulas", "extraction keeps formulas that plain extractors lose: trafilatura", "no figure", "formulas of the sources that are in "
            "what is extracted, pages as they are; each seed has another third of them", better="formulas.limner", worse="formulas.trafilatura",
            effect=5,
        ),
        Claim(
            "formulas-resiliparse", "... and resiliparse", "no figure", "the same, against resiliparse's plain text, which keeps TeX that is "
            "text in the page", better="formulas.limner", worse="formulas.resiliparse", effect=5,
        ),
        Claim(
            "formulas-composed", "... whatever form a site writes them in", "no figure", "the same formulas as images, as MathJax's scripts and as "
            "KaTeX, in pages composed of the real ones; resiliparse with the texts of images", better="composed.limner",
            worse="composed.resiliparse", effect=5,
        ),
        Claim(
            "kept", "few pages are left, with their images", "24 M pages, 85 M image addresses, 40 B tokens of Common Crawl (abstract)",
            "documents left of those read; the classifier learnt from them", better="share.documents",
        ),
        Claim(
            "loss", "filtered pages teach mathematics better than as many words of all pages", "1.3 B parameters reach with 40 B "
            "tokens what another model does with 120 B (abstract)", "loss of pages of mathematics of three sites by small models taught other sites; "
            "intervals are over draws of the pages and starts of the models, not over sites",
            better="loss.filtered", worse="loss.unfiltered", lower=True, effect=0.05,
        ),
        Claim(
            "judge", "a second classifier, of what a large language model marks, is more precise", "24 M pages are left at the end (abstract)",
            "precision with and without it", waits="needs a language model that can mark mathematics; those that run here cannot",
        ),
        Claim(
            "training", "a model that reads the images too does best on MathVerse and We-Math", "state of the art among open models (abstract)",
            "training with and without", waits="needs a model that can answer them; what a laptop trains cannot",
        ),
    ],
    settings={
        "smoke": replace(_LAPTOP, data=("sasview",), sources=("sasview",), most=60, words=3_000, small=TINY),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, most=0, words=1_000_000, small=Small(taught=1_000_000, most=400), workers=16),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Pages of mathematics on a site held out (%)", "{row}.{series}", ("classifier", "keywords", "all")),
        Panel("Formulas of the sources that are extracted (%)", "formulas.{row}"),
        Panel("The same in composed pages (%)", "composed.{row}.{series}", ("limner", "resiliparse", "trafilatura")),
    ],
)  # fmt: skip
