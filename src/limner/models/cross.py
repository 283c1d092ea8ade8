"""Gated cross-attention: between the layers of a frozen language model, text looks at images, through gates that are closed at first.

Alayrac et al. 2022, Flamingo, arXiv 2204.14198, section 2.2 and figure 4: y = y + tanh(a) attention(q=y, kv=x); y = y + tanh(b) feedforward(y), with
a = b = 0 at first, so that the model begins as the language model it was. A token sees the one image before it (section 2.3); what was said of
earlier ones reaches it through the language model's own attention.

Idefics (transformers' `IdeficsGatedCrossAttentionLayer`) differs in what settings cover: root mean square norms for layer norms, SwiGLU for squared
ReLU, gates that may be vectors, and norms of each head's queries and keys.

T tokens of all documents, one after the other, N images of all documents, P tokens of an image, C channels of images' tokens, D width of the
language model, H heads, K head width, S = NP + 1 keys.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.models.connectors.feedforward import Activation, FeedForward

Sees = Literal["last", "all", "next"]
"""Which images of its document a token sees: the last before it, all before it, or the first after it (Flamingo trains on web pages, whose text may
speak of the image that follows, with one of the two drawn for each page)."""


@dataclass(frozen=True)
class CrossSettings:
    """`channels` C of images' tokens, `width` D, `heads` of `head_width` each, `inner` width of the feed-forward network (0: four times D).

    `gate`  one number (`scalar`) or one a channel (`vector`)
    `norm`  `layer` or `rms`, with `eps`
    `every` before which layers of the language model there is a block: before number `first` (from 0), and every so many after it. Layers below
            the first block have no gradients to pass, which makes training cheaper
    """

    channels: int
    width: int
    heads: int = 16
    head_width: int = 96
    inner: int = 0
    activation: Activation = "squared-relu"
    gate: Literal["scalar", "vector"] = "scalar"
    norm: Literal["layer", "rms"] = "layer"
    eps: float = 1e-5
    qk_norm: bool = False
    every: int = 4
    first: int = 0


def seen(document_T: Tensor, place_T: Tensor, document_N: Tensor, place_N: Tensor, sees: Sees = "last") -> Tensor:
    """Which images each token may look at, T x N. A place counts tokens of its document or of the batch, the same way for both; an image has
    that of the token which stands for it, which sees it.

    >>> import torch
    >>> seen(torch.tensor([0, 0, 0, 1]), torch.arange(4), torch.tensor([0, 0]), torch.tensor([0, 2])).int().tolist()
    [[1, 0], [1, 0], [0, 1], [0, 0]]
    """
    own_TN = document_T[:, None] == document_N
    after_TN = place_N > place_T[:, None]
    if not len(place_N):
        return own_TN
    if sees == "next":
        candidate_TN = own_TN & after_TN
        far = torch.iinfo(torch.long).max
        return candidate_TN & (place_N == place_N.expand_as(own_TN).masked_fill(~candidate_TN, far).amin(1, keepdim=True))
    candidate_TN = own_TN & ~after_TN
    if sees == "all":
        return candidate_TN
    return candidate_TN & (place_N == place_N.expand_as(own_TN).masked_fill(~candidate_TN, -1).amax(1, keepdim=True))


class CrossAttention(nn.Module):
    """Tokens attend to images' tokens. A token that sees no image takes nothing."""

    def __init__(self, settings: CrossSettings) -> None:
        super().__init__()
        inner = settings.heads * settings.head_width
        self.heads = settings.heads
        self.query = nn.Linear(settings.width, inner, bias=False)
        self.key, self.value = (nn.Linear(settings.channels, inner, bias=False) for _ in range(2))
        self.out = nn.Linear(inner, settings.width, bias=False)
        self.query_norm, self.key_norm = (
            _norm(settings, settings.head_width) if settings.qk_norm else nn.Identity() for _ in range(2)
        )

    def keys(self, image_NPC: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of images, H x S x K each; a decoder may keep them. The last is nothing, for tokens that see no image: so every token
        has something to attend to, and a batch may have no images at all."""
        flat = image_NPC.flatten(0, 1)
        k, v = (layer(flat).unflatten(-1, (self.heads, -1)) for layer in (self.key, self.value))
        return tuple(functional.pad(x, (0, 0, 0, 0, 0, 1)).transpose(0, 1) for x in (self.key_norm(k).to(v), v))  # pyright: ignore[reportReturnType]

    def forward(self, x_TD: Tensor, keys: tuple[Tensor, Tensor], mask_TS: Tensor) -> Tensor:
        """What each token takes, T x D."""
        k_HSK, v_HSK = keys
        q_HTK = self.query_norm(self.query(x_TD).unflatten(-1, (self.heads, -1))).transpose(0, 1).to(v_HSK)
        taken = functional.scaled_dot_product_attention(q_HTK[None], k_HSK[None], v_HSK[None], mask_TS)[0]
        return self.out(taken.transpose(0, 1).flatten(1))


class GatedCrossAttention(nn.Module):
    """An attention to images and a feed-forward network, each behind a gate."""

    def __init__(self, settings: CrossSettings) -> None:
        super().__init__()
        self.attention = CrossAttention(settings)
        self.attention_norm, self.feed_norm = (_norm(settings, settings.width) for _ in range(2))
        self.feed = FeedForward(settings.width, settings.inner or 4 * settings.width, settings.activation)
        size = settings.width if settings.gate == "vector" else 1
        self.attention_gate, self.feed_gate = (nn.Parameter(torch.zeros(size)) for _ in range(2))

    def forward(self, x_TD: Tensor, image_NPC: Tensor, seen_TN: Tensor, kept: tuple[Tensor, Tensor] | None = None) -> Tensor:
        """T x D to the same. `seen_TN` says which images a token sees (`seen`), `kept` may be what `attention.keys` made of the images before."""
        keys = self.attention.keys(image_NPC) if kept is None else kept
        mask_TS = _mask(seen_TN, image_NPC.shape[1])
        taken = self.attention(self.attention_norm(x_TD).to(x_TD), keys, mask_TS)
        x_TD = x_TD + self.attention_gate.tanh().to(x_TD) * taken
        return x_TD + self.feed_gate.tanh().to(x_TD) * self.feed(self.feed_norm(x_TD).to(x_TD))


def _mask(seen_TN: Tensor, tokens: int) -> Tensor:
    """Images' tokens and the nothing after them: T x S."""
    return torch.cat([seen_TN.repeat_interleave(tokens, 1), ~seen_TN.any(1, keepdim=True)], 1)


def _norm(settings: CrossSettings, width: int) -> nn.Module:
    return nn.LayerNorm(width, settings.eps) if settings.norm == "layer" else nn.RMSNorm(width, settings.eps)


class CrossBlocks(nn.Module):
    """Gated cross-attention before some of the layers of a language model, which is neither copied nor changed: while `looking` lasts, hooks on
    its layers run the blocks."""

    def __init__(self, depth: int, settings: CrossSettings) -> None:
        """`depth` is how many layers the language model has."""
        super().__init__()
        self.settings = settings
        self.blocks = nn.ModuleList(GatedCrossAttention(settings) for _ in range(settings.first, depth, settings.every))

    @contextmanager
    def looking(self, layers: Sequence[nn.Module], image_NPC: Tensor, seen_TN: Tensor) -> Generator[None]:
        """Let a language model of these layers look at images. Its states are B x L x D or 1 x T x D; the tokens of `seen_TN` are those, flat."""
        with ExitStack() as stack:
            for block, layer in zip(self.blocks, layers[self.settings.first :: self.settings.every], strict=True):
                hook = layer.register_forward_pre_hook(_hook(block, image_NPC, seen_TN), with_kwargs=True)
                stack.callback(hook.remove)
            yield


def _hook(block: nn.Module, image_NPC: Tensor, seen_TN: Tensor) -> Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]:
    """What changes the states that a layer is given, as transformers gives them: first, or by name."""

    def before(layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        x_BLD: Tensor = given[0] if given else named["hidden_states"]
        y_BLD = block(x_BLD.flatten(0, 1), image_NPC, seen_TN).view_as(x_BLD)
        return ((y_BLD, *given[1:]), named) if given else ((), {**named, "hidden_states": y_BLD})

    return before
