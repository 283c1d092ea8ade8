"""The section of docs/benchmarks.md on published figures that were recomputed from published outputs."""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

from typing import Any


def sources(result: Any) -> dict[str, Any]:
    """What was recomputed, by benchmark."""
    return {name: each for name, each in result.items() if isinstance(each, dict) and "figures" in each}


def same(result: Any) -> float:
    """The share of published figures that come out as published, within the rounding of what they are made of."""
    found = sources(result).values()
    return sum(each["within rounding"] for each in found) / sum(each["of"] for each in found)


def recomputed(result: Any | None) -> list[str]:
    """A table by benchmark, and every figure that differs; nothing where none was recomputed."""
    if result is None:
        return []
    lines = [
        "", "## Published figures, recomputed", "",
        "`bench/evaluate/published.py --data FOLDER`: outputs, verdicts and votes as their authors publish them, read with limner's readers and scored with its scorers; the result has the sha256 of each file. "
        "*Within rounding*: the figures that differ by no more than the rounding of what they are made of.",
        "", "| benchmark | figures | as published | within rounding | largest difference | not recomputed |", "|---|---:|---:|---:|---:|---|",
    ]  # fmt: skip
    for name, each in sources(result).items():
        lines.append(
            f"| {name} | {each['of']} | {each['same']} | {each['within rounding']} | {each['largest difference']:g} | {each.get('not recomputed', '')} |"
        )
    for name, each in sources(result).items():
        differ = [one for one in each["figures"] if not one["within rounding"]]
        if differ:
            said = "; ".join(f"{one['what']} {one['recomputed']:.4g}, published {one['published']:.4g}" for one in differ)
            lines += ["", f"{name}, other than published: {said}."]
    return lines
