"""Known items: questions of which a corpus itself says what they ask for.

A caption asks for its figure, a title for its section. Twice: in the corpus as it is, where the words stand beside what is sought, and with all
captions, alternative texts and headings taken out of it, so that only the text around is left to find it by. Where several figures or sections share
the words, the question names the page as well; what is still ambiguous is no question. Across languages the words are those of the page's parallel.
"""

from __future__ import annotations

import posixpath
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from limner import Corpus
from limner.curate.steps import title, unnumbered
from limner.document import Document, Image, Text
from limner.pipeline import build, load
from limner.search.units import Kind, units

LEAST_WORDS = 2
_AT_ONCE = 200  # documents whose media are held together


class Item(NamedTuple):
    """A question and the one unit that answers it: its kind, document, and the `n` of the image or of the section's heading."""

    question: str
    kind: Kind
    document: str
    n: int


def built(data: str, folder: Path) -> Corpus:
    """The corpus of a data set by the default plan, made once in `folder`."""
    place = folder / data
    build(load("default").with_sources([f"data:{data}"]), str(place))
    return Corpus.open(str(place))


def bare(corpus: Corpus, folder: Path) -> Corpus:
    """The corpus with no captions, alternative texts, headings and titles."""
    if (folder / "corpus.json").is_file():
        return Corpus.open(str(folder))
    made = Corpus.create(str(folder))
    for some in batched(corpus, _AT_ONCE):
        refs = {image.ref for document in some for image in document.images if image.ref}
        made.append(
            [_bare(document) for document in some], {ref: data for ref in refs if (data := corpus.media(ref)) is not None}
        )
    return made


def batched(documents: Iterable[Document], size: int) -> Iterator[list[Document]]:
    """Documents, so many at a time."""
    waiting = iter(documents)
    while some := list(islice(waiting, size)):
        yield some


def _bare(document: Document) -> Document:
    parts = [
        replace(p, alt="") if isinstance(p, Image) else replace(p, text="") if isinstance(p, Text) and p.role == "heading" else p
        for p in document.parts
        if not (isinstance(p, Text) and p.of is not None and p.role == "caption")
    ]
    return document.evolve(parts=tuple(parts), title="")


def captions(documents: Iterable[Document]) -> list[Item]:
    """Every caption of one image asks for it."""
    found: list[tuple[Document, str, int]] = []
    for document in documents:
        for image in document.images:
            said = document.captions(image.n)
            if len(said) == 1:
                found.append((document, " ".join(said[0].text.split()), image.n))
    return _named(found, "image")


def titles(documents: Iterable[Document]) -> list[Item]:
    """Every title of a section that has a text asks for it."""
    found: list[tuple[Document, str, int]] = []
    for document in documents:
        told = {unit.section for unit in units(document) if unit.kind == "section" and unit.body}
        found.extend(
            (document, " ".join(unnumbered(text.text).split()), text.n)
            for text in document.texts
            if text.role == "heading" and text.n in told
        )
    return _named(found, "section")


def _named(found: Sequence[tuple[Document, str, int]], kind: Kind) -> list[Item]:
    alone = Counter(words.lower() for _, words, _ in found)
    asked = [
        (words if alone[words.lower()] == 1 else f"{title(document)}: {words}", document.id, n) for document, words, n in found
    ]
    often = Counter(question.lower() for question, _, _ in asked)
    return [
        Item(question, kind, id, n)
        for question, id, n in asked
        if often[question.lower()] == 1 and (len(question.split()) >= LEAST_WORDS or not question.isascii())
    ]


def across(here: Sequence[Document], there: Sequence[Document], items: Callable[[Iterable[Document]], list[Item]]) -> list[Item]:
    """The questions of one language with the answers of another: of pages by the same name that have as many headings and images."""
    by_name = {posixpath.basename(document.source): document for document in there}
    pairs: dict[str, tuple[Document, Document]] = {}
    for document in here:
        other = by_name.get(posixpath.basename(document.source))
        if other is not None and len(_sought(document)) == len(_sought(other)):
            pairs[document.id] = (document, other)
    found: list[Item] = []
    for item in items(here):
        if item.document in pairs:
            document, other = pairs[item.document]
            n = dict(zip(_sought(document), _sought(other), strict=True))[item.n]
            found.append(item._replace(document=other.id, n=n))
    # Where a language is not translated, its words are those of the other.
    same = {item.question.lower() for item in items(there)}
    return [item for item in found if item.question.lower() not in same]


def _sought(document: Document) -> list[int]:
    return [p.n for p in document.parts if isinstance(p, Image) or (isinstance(p, Text) and p.role == "heading")]


def some(items: Sequence[Item], most: int, seed: int = 0) -> list[Item]:
    """At most so many of them, drawn once."""
    return list(items) if len(items) <= most else random.Random(seed).sample(items, most)
