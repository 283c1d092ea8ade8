"""What every result of these measures carries: hashes of code and data, and a table to read."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = HERE.parent / "results"


def digest(files: Iterable[Path], base: Path) -> str:
    """One sha256 over files: of every path relative to `base` and its bytes, in order of path."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(f"{path.relative_to(base).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def code_hashes(*scripts: str) -> dict[str, str]:
    """sha256 of the extractor's code (and what it reads) and of the measure's scripts."""
    extractor = ROOT / "src/limner/sources/html"
    document = ROOT / "src/limner/document"
    code = [p for folder in (extractor, document) for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    measure = [HERE / name for name in (*scripts, "systems.py", "report.py")]
    return {"extractor": digest(code, ROOT), "measure": digest(measure, ROOT)}


def write(path: Path, result: dict[str, Any]) -> None:
    """The result as JSON, with the machine's class."""
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**result, "machine": machine}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"written: {path}")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown, numbers with three digits behind the point."""
    cells = [list(map(str, head))] + [[f"{c:.3f}" if isinstance(c, float) else str(c) for c in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)
