"""Vector quantisation: every token becomes the nearest entry of a learned codebook.

van den Oord et al. 2017, arXiv 1711.00937 (equations 1-3; the codebook by moving averages, appendix A.1); entries and tokens of length one as
in ViT-VQGAN (Yu et al. 2021, arXiv 2110.04627, section 3.2), where the few channels of a codebook are a linear layer's, which is the
autoencoder's here. An entry that is hardly used takes the place of a token of the batch (Williams et al. 2020, arXiv 2002.08111, section 4.2.2).

N images, P tokens of an image, T = NP tokens, C channels, V entries, W ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from limner.models.tokenizers.latents import Latents, straight_through


@dataclass(frozen=True)
class CodebookSettings:
    """A codebook of `size` entries of `width` channels.

    `normalised`  entries and tokens have length one, so that the nearest is the one at the smallest angle
    `update`      `average`: entries are moving averages of their tokens; `loss`: they are parameters (see `train.objectives.codebook`).
                  Under FSDP take `average`, whose entries are a buffer that every rank holds whole
    `decay`       of moving averages, and of the count of uses
    `revive`      an entry used less than this share of a V-th of the tokens is given anew; 0 for never
    """

    size: int = 1024
    width: int = 8
    normalised: bool = True
    update: Literal["average", "loss"] = "average"
    decay: float = 0.99
    revive: float = 0.05


class VectorQuantiser(nn.Module):
    """A codebook. In training its statistics follow the tokens of all ranks; a forward pass of no tokens takes part in that.

    Takes and gives `width` channels. `used_V` is the moving count of uses.
    """

    entries_VC: Tensor
    sums_VC: Tensor
    used_V: Tensor

    def __init__(self, settings: CodebookSettings = CodebookSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.inputs = self.width = settings.width
        self.books = (settings.size,)
        first = torch.randn(settings.size, settings.width)
        first = functional.normalize(first, dim=-1) if settings.normalised else first / settings.width**0.5
        if settings.update == "loss":
            self.entries_VC = nn.Parameter(first)
        else:
            self.register_buffer("entries_VC", first)
        # Every entry begins as if it had been used its fair share once, so that none is given up in the first steps.
        self.register_buffer("used_V", torch.ones(settings.size))
        self.register_buffer("sums_VC", first.clone())

    def forward(self, tokens_NPC: Tensor) -> Latents:
        """Tokens to their nearest entries."""
        with torch.autocast(tokens_NPC.device.type, enabled=False):
            tokens = self._placed(tokens_NPC.float())
            flat_TC = tokens.reshape(-1, self.width)
            entries_VC = self._placed(self.entries_VC.float())
            codes_T = nearest(flat_TC.detach(), entries_VC.detach())
            nearest_NPC = functional.embedding(codes_T, entries_VC).view_as(tokens)
            if self.training:
                self._follow(flat_TC.detach(), codes_T)
            vectors = straight_through(nearest_NPC.detach(), tokens)
        return Latents(vectors, codes_T.view(*tokens.shape[:-1], 1), tokens, nearest_NPC)

    def lookup(self, codes_NPG: Tensor) -> Tensor:
        """See `Quantiser`."""
        return functional.embedding(codes_NPG[..., 0], self._placed(self.entries_VC.float()))

    def _placed(self, x: Tensor) -> Tensor:
        return functional.normalize(x, dim=-1) if self.settings.normalised else x

    @torch.no_grad()
    def _follow(self, flat_TC: Tensor, codes_T: Tensor) -> None:
        """Count uses, move averages, revive what is dead."""
        given = self.settings
        uses_V = torch.bincount(codes_T, minlength=given.size).float()
        sums_VC = torch.zeros_like(self.sums_VC).index_add_(0, codes_T, flat_TC)
        if _ranks() > 1:
            distributed.all_reduce(uses_V)
            distributed.all_reduce(sums_VC)
        total = float(uses_V.sum())
        if not total:
            return
        # In units of a fair share: 1 is an entry that is used as often as the mean.
        share = given.size / total
        self.used_V.lerp_(uses_V * share, 1 - given.decay)
        if given.update == "average":
            self.sums_VC.lerp_(sums_VC * share, 1 - given.decay)
            # An entry that was not used stays: its sum and its count shrink alike, until both are too small to divide.
            moved_VC = self._placed(self.sums_VC / self.used_V.clamp(min=1e-6)[:, None])
            self.entries_VC.copy_(torch.where(self.used_V[:, None] > 1e-6, moved_VC, self.entries_VC))
        dead_V = self.used_V < given.revive
        if given.revive and bool(dead_V.any()):
            fresh_VC = _drawn(flat_TC, given.size)
            self.entries_VC.data[dead_V] = fresh_VC[dead_V]
            self.sums_VC[dead_V] = fresh_VC[dead_V]
            self.used_V[dead_V] = 1.0


def nearest(tokens_TC: Tensor, entries_VC: Tensor) -> Tensor:
    """The number of the entry at the smallest distance from each token: T. The distance is squared and leaves out what all entries share."""
    return (entries_VC.square().sum(-1) - 2 * tokens_TC @ entries_VC.T).argmin(-1)


def _ranks() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def _drawn(flat_TC: Tensor, count: int) -> Tensor:
    """Tokens drawn with replacement from all ranks', the same on each: `count` x C. At least one rank has tokens."""
    here = len(flat_TC)
    drawn = (
        flat_TC[torch.randint(max(here, 1), (count,), device=flat_TC.device)]
        if here
        else flat_TC.new_zeros(count, flat_TC.shape[1])
    )
    if _ranks() == 1:
        return drawn
    have_W = [torch.zeros(1, device=flat_TC.device) for _ in range(_ranks())]
    all_WVC = [torch.empty_like(drawn) for _ in have_W]
    distributed.all_gather(have_W, flat_TC.new_full((1,), float(here > 0)))
    distributed.all_gather(all_WVC, drawn)
    full = torch.stack([x for x, have in zip(all_WVC, have_W, strict=True) if bool(have)])
    at = torch.arange(count, device=flat_TC.device)
    return full[at % len(full), at]
