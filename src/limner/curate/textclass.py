"""Documents kept by what a trained classifier of words says of their text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from limner.curate.linear import load
from limner.curate.operator import Context, Reason
from limner.document import Document, Text

_INLINE = re.compile(r"\$[^\s$](?:[^$\n]{0,1000}[^\s$])?\$")


@dataclass(frozen=True)
class TextClass:
    """Drop documents that a classifier of words does not count to a class: pages of mathematics, prose of a certain kind.

    InfiMM-WebMath (arXiv 2409.12568) finds pages of mathematics by such a classifier, as DeepSeekMath (arXiv 2402.03300) does; the recipe
    `infimm-webmath` trains one, and `limner.curate.linear` others. Formulas are left out of what it looks at where the classifier learnt
    without them. Records `text-class` with the probability, and notes it for what stays.

    `weights`    file that the classifier lies in (`Linear.save`)
    `threshold`  least probability of a document that stays
    `formulas`   whether formulas are looked at too
    """

    weights: str = field(default="", metadata={"file": True})
    threshold: float = 0.5
    formulas: bool = False

    def __post_init__(self) -> None:
        if not self.weights:
            raise ValueError("weights: name the file of a classifier")

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        """The document, or nothing."""
        (probable,) = load(self.weights).probabilities([plain(document, self.formulas)])
        reason = Reason("text-class", round(float(probable), 4), self.threshold)
        if probable < self.threshold:
            context.drop(document, None, reason)
            return
        context.note(document, None, reason)
        yield document


def plain(document: Document, formulas: bool = False) -> str:
    """The words of a document as a classifier looks at them: without code, tables and, unless asked for, formulas."""
    kept = [part.text for part in document.parts if isinstance(part, Text) and part.role not in ("code", "table", "formula")]
    text = "\n".join([document.title, *kept])
    if formulas:
        return "\n".join([text, *(t.text for t in document.texts if t.role == "formula")])
    return _INLINE.sub("", text)
