"""Benchmarks by name: built in, or from other packages (entry points of the group `limner.benchmarks`).

A module is imported when its benchmark is asked for. Another benchmark is one file and one line here.
"""

from __future__ import annotations

import difflib
import importlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from limner.evaluate.benchmark import Benchmark, BenchmarkError

BUILTIN: dict[str, str] = {
    "isg": "limner.evaluate.benchmarks.isg:ISG",
    "interleaved-bench": "limner.evaluate.benchmarks.interleavedbench:INTERLEAVED_BENCH",
    "opening": "limner.evaluate.benchmarks.opening:OPENING",
    "mmie": "limner.evaluate.benchmarks.mmie:MMIE",
    "mmdocrag": "limner.evaluate.benchmarks.mmdocrag:MMDOCRAG",
    "mmdocrag-text": "limner.evaluate.benchmarks.mmdocrag:MMDOCRAG_TEXT",
    "idea-bench": "limner.evaluate.benchmarks.ideabench:IDEA_BENCH",
    "mmlongbench-doc": "limner.evaluate.benchmarks.mmlongbenchdoc:MMLONGBENCH_DOC",
    "mmlongbench-doc-text": "limner.evaluate.benchmarks.mmlongbenchdoc:MMLONGBENCH_DOC_TEXT",
    "wise": "limner.evaluate.benchmarks.wise:WISE",
    "wise-verified": "limner.evaluate.benchmarks.wise:WISE_VERIFIED",
    "geneval": "limner.evaluate.benchmarks.geneval:GENEVAL",
    "dpg-bench": "limner.evaluate.benchmarks.dpgbench:DPG_BENCH",
    "mmlongbench": "limner.evaluate.benchmarks.mmlongbench:MMLONGBENCH",
    "mmlongbench-made": "limner.evaluate.benchmarks.mmlongmade:MMLONG_MADE",
    "olympicarena": "limner.evaluate.benchmarks.olympicarena:OLYMPIC_ARENA",
    "olympicarena-text": "limner.evaluate.benchmarks.olympicarena:OLYMPIC_ARENA_TEXT",
    "partiprompts": "limner.evaluate.benchmarks.partiprompts:PARTI_PROMPTS",
    "physbench": "limner.evaluate.benchmarks.physbench:PHYS_BENCH",
    "seed-bench-2": "limner.evaluate.benchmarks.seedbench2:SEED_BENCH_2",
    "seed-bench-2-blank": "limner.evaluate.benchmarks.seedbench2:SEED_BENCH_2_BLANK",
    "sparkles-eval": "limner.evaluate.benchmarks.sparkleseval:SPARKLES_EVAL",
    "textatlas": "limner.evaluate.benchmarks.textatlas:TEXT_ATLAS",
    "textatlas-made": "limner.evaluate.benchmarks.textatlasmade:TEXT_ATLAS_MADE",
    "vcr": "limner.evaluate.benchmarks.vcr:VCR",
    "vcr-made": "limner.evaluate.benchmarks.vcrmade:VCR_MADE",
}
"""The name of each, and the `module:object` that is it."""

GROUP = "limner.benchmarks"


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> list[str]:
    """The names of all benchmarks, sorted."""
    return sorted({*BUILTIN, *_entry_points()})


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name. Raises `BenchmarkError` for one that nobody has, with the names that are near."""
    if name in BUILTIN:
        module, _, found = BUILTIN[name].partition(":")
        return cast("Benchmark", getattr(importlib.import_module(module), found))
    if point := _entry_points().get(name):
        try:
            return cast("Benchmark", point.load())
        except Exception as error:
            raise BenchmarkError(f"benchmark {name!r} ({point.value}) does not load: {error}") from error
    near = difflib.get_close_matches(name, names(), 3)
    meant = f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(names())}"
    raise BenchmarkError(f"there is no benchmark {name!r}{meant}")
