"""Reading the ledger: how many documents and parts each step took, for which reasons, with examples.

Steps come in the order in which they ran: reading first, then as the plan has them, then any other. Memory stays flat:
tables are read a few batches at a time, and of values and examples a bounded sample is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from limner.corpus import tables
from limner.corpus.corpus import Corpus
from limner.corpus.parquet import read_table

if TYPE_CHECKING:
    import duckdb

ROWS_AT_ONCE = 100_000
_DROPPED_BYTES = 64 * 2**20

_TALLY = """
with dropped_once as (select document, part, step, any_value(json) as json from dropped group by all)
select step, action, reason,
    count(*) filter (part = -1),
    count(*) filter (part >= 0 and starts_with(json, '{"type":"image"')),
    count(*) filter (part >= 0 and starts_with(json, '{"type":"text"')),
    count(*) filter (part >= 0),
    coalesce(sum((length(json) - length(replace(json, '{"type":"image"', ''))) // 15) filter (part = -1), 0),
    min(value), max(value), min(threshold), max(threshold)
from ledger left join dropped_once using (document, part, step)
group by step, action, reason order by step, action, reason
"""


@dataclass
class Reason:
    """What one step took (action `drop`) or changed (`note`) for one reason. `documents` are whole ones; `images` and
    `texts` are parts, known where the plan keeps what it drops; `parts` counts all parts; `images_with` were in the
    documents that went whole. `value` and `threshold` are the least and the greatest recorded, None where none was."""

    reason: str
    action: str
    documents: int = 0
    images: int = 0
    texts: int = 0
    parts: int = 0
    images_with: int = 0
    value: tuple[float, float] | None = None
    threshold: tuple[float, float] | None = None

    @property
    def total(self) -> int:
        """Rows in the ledger."""
        return self.documents + self.parts


@dataclass
class Step:
    """A step of the plan with what it took and changed; `settings` are as in the plan, {} where it is not known."""

    name: str
    use: str = ""
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    reasons: list[Reason] = field(default_factory=list[Reason])

    def dropped(self, what: str) -> int:
        """How many `documents`, `images`, `texts` or `parts` it dropped; `images_with` as in `Reason`."""
        return sum(getattr(reason, what) for reason in self.reasons if reason.action == "drop")

    @property
    def notes(self) -> int:
        """How many changes it noted."""
        return sum(reason.total for reason in self.reasons if reason.action == "note")


def plan_steps(corpus: Corpus) -> list[dict[str, Any]]:
    """The steps of the plan the corpus was built with, [] where it names none."""
    plan = corpus.facts.get("plan")
    steps: object = cast("dict[str, Any]", plan).get("steps") if isinstance(plan, dict) else None
    if not isinstance(steps, list):
        return []
    return [cast("dict[str, Any]", s) for s in cast("list[Any]", steps) if isinstance(s, dict)]


def steps(corpus: Corpus) -> list[Step]:
    """Every step with its tally, in the order in which they ran; also those that took nothing."""
    named = {str(s.get("name") or s.get("use")): s for s in plan_steps(corpus)}
    found = {"read": Step("read")}
    for name, setting in named.items():
        rest = {k: v for k, v in setting.items() if k not in ("use", "name")}
        found[name] = Step(name, str(setting.get("use", name)), rest)
    tally: dict[tuple[str, str, str], Reason] = {}
    for connection in _connections(corpus):
        for step, action, reason, *counts in connection.execute(_TALLY).fetchall():
            found.setdefault(step, Step(step))
            known = tally.get((step, action, reason))
            if known is None:
                known = tally[step, action, reason] = Reason(reason, action)
                found[step].reasons.append(known)
            for name, count in zip(("documents", "images", "texts", "parts", "images_with"), counts, strict=False):
                setattr(known, name, getattr(known, name) + int(count))
            known.value = _widest(known.value, counts[5], counts[6])
            known.threshold = _widest(known.threshold, counts[7], counts[8])
    for step in found.values():
        step.reasons.sort(key=lambda r: (r.action, -r.total, r.reason))
    if not found["read"].reasons:
        del found["read"]
    return list(found.values())


def _widest(known: tuple[float, float] | None, low: float | None, high: float | None) -> tuple[float, float] | None:
    if low is None or high is None:
        return known
    return (min(known[0], low), max(known[1], high)) if known else (low, high)


def _connections(corpus: Corpus) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees `ledger` and `dropped` of a few batches, again and again until all were seen."""
    import duckdb

    connection = duckdb.connect(config={"threads": 1})
    try:
        for ledger, dropped in _tables(corpus):
            connection.register("ledger", ledger)
            connection.register("dropped", dropped)
            yield connection
    finally:
        connection.close()


def _tables(corpus: Corpus) -> Iterator[tuple[pa.Table, pa.Table]]:
    ledgers: list[pa.Table] = []
    droppeds: list[pa.Table] = []
    rows = size = 0
    for commit in corpus.commits:
        for folder, held in (("ledger", ledgers), ("dropped", droppeds)):
            if name := commit.file(folder):
                held.append(read_table(corpus.store, name))
                rows += held[-1].num_rows
                size += held[-1].nbytes
        if rows > ROWS_AT_ONCE or size > _DROPPED_BYTES:
            yield pa.concat_tables([tables.LEDGER.empty_table(), *ledgers]), _concat_dropped(droppeds)
            ledgers, droppeds, rows, size = [], [], 0, 0
    if ledgers:
        yield pa.concat_tables([tables.LEDGER.empty_table(), *ledgers]), _concat_dropped(droppeds)


def _concat_dropped(found: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables([tables.DROPPED.empty_table(), *found])


@dataclass(frozen=True, slots=True)
class Example:
    """A row of the ledger with the JSON of what was dropped ("" where the plan does not keep it)."""

    document: str
    part: int
    step: str
    action: str
    reason: str
    value: float | None
    threshold: float | None
    detail: str
    json: str


@dataclass
class Detail:
    """One reason of one step: a sample of the values it met, all thresholds (at most 50), examples."""

    reason: str
    action: str
    values: list[float] = field(default_factory=list[float])
    thresholds: list[float] = field(default_factory=list[float])
    examples: list[Example] = field(default_factory=list[Example])
    seen: int = 0


_COUNTS = """
select action, reason, count(*), list(distinct threshold order by threshold)[:51] from ledger where step = $step group by all
"""

# The rows whose hashes are least are a uniform sample, the same whatever the batches (bottom-k sampling).
_VALUES = """
select action, reason, hash(document, part, reason) as h, value from ledger where step = $step and value is not null
qualify row_number() over (partition by action, reason order by h) <= $most
"""

_EXAMPLES = """
with chosen as (
    select *, hash(document, part, reason) as h from ledger where step = $step
    qualify row_number() over (partition by action, reason order by h) <= $most
)
select h, document, part, step, action, reason, value, threshold, coalesce(detail, ''),
    coalesce((select any_value(d.json) from dropped d where d.document = c.document and d.part = c.part and d.step = c.step), '')
from chosen c
"""


def details(corpus: Corpus, step: str, examples: int = 8, values: int = 5_000) -> list[Detail]:
    """For each reason of a step, a uniform sample of its examples and of its values: the same each time."""
    found: dict[tuple[str, str], Detail] = {}
    shown: dict[tuple[str, str], list[tuple[int, Example]]] = {}
    met: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for connection in _connections(corpus):
        for action, reason, count, thresholds in connection.execute(_COUNTS, {"step": step}).fetchall():
            one = found.setdefault((action, reason), Detail(reason, action))
            one.seen += count
            one.thresholds = sorted({*one.thresholds, *(t for t in thresholds if t is not None)})[:50]
        for action, reason, place, value in connection.execute(_VALUES, {"step": step, "most": values}).fetchall():
            met.setdefault((action, reason), []).append((place, value))
        for place, *row in connection.execute(_EXAMPLES, {"step": step, "most": examples}).fetchall():
            example = Example(*row)
            shown.setdefault((example.action, example.reason), []).append((place, example))
        for key in found:
            met[key] = sorted(met.get(key, []))[:values]
            shown[key] = sorted(shown.get(key, []), key=lambda pair: (pair[0], pair[1].document, pair[1].part))[:examples]
    for key, one in found.items():
        one.values = [value for _, value in met[key]]
        one.examples = [example for _, example in shown[key]]
    return sorted(found.values(), key=lambda d: (d.action, -d.seen, d.reason))
