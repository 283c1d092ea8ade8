"""Reliability: killed 50 times and continued; a Ray worker killed; 20,000 broken pages and pictures.

    python bench/reliability.py kills --times 50
    python bench/reliability.py ray
    python bench/reliability.py broken --count 20000

Each writes `bench/results/reliability-NAME.json` and exits 1 where it does not hold. Pages are those of the data set sasview
(`limner data get sasview`); the broken ones are made from them by tests/pipeline/mutations.py.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from limner import Corpus
from limner.recipes.provenance import code_hash
from limner.sources.datasets import dataset
from limner.sources.files import FolderSource
from pipeline.mutations import write
from pipeline.test_build import contents
from pipeline.test_hostile import accounted

RESULTS = Path(__file__).parent / "results"
SOURCE = ["data:sasview"]
PLAN = "default"


def start(out: Path, runner: str = "processes", sources: list[str] = SOURCE, plan: str = PLAN) -> subprocess.Popen[bytes]:
    """A build as a person starts it."""
    command = [
        sys.executable,
        "-m",
        "limner",
        "build",
        *sources,
        "-o",
        str(out),
        "--plan",
        plan,
        "--runner",
        runner,
        "--workers",
        "2",
    ]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finished(process: subprocess.Popen[bytes]) -> None:
    """Wait for a build that must end well."""
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"the build failed: {errors.decode()[-2000:]}")


def kills(times: int, seed: int) -> dict[str, Any]:
    """Kill a build at random points, continue it, and compare with one that was left alone, as often as `times` kills take."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        finished(start(Path(folder) / "whole"))
        lasted = time.monotonic() - began
        expected = contents(Path(folder) / "whole")
        killed, rounds, equal = 0, 0, 0
        while killed < times:
            out = Path(folder) / f"killed-{rounds}"
            # A round is killed at most ten times, each time at a random point of what a whole build takes, so that kills
            # fall into start-up, reading, deciding, curating and finishing.
            for _ in range(min(10, times - killed)):
                process = start(out)
                try:
                    process.wait(rng.uniform(0.05, 1.0) * lasted)
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.communicate()
                    killed += 1
            finished(start(out))
            rounds += 1
            equal += contents(out) == expected
            print(f"{killed} kills, {equal} of {rounds} corpora equal", flush=True)
            shutil.rmtree(out)
    return {"kills": killed, "corpora": rounds, "equal": equal, "holds": equal == rounds}


def ray(seed: int) -> dict[str, Any]:
    """Kill one Ray worker in the middle of a run and compare with the process runner."""
    from pipeline.test_ray import worker_pids

    with tempfile.TemporaryDirectory() as folder:
        finished(start(Path(folder) / "processes"))
        process = start(Path(folder) / "ray", "ray")
        victims: list[int] = []
        while process.poll() is None and not victims:
            victims = worker_pids()[:1]
            time.sleep(0.05)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        finished(process)
        equal = contents(Path(folder) / "ray") == contents(Path(folder) / "processes")
    return {"killed": len(victims), "equal": equal, "holds": bool(victims) and equal}


def broken(count: int, seed: int) -> dict[str, Any]:
    """Build `count` broken pages; each must be accounted for, and memory stay bounded."""
    folder = dataset("sasview").data
    pages = [p.read_bytes() for p in sorted(folder.rglob("*.html"))]
    pictures = [p.read_bytes() for p in sorted(folder.rglob("*")) if p.suffix in (".png", ".jpg")]
    with tempfile.TemporaryDirectory() as place:
        made = write(Path(place) / "broken", [p for p in pages if len(p) < 200_000], pictures, count, seed)
        plan = Path(place) / "plan.toml"
        plan.write_text(
            "[plan]\nseconds = 60\n" + "".join(
                f'[[step]]\nuse = "{use}"\n'
                for use in ("url-rules", "language", "quality", "image-rules", "pii", "near-duplicates", "boilerplate", "duplicate-images")
            )
        )  # fmt: skip
        began = time.monotonic()
        finished(start(Path(place) / "corpus", sources=[str(made)], plan=str(plan)))
        seconds = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        corpus = Corpus.open(Path(place) / "corpus")
        names = {i.name for i in FolderSource(str(made)).inputs()}
        missing = names - accounted(corpus)
        errors = Counter(row["error"] for t in corpus.rows("rejects") for row in t.to_pylist())
        leaked = corpus.media(__import__("hashlib").sha256(Path("/etc/passwd").read_bytes()).hexdigest()) is not None
    return {
        "pages": len(names), "unaccounted": len(missing), "documents": len(corpus), "rejects": dict(errors), "escaped": leaked,
        "seconds": round(seconds), "peak_worker_mib": round(peak), "holds": not missing and not leaked and peak < 3000,
    }  # fmt: skip


def main() -> None:
    """Run one check and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kills", "ray", "broken"])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    if given.what == "kills":
        result = kills(given.times, given.seed)
    elif given.what == "ray":
        result = ray(given.seed)
    else:
        result = broken(given.count, given.seed)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"reliability-{given.what}.json").write_text(
        json.dumps({**result, "seed": given.seed, "code": code_hash("limner.pipeline")}, indent=1) + "\n"
    )
    print(json.dumps(result))
    sys.exit(not result["holds"])


if __name__ == "__main__":
    main()
