"""A decoder-only transformer over flat batches: RMSNorm, rotary positions, grouped queries, SwiGLU; weights apart for each
modality where asked.

T tokens, D model width, H heads, G key heads, K head width, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.nn import functional

from limner.models.attention import Cache, Layout, attend
from limner.models.norm import Norm
from limner.models.positions import Rotary, rotated
from limner.models.routed import Route, Routed


@dataclass(frozen=True)
class DecoderSettings:
    """`copies` are sets of weights: 1 for all modalities, 2 for text and image apart; `normed` puts a norm on queries and keys
    (Chameleon, arXiv 2405.09818, section 2.3.1)."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    key_heads: int = 4
    hidden: int = 688
    copies: int = 1
    normed: bool = True
    rotary: Rotary = field(default_factory=Rotary)
    dropout: float = 0.0


class Decoder(nn.Module):
    """Vectors in, vectors out; embeddings and heads are others' business. A `Backbone`."""

    def __init__(self, settings: DecoderSettings) -> None:
        super().__init__()
        self.settings = settings
        self.width, self.depth = settings.width, settings.layers
        self.layers = nn.ModuleList(Layer(settings, at) for at in range(settings.layers))
        self.norm = Routed(lambda: Norm(settings.width), settings.copies)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                # Layers that add to the stream begin smaller, the more of them there are (GPT-2).
                deep = (2 * settings.layers) ** -0.5 if name.endswith(("out.weight", "down.weight")) else 1.0
                nn.init.normal_(weight, std=0.02 * deep)

    def cache(self, rows: int) -> Cache:
        """An empty cache of that many rows."""
        return Cache(self.depth, rows)

    def forward(self, x_TD: Tensor, layout: Layout, modality_T: Tensor, index_T: Tensor, places_T3: Tensor) -> Tensor:
        """The states after the last layer, T x D."""
        route = Route.of(modality_T, self.settings.copies)
        turn = self.settings.rotary.angles(index_T, places_T3, self.settings.width // self.settings.heads)
        for layer in self.layers:
            x_TD = layer(x_TD, layout, route, turn)
        return self.norm(x_TD, route)


class Layer(nn.Module):
    """Attention and a feed-forward layer, each after a norm and added to the stream."""

    def __init__(self, settings: DecoderSettings, at: int) -> None:
        super().__init__()
        s, head = settings, settings.width // settings.heads
        self.at, self.heads, self.key_heads, self.head, self.dropout = at, s.heads, s.key_heads, head, s.dropout
        self.before = Routed(lambda: Norm(s.width), s.copies)
        self.qkv = Routed(lambda: nn.Linear(s.width, (s.heads + 2 * s.key_heads) * head, bias=False), s.copies)
        self.out = Routed(lambda: Named(s.heads * head, s.width), s.copies)
        self.q_norm, self.k_norm = (Norm(head) if s.normed else nn.Identity() for _ in range(2))
        self.between = Routed(lambda: Norm(s.width), s.copies)
        self.feed = Routed(lambda: Feed(s.width, s.hidden), s.copies)

    def forward(self, x_TD: Tensor, layout: Layout, route: Route, turn: tuple[Tensor, Tensor]) -> Tensor:
        """T x D to T x D."""
        qkv = self.qkv(self.before(x_TD, route), route).view(len(x_TD), -1, self.head)
        q, k, v = qkv.split([self.heads, self.key_heads, self.key_heads], 1)
        q, k = rotated(self.q_norm(q), *turn).to(v.dtype), rotated(self.k_norm(k), *turn).to(v.dtype)
        seen = attend(q, k, v, layout, self.at).flatten(1)
        x_TD = x_TD + functional.dropout(self.out(seen, route), self.dropout, self.training)
        return x_TD + functional.dropout(self.feed(self.between(x_TD, route), route), self.dropout, self.training)


class Named(nn.Module):
    """A linear map called `out`, for its initialisation."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.out = nn.Linear(given, made, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """As nn.Linear."""
        return self.out(x)


class Feed(nn.Module):
    """SwiGLU (Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(width, 2 * hidden, bias=False), nn.Linear(hidden, width, bias=False)

    def forward(self, x_TD: Tensor) -> Tensor:
        """T x D to T x D."""
        gate, value = self.up(x_TD).chunk(2, -1)
        return self.down(functional.silu(gate) * value)
