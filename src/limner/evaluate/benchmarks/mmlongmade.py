"""Long contexts of an exact length, made from a corpus: its documents in a random order, something to be found in them, a question at the end.

Kinds, after MMLongBench's (arXiv 2505.10610) families:

`text needle`    a sentence that tells a box's number stands somewhere; two of other boxes stand elsewhere
`text counting`  some sentences tell how many boxes were found; the question asks for all of them
`image needle`   which of four pictures is among those above
`retrieval`      of which of the documents above, whose pictures were taken out, a picture is

A context has `length` tokens, text and images together (`limner.evaluate.benchmarks.lengths`): it is filled with whole paragraphs and pictures, and
then with words of the next paragraph while they fit. So what lacks is less than one word.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from limner.corpus import Corpus
from limner.corpus.probe import probe
from limner.document import Document, Image, Text
from limner.evaluate.benchmark import BenchmarkError, Item, Measure, Output, Scored, conversation
from limner.evaluate.benchmarks import longanswers as answers
from limner.evaluate.benchmarks.lengths import Counting, by_rule, image_tokens
from limner.evaluate.benchmarks.pictured import corpus_of
from limner.evaluate.judging import Judge
from limner.evaluate.metrics.text import normalised
from limner.experts.language import Content, Message, Sampling

KINDS = ("text needle", "text counting", "image needle", "retrieval")
LENGTHS = (8, 16, 32, 64, 128)
"""Thousands of 1,024 tokens."""

_COLOURS = ("red", "green", "blue", "yellow", "white", "black", "brown", "violet", "orange", "gray")
_LETTERS = "ABCD"
_LARGEST = 8  # an image is no more than this part of a context
_LEAST_SIDE = 56  # pixels
_SHORT, _PROSE = 6, 60  # characters of a title, words of a document that can be found
_DOCUMENTS = 20_000  # read for one context at most
_BEFORE = "Texts and pictures of several documents are given, and a question after them."
_FORM = "Write your answer in this form:\nAnswer: [answer]"


@dataclass(frozen=True)
class Length:
    """How contexts are made: `lengths` in 1,024 tokens, how many `times` for each kind, length and depth, and how tokens are counted. `depths` are
    where what is to be found stands, from the beginning (0) to the end (1)."""

    lengths: Sequence[int] = LENGTHS
    depths: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0)
    kinds: Sequence[str] = KINDS
    times: int = 1
    seed: int = 0
    counting: Counting = field(default_factory=by_rule)


@dataclass(frozen=True, slots=True)
class Unit:
    """A text or a picture, and its tokens."""

    piece: str | bytes
    tokens: int


@dataclass(frozen=True, slots=True)
class Sought:
    """What is to be found (the first of the needles stands at the depth asked for), what is asked, the right answer, the hashes of images and the
    titles of documents that may not stand elsewhere, and whether the context has images."""

    needles: Sequence[Unit]
    question: Sequence[Unit]
    expected: Any
    images: frozenset[str] = frozenset()
    titles: frozenset[str] = frozenset()
    seen: bool = True


class MMLongMade:
    """See the module; `MMLONG_MADE` is it."""

    name = "mmlongbench-made"
    title = "Long contexts of text and images, made from a corpus"
    reference = "after Wang et al., MMLongBench, NeurIPS 2025, arXiv 2505.10610"
    files = "a corpus of limner, the larger the fewer contexts have pages in common"
    measures: Sequence[Measure] = (Measure("score", "the number, sum, letter or title is right"),)
    sampling = Sampling(tokens=64)
    ranks = False

    def __init__(self, made: Length | None = None) -> None:
        self.made = made or Length()

    def items(self, data: Path | None) -> Iterator[Item]:
        """See `Benchmark`. The contexts of one kind and turn at all lengths and depths ask the same, so they are a family."""
        corpus = corpus_of(data)
        m = self.made
        for kind in m.kinds:
            for turn in range(m.times):
                for length in m.lengths:
                    for depth in m.depths:
                        yield context(corpus, kind, length * 1_024, depth, m, turn)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """See `Benchmark`."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """See `Benchmark`."""
        rule: Any = {"text counting": answers.same_sum, "image needle": answers.choice}.get(
            item.categories["kind"], answers.contains
        )
        return Scored({"score": rule(output.text, item.expected["answer"])})


def context(corpus: Corpus, kind: str, length: int, depth: float, made: Length, turn: int = 0) -> Item:
    """One item. Raises `BenchmarkError` where the corpus has not enough for it."""
    draw = random.Random(f"{made.seed} {kind} {turn}")
    documents = iter(islice(corpus.stream(shuffle=True, seed=draw.randrange(2**31), media=False), _DOCUMENTS))
    source = Source(corpus, made.counting, max(min(made.lengths) * 1_024, 2_048) // _LARGEST)
    sought = _SOUGHT[kind](source, documents, draw)
    before, after = source.text(_BEFORE), [*sought.question, source.text(_FORM)]
    room = length - sum(unit.tokens for unit in [before, *sought.needles, *after])
    hay = filled(source.units(documents, sought), room, made.counting)
    units = [before, *_hidden(hay, sought.needles, depth), *after]
    told = {"answer": sought.expected, "tokens": sum(unit.tokens for unit in units), "counted": made.counting.name}
    return Item(
        f"{kind}-{length // 1_024}K-{depth:.2f}-{turn}", (tuple(unit.piece for unit in units),), told, family=f"{kind}-{turn}",
        categories={"kind": kind, "length": f"{length // 1_024}K", "depth": f"{depth:.2f}"},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Source:
    """Documents as units: their titles, paragraphs, and images that say their size and are not too large."""

    corpus: Corpus
    counting: Counting
    largest: int

    def text(self, text: str) -> Unit:
        """A text as a unit."""
        return Unit(text, self.counting.count(text))

    def image(self, image: Image) -> Unit | None:
        """An image as a unit; None for one that has no size, or too large a one."""
        data = self.corpus.media(image.ref) if image.ref else None
        size = probe(data) if data else None
        if data is None or size is None or min(size.width, size.height) < _LEAST_SIDE or not size.mime.startswith("image/"):
            return None
        count = image_tokens(size.width, size.height)
        return Unit(data, count) if count <= self.largest else None

    def titled(self, document: Document) -> Unit:
        """The line that says which document begins."""
        return self.text(f"Document (Title: {document.title or document.id})")

    def units(self, documents: Iterable[Document], sought: Sought) -> Iterator[Unit]:
        """Those of documents one after the other, without what is sought."""
        for document in documents:
            if document.title in sought.titles:
                continue
            yield self.titled(document)
            for part in document.parts:
                if isinstance(part, Text) and part.text.strip():
                    yield self.text(part.text.strip())
                elif isinstance(part, Image) and sought.seen and part.ref not in sought.images and (unit := self.image(part)):
                    yield unit


def filled(units: Iterator[Unit], room: int, counting: Counting) -> list[Unit]:
    """Units that have so many tokens: whole ones while they fit, then words of the next text. What lacks is less than its next word."""
    found: list[Unit] = []
    for unit in units:
        if unit.tokens <= room:
            found.append(unit)
            room -= unit.tokens
        elif isinstance(unit.piece, str):
            words = unit.piece.split()
            fit = bisect_right(range(1, len(words) + 1), room, key=lambda n: counting.count(" ".join(words[:n])))
            if fit:
                text = " ".join(words[:fit])
                found.append(Unit(text, counting.count(text)))
            return found
        if not room:
            return found
    raise BenchmarkError(
        f"the corpus has too little for so long a context: {room:,} tokens lack; take a larger corpus, or shorter contexts"
    )


def _hidden(hay: Sequence[Unit], needles: Sequence[Unit], depth: float) -> list[Unit]:
    """Needles among the hay: the first at a depth, in tokens, the others as far from it and each other as can be."""
    total = sum(unit.tokens for unit in hay)
    places = sorted(((depth + i / len(needles)) % 1.0 if i else depth, i) for i in range(len(needles)))
    out: list[Unit] = []
    passed = 0
    for unit in hay:
        while places and places[0][0] * total <= passed:
            out.append(needles[places.pop(0)[1]])
        out.append(unit)
        passed += unit.tokens
    return out + [needles[i] for _, i in places]


def _text_needle(source: Source, documents: Iterator[Document], draw: random.Random) -> Sought:
    colours, numbers = draw.sample(_COLOURS, 3), draw.sample(range(1_000, 10_000), 3)
    needles = [
        source.text(f"The number of the {colour} box is {number}.") for colour, number in zip(colours, numbers, strict=True)
    ]
    return Sought(needles, [source.text(f"Question: What is the number of the {colours[0]} box?")], [str(numbers[0])])


def _text_counting(source: Source, documents: Iterator[Document], draw: random.Random) -> Sought:
    numbers = [draw.randint(1, 9) for _ in range(draw.randint(3, 5))]
    needles = [source.text(f"Here {n} wooden {'box was' if n == 1 else 'boxes were'} found.") for n in numbers]
    asked = "Question: How many wooden boxes were found each time? Write the numbers as a list, as [1, 2]."
    return Sought(needles, [source.text(asked)], numbers)


def _image_needle(source: Source, documents: Iterator[Document], draw: random.Random) -> Sought:
    found: dict[str, Unit] = {}
    for document in documents:
        images = [(image.ref, unit) for image in document.images if image.ref not in found and (unit := source.image(image))]
        if images:  # one of a document: pictures of one are too much alike
            ref, unit = draw.choice(images)
            found[ref] = unit
        if len(found) == len(_LETTERS):
            break
    else:
        raise BenchmarkError("the corpus has not four documents with images")
    refs = list(found)
    needle = draw.choice(refs)
    question = [source.text("Question: Which of these pictures is among those above? Answer with its letter.")]
    for letter, ref in zip(_LETTERS, refs, strict=True):
        question += [source.text(f"{letter}."), found[ref]]
    return Sought([found[needle]], question, refs.index(needle), frozenset(refs))


def _retrieval(source: Source, documents: Iterator[Document], draw: random.Random) -> Sought:
    for document in documents:
        prose = [
            part.text for part in document.parts if isinstance(part, Text) and part.role == "paragraph" and part.text.strip()
        ]
        images = [unit for image in document.images if (unit := source.image(image))]
        if document.title and len(normalised(document.title)) > _SHORT and images and len(" ".join(prose).split()) >= _PROSE:
            break
    else:
        raise BenchmarkError("the corpus has no document with a title, a picture and text to be found by it")
    words = "\n\n".join(prose).split(" ")
    text = f"{source.titled(document).piece}\n\n{' '.join(words[: _PROSE * 3])}"
    asked = "Question: From which of the documents above is this picture? Answer with its title."
    question = [source.text(asked), draw.choice(images)]
    return Sought([source.text(text)], question, [document.title], titles=frozenset([document.title]), seen=False)


_SOUGHT: Mapping[str, Callable[[Source, Iterator[Document], random.Random], Sought]] = {
    "text needle": _text_needle, "text counting": _text_counting, "image needle": _image_needle, "retrieval": _retrieval,
}  # fmt: skip

MMLONG_MADE = MMLongMade()
