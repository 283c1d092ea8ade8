"""All results as one page: `docs/reproductions.md` is written by `limner recipe table`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limner.recipes.provenance import code_hash, data_hash
from limner.recipes.recipe import Recipe


def is_stale(recipe: Recipe, result: Mapping[str, Any]) -> bool:
    """Whether the code, or the data as they lie on this machine, have changed since the result was written. Data that are not
    here cannot be compared and count as unchanged."""
    if code_hash(recipe.module) != result["code"] or set(recipe.data(result["scale"])) != set(result["data"]):
        return True
    return any(found not in (None, known) for name, known in result["data"].items() for found in [data_hash(name)])


def markdown(known: Mapping[str, Recipe], results: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of what held, then every recipe's figures."""
    lines = [
        "# Reproductions",
        "",
        "Written by `limner recipe table` from the files in `results/`, which `limner recipe run` writes. A verdict is *held*,",
        "*contradicted*, *underpowered* (the run could not have told), *measured* (nothing to hold or break), *not measured*",
        "(the settings leave it out) or *waits*. A result whose code or data have changed since is marked stale.",
        "",
        "| recipe | claim | the paper's figure | ours | verdict |",
        "|---|---|---|---|---|",
    ]
    for slug, recipe in known.items():
        result = results.get(slug)
        stale = result is not None and is_stale(recipe, result)
        for claim in recipe.claims:
            found = next((c for c in result["claims"] if c["key"] == claim.key), None) if result else None
            verdict = _verdict(found, stale=stale) if result else "not run"
            ours = _ours(claim.better, claim.worse, result) if result and found else ""
            lines.append(_row(slug, claim.statement, claim.paper, ours, verdict))
    for slug, recipe in known.items():
        if result := results.get(slug):
            lines += ["", f"## {slug}: {recipe.title}", "", f"{recipe.reference}", ""]
            lines.append(
                f"Scale {result['scale']}, {result['seeds']} seed(s), {result['minutes']} minutes on {result['machine']}; "
                f"data {', '.join(f'{n} ({h})' for n, h in result['data'].items()) or 'none'}; code {result['code']}."
            )
            if recipe.panels:
                lines += ["", f"![What {slug} measured](../results/{slug}.svg)"]
            lines += ["", "| figure | value | spread over seeds | how |", "|---|---:|---:|---|"]
            for name, figure in result["figures"].items():
                spread = f"{figure['spread']:.3g}" if result["seeds"] > 1 else ""
                value = f"{number(figure['mean'])} {figure['unit']}".strip()
                lines.append(_row(name, value, spread, figure["note"]))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"


def _verdict(found: Mapping[str, Any] | None, *, stale: bool) -> str:
    if found is None:
        return "not run"
    word = f"**{found['word']}**"
    if found["interval"] is not None:
        word += f": {found['difference']:+.3g} ± {found['interval']:.2g}, detects {found['detectable']:.2g}"
    if found["reason"]:
        word += f" ({found['reason']})"
    # What waits was not measured, so that nothing of it is stale.
    return word + (", stale" if stale and found["word"] != "waits" else "")


def _ours(better: str, worse: str, result: Mapping[str, Any]) -> str:
    figures = result["figures"]
    shown = [f"{name} {number(figures[name]['mean'])}" for name in (better, worse) if name in figures]
    return ", ".join(shown)


def number(value: float) -> str:
    """A figure for reading: whole numbers with separators, others with three significant digits."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
