"""`SHA256SUMS`: the files of an export with their hashes, as `sha256sum --check` reads them.

It tells what limner wrote into a folder from what others put there or changed.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from limner.errors import FormatError
from limner.formats.output import REPORT, SUMS, files_of

_APART = frozenset({REPORT, SUMS})


def write(folder: Path) -> None:
    """Write the sums of every file in the folder."""
    lines = [f"{_sum(path)}  {name}\n" for name, path in sorted(_files(folder).items())]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read(folder: Path) -> dict[str, str]:
    """The sums that were written, by name; raises `FormatError` where there are none."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        raise FormatError(f"it has no readable {SUMS}, which says what limner wrote: remove it, and export again") from None
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines) if name}


def changed(folder: Path) -> list[str]:
    """The names of files that limner wrote and that are gone or not as they were."""
    files = _files(folder)
    return [name for name, digest in sorted(read(folder).items()) if name not in files or _sum(files[name]) != digest]


def foreign(folder: Path) -> list[str]:
    """The names of files that limner did not write. What has the very bytes of one that it wrote is that one, renamed."""
    sums = read(folder)
    ours = set(sums.values())
    return [name for name, path in sorted(_files(folder).items()) if name not in sums and _sum(path) not in ours]


def carry(folder: Path, target: Path) -> None:
    """Copy what limner did not write from an export to the one that takes its place, where it has no file of that name."""
    for name in foreign(folder):
        if not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / name, target / name, follow_symlinks=False)


def _files(folder: Path) -> dict[str, Path]:
    found = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
    return {name: path for name, path in found.items() if name not in _APART}


def _sum(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
