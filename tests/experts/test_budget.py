"""What models cost is counted over threads and processes, and no request passes a cap."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from experts.test_language import Served
from limner.errors import ExpertError
from limner.experts.budget import Budget
from limner.experts.language import Sampling, user
from limner.experts.language_openai import ServedModel
from limner.experts.pace import Pace


@pytest.fixture
def caps(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "prices.json").write_text(json.dumps({"m": [1_000_000, 2_000_000]}))
    return {"LIMNER_LEDGER": str(tmp_path / "spent.json"), "LIMNER_PRICES": str(tmp_path / "prices.json"), "LIMNER_BUDGET": "100"}


def test_a_request_is_counted_at_its_worst_and_then_at_what_it_was(caps: dict[str, str]):
    budget = Budget(caps)
    held = budget.hold("m@x", 10, 20)
    assert held.cost == 50
    assert budget.spent() == {"m@x": {"requests": 1, "tokens_in": 10, "tokens_out": 20, "cost": 50.0}}
    assert budget.settle(held, 7, 3) == 13
    assert budget.spent()["m@x"] == {"requests": 1, "tokens_in": 7, "tokens_out": 3, "cost": 13.0}
    budget.release(budget.hold("m@x", 10, 20))
    assert budget.spent()["m@x"]["cost"] == 13


def test_caps_refuse_before_anything_is_sent(caps: dict[str, str]):
    budget = Budget(caps)
    with pytest.raises(ExpertError, match="could cost 101"):
        budget.hold("m@x", 101, 0)
    with pytest.raises(ExpertError, match="has no price"):
        budget.hold("other@x", 1, 0)
    tokens = Budget({"LIMNER_LEDGER": caps["LIMNER_LEDGER"], "LIMNER_TOKENS": "20"})
    tokens.hold("other@x", 10, 5)
    with pytest.raises(ExpertError, match="15 of 20 tokens"):
        tokens.hold("other@x", 5, 1)


@pytest.mark.parametrize(
    "settings", [{"LIMNER_BUDGET": "much"}, {"LIMNER_TOKENS": "-1"}, {"LIMNER_BUDGET": "nan"}, {"LIMNER_PRICES": "/nowhere"}]
)
def test_settings_that_make_no_sense_are_named(tmp_path: Path, settings: dict[str, str]):
    with pytest.raises(ExpertError, match=next(iter(settings))):
        Budget({"LIMNER_LEDGER": str(tmp_path / "l"), **settings})


def test_a_damaged_ledger_is_no_empty_one(caps: dict[str, str]):
    Path(caps["LIMNER_LEDGER"]).write_text('{"m@x": {"requests": 1}}')
    with pytest.raises(ExpertError, match="cannot be read"):
        Budget(caps).hold("m@x", 1, 1)


def test_threads_and_processes_share_one_count(caps: dict[str, str]):
    def some(number: int) -> int:
        budget, let = Budget(caps), 0
        for _ in range(10):
            try:
                budget.hold("m@x", 1, 1)
                let += 1
            except ExpertError:
                pass
        return let

    program = (
        "import os\nfrom limner.errors import ExpertError\nfrom limner.experts.budget import Budget\nbudget, let = Budget(), 0\n"
        "for _ in range(20):\n    try:\n        budget.hold('m@x', 1, 1)\n        let += 1\n    except ExpertError:\n        pass\nprint(let)"
    )
    others = [subprocess.Popen([sys.executable, "-c", program], env=caps, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        let = sum(pool.map(some, range(4)))
    let += sum(int(other.communicate(timeout=60)[0]) for other in others)
    assert let == 33  # each may cost 3
    assert Budget(caps).spent()["m@x"]["cost"] == 99


def test_a_served_model_stays_below_its_cap(caps: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("openai")
    server = Served(refuse=0)
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    for name, value in {**caps, "LIMNER_BUDGET": "60"}.items():
        monkeypatch.setenv(name, value)
    model = ServedModel("m", server.url)
    model.answer([[user("x")]], Sampling(tokens=10))  # 9 asked and 10 written at worst: 29; it took 7 and 3: 13
    assert model.spent.cost == 13
    model.answer([[user("x")]], Sampling(tokens=10))  # kept, and free
    model.answer([[user("y")]], Sampling(tokens=10))
    with pytest.raises(ExpertError, match="LIMNER_BUDGET"):
        model.answer([[user("z")]], Sampling(tokens=20))
    assert len(server.asked) == 2
    server.server.shutdown()


def test_a_pace_is_kept():
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace({"LIMNER_REQUESTS_A_MINUTE": "30", "LIMNER_TOKENS_A_MINUTE": "600"}, lambda: now[0], sleep)
    for tokens in (5, 5, 100, 5):
        pace.wait(tokens)
    assert slept == [2, 2, 10]
    assert Pace({}).wait(10**9) == 0
    with pytest.raises(ExpertError, match="LIMNER_REQUESTS_A_MINUTE"):
        Pace({"LIMNER_REQUESTS_A_MINUTE": "0"})
