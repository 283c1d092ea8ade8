"""A document as steps: what is said, and the images that show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from limner.document import Document, Image, Role, Text

NARRATIVE: tuple[Role, ...] = ("paragraph", "heading", "list", "quote", "speech")
"""Roles of what a document says in words; code, tables, formulas and what is read in images are left out."""

_SITE = re.compile(r"\s+(?:[—–|·•»]|-)\s+.*\Z", re.DOTALL)
_NUMBER = re.compile(r"\A(?:chapter\s+)?\d+(?:\.\d+)*\.?\s+", re.IGNORECASE)
_FILE = re.compile(r"\A[\w./\\-]+\.(?:png|jpe?g|gif|svg|webp)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """Texts and the images that follow them, before the next text or heading begins another step. Either may be empty."""

    texts: tuple[Text, ...]
    images: tuple[Image, ...]

    @property
    def text(self) -> str:
        """Its texts, a line each."""
        return "\n".join(text.text for text in self.texts)


def steps(document: Document, roles: Sequence[Role] = NARRATIVE) -> list[Step]:
    """The steps of a document, in order. Captions belong to their images and are not among the texts.

    >>> d = Document("d", (Text(0, "Pick the tool."), Image(1), Text(2, "Draw a box."), Image(3), Image(4)))
    >>> [(step.text, len(step.images)) for step in steps(d)]
    [('Pick the tool.', 1), ('Draw a box.', 2)]
    """
    found: list[Step] = []
    texts: list[Text] = []
    images: list[Image] = []

    def close() -> None:
        if texts or images:
            found.append(Step(tuple(texts), tuple(images)))
        texts.clear()
        images.clear()

    for part in document.parts:
        if isinstance(part, Image):
            images.append(part)
        elif isinstance(part, Text) and part.role in roles and part.of is None and part.text.strip():
            if images or (part.role == "heading" and any(text.role != "heading" for text in texts)):
                close()
            texts.append(part)
    close()
    return found


def title(document: Document) -> str:
    """What a document is about: its title without the name of its site and the number of its chapter, else its first heading.

    >>> title(Document("d", (), title="3.1. Crop — GIMP manual"))
    'Crop'
    """
    first = next((text.text for text in document.texts if text.role == "heading"), "")
    given = _SITE.sub("", document.title.strip()) or first
    # Doxygen writes the site's name before the title.
    return unnumbered(given.partition(": ")[2] or given)


def unnumbered(heading: str) -> str:
    """A heading without the number of its chapter or section.

    >>> unnumbered("Chapter 3. Tools"), unnumbered("3.1. Crop")
    ('Tools', 'Crop')
    """
    return _NUMBER.sub("", heading).strip()


def image_words(document: Document, image: Image) -> str:
    """The words that stand with an image: its captions, and its alternative text where that says more than a file's name."""
    said = [text.text for text in document.captions(image.n)]
    alt = image.alt.strip()
    if alt and not _FILE.match(alt) and not any(alt in text or text in alt for text in said):
        said.append(alt)
    return "\n".join(text.strip() for text in said if text.strip())
