"""Attention maps of any module, read and edited: hooks that take the place of `scaled_dot_product_attention` while chosen modules run.

It works for whatever calls torch's function: the transformers here, those of diffusers, and those of transformers with `sdpa`. Maps stay
in the graph, so that losses on them reach what they were made of (A-STAR, arXiv 2306.14544; Prompt-to-Prompt, arXiv 2208.01626, replaces
them). Compiled modules are not seen into.

N images, H heads, P queries, L keys, K head width.

```python
with attention_maps(dit, cross) as maps:
    dit(x, time, text, mask)
words_NPL = torch.stack([m for each in maps.values() for m in each]).mean((0, 2))
```
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from limner.errors import LimnerError

Choose = Callable[[str, nn.Module], bool]
Edit = Callable[[str, Tensor], Tensor | None]
"""Given the name of a module and its map (N x H x P x L, rows that sum to one), another map, or None to leave it."""


def cross(name: str, module: nn.Module) -> bool:
    """The cross-attention of models here and of diffusers, by its name."""
    return name.rpartition(".")[2] in ("cross_attention", "attn2")


@contextmanager
def attention_maps(
    model: nn.Module, choose: Choose = cross, edit: Edit | None = None
) -> Generator[Mapping[str, Sequence[Tensor]]]:
    """Within it, the maps of the modules that `choose` takes, by their names, one for each time they ran; `edit` may change each before
    values are weighted by it. Raises `LimnerError` where no module is chosen."""
    chosen = [(name, module) for name, module in model.named_modules() if choose(name, module)]
    if not chosen:
        raise LimnerError("none of the model's modules is an attention that was chosen; see named_modules()")
    seen: dict[str, list[Tensor]] = {name: [] for name, _ in chosen}
    handles: list[Any] = []
    for name, module in chosen:
        watch = _Watch(name, seen[name], edit)
        handles.append(module.register_forward_pre_hook(watch.begin, prepend=True))
        # Also where the module raises, or all that torch does afterwards would be watched.
        handles.append(module.register_forward_hook(watch.finish, always_call=True))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


class _Watch(TorchFunctionMode):
    """Makes the map of each call while its module runs."""

    def __init__(self, name: str, seen: list[Tensor], edit: Edit | None) -> None:
        super().__init__()
        self.name, self.seen, self.edit = name, seen, edit

    def begin(self, module: nn.Module, given: Any) -> None:
        self.__enter__()

    def finish(self, module: nn.Module, given: Any, outcome: Any) -> None:
        self.__exit__(None, None, None)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is functional.scaled_dot_product_attention:
            return self.attend(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        """What torch's documentation says that its function computes, the map made on the way."""
        if enable_gqa:
            key, value = (x.repeat_interleave(query.shape[-3] // x.shape[-3], -3) for x in (key, value))
        score = (query.float() @ key.float().transpose(-2, -1)) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        if is_causal:
            score = score.masked_fill(~torch.ones(score.shape[-2:], dtype=torch.bool, device=score.device).tril(), -math.inf)
        if attn_mask is not None:
            score = score.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else score + attn_mask.float()
        found = score.softmax(-1).nan_to_num(0.0)  # a query without keys weighs nothing
        self.seen.append(found)
        other = None if self.edit is None else self.edit(self.name, found)
        weights = functional.dropout(found if other is None else other, dropout_p)
        return (weights @ value.float()).to(value.dtype)
