"""The language of a document, found from its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from py3langid.langid import LanguageIdentifier

from limner.curate import words
from limner.curate.operator import Context, Reason
from limner.curate.quality import PROSE
from limner.document import Document, Part, Role, Text
from limner.errors import PlanError


@cache
def _identifier(candidates: tuple[str, ...]) -> LanguageIdentifier:
    """One identifier a process for each set of candidates; all share the model's tables."""
    if not candidates:
        return LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    every = _identifier(())
    ptc, pc, classes = every._full_model  # type: ignore[attr-defined]
    identifier = LanguageIdentifier(ptc, pc, classes, every.tk_nextmove, every.tk_output, norm_probs=True, tk_row=every.tk_row)
    try:
        identifier.set_languages(candidates)
    except ValueError as error:
        raise PlanError(f"operator 'language': {error}; known are {' '.join(sorted(every.labels))}") from None
    return identifier


def identify(text: str, candidates: tuple[str, ...] = ()) -> tuple[str, float]:
    """The language of `text` (ISO 639, by py3langid's model of 140 languages) and its probability among `candidates`.

    >>> identify("Das ist ein kurzer Satz über Bilder und Texte.")[0]
    'de'
    """
    code, confidence = _identifier(candidates).classify(text)
    return code, round(float(confidence), 4)


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
        text = _running_text(document, self.sample)
        said = document.language
        language = said
        if len(text) >= self.min_letters * (0.3 if words.unspaced(text) else 1.0):
            code, confidence = identify(text, self.candidates)
            if confidence >= self.min_confidence:
                language = said if _same(said, code) else code
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
        if self.keep and (language or self.short == "drop") and not any(_same(language, kept) for kept in self.keep):
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
                if confidence >= max(self.min_confidence, 0.9) and not _same(part.language or document.language, code):
                    context.note(document, part, Reason("language-tagged", confidence, None, code))
                    part = replace(part, language=code)
                    changed = True
            parts.append(part)
        return document.evolve(parts=tuple(parts)) if changed else document


_FIRST: tuple[Role, ...] = PROSE


def _running_text(document: Document, most: int) -> str:
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


_MACRO = {"nb": "no", "nn": "no", "cmn": "zh", "yue": "zh", "wuu": "zh", "iw": "he", "in": "id", "fil": "tl"}


def _same(tag: str, code: str) -> bool:
    """Whether a BCP 47 tag names the language `code`, dialects and macrolanguages taken together."""
    one, other = words.base(tag), words.base(code)
    return _MACRO.get(one, one) == _MACRO.get(other, other)
