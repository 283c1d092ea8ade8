"""Hashes of what a result was made from: its data, its machine, and for a benchmark all of limner that its code can reach. What a run of a
recipe really loaded is in `limner.provenance.used`."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import platform
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from limner.errors import LimnerError
from limner.provenance.files import folder_hash
from limner.sources.datasets import dataset


def code_hash(module: str) -> str:
    """One hash over the source of `module` and every module of limner it imports, directly or not, by reading
    import statements and lazy addresses (`"limner.x:y"`), and over the files that lie beside them: plans, word lists, weights.
    A change in any of them, be it of a comment, gives another hash."""
    sources: dict[str, bytes] = {}
    left = [module]
    while left:
        name = left.pop()
        if name in sources:
            continue
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.origin or not spec.origin.endswith(".py"):
            continue
        place = Path(spec.origin)
        sources[name] = place.read_bytes()
        sources |= {str(p.relative_to(place.parent.parent)): p.read_bytes() for p in _beside(place.parent)}
        left += [found for found in _imports(sources[name], name) if found.startswith("limner.")]
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(f"{name}\0".encode() + hashlib.sha256(sources[name]).digest())
    return digest.hexdigest()[:16]


def _beside(folder: Path) -> list[Path]:
    """What a package has besides code, its own and that of folders of data below it. The root of limner has none."""
    if (folder / "errors.py").is_file():
        return []
    found = [p for p in folder.glob("*") if p.is_file()]
    found += [p for below in folder.iterdir() if below.is_dir() and _is_data(below) for p in below.rglob("*") if p.is_file()]
    return [p for p in found if p.suffix not in (".py", ".pyc") and not p.name.startswith(".")]


def _is_data(folder: Path) -> bool:
    return folder.name != "__pycache__" and not any(p.name != "__init__.py" for p in folder.glob("*.py"))


def _imports(source: bytes, module: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
            found += [name for alias in node.names if _is_module(name := f"{node.module}.{alias.name}")]
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith("limner.")
            and ":" in node.value
        ):
            found.append(node.value.split(":")[0])
    return found


def _is_module(name: str) -> bool:
    if not name.startswith("limner."):
        return False
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@cache
def data_hash(name: str) -> str | None:
    """The hash of a data set as it lies unpacked on this machine, made once a process; None where it is absent."""
    found = dataset(name)
    return folder_hash(found.data) if found.here else None


def data_hashes(names: Sequence[str]) -> dict[str, str]:
    """The hash of each data set named; raises `LimnerError` for one that is absent."""
    out: dict[str, str] = {}
    for name in names:
        found = data_hash(name)
        if found is None:
            raise LimnerError(f"the data set {name} is not here: limner data get {name}")
        out[name] = found
    return out


def machine() -> str:
    """What class of machine this is, without naming it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, Python {platform.python_version()}"
