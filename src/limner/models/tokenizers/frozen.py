"""Features of a frozen network for photographs, EfficientNet-Lite0, at several depths: what perceptual losses compare and semantic tokens are of.

N images, C channels, R x S pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from limner.experts.efficientnet import MEAN, SCALE, EfficientNetLite, load
from limner.experts.weights import weights

STAGES = (0, 2, 4, 10, 15)
"""The blocks after which features are taken: the last ones before resolution is halved (strides 2, 4, 8, 16), and the last one (32)."""


class FrozenStages(nn.Module):
    """The maps of features after some blocks of the network, coarser and coarser.

    The network is no part of the module's parameters and state: it is not trained, not saved, not shared out over ranks. It moves with the
    module from device to device. Images hold numbers from -1 to 1 and are made `scale` times as large first, since the network was trained on
    large ones.
    """

    def __init__(self, network: EfficientNetLite, stages: tuple[int, ...] = STAGES, scale: float = 2.0) -> None:
        super().__init__()
        # Depthwise convolutions are half as slow where channels lie last.
        self._network = (cast("Any", network.eval().requires_grad_(False)).to(memory_format=torch.channels_last),)
        self.stages, self.scale = stages, scale
        with torch.no_grad():
            self.widths = tuple(x.shape[1] for x in self(torch.zeros(1, 3, 32, 32)))
        """Channels of each map."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        self._network[0]._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def forward(self, image_NCRS: Tensor) -> list[Tensor]:
        """A map, N x C x R x S, for each of `stages`."""
        x = image_NCRS
        if self.scale != 1 and len(x):
            x = functional.interpolate(x, scale_factor=self.scale, mode="bilinear", antialias=True)
        prepared = ((127.5 * (x + 1) - MEAN) / SCALE).contiguous(memory_format=torch.channels_last)
        return self._network[0].maps(prepared, self.stages)


def frozen_stages(stages: tuple[int, ...] = STAGES, scale: float = 2.0) -> FrozenStages:
    """Those of `bundled:efficientnet-lite0`. Raises where its weights are not here."""
    return FrozenStages(load(weights("efficientnet-lite0") / "efficientnet-lite0.pth"), stages, scale)
