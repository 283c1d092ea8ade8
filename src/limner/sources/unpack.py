"""Archives unpacked without trusting them: wheels (zip), npm packages (tar.gz) and Debian packages (ar of tar).

Only regular files are written, only below the target, and only so many of so many bytes; links are passed over. A
member whose path leads out of the target is an attack, and the whole archive is refused.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from limner.errors import SourceError

_BLOCK = 1 << 18


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to: files, bytes in all, and bytes for each byte of the archive."""

    files: int = 200_000
    size: int = 16 * 2**30
    ratio: int = 100


def unpack(
    archive: Path,
    target: Path,
    keep: Callable[[str], bool] = lambda _: True,
    limits: Limits | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Unpack the members of `archive` whose path `keep` accepts into the folder `target`, which must not be there and
    appears whole or not at all; returns how many files. `progress(n)` is called with bytes written. Raises
    `SourceError` for what is no archive, is damaged, leads out of the target or exceeds the limits."""
    limits = limits or Limits()
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:40]}-"))
    try:
        with ExitStack() as stack:
            writer = _Writer(scratch, limits, archive.stat().st_size, progress)
            for name, file in _members(archive, keep, stack):
                writer.write(name, file)
        os.chmod(scratch, 0o755)
        os.rename(scratch, target)
    except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, NotImplementedError) as error:
        raise SourceError(f"{archive.name}: a damaged archive ({error}); delete it and get it again") from None
    except OSError as error:
        # Decompressors raise it without a number for bad data; with one it is the disk.
        what = error.strerror if error.errno else f"a damaged archive ({error}); delete it and get it again"
        raise SourceError(f"{archive.name}: {what}") from None
    except RuntimeError as error:  # zipfile's word for an encrypted member
        raise SourceError(f"{archive.name}: {error}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return writer.files


class _Writer:
    def __init__(self, target: Path, limits: Limits, archive: int, progress: Callable[[int], None]):
        self.files = 0
        self._target = target
        self._limits = limits
        self._room = min(limits.size, limits.ratio * max(archive, 1 << 16))
        self._progress = progress

    def write(self, name: str, file: IO[bytes]) -> None:
        path = self._target / safe_path(name)
        self.files += 1
        if self.files > self._limits.files:
            raise SourceError(f"more than {self._limits.files} files in one archive")
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as out:
            while block := file.read(_BLOCK):
                self._room -= len(block)
                if self._room < 0:
                    raise SourceError("unpacks to far more than its size; refused as an archive bomb")
                out.write(block)
                self._progress(len(block))


def safe_path(name: str) -> str:
    """The relative path that a member's name means; raises `SourceError` for one that leads out.

    >>> safe_path("./usr/share/a.html")
    'usr/share/a.html'
    """
    steps = [step for step in name.split("/") if step not in ("", ".")]
    bad = name.startswith("/") or "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", name) or ".." in steps
    if bad or not steps:
        raise SourceError(f"a member is called {name[:200]!r}, which leads out of its folder; the archive is refused")
    return "/".join(steps)


def _members(archive: Path, keep: Callable[[str], bool], stack: ExitStack) -> Iterator[tuple[str, IO[bytes]]]:
    with open(archive, "rb") as file:
        head = file.read(8)
    if head.startswith(b"PK"):
        zipped = stack.enter_context(zipfile.ZipFile(archive))
        for member in zipped.infolist():
            # Written on Unix, the upper half holds the mode: 0xA000 is a symbolic link.
            is_link = member.create_system == 3 and (member.external_attr >> 28) == 0xA
            safe_path(member.filename)
            if not member.is_dir() and not is_link and keep(member.filename):
                with zipped.open(member) as opened:
                    yield member.filename, opened
        return
    if head.startswith(b"!<arch>\n"):
        stream = _deb_data(archive, stack)
    elif head.startswith(b"\x1f\x8b"):
        stream = stack.enter_context(gzip.open(archive, "rb"))  # noqa: SIM115 - the stack closes it
    else:
        raise SourceError(f"{archive.name}: neither a wheel, an npm package nor a Debian package")
    tar = stack.enter_context(tarfile.open(fileobj=stream, mode="r|"))  # noqa: SIM115 - as above
    for entry in tar:
        name = entry.name.removeprefix("./")
        if entry.isfile() and not entry.islnk():
            safe_path(name)
            if keep(name) and (opened := tar.extractfile(entry)) is not None:
                yield name, opened
    # Past the end of the tar stands padding, and then the checksum of what was read: a file cut short is found here.
    for _ in range(16):
        if not stream.read(_BLOCK):
            return
    raise SourceError(f"{archive.name}: goes on after its end; delete it and get it again")


def _deb_data(archive: Path, stack: ExitStack) -> IO[bytes]:
    """The `data.tar.*` member of a Debian package (deb(5)): an ar archive, headers of 60 bytes, members padded to 2."""
    file = stack.enter_context(open(archive, "rb"))  # noqa: SIM115 - the stack closes it
    file.seek(8)
    while len(header := file.read(60)) == 60:
        name = header[:16].decode("ascii", "replace").strip().rstrip("/")
        digits = header[48:58].strip()
        if header[58:] != b"`\n" or not digits.isdigit():
            break
        size = int(digits)
        if name.startswith("data.tar"):
            member = cast("IO[bytes]", _Window(file, size))
            if name == "data.tar":
                return member
            if name in _OPENERS:
                return stack.enter_context(_OPENERS[name](member))
            return _by_dpkg(archive, stack)
        file.seek(size + size % 2, io.SEEK_CUR)
    raise SourceError(f"{archive.name}: a Debian package without data; get it again")


_OPENERS: dict[str, Callable[[IO[bytes]], Any]] = {
    "data.tar.xz": lzma.open,
    "data.tar.gz": gzip.open,
    "data.tar.bz2": bz2.open,
}


def _by_dpkg(archive: Path, stack: ExitStack) -> IO[bytes]:
    if not shutil.which("dpkg-deb"):
        raise SourceError(f"{archive.name}: its compression is only known to dpkg-deb, which is not on this machine")
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
    stack.callback(process.kill)
    assert process.stdout is not None
    return process.stdout


class _Window(io.RawIOBase):
    """The next `size` bytes of a file, and no more."""

    def __init__(self, file: IO[bytes], size: int):
        super().__init__()
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(data)
        return data
