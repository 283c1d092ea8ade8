"""What a run came to: what was kept, and what each step dropped."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from limner.corpus import Corpus


@dataclass(frozen=True)
class Dropped:
    """What one step took away or changed, by reason: documents, images, other parts, notes."""

    step: str
    documents: int = 0
    images: int = 0
    parts: int = 0
    changed: int = 0
    reasons: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Summary:
    """The counts of a corpus, its languages, what each step dropped (in the plan's order), and errors of rejects."""

    corpus: str
    inputs: int
    counts: dict[str, int]
    languages: dict[str, int]
    steps: list[Dropped]
    rejects: dict[str, int]
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The summary as JSON-ready values."""
        return asdict(self)


def summarize(corpus: Corpus, seconds: float = 0.0) -> Summary:
    """Count a finished corpus from its commits and ledger, a batch at a time."""
    documents: Counter[str] = Counter()
    parts: Counter[str] = Counter()
    images: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    names = [str(s["name"]) for s in corpus.facts.get("plan", {}).get("steps", [])]
    for table in corpus.rows("ledger", ["part", "step", "action", "reason"]):
        grouped = (
            table.append_column("whole", _whole(table))
            .group_by(["whole", "step", "action", "reason"])
            .aggregate([([], "count_all")])
        )
        for row in grouped.to_pylist():
            count = row["count_all"]
            if row["action"] == "note":
                changed[row["step"]] += count
            else:
                (documents if row["whole"] else parts)[row["step"]] += count
            reasons.setdefault(row["step"], Counter())[row["reason"]] += count
    for table in corpus.rows("dropped", ["part", "step", "json"]):
        for part, step, text in zip(*(c.to_pylist() for c in table.columns), strict=True):
            if part != -1 and text.startswith('{"type":"image"'):
                images[step] += 1
    languages: Counter[str] = Counter()
    for table in corpus.rows("documents", ["language"]):
        languages.update(value or "" for value in table.column("language").to_pylist())
    rejects: Counter[str] = Counter()
    for table in corpus.rows("rejects", ["error"]):
        rejects.update(table.column("error").to_pylist())
    order = ["read", *names, *sorted(set(reasons) - set(names) - {"read"})]
    steps = [
        Dropped(n, documents[n], images[n], parts[n] - images[n], changed[n], dict(reasons[n].most_common()))
        for n in order
        if n in reasons
    ]
    return Summary(
        corpus.store.url, sum(len(c.inputs) for c in corpus.commits), dict(corpus.counts), dict(languages.most_common()),
        steps, dict(rejects.most_common()), seconds,
    )  # fmt: skip


def _whole(table: pa.Table) -> pa.Array:
    return pa.array([part == -1 for part in table.column("part").to_pylist()], pa.bool_())
