"""An encoder-decoder from a text to the tokens of an image, one after the other: Parti (Yu et al. 2022, arXiv 2206.10789, section 2.2).

Tokens are one code or several (bits are codes below 2): those of a token are predicted at once, independent of each other given what came
before, as Instella-T2I predicts the bits of its tokens (Wang et al. 2025, arXiv 2506.21022).

N images, P tokens of an image, G codes of a token, S sizes of all codebooks together, D model width, H heads, K head width, L tokens of a
text, E their width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.guidance import combined
from limner.models.tokenizers import BlockSettings, Text
from limner.models.tokenizers.blocks import Stack, attended, joined, parted

Kept = tuple[Tensor, Tensor]
"""Keys and values, N x H x P x K each."""


@dataclass(frozen=True)
class Seq2SeqSettings:
    """`encoder` layers over the text's tokens (0: they are only projected) and `decoder` layers; `text` is E; `books` the sizes of the
    codebooks, one a code of a token; `length` tokens of an image."""

    width: int = 192
    heads: int = 4
    encoder: int = 2
    decoder: int = 4
    text: int = 384
    books: tuple[int, ...] = (1024,)
    length: int = 64
    dropout: float = 0.0


class _Layer(nn.Module):
    """Attention to what came before, attention to the text, a feed-forward layer; a norm before each."""

    def __init__(self, settings: Seq2SeqSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads, self.dropout = settings.heads, settings.dropout
        self.one, self.two, self.three = (nn.LayerNorm(width) for _ in range(3))
        self.qkv, self.kept = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.asks, self.told, self.taken = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x_NPD: Tensor, text: Kept, mask_NL: Tensor, past: Kept | None) -> tuple[Tensor, Kept]:
        """The states of new tokens; keys and values of all tokens so far."""
        q, k, v = (parted(y, self.heads) for y in self.qkv(self.one(x_NPD)).chunk(3, -1))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        seen = attended(q, k, v, causal=past is None and q.shape[2] > 1)
        x_NPD = x_NPD + self._dropped(self.kept(joined(seen)))
        asked = parted(self.asks(self.two(x_NPD)), self.heads)
        read = attended(asked, *text, mask_NL[:, None, None])
        x_NPD = x_NPD + self._dropped(self.taken(joined(read)))
        return x_NPD + self._dropped(self.narrow(functional.gelu(self.wide(self.three(x_NPD))))), (k, v)

    def reads(self, text_NLD: Tensor) -> Kept:
        """Keys and values of the text."""
        k, v = (parted(y, self.heads) for y in self.told(text_NLD).chunk(2, -1))
        return k, v

    def _dropped(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


class Seq2Seq(nn.Module):
    """The logits of the codes of an image's tokens, of a text. Batches of no images go through every module."""

    start_G: Tensor

    def __init__(self, settings: Seq2SeqSettings = Seq2SeqSettings()) -> None:
        super().__init__()
        width = settings.width
        if width % settings.heads or not settings.books:
            raise LimnerError(
                f"a width of {width} is no multiple of {settings.heads} heads, or there are no codebooks (continuous latents?)"
            )
        self.settings = settings
        self.read = nn.Linear(settings.text, width)
        # Always there to be attended to, so that "no text" is something that can be learned.
        self.nothing = nn.Parameter(0.02 * torch.randn(width))
        self.encoder = Stack(BlockSettings(width, settings.encoder, settings.heads))
        self.embed = nn.Embedding(sum(settings.books), width)
        self.begin = nn.Parameter(0.02 * torch.randn(width))
        self.place_PD = nn.Parameter(0.02 * torch.randn(settings.length, width))
        self.layers = nn.ModuleList(_Layer(settings) for _ in range(settings.decoder))
        self.norm, self.predict = nn.LayerNorm(width), nn.Linear(width, sum(settings.books))
        starts = [sum(settings.books[:g]) for g in range(len(settings.books))]
        self.register_buffer("start_G", torch.tensor(starts), persistent=False)
        nn.init.normal_(self.embed.weight, std=0.02)

    def encode(self, text: Text) -> tuple[list[Kept], Tensor]:
        """What each layer reads of the texts, and where there is a token; first of all tokens comes that of nothing."""
        x = self.read(text.features_NLE.to(self.read.weight.dtype))
        x = torch.cat([self.nothing.to(x.dtype).expand(len(x), 1, -1), x], 1)
        mask = torch.cat([text.mask_NL.new_ones(len(x), 1), text.mask_NL], 1)
        if self.settings.encoder:
            x = self.encoder(x, ~mask)
        return [layer.reads(x) for layer in self._decoder()], mask

    def forward(self, codes_NPG: Tensor, text: Text) -> Tensor:
        """The logits of every token after those before it, N x P x S."""
        return self._states(self._inputs(codes_NPG), self.encode(text), None)[0]

    def losses(self, codes_NPG: Tensor, text: Text) -> Tensor:
        """Cross-entropy of each code in nats, N x P x G."""
        return code_losses(self(codes_NPG, text), codes_NPG, self.settings.books)

    @torch.no_grad()
    def draw(self, text: Text, scale: float = 1.0, temperature: float = 1.0, chance: torch.Generator | None = None) -> Tensor:
        """Codes drawn one token after the other, N x P x G, led away from no text by `scale` (1: not at all; see `limner.models.guidance`)."""
        count = len(text.features_NLE)
        led = scale != 1
        if led:
            text = Text(text.features_NLE.repeat(2, 1, 1), torch.cat([torch.zeros_like(text.mask_NL), text.mask_NL]))
        read = self.encode(text)
        x = (self.begin + self.place_PD[0]).expand(len(text.features_NLE), 1, -1)
        past: list[Kept] | None = None
        drawn: list[Tensor] = []
        for at in range(self.settings.length):
            logits, past = self._states(x, read, past)
            logits = combined(list(logits.float().chunk(2)), [scale]) if led else logits.float()
            drawn.append(draw_codes(logits, self.settings.books, temperature, chance))
            if at + 1 < self.settings.length:
                x = (self._embedded(drawn[-1]) + self.place_PD[at + 1]).repeat(2 if led else 1, 1, 1)
        return torch.cat(drawn, 1) if drawn else torch.zeros(count, 0, len(self.settings.books), dtype=torch.long)

    def _inputs(self, codes_NPG: Tensor) -> Tensor:
        if codes_NPG.shape[1:] != (self.settings.length, len(self.settings.books)):
            raise LimnerError(
                f"codes of shape {tuple(codes_NPG.shape)} are not {self.settings.length} tokens of {len(self.settings.books)}"
            )
        x = self._embedded(codes_NPG[:, :-1])
        return torch.cat([self.begin.to(x.dtype).expand(len(x), 1, -1), x], 1) + self.place_PD

    def _embedded(self, codes_NPG: Tensor) -> Tensor:
        return self.embed(codes_NPG + self.start_G).sum(-2)

    def _states(self, x_NPD: Tensor, read: tuple[list[Kept], Tensor], past: list[Kept] | None) -> tuple[Tensor, list[Kept]]:
        texts, mask = read
        kept: list[Kept] = []
        for at, layer in enumerate(self._decoder()):
            x_NPD, held = layer(x_NPD, texts[at], mask, past[at] if past else None)
            kept.append(held)
        return self.predict(self.norm(x_NPD)), kept

    def _decoder(self) -> list[_Layer]:
        return [layer for layer in self.layers if isinstance(layer, _Layer)]


def code_losses(logits_NPS: Tensor, codes_NPG: Tensor, books: tuple[int, ...]) -> Tensor:
    """Cross-entropy of each code in nats, N x P x G; logits are those of all codebooks side by side."""
    if len(set(books)) == 1:
        # All books alike: at once.
        logits = logits_NPS.float().unflatten(-1, (len(books), books[0]))
        return functional.cross_entropy(logits.movedim(-1, 1), codes_NPG, reduction="none")
    parts = logits_NPS.float().split(list(books), -1)
    lost = [functional.cross_entropy(part.transpose(1, 2), codes_NPG[..., g], reduction="none") for g, part in enumerate(parts)]
    return torch.stack(lost, -1)


def draw_codes(
    logits_NPS: Tensor, books: tuple[int, ...], temperature: float = 1.0, chance: torch.Generator | None = None
) -> Tensor:
    """A code of each book, N x P x G, drawn by its logits over the temperature; the likeliest at 0."""
    found: list[Tensor] = []
    for part in logits_NPS.float().split(list(books), -1):
        if temperature:
            # The greatest of logits with Gumbel noise is a draw by their softmax.
            even = torch.rand(part.shape, generator=chance, device=part.device).clamp(min=1e-20)
            part = part / temperature - (-even.log()).log()
        found.append(part.argmax(-1))
    return torch.stack(found, -1)
