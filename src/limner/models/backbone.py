"""What turns the vectors of a sequence into states: limner's decoder, or any causal language model of transformers, on flat
batches.

T tokens, D model width, V vocabulary, H heads, G key heads, K head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from limner.errors import LimnerError
from limner.models.attention import Cache, Layout, attend
from limner.models.norm import quicken

_NAME = "limner"


class Backbone(Protocol):
    """Causal: a state says nothing of later tokens, but for those of its own group."""

    width: int

    def cache(self, rows: int) -> Cache:
        """An empty cache of that many rows."""
        ...

    def __call__(self, x_TD: Tensor, layout: Layout, modality_T: Tensor, index_T: Tensor, places_T3: Tensor) -> Tensor:
        """The states after the last layer, T x D. `index_T` are the tokens' numbers in their rows, `places_T3` their time, row
        and column."""
        ...


class HubBackbone(nn.Module):
    """A causal language model of transformers, its attention run by limner: packed without padding, with limner's cache. Its
    own positions are used, one for each token.

    It serves models that take their attention from transformers' interface and look at all that came before (Llama, Qwen,
    SmolLM, Gemma, ...); one that does not raises `LimnerError` when it is first run.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        _register()
        self.model: Any = model
        self.inner: Any = getattr(model, model.base_model_prefix)
        model.config._attn_implementation = _NAME
        self.inner.config._attn_implementation = _NAME
        quicken(model)
        self.width = int(model.config.get_text_config().hidden_size)
        self.depth = int(model.config.get_text_config().num_hidden_layers)

    def cache(self, rows: int) -> Cache:
        """See `Backbone`."""
        return Cache(self.depth, rows)

    def embed(self, ids_T: Tensor) -> Tensor:
        """The vectors of token ids, T x D."""
        return self.model.get_input_embeddings()(ids_T)

    def logits(self, states_TD: Tensor) -> Tensor:
        """How likely each token of the vocabulary comes next, T x V."""
        return self.model.get_output_embeddings()(states_TD)

    def forward(
        self, x_TD: Tensor, layout: Layout, modality_T: Tensor, index_T: Tensor, places_T3: Tensor, **more: Any
    ) -> Tensor:
        """See `Backbone`. `more` goes to the model's layers."""
        out = self.inner(inputs_embeds=x_TD[None], position_ids=index_T[None], use_cache=False, layout=layout, **more)
        return out.last_hidden_state[0]

    def lora(self, rank: int, targets: Sequence[str] = ("q_proj", "k_proj", "v_proj", "o_proj")) -> None:
        """Freeze the model and add low-rank changes to layers of these names (peft; Hu et al. 2021, arXiv 2106.09685)."""
        from limner.models.tuning import with_lora

        with_lora(self, rank, targets)


def _register() -> None:
    """Make limner's attention known to transformers, which makes no masks for one that it knows none for: who sees whom is in the layout."""
    from transformers import AttentionInterface

    AttentionInterface.register(_NAME, _attention)


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, *, layout: Layout | None = None,
    scaling: float | None = None, **more: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """The interface's form: 1 x H x T x K, and out 1 x T x H x K."""
    window = more.get("sliding_window")
    if more.get("softcap") is not None or (window is not None and max(layout.seen if layout else (query.shape[2],)) > window):
        raise LimnerError(
            f"{type(module).__name__} looks at a window of {window} tokens, or caps what attention says; limner's attention does neither: "
            "keep sequences within the window, or take another model"
        )
    if layout is None:  # called as transformers does, not by limner: a batch of whole sequences
        rows, _, length, _ = query.shape
        flat = Layout((length,) * rows, None, (False,) * rows)
        q, k, v = (x.transpose(1, 2).flatten(0, 1) for x in (query, key, value))
        return attend(q, k, v, flat, 0, scaling).view(rows, length, *q.shape[1:]), None
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    return attend(q, k, v, layout, int(module.layer_idx), scaling)[None], None


def frozen(module: nn.Module) -> nn.Module:
    """The module, none of its weights to be trained."""
    for weight in module.parameters():
        weight.requires_grad_(False)
    return module.eval()


def positions(layout: Layout, device: torch.device) -> Tensor:
    """The numbers of new tokens in their rows, T, counted on from the cache."""
    starts = [layout.cache.lengths[row] for row in layout.rows] if layout.cache is not None else [0] * len(layout.lengths)
    return torch.cat([torch.arange(s, s + n, device=device) for s, n in zip(starts, layout.lengths, strict=True)])
