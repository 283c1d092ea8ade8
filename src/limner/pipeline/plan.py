"""A plan: which sources, which operators in which order. Written in TOML or built in Python; the same either way.

```toml
[plan]
name = "web"
sources = ["~/manuals", "crawl.warc.gz"]   # may be given on the command line instead

[source]
extractor = "bundled:lexbor"               # who reads pages

[source.fetch]                             # how pages and images are fetched: `limner.sources.fetchsettings`
contact = "crawler@example.org"
allow_private = true                       # also from private and link-local addresses

[source.experts]                           # models that readers may ask, by port; `--expert PORT=ADDRESS`
ocr = "bundled:rapidocr"                   # text of scanned pages and of pictures

[[step]]
use = "language"          # an operator by its registered name
keep = ["en", "de"]       # its settings

[[step]]
use = "near-duplicates"
name = "near-duplicates-0.7"   # the ledger's name for it, by default `use`
threshold = 0.7
```
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, cast

from limner.curate.operator import GlobalOperator
from limner.curate.registry import coerce, fingerprint, name_of, operator, settings
from limner.errors import PlanError, SourceError
from limner.pipeline.limits import MEMORY
from limner.sources.locate import check_settings

ASKING = 60
"""How many times as many seconds an input has where readers may ask models."""


@dataclass(frozen=True)
class Step:
    """One operator of a plan, under the name that the ledger uses."""

    operator: Any
    name: str

    @property
    def is_global(self) -> bool:
        """Whether it needs the whole corpus before it can decide."""
        return isinstance(self.operator, GlobalOperator)

    def to_dict(self) -> dict[str, Any]:
        """The step as it would stand in a plan file, all settings written out."""
        return {"use": name_of(self.operator), "name": self.name, **settings(self.operator)}


@dataclass(frozen=True)
class Plan:
    """Sources and steps. `batch` is how many inputs are read, written and committed together; `batch_bytes` cuts a batch
    earlier where inputs are large; `seconds` bounds one input; `keep_dropped` keeps what was dropped for reading."""

    steps: Sequence[Step] = ()
    sources: Sequence[str] = ()
    name: str = ""
    batch: int = 200
    batch_bytes: int = 256 * 2**20
    seconds: float = 120.0
    keep_dropped: bool = True
    fetch_images: bool = False
    source_settings: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        for name in names:
            if names.count(name) > 1:
                raise PlanError(f"two steps are called {name!r}: give one of them another `name`")
        if self.batch < 1 or self.batch_bytes < 1 or self.seconds <= 0:
            raise PlanError("batch, batch_bytes and seconds must be positive")
        try:
            check_settings(self.source_settings)
        except SourceError as error:
            raise PlanError(str(error)) from None

    def allowed(self, stage: int) -> float:
        """Seconds for one input in a stage. Where readers ask models, the first stage has `ASKING` times as many: OCR of a page takes
        seconds, and a book has hundreds."""
        return self.seconds * (ASKING if stage == 0 and self.source_settings.get("experts") else 1)

    @property
    def memory(self) -> int:
        """Bytes that the reading of one input may take; more where readers ask models, which are loaded then."""
        return MEMORY * (4 if self.source_settings.get("experts") else 1)

    def with_sources(self, sources: Sequence[str]) -> Plan:
        """This plan over those sources."""
        return replace(self, sources=tuple(sources))

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-ready values, kept in `corpus.json`."""
        return {
            "name": self.name,
            "sources": list(self.sources),
            "batch": self.batch,
            "batch_bytes": self.batch_bytes,
            "seconds": self.seconds,
            "keep_dropped": self.keep_dropped,
            "fetch_images": self.fetch_images,
            "source": dict(self.source_settings),
            "steps": [step.to_dict() for step in self.steps],
        }

    def digest(self) -> str:
        """Names the plan: two plans with one digest give the same corpus from the same inputs."""
        # Fingerprints see the contents of list files too, which the settings only name.
        steps = [(step.name, fingerprint(step.operator)) for step in self.steps]
        return hashlib.sha256(json.dumps([self.to_dict(), steps], sort_keys=True, default=str).encode()).hexdigest()[:16]


def step(use: str, name: str = "", **given: Any) -> Step:
    """A step by its operator's registered name.

    >>> step("sample", share=0.5).name
    'sample'
    """
    return Step(operator(use, **given), name or use)


_PLAN_KEYS: dict[str, Any] = {
    "name": str, "sources": tuple[str, ...], "batch": int, "batch_bytes": int, "seconds": float, "keep_dropped": bool,
    "fetch_images": bool,
}  # fmt: skip


def load(path: str | Path) -> Plan:
    """The plan in a TOML file, or one that ships with limner by its name (`default`, `obelics`, `mmc4`, …); raises
    `PlanError` naming what is wrong with it."""
    shipped = resources.files("limner.pipeline") / "plans" / f"{path}.toml"
    try:
        if "/" not in str(path) and shipped.is_file():
            text = shipped.read_text("utf-8")
        else:
            text = Path(path).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the plan {path} cannot be read ({error}); plans that ship: {', '.join(shipped_plans())}") from None
    try:
        return from_dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"the plan {path} is not TOML: {error}") from None
    except PlanError as error:
        raise PlanError(f"the plan {path}: {error}") from None


def shipped_plans() -> list[str]:
    """The names of the plans that ship with limner."""
    folder = resources.files("limner.pipeline") / "plans"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def from_dict(data: Mapping[str, Any]) -> Plan:
    """The plan that tables `plan`, `source` and an array `step` describe."""
    if unknown := sorted(set(data) - {"plan", "step", "source"}):
        raise PlanError(f"unknown table {unknown[0]!r}; a plan has [plan], [source] and [[step]]")
    head = _table(data.get("plan", {}), "[plan]")
    if unknown := sorted(set(head) - set(_PLAN_KEYS)):
        raise PlanError(f"unknown setting {unknown[0]!r} in [plan]; it takes {', '.join(sorted(_PLAN_KEYS))}")
    tables = data.get("step", [])
    if not isinstance(tables, list):
        raise PlanError("steps are written as [[step]] tables")
    steps: list[Step] = []
    for i, entry in enumerate(cast("list[Any]", tables)):
        given = dict(_table(entry, f"step {i + 1}"))
        use = given.pop("use", None)
        if not isinstance(use, str):
            raise PlanError(f"step {i + 1} does not say which operator to `use`")
        steps.append(step(use, str(given.pop("name", "")), **given))
    values: dict[str, Any] = {}
    for key, value in head.items():
        try:
            values[key] = coerce(value, _PLAN_KEYS[key])
        except TypeError as error:
            raise PlanError(f"[plan] {key} {error}") from None
    return Plan(steps=tuple(steps), source_settings=_table(data.get("source", {}), "[source]"), **values)


def _table(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PlanError(f"{what} is not a table")
    return cast("Mapping[str, Any]", value)
