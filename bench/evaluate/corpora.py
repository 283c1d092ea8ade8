"""Corpora that judges are measured on."""

from __future__ import annotations

from pathlib import Path

from limner import Corpus
from limner.pipeline import build, load


def built(data: str, folder: Path) -> Corpus:
    """The corpus of a data set by the default plan, made once in `folder`."""
    place = folder / data
    build(load("default").with_sources([f"data:{data}"]), str(place))
    return Corpus.open(str(place))
