"""Papers to be summarized, and summaries of them that are composed by rule: the authors' own points with the authors' own figures.

M-DocSum (Yan et al. 2025, arXiv 2503.21839) has a large model compose its references and people check them. Here nobody does: the sentences of the
abstract and of the conclusion are the points, and what a summarizer is given has neither. A figure belongs to the point that is the most like what
the author says of it, in a paragraph that cites it or in its caption. A language model may be asked instead which figure shows a point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from limner.curate.align import sentences
from limner.curate.steps import image_words, unnumbered
from limner.document import Document, Image, Text
from limner.document.references import references
from limner.experts.language import Sampling, language, user
from limner.experts.onnx import Floats
from limner.recipes.mdoceval import Paragraph, Summary
from limner.search.analysis import kind as kind_of
from limner.write.likeness import likeness
from limner.write.placing import LEAST, placed, small

Rule = Literal["both", "cited", "caption"]

_ABSTRACT = re.compile(r"\A(?:abstract|summary)\b\W*", re.IGNORECASE)
_CLOSING = re.compile(r"\A(?:(?:discussion|summary) and )?(?:conclusions?|conclud\w+ remarks|summary)\b", re.IGNORECASE)
_ENDS = re.compile(r"\A(?:key ?words?\b|contents\b|(?:\d+\.? )?introduction\b)", re.IGNORECASE)
_SECTION = re.compile(r"\A(?:[A-Z]|\d+)(?:\.\d+)*\.? \S.{0,80}\Z")
_FRONT = 40  # parts from the top among which an abstract begins
_MOST_WORDS = 500  # of an abstract
_SHORTEST, _LONGEST = 5, 60  # words of a point
_LEAST_CAPTION = 3  # words
_TOLD, _SHORT = 600, 40  # words that a model is told: of all captions, of one
_ASK = """Figures of a paper:
{figures}
0. none of them

Which figure shows what this sentence says? “{point}”
Answer with the figure's number."""


@dataclass(frozen=True)
class Paper:
    """A paper to summarize.

    `document`  without what gives the points, and with no pictures but its figures
    `whole`     the same with all its pictures: displayed formulas are some
    `points`    what the author says of it, in order
    `figures`   those with captions, in order
    """

    document: Document
    whole: Document
    points: tuple[str, ...]
    figures: tuple[Image, ...]

    @property
    def kind(self) -> str:
        """How its language is cut into terms."""
        return kind_of(self.document.language)


def paper(document: Document, least: int = 3, most: int = 16) -> Paper | None:
    """A document as a paper; None where it has no abstract, less than three points, or less than `least` figures. At most `most` points."""
    abstract, closing = _abstract(document), _conclusion(document)
    points = list(dict.fromkeys(point for text in (*abstract.values(), *closing.values()) for point in _points(text)))[:most]
    figures = {i.ref: i for i in reversed(document.images) if _figure(document, i)}
    if not abstract or len(points) < 3 or len(figures) < least:
        return None
    whole = document.without({*abstract, *closing})
    others = {image.n for image in whole.images if not _figure(document, image)}
    return Paper(whole.without(others), whole, tuple(points), tuple(figures.values())[::-1])


def _points(text: str) -> list[str]:
    return [s for s in sentences(" ".join(text.split())) if _SHORTEST <= len(s.split()) <= _LONGEST]


def _figure(document: Document, image: Image) -> bool:
    """Whether it is a figure with a caption, no formula and no icon."""
    said = " ".join(text.text for text in document.captions(image.n))
    return bool(image.ref) and not small(image) and len(said.split()) >= _LEAST_CAPTION


def _heads(text: Text) -> str:
    """The heading that a text is, "" for none. Readers of PDF take a numbered heading in plain letters for a list of one item."""
    line = text.text.strip()
    if text.role == "heading" or (text.role in ("list", "paragraph") and _SECTION.match(line)):
        return unnumbered(line)
    return ""


def _abstract(document: Document) -> dict[int, str]:
    """The texts of the abstract by their numbers, that of its title among them."""
    found: dict[int, str] = {}
    for at, text in enumerate(document.texts):
        line = text.text.strip()
        if not found:
            begun = _ABSTRACT.match(line) if at < _FRONT and text.of is None else None
            if begun and (line[begun.end() :].strip() or text.role in ("heading", "paragraph")):
                found[text.n] = line[begun.end() :]
            elif at >= _FRONT:
                break
            continue
        begun = any(found.values())
        if _ENDS.match(unnumbered(line)) or (begun and (_heads(text) or text.role != "paragraph")):
            break
        if text.role == "paragraph" and text.of is None:
            found[text.n] = line
        if sum(len(said.split()) for said in found.values()) > _MOST_WORDS:
            break
    return found if any(found.values()) else {}


def _conclusion(document: Document) -> dict[int, str]:
    """The paragraphs of the last section that concludes, by their numbers."""
    found: dict[int, str] = {}
    inside = False
    for text in document.texts:
        if head := _heads(text):
            inside = bool(_CLOSING.match(head))
            found = {} if inside else found
        elif inside and text.role == "paragraph" and text.of is None:
            found[text.n] = text.text
    return found


def composed(paper: Paper, images: int = 3, text: str = "", model: str = "", rule: Rule = "both") -> Summary:
    """The reference: a paragraph for each point, at most `images` figures, none twice.

    `text` is the address of an encoder of texts, "" to go by words; `rule` says what a point is compared with: the paragraphs that cite a figure,
    its caption, or both. `model` is the address of a language model that chooses the figures instead.
    """
    # Cosines by words alone are about half of those with meaning.
    chosen = _asked(paper, images, model) if model else placed(_fit(paper, text, rule), images, LEAST if text else LEAST / 2)
    return tuple(
        Paragraph(point, (paper.figures[chosen[at]].ref,) if at in chosen else ()) for at, point in enumerate(paper.points)
    )


def _fit(paper: Paper, address: str, rule: Rule) -> Floats:
    """Points x figures: how like the point is to what is said of the figure, at best."""
    said = [(column, text) for column, figure in enumerate(paper.figures) for text in _said(paper.document, figure, rule)]
    like = likeness(paper.points, [text for _, text in said], address, paper.kind)
    fit = np.zeros((len(paper.points), len(paper.figures)), np.float32)
    for at, (column, _) in enumerate(said):
        fit[:, column] = np.maximum(fit[:, column], like[:, at])
    return fit


def _said(document: Document, figure: Image, rule: Rule) -> Iterator[str]:
    if rule != "cited":
        yield image_words(document, figure)
    if rule != "caption":
        texts = {text.n: text.text for text in document.texts}
        yield from (texts[n] for n in references(document).get(figure.n, ()) if n in texts)


def _asked(paper: Paper, most: int, address: str) -> dict[int, int]:
    """Which figure shows which point, by a language model; the first point that a figure is named for has it."""
    words = min(_SHORT, max(_TOLD // len(paper.figures), 1))
    lines = [" ".join(image_words(paper.document, f).split()[:words]) for f in paper.figures]
    listed = "\n".join(f"{at + 1}. {line}" for at, line in enumerate(lines))
    prompts = [[user(_ASK.format(figures=listed, point=point))] for point in paper.points]
    chosen: dict[int, int] = {}
    for at, answer in enumerate(language(address).answer(prompts, Sampling(tokens=8))):
        number = re.search(r"\d+", answer.text)
        column = int(number[0]) - 1 if number else -1
        if 0 <= column < len(paper.figures) and column not in chosen.values() and len(chosen) < most:
            chosen[at] = column
    return chosen
