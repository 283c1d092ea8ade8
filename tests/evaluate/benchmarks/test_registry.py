"""Benchmarks by name."""

from __future__ import annotations

import pytest

from limner.evaluate.benchmark import BenchmarkError
from limner.evaluate.benchmarks.registry import benchmark, names


@pytest.mark.parametrize("name", names())
def test_each_says_what_it_is(name: str) -> None:
    found = benchmark(name)
    assert found.name == name
    assert found.title
    assert "arXiv" in found.reference or "arxiv" in found.reference
    assert found.measures
    assert all(measure.low < measure.high and measure.says for measure in found.measures)
    assert len({measure.name for measure in found.measures}) == len(found.measures)
    assert isinstance(found.ranks, bool)


@pytest.mark.parametrize("name", [name for name in names() if benchmark(name).files])
def test_one_that_reads_files_asks_for_them(name: str) -> None:
    with pytest.raises(BenchmarkError, match="--data"):
        list(benchmark(name).items(None))


def test_a_name_that_nobody_has_brings_those_that_are_near() -> None:
    with pytest.raises(BenchmarkError, match=r"did you mean .*wise"):
        benchmark("wize")
