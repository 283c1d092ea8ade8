"""Ids and hashes as 64-bit keys: unlike strings get unlike keys, and those that begin with the same hexadecimal digits lie
side by side.

The low half of a key is a hash of the whole string. The high half is its first eight hexadecimal digits, so that a range of
keys is a prefix; of a string that is none (ids of imported corpora), it is hash too.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

VERSION = 2
"""Of how keys are made: index files of another version are not read."""

DIGITS = 8
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_NIBBLE = np.full(256, 255, np.uint8)
_NIBBLE[[ord(c) for c in _HEXADECIMAL]] = [int(c, 16) for c in _HEXADECIMAL]
_LOW = 2**32 - 1
_MASK = 2**64 - 1

# Odd constants of splitmix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2714064.2660195).
_START, _STEP, _LAST = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def key64(text: str) -> int:
    """The key of one string.

    >>> hex(key64("c0ffee00c0ffee00"))[:10], key64("1") != key64("10") != key64("100")
    ('0xc0ffee00', True)
    """
    data = text.encode("utf-8", "surrogatepass")
    hashed = (_START * (len(data) + 1)) & _MASK
    for word in struct.unpack(f"<{-(-len(data) // 8)}Q", data + bytes(-len(data) % 8)):
        hashed = (hashed ^ word) * _STEP & _MASK
        hashed ^= hashed >> 31
    hashed = hashed * _LAST & _MASK
    hashed ^= hashed >> 31
    if text and _HEXADECIMAL.issuperset(text):
        return int(text[:DIGITS].ljust(DIGITS, "0"), 16) << 32 | hashed & _LOW
    return hashed


def keys64(texts: Sequence[str] | pa.Array | pa.ChunkedArray) -> np.ndarray:
    """The keys of many strings, those of one length at a time."""
    given: Any = texts
    chunks: list[Any] = given.chunks if isinstance(texts, pa.ChunkedArray) else [pa.array(given, pa.string())]
    column: Any = pa.concat_arrays(chunks or [pa.array([], pa.string())])
    keys = np.zeros(len(column), np.uint64)
    if not len(column):
        return keys
    buffer = column.buffers()[2]
    data = np.frombuffer(buffer, np.uint8) if buffer is not None else np.empty(0, np.uint8)
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset :][: len(column) + 1].astype(np.int64)
    lengths = np.diff(offsets)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        keys[rows] = _of_one_length(data, offsets[rows], length)
    return keys


def _of_one_length(data: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    padded = np.zeros((len(starts), -(-length // 8) * 8), np.uint8)
    first_byte = int(starts[0])
    if int(starts[-1]) - first_byte == (len(starts) - 1) * length:  # side by side: all ids are of this length, as most are
        padded[:, :length] = data[first_byte : first_byte + len(starts) * length].reshape(len(starts), length)
    else:
        padded[:, :length] = data[starts[:, None] + np.arange(length)]
    shift = np.uint64(31)
    hashed = np.full(len(starts), _START * (length + 1) & _MASK, np.uint64)
    for word in padded.view("<u8").T if length else ():
        hashed = (hashed ^ word) * np.uint64(_STEP)
        hashed ^= hashed >> shift
    hashed *= np.uint64(_LAST)
    hashed ^= hashed >> shift
    is_hexadecimal = np.full(len(starts), length > 0)
    for place in range(length):
        is_hexadecimal &= _NIBBLE[padded[:, place]] < 16
    first = np.zeros(len(starts), np.uint64)
    for place in range(DIGITS):
        digit = _NIBBLE[padded[:, place]].astype(np.uint64) if place < length else np.uint64(0)
        first = first << np.uint64(4) | digit
    return np.where(is_hexadecimal, first << np.uint64(32) | hashed & np.uint64(_LOW), hashed)


def keys_starting(prefix: str) -> tuple[int, int] | None:
    """The least and the greatest key of strings that begin with these hexadecimal digits (of which eight tell); None for what
    are none."""
    if not prefix or not _HEXADECIMAL.issuperset(prefix):
        return None
    digits = prefix[:DIGITS]
    return int(digits.ljust(DIGITS, "0"), 16) << 32, int(digits.ljust(DIGITS, "f"), 16) << 32 | _LOW
