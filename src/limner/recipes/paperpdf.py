"""PaperPDF: questions about papers, each with the chunks of text and the figures that answer it.

Xie et al. 2024, PDF-WuKong, arXiv 2410.05970: papers are read into ordered paragraphs and figures; questions are written from one chunk (a
text, a figure) or from several (a paragraph and the figure it cites, paragraphs of different places), and keep them as evidence.

The paper has large models write a million pairs. Two writers are here: a rule, which hides a word of a sentence that stands once in the paper
and asks for it, so that nothing is invented; and a language model at an address. Whoever writes, a pair stays only where its
evidence has the answer and its question has not.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from limner.curate.chunks import Chunk, chunks
from limner.document import Document
from limner.document.references import references
from limner.experts.language import Sampling, language, user
from limner.experts.text_encoder import text_encoder
from limner.pipeline.plan import Plan
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])")
_ANSWER = re.compile(
    r"(?<![\w:/.\-–])[1-9]\d*(?:\.\d+)?(?: ?(?:%|km|cm|mm|m|ms|s|MB|GB|°C))?(?![\w:/\-–]|\.\d)"  # numbers, with units
    r"|(?:[A-Z][a-z]+ ){1,3}[A-Z][a-z]+"  # names
    r"|[a-z]+(?:[A-Z][a-z]+)+|[a-z]\w+\(\)"  # identifiers
    r"|[A-Z]{3,8}(?![\w-])"
)
_LEADING = re.compile(r"\A(?:(?:The|A|An|As|In|On|For|This|These|That|We|It|If|When|To|From|With|See|Note|Using) )+(?=[A-Z])")
_POINTER = re.compile(r"\A(?:[A-Z][a-z]+ )?(?:Figures?|Fig|Tables?|Sections?|Chapter|Appendix)\b|\A[A-Z][a-z]+\Z")
_LISTED = re.compile(r"references|bibliography|acknowledg", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_LABEL = re.compile(r"\A\w+\.?\s*[A-Z]?\d+(?:[.\-]\d+)*[a-z]?\s*[.:|–—-]?\s*")
_PROMPT = """Write one question that the passage answers, and its answer in a few words copied from the passage.
Answer as:
Question: ...
Answer: ...

Passage: """
_LONGEST = 80  # words of an answer
SINGLE, MULTI = ("text", "figure"), ("text-figure", "cross-paragraph")


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, its answer, and the numbers of the chunks of its paper that answer it; `kind` is one of `SINGLE` or `MULTI`."""

    paper: str
    kind: str
    question: str
    answer: str
    evidence: tuple[int, ...]


@dataclass(frozen=True)
class Settings:
    """Which papers, and who asks.

    `data`     data sets of papers
    `writer`   address of the language model whose pairs are measured beside the rule's; "" for none
    `asked`    chunks that the writer is asked about, a seed
    `text`     address of the encoder that finds evidence
    `nearest`  chunks that may be taken as evidence
    `most`     pairs of a kind, a paper
    `out`      file that the pairs are written to, a line of JSON each; "" for none
    `workers`  processes that build
    """

    data: tuple[str, ...] = ("r-cran-vcd", "r-cran-spacetime", "r-cran-gstat", "r-cran-rcpp", "r-cran-mvtnorm")
    writer: str = "bundled:smollm2-135m"
    asked: int = 32
    text: str = "bundled:minilm"
    nearest: int = 5
    most: int = 40
    out: str = ""
    workers: int = 1


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Read, ask, verify, find the evidence again; `seed` draws which of the possible pairs are kept."""
    chance = random.Random(seed)
    with built(Plan(), settings.data, settings.workers) as (corpus, _):
        papers = [(d, chunks(d)) for d in corpus if d.source.lower().endswith((".pdf", ".pdf.gz"))]
    yield Measurement("papers", len(papers))
    yield Measurement(
        "chunks", sum(len(cut) for _, cut in papers) / max(len(papers), 1), note="a paper, text, figures and tables"
    )
    figures = [c for _, cut in papers for c in cut if c.kind == "figure"]
    captioned = 100 * sum(bool(c.text) for c in figures) / max(len(figures), 1)
    yield Measurement("figures.captioned", captioned, "%", f"of {len(figures)} figures and formulas")
    pairs = [pair for document, cut in papers for pair in by_rule(document, cut, settings.most, chance)]
    by_paper = {document.id: cut for document, cut in papers}
    for kind in (*SINGLE, *MULTI):
        count = sum(pair.kind == kind for pair in pairs)
        yield Measurement(f"pairs.{kind}", count / max(len(papers), 1), note="a paper")
    yield Measurement("pairs", len(pairs) / max(len(papers), 1), note="a paper, written by the rule")
    good = [pair for pair in pairs if verified(pair, by_paper[pair.paper])]
    yield Measurement("verified.rule", 100 * len(good) / max(len(pairs), 1), "%", "evidence has the answer, the question has not")
    if settings.writer:
        texts = [
            (d.id, i) for d, cut in papers for i, c in enumerate(cut) if c.kind == "text" and 40 <= len(c.text.split()) <= 250
        ]
        drawn = chance.sample(texts, min(settings.asked, len(texts)))
        written = by_model(drawn, by_paper, settings.writer)
        kept = [pair for pair in written if verified(pair, by_paper[pair.paper])]
        yield Measurement(
            "written.model", 100 * len(written) / max(len(drawn), 1), "%", f"of {len(drawn)} chunks a question came back"
        )
        yield Measurement(
            "verified.model", 100 * len(kept) / max(len(drawn), 1), "%", "of the chunks asked about; the others are dropped"
        )
        good += kept
    yield from _found(good, by_paper, settings, chance)
    if settings.out:
        Path(settings.out).write_text("".join(json.dumps(asdict(pair), ensure_ascii=False) + "\n" for pair in good), "utf-8")


def by_rule(document: Document, cut: Sequence[Chunk], most: int, chance: random.Random) -> list[Pair]:
    """Pairs of all kinds that hide a word, at most `most` of each. The word stands in the chunks of the evidence and nowhere else."""
    places = _places(cut)
    owner = {n: i for i, chunk in enumerate(cut) for n in chunk.n}
    cites: dict[int, list[int]] = defaultdict(list)
    for n, by in references(document).items():
        if n in owner and cut[owner[n]].kind == "figure":
            for text in by:
                if text in owner and cut[owner[text]].kind == "text":
                    cites[owner[text]].append(owner[n])
    found: dict[str, list[Pair]] = defaultdict(list)
    for i, chunk in enumerate(cut):
        if chunk.kind == "figure" and len(chunk.text.split()) > 4:
            answer = _LABEL.sub("", chunk.text).strip()
            label = chunk.text[: len(chunk.text) - len(answer)].strip(" .:|–—-")
            if label and answer and len(answer.split()) <= _LONGEST:
                found["figure"].append(Pair(document.id, "figure", f"What does {label} show?", answer, (i,)))
        if chunk.kind != "text" or _LISTED.search(chunk.section):
            continue
        for sentence in _sentences(chunk.text):
            hidden = next((a for a in _answers(sentence) if places[_plain(a)] == {i}), None)
            if hidden is None:
                continue
            figures = [f for f in cites[i] if _cited(sentence, cut[f].text)]
            kind = "text-figure" if figures else "text"
            found[kind].append(Pair(document.id, kind, _cloze(document, sentence, hidden), hidden, (i, *figures)))
    for term, at in sorted(places.items()):
        chosen = sorted(at)
        if (
            len(chosen) == 2
            and abs(chosen[0] - chosen[1]) > 1
            and all(cut[i].kind == "text" and not _LISTED.search(cut[i].section) for i in chosen)
        ):
            said = [next((s for s in _sentences(cut[i].text) if f" {term} " in f" {_plain(s)} "), "") for i in chosen]
            answers = [next((a for a in _answers(s) if _plain(a) == term), "") for s in said]
            if all(answers):
                both = " and ".join(f"“{_hidden(s, a)}”" for s, a in zip(said, answers, strict=True))
                question = f"In “{document.title}”, which one expression is missing from both {both}?"
                found["cross-paragraph"].append(Pair(document.id, "cross-paragraph", question, answers[0], tuple(chosen)))
    return [pair for kind in found for pair in chance.sample(found[kind], min(most, len(found[kind])))]


def _sentences(text: str) -> list[str]:
    """The whole sentences of prose: code, addresses and lists of references are none."""
    found = [s for line in text.split("\n") for s in _SENTENCE.split(line.strip())]
    return [s for s in found if 8 <= len(s.split()) <= 60 and s[0].isupper() and s[-1] in ".!?" and _prose(s)]


def _prose(sentence: str) -> bool:
    return sum(c.isalpha() or c in " ,.-’'" for c in sentence) >= 0.9 * len(sentence)


def _places(cut: Sequence[Chunk]) -> dict[str, set[int]]:
    """The chunks that each expression which may be asked for stands in, wherever it stands in them."""
    terms = {_plain(a) for chunk in cut if chunk.kind == "text" for a in _answers(chunk.text)}
    texts = [f" {_plain(chunk.text)} " for chunk in cut]
    return {term: {i for i, text in enumerate(texts) if f" {term} " in text} for term in terms if term}


def _answers(text: str) -> list[str]:
    """Expressions that may be asked for: numbers of more than one digit, names, identifiers, the longest first."""
    found = (_LEADING.sub("", m[0]) for m in _ANSWER.finditer(text))
    return sorted((a for a in found if len(a) > 1 and not _POINTER.search(a)), key=len, reverse=True)


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def _cited(sentence: str, caption: str) -> bool:
    number = re.search(r"\d+", caption)
    return bool(number and re.search(rf"[Ff]ig\w*\.?\s*{number[0]}\b", sentence))


def _hidden(sentence: str, answer: str) -> str:
    return sentence.replace(answer, "____")


def _cloze(document: Document, sentence: str, answer: str) -> str:
    return f"In “{document.title}”, what is missing from “{_hidden(sentence, answer)}”?"


def by_model(asked: Sequence[tuple[str, int]], papers: dict[str, list[Chunk]], address: str) -> list[Pair]:
    """A pair for each chunk (paper, number) about which the model wrote one."""
    prompts = [[user(_PROMPT + papers[paper][i].text)] for paper, i in asked]
    out: list[Pair] = []
    for (paper, i), answer in zip(asked, language(address).answer(prompts, Sampling(tokens=80)), strict=True):
        found = re.search(r"Question:\s*(.+?)\s*Answer:\s*(.+)", answer.text, re.DOTALL)
        if found:
            out.append(Pair(paper, "text", found[1].strip(), found[2].strip().split("\n")[0], (i,)))
    return out


def verified(pair: Pair, cut: Sequence[Chunk]) -> bool:
    """Whether the evidence has the answer, each chunk of several its part in it, and the question does not give it away."""
    answer, question = _plain(pair.answer), _plain(pair.question)
    texts = [_plain(cut[i].text) for i in pair.evidence]
    if not answer or f" {answer} " in f" {question} " or len(answer.split()) > _LONGEST:
        return False
    if pair.kind == "cross-paragraph":
        return all(f" {answer} " in f" {text} " for text in texts)
    return any(f" {answer} " in f" {text} " for text in texts)


def _found(
    pairs: Sequence[Pair], papers: dict[str, list[Chunk]], settings: Settings, chance: random.Random
) -> Iterator[Measurement]:
    """How often the evidence is among the nearest chunks of its paper: by meaning, by words, by chance."""
    encoder = text_encoder(settings.text)
    shares: dict[str, list[float]] = defaultdict(list)
    reading: list[float] = []
    for paper, cut in papers.items():
        asked = [pair for pair in pairs if pair.paper == paper]
        if not asked:
            continue
        texts = [f"{chunk.section}\n{chunk.text}" for chunk in cut]
        rows = np.asarray(encoder.embed([*texts, *(pair.question for pair in asked)]))
        near = rows[len(texts) :] @ rows[: len(texts)].T
        words = _by_words(texts, [pair.question for pair in asked])
        sizes = np.array([len(text.split()) for text in texts], float)
        for i, pair in enumerate(asked):
            ranks = {"encoder": near[i], "words": words[i], "chance": np.array([chance.random() for _ in texts])}
            for name, values in ranks.items():
                best = set(np.argsort(-values)[: settings.nearest].tolist())
                share = len(best & set(pair.evidence)) / len(pair.evidence)
                shares[name].append(share)
                shares[f"{name}.{pair.kind}"].append(share)
            best = np.argsort(-near[i])[: settings.nearest]
            reading.append(float(sizes[best].sum() / sizes.sum()))
    for name, values in shares.items():
        yield Measurement(
            f"recall.{name}",
            100 * float(np.mean(values)),
            "%",
            f"evidence among the {settings.nearest} chunks, {len(values)} questions",
        )
    yield Measurement(
        "read", 100 * float(np.mean(reading)), "%", "words of the paper that the chunks hold which the encoder chooses"
    )


def _by_words(texts: Sequence[str], questions: Iterable[str], k: float = 1.2, b: float = 0.75) -> list[np.ndarray]:
    """BM25 (Robertson & Zaragoza 2009) of each question with each text."""
    bags = [Counter(_plain(text).split()) for text in texts]
    sizes = np.array([sum(bag.values()) for bag in bags], float)
    having = Counter(word for bag in bags for word in bag)
    scale = k * (1 - b + b * sizes / max(sizes.mean(), 1))
    out: list[np.ndarray] = []
    for question in questions:
        score = np.zeros(len(bags))
        for word in set(_plain(question).split()) & having.keys():
            times = np.array([bag[word] for bag in bags], float)
            score += math.log(1 + (len(bags) - having[word] + 0.5) / (having[word] + 0.5)) * times * (k + 1) / (times + scale)
        out.append(score)
    return out


_LAPTOP = Settings()
RECIPE = Recipe(
    slug="paperpdf",
    title="PaperPDF: questions about papers, with the chunks that answer them",
    reference="Xie et al. 2024, PDF-WuKong: A Large Multimodal Model for Efficient Long PDF Reading with End-to-End Sparse Sampling, "
    "arXiv 2410.05970",
    claims=[
        Claim(
            "pairs", "questions of one and of several chunks are written from papers by the hundred", "1 M pairs (abstract)",
            "pairs a paper, written by a rule that hides a word", better="pairs",
        ),
        Claim(
            "evidence", "evidence holds the answer", "no figure", "pairs of which the evidence has the answer and the question has not",
            better="verified.rule",
        ),
        Claim(
            "writer", "a language model writes them", "written by large models", "chunks about which the bundled model writes a pair that "
            "can be verified", better="verified.model",
        ),
        Claim(
            "sampler", "few chunks are enough: those nearest to the question", "a sampler trained with the model chooses them; no figure here",
            "evidence among the five chunks nearest by meaning, against five by chance (a question that hides a word keeps the others, "
            "by which a search for words finds nearly all)", better="recall.encoder", worse="recall.chance",
            effect=10,
        ),
        Claim(
            "answers", "a model that reads the chosen chunks answers better", "8.6 % of F1 above proprietary products (abstract)",
            "answers of a trained model", waits="needs pairs whose questions do not quote their "
            "evidence: the rule's quote it but for the hidden word, so that a search for words finds nearly all and a reader tuned on them learns to "
            "copy, and the bundled model writes one that can be verified for about 2 chunks of 100, too few to tune on and to hold out; a larger "
            "writer and a reader of figures take a GPU",
        ),
    ],
    settings={
        "smoke": replace(_LAPTOP, data=("sasview",), writer="", most=5),
        "laptop": _LAPTOP,
        "gpu": replace(_LAPTOP, data=(*_LAPTOP.data, "texlive-publishers-doc", "beamer-talks"), asked=2_000, workers=16),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("Pairs a paper", "pairs.{row}"),
        Panel("Evidence among the five nearest chunks (%)", "recall.{series}.{row}", ("encoder", "words", "chance")),
    ],
)  # fmt: skip
