"""The port to readers of text in pixels (OCR), and the one that comes with the extra `ocr`.

`bundled:rapidocr`   PP-OCRv6 small (Apache-2.0; https://github.com/PaddlePaddle/PaddleOCR) as ONNX, run by rapidocr: Chinese,
                     Japanese, English and most languages in Latin letters. Its weights lie in rapidocr's wheel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np

from limner.corpus.pixels import Pixels
from limner.errors import ExpertError, MissingExtra
from limner.experts.address import resolve

DEFAULT = "bundled:rapidocr"

_LEAST_SIDE = 8
"""Pixels: nothing can be read in an image that is narrower or lower."""
_LEAST_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in an image. `box` is left, top, right, bottom in pixels, `words` are its words with where each begins and ends
    across the image, `score` is how sure the reader is of it (0-1)."""

    text: str
    box: tuple[float, float, float, float]
    score: float
    words: tuple[tuple[str, float, float], ...]


class Ocr(Protocol):
    """The text in images."""

    def read(self, images: Sequence[Pixels]) -> list[list[Line]]:
        """The lines of each image (height x width x 3 bytes, RGB), from the top; none where there is no text."""
        ...


def ocr(address: str = DEFAULT) -> Ocr:
    """The reader at `address`, made once a process. Raises `ExpertError` for an address nobody serves, `MissingExtra` where its
    packages are not installed."""
    return cast("Ocr", resolve("ocr", address))


def bundled(rest: str) -> Ocr:
    """The readers that come with limner: `rapidocr`."""
    if rest != "rapidocr":
        raise ExpertError(f"no bundled reader of text in images is called {rest!r}: write {DEFAULT}")
    return RapidOcr()


class RapidOcr:
    """Detects lines, turns those that stand on their head, and reads them; on one thread (the runner has a process a core)."""

    def __init__(self) -> None:
        try:
            from rapidocr import RapidOCR  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise MissingExtra("ocr", "rapidocr", f"the reader of text in images {DEFAULT}") from None
        runtime = "EngineConfig.onnxruntime"
        self._engine: Any = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": _LEAST_SCORE,
                f"{runtime}.intra_op_num_threads": 1,
                f"{runtime}.inter_op_num_threads": 1,
            }
        )

    def read(self, images: Sequence[Pixels]) -> list[list[Line]]:
        """See `Ocr`."""
        return [self._one(pixels) for pixels in images]

    def _one(self, pixels: Pixels) -> list[Line]:
        if min(pixels.shape[:2]) < _LEAST_SIDE:
            return []
        # It takes what OpenCV reads: blue, green, red.
        found = self._engine(np.ascontiguousarray(pixels[:, :, ::-1]), return_word_box=True)
        if found.boxes is None or not found.txts:
            return []
        words = found.word_results or [()] * len(found.txts)
        lines = [
            _line(text, box, score, each)
            for text, box, score, each in zip(found.txts, found.boxes, found.scores, words, strict=True)
            if text.strip()
        ]
        return sorted(lines, key=lambda line: (line.box[1], line.box[0]))


def _line(text: str, corners: Any, score: float, words: Any) -> Line:
    box = (_least(corners, 0), _least(corners, 1), _most(corners, 0), _most(corners, 1))
    placed = tuple((word, _least(at, 0), _most(at, 0)) for word, _, at in words if at is not None and word.strip())
    text = " ".join(text.split())
    # Where a word is, is told by the columns of the model's output that are sure of its letters; what has none is left out.
    if "".join(word for word, _, _ in placed) != text.replace(" ", ""):
        placed = _spread(text, box[0], box[2])
    return Line(text, box, float(score), placed)


def _spread(text: str, left: float, right: float) -> tuple[tuple[str, float, float], ...]:
    """Words with places by their share of the line's letters."""
    step = (right - left) / max(len(text), 1)
    out: list[tuple[str, float, float]] = []
    at = 0
    for word in text.split():
        out.append((word, left + at * step, left + (at + len(word)) * step))
        at += len(word) + 1
    return tuple(out)


def _least(corners: Any, axis: int) -> float:
    return float(min(corner[axis] for corner in corners))


def _most(corners: Any, axis: int) -> float:
    return float(max(corner[axis] for corner in corners))
