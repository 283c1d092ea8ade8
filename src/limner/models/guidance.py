"""Classifier-free guidance over one condition or several.

* one: Ho and Salimans 2022, arXiv 2207.12598, in the form out = p(nothing) + s (p(c) - p(nothing)), so that s = 1 is no guidance
* nested: Brooks et al. 2022, arXiv 2211.09800 (InstructPix2Pix), equation 3: each condition is added to those before it. An
  image and then a text is what interleaved sequences are led by (Mogao, arXiv 2505.05472, has a guidance over both; its weights could not be
  looked up here, these are InstructPix2Pix's)
* composed: Liu et al. 2022, arXiv 2206.01714 (their conjunction): each condition by itself against nothing
* rescaled: Lin et al. 2023, arXiv 2305.08891, equations 15-16: the spread of what is not guided is given back

They serve whatever is linear in its outcome: noise, velocities, logits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from torch import Tensor

from limner.errors import LimnerError

Way = Literal["nested", "composed"]
C = TypeVar("C")


def combined(outcomes: Sequence[Tensor], scales: Sequence[float], way: Way = "nested") -> Tensor:
    """One outcome of several: first that of no condition; then, `nested`, that of one condition, of two, ... (a scale each), or,
    `composed`, that of each condition alone. Nested with all scales 1 is the last one, up to rounding.

    >>> import torch
    >>> nothing, image, both = torch.tensor([0.0]), torch.tensor([1.0]), torch.tensor([3.0])
    >>> combined([nothing, image, both], [1.5, 2.0]).item()
    5.5
    """
    if len(outcomes) != len(scales) + 1:
        raise LimnerError(
            f"{len(scales)} scales take {len(scales) + 1} outcomes, that of no condition first; there are {len(outcomes)}"
        )
    before = outcomes[:-1] if way == "nested" else [outcomes[0]] * len(scales)
    total = outcomes[0]
    for scale, outcome, base in zip(scales, outcomes[1:], before, strict=True):
        total = total + scale * (outcome - base)
    return total


def guided(
    predict: Callable[[Tensor, Tensor, C], Tensor],
    conditions: Sequence[C],
    scales: Sequence[float],
    way: Way = "nested",
    rescale: float = 0.0,
) -> Callable[[Tensor, Tensor], Tensor]:
    """A prediction (of a noisy x and times) led by conditions: the first says nothing, then as `combined` takes them. With guidance 1 only
    the last condition is asked, so that it is exactly none; conditions that count nothing are not asked either."""
    if len(conditions) != len(scales) + 1:
        raise LimnerError(
            f"{len(scales)} scales take {len(scales) + 1} conditions, that which says nothing first; there are {len(conditions)}"
        )
    weights = shares(scales, way)

    def led(x: Tensor, time_N: Tensor) -> Tensor:
        asked = [(weight, predict(x, time_N, condition)) for weight, condition in zip(weights, conditions, strict=True) if weight]
        if len(asked) == 1 and asked[0][0] == 1:
            return asked[0][1]
        total = sum((weight * outcome for weight, outcome in asked[1:]), asked[0][0] * asked[0][1])
        return rescaled(total, asked[-1][1], rescale) if rescale else total

    return led


def rescaled(led: Tensor, plain: Tensor, share: float = 0.7) -> Tensor:
    """What is led, its spread over each image brought back to that of the plain outcome by `share`."""
    own, wanted = (x.flatten(1).std(1).view(-1, *[1] * (x.dim() - 1)) for x in (led, plain))
    return led * (share * wanted / own.clamp(min=1e-8) + 1 - share)


def shares(scales: Sequence[float], way: Way = "nested") -> list[float]:
    """How much each outcome counts, first that of no condition.

    >>> shares([1.5, 2.0]), shares([1.0, 1.0])
    ([-0.5, -0.5, 2.0], [0.0, 0.0, 1.0])
    """
    if not scales:
        return [1.0]
    if way == "composed":
        return [1.0 - sum(scales), *scales]
    following = [*scales[1:], 0.0]
    return [1.0 - scales[0], *(scale - then for scale, then in zip(scales, following, strict=True))]
