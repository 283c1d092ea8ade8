"""Images as vectors drawn one after the other, each by a small diffusion model that is told the state before it (Li et al. 2024, arXiv
2406.11838, MAR: section 3.2 and its diffusion MLP; Orthus, Kou et al. 2024, arXiv 2412.00127).

N vectors, V vectors of a batch, C channels, W width of the head, D model width.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.corpus.pixels import Pixels
from limner.models.decoding import Apply, Control, Request, Run, Stream
from limner.models.guides import guides
from limner.models.heads.vectors import ImageVectors, piece
from limner.models.interleaved import Interleaved
from limner.models.sampling import euler, prepared
from limner.models.sequence import CONTINUOUS, IMAGE, Packed, Piece
from limner.models.time_embedding import TimeEmbedding

Objective = Callable[[Callable[[Tensor, Tensor], Tensor], Tensor], Tensor]
"""The loss of each sample, of what predicts and of clean data: `limner.train.objectives.diffusion` has them."""


@dataclass(frozen=True)
class TokenDiffusionSettings:
    """`state` is D. Each vector is noised `draws` times for one run of the backbone (MAR takes 4). Noise is multiplied by `temperature`
    when a vector is drawn."""

    channels: int = 16
    state: int = 512
    width: int = 256
    depth: int = 3
    draws: int = 4
    temperature: float = 1.0


class DiffusionMLP(nn.Module):
    """Residual layers modulated by the sum of time and state (adaLN). A new one predicts zeros."""

    def __init__(self, settings: TokenDiffusionSettings) -> None:
        super().__init__()
        width = settings.width
        self.time, self.told = TimeEmbedding(width), nn.Linear(settings.state, width)
        self.enter, self.leave = nn.Linear(settings.channels, width), nn.Linear(width, settings.channels)
        self.layers = nn.ModuleList(_Layer(width) for _ in range(settings.depth))
        self.last = nn.Linear(width, 2 * width)
        for layer in (self.last, self.leave):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x_NC: Tensor, time_N: Tensor, state_ND: Tensor) -> Tensor:
        """The prediction for noisy vectors, N x C; times from 0 to 1000."""
        told_NW = functional.silu(self.time(time_N) + self.told(state_ND))
        x_NW = self.enter(x_NC)
        for layer in self.layers:
            x_NW = layer(x_NW, told_NW)
        shift, scale = self.last(told_NW).chunk(2, -1)
        return self.leave(functional.layer_norm(x_NW, x_NW.shape[-1:], eps=1e-6) * (1 + scale) + shift)


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.first, self.second, self.modulate = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, 3 * width)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, x_NW: Tensor, told_NW: Tensor) -> Tensor:
        shift, scale, gate = self.modulate(told_NW).chunk(3, -1)
        return x_NW + gate * self.second(functional.silu(self.first(self.norm(x_NW) * (1 + scale) + shift)))


class TokenDiffusionHead(nn.Module):
    """An image is rows x columns vectors in reading order, which tokens after them see and those before do not. The grid of what is
    written is `grid`. An `ImageHead`.

    `objective` says how the head learns, `scheduler` (of diffusers; flows' Euler unless another is given) how it draws: they must be of
    one kind. `enter` makes D numbers of a vector for the backbone; a linear layer, unless given."""

    def __init__(
        self,
        settings: TokenDiffusionSettings,
        vectors: ImageVectors,
        grid: tuple[int, int],
        objective: Objective | None = None,
        scheduler: Any = None,
        enter: nn.Module | None = None,
        loss: float = 1.0,
    ) -> None:
        super().__init__()
        self.settings, self.vectors, self.grid, self.loss = settings, vectors, grid, loss
        self.objective, self.scheduler = objective, scheduler or euler()
        self.enter = enter or nn.Linear(settings.channels, settings.state)
        self.net = DiffusionMLP(settings)

    def read(self, pixels: Pixels) -> Piece:
        """See `ImageHead`."""
        return piece(self.vectors.encoded(pixels), self.loss, together=False)

    def show(self, piece: Piece) -> Pixels:
        """See `ImageHead`."""
        assert piece.values is not None
        return self.vectors.decoded(piece.values.reshape(piece.rows, piece.columns, -1))

    def embed(self, batch: Packed) -> Tensor | None:
        """See `ImageHead`."""
        return None if batch.values_VC is None else self.enter(batch.values_VC)

    def counts(self, batch: Packed) -> dict[str, float]:
        """See `ImageHead`: vectors that are predicted."""
        return {"vectors": float(_predicted(batch).sum())}

    def losses(self, states_TD: Tensor, batch: Packed) -> dict[str, Tensor]:
        """See `ImageHead`. A vector is predicted from the state of the token before it."""
        assert self.objective is not None, "a head that is trained needs an objective"
        counts_V = _predicted(batch)
        at_V = batch.continuous_T.nonzero()[:, 0][counts_V].repeat(self.settings.draws)
        values = states_TD.new_zeros(0, self.settings.channels) if batch.values_VC is None else batch.values_VC
        x_VC = values[counts_V].repeat(self.settings.draws, 1)
        state_VD = states_TD[at_V - 1]
        loss_V = self.objective(lambda x, time: self.net(x.to(state_VD.dtype), time, state_VD), x_VC)
        return {"vectors": (loss_V * batch.loss_T[at_V]).sum() / self.settings.draws}

    def draw(
        self,
        model: Interleaved,
        context: Sequence[Piece],
        stream: Stream,
        state: Tensor,
        control: Control,
        chance: torch.Generator,
    ) -> Generator[Request, Any, tuple[Piece, Tensor]]:
        """See `ImageHead`. Guidance leads each step of each vector."""
        led = yield from guides(model, context, control)
        streams, states = [stream, *led.streams], [state, *led.states]
        rows, columns = self.grid
        start = [s.place for s in streams]
        drawn: list[Tensor] = []
        for at in range(rows * columns):
            told = torch.cat(states)
            scheduler = prepared(self.scheduler, control.steps, told.device)
            x_1C = self.settings.temperature * torch.randn(1, self.settings.channels, generator=chance).to(told.device)
            for time in scheduler.timesteps:
                asked = (x_1C.to(told.dtype).expand(len(told), -1), time.float().expand(len(told)), told)
                outcome = yield Apply(self.net, asked)
                x_1C = scheduler.step(led.combined(list(outcome.float()))[None], time, x_1C).prev_sample
            drawn.append(x_1C)
            vector = self.enter(x_1C.to(told.dtype))
            one = Piece(np.full(1, CONTINUOUS), IMAGE, values=x_1C.cpu().numpy())
            states = yield Run(tuple((s, one, vector) for s in streams), cell=(at // columns, at % columns))
        for stream_, first in zip(streams, start, strict=True):
            stream_.place = first + max(rows, columns)
        yield from led.close()
        return piece(torch.cat(drawn).view(rows, columns, -1).cpu().numpy(), self.loss, together=False), states[0]


def _predicted(batch: Packed) -> Tensor:
    """Which vectors of a batch are predicted: those that count and follow a token of their sequence."""
    at_V = batch.continuous_T.nonzero()[:, 0]
    return (batch.loss_T[at_V] > 0) & (batch.index_T[at_V] > 0)
