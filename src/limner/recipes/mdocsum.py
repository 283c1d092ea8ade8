"""M-DocSum: papers summarized with their own figures, and scores that tell text, choice and place of figures apart.

Yan et al. 2025, arXiv 2503.21839: 500 papers with summaries of interleaved text and figures that an automated framework composed, scored by
M-DocEval; models that see struggle, and one of 7 B parameters that is tuned in two stages does best.

The papers here are vignettes of R packages, most of them published in journals. References are composed by rule (`mdocreference`): no person has
checked them, and the rule that gives them figures is kin to the one by which limner chooses figures, so choices are also held against references
by captions alone and by citations alone. Summarizers never see abstract and conclusion. The scores (`mdoceval`) are first tried on planted
defects (`mdocdefects`). The tuned model (`mdoctuning`) is a small stand-in for the paper's: it draws sentences and figures, learns from papers of
other packages, and is compared with the best of those that are not tuned, whichever that turns out to be on the same papers.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from limner.curate.steps import image_words
from limner.document import Image, Text
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder
from limner.pipeline.plan import Plan
from limner.recipes.gains import compared
from limner.recipes.mdocdefects import DEFECTS, SCORES, Others, planted
from limner.recipes.mdocdraws import known
from limner.recipes.mdoceval import Asked, Embed, Paragraph, Summary, faithful, scored, shown
from limner.recipes.mdocreference import Paper, Rule, composed, paper
from limner.recipes.mdoctuning import TINY, Lesson, Tuning, best, crossed
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built
from limner.write.answer import Answer
from limner.write.placing import Candidate, fits, placed
from limner.write.summary import candidates, summarize

_SETS = ("vcd", "spacetime", "gstat", "rcpp", "mvtnorm", "coin", "dbscan", "flexmix", "kernlab", "lme4", "party", "partykit", "sandwich",
         "seriation", "strucchange", "surveillance")  # fmt: skip
_TEXT = ("text", "terms", "meaning")
_TOLD = ("complete", "accurate", *_TEXT, "precision", "recall", "jaccard", "match", "image", "form", "total")
_PARTIAL = ("place", "order")
_TUNED = ("total", "terms", "meaning", "image")

Scored = list[dict[str, float]]


@dataclass(frozen=True)
class Settings:
    """Which papers are summarized, and by whom.

    `data`      data sets of papers
    `words`     words of a summary, about
    `images`    most figures of one
    `text`      address of the encoder of texts, for references, for the meanings compared, and for the summarizer that has one; "" for none
    `judge`     address of the encoder that checks support; "" to check by words
    `writer`    address of the language model that summarizes; "" for none
    `told`      most papers that it summarizes, the same in each run
    `reference` address of the language model that chooses the references' figures; "" for the rule
    `tuning`    how the tuned summarizer learns
    `workers`   processes that build
    """

    data: tuple[str, ...] = tuple(f"r-cran-{name}" for name in _SETS)
    words: int = 180
    images: int = 3
    text: str = "bundled:minilm"
    judge: str = ""
    writer: str = "bundled:smollm2-135m"
    told: int = 16
    reference: str = ""
    tuning: Tuning = field(default_factory=Tuning)
    workers: int = 1


@dataclass(frozen=True)
class Case:
    """A paper with its reference, and with those whose figures are chosen by citations alone and by captions alone."""

    paper: Paper
    reference: Summary
    cited: Summary
    caption: Summary

    @property
    def figures(self) -> frozenset[str]:
        """The files of the figures that may be shown."""
        return frozenset(figure.ref for figure in self.paper.figures)


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Try the scores on defects, then score the summarizers; `seed` draws defects and what is chosen by chance."""
    cases, more, found = _cases(settings)
    chance = random.Random(seed)
    yield Measurement(
        "papers", len(cases), note=f"of {found} documents: with an abstract, three figures and a figure in the reference"
    )
    yield Measurement(
        "points", float(np.mean([len(c.reference) for c in cases])), note="sentences of abstract and conclusion, a paper"
    )
    yield Measurement("figures", float(np.mean([len(c.paper.figures) for c in cases])), note="with a caption, a paper")
    yield Measurement("reference.figures", float(np.mean([len(shown(c.reference)) for c in cases])), note="a reference")
    agree = [len(a & b) / len(a | b) for c in cases if (a := {*shown(c.cited)}) | (b := {*shown(c.caption)})]
    yield Measurement(
        "reference.agree", 100 * float(np.mean(agree)), "%", "Jaccard similarity of figures by citations and by captions"
    )
    yield from _defects(cases, settings, chance)
    rows = yield from _summarizers(cases, settings, chance)
    rows["captioned"] = yield from _choices(cases, settings, chance)
    tuned = yield from _tuned(cases, more, rows, settings, seed)
    if settings.writer:
        yield from _told(cases, tuned, settings)


@cache
def _cases(settings: Settings) -> tuple[list[Case], list[tuple[Paper, Summary]], int]:
    """The papers with their references, those without figures enough to be scored and theirs, and how many documents there were."""
    out: list[Case] = []
    more: list[tuple[Paper, Summary]] = []
    with built(Plan(), settings.data, settings.workers) as (corpus, _):
        documents = [
            d for d in corpus if d.source.lower().endswith((".pdf", ".pdf.gz")) and d.language.partition("-")[0] in ("", "en")
        ]
    for document in documents:
        if (found := paper(document)) is None:
            if few := paper(document, least=0):
                more.append((few, composed(few, settings.images, settings.text, settings.reference)))
        else:
            rules: tuple[Rule, ...] = ("both", "cited", "caption")
            by = [
                composed(found, settings.images, settings.text, "" if rule != "both" else settings.reference, rule)
                for rule in rules
            ]
            if shown(by[0]):
                out.append(Case(found, *by))
            else:
                more.append((found, by[0]))
    return out, more, len(documents)


def _score(case: Case, summary: Summary, settings: Settings, reference: Summary | None = None) -> dict[str, float]:
    asked = Asked(settings.words, settings.images, case.figures)
    found = scored(summary, reference or case.reference, asked, settings.judge, case.paper.kind, _remembering(settings.text))
    return {name: 100 * value for name, value in found.items()}


def _defects(cases: Sequence[Case], settings: Settings, chance: random.Random) -> Iterator[Measurement]:
    """Each defect in each paper's reference: how much each score fell, and whether the right ones did; then in extractive summaries."""
    fell: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in DEFECTS}
    real: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in DEFECTS}
    right: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for at, case in enumerate(cases):
        other = cases[(at + 1) % len(cases)]
        free = [ref for ref in sorted(case.figures) if ref not in shown(case.reference)]
        others = Others(free, [p.text for p in other.reference if p.text not in case.paper.points], shown(other.reference)[0])
        rest = case.figures, chance, settings.judge, case.paper.kind, _remembering(settings.text)
        for seen in planted(case.reference, case.reference, others, *rest):
            right[seen.defect].append((not seen.missed, not seen.strayed))
            for score, by in seen.fell.items():
                fell[seen.defect][score].append(100 * by)
        for seen in planted(_limner(case.paper, settings, "extractive", settings.text), case.reference, others, *rest):
            for score in DEFECTS[seen.defect][1] & seen.fell.keys():
                real[seen.defect][score].append(100 * seen.fell[score])
    for defect, (_, falls) in DEFECTS.items():
        for score in SCORES:
            note = f"by which it falls; {'must fall' if score in falls else 'must not fall'}"
            if values := fell[defect][score]:
                yield Measurement(f"defect.{defect}.{score}", float(np.mean(values)), "points", note)
            if values := real[defect][score]:
                yield Measurement(
                    f"real.{defect}.{score}", float(np.mean(values)), "points", f"... in {len(values)} extractive summaries"
                )
        if found := right[defect]:
            seen, spared = (100 * float(np.mean([pair[at] for pair in found])) for at in (0, 1))
            yield Measurement(f"seen.{defect}", seen, "%", f"of {len(found)} references: all scores that must fall did")
            yield Measurement(f"spared.{defect}", spared, "%", "no other score did")
    pairs = [pair for found in right.values() for pair in found]
    yield Measurement("seen", 100 * float(np.mean([a for a, _ in pairs])), "%", f"of {len(pairs)} defects")
    yield Measurement("spared", 100 * float(np.mean([b for _, b in pairs])), "%", f"of {len(pairs)} defects")


def _summarizers(
    cases: Sequence[Case], settings: Settings, chance: random.Random
) -> Generator[Measurement, None, dict[str, Scored]]:
    """The summarizers that need no language model, on all papers; gives their scores."""
    ways: dict[str, Callable[[Case], Summary]] = {
        "lead": lambda case: _lead(case.paper, settings),
        "random": lambda case: _random(case.paper, settings, chance),
        "extractive": lambda case: _limner(case.paper, settings, "extractive", ""),
    }
    if settings.text:
        ways["encoder"] = lambda case: _limner(case.paper, settings, "extractive", settings.text)
    rows: dict[str, Scored] = {way: [_score(case, summary(case), settings) for case in cases] for way, summary in ways.items()}
    for way, scores in rows.items():
        yield from _means(way, scores)
    taken = [(ref, case) for case in cases for ref in shown(_limner(case.paper, settings, "extractive", settings.text, True))]
    wrong = 100 * sum(ref not in case.figures for ref, case in taken) / max(len(taken), 1)
    yield Measurement(
        "whole.no-figure",
        wrong,
        "%",
        f"of the {len(taken)} pictures chosen where all of the document may be: formulas and the like",
    )
    for score in (*_TEXT, "image"):
        for other in ("lead", "random"):
            yield from _compared(f"{score}.extractive-{other}", rows["extractive"], rows[other], score)
    if settings.text:
        yield from _compared("image.encoder-extractive", rows["encoder"], rows["extractive"], "image")
    return rows


def _choices(cases: Sequence[Case], settings: Settings, chance: random.Random) -> Generator[Measurement, None, Scored]:
    """Ways to choose figures for the same text, the extractive one, against all three references; gives the scores of captions' choices."""
    texts = [_limner(case.paper, settings, "extractive", settings.text) for case in cases]
    ways: dict[str, Callable[[Case, Summary], Summary]] = {
        "first": lambda case, text: _first(case.paper, text, settings.images),
        "random": lambda case, text: _scattered(case.paper, text, settings.images, chance),
        "caption": lambda case, text: _nearest(case.paper, text, settings),
        "citation": lambda case, text: text,
    }
    chosen = {way: [choose(case, text) for case, text in zip(cases, texts, strict=True)] for way, choose in ways.items()}
    captioned: Scored = []
    for rule in ("both", "cited", "caption"):
        name = "choice" if rule == "both" else f"choice.{rule}-reference"
        known = [(case, {"both": case.reference, "cited": case.cited, "caption": case.caption}[rule]) for case in cases]
        at = [i for i, (_, reference) in enumerate(known) if shown(reference)]
        if not at:
            continue
        rows = {way: [_score(known[i][0], summaries[i], settings, known[i][1]) for i in at] for way, summaries in chosen.items()}
        for way, scores in rows.items():
            yield from _means(
                f"{name}.{way}", scores, ("precision", "recall", "jaccard", "match", "image") if rule == "both" else ("jaccard",)
            )
        for other in ("caption", "first", "random"):
            yield from _compared(f"{name}.jaccard.citation-{other}", rows["citation"], rows[other], "jaccard")
        if rule == "both":
            captioned = rows["caption"]
    return captioned


@cache
def _lessons(settings: Settings) -> tuple[list[Lesson], list[str]]:
    """What the tuned summarizer may learn from, the scored papers first, and the package that each is of."""
    cases, more, _ = _cases(settings)
    embed = _remembering(settings.text)
    lessons: list[Lesson] = []
    for case in (*cases, *more):
        of, reference = (case.paper, case.reference) if isinstance(case, Case) else case
        seen = known(of, embed)
        worth = _worth(case, settings) if isinstance(case, Case) else None
        lessons.append(Lesson(seen, best(seen, reference, settings.words, settings.images, embed), worth))
    return lessons, [lesson.known.paper.document.source.partition("/")[0] for lesson in lessons]


def _worth(case: Case, settings: Settings) -> Callable[[Summary], float]:
    """How good a summary is to whoever prefers one: text and image alike, the text by what is hardly ever at the end of its scale."""

    def worth(summary: Summary) -> float:
        found = _score(case, summary, settings)
        return (float(np.mean([found[score] for score in ("terms", "meaning") if score in found])) + found["image"]) / 2

    return worth


def _tuned(
    cases: Sequence[Case], more: Sequence[tuple[Paper, Summary]], rows: Mapping[str, Scored], settings: Settings, seed: int
) -> Generator[Measurement, None, Scored]:
    """The tuned summarizer, each paper by what papers of other packages tuned, beside the best of the others by each score; gives its scores."""
    lessons, packages = _lessons(settings)
    written = crossed(lessons, packages, settings.words, settings.images, settings.tuning, seed)
    ours = {
        way: [_score(case, summary, settings) for case, summary in zip(cases, summaries, strict=False)]
        for way, summaries in written.items()
    }
    yield Measurement("tuned.papers", len(lessons), note=f"of {len(set(packages))} packages, {len(more)} only to learn from")
    for way, scores in ours.items():
        yield from _means(way, scores)
    for score in _TUNED:
        if score not in ours["tuned"][0]:
            continue
        untuned = max(rows, key=lambda way: float(np.mean([row[score] for row in rows[way]])))
        yield Measurement(f"untuned.{score}", float(np.mean([row[score] for row in rows[untuned]])), "%", f"the best: {untuned}")
        yield from _compared(f"{score}.tuned-untuned", ours["tuned"], rows[untuned], score)
        yield from _compared(f"{score}.tuned-instructed", ours["tuned"], ours["instructed"], score)
    return ours["tuned"]


def _told(cases: Sequence[Case], tuned: Scored, settings: Settings) -> Iterator[Measurement]:
    """The language model on some of the papers, beside the extractive and the tuned summaries of the same."""
    at = random.Random(0).sample(range(len(cases)), min(settings.told, len(cases)))
    some = [cases[i] for i in at]
    rows: dict[str, Scored] = {}
    for way, writer in (("model", settings.writer), ("extractive", "extractive")):
        summaries = [_limner(case.paper, settings, writer, settings.text) for case in some]
        rows[way] = [_score(case, summary, settings) for case, summary in zip(some, summaries, strict=True)]
        kept = [
            100 * faithful(summary, [t.text for t in case.paper.document.texts], settings.judge, case.paper.kind)
            for case, summary in zip(some, summaries, strict=True)
        ]
        yield Measurement(f"told.{way}.faithful", float(np.mean(kept)), "%", "of its sentences, that the paper's body supports")
        yield from _means(f"told.{way}", rows[way])
    for score in (*_TEXT, "image"):
        yield from _compared(f"told.{score}.extractive-model", rows["extractive"], rows["model"], score)
    for score in _TUNED:
        yield from _compared(f"told.{score}.tuned-model", [tuned[i] for i in at], rows["model"], score)


@cache
def _remembering(address: str) -> Embed | None:
    """The encoder of texts, which encodes each text once; None without one."""
    if not address:
        return None
    known: dict[str, Floats] = {}

    def embed(texts: Sequence[str]) -> Floats:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, text_encoder(address).embed(new), strict=True))
        return np.stack([known[text] for text in texts])

    return embed


def _means(name: str, scores: Scored, which: Sequence[str] = _TOLD) -> Iterator[Measurement]:
    for score in which:
        if score not in scores[0]:
            continue
        yield Measurement(f"{name}.{score}", float(np.mean([row[score] for row in scores])), "%", f"{len(scores)} papers")
    for score in _PARTIAL if which is _TOLD or "match" in which else ():
        values = [row[score] for row in scores if score in row]
        yield Measurement(
            f"{name}.{score}", float(np.mean(values)) if values else 0.0, "%", f"{len(values)} papers where it is defined"
        )


def _compared(name: str, better: Scored, worse: Scored, score: str) -> Iterator[Measurement]:
    if score not in better[0]:
        return
    first, second = name.rpartition(".")[2].split("-")
    ours, theirs = (np.array([row[score] for row in scores], np.float32) for scores in (better, worse))
    yield from compared(name, ours, theirs, (first, second), "%", f"{score} score, paired over papers")


def _sentences(paper: Paper) -> list[tuple[int, str]]:
    """The sentences that a summary may take, the same for all, with the numbers of their parts."""
    return [(text.n, sentence) for text, sentence, _ in candidates(paper.document)]


def _budget(found: Sequence[tuple[int, str]], words: int) -> Summary:
    """Sentences from the first on up to so many words, in paragraphs as they stood."""
    kept: dict[int, list[str]] = defaultdict(list)
    for n, sentence in found:
        words -= len(sentence.split())
        if words < 0 and kept:
            break
        kept[n].append(sentence)
    return tuple(Paragraph(" ".join(said)) for said in kept.values())


def _lead(paper: Paper, settings: Settings) -> Summary:
    """The first sentences with the first figures."""
    return _first(paper, _budget(_sentences(paper), settings.words), settings.images)


def _random(paper: Paper, settings: Settings, chance: random.Random) -> Summary:
    """Sentences and figures by chance, the sentences in their order."""
    found = _sentences(paper)
    order = list(range(len(found)))
    chance.shuffle(order)
    taken: list[int] = []
    left = settings.words
    for at in order:
        left -= len(found[at][1].split())
        if left < 0 and taken:
            break
        taken.append(at)
    text = _budget([found[at] for at in sorted(taken)], settings.words)
    return _scattered(paper, text, settings.images, chance)


def _first(paper: Paper, text: Summary, most: int) -> Summary:
    """The first figures after the first paragraphs."""
    refs = [figure.ref for figure in paper.figures[:most]]
    return tuple(Paragraph(p.text, tuple(refs[at : at + 1])) for at, p in enumerate(text))


def _scattered(paper: Paper, text: Summary, most: int, chance: random.Random) -> Summary:
    """Figures by chance after paragraphs by chance."""
    count = min(most, len(text), len(paper.figures))
    at = dict(zip(chance.sample(range(len(text)), count), chance.sample([f.ref for f in paper.figures], count), strict=True))
    return tuple(Paragraph(p.text, (at[i],) if i in at else ()) for i, p in enumerate(text))


def _nearest(paper: Paper, text: Summary, settings: Settings) -> Summary:
    """The figures whose captions are the most like the paragraphs, as many as there may be."""
    candidates = [Candidate(f, image_words(paper.document, f), paper.document.id) for f in paper.figures]
    at = placed(fits([p.text for p in text], candidates, settings.text, paper.kind), settings.images, 0.0)
    return tuple(Paragraph(p.text, (paper.figures[at[i]].ref,) if i in at else ()) for i, p in enumerate(text))


@cache
def _limner(paper: Paper, settings: Settings, writer: str, address: str, whole: bool = False) -> Summary:
    return interleaved(summarize(paper.whole if whole else paper.document, writer, settings.words, settings.images, address))


def interleaved(answer: Answer) -> Summary:
    """An answer's paragraphs with the figures that follow them; headings and captions are left out."""
    out: list[Paragraph] = []
    for part in answer.document.parts:
        if isinstance(part, Text) and part.role != "heading" and part.of is None:
            out.append(Paragraph(part.text))
        elif isinstance(part, Image) and out:
            out[-1] = replace(out[-1], figures=(*out[-1].figures, part.ref))
    return tuple(out)


def _claims() -> Iterator[Claim]:
    paper = "models are compared on 500 papers (abstract: leading ones struggle); these baselines are not among them"
    for key, statement in (("seen", "a planted defect lowers the scores that it must"), ("spared", "... and no other")):
        yield Claim(
            key,
            statement,
            "agreement with people instead",
            "nine defects in each reference, share of them",
            better=key,
            at_least=95.0,
        )
    for score, what in (("text", "points"), ("terms", "terms"), ("meaning", "meaning"), ("image", "figures")):
        for other in ("lead", "random"):
            yield Claim(
                f"{score}-{other}", f"an extractive summary has the authors' {what} better than {other} sentences and figures", paper,
                f"{score} score, paired over papers, mean of the seeds", effect=5.0, within=f"{score}.extractive-{other}",
            )  # fmt: skip
    yield Claim(
        "encoder", "an encoder of texts helps to choose and to place the figures", paper, "image score, the same text", effect=5.0,
        within="image.encoder-extractive",
    )  # fmt: skip
    for name, against in (("choice", ""), ("choice.cited-reference", ", references by citations"),
                          ("choice.caption-reference", ", references by captions")):  # fmt: skip
        yield Claim(
            f"citation{name.removeprefix('choice')}", f"what the author cites finds figures better than captions{against}", paper,
            "Jaccard similarity of the figures shown, the same text", effect=5.0, within=f"{name}.jaccard.citation-caption",
        )  # fmt: skip
    for score in (*_TEXT, "image"):
        yield Claim(
            f"model-{score}", f"extracted sentences are better than a small language model's ({score})", paper,
            f"{score} score, paired over papers, mean of the seeds", effect=5.0, within=f"told.{score}.extractive-model",
        )  # fmt: skip
    best_of_all = "7 B parameters: the best of all (abstract)"
    for score, what in (("total", ""), ("terms", " (terms)"), ("meaning", " (meaning)"), ("image", " (figures)")):
        key = "tuning" if score == "total" else f"tuning-{score}"
        how = f"{score} score of a stand-in of some thousand weights over a frozen encoder, papers of other packages, paired over papers"
        yield Claim(
            key, f"a model tuned in two stages, on instructions and on preferences, is the best of all{what}", best_of_all,
            f"{how}; against the best that is not tuned", effect=3.0, within=f"{score}.tuned-untuned",
        )  # fmt: skip
        yield Claim(
            f"{key}-model", f"... and better than a larger language model that is not tuned{what}", best_of_all,
            f"{how}; against 135 M parameters, on the papers that these summarize", effect=3.0, within=f"told.{score}.tuned-model",
        )  # fmt: skip
    yield Claim(
        "stages", "the stage of preferences adds to that of instructions", "both stages make the model (abstract; no figure at hand)",
        "total score, paired over papers", effect=1.0, within="total.tuned-instructed",
    )  # fmt: skip


_LAPTOP = Settings()
RECIPE = Recipe(
    slug="m-docsum",
    title="M-DocSum: papers summarized with their own figures",
    reference="Yan et al. 2025, M-DocSum: Do LVLMs Genuinely Comprehend Interleaved Image-Text in Document Summarization?, arXiv 2503.21839",
    claims=list(_claims()),
    settings={
        "smoke": replace(_LAPTOP, data=("r-cran-vcd", "r-cran-spacetime"), text="", writer="", tuning=TINY),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, writer="hf:HuggingFaceTB/SmolLM2-1.7B-Instruct", told=100, workers=16),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 5},
    panels=[
        Panel("Text score of a summarizer (%)", "{row}.text"),
        Panel("Image score of a summarizer (%)", "{row}.image"),
        Panel("Figures chosen for the same text, Jaccard (%)", "choice.{row}.jaccard"),
        Panel("Planted defects (%)", "{series}.{row}", ("seen", "spared")),
    ],
)
