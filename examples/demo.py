"""The demo: a corpus from 310 real pages of one program's documentation, what was dropped and why, and a question answered from it with pictures.

Run by `make demo`. It writes `demo/corpus` by the plan `examples/demo.toml` and `demo/answer.html`; in a terminal it opens that page, serves the
corpus on 127.0.0.1 and opens a browser there too.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import webbrowser
from collections import Counter
from pathlib import Path
from typing import Any

from limner import Corpus
from limner.pipeline import load

CORPUS = Path("demo/corpus")
PLAN = Path("examples/demo.toml")
SOURCE = "data:sasview"
QUESTION = "What does a capped cylinder look like?"
ANSWER = Path("demo/answer.html")


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
    limner("index", str(CORPUS))
    limner("search", str(CORPUS), QUESTION, "-k", "2")
    limner("write", str(CORPUS), QUESTION, "-o", str(ANSWER))
    print(
        f"\nbuilt, explained, checked, indexed and answered in {time.monotonic() - began:.0f} s. The answer: {ANSWER.resolve().as_uri()}"
    )
    print(f"To read the corpus: limner view {CORPUS}")
    if sys.stdout.isatty():
        webbrowser.open(ANSWER.resolve().as_uri())
        limner("view", str(CORPUS), "--open")


if __name__ == "__main__":
    main()
