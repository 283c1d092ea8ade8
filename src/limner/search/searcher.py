"""Searching an indexed corpus: by words, by meaning, by pixels, or by all of them fused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limner.corpus import Corpus
from limner.corpus.pixels import thumbnail
from limner.curate.identify import SURE, identify
from limner.curate.words import base
from limner.document import Document, Image, Part, Text
from limner.errors import LimnerError
from limner.experts.encoder import encoder, unit
from limner.experts.onnx import Floats
from limner.experts.reranker import reranker
from limner.experts.text_encoder import text_encoder
from limner.search.analysis import ASKED, latin
from limner.search.analysis import kind as kind_of
from limner.search.fuse import ACROSS, CREDIBLE, FOREIGN, KIN, KNOWN, SHARP, Weights, fused
from limner.search.indexing import SIDE, opened, segment_folder, span, stale
from limner.search.lexical import Lexical
from limner.search.manifest import Manifest
from limner.search.segment import Row, Segmented
from limner.search.units import Kind
from limner.search.vectors import Graph, Vectors
from limner.search.where import Where

Way = Literal["words", "text", "pixels"]
WAYS: tuple[Way, ...] = ("words", "text", "pixels")

DEPTH = 200
"""Units that each ranking brings to the fusion."""

RERANKED = 30
"""Units that a reranker looks at, or as many as are asked for."""

_MOST = 1_000
_MOST_QUERY = 10_000


@dataclass(frozen=True, slots=True)
class Hit:
    """A unit that was found. `score` orders hits of one search and says nothing across searches; `ways` are what each ranking gave: for
    `words` BM25 as a share of what was asked, for `text` the likeness above chance, for `pixels` that as a share of the best one's."""

    key: int
    kind: Kind
    score: float
    unit: Row
    ways: Mapping[str, float] = field(default_factory=dict[str, float])


class Search:
    """The index of a corpus, opened. May be used from many threads."""

    def __init__(self, corpus: Corpus, folder: Path, found: Manifest) -> None:
        self.corpus, self.settings = corpus, found.settings
        new, gone = stale(corpus, found)
        self.behind = len(new)
        """Batches of the corpus that the index does not know yet; `limner index` takes them in."""
        numbers = {s.number for s in gone}
        self._segments = {s.number: s for s in found.segments if s.number not in numbers}
        self._files = {n: Segmented(segment_folder(folder, n)) for n in self._segments}
        self._lexical = {kind: Lexical(folder / "words" / kind) for kind in ("section", "image", "document")}
        self._folder, self._graphs = folder, found.graphs
        self._vectors: dict[tuple[str, Kind], Vectors] = {}
        self._lock = threading.RLock()

    @classmethod
    def open(cls, corpus: Corpus | str) -> Search:
        """The index of a corpus, given or by its place. Raises `CorpusError` where there is none."""
        corpus = corpus if isinstance(corpus, Corpus) else Corpus.open(corpus)
        return cls(corpus, *opened(corpus))

    def __len__(self) -> int:
        return sum(s.units for s in self._segments.values())

    @cached_property
    def languages(self) -> frozenset[str]:
        """The languages that the units are in (BCP 47, "" where it is not known)."""
        return frozenset(language for f in self._files.values() for language in f.units["language"].unique().to_pylist())

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of languages that the units are in."""
        return tuple(sorted({kind_of(language) for language in self.languages}))

    def find(
        self,
        text: str = "",
        image: bytes | None = None,
        *,
        kind: Kind = "section",
        most: int = 10,
        where: Where | None = None,
        ways: Sequence[Way] = WAYS,
        weights: Weights | None = None,
        rerank: str = "",
    ) -> list[Hit]:
        """The units of a kind that suit a text, an image (the bytes of its file), or both together; best first.

        With both, the text says in what the image sought differs: their vectors are added in the space of the joint encoder. `ways`
        leaves out rankings; `weights` are others than limner's own. `rerank` is the address of a reranker for the best of them (at least
        `RERANKED`), by what they say. Passages of one section are found as one. Raises `LimnerError` where
        nothing is asked, or an image is without a joint encoder; `MediaError` for an image that does not decode.
        """
        text = " ".join(text[:_MOST_QUERY].split())
        if not text and image is None:
            raise LimnerError("nothing is asked: give a text or an image")
        if image is not None and not self.settings.encoder:
            raise LimnerError(
                "this index knows images by their words alone; `limner index --encoder ADDRESS` lets images be asked for"
            )
        most = max(1, min(most, _MOST))
        depth = max(DEPTH, 2 * most)
        rankings = self.rankings(text, image, kind=kind, most=depth, where=where, ways=ways)
        # What is shown has no language.
        fixed = weights or (KNOWN if image is not None else None)
        weigh = (lambda key: fixed) if fixed else self.weigh(text)
        hits = self._hits(fused(rankings, weigh, depth), kind, max(most, RERANKED) if rerank else most)
        return self._reranked(text, hits, rerank)[:most] if rerank and text else hits[:most]

    def _reranked(self, text: str, hits: Sequence[Hit], address: str) -> list[Hit]:
        named = [f"{' › '.join((hit.unit.title, *hit.unit.trail))}\n{self.text(hit)}" for hit in hits]
        scores = reranker(address).score(text, named) if hits else []
        found = [replace(hit, score=score, ways={**hit.ways, "rerank": score}) for hit, score in zip(hits, scores, strict=True)]
        return sorted(found, key=lambda hit: -hit.score)

    def rankings(
        self, text: str, image: bytes | None, *, kind: Kind, most: int, where: Where | None = None, ways: Sequence[Way] = WAYS
    ) -> dict[str, list[tuple[int, float]]]:
        """What each way that serves such a question finds by itself: keys and scores, best first."""
        masks = self._masks(kind, where) if where else None
        found: dict[str, list[tuple[int, float]]] = {}
        if text and "words" in ways and image is None:
            found["words"] = self._by_words(text, kind, most, masks)
        if text and "text" in ways and self.settings.text and image is None:
            (row,) = text_encoder(self.settings.text).embed([text])
            found["text"] = self._rows("text", kind).alike(row, most, masks)
        if "pixels" in ways and self.settings.encoder and kind == "image":
            row = self._joint(text, image)
            alike = self._rows("pixels", kind).alike(row, most, masks)
            # How alike a text and an image can be differs between encoders, and some say when nothing is alike enough.
            top = max((score for _, score in alike), default=0.0)
            sure = self._sure(row, kind, alike) if image is None else 1.0
            found["pixels"] = [(key, sure * score / top) for key, score in alike] if top > 0 and sure > 0 else []
        return found

    def weigh(self, text: str) -> Callable[[int], Weights]:
        """How much each way counts for a unit when that is asked: by the language of both, as far as the text encoder knows it, and the script."""
        known = text_encoder(self.settings.text).languages if self.settings.text else frozenset[str]()
        if not known:
            return lambda key: KNOWN
        code, sure = identify(text, ASKED) if text else ("", 0.0)
        one = ACROSS if sure >= SURE and code not in known else KNOWN
        other = KIN if latin(text) else FOREIGN
        by_language = {each: one if not each or base(each) in known else other for each in self.languages}
        if len(alike := set(by_language.values())) == 1:
            (only,) = alike
            return lambda key: only
        return lambda key: by_language[self._files[key >> 32].units["language"][key & 0xFFFFFFFF].as_py()]

    def _joint(self, text: str, image: bytes | None) -> Floats:
        joint = encoder(self.settings.encoder)
        row: Floats | None = joint.embed_texts([text])[0] if text else None
        if image is not None:
            seen = joint.embed_images([thumbnail(image, SIDE)])[0]
            row = seen if row is None else seen + row
        assert row is not None
        return unit(row[None])[0]

    def _sure(self, row: Floats, kind: Kind, alike: Sequence[tuple[int, float]]) -> float:
        """How far the joint encoder knows what is asked: by the cosine of the best image, from 0 to 1."""
        if not alike or self.settings.encoder not in CREDIBLE:
            return 1.0
        low, high = CREDIBLE[self.settings.encoder]
        chance = float(row @ self._rows("pixels", kind).mean)
        best = chance + (1 - chance) * alike[0][1]
        return float(np.clip((best - low) / (high - low), 0.0, 1.0)) ** (1 / SHARP)

    def _by_words(
        self, text: str, kind: Kind, most: int, masks: Mapping[int, NDArray[np.bool_]] | None
    ) -> list[tuple[int, float]]:
        asked = most
        while True:
            found = self._lexical[kind].search(text, self.kinds, asked)
            passing = [(key, score) for key, score in found if self._passes(key, kind, masks)]
            if len(passing) >= most or len(found) < asked:
                return passing[:most]
            asked *= 8

    def _passes(self, key: int, kind: Kind, masks: Mapping[int, NDArray[np.bool_]] | None) -> bool:
        each = self._segments.get(key >> 32)
        if each is None:
            return False
        return masks is None or bool(masks[each.number][(key & 0xFFFFFFFF) - span(each, kind).start])

    def _masks(self, kind: Kind, where: Where) -> dict[int, NDArray[np.bool_]]:
        return {n: where.mask(self._files[n].units[span(each, kind)]) for n, each in self._segments.items()}

    def _rows(self, name: str, kind: Kind) -> Vectors:
        with self._lock:
            if (name, kind) not in self._vectors:
                rows: dict[int, Floats] = {}
                first: dict[int, int] = {}
                for number, each in self._segments.items():
                    found = self._files[number].vectors(name)
                    if found is not None:
                        here = span(each, kind)
                        rows[number], first[number] = found if name == "pixels" else found[here], here.start
                graph, drawn = self._graph(name, kind, rows)
                self._vectors[name, kind] = Vectors(rows, first, graph, drawn)
            return self._vectors[name, kind]

    def _graph(self, name: str, kind: Kind, rows: Mapping[int, Floats]) -> tuple[Graph | None, tuple[int, ...]]:
        found = self._graphs.get(f"{name}-{kind}")
        if not found or not rows:
            return None, ()
        graph = Graph(next(iter(rows.values())).shape[1], self._folder / found.file, found.looking)
        return graph, tuple(n for n in found.segments if n in rows)

    def _hits(self, ranked: Sequence[tuple[int, float, dict[str, float]]], kind: Kind, most: int) -> list[Hit]:
        hits: list[Hit] = []
        seen: set[tuple[str, int]] = set()
        for key, score, ways in ranked:
            row = self.unit(key)
            place = (row.document, row.section if kind == "section" else row.n)
            if place not in seen:
                seen.add(place)
                hits.append(Hit(key, kind, score, row, ways))
                if len(hits) == most:
                    break
        return hits

    # What was found

    def unit(self, key: int) -> Row:
        """The unit of that key."""
        return self._files[key >> 32].row(key & 0xFFFFFFFF)

    def document(self, id: str) -> Document:
        """A document of the corpus; raises `KeyError` where it is gone."""
        with self._lock:
            return self.corpus[id]

    def media(self, ref: str) -> bytes | None:
        """A stored file."""
        with self._lock:
            return self.corpus.media(ref)

    def parts(self, hit: Hit) -> tuple[Part, ...]:
        """The parts of a unit, in order; of an image, itself and its captions."""
        document = self.document(hit.unit.document)
        if hit.kind == "image":
            return tuple(p for p in document.parts if p.n == hit.unit.n or (isinstance(p, Text) and p.of == hit.unit.n))
        found: list[Part] = []
        inside = False
        for part in document.parts:
            inside = inside or part.n == hit.unit.n
            if inside:
                found.append(part)
            if part.n == hit.unit.last:
                break
        return tuple(found)

    def text(self, hit: Hit) -> str:
        """What a unit says."""
        said: list[str] = []
        for part in self.parts(hit):
            if isinstance(part, Text):
                said.append(part.text)
            elif isinstance(part, Image) and part.alt and not any(part.alt in text for text in said):
                said.append(part.alt)
        return "\n".join(said)
