"""A recipe: one paper's system composed from shared parts, what the paper claims, and how that is measured here.

A recipe is a module of `limner.recipes` with a constant `RECIPE`. Its `run(settings, seed)` yields measurements; the runner
(`limner.recipes.run`) repeats it over seeds, judges the claims and writes `results/SLUG.json`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from limner.errors import LimnerError

Scale = Literal["smoke", "laptop", "gpu"]
SCALES: tuple[Scale, ...] = ("smoke", "laptop", "gpu")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure of one run: a name (`kept.documents`, `speed`), its value and unit, and a word on how it came about."""

    name: str
    value: float
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Claim:
    """What the paper says, its own figure, and how ours is judged.

    `better` and `worse` name measurements that are compared over seeds in pairs: the claim holds where `better` exceeds `worse`
    (or falls below it, with `lower` set) by an interval that excludes zero. With `at_least` or `at_most`, the one measurement
    `better` is held against a bound; with neither a bound nor `worse` it is only shown (`measured`). `effect` is the smallest
    difference that would count as the paper's, in the measurement's unit: a run that could not have detected it is underpowered,
    not a refutation. `within` names a comparison that is paired inside of each seed, over documents or the like, where seeds deal out the
    same things anew and are no sample of them: the measurements `NAME.gain`, `NAME.gain.low` (the lower end of its interval) and
    `NAME.gain.detectable`, whose means over seeds are judged. `waits` says what is still missing.
    """

    key: str
    statement: str
    paper: str
    measured: str
    better: str = ""
    worse: str = ""
    lower: bool = False
    effect: float = 0.0
    at_least: float | None = None
    at_most: float | None = None
    within: str = ""
    waits: str = ""


@dataclass(frozen=True)
class Panel:
    """A piece of a result's plot: bars of the figures whose names are as `figure` says, `{row}` and `{series}` standing for any
    name (`"{row}.{series}"` for `read.documents`). With `relative`, each series is drawn against its own greatest."""

    title: str
    figure: str
    series: tuple[str, ...] = ()
    relative: bool = False


@dataclass(frozen=True)
class Recipe:
    """A system of the catalogue. `settings` has a frozen dataclass a scale; its field `data`, where it has one, names the data
    sets that scale reads (`limner data list`), whose contents are hashed; `seeds` is how many runs a scale takes; `panels` are
    what its plot shows."""

    slug: str
    title: str
    reference: str
    claims: Sequence[Claim]
    settings: Mapping[Scale, Any]
    run: Callable[[Any, int], Iterable[Measurement]]
    seeds: Mapping[Scale, int] = field(default_factory=lambda: {"smoke": 1, "laptop": 1, "gpu": 1})
    panels: Sequence[Panel] = ()

    def data(self, scale: Scale = "laptop") -> tuple[str, ...]:
        """The data sets that `scale` reads."""
        return data_of(self.settings[scale])

    @property
    def module(self) -> str:
        """The module it is written in."""
        return self.run.__module__


def data_of(settings: Any) -> tuple[str, ...]:
    """The data sets that settings name, () where they name none."""
    return tuple(getattr(settings, "data", ()))


def recipes() -> dict[str, Recipe]:
    """Every recipe by its slug, but those whose packages are not installed (`lacking`)."""
    return _loaded()[0]


def lacking() -> dict[str, str]:
    """The modules of recipes that do not load here, with the package that each lacks."""
    return _loaded()[1]


@cache
def _loaded() -> tuple[dict[str, Recipe], dict[str, str]]:
    found: dict[str, Recipe] = {}
    without: dict[str, str] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        try:
            loaded = _of(module.name)
        except ImportError as error:
            if error.name is None or error.name.partition(".")[0] == "limner":
                raise
            without[module.name] = error.name.partition(".")[0]
            continue
        if loaded:
            found[loaded.slug] = loaded
    return dict(sorted(found.items())), without


def _of(module: str) -> Recipe | None:
    loaded = getattr(importlib.import_module(f"limner.recipes.{module}"), "RECIPE", None)
    return loaded if isinstance(loaded, Recipe) else None


def recipe(slug: str) -> Recipe:
    """The recipe called `slug`; raises `LimnerError` naming those there are. No other recipe's module is loaded: a result says
    which modules its run loaded."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if f'slug="{slug}"' in path.read_text("utf-8") and (found := _of(path.stem)) and found.slug == slug:
            return found
    known = recipes()
    if slug not in known:
        more = f"; some need {', '.join(sorted(set(lacking().values())))}: pip install 'limner[models]'" if lacking() else ""
        raise LimnerError(f"there is no recipe {slug!r}; there are {', '.join(known)}{more}")
    return known[slug]
