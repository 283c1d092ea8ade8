"""The port to encoders of images, and two that serve it.

`bundled:efficientnet-lite0`  a small network trained on photographs (Apache-2.0; 1280 numbers)
`hf:NAME`                     a vision model in the layout of Hugging Face transformers (DINOv2, ViT, ...), by name or folder
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import numpy as np

from limner.corpus.pixels import Pixels
from limner.errors import ExpertError
from limner.experts.address import resolve
from limner.experts.device import place, torch_for, transformers_for
from limner.experts.encoder import unit
from limner.experts.onnx import Floats, Preparation
from limner.experts.weights import weights

_BATCH = 32


class ImageEncoder(Protocol):
    """Puts images in a space where the cosine says how alike they are."""

    def embed(self, images: Sequence[Pixels]) -> Floats:
        """N x D for N images (height x width x 3 bytes, RGB); rows of length one."""
        ...


def image_encoder(address: str = "bundled:efficientnet-lite0") -> ImageEncoder:
    """The encoder at `address`."""
    return cast("ImageEncoder", resolve("image", address))


class LiteEncoder:
    """The features of EfficientNet-Lite0."""

    def __init__(self, network: Any) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        from limner.experts.efficientnet import MEAN, SCALE, SIDE

        self._torch: Any = torch
        self._device, self._numbers = place()
        # Depthwise convolutions are half as slow where channels lie last.
        self._network = network.to(self._device, memory_format=torch.channels_last)
        mean, deviation = (MEAN / 255,) * 3, (SCALE / 255,) * 3
        self._prepare = Preparation(resize=round(SIDE / 0.875), crop=SIDE, mean=mean, deviation=deviation, filter="bicubic")

    def embed(self, images: Sequence[Pixels]) -> Floats:
        """See `ImageEncoder`."""
        return unit(self._run(self._network.features, images, 1280))

    def classes(self, images: Sequence[Pixels]) -> Floats:
        """How likely each image is of each of ImageNet's classes: N x 1000, rows that sum to one."""
        return self._run(lambda x: self._network(x).softmax(-1), images, 1000)

    def _run(self, function: Callable[[Any], Any], images: Sequence[Pixels], width: int) -> Floats:
        rows: list[Floats] = [np.empty((0, width), np.float32)]
        for first in range(0, len(images), _BATCH):
            prepared = self._prepare(images[first : first + _BATCH]).transpose(0, 3, 1, 2)
            given = self._torch.from_numpy(prepared.copy()).to(self._device, memory_format=self._torch.channels_last)
            with (
                self._torch.inference_mode(),
                self._torch.autocast(self._device.type, self._numbers, self._numbers != self._torch.float32),
            ):
                rows.append(function(given).float().cpu().numpy())
        return np.concatenate(rows)


class HubEncoder:
    """The pooled output of a vision model, or its first token's."""

    def __init__(self, processor: Any, model: Any) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        self._torch: Any = torch
        self._device, dtype = place()
        self._processor, self._model = processor, model.to(self._device, dtype).eval()

    def embed(self, images: Sequence[Pixels]) -> Floats:
        """See `ImageEncoder`."""
        rows: list[Floats] = []
        for first in range(0, len(images), _BATCH):
            inputs = self._processor(images=list(images[first : first + _BATCH]), return_tensors="pt").to(self._device)
            with self._torch.inference_mode():
                output = self._model(pixel_values=inputs["pixel_values"].to(self._model.dtype))
            pooled = getattr(output, "pooler_output", None)
            pooled = output.last_hidden_state[:, 0] if pooled is None else pooled.flatten(1)
            rows.append(pooled.float().cpu().numpy())
        return unit(np.concatenate(rows)) if rows else np.empty((0, self._model.config.hidden_size), np.float32)


def bundled(name: str) -> LiteEncoder:
    """`efficientnet-lite0`."""
    if name != "efficientnet-lite0":
        raise ExpertError(f"there is no bundled image encoder {name!r}; there is bundled:efficientnet-lite0")
    torch_for(f"the image encoder bundled:{name}")
    from limner.experts.efficientnet import load

    return LiteEncoder(load(weights("efficientnet-lite0") / "efficientnet-lite0.pth"))


def from_hub(rest: str) -> HubEncoder:
    """The encoder of that name or folder."""
    transformers = transformers_for(f"the image encoder hf:{rest}")
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(rest)
        model = transformers.AutoModel.from_pretrained(rest, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise ExpertError(f"the image encoder hf:{rest} does not load: {error}") from error
    return HubEncoder(processor, model)
