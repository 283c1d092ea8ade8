"""What a corpus holds, in figures: one pass over the columns, no document is decoded, memory stays flat."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from limner.corpus import ledger
from limner.corpus.columns import Parts, document_batches, host, source
from limner.corpus.corpus import Corpus
from limner.corpus.index import fingerprint

# Its functions are made when it is imported: a type checker does not see them.
pc: Any = pyarrow.compute

logger = logging.getLogger(__name__)

SIDES = (1, 32, 64, 128, 256, 512, 1024, 2048, 4096)
"""Lower edges of the classes of an image's longer side, in pixels."""

KEPT_TOP = 60
"""Names in each list of `kept_statistics`."""

_MOST = 100_000
_LIST = "parts.list.element."
_COLUMNS = [
    "id", "source", "url", "title", "language", "meta",
    *(_LIST + name for name in ("type", "text", "role", "ref", "alt", "width", "height", "of")),
]  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """How a count is spread over documents: quantiles, mean, and how many documents fall in each class, named by its
    least count (`bins` maps "0", "1", "2", "5", "10", ... to documents)."""

    mean: float
    median: int
    p10: int
    p90: int
    most: int
    bins: dict[str, int]


@dataclass(frozen=True)
class Stage:
    """A step and what was left after it."""

    step: str
    documents_dropped: int
    images_dropped: int
    texts_dropped: int
    noted: int
    documents_left: int
    images_left: int
    reasons: dict[str, int]


@dataclass(frozen=True)
class Statistics:
    """The figures of a corpus.

    `words` are separated by white space; `tokens` is an estimate, a quarter of the bytes of text in UTF-8. `images` are
    places in documents, `stored` those whose bytes are here, `files` the stored files (one stored in two batches counts
    twice), `media_bytes` their length, `bytes` that of every file of the corpus. Counters hold the most frequent
    first, with `top` names at most and the rest summed as "(other)".
    """

    documents: int
    parts: int
    words: int
    characters: int
    tokens: int
    images: int
    stored: int
    captions: int
    with_alt: int
    files: int
    media_bytes: int
    bytes: int
    documents_with_images: int
    documents_read: int
    images_read: int
    inputs: int
    rejected: int
    languages: dict[str, int]
    hosts: dict[str, int]
    sources: dict[str, int]
    licenses: dict[str, int]
    years: dict[str, int]
    roles: dict[str, int]
    formats: dict[str, int]
    image_sides: dict[str, int]
    images_per_document: Spread
    words_per_document: Spread
    stages: list[Stage] = field(default_factory=list[Stage])
    rejects: dict[str, int] = field(default_factory=dict[str, int])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


class _Tally:
    """Counts by name, cut back to the most frequent when there are too many names to keep (then counts of rare names
    are lower bounds)."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, values: pa.Array | pa.ChunkedArray) -> None:
        for entry in pc.value_counts(values).to_pylist():
            self.counts[entry["values"] or ""] += entry["counts"]
        if len(self.counts) > 2 * _MOST:
            self.counts = Counter(dict(self.counts.most_common(_MOST)))

    def top(self, most: int, unknown: str = "unknown") -> dict[str, int]:
        """The most frequent; ties by name, the rest summed."""
        ranked = sorted(self.counts.items(), key=lambda x: (-x[1], x[0]))
        out = {name or unknown: count for name, count in ranked[:most]}
        if rest := sum(count for _, count in ranked[most:]):
            out["(other)"] = rest
        return out


class _Counts:
    """What is counted on the way through a corpus: sums by name, names with how often each comes, sizes."""

    def __init__(self) -> None:
        self.sums: Counter[str] = Counter()
        self.names: defaultdict[str, _Tally] = defaultdict(_Tally)
        self.sides = np.zeros(len(SIDES) + 1, np.int64)
        self.images_each: Counter[int] = Counter()
        self.words_each: Counter[int] = Counter()

    def documents(self, batch: pa.RecordBatch) -> None:
        """Count the documents of a batch and their parts."""
        self.sums["documents"] += batch.num_rows
        self.names["languages"].add(batch.column("language"))
        self.names["hosts"].add(host(batch))
        self.names["sources"].add(source(batch))
        self.names["licenses"].add(pc.map_lookup(batch.column("meta"), "license", "first"))
        self.names["years"].add(pc.utf8_slice_codeunits(pc.map_lookup(batch.column("meta"), "date", "first"), 0, 4))
        parts = Parts(batch)
        self.sums["parts"] += parts.size
        self.names["roles"].add(parts.column("role").drop_null())
        self._texts(parts)
        self._images(parts)

    def _texts(self, parts: Parts) -> None:
        words = _words(parts.column("text"))
        self.words_each.update(_counted(parts.sums(words)))
        self.sums["words"] += int(words.sum())
        self.sums["characters"] += pc.sum(pc.utf8_length(parts.column("text"))).as_py() or 0
        self.sums["text_bytes"] += pc.sum(pc.binary_length(parts.column("text"))).as_py() or 0
        self.sums["captions"] += int((parts.equal("type", "text") & parts.valid("of")).sum())

    def _images(self, parts: Parts) -> None:
        images = parts.equal("type", "image")
        each = parts.sums(images)
        self.images_each.update(_counted(each))
        self.sums["documents_with_images"] += int((each > 0).sum())
        self.sums["images"] += int(images.sum())
        self.sums["stored"] += int((images & parts.valid("ref")).sum())
        self.sums["with_alt"] += int((images & parts.valid("alt")).sum())
        longer = np.maximum(parts.number("width"), parts.number("height"))[images]
        self.sides += np.bincount(np.searchsorted(SIDES, longer, side="right"), minlength=len(SIDES) + 1)

    def files(self, table: pa.Table) -> None:
        """Count stored files of media."""
        self.names["formats"].add(table.column("mime"))
        self.sums["files"] += table.num_rows
        self.sums["media_bytes"] += pc.sum(table.column("size")).as_py() or 0


def statistics(corpus: Corpus, top: int = 20, progress: Callable[[int], None] | None = None) -> Statistics:
    """The figures of a corpus; `top` bounds every list of names, `progress` hears of each batch of documents read."""
    counts = _Counts()
    for batch in document_batches(corpus, _COLUMNS):
        counts.documents(batch)
        if progress:
            progress(batch.num_rows)
    for table in corpus.rows("media", ["mime", "size"]):
        counts.files(table)
    for table in corpus.rows("rejects", ["error"]):
        counts.names["rejects"].add(table.column("error"))
    sums, names = counts.sums, counts.names
    stages = list(_stages(ledger.steps(corpus), sums["documents"], sums["images"]))
    return Statistics(
        documents=sums["documents"],
        parts=sums["parts"],
        words=sums["words"],
        characters=sums["characters"],
        tokens=-(-sums["text_bytes"] // 4),
        images=sums["images"],
        stored=sums["stored"],
        captions=sums["captions"],
        with_alt=sums["with_alt"],
        files=sums["files"],
        media_bytes=sums["media_bytes"],
        bytes=sum(size for commit in corpus.commits for size in commit.files.values()),
        documents_with_images=sums["documents_with_images"],
        documents_read=stages[0].documents_left + stages[0].documents_dropped if stages else sums["documents"],
        images_read=stages[0].images_left + stages[0].images_dropped if stages else sums["images"],
        inputs=sum(len(commit.inputs) for commit in corpus.commits),
        rejected=sum(names["rejects"].counts.values()),
        languages=names["languages"].top(top),
        hosts=names["hosts"].top(top, "(none)"),
        sources=names["sources"].top(top, "(none)"),
        licenses=names["licenses"].top(top, "not stated"),
        years=names["years"].top(top, "not stated"),
        roles=names["roles"].top(top),
        formats=names["formats"].top(top),
        image_sides={_side(i): int(n) for i, n in enumerate(counts.sides)},
        images_per_document=spread(counts.images_each),
        words_per_document=spread(counts.words_each),
        stages=stages,
        rejects=names["rejects"].top(top),
    )


def kept_statistics(corpus: Corpus) -> Statistics:
    """The statistics as they were last computed of just these batches, else computed now and kept in the corpus's `index`
    folder (where it can be written), for what shows them again and again."""
    name = f"statistics-{_version(corpus)}-{fingerprint(corpus.commits)}.json"
    try:
        if corpus.store.exists(f"index/{name}"):
            return from_dict(json.loads(corpus.store.read(f"index/{name}")))
    except (ValueError, TypeError, KeyError) as error:
        logger.info("%s: index/%s is damaged (%s) and written anew", corpus.store.url, name, error)
    found = statistics(corpus, KEPT_TOP)
    try:
        corpus.store.write(f"index/{name}", json.dumps(found.to_dict(), ensure_ascii=False).encode())
        for other in corpus.store.names("index"):
            if other.startswith("statistics-") and other != name:
                corpus.store.remove(f"index/{other}")
    except OSError as error:
        logger.info("%s cannot be written to (%s): statistics are computed each time", corpus.store.url, error)
    return found


def from_dict(data: Mapping[str, Any]) -> Statistics:
    """The statistics that `to_dict` wrote; raises `TypeError` or `KeyError` for what it did not."""
    given = dict(data)
    for name in ("images_per_document", "words_per_document"):
        given[name] = Spread(**given[name])
    given["stages"] = [Stage(**stage) for stage in given["stages"]]
    return Statistics(**given)


def _version(corpus: Corpus) -> str:
    """Changes when what is counted does: the names of all figures, and of the plan's steps, hashed."""
    names = [f.name for kind in (Statistics, Spread, Stage) for f in fields(kind)]
    counted = [*names, str(SIDES), str(KEPT_TOP), str(ledger.plan_steps(corpus))]
    return hashlib.sha256(" ".join(counted).encode("utf-8", "replace")).hexdigest()[:8]


def _words(texts: pa.Array) -> np.ndarray:
    """How many words each text has, as `len(text.split())` counts them."""
    trimmed = pc.utf8_trim_whitespace(texts)
    counts = pc.list_value_length(pc.utf8_split_whitespace(trimmed))
    return pc.fill_null(pc.if_else(pc.equal(trimmed, ""), 0, counts), 0).to_numpy(zero_copy_only=False)


def _counted(values: np.ndarray) -> dict[int, int]:
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def spread(counts: Mapping[int, int]) -> Spread:
    """The spread of a count from how many documents have each.

    >>> spread({0: 2, 3: 2}).bins
    {'0': 2, '1': 0, '2': 2}
    """
    total = sum(counts.values())
    if not total:
        return Spread(0.0, 0, 0, 0, 0, {})
    ordered = sorted(counts.items())
    reached = np.cumsum([n for _, n in ordered])

    def quantile(q: float) -> int:
        return ordered[int(np.searchsorted(reached, q * total))][0]

    most = ordered[-1][0]
    edges = list(_edges(most))
    bins = dict.fromkeys(map(str, edges), 0)
    for value, n in ordered:
        bins[str(edges[int(np.searchsorted(edges, value, side="right")) - 1])] += n
    mean = sum(value * n for value, n in ordered) / total
    return Spread(round(mean, 2), quantile(0.5), quantile(0.1), quantile(0.9), most, bins)


def _edges(most: int) -> Iterable[int]:
    """0, 1, 2, 5, 10, 20, 50, ... up to `most`."""
    yield 0
    scale = 1
    while scale <= most:
        yield from (scale * step for step in (1, 2, 5) if scale * step <= most)
        scale *= 10


def _side(i: int) -> str:
    if i == 0:
        return "unknown"
    return f"{SIDES[i - 1]}+" if i == len(SIDES) else f"{SIDES[i - 1]}–{SIDES[i] - 1}"


def _stages(steps: Sequence[ledger.Step], documents: int, images: int) -> Iterator[Stage]:
    gone_documents = [step.dropped("documents") for step in steps]
    gone_images = [step.dropped("images") + step.dropped("images_with") for step in steps]
    documents += sum(gone_documents)
    images += sum(gone_images)
    for step, fewer_documents, fewer_images in zip(steps, gone_documents, gone_images, strict=True):
        documents -= fewer_documents
        images -= fewer_images
        reasons = {reason.reason: reason.total for reason in step.reasons if reason.action == "drop"}
        yield Stage(step.name, fewer_documents, fewer_images, step.dropped("texts"), step.notes, documents, images, reasons)
