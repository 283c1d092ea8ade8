"""The port to detectors: pictures in, the things in them out, each with where it is.

`bundled:imagenet`  the names that a classifier of photographs gives to parts of a picture (see `limner.experts.imagenet`)
`hf:NAME`           an object detector in the layout of Hugging Face transformers (DETR, RT-DETR, ...), by name or folder
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from limner.corpus.pixels import Pixels
from limner.errors import ExpertError
from limner.experts.address import resolve
from limner.experts.device import place, transformers_for

DEFAULT = "bundled:imagenet"

_LEAST = 0.5  # score of a thing that a detector is taken at its word for
_BATCH = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """A thing: its name, how sure the detector is (0-1), and its box: left, top, right, bottom in pixels."""

    name: str
    score: float
    box: tuple[int, int, int, int]


class Detector(Protocol):
    """Finds things in pictures."""

    def detect(self, images: Sequence[Pixels]) -> list[list[Seen]]:
        """The things in each image (height x width x 3 bytes, RGB), the surest first."""
        ...


def detector(address: str = DEFAULT) -> Detector:
    """The detector at `address`, made once a process. Raises `ExpertError` for an address nobody serves."""
    return cast("Detector", resolve("detector", address))


def where(box: tuple[int, int, int, int], width: int, height: int) -> str:
    """Where in a picture a box is, in words.

    >>> where((0, 0, 30, 30), 100, 100), where((20, 30, 80, 70), 100, 100)
    ('top left', 'centre')
    """
    x, y = (box[0] + box[2]) / (2 * max(width, 1)), (box[1] + box[3]) / (2 * max(height, 1))
    across = "left" if x < 0.4 else "right" if x > 0.6 else ""
    down = "top" if y < 0.4 else "bottom" if y > 0.6 else ""
    return f"{down} {across}".strip() or "centre"


class HubDetector:
    """An object detector loaded by transformers."""

    def __init__(self, processor: Any, model: Any) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        self._torch: Any = torch
        self._device, _ = place()
        self._processor, self._model = processor, model.to(self._device).eval()

    def detect(self, images: Sequence[Pixels]) -> list[list[Seen]]:
        """See `Detector`."""
        out: list[list[Seen]] = []
        for first in range(0, len(images), _BATCH):
            batch = list(images[first : first + _BATCH])
            inputs = self._processor(images=batch, return_tensors="pt").to(self._device)
            with self._torch.inference_mode():
                output = self._model(**inputs)
            sizes = [pixels.shape[:2] for pixels in batch]
            for found in self._processor.post_process_object_detection(output, threshold=_LEAST, target_sizes=sizes):
                rows = zip(found["scores"].tolist(), found["labels"].tolist(), found["boxes"].tolist(), strict=True)
                out.append([self._seen(*row) for row in sorted(rows, reverse=True)])
        return out

    def _seen(self, score: float, label: int, box: list[float]) -> Seen:
        left, top, right, bottom = (round(value) for value in box)
        return Seen(str(self._model.config.id2label[label]), float(score), (left, top, right, bottom))


def from_hub(rest: str) -> HubDetector:
    """The detector of that name or folder."""
    transformers = transformers_for(f"the detector hf:{rest}")
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(rest)
        model = transformers.AutoModelForObjectDetection.from_pretrained(rest, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise ExpertError(f"the detector hf:{rest} does not load: {error}") from error
    return HubDetector(processor, model)
