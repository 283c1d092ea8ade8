"""Daily Papers: a page of papers by day with search by meaning, what trends, and an illustrated digest by e-mail.

Hugging Face, huggingface.co/papers: a product without a paper and without figures, so nothing is claimed there that could be held or broken.
What is measured is whether its parts do what they are for: the folder is read, a paper is found by what its abstract says where the words are
not its own, votes tell what is of interest now, a digest has what its reader asked for and comes once.

Titles and abstracts are taken out of the papers that are searched, so that what is asked for stands nowhere in them. Votes are composed
(`votestream`). Mails go to a server of SMTP on this machine, which ends the sender by SIGKILL while it takes a mail, before or after it has it.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from limner.corpus import Corpus
from limner.corpus.media import MediaSink
from limner.curate.align import sentences
from limner.curate.identify import identify
from limner.document import Document, Text
from limner.errors import LimnerError
from limner.pipeline.build import build
from limner.pipeline.plan import Plan
from limner.recipes.gains import compared
from limner.recipes.mailtrial import Box, taking, until_it_lives
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.votestream import Ranking, composed, decayed, told
from limner.search import Search, index
from limner.search import Settings as Indexing
from limner.search.searcher import Way
from limner.serve.papers.board import Board, Subscriber
from limner.serve.papers.digest import Edition
from limner.serve.papers.digest import Settings as Digests
from limner.serve.papers.feed import Feed
from limner.serve.papers.trending import gravity
from limner.sources.locate import source
from limner.sources.source import Input

_LARGEST = 250_000  # bytes of a file
_TODAY = "2100-01-01"  # clocks of files are no matter here
_DAYS = 36_500
_WAYS: dict[str, tuple[Way, ...]] = {"words": ("words",), "meaning": ("text",), "both": ("words", "text")}
TOPICS = {
    "r-cran-vcd": (
        "mosaic plots", "visualizing contingency tables", "showing associations of categorical variables with colours",
        "how to draw tables of counts of several factors",
    ),
    "r-cran-spacetime": (
        "classes for data in space and time", "subsetting and aggregating observations made at places over time", "maps that change over time",
        "moving objects, sensors and their trajectories in R",
    ),
    "r-cran-gstat": (
        "kriging", "variograms of measurements at places", "interpolating pollution of soil and air between stations",
        "geostatistics: predicting a value where none was measured",
    ),
    "r-cran-rcpp": (
        "calling C++ from R", "writing fast extensions of R in a compiled language", "making an R package with compiled code",
        "wrapping classes of a library for a scripting language",
    ),
    "r-cran-mvtnorm": (
        "multivariate normal probabilities", "numerical integration of the multivariate t distribution",
        "probabilities of correlated Gaussian variables", "orthant probabilities and quantiles in many dimensions",
    ),
}  # fmt: skip
"""Topics in a reader's words, by the data set that is about them; written before anything was ranked."""


@dataclass(frozen=True)
class Settings:
    """Which papers, and what is asked of them.

    `data`        data sets of papers
    `publishers`  packages of texlive-publishers-doc of which a paper is taken, evenly spread; 0 for none
    `text`        address of the encoder of texts
    `streams`     streams of votes, a seed, for each volume
    `volumes`     votes that a new paper draws an hour, in the median
    `readers`     subscribers in the trial of mails
    `kills`       times that the sender is killed
    """

    data: tuple[str, ...] = (
        "r-cran-vcd",
        "r-cran-spacetime",
        "r-cran-gstat",
        "r-cran-rcpp",
        "r-cran-mvtnorm",
        "texlive-publishers-doc",
    )
    publishers: int = 80
    text: str = "bundled:minilm"
    streams: int = 20
    volumes: tuple[float, ...] = (1.0, 0.1, 0.03)
    readers: int = 20
    kills: int = 6


@dataclass(frozen=True)
class Papers:
    """The PDFs of data sets, of one that has thousands of samples one a package."""

    data: tuple[str, ...]
    publishers: int

    def inputs(self) -> Iterator[Input]:
        """See `Source`."""
        for name in self.data:
            found = [each for each in source(f"data:{name}").inputs() if each.location.endswith(".pdf")]
            if name == "texlive-publishers-doc":
                # latex/PACKAGE/…: the largest file is the paper, the others are its figures.
                packages: dict[str, Input] = {}
                for each in sorted(found, key=_size):
                    if _size(each) <= _LARGEST:
                        packages["/".join(each.name.split("/")[:3])] = each
                spread = sorted(packages.values(), key=lambda i: i.name)
                found = spread[:: max(len(spread) // self.publishers, 1)][: self.publishers] if self.publishers else []
            yield from found

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """See `Source`."""
        return source(f"data:{input.name.partition('/')[0]}").read(input, media)


def _size(input: Input) -> int:
    return Path(input.location).stat().st_size


@dataclass(frozen=True)
class Read:
    """What was read: the papers as they are, and those that are searched, without titles and abstracts. `seconds` is what reading took."""

    folder: TemporaryDirectory[str]
    feed: Feed
    bare: Search
    seconds: float
    inputs: int


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Read once; ask, vote, choose and send. `seed` draws sentences and votes."""
    read = _read(settings)
    feed = read.feed
    papers = [feed.paper(id) for id in feed.dates]
    yield Measurement("papers", len(papers), note=f"of {read.inputs} files")
    yield Measurement("read.speed", read.inputs / read.seconds, "papers/s", "files read into the corpus, one process")
    yield Measurement("own.abstract", 100 * float(np.mean([p.own for p in papers])), "%", "papers whose abstract was found")
    yield Measurement(
        "with.figure", 100 * float(np.mean([p.figure is not None for p in papers])), "%", "papers with a figure to show"
    )
    for way in ("published", "file", "seen"):
        yield Measurement(f"dated.{way}", 100 * float(np.mean([p.dated == way for p in papers])), "%", "who says the day")
    yield from _found(read, seed)
    yield from _trending(settings, seed)
    yield from _relevant(read, settings)
    yield from _sent(read, settings, seed)


@cache
def _read(settings: Settings) -> Read:
    folder = TemporaryDirectory(prefix="limner-recipe-")
    papers = Papers(settings.data, settings.publishers)
    began = time.perf_counter()
    build(Plan(), f"{folder.name}/papers", sources=[papers])
    seconds = time.perf_counter() - began
    corpus = Corpus.open(f"{folder.name}/papers")
    index(corpus, Indexing(text=""))
    feed = Feed(Search.open(corpus), Board.of(corpus), today=_TODAY)
    bare = Corpus.create(f"{folder.name}/bare")
    bare.append(_bare(feed, id) for id in feed.dates)
    index(bare, Indexing(text=settings.text))
    return Read(folder, feed, Search.open(bare), seconds, len(list(papers.inputs())))


def _bare(feed: Feed, id: str) -> Document:
    """A paper without its title and its abstract, wherever they stand."""
    document, paper = feed.search.document(id), feed.paper(id)
    gone = [_flat(paper.title), *(_flat(s) for s in sentences(paper.said) if len(s.split()) >= 5)]

    def stays(part: Any) -> bool:
        text = _flat(part.text) if isinstance(part, Text) else ""
        return not (text and any(piece and (piece in text or (len(text) > 30 and text in piece)) for piece in gone))

    return document.evolve(title="", meta={}, parts=tuple(part for part in document.parts if stays(part)))


def _flat(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


def _found(read: Read, seed: int) -> Iterator[Measurement]:
    """A paper by a sentence of its abstract, and by its title, none of which stands in what is searched."""
    chance = random.Random(seed)
    papers = [p for id in read.feed.dates if (p := read.feed.paper(id)).own and identify(p.said)[0] == "en"]
    often = Counter(_flat(p.said)[:80] for p in papers) + Counter(_flat(p.title) for p in papers)
    papers = [p for p in papers if often[_flat(p.said)[:80]] == 1 and often[_flat(p.title)] == 1]  # samples share their abstracts
    asked: dict[str, list[tuple[str, str]]] = {"sentence": [], "title": []}
    for paper in papers:
        said = [s for s in sentences(paper.said) if 8 <= len(s.split()) <= 60]
        if said:
            asked["sentence"].append((chance.choice(said), paper.id))
        if len(paper.title.split()) >= 3:
            asked["title"].append((paper.title, paper.id))
    bare = Feed(read.bare, read.feed.board, today=_TODAY)
    for kind, questions in asked.items():
        ranks: dict[str, list[int]] = {}
        for text, id in questions:
            for name, ways in _WAYS.items():
                found = bare.find(text, 10, ways)
                ranks.setdefault(name, []).append(found.index(id) if id in found else 99)
        yield Measurement(f"{kind}.asked", len(questions), note=f"papers asked for by a {kind}")
        for most in (1, 10):
            hit = {name: 100 * (np.array(at) < most).astype(np.float32) for name, at in ranks.items()}
            yield from compared(f"{kind}.{most}.both-words", hit["both"], hit["words"], ("both", "words"), "%", f"recall@{most}")
            yield Measurement(f"{kind}.{most}.meaning", float(hit["meaning"].mean()), "%", f"recall@{most}, by meaning alone")


def _trending(settings: Settings, seed: int) -> Iterator[Measurement]:
    """How well votes tell what is of interest now; the exponent is Hacker News's own, the half-life the best of a grid on other streams of all these
    volumes."""
    rankings: dict[str, Ranking] = {
        "gravity": lambda s: gravity(s.votes, s.now),
        "by-day": lambda s: gravity(s.votes, s.now, born=s.born),
        "half-life": decayed,
        "count": lambda s: {paper: float(len(at)) for paper, at in s.votes.items()},
        "newest": lambda s: s.born,
    }
    for volume in settings.volumes:
        streams = [composed(10_000 * (seed + 1) + n, much=volume) for n in range(settings.streams)]
        votes = float(np.mean([sum(map(len, s.votes.values())) for s in streams]))
        rho = {name: np.array([told(s, ranking) for s in streams], np.float32) for name, ranking in rankings.items()}
        what = f"composed streams of {votes:,.0f} votes for 60 papers"
        for other in ("count", "half-life", "newest"):
            pair = rho["gravity"][:, 0], rho[other][:, 0]
            yield from compared(
                f"rank.{volume:g}.gravity-{other}",
                *pair,
                ("gravity", other),
                "",
                f"Spearman's rho with the interest of now, {what}",
            )
        for name, values in rho.items():
            yield Measurement(
                f"rank.{volume:g}.{name}", float(values[:, 0].mean()), "", f"Spearman's rho with the interest of now, {what}"
            )
            yield Measurement(
                f"top.{volume:g}.{name}", 100 * float(values[:, 1].mean()), "%", f"of the ten of most interest, {what}"
            )


def _relevant(read: Read, settings: Settings) -> Iterator[Measurement]:
    """Of the papers that a digest has for a topic, how many are of the data set that is about it. The threshold was chosen on every other topic; the
    others are measured."""
    topics = [(topic, name) for name in settings.data for topic in TOPICS.get(name, ())[1::2]]
    named = {id: read.feed.paper(id).source.partition("/")[0] for id in read.feed.dates}
    precision: dict[str, list[float]] = {}
    recall: dict[str, list[float]] = {}
    editions = {
        "both": Edition(read.feed, _TODAY, _DAYS, Digests(text=settings.text)),
        "words": Edition(read.feed, _TODAY, _DAYS, Digests(text="")),
    }
    for topic, name in topics:
        reader = Subscriber(-1, "reader@example.org", (topic,), "", "confirmed")
        there = sum(each == name for each in named.values())
        for way, edition in editions.items():
            right = [named[pick.paper.id] == name for pick in edition.picks(reader)]
            precision.setdefault(way, []).append(100 * float(np.mean(right)) if right else 0.0)
            recall.setdefault(way, []).append(100 * sum(right) / max(min(there, edition.settings.most), 1))
        precision.setdefault("chance", []).append(100 * there / len(named))
    if topics:
        values = {name: np.array(each, np.float32) for name, each in precision.items()}
        for other in ("words", "chance"):
            what = "papers of a digest that are of the data set its topic is about"
            yield from compared(f"digest.both-{other}", values["both"], values[other], ("both", other), "%", what)
        for way in editions:
            yield Measurement(
                f"digest.recall.{way}",
                float(np.mean(recall[way])),
                "%",
                "of the papers that could have been chosen, at most five",
            )


def _sent(read: Read, settings: Settings, seed: int) -> Iterator[Measurement]:
    """Digests to a server that kills the sender while it takes some of them."""
    board = read.feed.board
    for subscriber in board.subscribers():
        board.leave(subscriber.token)
    topics = [topic for name in settings.data for topic in TOPICS.get(name, ())] or ["data"]
    for n in range(settings.readers):
        board.subscribe(f"reader-{seed}-{n}@example.org", [topics[n % len(topics)]] if n % 4 else [], confirmed=True)
    box = Box(frozenset(random.Random(seed).sample(range(settings.readers), min(settings.kills, settings.readers))))
    began = time.perf_counter()
    with taking(box) as port:
        command = [
            sys.executable,
            "-m",
            "limner",
            "papers",
            read.feed.search.corpus.store.url,
            "digest",
            "--smtp",
            f"127.0.0.1:{port}",
        ]
        command += ["--from", "papers@example.org", "--site", "http://127.0.0.1:8350", "--day", "latest", "--days", str(_DAYS)]
        if code := until_it_lives(command, box):
            raise LimnerError(f"{' '.join(command)} ended with {code}")
    seconds = time.perf_counter() - began
    begun = [board.sent(subscriber) for subscriber in board.subscribers()]
    due = sum(map(bool, begun))
    yield Measurement("mail.due", due, note=f"digests for {settings.readers} subscribers; the others' topics have no paper")
    yield Measurement("mail.received", len(box.mails), note="by the server")
    yield Measurement("mail.kills", box.kills, note="of the sender by SIGKILL, while the server took a mail")
    yield Measurement("mail.doubled", sum(count - 1 for count in box.came.values()), note="digests that came more than once")
    yield Measurement(
        "mail.lost", due - len(box.came), note="killed before the server had it; counted as unsure, not sent again by itself"
    )
    yield Measurement(
        "mail.unsure", sum(not all(days.values()) for days in begun), note="reported as begun and perhaps not arrived"
    )
    yield Measurement(
        "mail.seconds", seconds / max(len(box.mails), 1), "s", "a digest, with a start of the program after each kill"
    )
    if box.mails:
        pictured = [sum(part.get_content_maintype() == "image" for part in mail.walk()) for mail in box.mails]
        sizes = [len(mail.as_bytes()) / 1e3 for mail in box.mails]
        yield Measurement(
            "mail.pictured", 100 * float(np.mean([count > 0 for count in pictured])), "%", "digests with a figure in them"
        )
        yield Measurement("mail.figures", float(np.mean(pictured)), note="a digest")
        yield Measurement("mail.size", float(np.mean(sizes)), "kB", f"a digest; the largest {max(sizes):,.0f} kB")


_FIGURES = "no figure: a product, not a paper"
_LAPTOP = Settings()
RECIPE = Recipe(
    slug="daily-papers",
    title="Daily Papers: a feed of papers by day, with search by meaning, trends and an illustrated digest",
    reference="Hugging Face, Daily Papers, huggingface.co/papers",
    claims=[
        Claim(
            "folder", "it runs on a folder of papers", _FIGURES, "papers a second, read with their figures and captions", better="read.speed"
        ),
        Claim(
            "sentence-1", "a sentence of its abstract finds a paper first, by meaning better than by words alone", _FIGURES,
            "recall@1, words and meaning against words, abstracts taken out of what is searched", effect=3.0, within="sentence.1.both-words",
        ),
        Claim(
            "sentence-10", "... and among ten", _FIGURES, "recall@10, the same", effect=3.0, within="sentence.10.both-words"
        ),
        Claim(
            "title-1", "its title finds a paper first, by meaning better than by words alone", _FIGURES,
            "recall@1, titles taken out of what is searched", effect=3.0, within="title.1.both-words",
        ),
        Claim("title-10", "... and among ten", _FIGURES, "recall@10, the same", effect=3.0, within="title.10.both-words"),
        *(
            Claim(
                f"trending-{other}-{volume:g}", f"votes over a power of their age tell the interest of now better than {what} ({many} votes)",
                _FIGURES, "Spearman's rank correlation, composed streams", effect=0.05, within=f"rank.{volume:g}.gravity-{other}",
            )
            for other, what in (
                ("count", "their number"), ("half-life", "votes that each wane with a half-life"), ("newest", "the order in which they came"),
            )
            for volume, many in ((1.0, "many"), (0.1, "some"), (0.03, "few"))
        ),
        Claim(
            "digest-chance", "a digest has papers on its reader's topics", _FIGURES,
            "papers of the data set that the topic is about, against their share",
            effect=20.0, within="digest.both-chance",
        ),
        Claim(
            "digest-words", "... by meaning and words better than by words alone", _FIGURES, "the same, paired over topics", effect=5.0,
            within="digest.both-words",
        ),
        Claim("digest-figures", "digests are illustrated", _FIGURES, "digests with a figure in them", better="mail.pictured", at_least=90.0),
        Claim(
            "digest-once", "a digest comes once, however often the sender is killed", _FIGURES, "digests that came twice",
            better="mail.doubled", at_most=0,
        ),
        Claim(
            "digest-lost", "what a kill loses is known to be unsure", _FIGURES,
            "digests lost by kills; SMTP cannot be exactly once, and here a digest comes at most once", better="mail.lost",
        ),
    ],
    settings={
        "smoke": Settings(data=("r-cran-vcd", "r-cran-spacetime"), publishers=0, text="", streams=3, volumes=(0.1,), readers=3, kills=1),
        "laptop": _LAPTOP,
        "gpu": Settings(publishers=200, streams=100, readers=200, kills=40),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 3, "gpu": 3},
    panels=[
        Panel("A paper found first by what its abstract or title says (%)", "{row}.1.both-words.{series}", ("both", "words")),
        Panel(
            "How well rankings tell the interest of now (Spearman's rho)", "rank.{row}.{series}",
            ("gravity", "by-day", "half-life", "count", "newest"),
        ),
        Panel("Papers of a digest that its topic is about (%)", "digest.both-{row}.{series}", ("both", "words", "chance")),
    ],
)  # fmt: skip
