"""The language of a document, found from its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from limner.curate.identify import identify, long_enough, same_language
from limner.curate.operator import Context, Reason
from limner.curate.quality import PROSE
from limner.document import Document, Part, Role, Text


@dataclass(frozen=True)
class LanguageFilter:
    """Find each document's language, write it into the document, and keep the languages in `keep`.

    The identifier is py3langid (a naive Bayes model over byte n-grams, Lui and Baldwin 2011, retrained), on the first
    `sample` characters of running text. Text too short to tell keeps what its page says. Records `language` with what
    was found, `language-confidence`, `language-unknown`; notes `language-changed` where the page said otherwise.

    `keep`  the languages to keep, as ISO 639 codes; empty for all
    `min_confidence`  least probability; below it a document that says its language is believed, another dropped
        when `keep` is set
    `candidates`  the languages that are considered; empty for all 140
    `sample`  how many characters are looked at
    `min_letters`  texts with fewer characters are too short to tell
    `short`  whether documents too short to tell, and without a language of their own, are kept or dropped
    `tag_parts`  whether paragraphs that are surely in another language than their document get a language of their own
    """

    keep: tuple[str, ...] = ()
    min_confidence: float = 0.65
    candidates: tuple[str, ...] = ()
    sample: int = 1_000
    min_letters: int = 40
    short: Literal["keep", "drop"] = "keep"
    tag_parts: bool = False

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        """The document with its language, or nothing."""
        text = running_text(document, self.sample)
        said = document.language
        language = said
        if long_enough(text, self.min_letters):
            code, confidence = identify(text, self.candidates)
            if confidence >= self.min_confidence:
                language = said if same_language(said, code) else code
            elif not said and self.keep:
                context.drop(document, None, Reason("language-confidence", confidence, self.min_confidence, code))
                return
            elif not said:
                language = code
        else:
            confidence = None
            if not said and self.short == "drop":
                context.drop(document, None, Reason("language-unknown", len(text), self.min_letters))
                return
        if self.keep and (language or self.short == "drop") and not any(same_language(language, kept) for kept in self.keep):
            context.drop(document, None, Reason("language", confidence, None, language))
            return
        if language != said:
            if said:
                context.note(document, None, Reason("language-changed", confidence, None, f"{said} to {language}"))
            document = document.evolve(language=language)
        yield self._tagged(document, context) if self.tag_parts else document

    def _tagged(self, document: Document, context: Context) -> Document:
        parts: list[Part] = []
        changed = False
        for part in document.parts:
            if isinstance(part, Text) and part.role in PROSE and len(part.text) >= 2 * self.min_letters:
                code, confidence = identify(part.text[: self.sample], self.candidates)
                if confidence >= max(self.min_confidence, 0.9) and not same_language(part.language or document.language, code):
                    context.note(document, part, Reason("language-tagged", confidence, None, code))
                    part = replace(part, language=code)
                    changed = True
            parts.append(part)
        return document.evolve(parts=tuple(parts)) if changed else document


_FIRST: tuple[Role, ...] = PROSE


def running_text(document: Document, most: int) -> str:
    """The first `most` characters of running text, or of all text but code and formulas where there is none."""
    for roles in (_FIRST, ("paragraph", "list", "quote", "speech", "heading", "caption", "table", "ocr")):
        pieces: list[str] = []
        left = most
        for text in document.texts:
            if text.role in roles and left > 0:
                pieces.append(text.text[:left])
                left -= len(text.text) + 1
        joined = "\n".join(pieces).strip()
        if len(joined) >= 40:
            return joined
    return joined
