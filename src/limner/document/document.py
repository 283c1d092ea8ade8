"""The one type of limner: a document is an id, where it came from, and an ordered tuple of parts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from limner.document.parts import Image, Part, Text
from limner.errors import InvalidDocument

_NO_META: Mapping[str, str] = {}


def document_id(name: str, ordinal: int = 0) -> str:
    """The id of the `ordinal`-th document of the input called `name`: 80 bits of BLAKE2b, in hexadecimal.

    At two billion documents the chance that any two share an id is about two in a million.

    >>> document_id("docs/index.html")
    '76123a2555f7b0743476'
    """
    return hashlib.blake2b(f"{name}\0{ordinal}".encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """An ordered tuple of parts, with where it came from.

    `id`        see `document_id`
    `parts`     in reading order; a caption is its own `Text` beside its image
    `source`    the name of the input it was read from (a path, a WARC record, a URL)
    `url`       its canonical URL, or ""
    `title`     as its source gives it, or ""
    `language`  BCP 47, or "" where unknown
    `meta`      strings by name: `date` (ISO 8601), `author`, `site`, `license` (a link or a name), ...

    >>> from limner.document import Document, Image, Text
    >>> d = Document("c0ffee", (Text(0, "Look:"), Image(1, url="a.png", alt="a cat")), title="Cats")
    >>> len(d), d.without({1}).parts[-1].n
    (2, 0)
    """

    id: str
    parts: tuple[Part, ...] = ()
    source: str = ""
    url: str = ""
    title: str = ""
    language: str = ""
    meta: Mapping[str, str] = field(default_factory=lambda: _NO_META)

    def __post_init__(self) -> None:
        if not self.id:
            raise InvalidDocument(f"a document from {self.source or 'nowhere'!r} has no id")
        ns = {part.n for part in self.parts}
        if len(ns) != len(self.parts):
            raise InvalidDocument(f"document {self.id}: two parts share an ordinal n")
        if ns and min(ns) < 0:
            raise InvalidDocument(f"document {self.id}: a part has a negative ordinal")

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Part]:
        return iter(self.parts)

    def __hash__(self) -> int:
        return hash((self.id, self.parts))

    def __repr__(self) -> str:
        from limner.document.render import summary

        return summary(self)

    def _repr_html_(self) -> str:
        from limner.document.render import html

        return html(self)

    @property
    def texts(self) -> tuple[Text, ...]:
        """The text parts, in order."""
        return tuple(part for part in self.parts if isinstance(part, Text))

    @property
    def images(self) -> tuple[Image, ...]:
        """The image parts, in order."""
        return tuple(part for part in self.parts if isinstance(part, Image))

    @property
    def text(self) -> str:
        """All text, parts separated by an empty line."""
        return "\n\n".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def next_n(self) -> int:
        """The first ordinal no part has had: one more than the greatest."""
        return max((part.n for part in self.parts), default=-1) + 1

    def part(self, n: int) -> Part:
        """The part whose ordinal is `n`; raises `KeyError` when it is not, or no longer, there."""
        for part in self.parts:
            if part.n == n:
                return part
        raise KeyError(n)

    def captions(self, n: int) -> tuple[Text, ...]:
        """The captions of part `n`."""
        return tuple(part for part in self.texts if part.of == n)

    def without(self, ns: Iterable[int]) -> Document:
        """This document less the parts with those ordinals."""
        gone = frozenset(ns)
        return self.keep(lambda part: part.n not in gone) if gone else self

    def keep(self, predicate: Callable[[Part], bool]) -> Document:
        """This document with only the parts for which `predicate` holds."""
        return self.evolve(parts=tuple(part for part in self.parts if predicate(part)))

    def evolve(self, **changes: object) -> Document:
        """A copy with those fields changed (`dataclasses.replace`)."""
        return replace(self, **changes)  # type: ignore[arg-type]
