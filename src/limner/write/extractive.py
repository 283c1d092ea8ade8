"""The writer without a language model: exact sentences and steps of the passages that suit a question best."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from limner.curate.align import sentences
from limner.curate.steps import unnumbered
from limner.document import Text
from limner.search.analysis import kind, terms
from limner.write.answer import Block, Passage, Spent, Turn
from limner.write.gather import asked
from limner.write.likeness import rarity

_SECTIONS = 3
_CLOSE = 0.55  # share of the best passage's score that another must have to be told too
_SENTENCES = 4
_ITEMS = 10
_LONGEST = 700  # characters of a sentence that is still one
_STEPS = re.compile(r"\s*(?:[-*•]|\d{1,3}[.)])\s+")
_POINTS_AT = re.compile(r"[:：]\s*\Z")


@dataclass(frozen=True)
class Extractive:
    """Takes from up to three passages the sentences that have the most of a question's words, in the order in which they stand there, and lists
    that are steps whole. Every block is a quotation."""

    sections: int = _SECTIONS
    sentences: int = _SENTENCES

    def write(self, question: str, passages: Sequence[Passage], history: Sequence[Turn] = ()) -> tuple[list[Block], Spent]:
        """See `Writer`."""
        if not passages:
            return [], Spent()
        best = passages[0].hit.score
        chosen = [p for p in passages[: self.sections + 2] if p.hit.score >= _CLOSE * best][: self.sections]
        of = kind(passages[0].hit.unit.language)
        wanted = set(terms(asked(question, history), of))
        weights = rarity([terms(t.text, of) for p in passages for t in p.texts])
        blocks: list[Block] = []
        told: set[str] = set()
        for place, passage in enumerate(chosen):
            found = self._passage(passage, wanted, weights, of, self.sentences if place == 0 else self.sentences - 2, told)
            if not found:
                continue
            heading = unnumbered(passage.hit.unit.trail[-1] if passage.hit.unit.trail else passage.source.title)
            if heading and (len(chosen) > 1 or heading.casefold() != question.casefold()):
                blocks.append(Block(heading, "heading", passage.source.number, passage.hit.unit.section))
            blocks += found
        return blocks, Spent()

    def _passage(
        self, passage: Passage, wanted: set[str], weights: dict[str, float], of: str, most: int, told: set[str]
    ) -> list[Block]:
        texts = [text for text in passage.texts if text.role in ("paragraph", "list", "quote", "speech", "code", "formula")]
        pieces: list[tuple[float, int, Block]] = []
        lead = ""
        for place, text in enumerate(texts):
            if text.role == "list":
                value = 0.3 + _share(lead + text.text, wanted, weights, of)
                pieces.append((value, place * 100, Block(_items(text), "list", passage.source.number, text.n)))
            elif text.role in ("code", "formula"):
                if _POINTS_AT.search(lead) and len(text.text) <= _LONGEST:  # what a sentence announces comes with it
                    pieces.append(
                        (
                            0.2 + _share(lead, wanted, weights, of),
                            place * 100,
                            Block(text.text, text.role, passage.source.number, text.n),
                        )
                    )
            else:
                for at, sentence in enumerate(sentences(text.text)[:99]):
                    if len(sentence) > _LONGEST or (len(sentence.split()) < 3 and of != "pairs"):
                        continue
                    value = _share(sentence, wanted, weights, of) + (0.1 if place == 0 and at == 0 else 0.0)
                    pieces.append((value, place * 100 + at, Block(sentence, "paragraph", passage.source.number, text.n)))
            lead = text.text
        best = sorted(pieces, key=lambda piece: (-piece[0], piece[1]))
        taken: list[tuple[int, Block]] = []
        for _, place, block in best:
            if block.text not in told and len(taken) < most:
                told.add(block.text)
                taken.append((place, block))
        return _joined([block for _, block in sorted(taken, key=lambda pair: pair[0])])


def _share(text: str, wanted: set[str], weights: dict[str, float], of: str) -> float:
    """How much of what is wanted a text has, by weight."""
    whole = sum(weights.get(term, 0.0) for term in wanted)
    return sum(weights.get(term, 0.0) for term in wanted & set(terms(text, of))) / whole if whole else 0.0


def _items(text: Text) -> str:
    """A list, cut after some items."""
    items = re.split(r"\n(?=(?:[-*•]|\d{1,3}[.)])\s)", text.text)
    return "\n".join(items[:_ITEMS])


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """Sentences that stood in one paragraph, as one again."""
    out: list[Block] = []
    for block in blocks:
        last = out[-1] if out else None
        if last and block.role == last.role == "paragraph" and block.n == last.n and block.source == last.source:
            out[-1] = Block(f"{last.text} {block.text}", "paragraph", block.source, block.n)
        else:
            out.append(block)
    return out
