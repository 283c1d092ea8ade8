"""Benchmarks by name."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest
from click.testing import CliRunner

from limner.cli.main import limner
from limner.evaluate.benchmark import BenchmarkError
from limner.evaluate.benchmarks import registry
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


def test_another_packages_that_does_not_load_is_said_and_the_others_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("theirs", "nowhere_at_all:BENCH", registry.GROUP)
    monkeypatch.setattr(registry, "_entry_points", lambda: {"theirs": broken})
    with pytest.raises(BenchmarkError, match=r"'theirs' \(nowhere_at_all:BENCH\) does not load"):
        benchmark("theirs")
    told = CliRunner().invoke(limner, ["eval", "list"])
    assert told.exit_code == 0
    assert "does not load" in told.stderr
    assert "wise" in told.stdout
