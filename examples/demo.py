"""The demo: a corpus from 310 real pages of one program's documentation, what was dropped and why, and the pages to read.

Run by `make demo`. It writes `demo/corpus` by the plan `examples/demo.toml` and, in a terminal, serves it on 127.0.0.1 and
opens a browser.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from limner import Corpus
from limner.pipeline import load

CORPUS = Path("demo/corpus")
PLAN = Path("examples/demo.toml")
SOURCE = "data:sasview"


def limner(*words: str) -> None:
    """Run a limner command as a person would, showing it."""
    print(f"\n$ limner {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "limner", *words], check=True)


def drops(corpus: Corpus) -> dict[str, list[dict[str, Any]]]:
    """What each step of the plan dropped: the ledger's rows, each with what it took."""
    steps: dict[str, list[dict[str, Any]]] = {step["name"]: [] for step in corpus.facts["plan"]["steps"]}
    for rows, kept in zip(corpus.rows("ledger"), corpus.rows("dropped"), strict=True):
        taken = {(row["document"], row["part"], row["step"]): row["json"] for row in kept.to_pylist()}
        for row in rows.to_pylist():
            if row["action"] == "drop":
                what = json.loads(taken[row["document"], row["part"], row["step"]])
                steps.setdefault(row["step"], []).append({**row, "what": what})
    return steps


def kind(row: dict[str, Any]) -> str:
    """What a row of the ledger took: a document, an image, a text."""
    return "document" if row["part"] < 0 else row["what"]["type"]


def show_drops(corpus: Corpus) -> None:
    """For each step, how much it took; an example; and where the example went, as the ledger has it."""
    for step, rows in drops(corpus).items():
        counts = Counter(map(kind, rows))
        print(
            f"\n{step} dropped " + (", ".join(f"{n:,} {what}{'s' * (n != 1)}" for what, n in counts.items()) or "nothing"), end=""
        )
        if not rows:
            print()
            continue
        first = rows[0]
        what = first["what"]
        said = {"document": what.get("title"), "image": what.get("url")}.get(kind(first)) or what.get("text", "")
        print(f"; for example: {' '.join(said.split())[:100]}", flush=True)
        limner("why", str(CORPUS), what.get("ref") or first["document"], "--most", "2")


def main() -> None:
    """Get the pages, build, look, explain, open."""
    limner("data", "get", "sasview")
    began = time.monotonic()
    if CORPUS.is_dir() and Corpus.open(CORPUS).facts.get("digest") != load(PLAN).with_sources([SOURCE]).digest():
        shutil.rmtree(CORPUS)  # of an earlier demo, by another plan
    limner("build", SOURCE, "-o", str(CORPUS), "--plan", str(PLAN))
    limner("stats", str(CORPUS))

    corpus = Corpus.open(CORPUS)
    print("\nWhat was dropped, and why")
    show_drops(corpus)

    richest = max(corpus, key=lambda document: len(document.images))
    print(f"\nThe page with the most pictures:\n\n{richest!r}")
    limner("check", str(CORPUS))
    print(f"\nbuilt, explained and checked in {time.monotonic() - began:.0f} s. To read it: limner view {CORPUS}")
    if sys.stdout.isatty():
        limner("view", str(CORPUS), "--open")


if __name__ == "__main__":
    main()
