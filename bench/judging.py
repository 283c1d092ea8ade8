"""The section of docs/benchmarks.md on judges of interleaved work."""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

from typing import Any


def worths(result: Any) -> list[str]:
    """What each judge finds of planted defects; nothing where it has not been measured."""
    if result is None:
        return []
    rows = result["judges"]
    names = [f"{row['judge'].partition('@')[0]}{', with sources' if row['shown'] == 'sources' else ''}" for row in rows]
    lines = [
        "", "## What judges find", "",
        f"`bench/evaluate/planted.py`: one defect at a time is planted in passages of {', '.join(result['sets'])}, which neither the trained scorer nor the joint encoder has seen. "
        "AUC: how probable it is that a passage without is graded above one with it, of another document (0.5: the judge knows nothing), and its 95 % interval over documents; "
        "*paired*: of the same document. Bold where the interval lies above one half. With sources, a passage's own texts stand beside it, word by word: as easy as it can be. "
        "The language model is one of 135 million parameters behind a server on this machine, asked about short passages and few of them; it sees no pictures. "
        "Larger judges are not measured: the same command measures any (`--judges language:openai:MODEL@URL`).",
        "", f"| defect | {' | '.join(names)} |", f"|---|{'---:|' * len(rows)}",
    ]  # fmt: skip
    lines += [f"| {defect} | {' | '.join(_cell(row['defects'].get(defect)) for row in rows)} |" for defect in rows[0]["defects"]]
    lines.append(f"| *passages* | {' | '.join(str(sum(row['passages'].values())) for row in rows)} |")
    lines.append(f"| *gradings that failed* | {' | '.join(_failed(row) for row in rows)} |")
    lines.append(f"| *read by a rule; asked again* | {' | '.join(_mended(row) for row in rows)} |")
    return lines


def _cell(found: Any) -> str:
    if found is None:
        return "not planted"
    if "auc" not in found:
        return "never graded"
    told = f"{found['auc']:.2f}"
    told = f"**{told}**" if found["low"] > 0.5 else told
    return f"{told} ({found['low']:.2f} to {found['high']:.2f}), paired {found['paired']:.2f}"


def _failed(row: Any) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in row["failures"].items())
    return f"{row['failed']:.1%}{f' ({kinds})' if kinds else ''}"


def _mended(row: Any) -> str:
    return f"{row['repaired']:.1%}; {row['asked_again']:.1%}"
