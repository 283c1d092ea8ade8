"""Running a recipe over its seeds, and the file that keeps what came out."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from limner.curate.registry import coerce
from limner.errors import LimnerError
from limner.provenance.used import Used
from limner.recipes.plot import svg
from limner.recipes.provenance import data_hashes, machine
from limner.recipes.recipe import Measurement, Recipe, Scale, data_of
from limner.recipes.verdict import judge


def run(
    recipe: Recipe,
    scale: Scale = "laptop",
    changes: Mapping[str, Any] | None = None,
    seeds: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Run `recipe` at `scale` once a seed and judge its claims; `changes` amend its settings by name. Returns the result, which
    `save` writes."""
    settings = amended(recipe.settings[scale], changes or {})
    data = data_hashes(data_of(settings))
    count = seeds or recipe.seeds[scale]
    began = time.monotonic()
    figures: dict[str, list[float]] = {}
    about: dict[str, Measurement] = {}
    with Used() as used:
        for seed in range(count):
            say(f"{recipe.slug}: seed {seed + 1} of {count}")
            for found in recipe.run(settings, seed):
                if not math.isfinite(found.value):
                    raise LimnerError(f"{recipe.slug} measured {found.name} as {found.value}: a figure must be a finite number")
                if len(figures.get(found.name, ())) > seed:
                    raise LimnerError(f"{recipe.slug} measured {found.name} twice in one run: give each figure its own name")
                figures.setdefault(found.name, []).append(float(found.value))
                about[found.name] = found
                say(f"  {found.name} = {found.value:g} {found.unit}".rstrip())
            used.note()
    uneven = [name for name, values in figures.items() if len(values) != count]
    if uneven:
        raise LimnerError(f"{recipe.slug} measured {uneven[0]} in some seeds only")
    return {
        "slug": recipe.slug, "title": recipe.title, "reference": recipe.reference, "scale": scale,
        "settings": asdict(settings), "changed": dict(changes or {}), "seeds": count,
        "figures": {
            name: {
                "values": values, "mean": sum(values) / count, "spread": _spread(values),
                "unit": about[name].unit, "note": about[name].note,
            }
            for name, values in figures.items()
        },
        "claims": [
            {"key": c.key, "statement": c.statement, "paper": c.paper, "measured": c.measured, **asdict(judge(c, figures))}
            for c in recipe.claims
        ],
        "data": data, "machine": machine(),
        "minutes": round((time.monotonic() - began) / 60, 2), "modules": used.hashes(),
    }  # fmt: skip


def _spread(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return (sum((v - mean) ** 2 for v in values) / max(len(values) - 1, 1)) ** 0.5


def amended(settings: Any, changes: Mapping[str, Any]) -> Any:
    """Settings with `changes` (strings are read as the field's type); raises `LimnerError` for a name it has not."""
    kinds = {f.name: f.type for f in fields(settings)}
    given: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in kinds:
            raise LimnerError(f"there is no setting {name!r}; there are {', '.join(kinds)}")
        kind = type(getattr(settings, name))
        try:
            given[name] = coerce(json.loads(value) if isinstance(value, str) and kind is not str else value, kind)
        except (TypeError, ValueError) as error:
            raise LimnerError(f"setting {name}: {error}") from None
    return replace(settings, **given)


def save(recipe: Recipe, result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write a result to `folder/SLUG.json`, and its plot, where the recipe has one, to `folder/SLUG.svg`; returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['slug']}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return [path, *draw(recipe, result, folder)]


def draw(recipe: Recipe, result: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the plot of a result, where the recipe has one, to `folder/SLUG.svg`; returns what was written."""
    drawn = svg(recipe, result)
    if not drawn:
        return []
    path = folder / f"{result['slug']}.svg"
    path.write_text(drawn, "utf-8")
    return [path]


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """The results in `folder` by slug; raises `LimnerError` where a file is not one."""
    out: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            data = json.loads(path.read_text("utf-8"))
            out[data["slug"]] = data
        except (ValueError, KeyError, TypeError):
            raise LimnerError(f"{path} is not a result of `limner recipe run`") from None
    return out
