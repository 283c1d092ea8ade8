"""Mamba: layers that read a sequence with a state of fixed size (Gu and Dao 2023, arXiv 2312.00752).

Projections are apart for each modality where asked, the convolution and the scan are every modality's: Mixture-of-Mamba (Liang
et al. 2025, arXiv 2501.16295, section 2.2).

T tokens of a packed batch, R rows (sequences), D model width, E channels (`expand` times D), S states a channel, N ranks of
time steps, W tokens that the convolution sees, V the W - 1 before the last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.attention import Cache, Layout
from limner.models.routed import Route, Routed
from limner.models.selective_scan import LONG, continued, selective_scan

PROJECTIONS = ("in", "x", "dt", "out")
"""What may be apart for each modality."""


@dataclass(frozen=True)
class MambaSettings:
    """`rank` is N, a sixteenth of the width where it is 0. `copies` are sets of weights for the projections that are `apart`: 1
    for all modalities, 2 for text and images. Time steps begin between `least` and `most`."""

    width: int = 256
    layers: int = 8
    expand: int = 2
    state: int = 16
    kernel: int = 4
    rank: int = 0
    copies: int = 1
    apart: tuple[str, ...] = PROJECTIONS
    least: float = 1e-3
    most: float = 1e-1

    def __post_init__(self) -> None:
        if wrong := set(self.apart) - set(PROJECTIONS):
            raise LimnerError(f"a Mamba layer has no projection {sorted(wrong)[0]!r}; there are {', '.join(PROJECTIONS)}")

    @property
    def channels(self) -> int:
        """E."""
        return self.expand * self.width

    @property
    def ranks(self) -> int:
        """N."""
        return self.rank or math.ceil(self.width / 16)

    def copied(self, projection: str) -> int:
        """How many sets of weights a projection has."""
        return self.copies if projection in self.apart else 1


class Mamba(nn.Module):
    """Layers, each after a norm and added to the stream, and a last norm. A `Backbone`, but tokens of an image do not see each
    other both ways: every token sees what came before it."""

    def __init__(self, settings: MambaSettings) -> None:
        super().__init__()
        self.settings = settings
        self.width, self.depth = settings.width, settings.layers
        self.norms = nn.ModuleList(nn.RMSNorm(settings.width, eps=1e-5) for _ in range(settings.layers))
        self.mixers = nn.ModuleList(Mixer(settings, at) for at in range(settings.layers))
        self.norm = nn.RMSNorm(settings.width, eps=1e-5)

    def cache(self, rows: int) -> Cache:
        """An empty cache of that many rows."""
        return Cache(0, rows)

    def forward(
        self, x_TD: Tensor, layout: Layout, modality_T: Tensor, index_T: Tensor, places_T3: Tensor | None = None
    ) -> Tensor:
        """The states after the last layer, T x D."""
        route = Route.of(modality_T, self.settings.copies)
        for norm, mixer in zip(self.norms, self.mixers, strict=True):
            x_TD = x_TD + mixer(norm(x_TD), layout, route, index_T)
        return self.norm(x_TD)

    @torch.no_grad()
    def adopt(self, model: Any) -> None:
        """Take the weights of a Mamba model of transformers (`MambaModel`); every modality begins with them. Raises
        `LimnerError` for one of another shape."""
        if len(model.layers) != self.depth:
            raise LimnerError(f"a model of {len(model.layers)} layers does not fit one of {self.depth}")
        for norm, mixer, layer in zip(self.norms, self.mixers, model.layers, strict=True):
            cast("nn.RMSNorm", norm).weight.copy_(layer.norm.weight)
            cast("Mixer", mixer).adopt(layer.mixer)
        self.norm.weight.copy_(model.norm_f.weight)


class Mixer(nn.Module):
    """One layer: section 3.4 and figure 3. Number `at` of its model."""

    def __init__(self, settings: MambaSettings, at: int) -> None:
        super().__init__()
        s, width, inner, ranks = settings, settings.width, settings.channels, settings.ranks
        self.settings, self.at = s, at
        self.in_proj = Routed(lambda: nn.Linear(width, 2 * inner, bias=False), s.copied("in"))
        self.conv: Any = nn.Conv1d(inner, inner, s.kernel, groups=inner)
        self.x_proj = Routed(lambda: nn.Linear(inner, ranks + 2 * s.state, bias=False), s.copied("x"))
        self.dt_proj = Routed(lambda: _steps(s), s.copied("dt"))
        self.out_proj = Routed(lambda: _small(nn.Linear(inner, width, bias=False), s.layers), s.copied("out"))
        # Flat, since weight decay is for what has two axes: to draw these to zero would draw every state to one decay.
        self.log_a = nn.Parameter(torch.arange(1.0, s.state + 1).log().repeat(inner))
        self.skip_E = nn.Parameter(torch.ones(inner))

    def forward(self, x_TD: Tensor, layout: Layout, route: Route, index_T: Tensor) -> Tensor:
        """T x D to T x D. A row goes on from the states that the layout's cache has of it, and leaves its own there where the
        layout keeps."""
        u_TE, gate_TE = self.in_proj(x_TD, route).chunk(2, -1)
        held = None if layout.cache is None else _Held(layout, self.at, self.settings)
        u_TE = functional.silu(self._convolved(u_TE, index_T, held))
        ranks_TN, b_TS, c_TS = self.x_proj(u_TE, route).split([self.settings.ranks, self.settings.state, self.settings.state], -1)
        with torch.autocast(x_TD.device.type, enabled=False):
            u_TE, b_TS, c_TS = u_TE.float(), b_TS.float(), c_TS.float()
            step_TE = functional.softplus(self.dt_proj(ranks_TN.float(), route))
            a_ES = -self.log_a.float().exp().view(self.settings.channels, -1)
            if held is None:
                decay_TE = step_TE.masked_fill((index_T == 0)[:, None], LONG)
                y_TE = selective_scan(decay_TE, step_TE * u_TE, a_ES, b_TS, c_TS)
            else:
                y_TE = held.scanned(step_TE, step_TE * u_TE, a_ES, b_TS, c_TS)
            y_TE = y_TE + self.skip_E * u_TE
        return self.out_proj((y_TE * functional.silu(gate_TE)).to(gate_TE.dtype), route)

    def _convolved(self, u_TE: Tensor, index_T: Tensor, held: _Held | None) -> Tensor:
        """Each channel over the last W tokens of its row, T x E."""
        weight_WE = self.conv.weight[:, 0].t()
        if held is not None:
            return held.convolved(u_TE, weight_WE) + self.conv.bias
        mixed_TE = self.conv.bias + weight_WE[-1] * u_TE
        for back in range(1, len(weight_WE)):
            earlier_TE = functional.pad(u_TE, (0, 0, back, 0))[: len(u_TE)] * (index_T >= back)[:, None]
            mixed_TE = mixed_TE + weight_WE[-1 - back] * earlier_TE
        return mixed_TE

    @torch.no_grad()
    def adopt(self, mixer: Any) -> None:
        """Take the weights of transformers' `MambaMixer`. Raises `LimnerError` for one of another shape."""
        for own, given in (
            *((copy, getattr(mixer, name)) for name in ("in_proj", "x_proj", "dt_proj", "out_proj") for copy in getattr(self, name).copies),
            (self.conv, mixer.conv1d),
        ):  # fmt: skip
            if own.weight.shape != given.weight.shape or (own.bias is None) != (given.bias is None):
                raise LimnerError(f"a Mamba layer of {tuple(given.weight.shape)} does not fit one of {tuple(own.weight.shape)}")
            own.load_state_dict(given.state_dict())
        self.log_a.copy_(mixer.A_log.flatten())
        self.skip_E.copy_(mixer.D)


class _Held:
    """What a layer knows of the rows that go on: their last W - 1 inputs and their states, in the cache."""

    def __init__(self, layout: Layout, at: int, settings: MambaSettings) -> None:
        assert layout.cache is not None
        self.layout, self.states, self.rows = layout, layout.cache.state, list(layout.rows)
        self.settings, self.count = settings, len(layout.cache)
        self.inputs, self.state = f"mamba.{at}.inputs", f"mamba.{at}.state"
        self.single = all(length == 1 for length in layout.lengths)

    def convolved(self, u_TE: Tensor, weight_WE: Tensor) -> Tensor:
        before_RVE = self._of(self.inputs, u_TE, (self.settings.kernel - 1, self.settings.channels))
        if self.single:
            window_RWE = torch.cat([before_RVE, u_TE[:, None]], 1)
            self._leave(self.inputs, window_RWE[:, 1:])
            return (window_RWE * weight_WE).sum(1)
        out, left = [], []
        for before_VE, u_LE in zip(before_RVE, u_TE.split(self.layout.lengths), strict=True):
            whole = torch.cat([before_VE, u_LE])
            left.append(whole[len(u_LE) :])
            out.append(sum(weight * whole[w : w + len(u_LE)] for w, weight in enumerate(weight_WE)))
        self._leave(self.inputs, torch.stack(left))
        return torch.cat(out)

    def scanned(self, step_TE: Tensor, u_TE: Tensor, a_ES: Tensor, b_TS: Tensor, c_TS: Tensor) -> Tensor:
        state_RES = self._of(self.state, step_TE, tuple(a_ES.shape))
        if self.single:
            state_RES = (step_TE[..., None] * a_ES).exp() * state_RES + u_TE[..., None] * b_TS[:, None]
            self._leave(self.state, state_RES)
            return (state_RES @ c_TS[..., None])[..., 0]
        lengths = self.layout.lengths
        parts = zip(*(x.split(lengths) for x in (step_TE, u_TE, b_TS, c_TS)), state_RES, strict=True)
        done = [continued(d, u, a_ES, b, c, state) for d, u, b, c, state in parts]
        self._leave(self.state, torch.stack([state for _, state in done]))
        return torch.cat([y for y, _ in done])

    def _of(self, name: str, like: Tensor, shape: tuple[int, ...]) -> Tensor:
        if name not in self.states:
            self.states[name] = like.new_zeros(self.count, *shape)
        return self.states[name][self.rows]

    def _leave(self, name: str, value: Tensor) -> None:
        if self.layout.keep:
            self.states[name][self.rows] = value


def _steps(settings: MambaSettings) -> nn.Linear:
    """The projection to time steps, which begin log-uniform between `least` and `most` (section 3.6)."""
    made = nn.Linear(settings.ranks, settings.channels)
    nn.init.uniform_(made.weight, -(settings.ranks**-0.5), settings.ranks**-0.5)
    low, high = math.log(settings.least), math.log(settings.most)
    step_E = (low + torch.rand(settings.channels) * (high - low)).exp().clamp(min=1e-4)
    with torch.no_grad():
        made.bias.copy_(step_E + (-(-step_E).expm1()).log())  # softplus turned round
    return made


def _small(made: nn.Linear, layers: int) -> nn.Linear:
    """Layers that add to the stream begin smaller, the more of them there are (GPT-2)."""
    with torch.no_grad():
        made.weight.div_(layers**0.5)
    return made
