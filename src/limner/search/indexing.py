"""Making the index of a corpus, and bringing it up to date: what is new is taken in, what is gone forgotten, the rest left as it is."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limner.corpus import Corpus
from limner.corpus.commit import Commit
from limner.corpus.index import fingerprint
from limner.corpus.keeping.takedown import SEARCH
from limner.corpus.lock import writing
from limner.corpus.pixels import thumbnail
from limner.document import Document
from limner.errors import CorpusError, MediaError
from limner.experts.encoder import encoder
from limner.experts.onnx import Floats
from limner.experts.text_encoder import text_encoder
from limner.packages.cachedir import cache_folder
from limner.search import manifest, segment
from limner.search.analysis import kind as kind_of
from limner.search.lexical import Lexical, Words
from limner.search.manifest import Drawn, Manifest, Segment, Settings
from limner.search.units import Kind, Unit, units
from limner.search.vectors import EXACT, Graph

KINDS: tuple[Kind, ...] = ("section", "image", "document")
SIDE = 384
_GRAPHS: tuple[tuple[str, Kind], ...] = (("text", "section"), ("text", "image"), ("text", "document"), ("pixels", "image"))
_AT_ONCE = 4_000  # units that are made to count together
_TEXTS = 512
_IMAGES = 32
_MOST_CHARS = 2_000


@dataclass(frozen=True)
class Indexed:
    """What an index holds, and what this run took in and forgot (batches of the corpus)."""

    sections: int
    images: int
    documents: int
    taken: int
    forgotten: int
    settings: Settings


Advance = Callable[[int], None]


def folder_of(corpus: Corpus) -> Path:
    """Where the index of a corpus lies: in it, or in limner's cache for one in an object store."""
    local = corpus.store.local(SEARCH)
    return Path(local) if local else cache_folder("search") / hashlib.sha256(corpus.store.url.encode()).hexdigest()[:24]


def index(
    corpus: Corpus, settings: Settings | None = None, *, again: bool = False, advance: Advance = lambda documents: None
) -> Indexed:
    """Bring the index of a corpus up to date, or make it where there is none. `settings` None keeps those it was made with;
    others than those make it anew, as does `again`. Killed at any instant it continues where it stopped.

    Raises `CorpusError` while another writes to the corpus.
    """
    folder = folder_of(corpus)
    with writing(corpus.store):
        found = None if again else manifest.read(folder)
        if found is None or (settings is not None and settings != found.settings):
            found = Manifest(settings or Settings())
            _clear(folder)
            manifest.write(folder, found)
        return _Indexing(corpus, folder, found).run(advance)


def stale(corpus: Corpus, found: Manifest) -> tuple[list[Commit], list[Segment]]:
    """The batches that an index lacks, and its segments whose batch is gone or has changed."""
    now = {commit.stem: fingerprint([commit]) for commit in corpus.commits}
    held = {each.stem for each in found.segments if now.get(each.stem) == each.digest}
    return [c for c in corpus.commits if c.stem not in held], [s for s in found.segments if now.get(s.stem) != s.digest]


def _clear(folder: Path) -> None:
    if folder.is_dir():
        (folder / manifest.FILE).unlink(missing_ok=True)  # first, so that half an index never counts
        shutil.rmtree(folder)


class _Indexing:
    def __init__(self, corpus: Corpus, folder: Path, found: Manifest) -> None:
        self._corpus, self._folder, self._found = corpus, folder, found
        self._lexical = {kind: Lexical(folder / "words" / kind) for kind in KINDS}

    def run(self, advance: Advance) -> Indexed:
        new, gone = stale(self._corpus, self._found)
        self._sweep()
        if gone and not new:
            self._count([], gone, {})
        left = gone
        for made, words in self._batches(new, advance):
            self._count(made, left, words)
            left = []
        self._graphs()
        self._sweep()
        held = self._found.segments
        return Indexed(
            sum(s.sections for s in held), sum(s.images for s in held), sum(s.documents for s in held),
            len(new), len(gone), self._found.settings,
        )  # fmt: skip

    def _batches(self, new: Sequence[Commit], advance: Advance) -> Iterator[tuple[list[Segment], dict[Kind, list[Words]]]]:
        made: list[Segment] = []
        words: dict[Kind, list[Words]] = {kind: [] for kind in KINDS}
        for number, commit in enumerate(new, self._found.next):
            made.append(self._segment(number, commit, words, advance))
            if sum(each.units for each in made) >= _AT_ONCE:
                yield made, words
                made, words = [], {kind: [] for kind in KINDS}
        if made:
            yield made, words

    def _segment(self, number: int, commit: Commit, words: dict[Kind, list[Words]], advance: Advance) -> Segment:
        one = Corpus(self._corpus.store, self._corpus.facts, [commit])
        found: dict[Kind, list[tuple[Document, Unit]]] = {kind: [] for kind in KINDS}
        for document in one:
            for unit in units(document, self._found.settings.words):
                found[unit.kind].append((document, unit))
            advance(1)
        everything = [pair for kind in KINDS for pair in found[kind]]
        for row, (document, unit) in enumerate(everything):
            words[unit.kind].append(Words((number << 32) + row, kind_of(document.language), unit.head, unit.body))
        vectors: dict[str, Floats] = {}
        if self._found.settings.text:
            vectors["text"] = self._texts(everything)
        if self._found.settings.encoder and found["image"]:
            vectors["pixels"] = self._pixels(one, [unit.ref for _, unit in found["image"]])
        segment.save(self._path(number), segment.table(everything), vectors)
        counts = [len(found[kind]) for kind in KINDS]
        return Segment(number, commit.stem, fingerprint([commit]), *counts)

    def _texts(self, found: Sequence[tuple[Document, Unit]]) -> Floats:
        """A row a unit; a document's is the mean of its sections'."""
        embedder = text_encoder(self._found.settings.text)
        said = [unit.text[:_MOST_CHARS] for _, unit in found if unit.kind != "document"]
        rows = [embedder.embed(said[at : at + _TEXTS]) for at in range(0, len(said), _TEXTS)]
        if not rows:
            rows = [embedder.embed(["nothing"])[:0]]
        parts = np.concatenate(rows)
        sums: dict[str, Floats] = {}
        for (document, unit), row in zip(found, parts, strict=False):
            if unit.kind == "section":
                sums[document.id] = sums.get(document.id, np.zeros_like(row)) + row
        whole = [sums.get(d.id, np.zeros(parts.shape[1], np.float32)) for d, u in found if u.kind == "document"]
        whole = [row / max(float(np.linalg.norm(row)), 1e-9) for row in whole]
        return np.concatenate([parts, np.stack(whole)]) if whole else parts

    def _pixels(self, one: Corpus, refs: Sequence[str]) -> Floats:
        """A row an image, of zeros where it is not stored or cannot be decoded. An image that comes often is looked at once."""
        embedder = encoder(self._found.settings.encoder)
        known: dict[str, Floats] = {}
        waiting: list[str] = []
        decoded = []
        for ref in [*dict.fromkeys(ref for ref in refs if ref), ""]:
            data = one.media(ref) if ref else None
            if data is not None:
                try:
                    decoded.append(thumbnail(data, SIDE))
                    waiting.append(ref)
                except MediaError:
                    continue  # its words still find it
            if waiting and (len(waiting) == _IMAGES or not ref):
                known.update(zip(waiting, embedder.embed_images(decoded), strict=True))
                waiting, decoded = [], []
        width = len(next(iter(known.values()))) if known else embedder.embed_texts(["nothing"]).shape[1]
        return np.stack([known.get(ref, np.zeros(width, np.float32)) for ref in refs])

    def _count(self, made: Sequence[Segment], gone: Sequence[Segment], words: dict[Kind, list[Words]]) -> None:
        """Make segments count, and others no more. The manifest comes last: what it does not name is not there."""
        for name in KINDS:
            self._lexical[name].change([s.number for s in gone], words.get(name, ()), self._found.next)
        numbers = {s.number for s in gone}
        kept = tuple(s for s in self._found.segments if s.number not in numbers)
        following = max([self._found.next, *(s.number + 1 for s in made)])
        self._found = self._found.with_segments((*kept, *made), following)
        manifest.write(self._folder, self._found)

    def _graphs(self) -> None:
        """Graphs of neighbours over what is too much to look at one by one, brought up to date."""
        graphs: dict[str, Drawn] = {}
        for name, of in _GRAPHS:
            key = f"{name}-{of}"
            rows = {s.number: r for s in self._found.segments if (r := self._rows(s, name, of)) is not None and len(r)}
            if sum(map(len, rows.values())) <= EXACT:
                continue
            before = self._found.graphs.get(key)
            if before and set(before.segments) == set(rows):
                graphs[key] = before
                continue
            graphs[key] = self._graph(key, rows, before, of)
        if graphs != self._found.graphs:
            self._found = Manifest(self._found.settings, self._found.segments, self._found.next, graphs)
            manifest.write(self._folder, self._found)

    def _graph(self, key: str, rows: dict[int, Floats], before: Drawn | None, kind: Kind) -> Drawn:
        width = next(iter(rows.values())).shape[1]
        held: set[int] = set()
        graph = Graph(width)
        # Forgetting leaves holes: where much is gone, it is made anew.
        if before and len(set(before.segments) - set(rows)) * 4 <= len(before.segments):
            held = set(before.segments) & set(rows)
            graph = Graph.again(width, self._folder / before.file, before.looking)
            graph.keep(held)
        keyed = {number: (self._keys(number, kind, len(vectors)), vectors) for number, vectors in rows.items()}
        graph.grow([keyed[n] for n in rows if n not in held], [keyed[n] for n in held])
        name = f"{key}-{max(rows)}-{os.getpid()}.graph"
        graph.save(self._folder / name)
        return Drawn(name, tuple(sorted(rows)), graph.looking)

    def _keys(self, number: int, kind: Kind, count: int) -> NDArray[np.uint64]:
        first = self._first(number, kind)
        return np.arange(first, first + count, dtype=np.uint64) + np.uint64(number << 32)

    def _rows(self, each: Segment, name: str, kind: Kind) -> Floats | None:
        rows = segment.Segmented(self._path(each.number)).vectors(name)
        return None if rows is None else rows[span(each, kind)] if name == "text" else rows

    def _first(self, number: int, kind: Kind) -> int:
        return span(next(s for s in self._found.segments if s.number == number), kind).start

    def _sweep(self) -> None:
        """Remove what the manifest does not name."""
        named = {self._path(s.number).name for s in self._found.segments}
        for path in (self._folder / "segments").glob("*"):
            if path.name not in named:
                shutil.rmtree(path)
        graphs = {graph.file for graph in self._found.graphs.values()}
        for path in self._folder.glob("*.graph"):
            if path.name not in graphs:
                path.unlink()

    def _path(self, number: int) -> Path:
        return segment_folder(self._folder, number)


def segment_folder(folder: Path, number: int) -> Path:
    """Where the files of a segment lie."""
    return folder / "segments" / f"{number:08d}"


def span(each: Segment, kind: Kind) -> slice:
    """The rows of a kind in a segment's table."""
    counts = (each.sections, each.images, each.documents)
    at = KINDS.index(kind)
    return slice(sum(counts[:at]), sum(counts[: at + 1]))


def opened(corpus: Corpus) -> tuple[Path, Manifest]:
    """The index of a corpus; raises `CorpusError` where there is none, saying how to make it."""
    folder = folder_of(corpus)
    found = manifest.read(folder)
    if found is None:
        raise CorpusError(f"{corpus.store.url} has no index; `limner index {corpus.store.url}` makes one")
    return folder, found
