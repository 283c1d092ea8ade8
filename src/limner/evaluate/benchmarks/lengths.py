"""How long a context of text and images is, in tokens: text by a tokenizer, images by their patches.

An image counts as many tokens as there are squares of 28 pixels in it, each side rounded: patches of 14 pixels of which two by two become one, as
Qwen2.5-VL has them and MMLongBench counts (arXiv 2505.10610; the authors' note on counting).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.corpus.probe import probe
from limner.errors import MissingExtra
from limner.evaluate.benchmark import BenchmarkError, Piece, read

PATCH, MERGED = 14, 2

_PIECES = re.compile(
    r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\d_\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff]{1,8}|\d|[^\w\s]|_"
)


@dataclass(frozen=True, slots=True)
class Counting:
    """A way to count the tokens of text, and its name: lengths by another are others."""

    name: str
    count: Callable[[str], int]


def by_rule() -> Counting:
    """Without a tokenizer: stretches of at most eight letters, digits, marks, and letters of scripts without spaces. On the GIMP
    manual in English that is nine tenths of what SmolLM2's tokenizer counts; the same on every machine.

    >>> by_rule().count("Tokenizers count 128 things.")
    8
    """
    return Counting("rule: stretches of 8 letters", lambda text: sum(1 for _ in _PIECES.finditer(text)))


def by_tokenizer(file: Path) -> Counting:
    """By a `tokenizer.json` of Hugging Face's tokenizers; its name holds the file's hash. Raises `BenchmarkError` for another file."""
    try:
        tokenizers: Any = importlib.import_module("tokenizers")
    except ImportError:
        raise MissingExtra("models", "tokenizers", "counting tokens by a tokenizer") from None
    from limner.evaluate.benchmarks.files import digest

    try:
        loaded = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # noqa: BLE001 - tokenizers raises bare Exceptions
        raise BenchmarkError(f"{file} is not a tokenizer: {error}") from None
    return Counting(f"tokenizer {digest(file)[:16]}", lambda text: len(loaded.encode(text, add_special_tokens=False).ids))


def image_tokens(width: int, height: int) -> int:
    """The tokens of an image of so many pixels.

    >>> image_tokens(560, 280), image_tokens(10, 10)
    (200, 1)
    """
    side = PATCH * MERGED
    return max(1, round(width / side)) * max(1, round(height / side))


def tokens(pieces: Iterable[Piece], counting: Counting) -> int:
    """The tokens of pieces, each counted by itself. Raises `BenchmarkError` for an image whose size cannot be read."""
    total = 0
    for piece in pieces:
        if isinstance(piece, str):
            total += counting.count(piece)
        else:
            size = probe(read(piece) if isinstance(piece, Path) else piece)
            if not size.width or not size.height:
                raise BenchmarkError(f"{piece if isinstance(piece, Path) else 'an image'} has no size that can be read")
            total += image_tokens(size.width, size.height)
    return total
