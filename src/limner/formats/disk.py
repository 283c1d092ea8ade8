"""An export on a disk: made under a hidden name beside its folder, and renamed when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from limner.errors import FormatError
from limner.formats.place import Place
from limner.formats.sums import digest, files_of

try:
    import fcntl
except ImportError:  # Windows has no fcntl: there, two exports to one folder are not kept apart.
    fcntl = None


class Disk(Place):
    """A folder of this machine."""

    def __init__(self, folder: str | os.PathLike[str]):
        self.given = os.fspath(folder)
        self.where = os.path.realpath(folder)
        self._target = Path(self.where)
        self._making = self._target.with_name(f".{self._target.name}.writing")
        self._replaced = self._target.with_name(f".{self._target.name}.replaced")

    @contextmanager
    def building(self, over: bool = False) -> Generator[Path]:
        """As `Place` says: renamed when it is whole."""
        target, making = self._target, self._making
        self.recover()
        if not over and target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise FormatError(f"{self.given} is there already; name a new folder for the export")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            making.mkdir(exist_ok=True)
        except OSError as error:
            raise FormatError(f"{self.given} cannot be written ({error.strerror}); name another folder") from None
        with self._alone():
            for left in making.iterdir():
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
            try:
                yield making
                if over and target.exists():
                    self._carry()
                    os.rename(target, self._replaced)
                # Over an empty folder a rename is allowed, over any other it fails.
                os.rename(making, target)
                self.recover()
            except OSError as error:
                shutil.rmtree(making, ignore_errors=True)
                self.recover()
                raise FormatError(f"{self.given} cannot be written: {error.strerror or error}") from error
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise

    def _carry(self) -> None:
        """Copy what limner did not write to the export that takes this one's place, where it has no file of that name."""
        for name in self.foreign():
            if not (self._making / name).exists():
                (self._making / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self._target / name, self._making / name, follow_symlinks=False)

    @contextmanager
    def _alone(self) -> Generator[None]:
        if fcntl is None:
            yield
            return
        handle = os.open(self._making, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FormatError(f"another export to {self.given} is going on; wait for it or name another folder") from None
            yield
        finally:
            os.close(handle)

    def recover(self) -> None:
        """As `Place` says: where a process was killed between taking an export away and putting the new one there, the old one
        comes back; where the new one was there, the old one goes."""
        old = self._replaced
        if not old.is_dir():
            return
        try:
            if self._target.exists():
                shutil.rmtree(old)
            else:
                os.rename(old, self._target)
        except OSError as error:
            raise FormatError(f"{old}, left by a killed process, cannot be put right ({error.strerror or error})") from None

    def sweep(self) -> bool:
        """As `Place` says."""
        if self._target.exists() or not self._making.is_dir():
            return False
        with self._alone():
            try:
                shutil.rmtree(self._making)
            except OSError as error:
                reason = error.strerror or error
                raise FormatError(f"{self._making}, left by a killed export, cannot be removed ({reason})") from None
        return True

    def names(self) -> list[str]:
        """As `Place` says."""
        return sorted(path.relative_to(self._target).as_posix() for path in files_of(self._target))

    def read(self, name: str) -> bytes:
        """As `Place` says."""
        try:
            return (self._target / name).read_bytes()
        except OSError:
            return b""

    def digest(self, name: str) -> str:
        """As `Place` says."""
        return digest(self._target / name)
