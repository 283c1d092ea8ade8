"""Trained models on disk: a folder with everything that one needs to be run, and a card that says what it is.

`model.json` (what it is made of), `model.safetensors`, `image.safetensors` (the image tokenizer), `tokenizer.json` (words), `README.md`. Nothing is
unpickled and no code is named in it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast, get_type_hints

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from limner.errors import LimnerError
from limner.models.composed import Composition, composed, image_tokenizer
from limner.models.heads.vectors import Floats
from limner.models.interleaved import Interleaved
from limner.models.reader import Reader, Reading
from limner.models.tokenizers import Autoencoder
from limner.models.vocabulary import Vocabulary

FILE, WEIGHTS, IMAGE, CARD = "model.json", "model.safetensors", "image.safetensors", "README.md"
_FORMAT = 1


@dataclass(frozen=True)
class Trained:
    """A model with what it reads and writes by."""

    model: Interleaved
    vocabulary: Vocabulary
    tokenizer: Autoencoder
    composition: Composition
    reading: Reading
    spread: tuple[Floats, Floats] | None = None

    @cached_property
    def reader(self) -> Reader:
        """Makes sequences of documents for it; remembers the images it has read."""
        return Reader(self.vocabulary, cast("Any", self.model.image), self.reading)


def save(trained: Trained, folder: Path, card: str) -> None:
    """Write a model into a folder; `card` is its README."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(trained.model, folder / WEIGHTS)
    _write(trained.tokenizer, folder / IMAGE)
    trained.vocabulary.save(folder)
    (folder / CARD).write_text(card, "utf-8")
    stated: dict[str, Any] = {"format": _FORMAT, "composition": asdict(trained.composition), "reading": asdict(trained.reading)}
    stated["spread"] = None if trained.spread is None else [row.tolist() for row in trained.spread]
    (folder / FILE).write_text(json.dumps(stated, indent=1) + "\n", "utf-8")


def load(folder: Path) -> Trained:
    """A model that `save` wrote. Raises `LimnerError` for a folder that has none, or another's."""
    if not (folder / FILE).is_file():
        raise LimnerError(f"{folder} has no trained model (no {FILE}); `limner train` makes one")
    try:
        stated: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
        if stated.get("format") != _FORMAT:
            raise LimnerError(f"{folder} is of format {stated.get('format')!r}, this version reads {_FORMAT}")
        composition, reading = _made(Composition, stated["composition"]), _made(Reading, stated["reading"])
        spread = None if stated["spread"] is None else (_row(stated["spread"][0]), _row(stated["spread"][1]))
        vocabulary = Vocabulary.load(folder)
        tokenizer = image_tokenizer(composition.pictures)
        _read(tokenizer, folder / IMAGE)
        model = composed(composition, vocabulary.size, vocabulary.marks, tokenizer.eval(), spread)
        _read(model, folder / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise LimnerError(f"the model in {folder} is damaged: {error}") from error
    return Trained(model.eval(), vocabulary, tokenizer, composition, reading, spread)


def _row(values: Any) -> Floats:
    return np.asarray(values, np.float32)


def _write(module: nn.Module, path: Path) -> None:
    save_file({name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}, str(path))


def _read(module: nn.Module, path: Path) -> None:
    module.load_state_dict(load_file(str(path)))


def _made(kind: type[Any], stated: Mapping[str, Any]) -> Any:
    """A dataclass from what `asdict` made of it."""
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        value = stated[field.name]
        nested = hints[field.name]
        given[field.name] = (
            _made(cast("Any", nested), value)
            if dataclasses.is_dataclass(nested)
            else tuple(value)
            if isinstance(value, list)
            else value
        )
    return kind(**given)
