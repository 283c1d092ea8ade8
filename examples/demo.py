"""The demo: a corpus from 310 real pages of one package's documentation, what was dropped and why, and the pages to read.

Run by `make demo`. It writes `demo/corpus` and, in a terminal, serves it on 127.0.0.1 and opens a browser.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from limner import Corpus

CORPUS = Path("demo/corpus")


def limner(*words: str) -> None:
    """Run a limner command as a person would, showing it."""
    print(f"\n$ limner {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "limner", *words], check=True)


def main() -> None:
    """Get the pages, build, look, explain, open."""
    limner("data", "get", "sasview")
    began = time.monotonic()
    limner("build", "data:sasview", "-o", str(CORPUS))
    limner("stats", str(CORPUS))

    corpus = Corpus.open(CORPUS)
    richest = max(corpus, key=lambda document: len(document.images))
    print(f"\nThe page with the most pictures:\n\n{richest!r}")

    dropped = next((row for table in corpus.rows("ledger") for row in table.to_pylist() if row["part"] == -1), None)
    if dropped:
        limner("why", str(CORPUS), dropped["document"])
    limner("check", str(CORPUS))
    print(f"\nbuilt and checked in {time.monotonic() - began:.0f} s. To read it: limner view {CORPUS}")
    if sys.stdout.isatty():
        limner("view", str(CORPUS), "--open")


if __name__ == "__main__":
    main()
