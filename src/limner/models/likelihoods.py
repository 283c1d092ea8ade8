"""How likely a model holds sequences: the sum of the logarithms of the probabilities of what counts in each.

T tokens of a batch, S of them that are predicted, W vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Many
from dataclasses import replace

import torch
from torch.nn import functional

from limner.models.interleaved import Interleaved
from limner.models.sequence import IGNORED, Piece, Sequence, collate, packs

_BATCH = 4_096  # tokens run at a time, or the longest sequence
_AT_ONCE = 256  # tokens whose likelihoods over the vocabulary are held at a time


def unscored(sequence: Sequence) -> tuple[Piece, ...]:
    """The pieces of a sequence that is only the context of what is scored."""
    return tuple(replace(piece, loss=0.0) for piece in sequence.pieces)


@torch.inference_mode()
def likelihoods(model: Interleaved, sequences: Many[Sequence]) -> list[tuple[float, int]]:
    """For each sequence the sum of the natural logarithms of the probabilities of its tokens whose `loss` is not 0, and how many they are.
    The first token of a sequence and vectors have none."""
    lengths = [len(sequence) for sequence in sequences]
    found: dict[int, tuple[float, int]] = {}
    for batch in packs(lengths, max([_BATCH, *lengths])):
        found.update(zip(batch, _batch(model, [sequences[i] for i in batch]), strict=True))
    return [found[i] for i in range(len(sequences))]


def _batch(model: Interleaved, sequences: Many[Sequence]) -> Iterable[tuple[float, int]]:
    batch = collate(sequences).to(model.device)
    at_S = (batch.labels_T != IGNORED).nonzero()[:, 0]
    states_SD, labels_S = model.states(batch)[at_S], batch.labels_T[at_S]
    told: list[torch.Tensor] = []
    for states, labels in zip(states_SD.split(_AT_ONCE), labels_S.split(_AT_ONCE), strict=True):
        told_SW = functional.log_softmax(model.logits(states), -1, dtype=torch.float32)
        told.append(told_SW.gather(1, labels[:, None])[:, 0])
    # Summed in double precision: the sums of long images must not depend on how they are added up.
    sums = torch.zeros(len(sequences), dtype=torch.float64, device=at_S.device)
    of_S = batch.sequence_T[at_S]
    if told:
        sums.index_add_(0, of_S, torch.cat(told).double())
    counts = torch.bincount(of_S, minlength=len(sequences))
    return list(zip(sums.tolist(), counts.tolist(), strict=True))
