"""Samples of a run: a line for each as it is finished, the images that were written beside them. A run that was killed has all that were finished.

A line that was cut by a kill is not there; the same image is kept once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limner.corpus.probe import sha256
from limner.errors import LimnerError
from limner.evaluate.benchmark import Output
from limner.experts.language import Content

FILE, MEDIA = "samples.jsonl", "media"


@dataclass(frozen=True, slots=True)
class Judged:
    """What one judge (or none) came to: scores by measure, failures by measure, reasons by measure."""

    values: Mapping[str, float]
    failed: Mapping[str, str] = field(default_factory=dict[str, str])
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Sample:
    """An item that was asked and scored: its number in the benchmark, what it belongs to, what was answered, and the scores by each judge."""

    id: str
    number: int
    cluster: str
    categories: Mapping[str, str]
    turns: tuple[tuple[Mapping[str, str], ...], ...]
    """Each part is {"text": ...} or {"image": sha256}."""
    likelihoods: tuple[float, ...]
    error: str
    judged: Mapping[str, Judged]
    seconds: float = 0.0


class Samples:
    """The samples in a run's folder. One process writes."""

    def __init__(self, folder: Path) -> None:
        self._file, self._media = folder / FILE, folder / MEDIA

    def __iter__(self) -> Iterator[Sample]:
        """All samples in the order in which they were finished. Raises `LimnerError` for a line that is none."""
        for _, sample in self._lines():
            yield sample

    def open(self) -> Writer:
        """Go on writing: what a kill has cut is taken off first."""
        end = max((end for end, _ in self._lines()), default=0)
        self._media.mkdir(parents=True, exist_ok=True)
        return Writer(self._file, end)

    def forget(self, which: Callable[[Sample], bool]) -> None:
        """Take out the samples of which this is true, all or none of them."""
        if not self._file.exists():
            return
        draft = self._file.with_suffix(".draft")
        with draft.open("wb") as out, self._file.open("rb") as lines:
            for _, sample in self._lines():
                line = lines.readline()
                if not which(sample):
                    out.write(line)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, self._file)

    def keep(self, output: Output) -> tuple[tuple[Mapping[str, str], ...], ...]:
        """The answers with their images kept in files."""
        return tuple(tuple(self._kept(part) for part in turn) for turn in output.turns)

    def image(self, name: str) -> bytes:
        """The image of that sha256."""
        if not name.isalnum():
            raise LimnerError(f"{name!r} names no image of a run")
        return (self._media / name).read_bytes()

    def _kept(self, part: Content) -> Mapping[str, str]:
        if isinstance(part, str):
            return {"text": part}
        name = sha256(part)
        path = self._media / name
        if not path.exists():
            draft = path.with_suffix(".draft")
            draft.write_bytes(part)
            os.replace(draft, path)
        return {"image": name}

    def _lines(self) -> Iterator[tuple[int, Sample]]:
        """Samples, each with the byte where its line ends. The last line counts only where it is whole."""
        if not self._file.exists():
            return
        end = 0
        with self._file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    return
                end += len(line)
                try:
                    yield end, _sample(json.loads(line))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise LimnerError(f"{self._file}, line {number} is no sample: {error}") from None


class Writer:
    """Adds samples; each is on the disk when `add` returns."""

    def __init__(self, file: Path, end: int) -> None:
        self._out = file.open("r+b" if file.exists() else "w+b")
        self._out.truncate(end)
        self._out.seek(end)

    def add(self, sample: Sample) -> None:
        """Write a sample."""
        stated: dict[str, Any] = {name: getattr(sample, name) for name in Sample.__slots__ if name != "judged"}
        stated["judged"] = {
            name: {"values": dict(one.values), "failed": dict(one.failed), "reasons": dict(one.reasons)}
            for name, one in sample.judged.items()
        }
        self._out.write(json.dumps(stated, ensure_ascii=False, default=dict).encode("utf-8", "replace") + b"\n")
        self._out.flush()
        os.fsync(self._out.fileno())

    def close(self) -> None:
        """No more."""
        self._out.close()


def _sample(held: dict[str, Any]) -> Sample:
    held["turns"] = tuple(tuple(turn) for turn in held["turns"])
    held["likelihoods"] = tuple(held["likelihoods"])
    held["judged"] = {name: Judged(**one) for name, one in held["judged"].items()}
    return Sample(**held)
