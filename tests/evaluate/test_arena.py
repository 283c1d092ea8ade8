"""Verdicts between systems: rankings under each way of treating ties, and two judges of the same meetings."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from limner.cli.main import limner
from limner.evaluate.arena import agreements, ranked
from limner.evaluate.benchmark import BenchmarkError
from limner.evaluate.benchmarks.openingarena import Verdict

STRENGTH = {"strong": 1.0, "middle": 0.0, "weak": -1.0}


def meetings(seed: int, count: int = 300) -> list[tuple[str, str, str, str]]:
    chance = random.Random(seed)
    found = []
    for n in range(count):
        a, b = chance.sample(list(STRENGTH), 2)
        wins = chance.random() < 1 / (1 + 2.718 ** (STRENGTH[b] - STRENGTH[a]))
        side = "A" if wins else "B"
        found.append((f"item {n}", a, b, f"Tie({side})" if chance.random() < 0.2 else side))
    return found


def table(file: Path, rows: list[tuple[str, str, str, str]]) -> Path:
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([("item", "a", "b", "winner"), *rows])
    return file


def test_systems_are_ranked_under_every_way_of_treating_ties(tmp_path: Path):
    found = ranked(table(tmp_path / "verdicts.csv", meetings(0)), resamples=200)
    assert set(found["rankings"]) == {"drop", "nothing", "half", "lean", "davidson"}
    for ranking in found["rankings"].values():
        assert [place["system"] for place in ranking["places"]] == ["strong", "middle", "weak"]
        assert all(place["low"] < place["strength"] < place["high"] for place in ranking["places"])


def test_the_same_verdicts_in_openings_form_are_the_same(tmp_path: Path):
    rows = meetings(1, 60)
    records = [{"data_id": item, "model_A": {"name": a}, "model_B": {"name": b}, "winner": winner} for item, a, b, winner in rows]
    (tmp_path / "verdicts.json").write_text(json.dumps(records))
    assert ranked(tmp_path / "verdicts.json", resamples=200) == ranked(table(tmp_path / "v.csv", rows), resamples=200)


def test_judges_agree_whichever_side_a_system_stood_on():
    ones = [Verdict("1", "x", "y", "A"), Verdict("2", "x", "y", "Tie(A)"), Verdict("3", "x", "y", "B")]
    others = [Verdict("1", "y", "x", "B"), Verdict("2", "y", "x", "B"), Verdict("3", "x", "y", "A"), Verdict("4", "x", "y", "A")]
    found = agreements(ones, others)
    assert {ties: row["both"] for ties, row in found.items()} == {"tie": 3, "drop": 2, "lean": 3}
    assert found["tie"]["agree"]["value"] == pytest.approx(1 / 3)
    assert found["drop"]["agree"]["value"] == pytest.approx(1 / 2)
    assert found["lean"]["agree"]["value"] == pytest.approx(2 / 3)


def test_systems_that_never_met_are_not_ranked_together_and_it_is_said(tmp_path: Path):
    file = table(tmp_path / "v.csv", [("1", "a", "b", "A"), ("2", "b", "a", "A"), ("3", "c", "d", "A"), ("4", "d", "c", "A")])
    told = CliRunner().invoke(limner, ["eval", "arena", str(file)])
    assert told.exit_code == 0, told.output
    assert "no chain of comparisons" in told.output


def test_a_verdict_that_is_none_names_its_line(tmp_path: Path):
    with pytest.raises(BenchmarkError, match="its winner is 'C'"):
        ranked(table(tmp_path / "v.csv", [("1", "a", "b", "A"), ("2", "b", "a", "C")]))
