"""How fast one machine decides which documents are near-duplicates, and what spills, as signatures grow.

    python bench/decide.py                              # 250,000 and 1,000,000 signatures, under 256 MiB
    python bench/decide.py --sizes 100000 400000

Signatures are drawn at random, not taken from pages: what is measured is the decision alone, and it does not look at text. One in
twenty is a near copy of an earlier one. One thread. Writes bench/results/decide.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from limner.curate.duplicates import NearDuplicates
from limner.curate.minhash import band_hashes, bands_for
from limner.curate.operator import Signatures
from limner.recipes.provenance import code_hash, machine

RESULTS = Path(__file__).parent / "results" / "decide.json"
BUDGET, CHUNK, COPIES = 256, 10_000, 20


def write(folder: Path, count: int) -> list[str]:
    """Files of signatures as a build leaves them."""
    step = NearDuplicates()
    bands = bands_for(step.threshold, step.permutations, 0.2)
    schema = pa.schema([("order", pa.int64()), ("document", pa.string()), *step.columns])
    draw, files = np.random.default_rng(7), []
    for start in range(0, count, CHUNK):
        matrix = draw.integers(0, 2**32, (min(CHUNK, count - start), step.permutations), dtype=np.uint32)
        copies = np.arange(COPIES, len(matrix), COPIES)
        matrix[copies, 6:] = matrix[copies - 1, 6:]
        values: dict[str, Any] = {
            "order": range(start, start + len(matrix)),
            "document": [f"{i:020x}" for i in range(start, start + len(matrix))],
            "digest": [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in matrix],
            "minhash": [row.astype("<u4").tobytes() for row in matrix],
            "bands": [band_hashes(row, *bands).tolist() for row in matrix],
        }
        files.append(str(folder / f"{start:09d}.parquet"))
        pq.write_table(pa.table(values, schema=schema), files[-1], compression="zstd")
    return files


def size_below(folder: Path) -> int:
    """Bytes of the files below a folder."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue  # spilled and gone again
    return total


def decided(count: int) -> dict[str, Any]:
    """Seconds, verdicts and the most that lay in scratch."""
    with tempfile.TemporaryDirectory() as folder:
        place, scratch = Path(folder) / "signatures", Path(folder) / "scratch"
        place.mkdir()
        files = write(place, count)
        most, over = 0, threading.Event()

        def watch() -> None:
            nonlocal most
            while not over.wait(0.5):
                most = max(most, size_below(scratch) if scratch.is_dir() else 0)

        watcher = threading.Thread(target=watch)
        watcher.start()
        began, used = time.monotonic(), time.process_time()
        verdicts = sum(1 for _ in NearDuplicates().decide(Signatures(files, str(scratch), BUDGET << 20)))
        seconds, processor = time.monotonic() - began, time.process_time() - used
        over.set()
        watcher.join()
        return {
            "documents": count, "verdicts": verdicts, "seconds": round(seconds, 2), "processor_seconds": round(processor, 2),
            "documents_a_processor_second": round(count / processor),
            "signature_bytes": round(sum(os.path.getsize(f) for f in files) / count), "scratch_bytes": round(most / count),
        }  # fmt: skip


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[250_000, 1_000_000])
    given = parser.parse_args()
    runs = [decided(size) for size in sorted(given.sizes)]
    result = {
        "what": f"near-duplicates at its defaults, signatures drawn at random, one thread, {BUDGET} MiB", "runs": runs,
        "machine": machine(), "code": code_hash("limner.curate.duplicates"),
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
