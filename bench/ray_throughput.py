"""Ray on one machine against the process runner: the same job, two workers each, a task a batch.

    python bench/ray_throughput.py                     # runs of about ten minutes
    python bench/ray_throughput.py --minutes 2 --rounds 2

The job is pages composed from gimp-help-en under the default plan, as many as the process runner does in that time. Rates are inputs a
second from the first to the last commit of a run, so that starting Python, Ray and its workers is apart. Runs alternate, each in a
process of its own. Writes bench/results/ray_throughput.json; exits 1 where Ray has less than 0.7 of the rate.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = str(Path(__file__).resolve().parent)
sys.path.insert(0, HERE)

from composedsource import SET, ComposedSource

from limner.pipeline import build, load, runner
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset

RESULTS = Path(__file__).parent / "results" / "ray_throughput.json"
WANTED, PROBE = 0.7, 1_000


class Clock:
    """Notes when batches were committed, stage by stage."""

    def __init__(self) -> None:
        self.stages: list[list[tuple[float, int]]] = []

    def stage(self, name: str, total: int, done: int) -> None:
        """A stage, or a barrier, begins."""
        self.stages.append([])

    def advance(self, inputs: int, counts: Mapping[str, int]) -> None:
        """A batch is committed."""
        self.stages[-1].append((time.monotonic(), inputs))

    def message(self, text: str) -> None:
        """Not listened to."""

    def seconds(self) -> float:
        """From the first commit to the last."""
        times = [at for stage in self.stages for at, _ in stage]
        return times[-1] - times[0]


def one(name: str, count: int, workers: int) -> dict[str, Any]:
    """A build in this process."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [HERE, os.environ.get("PYTHONPATH", "")]))
    source, clock, began = ComposedSource(count, str(dataset(SET).data)), Clock(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        plan = load("default").with_sources(["composed"])
        summary = build(plan, f"{folder}/corpus", runner=runner(name, workers), progress=clock, sources=[source])
    return {
        "seconds": round(clock.seconds(), 2), "with_start_up": round(time.monotonic() - began, 2),
        "documents": summary.counts["documents"],
    }  # fmt: skip


def apart(name: str, count: int, workers: int) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", name, "--count", str(count), "--workers", str(workers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the build on {name} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Measure and write; or, with --one, build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.count, given.workers)))
        return
    probe = apart("processes", PROBE, given.workers)
    count = max(PROBE, int(PROBE / probe["seconds"] * 60 * given.minutes))
    runs: dict[str, list[dict[str, Any]]] = {"processes": [], "ray": []}
    for i in range(given.rounds):
        for name in ("processes", "ray") if i % 2 == 0 else ("ray", "processes"):
            runs[name].append(apart(name, count, given.workers))
            print(name, runs[name][-1], flush=True)
    if len({run["documents"] for held in runs.values() for run in held}) != 1:
        raise SystemExit(f"the runners kept different documents: {runs}")
    ratios = [p["seconds"] / r["seconds"] for p, r in zip(runs["processes"], runs["ray"], strict=True)]
    result: dict[str, Any] = {
        "what": f"{count} inputs composed from {SET}, default plan, {given.workers} workers",
        "minutes_asked": given.minutes, "inputs": count, "runs": runs,
        "inputs_a_second": {n: round(count / statistics.median(r["seconds"] for r in held), 1) for n, held in runs.items()},
        "ratio": round(statistics.median(ratios), 3), "wanted": WANTED,
        "machine": machine(), "code": code_hash("limner.pipeline"), "data": {SET: folder_hash(dataset(SET).data)},
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    sys.exit(result["ratio"] < WANTED)


if __name__ == "__main__":
    main()
