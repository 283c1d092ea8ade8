"""Where limner keeps what it can get again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """The folder `name` in limner's cache: below $LIMNER_CACHE, else ~/.cache/limner. It need not exist yet."""
    own = os.environ.get("LIMNER_CACHE")
    return (Path(own) if own else Path.home() / ".cache" / "limner") / name


def data_folder() -> Path:
    """Where `limner data get` puts data sets: $LIMNER_DATA, else ~/.cache/limner/data."""
    own = os.environ.get("LIMNER_DATA")
    return Path(own) if own else Path.home() / ".cache" / "limner" / "data"
