"""Whether the text of a document gets on, holds together and says what its title promises."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from limner.curate.operator import Context, Reason
from limner.curate.steps import steps, title, unnumbered
from limner.document import Document, Role
from limner.errors import ExpertError
from limner.experts.language import Sampling, Scores, language, user

_ROLES: tuple[Role, ...] = ("paragraph", "list", "quote", "heading", "speech")
_ASKED = ("development", "coherence", "completeness")
_QUESTION = """Below are the texts of a document with images, step by step; the images are left out.
Judge the texts from 0 (bad) to 10 (good):
- development: each step goes on from the one before, and nothing is said twice
- coherence: all of the steps are about one thing, and each makes sense where it stands
- completeness: what the title promises is there, from the first step to the last
Answer with JSON only, as in {"development": 5, "coherence": 5, "completeness": 5}.

Title: """


class TextScores(NamedTuple):
    """How the text of a document is judged; what each number means, `TextSequence` says."""

    development: float
    coherence: float
    completeness: float


@dataclass(frozen=True)
class TextSequence:
    """Drop documents whose text does not get on, hang together, or keep what its title promises.

    The text-sequence filter of CoMM (Chen et al. 2024, arXiv 2406.10462), which has a language model score the steps of each document. A
    model that converses can be asked so (`how` "ask", 0 to 10 each). A small one cannot, but it knows how likely a text is
    (`how` "likelihood"), and its likelihoods (natural logarithm, a token) tell: development, by how much neighbouring steps are
    likelier in their order than the other way round; coherence, by how much a step is likelier after the one before than on its own;
    completeness, by how much the title is likelier after the steps than on its own. A document with fewer than two steps of
    text, or about which a model gives no answer, is kept.

    Records `text-development`, `text-coherence` or `text-completeness` with the value; notes each of the three for what is kept.

    `model`         address of the language model
    `how`           "likelihood" (the model must give likelihoods), or "ask" it for scores
    `development`   least value, or none
    `coherence`     least value, or none
    `completeness`  least value, or none; not judged in a document without a title
    `most`          steps that are looked at, evenly spread over a longer document
    `words`         words of each step that are looked at
    """

    model: str = "bundled:smollm2-135m"
    how: Literal["likelihood", "ask"] = "likelihood"
    development: float | None = -0.05
    coherence: float | None = 0.15
    completeness: float | None = 0.0
    most: int = 6
    words: int = 20

    def __post_init__(self) -> None:
        if self.most < 2 or self.words < 1:
            raise ValueError("most must be at least 2, words at least 1")

    def batch(self, documents: Sequence[Document], context: Context) -> Iterator[Document]:
        """See `BatchOperator`."""
        for document, found in zip(documents, self.scores(documents), strict=True):
            fallen = self._fallen(found) if found else None
            if fallen is not None:
                context.drop(document, None, fallen)
                continue
            if found:
                for name, value in zip(_ASKED, found, strict=True):
                    context.note(document, None, Reason(f"text-{name}", round(value, 4), getattr(self, name)))
            yield document

    def _fallen(self, found: TextScores) -> Reason | None:
        for name, value in zip(_ASKED, found, strict=True):
            least = getattr(self, name)
            if least is not None and value < least:
                return Reason(f"text-{name}", round(value, 4), least)
        return None

    def scores(self, documents: Sequence[Document]) -> list[TextScores | None]:
        """The scores of each document, None for one that cannot be judged."""
        told = [self._steps(document) for document in documents]
        judged = [i for i, said in enumerate(told) if len(said) >= 2]
        ask = self._asked if self.how == "ask" else self._likelihoods
        found = ask([title(documents[i]) for i in judged], [told[i] for i in judged])
        by = dict(zip(judged, found, strict=True))
        return [by.get(i) for i in range(len(documents))]

    def _steps(self, document: Document) -> list[str]:
        """The texts of the steps that are looked at, cut, without headings that repeat the title and without the numbers of headings,
        which would tell their order."""
        about = title(document).casefold()
        said: list[str] = []
        for step in steps(document, _ROLES):
            texts: list[str] = []
            for text in step.texts:
                words = unnumbered(text.text) if text.role == "heading" else text.text
                if text.role != "heading" or (words.casefold() not in about and about not in words.casefold()):
                    texts.append(words)
            words = " ".join(texts).split()
            if len(words) > 2:
                said.append(" ".join(words[: self.words]))
        if len(said) <= self.most:
            return said
        return [said[round(i * (len(said) - 1) / (self.most - 1))] for i in range(self.most)]

    def _likelihoods(self, titles: Sequence[str], told: Sequence[list[str]]) -> list[TextScores | None]:
        model = language(self.model)
        if not isinstance(model, Scores):
            raise ExpertError(f'{self.model} gives no likelihoods; write how = "ask", or name a model that runs here')
        pairs: dict[tuple[str, str], None] = {}
        for about, said in zip(titles, told, strict=True):
            for step in said:
                pairs["", step] = None
            for before, after in itertools.pairwise(said):
                pairs[f"{before}\n", after] = None
                pairs[f"{after}\n", before] = None
            if about:
                pairs["Title:", f" {about}"] = None
                pairs["\n".join(said) + "\n\nTitle:", f" {about}"] = None
        known = dict(zip(pairs, model.likelihood(list(pairs)), strict=True))
        return [_judged(about, said, known) for about, said in zip(titles, told, strict=True)]

    def _asked(self, titles: Sequence[str], told: Sequence[list[str]]) -> list[TextScores | None]:
        prompts = [
            [user(_QUESTION + about + "\n\n" + "\n".join(f"Step {n}: {step}" for n, step in enumerate(said, 1)))]
            for about, said in zip(titles, told, strict=True)
        ]
        return [_read(answer.text) for answer in language(self.model).answer(prompts, Sampling(tokens=60))]


def _judged(about: str, said: Sequence[str], known: dict[tuple[str, str], tuple[float, int]]) -> TextScores:
    order = gain = 0.0
    tokens = after_tokens = 0
    for before, after in itertools.pairwise(said):
        (p_before, n_before), (p_after, n_after) = known["", before], known["", after]
        forward, backward = known[f"{before}\n", after][0], known[f"{after}\n", before][0]
        order += (p_before + forward) - (p_after + backward)
        gain += forward - p_after
        tokens += n_before + n_after
        after_tokens += n_after
    promised = 0.0
    if about:
        (alone, count), (told, _) = known["Title:", f" {about}"], known["\n".join(said) + "\n\nTitle:", f" {about}"]
        promised = (told - alone) / max(count, 1)
    return TextScores(order / max(tokens, 1), gain / max(after_tokens, 1), promised)


def _read(answer: str) -> TextScores | None:
    """The scores in an answer, None where it has none."""
    found = re.search(r"\{[^{}]*\}", answer)
    try:
        values = json.loads(found[0]) if found else {}
        return TextScores(*(float(values[name]) for name in _ASKED))
    except (ValueError, KeyError, TypeError):
        return None
