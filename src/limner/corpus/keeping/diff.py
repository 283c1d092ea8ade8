"""Comparing two corpora: which documents and files one has and the other has not, and what changed in the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from limner.corpus.corpus import Corpus
from limner.corpus.sealed import digest
from limner.document import Document, Part
from limner.document.jsonform import dumps
from limner.document.wording import plural

_FIELDS = ("source", "url", "title", "language", "meta")
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Changed:
    """A document that both have: which of its fields differ, and the ordinals of parts that were added, removed, changed or
    moved (the same part in another place of the reading order)."""

    id: str
    fields: tuple[str, ...]
    added: tuple[int, ...]
    removed: tuple[int, ...]
    changed: tuple[int, ...]
    moved: bool

    def __str__(self) -> str:
        words = [*self.fields]
        words += [f"{len(ns)} part{'s' if len(ns) > 1 else ''} {word}" for word, ns in self._parts() if ns]
        return ", ".join([*words, *(["another order of parts"] if self.moved else [])])

    def _parts(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        return ("added", self.added), ("removed", self.removed), ("changed", self.changed)


@dataclass(frozen=True, slots=True)
class Diff:
    """From one corpus to another: ids of documents, in the order of the corpus that has them; sha256 of media, sorted."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Changed, ...]
    same: int
    moved: bool
    media_added: tuple[str, ...]
    media_removed: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.added or self.removed or self.changed or self.moved or self.media_added or self.media_removed)

    def to_dict(self) -> dict[str, Any]:
        """The difference as a JSON-ready dictionary."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{plural(self.same, 'document is', 'documents are')} the same" + (", in another order" if self.moved else "")]
        for sign, ids in (("+", self.added), ("-", self.removed)):
            word = "added" if sign == "+" else "removed"
            lines += [f"{len(ids):,} {word}"] if ids else []
            lines += [f"  {sign} {id}" for id in ids[:_SHOWN]] + (["  …"] if len(ids) > _SHOWN else [])
        lines += [f"{len(self.changed):,} changed"] if self.changed else []
        lines += [f"  ~ {c.id}: {c}" for c in self.changed[:_SHOWN]] + (["  …"] if len(self.changed) > _SHOWN else [])
        if self.media_added or self.media_removed:
            lines.append(f"media: {len(self.media_added):,} added, {len(self.media_removed):,} removed")
        return "\n".join(lines)


def diff(a: Corpus, b: Corpus) -> Diff:
    """What changed from `a` to `b`. Holds 64 bits of every document and the names of all media in memory."""
    before, after = _digests(a), _digests(b)
    both = [id for id in before if id in after]
    differing = [id for id in both if before[id] != after[id]]
    media_a, media_b = ({info.ref for info in corpus.media_infos()} for corpus in (a, b))
    return Diff(
        added=tuple(id for id in after if id not in before),
        removed=tuple(id for id in before if id not in after),
        changed=tuple(changed(a[id], b[id]) for id in differing),
        same=len(both) - len(differing),
        moved=both != [id for id in after if id in before],
        media_added=tuple(sorted(media_b - media_a)),
        media_removed=tuple(sorted(media_a - media_b)),
    )


def _digests(corpus: Corpus) -> dict[str, str]:
    return {document.id: digest(dumps(document).encode()) for document in corpus}


def changed(a: Document, b: Document) -> Changed:
    """What changed from one version of a document to another."""
    old: Mapping[int, Part] = {part.n: part for part in a.parts}
    new: Mapping[int, Part] = {part.n: part for part in b.parts}
    both = [n for n in old if n in new]
    return Changed(
        id=b.id,
        fields=tuple(name for name in _FIELDS if getattr(a, name) != getattr(b, name)),
        added=tuple(n for n in new if n not in old),
        removed=tuple(n for n in old if n not in new),
        changed=tuple(n for n in both if old[n] != new[n]),
        moved=both != [n for n in new if n in old],
    )
