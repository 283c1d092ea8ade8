"""The port to joint encoders of images and texts (CLIP, SigLIP and their kin), and three that serve it.

`bundled:conse`  pictures by the names of what a classifier sees in them, in a text encoder's space (see `limner.experts.imagenet`)
`hf:NAME`     a model in the layout of Hugging Face transformers, by name or folder
`onnx:FOLDER` `vision_model.onnx` and `text_model.onnx` (or `onnx/...`), `tokenizer.json` and
              `preprocessor_config.json`, as transformers.js has them
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from limner.corpus.pixels import Pixels
from limner.errors import ExpertError, MissingExtra
from limner.experts.address import resolve
from limner.experts.onnx import Floats, Preparation, Session


class Encoder(Protocol):
    """Puts images and texts in one space, where the cosine says how well they fit."""

    def embed_images(self, images: Sequence[Pixels]) -> Floats:
        """N x D for N images (height x width x 3 bytes, RGB); rows of length one."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """N x D for N texts, each cut where the model's context ends; rows of length one."""
        ...


def encoder(address: str) -> Encoder:
    """The encoder at `address`."""
    return cast("Encoder", resolve("encoder", address))


def unit(rows: Floats) -> Floats:
    """Rows scaled to length one; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


class OnnxEncoder:
    """A pair of ONNX models and a tokenizer in one folder."""

    def __init__(self, folder: Path) -> None:
        try:
            from tokenizers import Tokenizer  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise MissingExtra("encoder", "tokenizers", f"the encoder onnx:{folder}") from None
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
            stated = cast("dict[str, Any]", json.loads((folder / "preprocessor_config.json").read_text("utf-8")))
        except Exception as error:  # tokenizers raises bare Exceptions
            raise ExpertError(f"onnx:{folder} is not the folder of an encoder: {error}") from error
        self._prepare = _preparation(stated)
        self._vision = Session(_model(folder, "vision_model.onnx"), "encoder")
        self._text = Session(_model(folder, "text_model.onnx"), "encoder")
        if self._tokenizer.truncation is None:
            self._tokenizer.enable_truncation(77)
        if self._tokenizer.padding is None:
            self._tokenizer.enable_padding()

    def embed_images(self, images: Sequence[Pixels]) -> Floats:
        """See `Encoder`."""
        inputs = self._vision.images(self._prepare(images))
        return unit(self._vision.run([_output(self._vision, "image_embeds")], inputs)[0])

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        encoded = self._tokenizer.encode_batch(list(texts))
        values = {
            "input_ids": np.array([e.ids for e in encoded], np.int64),
            "attention_mask": np.array([e.attention_mask for e in encoded], np.int64),
        }
        inputs = {name: values[name] for name in self._text.inputs if name in values}
        return unit(self._text.run([_output(self._text, "text_embeds")], inputs)[0])


def _model(folder: Path, name: str) -> Path:
    inside = folder / "onnx" / name
    return inside if inside.is_file() else folder / name


def _output(session: Session, name: str) -> str:
    """The output of that name, else the pooled one, else the first."""
    return next((o for o in (name, "pooler_output") if o in session.outputs), session.outputs[0])


def _preparation(stated: dict[str, Any]) -> Preparation:
    """What `preprocessor_config.json` of transformers says."""

    def side(value: Any) -> tuple[int, bool]:
        if isinstance(value, dict):
            sizes = cast("dict[str, int]", value)
            return (sizes["shortest_edge"], True) if "shortest_edge" in sizes else (sizes["height"], False)
        return int(value), True

    try:
        resize, keep = side(stated.get("size", 224))
        crop = side(stated.get("crop_size", resize))[0] if stated.get("do_center_crop", keep) else resize
        return Preparation(
            resize=resize,
            crop=crop,
            keep=keep,
            scale=float(stated.get("rescale_factor", 1 / 255)),
            mean=tuple(stated.get("image_mean", (0.5, 0.5, 0.5))),
            deviation=tuple(stated.get("image_std", (0.5, 0.5, 0.5))),
            filter="bilinear" if stated.get("resample") == 2 else "bicubic",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ExpertError(f"preprocessor_config.json has no size this reads: {error}") from error


def from_onnx(rest: str) -> OnnxEncoder:
    """The encoder in the folder `rest`."""
    return OnnxEncoder(Path(rest).expanduser())


class HubEncoder:
    """A model loaded by transformers that has `get_image_features` and `get_text_features`."""

    def __init__(self, name: str) -> None:
        try:
            import torch  # pyright: ignore[reportMissingImports]
            from transformers import AutoModel, AutoProcessor  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise MissingExtra("models", error.name or "transformers", f"the encoder hf:{name}") from None
        try:
            self._processor: Any = AutoProcessor.from_pretrained(name)
            self._model: Any = AutoModel.from_pretrained(name).eval()
        except (OSError, ValueError) as error:
            raise ExpertError(f"the encoder hf:{name} does not load: {error}") from error
        if not hasattr(self._model, "get_image_features"):
            raise ExpertError(f"hf:{name} is no joint encoder of images and texts: it has no get_image_features")
        self._torch: Any = torch

    def embed_images(self, images: Sequence[Pixels]) -> Floats:
        """See `Encoder`."""
        inputs = self._processor(images=list(images), return_tensors="pt")
        with self._torch.inference_mode():
            return unit(_tensor(self._model.get_image_features(pixel_values=inputs["pixel_values"])))

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        # SigLIP was trained with every text padded to the full context.
        padding = "max_length" if "siglip" in self._model.config.model_type else True
        inputs = self._processor(text=list(texts), return_tensors="pt", padding=padding, truncation=True)
        with self._torch.inference_mode():
            return unit(_tensor(self._model.get_text_features(**inputs)))


def _tensor(output: Any) -> Floats:
    # Newer versions of transformers return the whole output, with the embedding pooled.
    return np.asarray(getattr(output, "pooler_output", output).float().numpy(), dtype=np.float32)


def from_hub(rest: str) -> HubEncoder:
    """The encoder of that name or folder."""
    return HubEncoder(rest)
