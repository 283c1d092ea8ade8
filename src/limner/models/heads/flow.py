"""Whole images denoised inside a sequence: all tokens of an image are noisy at one time and see each other, and the backbone's states say
where they go (Transfusion, Zhou et al. 2024, arXiv 2408.11039, section 3; Mogao, arXiv 2505.05472: the same with rectified flow and a
modulation by time).

T tokens, V vectors among them, C channels, D model width, N images.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.corpus.pixels import Pixels
from limner.models.decoding import Apply, Control, Request, Run, Stream
from limner.models.guides import guides
from limner.models.heads.vectors import ImageVectors, piece
from limner.models.interleaved import Interleaved
from limner.models.sampling import Steps
from limner.models.sequence import Packed, Piece
from limner.models.time_embedding import TIMES, TimeEmbedding


@dataclass(frozen=True)
class FlowSettings:
    """`state` is D. Where what is written is larger than what was learnt, `shift` above 1 spends more steps near noise. `deviation` and
    `mean` are those of the logits of times in training."""

    channels: int = 16
    state: int = 512
    shift: float = 1.0
    mean: float = 0.0
    deviation: float = 1.0


class FlowLayers(nn.Module):
    """Into the backbone and out of it. A new one predicts zeros."""

    def __init__(self, settings: FlowSettings) -> None:
        super().__init__()
        width = settings.state
        self.time = TimeEmbedding(width)
        self.enter, self.leave = nn.Linear(settings.channels, width), nn.Linear(width, settings.channels)
        self.modulate = nn.Linear(width, 2 * width)
        for layer in (self.modulate, self.leave):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def entered(self, x_VC: Tensor, time_V: Tensor) -> Tensor:
        """What the backbone reads of noisy vectors, V x D; times from 0 (clean) to 1000."""
        return self.enter(x_VC) + self.time(time_V)

    def left(self, states_VD: Tensor, time_V: Tensor) -> Tensor:
        """The velocity of vectors by their states, V x C."""
        shift, scale = self.modulate(functional.silu(self.time(time_V))).chunk(2, -1)
        return self.leave(functional.layer_norm(states_VD, states_VD.shape[-1:], eps=1e-6) * (1 + scale) + shift)


@dataclass(frozen=True, slots=True, eq=False)
class _Noised:
    """What a batch was made of when it was embedded: losses are of the same noise."""

    batch: Packed
    noise_VC: Tensor
    time_V: Tensor


class FlowHead(nn.Module):
    """An image is rows x columns vectors that see each other. Images that count are noisy in training, those that do not are clean; the
    grid of what is written is `grid`. An `ImageHead`; its objective is rectified flow (`limner.train.objectives.diffusion.flow`), whose
    path runs through the backbone."""

    def __init__(self, settings: FlowSettings, vectors: ImageVectors, grid: tuple[int, int], loss: float = 1.0) -> None:
        super().__init__()
        self.settings, self.vectors, self.grid, self.loss = settings, vectors, grid, loss
        self.layers = FlowLayers(settings)
        self._noised: _Noised | None = None

    def read(self, pixels: Pixels) -> Piece:
        """See `ImageHead`."""
        return piece(self.vectors.encoded(pixels), self.loss, together=True)

    def show(self, piece: Piece) -> Pixels:
        """See `ImageHead`."""
        assert piece.values is not None
        return self.vectors.decoded(piece.values.reshape(piece.rows, piece.columns, -1))

    def embed(self, batch: Packed) -> Tensor | None:
        """See `ImageHead`. Draws noise and times where the module is in training."""
        self._noised = None
        x_VC = batch.values_VC
        if x_VC is None:
            return None
        if not self.training:
            return self.layers.entered(x_VC, x_VC.new_zeros(len(x_VC)))
        noise_VC = torch.randn_like(x_VC)
        time_V = self._times(batch)
        self._noised = _Noised(batch, noise_VC, time_V)
        t_V1 = time_V[:, None]
        return self.layers.entered((1 - t_V1) * x_VC + t_V1 * noise_VC, TIMES * time_V)

    def _times(self, batch: Packed) -> Tensor:
        """One time for all vectors of an image, 0 for those that do not count."""
        lengths = torch.tensor([span.length for span in batch.spans], device=batch.ids_T.device, dtype=torch.long)
        s = self.settings
        time_N = (s.mean + s.deviation * torch.randn(len(lengths), device=lengths.device)).sigmoid()
        return time_N.repeat_interleave(lengths) * (_weights(batch) > 0)

    def counts(self, batch: Packed) -> dict[str, float]:
        """See `ImageHead`: vectors that are noisy."""
        return {"flow": float((_weights(batch) > 0).sum())}

    def losses(self, states_TD: Tensor, batch: Packed) -> dict[str, Tensor]:
        """See `ImageHead`. Out of training there is no noise to take away: 0."""
        held = self._noised
        if held is None or held.batch is not batch or batch.values_VC is None:
            return {"flow": states_TD.sum() * 0.0}
        found_VC = self.layers.left(states_TD[batch.continuous_T], TIMES * held.time_V)
        far_V = (found_VC.float() - (held.noise_VC - batch.values_VC)).square().mean(-1)
        self._noised = None
        return {"flow": (far_V * _weights(batch)).sum()}

    def draw(
        self,
        model: Interleaved,
        context: Sequence[Piece],
        stream: Stream,
        state: Tensor,
        control: Control,
        chance: torch.Generator,
    ) -> Generator[Request, Any, tuple[Piece, Tensor]]:
        """See `ImageHead`. Noisy vectors are run after the context and forgotten, each step; the finished image stays."""
        led = yield from guides(model, context, control)
        streams = [stream, *led.streams]
        rows, columns = self.grid
        x_VC = torch.randn(rows * columns, self.settings.channels, generator=chance).to(state.device)
        blank = piece(x_VC.view(rows, columns, -1).cpu().numpy(), self.loss, together=True)
        times = Steps(control.steps, shift=self.settings.shift).times().tolist()
        for now, then in pairwise(times):
            time_V = x_VC.new_full((len(x_VC),), TIMES * now)
            entered = self.layers.entered(x_VC.to(state.dtype), time_V)
            states: list[Tensor] = yield Run(tuple((s, blank, entered) for s in streams), keep=False)
            told = yield Apply(self.layers.left, (torch.cat(states), time_V.repeat(len(streams))))
            x_VC = x_VC + (then - now) * led.combined(list(told.float().view(len(streams), *x_VC.shape)))
        yield from led.close()
        made = replace(blank, values=x_VC.cpu().numpy())
        (last,) = yield Run(((stream, made, self.layers.entered(x_VC.to(state.dtype), x_VC.new_zeros(len(x_VC)))),))
        return made, last[-1:]


def _weights(batch: Packed) -> Tensor:
    """How much each vector counts."""
    return batch.loss_T[batch.continuous_T]
