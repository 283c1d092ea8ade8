"""What compaction wins back, and what it leaves: copies of shared images, by the size of a merged batch.

    python bench/compaction.py           # documents composed from gimp-help-en, whose pages share icons (limner data get gimp-help-en)

`ideal` is every file once in the corpus, as pointers from batch to batch would have it. Writes bench/results/compaction.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from composed import SET, composed, write_corpus

from limner.corpus import Corpus
from limner.corpus.keeping import compact
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset

RESULTS = Path(__file__).parent / "results" / "compaction.json"


def stored(corpus: Corpus) -> int:
    """Bytes of media in all shards."""
    return sum(info.size for info in corpus.media_infos())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=685)
    parser.add_argument("--batch", type=int, default=25)
    given = parser.parse_args()
    ideal = sum(len(data) for data in {ref: data for _, held in composed(given.documents) for ref, data in held.items()}.values())
    targets: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for target in (4 << 20, 8 << 20, 16 << 20, 64 << 20):
            corpus = write_corpus(Path(scratch) / str(target), given.documents, given.batch)
            before, began = stored(corpus), time.perf_counter()
            done = compact(corpus, media_bytes=target)
            targets.append(
                {
                    "media in a batch, MiB": target >> 20,
                    "batches": done.batches_after,
                    "seconds": round(time.perf_counter() - began, 2),
                    "copies before, share of ideal": round(before / ideal - 1, 3),
                    "copies after, share of ideal": round(stored(corpus) / ideal - 1, 3),
                }
            )
    result = {
        "what": f"{given.documents} documents composed from {SET} in batches of {given.batch}",
        "distinct media, bytes": ideal,
        "targets": targets,
        "machine": machine(), "code": code_hash("limner.corpus"), "data": {SET: folder_hash(dataset(SET).data)},
    }  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
