"""Attention over flat batches: causal inside each row, both ways inside a group, never across rows; with a cache, over what
rows said before.

T new tokens of all rows, L tokens of a row, M of its keys, R rows, H query heads, G key heads (H a multiple of G), K head width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from limner.models.sequence import Packed

_SHORT = 256  # tokens


class Cache:
    """The keys and values of rows: for every layer R x G x capacity x K, and how much of each row counts."""

    def __init__(self, layers: int, rows: int, capacity: int = 256) -> None:
        self.lengths = [0] * rows
        self.like = torch.zeros(0)
        """An empty tensor of the kind that its keys are, once it has some."""
        self._capacity = capacity
        self._keys: list[Tensor | None] = [None] * layers
        self._values: list[Tensor | None] = [None] * layers
        self.state: dict[str, Tensor] = {}
        """What layers without keys keep of rows (the states of a state space model), R first."""

    def __len__(self) -> int:
        return len(self.lengths)

    def room(self, most: int) -> None:
        """Make room for rows of `most` tokens; a cache grows by doubling."""
        if most <= self._capacity:
            return
        self._capacity = max(most, 2 * self._capacity)
        for layer, key in enumerate(self._keys):
            value = self._values[layer]
            if key is not None and value is not None:
                grown = (*key.shape[:2], self._capacity, key.shape[3])
                self._keys[layer] = key.new_zeros(grown).index_copy_(2, torch.arange(key.shape[2], device=key.device), key)
                self._values[layer] = value.new_zeros(grown).index_copy_(2, torch.arange(key.shape[2], device=key.device), value)

    def at(self, layer: int, like_TGK: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a layer, R x G x capacity x K."""
        key, value = self._keys[layer], self._values[layer]
        if key is None or value is None:
            self.like = like_TGK.new_zeros(0)
            shape = (len(self), like_TGK.shape[1], self._capacity, like_TGK.shape[2])
            key, value = like_TGK.new_zeros(shape), like_TGK.new_zeros(shape)
            self._keys[layer], self._values[layer] = key, value
        return key, value

    def more(self, rows: int) -> None:
        """Add so many empty rows at the end."""
        self.lengths += [0] * rows
        for held in (self._keys, self._values):
            for layer, tensor in enumerate(held):
                if tensor is not None:
                    held[layer] = torch.cat([tensor, tensor.new_zeros(rows, *tensor.shape[1:])])
        self.state = {name: torch.cat([t, t.new_zeros(rows, *t.shape[1:])]) for name, t in self.state.items()}

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all rows but these, which are numbered anew in this order."""
        self.lengths = [self.lengths[row] for row in rows]
        for held in (self._keys, self._values):
            for layer, tensor in enumerate(held):
                if tensor is not None:
                    held[layer] = tensor[torch.tensor(rows, dtype=torch.long, device=tensor.device)].contiguous()
        self.state = {
            name: t[torch.tensor(rows, dtype=torch.long, device=t.device)].contiguous() for name, t in self.state.items()
        }


@dataclass(frozen=True, eq=False)
class Layout:
    """Which new tokens are of which row, and what they may see.

    `lengths`  new tokens of each row, in order
    `block_T`  groups that see each other both ways, None for none at all
    `together` of each row, whether it has such a group
    `cache`    what the rows said before; None in training. Row i of `lengths` is row `rows[i]` of it
    `keep`     whether these tokens stay in their rows: what layers without keys leave in the cache's `state` cannot be written
    over later
    """

    lengths: tuple[int, ...]
    block_T: Tensor | None = None
    together: tuple[bool, ...] = ()
    cache: Cache | None = None
    rows: tuple[int, ...] = ()
    keep: bool = True

    @property
    def seen(self) -> tuple[int, ...]:
        """How many tokens each row has in all."""
        if self.cache is None:
            return self.lengths
        return tuple(self.cache.lengths[row] + new for row, new in zip(self.rows, self.lengths, strict=True))

    @cached_property
    def level(self) -> tuple[Tensor, Tensor, Tensor]:
        """Where all rows have as many new tokens, N: their rows R, where in them the tokens go R x N, and what is added to the scores of the
        longest row's keys, R x N x M: nothing where a token sees the key. It is the same for every layer."""
        assert self.cache is not None
        like = self.cache.like
        rows = torch.tensor(self.rows, device=like.device)
        before = torch.tensor([self.cache.lengths[row] for row in self.rows], device=like.device)
        slots = before[:, None] + torch.arange(self.lengths[0], device=like.device)
        late = torch.arange(max(self.seen), device=like.device) > slots[:, :, None]
        return rows, slots, like.new_zeros(late.shape).masked_fill_(late, -torch.inf)

    @classmethod
    def of(cls, batch: Packed) -> Layout:
        """The layout of a batch of whole sequences."""
        grouped = any(batch.together)
        return cls(
            batch.lengths, batch.block_T if grouped else None, batch.together if grouped else (False,) * len(batch.lengths)
        )


def attend(q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor, layout: Layout, layer: int = 0, scale: float | None = None) -> Tensor:
    """What each token takes of what it sees, T x H x K. `layer` says whose keys of the cache these are."""
    if layout.cache is not None:
        return _continued(q_THK, k_TGK, v_TGK, layout, layout.cache, layer, scale)
    most = max(layout.lengths, default=0)
    if (
        q_THK.device.type == "cpu" and q_THK.requires_grad and not any(layout.together)
        and 0 < most <= _SHORT and most * len(layout.lengths) <= 1.5 * len(q_THK)
    ):  # fmt: skip
        return _short(q_THK, k_TGK, v_TGK, layout.lengths, most, scale)
    lengths = list(layout.lengths)
    blocks = layout.block_T.split(lengths) if layout.block_T is not None else None
    out: list[Tensor] = []
    learns = q_THK.device.type == "cpu" and q_THK.requires_grad
    with torch.autocast(q_THK.device.type, enabled=False):  # it would undo the choice of numbers here
        # Split and not sliced: going back through a slice of a batch writes a batch of zeros.
        for i, (length, *parts) in enumerate(zip(lengths, *(x.split(lengths) for x in (q_THK, k_TGK, v_TGK)), strict=True)):
            # On CPUs the fused kernel goes back through short rows of bfloat16 several times as slowly as through single precision.
            numbers = torch.float32 if learns and length < _SHORT else v_TGK.dtype
            q, k, v = (part.transpose(0, 1)[None].to(numbers) for part in parts)
            mask = visible(length, 0, blocks[i], q.device) if blocks is not None and layout.together[i] else None
            out.append(_attended(q, k, v, mask, mask is None, scale)[0].transpose(0, 1).to(v_TGK.dtype))
    return torch.cat(out) if out else q_THK


def visible(new: int, before: int, block_L: Tensor | None, device: torch.device) -> Tensor:
    """Which of `before` + `new` keys each of `new` tokens sees: L x M."""
    at = torch.arange(new, device=device)
    seen = at[None] <= at[:, None]
    if block_L is not None:
        seen = seen | ((block_L[None] == block_L[:, None]) & (block_L >= 0)[:, None])
    return torch.cat([seen.new_ones(new, before), seen], 1) if before else seen


def _short(q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor, lengths: Sequence[int], most: int, scale: float | None) -> Tensor:
    """Short rows of like lengths at once, by plain products: on CPUs the fused kernel goes back through rows of 40 tokens four
    times as slowly. Rows are filled up behind, where causality hides what is there."""
    q, k, v = (
        torch.stack([functional.pad(row, (0, 0, 0, 0, 0, most - len(row))) for row in x.split(list(lengths))]).transpose(1, 2)
        for x in (q_THK, k_TGK, v_TGK)
    )
    if q.shape[1] != k.shape[1]:
        k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], 1) for x in (k, v))
    late = torch.ones(most, most, dtype=torch.bool, device=q.device).triu(1)
    score = (q @ k.mT) * (q.shape[-1] ** -0.5 if scale is None else scale)
    seen = score.masked_fill(late, -torch.inf).softmax(-1, dtype=torch.float32).to(v.dtype) @ v
    return torch.cat([row[:length] for row, length in zip(seen.transpose(1, 2), lengths, strict=True)])


def _attended(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool, scale: float | None) -> Tensor:
    return functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal and q.shape[2] > 1, scale=scale, enable_gqa=q.shape[1] != k.shape[1]
    )


def _continued(
    q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor, layout: Layout, cache: Cache, layer: int, scale: float | None
) -> Tensor:
    key, value = cache.at(layer, k_TGK)
    ends = [cache.lengths[row] + new for row, new in zip(layout.rows, layout.lengths, strict=True)]
    new = layout.lengths[0] if layout.lengths else 0
    if len(layout.lengths) > 1 and all(n == new for n in layout.lengths) and not any(layout.together):
        return _level(q_THK, k_TGK, v_TGK, layout, key, value, max(ends), scale)
    out: list[Tensor] = []
    at = 0
    for i, (row, length) in enumerate(zip(layout.rows, layout.lengths, strict=True)):
        before = cache.lengths[row]
        key[row, :, before : before + length] = k_TGK[at : at + length].transpose(0, 1)
        value[row, :, before : before + length] = v_TGK[at : at + length].transpose(0, 1)
        k, v = key[row : row + 1, :, : before + length], value[row : row + 1, :, : before + length]
        q = q_THK[at : at + length].transpose(0, 1)[None]
        block = layout.block_T[at : at + length] if layout.block_T is not None and layout.together[i] else None
        # One token sees all that is there; a row's beginning is plainly causal.
        plain = block is None and (before == 0 or length == 1)
        mask = None if plain else visible(length, before, block, q.device)
        out.append(_attended(q, k, v, mask, plain and before == 0, scale)[0].transpose(0, 1))
        at += length
    return torch.cat(out)


def _level(
    q_THK: Tensor, k_TGK: Tensor, v_TGK: Tensor, layout: Layout, key: Tensor, value: Tensor, most: int, scale: float | None
) -> Tensor:
    """All rows at once, each with as many new tokens."""
    rows, slots, mask = layout.level
    count, new = slots.shape
    for held, more in ((key, k_TGK), (value, v_TGK)):
        held[rows[:, None], :, slots] = more.view(count, new, *more.shape[1:])
    whole = layout.rows == tuple(range(len(key)))
    k, v = (x[:, :, :most] if whole else x[rows, :, :most] for x in (key, value))
    q = q_THK.view(count, new, *q_THK.shape[1:]).transpose(1, 2)
    out = _attended(q, k, v, mask[:, None], False, scale)
    return out.transpose(1, 2).reshape(count * new, *out.shape[1:2], out.shape[-1])
