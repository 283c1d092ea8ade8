"""The modules of limner that the processes of a run load, told to the one that started them: a recipe's result says what its run used."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

ASKED = "LIMNER_LOADED"
"""The variable of the environment that names the file to tell them to."""


class _Teller:
    """An import hook that finds nothing: it appends the name of each module of limner that is about to be loaded to a file."""

    def __init__(self, file: str) -> None:
        self._file = file

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.startswith("limner."):
            # Who asked has ended, perhaps, and the file's folder with it.
            with suppress(OSError), open(self._file, "a", encoding="utf-8") as file:
                file.write(name + "\n")


def tell(file: str) -> None:
    """Have this process, and those forked from it, tell to a file what they load from now on."""
    sys.meta_path.insert(0, _Teller(file))  # pyright: ignore[reportArgumentType]
