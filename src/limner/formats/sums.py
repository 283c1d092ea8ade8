"""`SHA256SUMS`: the files of an export with their hashes, as `sha256sum --check` reads them.

It tells what limner wrote into a folder from what others put there or changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from limner.formats.place import SUMS


def write(folder: Path) -> None:
    """Write the sums of every file in the folder."""
    files = sorted((path.relative_to(folder).as_posix(), path) for path in files_of(folder))
    (folder / SUMS).write_text("".join(f"{digest(path)}  {name}\n" for name, path in files), encoding="utf-8")


def digest(path: Path) -> str:
    """The sha256 of a file; empty where it is not a regular one."""
    if path.is_symlink() or not path.is_file():
        return ""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(folder: Path) -> Iterator[Path]:
    """Every file below `folder`."""
    for base, _, names in os.walk(folder):
        for name in names:
            yield Path(base) / name
