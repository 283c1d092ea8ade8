"""Two small networks that put features of images and of sentences in one space: numbers in a file, run by NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from limner.errors import ExpertError
from limner.experts.encoder import unit
from limner.experts.onnx import Floats

NAMES = ("mean", "scale", "first", "first_bias", "second", "second_bias")


@dataclass(frozen=True)
class Tower:
    """Features F are scaled (`mean`, `scale`: F), go through a layer (`first`: F x H) with GELU and another (`second`: H x D)."""

    mean: Floats
    scale: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats

    def __call__(self, features: Floats) -> Floats:
        """N x F to N x D, rows of length one."""
        x = (features - self.mean) * self.scale
        return unit(
            np.asarray(
                gelu(np.asarray(x @ self.first + self.first_bias, np.float32)) @ self.second + self.second_bias, np.float32
            )
        )


def gelu(x: Floats) -> Floats:
    """Hendrycks and Gimpel 2016, arXiv 1606.08415, by its approximation with tanh."""
    return np.asarray(0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), np.float32)


def save(path: Path, images: Tower, texts: Tower) -> None:
    """Both in one file, in half precision."""
    arrays = {
        f"{side}.{name}": getattr(tower, name).astype(np.float16)
        for side, tower in (("images", images), ("texts", texts))
        for name in NAMES
    }
    with path.open("wb") as out:
        np.savez_compressed(out, **arrays)


def load(path: Path) -> tuple[Tower, Tower]:
    """The towers of images and of texts in a file; nothing is unpickled. Raises `ExpertError` for another file."""
    try:
        with np.load(path, allow_pickle=False) as found:
            arrays: Mapping[str, Floats] = {name: found[name].astype(np.float32) for name in found.files}
        images, texts = (Tower(**{name: arrays[f"{side}.{name}"] for name in NAMES}) for side in ("images", "texts"))
    except (OSError, ValueError, KeyError) as error:
        raise ExpertError(f"{path} has no towers: {error}") from error
    return images, texts
