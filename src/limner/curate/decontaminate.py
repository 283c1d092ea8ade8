"""Decontamination: documents that hold what a benchmark asks, by runs of words and by how images look."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from limner.corpus.media import sha256
from limner.corpus.pixels import thumbnail
from limner.curate.duplicate_images import look_of
from limner.curate.operator import Context, Reason, drop_parts
from limner.curate.phash import Hashes, phash
from limner.curate.shingles import Words, shingles, words
from limner.document import Document, Text
from limner.errors import MediaError, PlanError

_TEXT_FILES = frozenset({".txt", ".md", ".json", ".jsonl"})
_HEX = re.compile(r"(?:[0-9a-f]{64}|[0-9a-f]{16})\Z")


@dataclass(frozen=True)
class Decontaminate:
    """Drop documents, or the parts of them, that overlap with the texts or images of benchmarks.

    Texts: a run of `length` words (Unicode-normalised, lower case, without punctuation) that stands in a benchmark, as
    GPT-3 did with 13 (Brown et al. 2020, arXiv 2005.14165, appendix C) and Gopher likewise (Rae et al. 2021,
    arXiv 2112.11446). A benchmark text of fewer words counts whole if it has at least `shortest`. Images: the same
    bytes, or a 64-bit perceptual hash at most `distance` bits away.

    Records `benchmark-text` with the number of matching runs, or `benchmark-image` with the bits apart; with
    `drop` "document" the first such reason of its parts.

    `texts`     files of benchmark texts, or folders of them: .txt and .md one text a line, .json and .jsonl every string
    `images`    image files or folders of them, or .txt lists of hashes a line: sha256 or perceptual (16 hex digits)
    `length`    words in a run
    `shortest`  words a shorter benchmark text must have
    `min_runs`  matching runs that make a document contaminated
    `distance`  bits in which perceptual hashes may differ
    `drop`      the whole "document", or the "part"
    """

    texts: tuple[str, ...] = field(default=(), metadata={"file": True})
    images: tuple[str, ...] = field(default=(), metadata={"file": True})
    length: int = 13
    shortest: int = 8
    min_runs: int = 1
    distance: int = 4
    drop: Literal["document", "part"] = "document"

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.length or self.min_runs < 1 or not 0 <= self.distance <= 31:
            raise ValueError("shortest must be in 1-length, min_runs at least 1, distance in 0-31")
        if not (self.texts or self.images):
            raise PlanError("decontaminate: name benchmark `texts` or `images`")

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        gone = self._texts(document) if self.texts else {}
        if self.images:
            gone |= self._images(document, context)
        if gone and self.drop == "document":
            context.drop(document, None, gone[min(gone)])
        else:
            yield from drop_parts(document, gone, context)

    def _texts(self, document: Document) -> dict[int, Reason]:
        """The contaminated texts. Runs do not go over from one part to the next."""
        known = text_runs(self.texts, self.length, self.shortest)
        hits = {text.n: _matches(text, known) for text in document.texts}
        if sum(hits.values()) < self.min_runs:
            return {}
        return {n: Reason("benchmark-text", count, self.min_runs) for n, count in hits.items() if count}

    def _images(self, document: Document, context: Context) -> dict[int, Reason]:
        refs, looks = image_hashes(self.images)
        gone: dict[int, Reason] = {}
        for image in document.images:
            if image.ref in refs:
                gone[image.n] = Reason("benchmark-image", 0, self.distance)
                continue
            look = look_of(image, context) if len(looks) else None
            if look is not None:
                apart = int(np.bitwise_count(looks ^ np.uint64(look)).min())
                if apart <= self.distance:
                    gone[image.n] = Reason("benchmark-image", apart, self.distance)
        return gone


def _matches(text: Text, known: Mapping[int, Words]) -> int:
    hashes = words(text.text, digits=False)
    return sum(int(np.isin(shingles(hashes, length), runs).sum()) for length, runs in known.items() if len(hashes) >= length)


@cache
def text_runs(paths: tuple[str, ...], length: int, shortest: int) -> Mapping[int, Words]:
    """The hashes of the runs of words of benchmark texts, sorted, by how many words they have."""
    found: dict[int, list[Words]] = {}
    for path in _files(paths, _TEXT_FILES):
        for text in _texts_of(path):
            hashes = words(text, digits=False)
            if len(hashes) >= shortest:
                size = min(length, len(hashes))
                found.setdefault(size, []).append(shingles(hashes, size))
    return {size: np.unique(np.concatenate(runs)) for size, runs in sorted(found.items())}


@cache
def image_hashes(paths: tuple[str, ...]) -> tuple[frozenset[str], Hashes]:
    """The sha256 and the perceptual hashes of benchmark images."""
    refs: set[str] = set()
    looks: set[int] = set()
    for path in _files(paths, None):
        if path.suffix.lower() == ".txt":
            for line in path.read_text("utf-8").split():
                if not _HEX.match(line.lower()):
                    raise PlanError(f"decontaminate: {path} has {line[:80]!r}, neither sha256 nor 16 hexadecimal digits")
                if len(line) == 64:
                    refs.add(line.lower())
                else:
                    looks.add(int(line, 16))
            continue
        data = path.read_bytes()
        try:
            look = phash(thumbnail(data, 128))
        except MediaError:
            # A folder of images has other files too.
            continue
        refs.add(sha256(data))
        if look is not None:
            looks.add(look)
    return frozenset(refs), np.array(sorted(looks), np.uint64)


def _files(paths: tuple[str, ...], suffixes: frozenset[str] | None) -> Iterator[Path]:
    for name in paths:
        path = Path(name).expanduser()
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            yield from (p for p in inside if suffixes is None or p.suffix.lower() in suffixes)
        elif path.is_file():
            yield path
        else:
            raise PlanError(f"decontaminate: there is no file or folder {name!r}")


def _texts_of(path: Path) -> Iterator[str]:
    content = path.read_text("utf-8", "replace")
    if path.suffix.lower() == ".json":
        yield from _strings(path, content)
        return
    for line in content.splitlines():
        if path.suffix.lower() == ".jsonl" and line.strip():
            yield from _strings(path, line)
        else:
            yield line


def _strings(path: Path, content: str) -> Iterator[str]:
    """Every string in a JSON value, keys left out."""
    try:
        stack: list[Any] = [json.loads(content)]
    except (ValueError, RecursionError) as error:
        raise PlanError(f"decontaminate: {path} is not JSON: {error}") from error
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            stack += cast("dict[str, Any]", value).values()
        elif isinstance(value, list):
            stack += cast("list[Any]", value)
