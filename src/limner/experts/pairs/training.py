"""Training the towers: InfoNCE over pairs (van den Oord et al. 2018, arXiv 1807.03748; both ways as in ALIGN, Jia et al. 2021, arXiv 2102.05918)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from limner.experts.onnx import Floats
from limner.experts.pairs.towers import Tower


@dataclass(frozen=True)
class Training:
    """How towers are trained: the first `components` of features in, `width` numbers out, `hidden` in between; `steps` of `batch` pairs with
    AdamW."""

    components: int = 384
    width: int = 256
    hidden: int = 512
    steps: int = 800
    batch: int = 512
    rate: float = 1e-3
    decay: float = 0.1
    dropout: float = 0.4
    warm: int = 100


class _Net(nn.Module):
    """A tower over the first components of features, which are found once."""

    def __init__(self, features: Floats, given: Training) -> None:
        super().__init__()
        self.mean, self.scale = features.mean(0), 1 / np.maximum(features.std(0), 1e-2)
        spread = np.cov(((features - self.mean) * self.scale).T)
        self.basis = np.linalg.eigh(spread)[1][:, ::-1][:, : given.components].astype(np.float32)
        self.drop = nn.Dropout(given.dropout)
        self.first, self.second = nn.Linear(self.basis.shape[1], given.hidden), nn.Linear(given.hidden, given.width)

    def components(self, features: Floats) -> Tensor:
        return torch.from_numpy(((features - self.mean) * self.scale) @ self.basis)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.drop(x))
        return functional.normalize(self.second(self.drop(functional.gelu(x, approximate="tanh"))), dim=-1)

    def tower(self) -> Tower:
        first, *rest = (
            np.ascontiguousarray(s.detach().numpy())
            for s in (self.first.weight.T, self.first.bias, self.second.weight.T, self.second.bias)
        )
        return Tower(self.mean, self.scale, self.basis @ first, *rest)


def train(
    images: Floats, texts: Sequence[Floats], concepts: Sequence[str], given: Training = Training(), seed: int = 0
) -> tuple[Tower, Tower]:
    """Towers of images and of texts. `images` are N x F; `texts` are one or more wordings of each, N x E; one is drawn every time. Pairs of a
    concept are no negatives of each other. The same seed gives the same towers on the same machine."""
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    one, two = _Net(images, given), _Net(np.concatenate(list(texts)), given)
    x, ys = one.components(images), torch.stack([two.components(t) for t in texts])
    number: NDArray[np.int64] = np.unique(np.asarray(concepts), return_inverse=True)[1]
    groups = torch.from_numpy(number)
    heat = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
    parameters = [*one.parameters(), *two.parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": parameters, "weight_decay": given.decay}, {"params": [heat], "weight_decay": 0.0}], given.rate
    )
    ends = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, given))
    order = np.empty(0, np.int64)
    for _ in range(given.steps):
        while len(order) < given.batch:
            order = np.concatenate([order, draw.permutation(len(images))])
        rows, order = torch.from_numpy(order[: given.batch]), order[given.batch :]
        wording = torch.from_numpy(draw.integers(len(texts), size=len(rows)))
        a, b = one(x[rows]), two(ys[wording, rows])
        scores = a @ b.T * heat.exp().clamp(max=100)
        same = groups[rows][:, None] == groups[rows][None]
        scores = scores.masked_fill(same & ~torch.eye(len(rows), dtype=torch.bool), -1e4)
        target = torch.arange(len(rows))
        loss = (functional.cross_entropy(scores, target) + functional.cross_entropy(scores.T, target)) / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ends.step()
    return one.tower(), two.tower()


def _rate(step: int, given: Training) -> float:
    if step < given.warm:
        return (step + 1) / given.warm
    return 0.5 * (1 + math.cos(math.pi * (step - given.warm) / max(given.steps - given.warm, 1)))
