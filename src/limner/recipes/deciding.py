"""Deciding between two ways from features, judged on groups that were not learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

_FOLDS = 5
_STEPS = 500


@dataclass(frozen=True, eq=False)
class Decided:
    """What was decided for each of N cases: by a linear layer on all features, by a threshold on the last of them, and always as most cases are."""

    learned: NDArray[np.bool_]
    threshold: NDArray[np.bool_]
    most: NDArray[np.bool_]


def crossed(features_NF: Tensor, right: NDArray[np.bool_], groups: NDArray[np.intp], seed: int) -> Decided:
    """Decide each case by what was learned from the cases of other groups, a fifth of them left out at a time. The layer has dropout of a half before
    it (GILL's decision model). Raises `ValueError` for fewer cases than there are fifths."""
    if len(right) < _FOLDS:
        raise ValueError(f"{len(right)} cases are too few for {_FOLDS} parts")
    number = np.unique(groups, return_inverse=True)[1]
    folds = np.random.default_rng([seed, 2]).permutation(number.max() + 1)[number] % _FOLDS
    found = Decided(*(np.zeros(len(right), np.bool_) for _ in range(3)))
    for fold in range(_FOLDS):
        own, rest = folds == fold, folds != fold
        found.learned[own] = _learned(features_NF[rest], right[rest], features_NF[own])
        score = features_NF[:, -1].numpy()
        ends = np.quantile(score[rest], np.linspace(0, 1, 41))
        best = max(ends, key=lambda end: float(np.mean((score[rest] > end) == right[rest])))
        found.threshold[own], found.most[own] = score[own] > best, right[rest].mean() > 0.5
    return found


def _learned(features_NF: Tensor, right: NDArray[np.bool_], asked_NF: Tensor) -> NDArray[np.bool_]:
    middle, scale = features_NF.mean(0), features_NF.std(0, correction=0).clamp(min=1e-4)
    x, truth = (features_NF - middle) / scale, torch.from_numpy(right).float()
    layer, drop = nn.Linear(x.shape[1], 1), nn.Dropout(0.5)
    # From zeros, so that what no case speaks for stays out of the decision.
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.AdamW(layer.parameters(), 1e-2, weight_decay=0.1)
    for _ in range(_STEPS):
        loss = functional.binary_cross_entropy_with_logits(layer(drop(x))[:, 0], truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        return (layer((asked_NF - middle) / scale)[:, 0] > 0).numpy()
