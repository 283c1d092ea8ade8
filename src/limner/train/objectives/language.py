"""What teaches a model words: the next one, or those that are hidden. Sums, to be divided by how many labels count.

T tokens in a line, of any number of sequences, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from limner.models.sequence import IGNORED


def likelihood(logits_TV: Tensor, labels_T: Tensor, weight_T: Tensor | None = None, calm: float = 0.0) -> Tensor:
    """-sum_t w_t log softmax(logits_t)[label_t] over labels that are not IGNORED, in nats: the next token's where labels are
    shifted, hidden tokens' where they are of `hidden`. `calm` adds that times (log sum exp(logits_t))^2, which keeps logits
    near zero (z-loss: Chowdhery et al. 2022, arXiv 2204.02311, section 5; Chameleon, arXiv 2405.09818, section 2.3.1)."""
    at = labels_T != IGNORED
    with torch.autocast(logits_TV.device.type, enabled=False):
        logits = logits_TV[at].float()
        whole = logits.logsumexp(-1)
        told = logits.gather(-1, labels_T[at][:, None])[:, 0]
        loss = whole - told + calm * whole.square()
        return (loss if weight_T is None else loss * weight_T[at]).sum()


def shifted(ids_T: Tensor, sequence_T: Tensor) -> Tensor:
    """The label of each token, which is the next of its sequence; the last one's is IGNORED.

    >>> shifted(torch.tensor([5, 6, 7, 8]), torch.tensor([0, 0, 1, 1])).tolist()
    [6, -100, 8, -100]
    """
    following = ids_T.roll(-1)
    ends = sequence_T != sequence_T.roll(-1)
    ends[-1:] = True
    return following.masked_fill(ends, IGNORED)


def hidden(
    ids: Tensor, able: Tensor, mask: int, vocabulary: int, share: float = 0.15, chance: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """What a masked model is given, and its labels: of the tokens that are `able`, each is chosen with probability `share`; of
    the chosen 80 % become `mask`, 10 % a random token, 10 % stay (BERT, Devlin et al. 2018, arXiv 1810.04805, section 3.1). Any
    shape."""

    def drawn() -> Tensor:
        return torch.rand(ids.shape, generator=chance).to(ids.device)

    chosen = (drawn() < share) & able
    how = drawn()
    other = torch.randint(vocabulary, ids.shape, generator=chance).to(ids.device)
    given = torch.where(chosen & (how < 0.8), mask, ids)
    given = torch.where(chosen & (how >= 0.9), other, given)
    return given, ids.masked_fill(~chosen, IGNORED)
