"""Tokens of images and of speech that take no training of a network: principal components of patches, and the nearest of k means.

R x S pixels of a picture, C channels, V entries, T frames, M bands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2, vq

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError

Floats = NDArray[np.float32]

RATE = 16_000
_HOP, _WINDOW, _BANDS = 640, 1024, 32  # 25 frames a second
_SAMPLE = 30_000  # rows that means are found of


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """V means of rows (k-means++, Arthur and Vassilvitskii 2007)."""

    entries_VC: Floats

    @classmethod
    def of(cls, rows: Floats, entries: int, seed: int = 0) -> Means:
        """Those of rows. Raises `LimnerError` where rows are fewer than entries."""
        if len(rows) < entries:
            raise LimnerError(f"{len(rows)} rows have no {entries} means")
        draw = np.random.default_rng(seed)
        some = rows if len(rows) <= _SAMPLE else rows[draw.choice(len(rows), _SAMPLE, replace=False)]
        found: Any = kmeans2
        return cls(np.asarray(found(some, entries, iter=20, minit="++", seed=draw)[0], np.float32))

    def __call__(self, rows: Floats) -> NDArray[np.int64]:
        """The number of the nearest of each row."""
        return vq(rows, self.entries_VC)[0].astype(np.int64)


class Patches:
    """Pictures as grids of patches, each of C components, which are found of pictures of one size."""

    def __init__(self, pictures: Sequence[Pixels], patch: int = 4, channels: int = 16) -> None:
        self.patch, self.channels = patch, channels
        rows = np.concatenate([self._cut(picture) for picture in pictures])
        self.mean = rows.mean(0)
        spread = np.cov((rows - self.mean).T)
        self.basis = np.ascontiguousarray(np.linalg.eigh(spread)[1][:, ::-1][:, :channels], np.float32)
        self.found = (rows - self.mean) @ self.basis

    def taken(self, pixels: Pixels) -> Floats:
        """Rows x columns x C components of a picture."""
        return ((self._cut(pixels) - self.mean) @ self.basis).reshape(*self._grid(pixels), -1)

    def shown(self, components: Floats) -> Pixels:
        """The picture of components."""
        rows, columns = components.shape[:2]
        cells = (components @ self.basis.T + self.mean).reshape(rows, columns, self.patch, self.patch, 3)
        whole = cells.swapaxes(1, 2).reshape(rows * self.patch, columns * self.patch, 3)
        return ((whole.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)

    def _grid(self, pixels: Pixels) -> tuple[int, int]:
        return pixels.shape[0] // self.patch, pixels.shape[1] // self.patch

    def _cut(self, pixels: Pixels) -> Floats:
        (rows, columns), p = self._grid(pixels), self.patch
        cells = pixels[: rows * p, : columns * p].reshape(rows, p, columns, p, 3).swapaxes(1, 2)
        return cells.reshape(rows * columns, -1).astype(np.float32) / 127.5 - 1


class PatchVectors:
    """Patches as vectors, each channel of a deviation of 1. An `ImageVectors`."""

    def __init__(self, patches: Patches) -> None:
        self.patches, self.channels = patches, patches.channels
        self.deviation = np.maximum(patches.found.std(0), 1e-4)

    def encoded(self, pixels: Pixels) -> Floats:
        """See `ImageVectors`."""
        return self.patches.taken(pixels) / self.deviation

    def decoded(self, vectors: Floats) -> Pixels:
        """See `ImageVectors`."""
        return self.patches.shown(vectors * self.deviation)


class PatchCodes:
    """Patches as the nearest of V means. An `ImageCodes`."""

    def __init__(self, patches: Patches, entries: int = 256, seed: int = 0) -> None:
        self.patches, self.entries = patches, entries
        self.means = Means.of(patches.found, entries, seed)

    def encoded(self, pixels: Pixels) -> NDArray[np.int64]:
        """See `ImageCodes`."""
        found = self.patches.taken(pixels)
        return self.means(found.reshape(-1, found.shape[2])).reshape(found.shape[:2])

    def decoded(self, codes: NDArray[np.int64]) -> Pixels:
        """See `ImageCodes`."""
        return self.patches.shown(self.means.entries_VC[codes])


def spectrum(samples: Floats) -> Floats:
    """T x M: the logarithm of how loud each band of the mel scale is, 25 times a second, about the recording's mean. Samples are mono at
    16 kHz."""
    padded = np.pad(samples.astype(np.float32), (0, max(_WINDOW - len(samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW))) ** 2
    loud = np.log(power @ _bands().T + 1e-6)
    return (loud - loud.mean(0)).astype(np.float32)


def _bands() -> Floats:
    """Triangles at even steps of the mel scale, M x frequencies (O'Shaughnessy 1987: 2595 log10(1 + f / 700))."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, _BANDS + 2) / 2595) - 1)
    at = np.fft.rfftfreq(_WINDOW, 1 / RATE)[None]
    low, middle, high = (edges[i : i + _BANDS, None] for i in range(3))
    return np.minimum((at - low) / (middle - low), (high - at) / (high - middle)).clip(0).astype(np.float32)
