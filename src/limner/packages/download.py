"""Packages brought here by the ordinary client of their registry: pip, apt-get, npm; checked by sha256."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from limner.errors import SourceError

Registry = Literal["pip", "deb", "npm"]
_NAME = {
    "pip": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z"),
    "deb": re.compile(r"[a-z0-9][a-z0-9.+-]+\Z"),
    "npm": re.compile(r"(?:@[a-z0-9][a-z0-9._-]*/)?[a-z0-9][a-z0-9._-]*\Z"),
}
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+~:_-]*\Z")
_TIME = 3600


@dataclass(frozen=True)
class Package:
    """One archive in a registry. `sha256` is its, "" where it was never measured; `size` its bytes, 0 likewise."""

    registry: Registry
    name: str
    version: str
    sha256: str = ""
    size: int = 0

    def __post_init__(self) -> None:
        if not _NAME[self.registry].match(self.name) or not _VERSION.match(self.version):
            raise SourceError(f"{self.name}=={self.version}: not the name and version of a {self.registry} package")

    def __str__(self) -> str:
        return f"{self.name}{'@' if self.registry == 'npm' else '=='}{self.version}"


def download(package: Package, folder: Path, progress: Callable[[int], None] = lambda _: None, any_version: bool = False) -> Path:
    """The archive of `package` in `folder`, downloaded unless it is there already. Its sha256 is checked before it
    gets its place; `progress(n)` is called now and then with the bytes that have come so far. With `any_version`, a
    Debian package of another version will do (its own archive's signature vouches for it)."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9.+-]", "-", f"{package.registry}-{package.name}-{package.version}")
    kept = folder / stem
    if kept.exists():
        try:
            check(kept, package)
        except SourceError:
            kept.unlink()
        else:
            return kept
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{stem[:40]}-") as scratch:
        # The working folder is where the archive will lie, the other is the client's for what is not whole yet.
        here, temporary = Path(scratch) / "here", Path(scratch) / "tmp"
        here.mkdir()
        temporary.mkdir()
        if os.name == "posix" and package.registry == "deb" and os.geteuid() == 0:
            # apt drops its rights to the user _apt, who must be able to write here.
            os.chmod(scratch, 0o755)
            os.chmod(here, 0o777)
        version = package.version
        try:
            _run(_COMMANDS[package.registry](package.name, version), here, temporary, package, progress)
        except SourceError:
            if not (any_version and package.registry == "deb"):
                raise
            version = ""
            _run(_apt(package.name, ""), here, temporary, package, progress)
        found = [path for path in here.iterdir() if path.is_file()]
        if len(found) != 1:
            raise SourceError(f"{package}: its client left {len(found)} files, not one; run it by hand to see why")
        if version:
            check(found[0], package)
        os.replace(found[0], kept)
    return kept


def check(path: Path, package: Package) -> None:
    """Raise `SourceError` where a file is not the one `package` names by sha256; nothing where it names none."""
    if package.sha256 and (found := sha256_of(path)) != package.sha256:
        raise SourceError(f"{package}: its sha256 is {found}, not {package.sha256}; it is not the file that was measured")


def sha256_of(path: Path) -> str:
    """The sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pip(name: str, version: str) -> list[str]:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--progress-bar=off"]
    return [*command, "--disable-pip-version-check", "--dest=.", f"{name}=={version}"]


def _apt(name: str, version: str) -> list[str]:
    return ["apt-get", "download", "-q", f"{name}={version}" if version else name]


def _npm(name: str, version: str) -> list[str]:
    return ["npm", "pack", "--silent", "--ignore-scripts", f"{name}@{version}"]


_COMMANDS: dict[Registry, Callable[[str, str], list[str]]] = {"pip": _pip, "deb": _apt, "npm": _npm}
_ADVICE: dict[Registry, str] = {
    "pip": "check the network and that this Python has pip (python -m ensurepip)",
    "deb": "run `apt-get update` first; on another release or system, fetch the .deb by hand and give it with --file, "
    "or take your release's version with --any-version",
    "npm": "check the network and `npm --version`",
}


def _run(command: Sequence[str], here: Path, temporary: Path, package: Package, progress: Callable[[int], None]) -> None:
    if not shutil.which(command[0]):
        what = f"{command[0]} is not on this machine: get the file elsewhere and give it with --file"
        raise SourceError(f"{package}: {what}")
    environment = {**os.environ, "TMPDIR": str(temporary), "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=here, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            for _ in range(_TIME * 4):
                try:
                    process.wait(0.25)
                    break
                except subprocess.TimeoutExpired:
                    progress(_size_below(here.parent))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        log.seek(0)
        lines = [line for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
    if process.returncode:
        said = next((line for line in reversed(lines) if re.match(r"E:|ERROR|npm err", line, re.I)), (lines or ["?"])[-1])
        raise SourceError(f"{package}: {command[0]} failed ({said.strip()[:200]}); {_ADVICE[package.registry]}")


def _size_below(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except OSError:
                continue  # gone since it was listed
    return total
