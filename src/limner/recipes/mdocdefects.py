"""Defects planted into a summary with figures, one each, and the scores of `mdoceval` that must fall by it, and no others."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from limner.recipes.mdoceval import Asked, Embed, Paragraph, Summary, scored, shown

SCORES = ("complete", "accurate", "terms", "meaning", "precision", "recall", "jaccard", "match", "place", "order", "form")
"""The scores that a defect may lower; the others are made of them."""


@dataclass(frozen=True, slots=True)
class Others:
    """What a defect may put in: figures of the same paper that its summary has not, sentences and a figure of another paper."""

    figures: Sequence[str]
    sentences: Sequence[str]
    foreign: str


Defect = Callable[[Summary, Others, random.Random], "Summary | None"]
"""Gives the worse summary, None where this one cannot have the defect."""


def _bearing(summary: Summary) -> list[int]:
    return [at for at, paragraph in enumerate(summary) if paragraph.figures]


def _with(summary: Summary, figures: Sequence[tuple[str, ...]]) -> Summary:
    """The same paragraphs with other figures."""
    return tuple(replace(paragraph, figures=given) for paragraph, given in zip(summary, figures, strict=True))


def dropped_text(summary: Summary, others: Others, chance: random.Random) -> Summary | None:
    """Half of the paragraphs that have no figure are gone."""
    bare = [at for at, paragraph in enumerate(summary) if not paragraph.figures]
    gone = chance.sample(bare, (len(bare) + 1) // 2)
    return tuple(paragraph for at, paragraph in enumerate(summary) if at not in gone) if gone else None


def foreign_text(summary: Summary, others: Others, chance: random.Random) -> Summary | None:
    """Sentences of another paper come at the end, a third of its own words at most."""
    left = sum(len(paragraph.text.split()) for paragraph in summary) // 3
    taken: list[Paragraph] = []
    for sentence in chance.sample(list(others.sentences), len(others.sentences)):
        if len(sentence.split()) <= left:
            taken.append(Paragraph(sentence))
            left -= len(sentence.split())
    return (*summary, *taken) if taken else None


def reversed_order(summary: Summary, others: Others, chance: random.Random) -> Summary | None:
    """The paragraphs come backwards, each with its figure."""
    return summary[::-1] if len(_bearing(summary)) > 1 else None


def swapped_figures(summary: Summary, others: Others, chance: random.Random) -> Summary | None:
    """The figures change places with each other."""
    at = _bearing(summary)
    given = [paragraph.figures for paragraph in summary]
    for here, there in zip(at, [*at[1:], *at[:1]], strict=True):
        given[here] = summary[there].figures
    return _with(summary, given) if len(at) > 1 else None


def moved_figures(summary: Summary, others: Others, chance: random.Random) -> Summary | None:
    """Every figure stands one paragraph later, or earlier where the last has one."""
    given = [paragraph.figures for paragraph in summary]
    if not any(given):
        return None
    if not given[-1]:
        return _with(summary, [(), *given[:-1]])
    return None if given[0] else _with(summary, [*given[1:], ()])


def replaced_figure(summary: Summary, others: Others, chance: random.Random) -> Summary | None:
    """One figure is another one of the paper."""
    return _instead(summary, chance.choice(list(others.figures)), chance) if others.figures else None


def foreign_figure(summary: Summary, others: Others, chance: random.Random) -> Summary | None:
    """One figure is one of another paper."""
    return _instead(summary, others.foreign, chance)


def _instead(summary: Summary, figure: str, chance: random.Random) -> Summary | None:
    bearing = _bearing(summary)
    if not bearing:
        return None
    at = chance.choice(bearing)
    return tuple(replace(p, figures=(figure,)) if i == at else p for i, p in enumerate(summary))


def missing_figure(summary: Summary, others: Others, chance: random.Random) -> Summary | None:
    """One figure is gone, another is left."""
    at = _bearing(summary)
    if len(at) < 2:
        return None
    gone = chance.choice(at)
    return tuple(replace(p, figures=()) if i == gone else p for i, p in enumerate(summary))


def added_figure(summary: Summary, others: Others, chance: random.Random) -> Summary | None:
    """A paragraph without a figure has another one of the paper."""
    bare = [at for at, paragraph in enumerate(summary) if not paragraph.figures]
    if not bare or not others.figures:
        return None
    at, figure = chance.choice(bare), chance.choice(list(others.figures))
    return tuple(replace(p, figures=(figure,)) if i == at else p for i, p in enumerate(summary))


DEFECTS: dict[str, tuple[Defect, frozenset[str]]] = {
    "dropped-text": (dropped_text, frozenset({"complete", "terms", "meaning"})),
    "foreign-text": (foreign_text, frozenset({"accurate", "terms", "meaning"})),
    "reversed-order": (reversed_order, frozenset({"order"})),
    "swapped-figures": (swapped_figures, frozenset({"match", "place", "order"})),
    "moved-figures": (moved_figures, frozenset({"match", "place"})),
    "replaced-figure": (replaced_figure, frozenset({"precision", "recall", "jaccard", "match"})),
    "foreign-figure": (foreign_figure, frozenset({"precision", "recall", "jaccard", "match", "form"})),
    "missing-figure": (missing_figure, frozenset({"recall", "jaccard", "match"})),
    "added-figure": (added_figure, frozenset({"precision", "jaccard", "match"})),
}


@dataclass(frozen=True)
class Seen:
    """What a defect did to a summary: how much each score fell, which should have fallen and did not, which should not have and did."""

    defect: str
    fell: dict[str, float]
    missed: frozenset[str]
    strayed: frozenset[str]


def planted(
    summary: Summary,
    reference: Summary,
    others: Others,
    figures: frozenset[str],
    chance: random.Random,
    address: str = "",
    kind: str = "english",
    embed: Embed | None = None,
) -> Iterator[Seen]:
    """Each defect in turn in a summary that is scored against a reference, its own for one. A score that a defect leaves undefined did not fall."""
    asked = Asked(sum(len(p.text.split()) for p in summary), len(shown(summary)) + 1, figures)
    whole = scored(summary, reference, asked, address, kind, embed)
    for name, (defect, falls) in DEFECTS.items():
        worse = defect(summary, others, chance)
        if not worse:
            continue
        found = scored(worse, reference, asked, address, kind, embed)
        fell = {score: whole[score] - found[score] for score in SCORES if score in whole and score in found}
        down = {score for score, by in fell.items() if by > 1e-6}
        yield Seen(name, fell, (falls & fell.keys()) - down, frozenset(down - falls))
