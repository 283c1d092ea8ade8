"""Peak memory of builds of more and more documents: megabytes for each 10,000 more.

    python bench/memory.py                              # 5,000, 20,000 and 80,000 inputs composed from gimp-help-en
    python bench/memory.py --sizes 2000 8000 32000

Each build is a process of its own with its workers, under the default plan (near-duplicates and boilerplate decide over
the whole corpus) and a budget of 64 MiB for decisions, which the largest build exceeds. `peak` is the most a process ever had
resident, with the pages of files it had mapped (VmHWM). Looked at ten times a second: `private`, what no other process shares
(Private_Clean and Private_Dirty of smaps_rollup), and `anonymous`, without any pages of files. Writes
bench/results/memory.json; exits 1 where the processes together grow by more than 16 MiB for 10,000 documents between the two
largest builds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from composedsource import SET, ComposedSource

from limner import Corpus
from limner.pipeline import build, load, runner
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset

RESULTS = Path(__file__).parent / "results" / "memory.json"
BUDGET, WANTED = 64, 16.0


def status(pid: int) -> tuple[int, float, float]:
    """The parent of a process, its peak and its anonymous memory now, in MiB."""
    facts: dict[str, str] = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        facts[name] = value.strip()
    peak, anonymous = (int(facts.get(name, "0 kB").split()[0]) / 1024 for name in ("VmHWM", "RssAnon"))
    return int(facts["PPid"]), peak, anonymous


def private(pid: int) -> float:
    """MiB that a process shares with no other."""
    fields = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(field[1]) for field in fields if field[0] in ("Private_Clean:", "Private_Dirty:")) / 1024


def family(root: int) -> dict[int, tuple[float, float, float]]:
    """Peak, anonymous and private memory of a process and all below it."""
    seen: dict[int, tuple[int, float, float]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                seen[int(entry.name)] = status(int(entry.name))
            except (OSError, KeyError):
                continue  # it ended while it was looked at
    held = {root}
    while more := {pid for pid, (parent, *_) in seen.items() if parent in held} - held:
        held |= more
    found: dict[int, tuple[float, float, float]] = {}
    for pid in held & seen.keys():
        try:
            found[pid] = (*seen[pid][1:], private(pid))
        except OSError:
            continue
    return found


def measured(size: int, workers: int) -> dict[str, Any]:
    """One build in a process of its own, watched."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        command = [sys.executable, __file__, "--one", str(size), "--out", f"{folder}/corpus", "--workers", str(workers)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        peaks: dict[int, float] = {}
        anonymous: dict[int, float] = {}
        own: dict[int, float] = {}
        while process.poll() is None:
            for pid, (peak, now, alone) in family(process.pid).items():
                peaks[pid] = max(peaks.get(pid, 0), peak)
                anonymous[pid] = max(anonymous.get(pid, 0), now)
                own[pid] = max(own.get(pid, 0), alone)
            time.sleep(0.1)
        if process.returncode:
            raise SystemExit(f"the build of {size} failed: {(process.stderr.read() if process.stderr else b'').decode()[-2000:]}")
        counts = dict(Corpus.open(f"{folder}/corpus").counts)
        others = [pid for pid in peaks if pid != process.pid]
        return {
            "inputs": size, "kept": counts, "seconds": round(time.monotonic() - began, 1),
            "parent_peak": round(peaks[process.pid]), "parent_anonymous": round(anonymous[process.pid]),
            "parent_private": round(own[process.pid]),
            "worker_peak": round(max((peaks[p] for p in others), default=0)),
            "worker_anonymous": round(max((anonymous[p] for p in others), default=0)),
            "worker_private": round(max((own[p] for p in others), default=0)),
        }  # fmt: skip


def slope(small: dict[str, Any], large: dict[str, Any], names: tuple[str, ...]) -> float:
    """MiB for each 10,000 more inputs, of those figures added up."""
    grown = sum(large[name] - small[name] for name in names)
    return round(grown / (large["inputs"] - small["inputs"]) * 10_000, 2)


def main() -> None:
    """Measure and write; or, with --one, build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 20_000, 80_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        source = ComposedSource(given.one, str(dataset(SET).data))
        plan = load("default").with_sources(["composed"])
        build(plan, given.out, runner=runner("processes", given.workers), memory=BUDGET << 20, sources=[source])
        return
    runs: list[dict[str, Any]] = []
    for size in sorted(given.sizes):
        runs.append(measured(size, given.workers))
        print(json.dumps(runs[-1]), flush=True)
    last = runs[-2:] if len(runs) > 1 else runs * 2
    grows = {
        name: slope(last[0], last[1], fields) if len(runs) > 1 else 0.0
        for name, fields in (
            ("parent_peak", ("parent_peak",)), ("worker_peak", ("worker_peak",)),
            ("parent_anonymous", ("parent_anonymous",)), ("worker_anonymous", ("worker_anonymous",)),
            ("parent_private", ("parent_private",)), ("worker_private", ("worker_private",)),
        )
    }  # fmt: skip
    grown = grows["parent_peak"] + given.workers * grows["worker_peak"]
    result = {
        "what": f"inputs composed from {SET}, default plan, {given.workers} workers, decisions under {BUDGET} MiB",
        "runs": runs, "mib_for_10000_more": {**grows, "all_processes_peak": round(grown, 2)}, "wanted": WANTED,
        "machine": machine(), "code": code_hash("limner.pipeline"), "data": {SET: folder_hash(dataset(SET).data)},
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    sys.exit(grown > WANTED)


if __name__ == "__main__":
    main()
