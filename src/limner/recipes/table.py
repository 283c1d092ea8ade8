"""All results as one page: `docs/reproductions.md` is written by `limner recipe table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limner.provenance.used import changed
from limner.recipes.provenance import code_hash, data_hash
from limner.recipes.recipe import Recipe
from limner.recipes.verdict import Verdict, judge

NAMED = 3
"""How many of the things that changed a stale result names."""


def stale(recipe: Recipe, result: Mapping[str, Any]) -> list[str]:
    """What has changed since the result was written: modules and data of limner that its run used, by their paths, its own first, and data
    sets; [] where nothing has. Data sets that are not here cannot be compared and count as unchanged."""
    known = result.get("modules")
    # A result written before modules were recorded has one hash, of all that its recipe could reach.
    code = changed(known) if known is not None else ["its code"] * (code_hash(recipe.module) != result["code"])
    own = recipe.module.removeprefix("limner.").replace(".", "/") + ".py"
    code = sorted(code, key=lambda path: (path != own, not path.startswith("recipes/")))
    named = set(recipe.data(result["scale"])) ^ set(result["data"])
    named |= {name for name, was in result["data"].items() if data_hash(name) not in (None, was)}
    return code + [f"data {name}" for name in sorted(named)]


def markdown(known: Mapping[str, Recipe], results: Mapping[str, Mapping[str, Any]]) -> str:
    """The table of what held, then every recipe's figures."""
    lines = [
        "# Reproductions",
        "",
        "Written by `limner recipe table` from the files in `results/`, which `limner recipe run` writes. A verdict is *held*,",
        "*contradicted*, *underpowered* (the run could not have told), *measured* (nothing to hold or break), *not measured*",
        "(the settings leave it out) or *waits*. A result is stale where modules of limner that its run loaded, or its data, have",
        "changed since in more than comments and docstrings; they are named.",
        "",
        "| recipe | claim | the paper's figure | ours | verdict |",
        "|---|---|---|---|---|",
    ]
    for slug, recipe in known.items():
        result = results.get(slug)
        note = _note(stale(recipe, result)) if result else ""
        for claim in recipe.claims:
            # Judged anew: what a claim says, and how it is judged, may have changed since its figures were measured.
            found = judge(claim, {name: figure["values"] for name, figure in result["figures"].items()}) if result else None
            ours = _ours(claim.better, claim.worse, result) if result else ""
            lines.append(_row(slug, claim.statement, claim.paper, ours, _verdict(found, note) if found else "not run"))
    for slug, recipe in known.items():
        if result := results.get(slug):
            lines += ["", f"## {slug}: {recipe.title}", "", f"{recipe.reference}", ""]
            files = len(result["modules"]) if "modules" in result else "unrecorded"
            lines.append(
                f"Scale {result['scale']}, {result['seeds']} seed(s), {result['minutes']} minutes on {result['machine']}; "
                f"data {', '.join(f'{n} ({h})' for n, h in result['data'].items()) or 'none'}; files of limner: {files}."
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


def _verdict(found: Verdict, note: str) -> str:
    word = f"**{found.word}**"
    if found.interval is not None and found.detectable is not None:
        word += f": {found.difference:+.3g} ± {found.interval:.2g}, detects {found.detectable:.2g}"
    if found.reason:
        word += f" ({found.reason})"
    # What waits was not measured, so that nothing of it is stale.
    return word + (note if found.word != "waits" else "")


def _note(changed: Sequence[str]) -> str:
    more = f", and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
    return f", stale ({', '.join(changed[:NAMED])}{more})" if changed else ""


def _ours(better: str, worse: str, result: Mapping[str, Any]) -> str:
    figures = result["figures"]
    shown = [f"{name} {number(figures[name]['mean'])}" for name in (better, worse) if name in figures]
    return ", ".join(shown)


def number(value: float) -> str:
    """A figure for reading: whole numbers with separators, others with three significant digits."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:.3g}"
