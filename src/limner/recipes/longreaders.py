"""Readers of long contexts without a language model: what is asked for is found by words, by meaning, by looks, in what they hold of the context.

They hold any length, differ in what they can, and so give curves over lengths and ranks of systems where no model of long contexts is. Each is
told which kind of task it is at (`limner.evaluate.benchmarks.mmlongmade`), which a language model must read from the question.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from typing import Literal

import numpy as np

from limner.corpus.pixels import decode, thumbnail
from limner.corpus.probe import probe
from limner.evaluate.benchmark import Item, Piece
from limner.evaluate.benchmarks.choices import LETTERS
from limner.evaluate.benchmarks.lengths import by_rule, image_tokens
from limner.experts.image_encoder import image_encoder
from limner.experts.ocr import ocr
from limner.experts.onnx import Floats
from limner.experts.text_encoder import remembering

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"[^\W_]{2,}")
_TITLE = re.compile(r"Document \(Title: (.*)\)")
_RERANKED = 32  # sentences or documents, the best by words, that are compared by meaning
_NEARLY = 0.7  # of the best score: what counts as found too, where all are asked for
_CELLS = 4

Looks = Literal["", "colours", "features"]


@dataclass(frozen=True)
class Finder:
    """A reader.

    `window`   tokens of the end of the context that it holds, 0 for all
    `meaning`  whether it compares by an encoder of texts what it finds by words
    `looks`    how it compares images, "" for not at all; only one that has features of images also reads the text in them
    """

    window: int = 0
    meaning: bool = False
    looks: Looks = "features"

    @property
    def name(self) -> str:
        """Such as `all-words-features`."""
        held = f"{self.window // 1_024}K" if self.window else "all"
        return f"{held}-{'meaning' if self.meaning else 'words'}-{self.looks or 'blind'}"

    def answer(self, item: Item) -> str:
        """What it says."""
        context, question = parted(item)
        return _TASKS[item.categories["kind"]](self, held(context, self.window), question)

    def found(self, asked: str, texts: Sequence[str]) -> Floats:
        """How well each text answers: the weight of the question's words in it, over that of all; with `meaning`, for the best of these,
        the cosine."""
        if not texts:
            return np.zeros(0, np.float32)
        words = [set(_words(text)) for text in texts]
        many = Counter(word for some in words for word in some)
        weight = {w: math.log(1 + len(texts) / many[w]) for w in set(_words(asked)) if w in many}
        total = sum(weight.values()) or 1.0
        scores = np.array([sum(weight[w] for w in weight.keys() & some) / total for some in words], np.float32)
        if not self.meaning:
            return scores
        best = np.argsort(-scores, kind="stable")[:_RERANKED]
        given = [asked, *(str(texts[int(i)])[:500] for i in best)]
        rows = _encoder()(given)
        out = np.zeros(len(texts), np.float32)
        out[best] = rows[1:] @ rows[0]
        return out


def finders(windows: Sequence[int]) -> list[Finder]:
    """All of them, with windows of so many tokens."""
    looks: tuple[Looks, ...] = ("", "colours", "features")
    return [Finder(*given) for given in product(windows, (False, True), looks)]


def parted(item: Item) -> tuple[list[Piece], list[Piece]]:
    """The context and the question of an item."""
    pieces = list(item.asked)
    at = max(n for n, piece in enumerate(pieces) if isinstance(piece, str) and piece.startswith("Question:"))
    return pieces[1:at], pieces[at:]


def held(pieces: Sequence[Piece], window: int) -> list[Piece]:
    """The last pieces that have so many tokens together."""
    if not window:
        return list(pieces)
    count, out = by_rule().count, list[Piece]()
    for piece in reversed(pieces):
        window -= count(piece) if isinstance(piece, str) else _image_tokens(piece)
        if window < 0:
            break
        out.append(piece)
    return out[::-1]


def _image_tokens(piece: Piece) -> int:
    assert isinstance(piece, bytes)
    size = probe(piece)
    return image_tokens(size.width or 1, size.height or 1)


def _needle(reader: Finder, context: Sequence[Piece], question: Sequence[Piece]) -> str:
    texts = [text for text in _sentences(context) if re.search(r"\d", text)]
    scores = reader.found(_texts(question), texts)
    return f"Answer: {re.findall(r'[0-9]+', texts[int(scores.argmax())])[-1]}" if len(texts) else ""


def _counting(reader: Finder, context: Sequence[Piece], question: Sequence[Piece]) -> str:
    texts = [text for text in _sentences(context) if re.search(r"\d", text)]
    scores = reader.found(_texts(question), texts)
    numbers = [
        re.findall(r"[0-9]+", text)[0] for text, score in zip(texts, scores, strict=True) if score >= _NEARLY * scores.max()
    ]
    return f"Answer: [{', '.join(numbers)}]"


def _image(reader: Finder, context: Sequence[Piece], question: Sequence[Piece]) -> str:
    shown, choices = ([p for p in pieces if isinstance(p, bytes)] for pieces in (context, question))
    if not reader.looks or not shown:
        return ""
    rows = np.stack([_look(each, reader.looks) for each in shown])
    likeness = [float((rows @ _look(each, reader.looks)).max()) for each in choices]
    return f"Answer: {LETTERS[int(np.argmax(likeness))]}"


def _retrieval(reader: Finder, context: Sequence[Piece], question: Sequence[Piece]) -> str:
    documents: dict[str, str] = {}
    for text in (piece for piece in context if isinstance(piece, str)):
        if found := _TITLE.match(text):
            title = found[1]
            documents[title] = documents.get(title, "") + text
        elif documents:
            documents[next(reversed(documents))] += f"\n{text}"
    picture = next(piece for piece in question if isinstance(piece, bytes))
    said = _read(picture) if reader.looks == "features" else ""
    if not documents or not said:
        return ""
    scores = reader.found(said, list(documents.values()))
    return f"Answer: {list(documents)[int(scores.argmax())]}"


_TASKS: Mapping[str, Callable[[Finder, Sequence[Piece], Sequence[Piece]], str]] = {
    "text needle": _needle, "text counting": _counting, "image needle": _image, "retrieval": _retrieval,
}  # fmt: skip


def _sentences(context: Sequence[Piece]) -> Iterator[str]:
    for piece in context:
        if isinstance(piece, str):
            yield from (text for text in _SENTENCE.split(piece) if text.strip())


def _texts(pieces: Sequence[Piece]) -> str:
    """The question, without the form of its answer."""
    said = " ".join(piece for piece in pieces[:-1] if isinstance(piece, str)).removeprefix("Question:")
    return said.partition(" Write ")[0].strip()


def _words(text: str) -> list[str]:
    return [word.removesuffix("es").removesuffix("s") for word in _WORD.findall(text.lower())]


@cache
def _encoder() -> Callable[[Sequence[str]], Floats]:
    return remembering("bundled:minilm")


@lru_cache(maxsize=20_000)
def _look(data: bytes, how: Looks) -> Floats:
    """An image as a row of length one: means of the colours of 4 x 4 cells, or an encoder's."""
    pixels = thumbnail(data, 224)
    if how == "features":
        (row,) = image_encoder("bundled:efficientnet-lite0").embed([pixels])
    else:
        cells = [np.array_split(rows, _CELLS, axis=1) for rows in np.array_split(pixels.astype(np.float32), _CELLS, axis=0)]
        row = np.array([cell.mean((0, 1)) - 128 for line in cells for cell in line], np.float32).ravel()
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-9), np.float32)


@lru_cache(maxsize=1_000)
def _read(data: bytes) -> str:
    return " ".join(line.text for line in ocr().read([decode(data)])[0])
