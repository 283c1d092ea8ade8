"""Arrays that take minutes to compute and are kept between runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray


def arrays(file: Path, make: Callable[[], Mapping[str, NDArray[Any]]]) -> NpzFile:
    """The arrays in a file, made where it is not there; it is whole or absent, and nothing in it is unpickled. Close it, as `with` does."""
    if not file.is_file():
        made: Any = make()
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as out:
            np.savez(out, allow_pickle=False, **made)
        unfinished.rename(file)
    return np.load(file, allow_pickle=False)
