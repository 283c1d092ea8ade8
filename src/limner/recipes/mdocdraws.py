"""A summary with figures as a row of draws: sentence after sentence up to its words, then figure after figure, each to a paragraph.

Whoever chooses sees the same: what can be counted of a sentence, of a figure beside a paragraph, and of both beside what was drawn before.
S sentences, J figures, F and G features of them, M numbers of a sentence's meaning, C options of a draw.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from limner.curate.steps import image_words, title
from limner.document.references import references
from limner.experts.onnx import Floats
from limner.recipes.mdoceval import Embed, Paragraph, Summary
from limner.recipes.mdocreference import Paper
from limner.write.likeness import by_words
from limner.write.placing import stands
from limner.write.summary import candidates

_MOST = 600  # sentences that are looked at, as `write.summary` does
SENTENCE, FIGURE = 13, 13
"""How many features an option of each kind has."""

Kind = Literal["sentence", "figure"]


@dataclass(frozen=True, eq=False)
class Known:
    """What may be drawn for a paper, and what is counted of it once; `text_S` are the numbers of the parts that sentences are from."""

    paper: Paper
    sentences: tuple[str, ...]
    text_S: tuple[int, ...]
    features_SF: Floats
    meaning_SM: Floats
    alike_SS: Floats
    near_SS: Floats
    pairs_SJG: Floats


@dataclass(frozen=True, eq=False)
class Draw:
    """Options, each a row of features and the number of its sentence (-1 for figures), and which was taken."""

    kind: Kind
    features_CF: Floats
    sentence_C: tuple[int, ...]
    taken: int


Choose = Callable[[Kind, Floats, tuple[int, ...], "Sketch"], int]
"""Takes one of the options of a draw, given their features, their sentences and what was drawn before."""


@dataclass(frozen=True, eq=False)
class Sketch:
    """What was drawn so far: sentences in the order in which they were drawn, figures by the paragraph they follow, and what may be drawn next:
    sentences, or pairs of paragraph and figure of which the last, (-1, -1), shows no more."""

    known: Known
    sentences: tuple[int, ...] = ()
    figures: tuple[tuple[int, int], ...] = ()
    options: tuple[tuple[int, int], ...] = ()

    @property
    def paragraphs(self) -> tuple[tuple[int, ...], ...]:
        """The sentences of each paragraph, as they stood in the paper."""
        found: dict[int, list[int]] = defaultdict(list)
        for at in sorted(self.sentences):
            found[self.known.text_S[at]].append(at)
        return tuple(tuple(of) for of in found.values())

    @property
    def summary(self) -> Summary:
        """It as a summary."""
        shown = dict(self.figures)
        refs = [figure.ref for figure in self.known.paper.figures]
        return tuple(
            Paragraph(" ".join(self.known.sentences[i] for i in of), (refs[shown[at]],) if at in shown else ())
            for at, of in enumerate(self.paragraphs)
        )


def known(paper: Paper, embed: Embed | None = None) -> Known:
    """What can be counted of a paper; without an encoder's `embed` nothing is known of meanings."""
    document, kind = paper.document, paper.kind
    found = candidates(document)[:_MOST]
    said, count = [sentence for _, sentence, _ in found], len(found)
    captions = [image_words(document, figure) for figure in paper.figures]
    others = [*captions, title(document)]
    alike_SS, beside_SO = by_words(said, said, kind), by_words(said, others, kind)
    meaning_SM = embed(said) if embed and said else np.zeros((count, 0), np.float32)
    near_SS = meaning_SM @ meaning_SM.T if embed else np.zeros_like(alike_SS)
    near_SO = meaning_SM @ embed(others).T if embed and said else np.zeros_like(beside_SO)
    cited = references(document)
    at_S = np.arange(count) / max(count, 1)
    first = [i == 0 or found[i][0].n != found[i - 1][0].n for i in range(count)]
    cites = [any(text.n in cited.get(figure.n, ()) for figure in paper.figures) for text, _, _ in found]
    headed = np.cumsum([i > 0 and found[i][2] != found[i - 1][2] for i in range(count)])
    rows = (
        alike_SS.mean(1) / max(float(alike_SS.mean(1).max()), 1e-9) if count else at_S, near_SS.mean(1), beside_SO[:, -1], near_SO[:, -1],
        beside_SO[:, :-1].max(1, initial=0.0), near_SO[:, :-1].max(1, initial=0.0), at_S, 1 / (1 + np.arange(count)),
        np.exp(-headed / 2.0), [len(sentence.split()) / 60 for sentence in said], first, cites,
    )  # fmt: skip
    return Known(
        paper, tuple(said), tuple(text.n for text, _, _ in found), np.stack([np.asarray(row, np.float32) for row in rows], 1),
        meaning_SM, alike_SS, near_SS, _pairs(paper, [text.n for text, _, _ in found], beside_SO, near_SO, alike_SS, near_SS),
    )  # fmt: skip


def _pairs(paper: Paper, texts: list[int], beside: Floats, near: Floats, alike: Floats, close: Floats) -> Floats:
    """S x J x G: what is counted of a figure beside a sentence."""
    document, figures = paper.document, paper.figures
    cited = references(document)
    out = np.zeros((len(texts), len(figures), FIGURE - 2), np.float32)
    standing = {n: stands(document, n) for n in dict.fromkeys(texts)}
    for j, figure in enumerate(figures):
        by = [i for i, n in enumerate(texts) if n in cited.get(figure.n, ())]
        out[:, j, 0], out[:, j, 1] = beside[:, j], near[:, j]
        if by:
            out[:, j, 2], out[:, j, 3] = alike[:, by].max(1), close[:, by].max(1)
        out[:, j, 4] = [standing[n].get(figure.n, 0.0) for n in texts]
        out[by, j, 5] = 1.0
        out[:, j, 6] = j / len(figures)
        out[:, j, 7] = 1 / (1 + j)
        out[:, j, 8] = beside[:, j].mean() if texts else 0.0
        out[:, j, 9] = near[:, j].mean() if texts else 0.0
        out[:, j, 10] = np.log1p(len(cited.get(figure.n, ())))
    return out


def drawn(of: Known, words: int, images: int, choose: Choose) -> tuple[Sketch, tuple[Draw, ...]]:
    """A summary of about so many words, at most so many figures, as `choose` draws it, and its draws."""
    sketch, draws = Sketch(of), list[Draw]()
    lengths = np.array([len(sentence.split()) for sentence in of.sentences])
    left = words
    while True:
        free = np.setdiff1d(np.arange(len(lengths)), sketch.sentences)
        free = free[(lengths[free] <= left) | (not sketch.sentences)]
        if not len(free):
            break
        before = list(sketch.sentences)
        moving = [m[free][:, before].max(1, initial=0.0) for m in (of.alike_SS, of.near_SS)]
        features = np.column_stack([of.features_SF[free], np.mean(moving, 0)]).astype(np.float32)
        options = tuple(map(int, free))
        taken = choose("sentence", features, options, replace(sketch, options=tuple((i, -1) for i in options)))
        draws.append(Draw("sentence", features, options, taken))
        sketch = replace(sketch, sentences=(*sketch.sentences, options[taken]))
        left -= int(lengths[options[taken]])
    beside = np.array([of.pairs_SJG[list(rows)].max(0) for rows in sketch.paragraphs])
    while len(sketch.figures) < images and sketch.paragraphs:
        full, used = (set(column) for column in zip(*sketch.figures, strict=True)) if sketch.figures else (set[int](), set[int]())
        options_ = [(p, j) for p in range(len(beside)) if p not in full for j in range(beside.shape[1]) if j not in used]
        if not options_:
            break
        features = np.zeros((len(options_) + 1, FIGURE), np.float32)
        features[:-1, :-2] = [beside[p, j] for p, j in options_]
        features[-1, -2:] = 1.0, len(sketch.figures) / max(images, 1)
        sketch = replace(sketch, options=(*options_, (-1, -1)))
        none = (-1,) * len(sketch.options)
        taken = choose("figure", features, none, sketch)
        draws.append(Draw("figure", features, none, taken))
        if sketch.options[taken][0] < 0:
            break
        sketch = replace(sketch, figures=(*sketch.figures, sketch.options[taken]))
    return sketch, tuple(draws)
