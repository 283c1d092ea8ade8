"""Choosing the pictures of an answer: those its sources stand with, and those that a search finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limner.curate.align import sentences
from limner.curate.steps import image_words
from limner.document import Document, Image
from limner.search import Search
from limner.search.analysis import kind as kind_of
from limner.write.answer import Block, Passage, Picture, Source
from limner.write.placing import Candidate, fits, placed, small, stands

_SOUGHT = 6
_MOST = 40
_WORDS = 60
_CAPTION = 240  # characters


def illustrated(
    search: Search, question: str, blocks: Sequence[Block], passages: Sequence[Passage], most: int, picture: bytes | None = None
) -> tuple[dict[int, list[Picture]], list[Source]]:
    """Pictures by the block they follow, and the sources that they add. No picture comes twice, and none where none fits."""
    rows = [at for at, block in enumerate(blocks) if block.role != "heading" and block.supported]
    if most < 1 or not rows:
        return {}, []
    sources = {p.source.number: p.source for p in passages}
    documents: dict[str, Document] = {}
    candidates: list[Candidate] = []
    known: set[str] = set()
    for source in [sources[n] for n in dict.fromkeys(b.source for b in blocks) if n in sources]:
        document = documents.setdefault(source.document, search.document(source.document))
        _add(document, document.images, candidates, known)
    hits = search.find(question, kind="image", most=_SOUGHT)
    if picture is not None and search.settings.encoder:
        hits += search.find(question, picture, kind="image", most=_SOUGHT)
    for hit in hits:
        document = documents.setdefault(hit.unit.document, search.document(hit.unit.document))
        _add(document, [i for i in document.images if i.n == hit.unit.n], candidates, known)
    if not candidates:
        return {}, []
    kind = kind_of(passages[0].hit.unit.language)
    told = fits([*(blocks[at].text for at in rows), question], candidates, search.settings.text, kind)
    fit = np.asarray(told[:-1] + 0.3 * told[-1:], np.float32)
    for row, at in enumerate(rows):
        block = blocks[at]
        if block.source not in sources or block.n < 0:
            continue
        near = stands(documents[sources[block.source].document], block.n)
        for column, candidate in enumerate(candidates):
            if candidate.document == sources[block.source].document:
                fit[row, column] += near.get(candidate.image.n, 0.0)
    pictures: dict[int, list[Picture]] = {}
    added: list[Source] = []
    first = 1 + max(sources, default=0)
    for row, column in placed(fit, most).items():
        candidate = candidates[column]
        document = documents[candidate.document]
        source = next((s for s in sources.values() if s.document == candidate.document), None)
        if source is None:
            source = Source(first + len(added), document.id, candidate.image.n, document.title, document.url, document.source)
            added.append(source)
        pictures.setdefault(rows[row], []).append(Picture(candidate.image, called(document, candidate.image), source))
    return pictures, added


def called(document: Document, image: Image) -> str:
    """What a picture is called below it: the first sentences of its captions, else its alternative text."""
    said = sentences("\n".join(text.text for text in document.captions(image.n)) or image.alt)
    kept = said[:1]
    for sentence in said[1:]:
        if sum(map(len, kept)) + len(sentence) > _CAPTION:
            break
        kept.append(sentence)
    return " ".join(kept)


def _add(document: Document, images: Sequence[Image], candidates: list[Candidate], known: set[str]) -> None:
    """Those of a document's images that are stored, no icons, and not among the candidates yet."""
    for image in images:
        if image.ref and image.ref not in known and not small(image) and len(candidates) < _MOST:
            known.add(image.ref)
            words = " ".join(image_words(document, image).split()[:_WORDS])
            candidates.append(Candidate(image, words, document.id))
