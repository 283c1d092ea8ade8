"""ONNX models of images: a session of onnxruntime, and the pixels as such a model wants them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.corpus.pixels import Pixels
from limner.errors import ExpertError, MissingExtra

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Preparation:
    """What is done to RGB pixels before a model sees them: scaled to `resize` x `resize` (both sides, or with `keep`
    the shorter one, which keeps the aspect ratio), the middle `crop` x `crop` cut out, channels in `order`, and
    (value * scale - mean) / deviation for each channel in that order. The defaults are those of ImageNet models."""

    resize: int = 224
    crop: int = 224
    keep: bool = True
    order: Literal["rgb", "bgr"] = "rgb"
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    deviation: tuple[float, ...] = (0.229, 0.224, 0.225)
    filter: Literal["bilinear", "bicubic"] = "bilinear"

    def __call__(self, images: Sequence[Pixels]) -> Floats:
        """Images as N x crop x crop x 3."""
        mean, deviation = np.array(self.mean, np.float32), np.array(self.deviation, np.float32)
        out = np.empty((len(images), self.crop, self.crop, 3), np.float32)
        for i, pixels in enumerate(images):
            values = self._cut(pixels).astype(np.float32)
            out[i] = ((values if self.order == "rgb" else values[:, :, ::-1]) * self.scale - mean) / deviation
        return out

    def _cut(self, pixels: Pixels) -> Pixels:
        height, width = pixels.shape[:2]
        if self.keep:
            shorter = min(height, width)
            size = max(round(width * self.resize / shorter), self.crop), max(round(height * self.resize / shorter), self.crop)
            size = min(size[0], 16 * self.resize), min(size[1], 16 * self.resize)
        else:
            size = (self.resize, self.resize)
        resample = Image.Resampling.BICUBIC if self.filter == "bicubic" else Image.Resampling.BILINEAR
        scaled = np.asarray(Image.fromarray(pixels).resize(size, resample))
        top, left = (size[1] - self.crop) // 2, (size[0] - self.crop) // 2
        return scaled[top : top + self.crop, left : left + self.crop]

    @staticmethod
    def read(path: Path) -> Preparation:
        """From a JSON object with some of the fields; the defaults where the file is not there."""
        if not path.is_file():
            return Preparation()
        try:
            stated = cast("dict[str, Any]", json.loads(path.read_text("utf-8")))
            known = {field.name for field in fields(Preparation)}
            given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stated.items() if k in known}
            return Preparation(**given)
        except (ValueError, TypeError, AttributeError) as error:
            raise ExpertError(f"{path}: not a description of how a model wants its images: {error}") from error


class Session:
    """A model file, run on one thread unless told otherwise (the runner has a process a core)."""

    def __init__(self, path: Path, extra: str, threads: int = 1) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtra(extra, "onnxruntime", f"running {path.name}") from None
        if not path.is_file():
            raise ExpertError(f"there is no ONNX model at {path}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own errors have no documented base
            raise ExpertError(f"{path} does not load as an ONNX model: {error}") from error
        self.inputs: dict[str, list[Any]] = {i.name: list(i.shape) for i in self._session.get_inputs()}
        self.outputs: list[str] = [o.name for o in self._session.get_outputs()]

    def run(self, outputs: list[str], inputs: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Those outputs for those inputs."""
        return cast("list[NDArray[Any]]", self._session.run(outputs, inputs))

    def images(self, prepared: Floats) -> dict[str, NDArray[Any]]:
        """Prepared images (N x H x W x 3) as the first input, in its order of axes."""
        name, shape = next(iter(self.inputs.items()))
        channels_first = len(shape) == 4 and shape[1] == 3
        return {name: np.ascontiguousarray(prepared.transpose(0, 3, 1, 2)) if channels_first else prepared}
