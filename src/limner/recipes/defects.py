"""Documents made worse on purpose, one defect each: what a filter of coherence should find, and the worse halves of preference pairs.

The shuffles are the four ways in which CoMM (Chen et al. 2024, arXiv 2406.10462) makes the worse document of a pair: the texts, the images,
both apart from each other, or whole steps. The others put in what is another document's, or take away the end.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from limner.curate.steps import steps
from limner.document import Document, Image, Part, Text

Defect = Callable[[Document, Sequence[Document], random.Random], Document]
"""Takes a document, the others that it may take from, and chance; gives the worse one."""


def _said(document: Document) -> list[Text]:
    """Its texts that are steps, captions and titles left where they are."""
    return [text for step in steps(document) for text in step.texts if text.role != "heading"]


def _shuffled(items: Sequence[Part], chance: random.Random) -> list[Part]:
    """The items in another order; where there are several, not in the same."""
    mixed = list(items)
    while len(mixed) > 1 and mixed == list(items):
        chance.shuffle(mixed)
    return mixed


def _placed(document: Document, at: Sequence[Part], instead: Sequence[Part]) -> Document:
    """The document with other parts in the places of some: each keeps the number of its place, and what captions it had."""
    new = {old.n: _as(part, old.n) for old, part in zip(at, instead, strict=True)}
    return document.evolve(parts=tuple(new.get(part.n, part) for part in document.parts))


def _as(part: Part, n: int) -> Part:
    return (
        replace(part, n=n) if not isinstance(part, Text) else Text(n, part.text, part.role, part.level, part.language, part.place)
    )


def shuffled_texts(document: Document, others: Sequence[Document], chance: random.Random) -> Document:
    """The texts in another order, the images where they are."""
    said = _said(document)
    return _placed(document, said, _shuffled(said, chance))


def shuffled_images(document: Document, others: Sequence[Document], chance: random.Random) -> Document:
    """The images in another order, the texts where they are."""
    return _placed(document, document.images, _shuffled(document.images, chance))


def shuffled_both(document: Document, others: Sequence[Document], chance: random.Random) -> Document:
    """Texts and images in another order, each for itself."""
    return shuffled_images(shuffled_texts(document, others, chance), others, chance)


def shuffled_steps(document: Document, others: Sequence[Document], chance: random.Random) -> Document:
    """The steps in another order, each with its images and their captions."""
    belongs: dict[int, int] = {}
    for i, step in enumerate(steps(document)):
        belongs |= {part.n: i for part in (*step.texts, *step.images)}
    groups: dict[int, list[Part]] = {}
    at = 0
    for part in document.parts:
        of = part.of if isinstance(part, Text) else None
        at = belongs.get(part.n if of is None else of, at)
        groups.setdefault(at, []).append(part)
    order = list(groups)
    mixed = list(order)
    while len(mixed) > 1 and mixed == order:
        chance.shuffle(mixed)
    return document.evolve(parts=tuple(part for i in mixed for part in groups[i]))


def foreign_texts(document: Document, others: Sequence[Document], chance: random.Random) -> Document:
    """Every other text is one of another document."""
    said = _said(document)[1::2]
    foreign = [text for other in chance.sample(list(others), len(others)) for text in _said(other)][: 20 * len(said)]
    return _placed(document, said, chance.sample(foreign, len(said)) if len(foreign) >= len(said) else said)


def foreign_images(document: Document, others: Sequence[Document], chance: random.Random) -> Document:
    """Every other image is one of another document."""
    shown = document.images[1::2]
    foreign: list[Image] = [
        image for other in chance.sample(list(others), len(others)) for image in other.images[:3] if image.ref
    ]
    return _placed(document, shown, foreign[: len(shown)] if len(foreign) >= len(shown) else shown)


def foreign_pairs(document: Document, others: Sequence[Document], chance: random.Random) -> Document:
    """Every image, with the words that stand with it, is one of another document."""
    foreign = [
        (image, other)
        for other in chance.sample(list(others), len(others))
        for image in other.images
        if other.captions(image.n) or image.alt
    ]
    new: dict[int, Part] = {}
    for image, (instead, other) in zip(document.images, foreign, strict=False):
        new[image.n] = replace(instead, n=image.n)
        said = [text.text for text in other.captions(instead.n)]
        for caption in document.captions(image.n):
            new[caption.n] = replace_text(caption, said.pop(0) if said else instead.alt or caption.text)
    return document.evolve(parts=tuple(new.get(part.n, part) for part in document.parts))


def replace_text(text: Text, words: str) -> Text:
    """The same part with other words."""
    return Text(text.n, words, text.role, text.level, text.language, text.place, text.of)


def cut_short(document: Document, others: Sequence[Document], chance: random.Random) -> Document:
    """The second half of its texts is gone."""
    said = _said(document)
    return document.without(text.n for text in said[(len(said) + 1) // 2 :])
