"""What a run was made from: the hash of the benchmark's files, and of the code that asks, scores and judges."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from limner.evaluate.benchmark import Benchmark
from limner.evaluate.judging import Judge
from limner.provenance.files import file_hash, folder_hash
from limner.provenance.used import code_of


def data_of(path: Path | None) -> str:
    """The hash of a file or folder, "" for none."""
    if path is None:
        return ""
    return file_hash(path) if path.is_file() else folder_hash(path)


def code_hash(bench: Benchmark, judges: Iterable[Judge]) -> str:
    """One hash over the benchmark's module, the judges', what asks models, and all that these import; comments left out."""
    return code_of("limner.evaluate.asked", *sorted({_module(bench), *map(_module, judges)}))


def _module(of: Any) -> str:
    return type(of).__module__
