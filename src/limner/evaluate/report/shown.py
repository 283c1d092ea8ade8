"""Samples as they read: what was asked, what was answered and what the authors answered, texts and images in order.

What is shown comes from files and models: texts are escaped by the template, images are drawn anew, small.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from limner.corpus.pixels import thumbnail
from limner.errors import LimnerError
from limner.evaluate.benchmark import Benchmark, Item, Piece, contents
from limner.evaluate.samples import Sample, Samples
from limner.experts.language import Content

SIDE = 320
_TEXT = 4_000
_PARTS = 40


@dataclass(frozen=True)
class Shown:
    """A sample; parts are {"text": ...} or {"image": a data URI}. Where the benchmark's files are not here `asked` says so."""

    sample: Sample
    asked: Sequence[Sequence[Mapping[str, str]]]
    answered: Sequence[Sequence[Mapping[str, str]]]
    reference: Sequence[Mapping[str, str]]
    choices: Sequence[Sequence[Mapping[str, str]]]


def shown(wanted: Iterable[Sample], samples: Samples, benchmark: Benchmark | None, data: Path | None) -> list[Shown]:
    """The samples in their order, each with its item."""
    wanted = list(wanted)
    items, why = _items({sample.id for sample in wanted}, benchmark, data)
    return [_shown(sample, samples, items.get(sample.id), why) for sample in wanted]


def _items(ids: set[str], benchmark: Benchmark | None, data: Path | None) -> tuple[dict[str, Item], str]:
    """The items of these ids, and why others are not there."""
    found: dict[str, Item] = {}
    if benchmark is None:
        return found, "its benchmark is not known here"
    try:
        for item in benchmark.items(data):
            if item.id in ids:
                found[item.id] = item
                if len(found) == len(ids):
                    break
    except LimnerError as error:  # the run's own files hold all scores and answers
        return found, str(error)
    return found, "its benchmark has no such item here"


def _shown(sample: Sample, samples: Samples, item: Item | None, why: str) -> Shown:
    answered = [[_answer(part, samples) for part in turn[:_PARTS]] for turn in sample.turns]
    if item is None:
        return Shown(sample, [[{"text": f"[what was asked is not shown: {why}]"}]], answered, (), ())
    asked = [_pieces(turn) for turn in item.turns]
    return Shown(sample, asked, answered, _pieces(item.reference), [_pieces(choice) for choice in item.choices])


def _pieces(pieces: Sequence[Piece]) -> list[dict[str, str]]:
    out: list[dict[str, str]] = []
    for piece in pieces[:_PARTS]:
        try:
            out += [_part(content) for content in contents([piece])]
        except LimnerError as error:
            out.append({"text": f"[{error}]"})
    if len(pieces) > _PARTS:
        out.append({"text": f"[… {len(pieces) - _PARTS} more parts]"})
    return out


def _answer(part: Mapping[str, str], samples: Samples) -> dict[str, str]:
    return _part(part["text"] if "text" in part else samples.image(part["image"]))


def _part(content: Content) -> dict[str, str]:
    if isinstance(content, str):
        return {"text": content if len(content) <= _TEXT else f"{content[:_TEXT]} [… {len(content) - _TEXT:,} more characters]"}
    try:
        return {"image": picture(content)}
    except LimnerError as error:
        return {"text": f"[a picture that cannot be shown: {error}]"}


def picture(data: bytes) -> str:
    """A small copy as a data URI. Raises `MediaError` for what is no image."""
    out = io.BytesIO()
    small: Any = thumbnail(data, SIDE)
    Image.fromarray(small).convert("RGB").save(out, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"
