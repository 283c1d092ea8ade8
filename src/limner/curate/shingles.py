"""Text to numbers: words, runs of words and whole texts as 64-bit hashes, all in numpy, without a Python object a word.

A text is normalised (Unicode NFKC, lower case, and by setting every digit alike), cut into words by Unicode class,
and every word is hashed at once: over an array of per-character random numbers r, the sums of r[c] * P^i up to each
position give, by one subtraction and one multiplication modulo 2^64, the polynomial hash of any stretch. Writing
systems without spaces (Han, kana, Thai, Lao, Khmer, Burmese) give one word a character.
"""

from __future__ import annotations

import hashlib
import sys
import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
"""One 64-bit hash a word, in order."""

_P = 0x9E3779B97F4A7C15 | 1
_P_INVERSE = pow(_P, -1, 1 << 64)
_SEPARATOR, _WORD, _ALONE = 0, 1, 2
_BLOCK = 1 << 16

_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),
    (0x3040, 0x30FF),  # kana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


@cache
def _classes() -> NDArray[np.uint8]:
    """The class of every code point. Letters, marks and digits are words; the rest separates."""
    classes = np.zeros(sys.maxunicode + 1, np.uint8)
    for code in range(0x20000):
        if unicodedata.category(chr(code))[0] in "LMN":
            classes[code] = _WORD
    for low, high in _UNSPACED:
        part = classes[low : high + 1]
        part[(part == _WORD) | (low >= 0x20000)] = _ALONE
    return classes


@cache
def _random(digits: bool) -> Words:
    """A random odd number for every code point of the first two planes; with `digits` one for all decimal digits."""
    numbers = mix(np.arange(1, 0x20001, dtype=np.uint64)) | np.uint64(1)
    if digits:
        for code in range(0x20000):
            if unicodedata.category(chr(code)) == "Nd":
                numbers[code] = numbers[ord("0")]
    return numbers


@cache
def _powers() -> tuple[Words, Words]:
    with np.errstate(over="ignore"):
        up = np.cumprod(np.full(_BLOCK, _P, np.uint64), dtype=np.uint64)
        down = np.cumprod(np.full(_BLOCK, _P_INVERSE, np.uint64), dtype=np.uint64)
    return up, down


def mix(values: Words) -> Words:
    """Spread 64-bit numbers over all 64-bit numbers, one to one (the finaliser of SplitMix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def words(text: str, digits: bool = True) -> Words:
    """The hashes of the words of a text, in order. `digits`: every decimal digit counts as the same.

    >>> bool((words("Figure 12:  the Crop-Tool") == words("figure 34 -- the crop tool")).all())
    True
    """
    text = _normal(text)
    # Blocks bound the powers that are kept. One ends at a space: only a longer run without any is cut.
    parts: list[Words] = []
    start = 0
    while start < len(text):
        end = start + _BLOCK
        if end < len(text):
            space = text.rfind(" ", start + 1, end)
            end = space if space > 0 else end
        parts.append(_words(text[start:end], digits))
        start = end
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def _normal(text: str) -> str:
    if not text.isascii():
        # The no-break space is what most often keeps a text from being normal already, which is quick to see.
        text = text.replace("\u00a0", " ")
        if not unicodedata.is_normalized("NFKC", text):
            text = unicodedata.normalize("NFKC", text)
    return text.lower()


def _words(text: str, digits: bool) -> Words:
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kind = _classes()[codes]
    inside = kind != _SEPARATOR
    # A word starts at a word character after a separator or beside a character that stands alone.
    before = np.empty_like(kind)
    before[0], before[1:] = _SEPARATOR, kind[:-1]
    after = np.empty_like(kind)
    after[-1], after[:-1] = _SEPARATOR, kind[1:]
    starts = np.flatnonzero(inside & ((before != _WORD) | (kind == _ALONE)))
    ends = np.flatnonzero(inside & ((after != _WORD) | (kind == _ALONE)))
    if not len(starts):
        return np.empty(0, np.uint64)
    up, down = _powers()
    sums = np.empty(len(codes) + 1, np.uint64)
    sums[0] = 0
    np.cumsum(_random(digits)[codes & 0x1FFFF] * up[: len(codes)], out=sums[1:])
    return mix((sums[ends + 1] - sums[starts]) * down[starts])


def shingles(hashes: Words, length: int) -> Words:
    """A hash for every run of `length` words; one for the whole where there are fewer, none for none."""
    if not len(hashes):
        return hashes
    length = min(length, len(hashes))
    count = len(hashes) - length + 1
    total = hashes[:count].copy()
    for i in range(1, length):
        total *= np.uint64(_P)
        total += hashes[i : i + count]
    return mix(total)


def characters(text: str, length: int, digits: bool = True) -> Words:
    """A hash for every run of `length` characters of the normalised text, runs of separators counting as one."""
    text = _normal(text)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    if not len(codes):
        return np.empty(0, np.uint64)
    separator = _classes()[codes] == _SEPARATOR
    values = np.where(separator, np.uint64(1), _random(digits)[codes & 0x1FFFF])
    follows = np.zeros_like(separator)
    follows[1:] = separator[1:] & separator[:-1]
    return shingles(values[~follows], length)


def digest(hashes: Words) -> bytes:
    """Sixteen bytes that are equal for texts with the same words in the same order."""
    return hashlib.blake2b(hashes.tobytes(), digest_size=16).digest()
