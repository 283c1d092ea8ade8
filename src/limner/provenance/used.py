"""The files of limner that a run used, each with a hash of what it said: what says, later, that a result is stale, and by what."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Self

from limner.loaded import ASKED
from limner.provenance.gist import gist_hash

_APART = (
    "__init__.py", "__main__.py", "cli/", "errors.py", "loaded.py", "packages/", "provenance/", "sources/datasets.py",
    *(f"recipes/{name}.py" for name in ("plot", "provenance", "recipe", "run", "table")),
)  # fmt: skip
"""What changes no figure: names, what commands print, what runs a recipe and shows its results, and what brings data here, which have
hashes of their own."""
_PLANS = "pipeline/plans/"
"""Of the plans only those that a module names in quotes were run."""
_JUDGE = "recipes/verdict.py"
"""It judges claims anew for every table; it counts where the figures themselves come from it."""

EDITED = "edited while it ran"

_asked: set[str] = set()


class Used:
    """The modules that a run uses in a `with` block, those among them that only its workers and other processes load."""

    def __init__(self) -> None:
        # What is edited while a run goes on is not what ran.
        self._files, self._first = found(), loaded()
        self._modules: set[str] = set()

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="limner-loaded-")
        self._told = Path(self._folder.name, "modules")
        self._before = os.environ.get(ASKED)
        os.environ[ASKED] = str(self._told)
        return self

    def __exit__(self, *_: object) -> None:
        os.environ.pop(ASKED)
        if self._before is not None:
            os.environ[ASKED] = self._before
        self._folder.cleanup()

    def note(self) -> None:
        """Take down what is loaded now."""
        told = self._told.read_text("utf-8").split() if self._told.is_file() else []
        self._modules |= loaded() | _asked | {path for name in set(told) if (path := _path(name))}

    def hashes(self) -> dict[str, str]:
        """The `hashes` of what was loaded, as it was at the beginning; `EDITED`, which no file's hash is, for what was loaded later, by then
        perhaps from another text."""
        now = found()
        known = hashes(self._modules, {**now, **self._files})
        unsure = (
            path for path in known if path not in self._first and (path not in now or hash_of(path, now[path]) != known[path])
        )
        return known | dict.fromkeys(unsure, EDITED)


def found() -> dict[str, bytes]:
    """Every file of limner as it is now, by its path in the package (`models/dit.py`)."""
    files: dict[str, bytes] = {}
    for root in map(Path, _roots()):
        for path in root.rglob("*"):
            if path.suffix != ".pyc" and not path.name.startswith(".") and path.is_file():
                files.setdefault(path.relative_to(root).as_posix(), path.read_bytes())
    return files


def loaded() -> set[str]:
    """The modules of limner that are loaded in this process, by their paths."""
    return {path for name in list(sys.modules) if (path := _path(name))}


def hashes(modules: Iterable[str], files: Mapping[str, bytes]) -> dict[str, str]:
    """A short hash of each of these modules that counts, and of the data beside it: plans, word lists, weights. A package's own data
    count where a module of it but `__init__` does."""
    counted = {path for path in modules if path in files and not path.startswith(_APART)} - {_JUDGE}
    if any(b"limner.recipes.verdict" in files[path] for path in counted):
        counted.add(_JUDGE)
    folders = {str(PurePosixPath(path).parent) for path in counted if not path.endswith("__init__.py")} - {"."}
    code = {str(PurePosixPath(path).parent) for path in files if path.endswith(".py") and not path.endswith("__init__.py")}
    beside = {path for path in files if not path.endswith(".py") and _package(path, code) in folders}
    named = b"".join(files[path] for path in counted)
    beside -= {path for path in beside if path.startswith(_PLANS) and f'"{PurePosixPath(path).stem}"'.encode() not in named}
    return {path: hash_of(path, files[path]) for path in sorted(counted | beside)}


def hash_of(path: str, content: bytes) -> str:
    """A short hash of a file of limner: of a module only what it does (`limner.provenance.gist`)."""
    return gist_hash(content) if path.endswith(".py") else sha256(content).hexdigest()[:12]


def changed(known: Mapping[str, str]) -> list[str]:
    """The paths among these whose files say something else now, or are gone."""
    return [path for path, was in known.items() if _hash_now(path) != was]


def _roots() -> Sequence[str]:
    """Where the package lies."""
    return sys.modules["limner"].__path__


def _hash_now(path: str) -> str | None:
    for root in _roots():
        if (file := Path(root, path)).is_file():
            return hash_of(path, file.read_bytes())
    return None


def _package(path: str, code: set[str]) -> str | None:
    """The package that a data file is of: the nearest folder around it that has modules."""
    return next((str(folder) for folder in PurePosixPath(path).parents if str(folder) in code), None)


# What a cache was made by


PAGES = ("limner.recipes.stages", "limner.sources.html")
"""What the pages of a data set come from, for `code_of`: their reader has an address, which no import statement gives."""


def code_of(*modules: str) -> str:
    """One hash over these modules and every module of limner that their import statements lead to, for the key of what they computed and
    is kept. Where it is read again none of them needs to be loaded: they count as loaded all the same."""
    reached = set[str]().union(*map(_reached, modules))
    _asked.update(reached)
    return sha256(repr(hashes(reached, found())).encode()).hexdigest()[:16]


def _reached(module: str) -> set[str]:
    reached: set[str] = set()
    left = [module]
    while left:
        path = _path(left.pop())
        if path and path not in reached:
            reached.add(path)
            left += _imports(_read(path))
    return reached


def _read(path: str) -> bytes:
    return next(file.read_bytes() for root in _roots() if (file := Path(root, path)).is_file())


def _path(name: str) -> str | None:
    """The file of a module of limner; None for other names."""
    first, *rest = name.split(".")
    if first != "limner":
        return None
    for path in ("/".join([*rest, "__init__.py"]), "/".join(rest) + ".py"):
        if any(Path(root, path).is_file() for root in _roots()):
            return path
    return None


@cache
def _imports(source: bytes) -> tuple[str, ...]:
    """The names that import statements give; those of no module, as classes have, among them."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.startswith("limner"))
