"""The whole build against its peer, one core, the same WARC: limner (text and images) and datatrove (text).

    python bench/build.py --peer .venvs/bench/bin/python

Pages and images of sklearn-doc and gimp-help-en in one WARC. limner extracts with images in place, stores them, identifies language, applies the
same families of text rules, image rules, MinHash, and writes; datatrove extracts text, applies its rules and MinHash, and
writes. Both as whole processes, in turn, round by round; the WARC gets a new date before each, so that limner indexes it every time.
Neither side is given what it cannot use: the peer stores no image and names no language. Writes bench/results/build.json;
exits 1 where the peer needs less than 3 times limner's processor time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import mimetypes
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from limner import Corpus
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset

RESULTS = Path(__file__).parent / "results" / "build.json"
SETS = ("sklearn-doc", "gimp-help-en")
WANTED = 3.0
PLAN = """
[plan]
seconds = 600
[[step]]
use = "language"
[[step]]
use = "repetition"
preset = "gopher"
[[step]]
use = "quality"
preset = "gopher"
[[step]]
name = "fineweb"
use = "quality"
preset = "fineweb"
[[step]]
use = "image-rules"
[[step]]
use = "near-duplicates"
"""


def write_warc(path: Path) -> int:
    """Every page and image of the sets as a response; returns the number of pages."""
    pages = number = 0
    with path.open("wb") as out:
        for name in SETS:
            folder = dataset(name).data
            for file in sorted(p for p in folder.rglob("*") if p.suffix in (".html", ".png", ".jpg", ".svg")):
                data = file.read_bytes()
                kind = mimetypes.guess_type(file.name)[0]
                head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
                fields = (
                    "WARC/1.1", "WARC-Type: response", f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{number:012d}>",
                    f"WARC-Target-URI: http://{name}.example.org/{file.relative_to(folder)}", "WARC-Date: 2026-01-01T00:00:00Z",
                    f"WARC-Identified-Payload-Type: {kind}",
                    "Content-Type: application/http; msgtype=response", f"Content-Length: {len(head) + len(data)}", "", "",
                )  # fmt: skip
                out.write(gzip.compress("\r\n".join(fields).encode() + head + data + b"\r\n\r\n", 6))
                pages, number = pages + (file.suffix == ".html"), number + 1
    return pages


def timed(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of a whole command on one core."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    core = sorted(os.sched_getaffinity(0))[0]
    done = subprocess.run(command, capture_output=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}), check=False)
    if done.returncode:
        raise SystemExit(f"{command[:4]} failed: {done.stderr.decode()[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, help="the Python of an environment with datatrove")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    kept_there = 0
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        warc, plan = Path(folder) / "pages.warc.gz", Path(folder) / "plan.toml"
        pages = write_warc(warc)
        plan.write_text(PLAN)
        for i in range(given.rounds):
            out, theirs_out = f"{folder}/ours{i}", Path(folder) / f"theirs{i}"
            os.utime(warc, (i + 1, i + 1))
            ours.append(
                timed([sys.executable, "-m", "limner", "build", str(warc), "-o", out, "--plan", str(plan), "--workers", "1"])
            )
            peer = str(Path(__file__).parent / "peers" / "datatrove_build.py")
            theirs.append(timed([given.peer, peer, str(warc), str(theirs_out)]))
            kept_there = sum(pq.read_metadata(p).num_rows for p in (theirs_out / "corpus").rglob("*.parquet"))
            shutil.rmtree(theirs_out)
            print(f"round {i + 1}: limner {ours[-1]}, datatrove {theirs[-1]} (wall, processor seconds)", flush=True)
        kept = dict(Corpus.open(f"{folder}/ours0").counts)
    result: dict[str, Any] = {
        "pages": pages, "limner_kept": kept, "datatrove_kept": {"documents": kept_there},
        "limner": {"wall": [w for w, _ in ours], "processor": [c for _, c in ours]},
        "datatrove": {"wall": [w for w, _ in theirs], "processor": [c for _, c in theirs]},
        "ratio_wall": statistics.median(t[0] / o[0] for o, t in zip(ours, theirs, strict=True)),
        "ratio_processor": statistics.median(t[1] / o[1] for o, t in zip(ours, theirs, strict=True)),
        "wanted": WANTED,
        "machine": machine(), "code": code_hash("limner.pipeline"), "data": {n: folder_hash(dataset(n).data) for n in SETS},
    }  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
    sys.exit(result["ratio_processor"] < WANTED)


if __name__ == "__main__":
    main()
