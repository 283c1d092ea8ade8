"""The rules of C4: lines that are no sentences, and pages that are no prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from limner.curate import words
from limner.curate.operator import Context, Reason, drop_parts
from limner.document import Document, Role, Text

# Raffel et al. 2020: "any line that did not end in a terminal punctuation mark (i.e. a period, exclamation mark,
# question mark, or end quotation mark)"; the marks of other scripts that do the same work are added.
_ENDS = (".", "!", "?", '"', "”", "»", "。", "！", "？", "」", "』", "؟", "۔", "।")
_SENTENCE_ENDS = re.compile(r"[.!?]+(?=\s|[\"'”’»)]|\Z)|[。！？؟۔।]+")
_POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


@dataclass(frozen=True)
class C4Rules:
    """Drop paragraphs that are no sentences and documents that are no prose (Raffel et al. 2020, arXiv 1910.10683, 2.2).

    A paragraph stands for C4's line. The counts are the published paper's (JMLR 21, 140) and those of its code, "fewer than 3
    sentences" and "at least 5 words"; an earlier version of the paper had them the other way round, 5 and 3, which some
    reimplementations keep. The phrases on cookies and terms are those of the code (tensorflow_datasets, text/c4_utils.py). C4's
    other rules are `flagged-words` with `max_count` 0, `language`, and the removal of spans of three sentences that stand twice, in
    whose place `duplicate-paragraphs` stands here. Records
    `no-sentence-end`, `few-words`, `javascript`, `policy` for a paragraph; `lorem-ipsum`, `curly-bracket`,
    `few-sentences` for a document.

    `roles`  the roles that are judged; others stay
    `min_words`  least words in a paragraph
    `min_sentences`  least sentences left in a document
    `sentence_end`  whether a paragraph must end as a sentence does
    `javascript`  whether paragraphs with the word JavaScript go
    `policy`  whether paragraphs about cookies and terms of use go
    `lorem_ipsum`  whether documents with the filler text go
    `curly_bracket`  whether documents with a curly bracket in running text go
    """

    roles: tuple[Role, ...] = ("paragraph", "quote")
    min_words: int = 5
    min_sentences: int = 3
    sentence_end: bool = True
    javascript: bool = True
    policy: bool = True
    lorem_ipsum: bool = True
    curly_bracket: bool = True

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        """The document less what breaks a rule, or nothing."""
        judged = [text for text in document.texts if text.role in self.roles]
        for text in judged:
            if self.lorem_ipsum and "lorem ipsum" in text.text.lower():
                context.drop(document, None, Reason("lorem-ipsum"))
                return
            if self.curly_bracket and "{" in text.text:
                context.drop(document, None, Reason("curly-bracket"))
                return
        gone: dict[int, Reason] = {}
        sentences = 0
        for text in judged:
            reason = self._line(text)
            if reason:
                gone[text.n] = reason
            else:
                sentences += len(_SENTENCE_ENDS.findall(text.text)) or 1
        if sentences < self.min_sentences:
            context.drop(document, None, Reason("few-sentences", sentences, self.min_sentences))
            return
        yield from drop_parts(document, gone, context)

    def _line(self, text: Text) -> Reason | None:
        line = text.text.rstrip()
        if self.sentence_end and (not line.endswith(_ENDS) or line.endswith("...")):
            return Reason("no-sentence-end")
        count = len(words.words(text.text))
        if count < self.min_words:
            return Reason("few-words", count, self.min_words)
        lower = text.text.lower()
        if self.javascript and "javascript" in lower:
            return Reason("javascript")
        if self.policy:
            found = next((phrase for phrase in _POLICY if phrase in lower), None)
            if found:
                return Reason("policy", detail=found)
        return None
