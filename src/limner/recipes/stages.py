"""What corpus recipes share: a plan built in a folder that goes again, what was left after each step, the pages themselves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from limner.corpus import Corpus
from limner.corpus.ledger import plan_steps
from limner.corpus.media import MediaInfo, sha256
from limner.curate.operator import Reason
from limner.curate.words import words
from limner.document import Document, Part
from limner.experts.extractor import Page, extractor
from limner.pipeline.build import build
from limner.pipeline.plan import Plan, Step
from limner.pipeline.runners import runner
from limner.recipes.recipe import Measurement
from limner.sources.locate import source

READ = "read"
_PAGES = (".html", ".htm", ".xhtml")


@dataclass(frozen=True)
class Kept:
    """What was left after a step; words are as `limner.curate.words` counts them, characters in scripts without spaces."""

    step: str
    documents: int = 0
    images: int = 0
    words: int = 0


@contextmanager
def built(plan: Plan, data: Sequence[str], workers: int = 1) -> Generator[tuple[Corpus, float]]:
    """The corpus that `plan` makes of data sets, in a folder of its own that is gone afterwards, and the seconds it took."""
    with TemporaryDirectory(prefix="limner-recipe-") as folder:
        began = time.perf_counter()
        out = f"{folder}/corpus"
        build(plan.with_sources([f"data:{name}" for name in data]), out, runner=runner("processes", workers))
        yield Corpus.open(out), time.perf_counter() - began


def changed(plan: Plan, name: str, **given: Any) -> Plan:
    """The plan with settings of the step `name` changed; with `drop=True` the step is left out."""
    if given.pop("drop", False):
        return replace(plan, steps=tuple(s for s in plan.steps if s.name != name))
    return replace(plan, steps=tuple(Step(replace(s.operator, **given), s.name) if s.name == name else s for s in plan.steps))


def kept(corpus: Corpus, group: Callable[[str], str] = lambda source: "") -> dict[str, list[Kept]]:
    """What was left after reading and after each step of the plan, for each group that `group` makes of documents' sources.

    Counted backwards from what is there and from what the plan kept of what it dropped (`keep_dropped`), so that it holds for
    plans whose steps take away and never split documents. Holds the group of every id in memory.
    """
    groups: dict[str, str] = {}
    totals: dict[tuple[str, str], list[int]] = {}

    def add(name: str, step: str, documents: int, images: int, count: int) -> None:
        total = totals.setdefault((name, step), [0, 0, 0])
        for i, value in enumerate((documents, images, count)):
            total[i] += value

    for document in corpus:
        name = groups[document.id] = group(document.source)
        add(name, "", 1, len(document.images), sum(len(words(text.text)) for text in document.texts))
    parts: list[tuple[str, str, int, int]] = []
    for table in corpus.rows("dropped", ["document", "part", "step", "json"]):
        for id, part, step, text in zip(*(column.to_pylist() for column in table.columns), strict=True):
            data = cast("dict[str, Any]", json.loads(text))
            if part == -1:
                name = groups[id] = group(str(data.get("source", "")))
                sizes = [_size(entry) for entry in data.get("parts", ())]
                add(name, step, 1, sum(s[0] for s in sizes), sum(s[1] for s in sizes))
            else:
                parts.append((id, step, *_size(data)))
    for id, step, images, count in parts:
        add(groups[id], step, 0, images, count)
    names = [READ, *(str(s["name"]) for s in plan_steps(corpus))]
    return {name: _backwards(name, names, totals) for name in sorted(set(groups.values()))}


def _size(part: dict[str, Any]) -> tuple[int, int]:
    """The images and the words of a part."""
    return int(part["type"] == "image"), len(words(part["text"])) if part["type"] == "text" else 0


def _backwards(name: str, steps: Sequence[str], totals: dict[tuple[str, str], list[int]]) -> list[Kept]:
    left = list(totals.get((name, ""), (0, 0, 0)))
    out: list[Kept] = []
    for step in reversed(steps):
        out.append(Kept(step, *left))
        left = [a + b for a, b in zip(left, totals.get((name, step), (0, 0, 0)), strict=True)]
    return out[::-1]


def funnel(stages: Sequence[Kept]) -> Iterator[Measurement]:
    """Documents, images and words after each step, and the shares that are left at the end."""
    first, last = stages[0], stages[-1]
    for stage in stages:
        for what in ("documents", "images", "words"):
            yield Measurement(f"{stage.step}.{what}", getattr(stage, what), note=f"{what} left after {stage.step}")
    for what in ("documents", "images", "words"):
        share = 100 * getattr(last, what) / max(getattr(first, what), 1)
        yield Measurement(f"share.{what}", share, "%", f"{what} left of those read")


def pages(data: Sequence[str], most: int = 0) -> list[Page]:
    """The HTML pages of data sets, all or `most` of each set evenly spread over it, with their inputs' names."""
    out: list[Page] = []
    for name in data:
        inputs = [i for i in source(f"data:{name}").inputs() if i.location.endswith(_PAGES) and i.name.endswith(_PAGES)]
        every = max(len(inputs) // most, 1) if most else 1
        out += [Page(Path(i.location).read_bytes(), name=i.name) for i in inputs[::every][: most or None]]
    return out


def extraction_speed(given: Sequence[Page]) -> Measurement:
    """Pages a second of processor time that main-body extraction reads, from bytes in memory to documents."""
    extract = extractor().extract
    extract(given[:1])  # loads what is loaded once
    began = time.process_time()
    for page in given:
        extract([page])
    seconds = time.process_time() - began
    return Measurement("extraction.speed", len(given) / seconds, "pages/s", f"one core, {len(given)} pages in memory")


class Unrecorded:
    """An operator's context that stores and records nothing, for operators that are only counted."""

    def put(self, data: bytes) -> MediaInfo:
        """See `MediaSink`."""
        return MediaInfo(sha256(data), "", 0, 0, len(data))

    def media(self, ref: str) -> bytes | None:
        """See `MediaReader`."""
        return None

    def info(self, ref: str) -> MediaInfo | None:
        """See `MediaReader`."""
        return None

    def drop(self, document: Document, part: Part | None, reason: Reason) -> None:
        """See `Context`."""

    def note(self, document: Document, part: Part | None, reason: Reason) -> None:
        """See `Context`."""
