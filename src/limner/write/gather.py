"""What a question is answered from: passages of a corpus, each with its source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from limner.document import Text
from limner.experts.orders import without_orders
from limner.search import Search
from limner.search.analysis import terms
from limner.write.answer import Passage, Source, Turn

PASSAGES = 8
_LEANS = re.compile(
    r"\b(?:it|its|they|them|their|this|that|these|those|there|he|she|one|ones|same|instead|else|more|again)\b", re.IGNORECASE
)
_SHORT = 4  # words of a question that hardly stands alone


def asked(question: str, history: Sequence[Turn]) -> str:
    """The question as it is searched for: one that leans on what was said before is asked with the question before.

    >>> asked("And how do I undo it?", [Turn("How do I crop an image?", "…")])
    'How do I crop an image? And how do I undo it?'
    """
    if not history or not (_LEANS.search(question) or len(question.split()) <= _SHORT):
        return question
    return f"{history[-1].question} {question}"


def gather(search: Search, question: str, history: Sequence[Turn] = (), most: int = PASSAGES) -> list[Passage]:
    """The passages that suit a question, best first; passages that only repeat another one are left out, and orders to whoever writes from them (see
    `limner.experts.orders`)."""
    found: list[Passage] = []
    seen: list[set[str]] = []
    for hit in search.find(asked(question, history), kind="section", most=most):
        row = hit.unit
        said = (p for p in search.parts(hit) if isinstance(p, Text) and p.of is None)
        texts = tuple(t for t in (replace(p, text=without_orders(p.text)) for p in said) if t.text.strip())
        said = set(terms(" ".join(t.text for t in texts if t.role != "heading"), "plain"))
        if not said or any(len(said & other) > 0.8 * len(said | other) for other in seen):
            continue
        seen.append(said)
        title = row.title or (row.trail[0] if row.trail else row.source)
        found.append(Passage(Source(len(found) + 1, row.document, row.n, title, row.url, row.source), hit, texts))
    return found
