"""EfficientNet-Lite0, whose weights `bundled:efficientnet-lite0` are: features of photographs.

The network is that of Liu 2020 (https://blog.tensorflow.org/2020/03/higher-accuracy-on-vision-models-with-efficientnet-lite.html):
EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946, table 1) without squeeze-and-excitation, with ReLU6. The weights come
from TensorFlow, so that padding is its "same": what is odd goes to the right and below.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 224
MEAN, SCALE = 127.0, 128.0

# Kernel, stride, expansion, channels out, repeats: the stages of table 1.
_STAGES = (
    (3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4), (3, 1, 6, 320, 1),
)  # fmt: skip


class _Conv(nn.Conv2d):
    """A convolution padded as TensorFlow pads."""

    def forward(self, input: Tensor) -> Tensor:
        """BCHW to BCHW, height and width divided by the stride, rounded up."""
        pads: list[int] = []
        for size, kernel, stride in zip(input.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            pad = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [pad // 2, pad - pad // 2]
        return super().forward(functional.pad(input, pads))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class _Block(nn.Module):
    """An inverted residual."""

    def __init__(self, kernel: int, stride: int, expansion: int, channels: int, out: int) -> None:
        super().__init__()
        inside = channels * expansion
        self.expands, self.adds = expansion > 1, stride == 1 and channels == out
        if self.expands:
            self._expand_conv = _Conv(channels, inside, 1, bias=False)
            self._bn0 = _norm(inside)
        self._depthwise_conv = _Conv(inside, inside, kernel, stride, groups=inside, bias=False)
        self._bn1 = _norm(inside)
        self._project_conv = _Conv(inside, out, 1, bias=False)
        self._bn2 = _norm(out)

    def forward(self, x: Tensor) -> Tensor:
        """BCHW to BCHW."""
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite(nn.Module):
    """The network. Names are those of the weights' file."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self._conv_stem = _Conv(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        blocks: list[nn.Module] = []
        channels = 32
        for kernel, stride, expansion, out, repeats in _STAGES:
            for again in range(repeats):
                blocks.append(_Block(kernel, 1 if again else stride, expansion, channels, out))
                channels = out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _Conv(channels, 1280, 1, bias=False)
        self._bn1 = _norm(1280)
        self._fc = nn.Linear(1280, classes)

    def maps(self, x: Tensor, after: Collection[int]) -> list[Tensor]:
        """B x 3 x H x W, prepared, to what the blocks of these numbers give: B x channels x height x width each."""
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        found: list[Tensor] = []
        for i, block in enumerate(self._blocks):
            if i <= max(after):
                x = block(x)
                found += [x] * (i in after)
        return found

    def features(self, x: Tensor) -> Tensor:
        """B x 3 x H x W, prepared, to B x 1280."""
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._bn1(self._conv_head(x))).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """B x 3 x H x W, prepared, to B x classes."""
        return self._fc(self.features(x))


def load(path: Path) -> EfficientNetLite:
    """The network with the weights of a file; nothing of it is run."""
    network = EfficientNetLite()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()
