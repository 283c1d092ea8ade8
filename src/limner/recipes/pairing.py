"""What recipes on pairs of pictures and texts share: how far down the right picture is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from limner.experts.onnx import Floats


def ranks(texts: Floats, images: Floats, names: Sequence[str]) -> NDArray[np.intp]:
    """How many wrong pictures are more like each text than its own (N numbers): texts and images are N x D, a pair a row; all pictures whose
    text has the same name are right for it."""
    scores = texts @ images.T
    number = np.unique(np.asarray(names), return_inverse=True)[1]
    right = number[:, None] == number[None]
    best = np.where(right, scores, -np.inf).max(axis=1)
    return ((scores > best[:, None]) & ~right).sum(axis=1)


def by_group(values: Floats, groups: Sequence[str]) -> Floats:
    """The mean of the values of each group, so that a document with many pictures counts once."""
    number = np.unique(np.asarray(groups), return_inverse=True)[1]
    return (np.bincount(number, values) / np.bincount(number)).astype(np.float32)
