"""The embedding of a continuous feature as a mixture of those of a codebook's entries, the nearer the more (Orthus, Kou et al. 2024, arXiv
2412.00127: the soft alternative to vector quantisation). A model that read codes reads features so from the first step on.

N features, C channels, V entries, D model width.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from limner.models.heads.vectors import Floats
from limner.models.tokenizers import SoftQuantiser, SoftSettings


class SoftEmbedding(nn.Module):
    """Of features that have been made to have `mean` 0 and `deviation` 1 (C each). It begins with `entries_VC`, and `embeddings_VD` of these. With
    a temperature towards 0 it is the embedding of the nearest entry."""

    mean_C: Tensor
    deviation_C: Tensor

    def __init__(
        self, entries_VC: Tensor, embeddings_VD: Tensor, spread: tuple[Floats, Floats], temperature: float = 0.07, normalised: bool = True
    ) -> None:  # fmt: skip
        super().__init__()
        self.soft = SoftQuantiser(SoftSettings(*entries_VC.shape, normalised=normalised, temperature=temperature))
        self.soft.entries_VC.data.copy_(entries_VC)
        self.embeddings_VD = nn.Parameter(embeddings_VD.detach().clone())
        for name, value in zip(("mean_C", "deviation_C"), spread, strict=True):
            self.register_buffer(name, torch.from_numpy(np.asarray(value, np.float32)))

    def forward(self, x_NC: Tensor) -> Tensor:
        """N x C to N x D."""
        weights_NV = self.soft.weights(x_NC.float() * self.deviation_C + self.mean_C)
        return weights_NV.to(self.embeddings_VD.dtype) @ self.embeddings_VD
