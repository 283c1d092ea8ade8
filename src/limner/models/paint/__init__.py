"""`bundled:limner-t2i`: a small diffusion transformer and its autoencoder as a generator of images, trained by the recipe `pixart`
(docs/reproductions.md).

It draws emoji and clip art of 64 x 64 pixels from a few English words, made larger where more is asked.
"""

from __future__ import annotations

import importlib
from typing import Any

from limner.errors import ExpertError, MissingExtra
from limner.experts.generator import Generator


def bundled(name: str) -> Generator:
    """The port `generator` at `bundled:limner-t2i`. Raises `MissingExtra` without torch, transformers or diffusers."""
    if name != "limner-t2i":
        raise ExpertError(f"there is no bundled generator {name!r}; there is bundled:limner-t2i")
    try:
        for package in ("torch", "transformers", "diffusers"):
            importlib.import_module(package)
    except ImportError as error:
        raise MissingExtra("paint", error.name or "diffusers", f"the generator bundled:{name}") from None
    painter: Any = importlib.import_module("limner.models.paint.painter")
    return painter.load(painter.WEIGHTS)
