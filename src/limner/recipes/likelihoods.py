"""How likely models of interleaved sequences find what they are shown: by sequence, and whether a picture's own text more than others'."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from limner.models.interleaved import Interleaved
from limner.models.sequence import IGNORED, collate, packs
from limner.models.sequence import Sequence as Whole

Floats = NDArray[np.float32]


@torch.inference_mode()
def nats(model: Interleaved, sequences: Sequence[Whole], channels: int = 0, tokens: int = 8_192) -> Floats:
    """Of each sequence, the sum of nats of the tokens that count and the number of these: N x 2."""
    device = next(model.parameters()).device
    found = np.zeros((len(sequences), 2), np.float32)
    for rows in packs([len(whole) for whole in sequences], tokens):
        batch = collate([sequences[i] for i in rows], channels).to(device)
        at_T = batch.labels_T != IGNORED
        lost_T = functional.cross_entropy(model.logits(model.states(batch)[at_T]).float(), batch.labels_T[at_T], reduction="none")
        of_T = batch.sequence_T[at_T]
        sums = torch.zeros(len(rows), 2, device=device)
        sums.index_add_(0, of_T, torch.stack([lost_T, torch.ones_like(lost_T)], 1))
        found[rows] = sums.cpu().numpy()
    return found


def fits(
    model: Interleaved,
    told: Callable[[int, int], Whole],
    alone: Callable[[int], Whole],
    texts: Sequence[str],
    others: int,
    seed: int,
    channels: int = 0,
) -> Floats:
    """Of each picture, the percentage of `others` texts, drawn, that its pixels make less likely than its own (50: chance). `told(i, j)` is text j
    after picture i, `alone(j)` text j after nothing: how much likelier a picture makes a text is what counts."""
    draw = np.random.default_rng([seed, len(texts)])
    names = np.unique(texts, return_inverse=True)[1]
    asked = [[i, *draw.permutation(np.flatnonzero(names != names[i]))[:others]] for i in range(len(texts))]
    plain = nats(model, [alone(j) for j in range(len(texts))], channels)[:, 0]
    told_ = nats(model, [told(i, int(j)) for i, row in enumerate(asked) for j in row], channels)[:, 0]
    gains, at = np.zeros(len(texts), np.float32), 0
    for i, row in enumerate(asked):
        gain = plain[row] - told_[at : at + len(row)]
        gains[i], at = 100 * np.mean(gain[0] > gain[1:]), at + len(row)
    return gains
