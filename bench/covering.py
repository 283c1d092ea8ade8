"""The section of docs/benchmarks.md on how often intervals, tests and power of `limner.evaluate.statistics` are right."""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

from typing import Any


def least(result: Any) -> float:
    """The least coverage of a 95 % interval of a mean from 30 families on, over all populations."""
    return result["least from 30"]


def most(result: Any) -> float:
    """The most."""
    return result["most from 30"]


def covered(result: Any | None) -> list[str]:
    """Tables of coverage, and what else was simulated; nothing where it has not been measured."""
    if result is None:
        return []
    numbers = list(next(iter(result["means"].values())))
    lines = [
        "", "## Intervals that are as sure as they say", "",
        f"`bench/evaluate/coverage.py`: the share of {result['studies']:,} simulated studies whose 95 % interval of a mean holds the truth, by the number of families of items (error of a figure: {100 * result['error of a figure']:.1f} points). "
        "Below 30 families intervals are what the left columns say, no more.",
        "", f"| population | {' | '.join(numbers)} |", f"|---|{'---:|' * len(numbers)}",
    ]  # fmt: skip
    for name, rows in result["means"].items():
        shares = [100 * rows[number]["limner"] for number in numbers]
        lines.append(f"| {name} | {' | '.join(f'{share:.1f}' for share in shares)} |")
    outside = result["outside 93-97 % from 30"]
    said = "; ".join(f"{name} families {100 * share:.1f} %" for name, share in outside.items()) or "none"
    lines += ["", f"Outside of 93 to 97 % from 30 families on: {said}."]
    beside = [number for number in numbers if len(next(iter(result["means"].values()))[number]) > 1]
    methods = [name for name in next(iter(result["means"].values()))[beside[0]] if not name.startswith("width")]
    lines += ["", "Others on the same studies, least coverage over the populations, and the mean width of limner's intervals over that of t with CR2, least and most:", "",
              f"| families | {' | '.join(methods)} | width |", f"|---|{'---:|' * (len(methods) + 1)}"]  # fmt: skip
    for number in beside:
        rows = [each[number] for each in result["means"].values()]
        wide = [row["width over t, CR2"] for row in rows]
        lines.append(
            f"| {number} | {' | '.join(f'{100 * min(row[name] for row in rows):.1f}' for name in methods)} | {min(wide):.2f}-{max(wide):.2f} |"
        )
    tests = "; ".join(
        f"{name}: {', '.join(f'{n} families {100 * share:.1f} %' for n, share in rows.items())}"
        for name, rows in result["sign-flip test"].items()
    )
    power = "; ".join(
        f"{n} families: {100 * row['power there']:.1f} % at the difference said to be told apart, {100 * row['power of so many']:.1f} % for half of it with as many items as planned"
        for n, row in result["power"].items()
    )
    agree = "; ".join(
        f"{name}: {', '.join(f'{n} families {100 * share:.1f} %' for n, share in rows.items() if n != 'truth')}"
        for name, rows in result["agreement"].items()
    )
    strengths = ", ".join(f"{n} items {100 * share:.1f} %" for n, share in result["strengths"].items())
    lines += [
        "", f"- The sign-flip test finds a difference of systems that are alike, at 5 %: {tests}.", f"- Power, 80 % said: {power}.",
        f"- 95 % intervals of agreement hold the truth: {agree}.", f"- 95 % intervals of Davidson strengths of five systems hold the truth: {strengths}.",
    ]  # fmt: skip
    return lines
