"""Runs: resumed after any kill to the same result, failures that cost one item and are counted, memory that does not grow, reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("openai")

from click.testing import CliRunner

from evaluate.toybench import BENCHES, adds, serving
from limner.cli.main import limner
from limner.errors import LimnerError
from limner.evaluate.benchmarks import registry
from limner.evaluate.report.compare import compared
from limner.evaluate.runner import Run, finish, run
from limner.evaluate.samples import Samples

TESTS = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _benches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, where in BENCHES.items():
        monkeypatch.setitem(registry.BUILTIN, name, where)
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LIMNER_LEDGER", str(tmp_path / "spent.json"))
    monkeypatch.setattr("limner.experts.language_openai.RETRIES", 0)
    from limner.evaluate.judges.address import judge
    from limner.experts.address import resolve

    resolve.cache_clear()
    judge.cache_clear()


def without_time(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "seconds"}


def test_every_item_is_asked_scored_and_stored_with_its_images(tmp_path: Path):
    with serving(adds) as (url, _):
        result = run(Run("toy-sums", f"openai:m@{url}"), tmp_path / "run")
    assert result["items"] == 24
    scores = result["scores"][""]
    assert scores["right"]["mean"] == pytest.approx(19 / 24)
    assert scores["right"]["clusters"] == 6
    assert scores["right"]["low"] < 19 / 24 < scores["right"]["high"]
    assert scores["pictures"]["mean"] == 1
    assert result["by"][""]["size"]["small"]["right"]["mean"] == pytest.approx(0.8)
    samples = {sample.id: sample for sample in Samples(tmp_path / "run")}
    assert [set(part) for part in samples["sum-3"].turns[0]] == [{"text"}, {"image"}]
    assert Samples(tmp_path / "run").image(samples["sum-3"].turns[0][1]["image"]).startswith(b"\x89PNG")


def test_a_run_that_is_killed_again_and_again_comes_to_the_same_result(tmp_path: Path):
    def work(folder: Path, url: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{TESTS}:{TESTS.parent / 'src'}",
            "LIMNER_CACHE": str(tmp_path / f"cache-{folder.name}"),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "evaluate.toybench", "toy-sums", f"openai:m@{url}", str(folder)], env=environment
        )

    with serving(adds, wait=0.1) as (url, _):
        assert work(tmp_path / "alone", url).wait(180) == 0
        kills, folder = 0, tmp_path / "killed"
        while True:
            process = work(folder, url)
            seen, began = (len(list(Samples(folder))) if folder.exists() else 0), time.monotonic()
            while process.poll() is None and time.monotonic() - began < 180:
                if (
                    kills < 4
                    and folder.exists()
                    and (folder / "samples.jsonl").exists()
                    and len(list(Samples(folder))) >= seen + 3
                ):
                    process.send_signal(signal.SIGKILL)
                    kills += 1
                    break
                time.sleep(0.02)
            if process.wait(180) == 0:
                break
        assert kills >= 3
        alone, killed = (json.loads((tmp_path / name / "result.json").read_text()) for name in ("alone", "killed"))
        assert without_time(alone) == without_time(killed)


def test_a_line_that_a_kill_has_cut_is_asked_again(tmp_path: Path):
    with serving(adds) as (url, asked):
        whole = run(Run("toy-sums", f"openai:m@{url}"), tmp_path / "run")
        file = tmp_path / "run" / "samples.jsonl"
        file.write_bytes(file.read_bytes()[:-50])
        count = len(asked)
        again = run(Run("toy-sums", f"openai:m@{url}"), tmp_path / "run")
        assert len(asked) == count  # its answer was kept
    assert without_time(again) == without_time(whole)


def test_a_folder_of_another_run_is_refused(tmp_path: Path):
    with serving(adds) as (url, _):
        run(Run("toy-sums", f"openai:m@{url}", most=3), tmp_path / "run")
        with pytest.raises(LimnerError, match=r"whose most is not the same"):
            run(Run("toy-sums", f"openai:m@{url}"), tmp_path / "run")


def test_an_item_whose_model_fails_counts_as_an_empty_answer_and_is_said(tmp_path: Path):
    def say(text: str, number: int) -> str | tuple[int, str]:
        return (500, "out of memory") if "7 + 1" in text else adds(text, number)

    with serving(say) as (url, _):
        result = run(Run("toy-sums", f"openai:m@{url}"), tmp_path / "run")
    assert result["items"] == 24
    assert result["failed_items"] == 2  # 7 and 17
    assert any("out of memory" in text for text in result["errors"])
    assert result["scores"][""]["right"]["mean"] == pytest.approx(17 / 24)
    assert result["scores"][""]["right"]["n"] == 24


def test_a_run_stops_where_the_server_is_gone_and_goes_on_with_what_it_did_not_answer(tmp_path: Path):
    with serving(adds) as (url, _):
        alone = run(Run("toy-sums", f"openai:m@{url}"), tmp_path / "alone")
        model = f"openai:m@{url.replace('127.0.0.1', 'localhost')}"
        gone = Run("toy-sums", "openai:m@http://127.0.0.1:9/v1", at_once=1)
        with pytest.raises(LimnerError, match=r"8 times in succession: .*run it again, with --retry"):
            run(gone, tmp_path / "run")
        failed = list(Samples(tmp_path / "run"))
        assert 0 < len(failed) < 8
        assert all(sample.error for sample in failed)
        # The same run where somebody answers: its folder is made to be of that server.
        settings = tmp_path / "run" / "run.json"
        settings.write_text(settings.read_text().replace(gone.model, model))
        whole = run(Run("toy-sums", model, retry=True), tmp_path / "run")
    assert whole["failed_items"] == 0
    assert whole["scores"] == alone["scores"]


def test_judges_that_refuse_answer_nonsense_or_fall_silent_are_shown_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("limner.experts.language_openai.TIMEOUT", 1.0)

    def says(text: str, number: int) -> str:
        if "What is 1 + 1" in text:
            time.sleep(2)
        if "What is 2 + 1" in text:
            return "I'm sorry, but I cannot assist with that."
        if "What is 3 + 1" in text:
            return "Blue, mostly."
        return '{"reason": "Right.", "grade": 4}'

    def grade(text: str, number: int) -> str:
        # Asked again, the last message is the reminder alone: the same as before is said to it.
        key = next((n for n in (1, 2, 3) if f"What is {n} + 1" in text), None)
        grade.last = key if "What is" in text else grade.last  # type: ignore[attr-defined]
        return says(f"What is {grade.last} + 1" if key is None and "What is" not in text else text, number)  # type: ignore[attr-defined]

    grade.last = None  # type: ignore[attr-defined]
    with serving(adds) as (url, _), serving(grade, picture=False) as (judging, _):
        address = f"language:openai:j@{judging}"
        result = run(Run("toy-judged", f"openai:m@{url}", (address,), at_once=1), tmp_path / "run")
    row = result["scores"][address]["quality"]
    assert row["failed"] == {"timeout": 1, "refused": 1, "nonsense": 1}
    assert row["n"] == 9
    assert row["mean"] == 4
    assert row["failure_rate"] == pytest.approx(0.25)
    assert result["judges"][address]["temperature"] == "0.0"
    assert result["judges"][address]["prompt"]


def test_two_judges_are_set_beside_each_other(tmp_path: Path):
    def strict(text: str, number: int) -> str:
        return json.dumps({"reason": "no", "grade": 1 if "unknown" in text else 5})

    def mild(text: str, number: int) -> str:
        return json.dumps({"reason": "yes", "grade": 3 if "unknown" in text else 4})

    with serving(adds) as (url, _), serving(strict, False) as (one, _), serving(mild, False) as (two, _):
        judges = (f"language:openai:a@{one}", f"language:openai:b@{two}")
        result = run(Run("toy-judged", f"openai:m@{url}", judges), tmp_path / "run")
        page = CliRunner().invoke(limner, ["eval", "report", str(tmp_path / "run")])
    assert page.exit_code == 0, page.output
    assert result["agreement"]["quality"][f"spearman:{judges[1]}"] == pytest.approx(1)
    assert result["agreement"]["quality"]["alpha"] < 1
    assert "The most disputed samples" in (tmp_path / "run" / "report.html").read_text()


def test_memory_does_not_grow_with_the_samples(tmp_path: Path):
    with serving(adds, picture=False) as (url, _):
        what, peaks = Run("toy-many", f"openai:m@{url}", at_once=16), []
        tracemalloc.start()

        def tell(done: int, _: int) -> None:
            if done in (400, 2_000):
                peaks.append(tracemalloc.get_traced_memory()[0])

        run(what, tmp_path / "run", tell)
        tracemalloc.stop()
    assert len(peaks) == 2
    assert peaks[1] - peaks[0] < 1_600 * 400  # the ids of what is done, no answers


def test_two_runs_are_compared_item_by_item(tmp_path: Path):
    def worse(text: str, number: int) -> str:
        return "It is unknown" if "What is 1" in text or "What is 2" in text else adds(text, number)

    with serving(adds) as (one, _), serving(worse) as (two, _):
        run(Run("toy-sums", f"openai:m@{one}"), tmp_path / "a")
        run(Run("toy-sums", f"openai:m@{two}"), tmp_path / "b")
    (row,) = [row for row in compared(tmp_path / "a", tmp_path / "b")["measures"] if row["measure"] == "right"]
    assert row["difference"] < 0
    assert row["low"] < row["difference"] < row["high"]
    assert row["better"] == 0
    assert row["items"] == 24
    assert row["detects"] > 0
    page = tmp_path / "page.html"
    told = CliRunner().invoke(limner, ["eval", "compare", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(page)])
    assert told.exit_code == 0, told.output
    assert "sum-1" in page.read_text()
    file = tmp_path / "b" / "samples.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-2]))
    with pytest.raises(LimnerError, match="2 items are in one of the runs only"):
        compared(tmp_path / "a", tmp_path / "b")
    assert compared(tmp_path / "a", tmp_path / "b", common=True)["items"] == 22


def test_what_models_say_cannot_run_in_a_report_and_tables_hold_every_sample(tmp_path: Path):
    def hostile(text: str, number: int) -> str:
        return "<script>alert(1)</script><img src=x onerror=alert(2)>" if "3 + 1" in text else "=1+1"

    with serving(hostile) as (url, _):
        run(Run("toy-sums", f"openai:m@{url}"), tmp_path / "run")
    told = CliRunner().invoke(limner, ["eval", "report", str(tmp_path / "run")])
    assert told.exit_code == 0, told.output
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    table = tmp_path / "table.csv"
    assert CliRunner().invoke(limner, ["eval", "report", str(tmp_path / "run"), "-o", str(table)]).exit_code == 0
    assert table.read_text().count("\nsum-") == 24
    assert "'=1+1" in table.read_text()


def test_a_finished_run_can_be_summed_up_again(tmp_path: Path):
    with serving(adds) as (url, _):
        result = run(Run("toy-sums", f"openai:m@{url}"), tmp_path / "run")
    assert finish(tmp_path / "run") == result
