"""MMLongBench-Doc's scoring against the authors' own script, which is run from their repository in a process of its own."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from limner.evaluate.benchmarks.files import opened, rows
from limner.evaluate.benchmarks.shortanswers import score

SCRIPT, SAMPLES = "eval/eval_score.py", "data/samples.json"

# Their script evaluates lists as Python: only texts that are literals are given to it.
_RUN = """
import contextlib, importlib.util, io, json, sys
spec = importlib.util.spec_from_file_location("eval_score", sys.argv[1])
theirs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(theirs)
found = []
with contextlib.redirect_stdout(io.StringIO()):
    for row in json.load(sys.stdin):
        try:
            found.append(theirs.eval_score(*row))
        except Exception as error:
            found.append(f"{type(error).__name__}: {error}")
print(json.dumps(found))
"""


def compared(repository: Path) -> dict[str, Any]:
    """How often both score the same, over variants of every answer of the set."""
    items = [(row.text("answer"), row.text("answer_format")) for row in rows(opened(repository, "MMLongBench-Doc"), SAMPLES)]
    asked = [(expected, answer, form) for number, (expected, form) in enumerate(items) for answer in variants(number, items)]
    done = subprocess.run(
        [sys.executable, "-I", "-c", _RUN, str(repository / SCRIPT)],
        input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    theirs = json.loads(done.stdout)
    both = [(row, score(*row), value) for row, value in zip(asked, theirs, strict=True) if not isinstance(value, str)]
    other = [(row, ours, value) for row, ours, value in both if abs(ours - value) > 1e-9]
    return {
        "questions": len(items), "answers": len(asked), "their script stops at": len(asked) - len(both),
        "scored the same": len(both) - len(other), "right": sum(ours == 1 for _, ours, _ in both),
        "neither right nor wrong": sum(0 < ours < 1 for _, ours, _ in both),
        "not the same": [{"row": row, "ours": ours, "theirs": value} for row, ours, value in other[:20]],
        "stops": sorted({value for value in theirs if isinstance(value, str)})[:20],
    }  # fmt: skip


def variants(number: int, items: list[tuple[str, str]]) -> Iterator[str]:
    """Answers to a question: the right one, written otherwise, a little off, and those of other questions of its form."""
    expected, form = items[number]
    others = [other for other, kind in items[number + 1 : number + 60] if kind == form][:3]
    for answer in (expected, expected.upper(), f"'{expected}'", "Not answerable", "Fail to answer", "", *others):
        if form != "List" or not answer.startswith("[") or _literal(answer):
            yield answer
    if form == "List" and _literal(expected):
        entries = [str(entry) for entry in ast.literal_eval(expected)]
        yield from map(
            str,
            (
                entries[::-1],
                entries[1:],
                [*entries, "more"],
                [entry[:-1] for entry in entries],
                [entry.lower() for entry in entries],
            ),
        )
    elif form in ("Int", "Float"):
        yield from (f"{expected}.0", f"{expected}%", f"${expected}", f"about {expected}")
        bare = expected.strip("%$ ")
        if _number(bare):
            yield from (f"{float(bare) * factor:g}" for factor in (1.004, 0.992, 1.02, 100, 0.01, -1))
    else:
        yield from (
            expected[:-1],
            expected[: len(expected) // 2],
            f"{expected} (see the table)",
            f"{expected} and more",
            expected[::-1],
        )


def _literal(text: str) -> bool:
    try:
        return isinstance(ast.literal_eval(text), list)
    except (ValueError, SyntaxError):
        return False


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
