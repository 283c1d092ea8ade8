"""Two runs on the same items: differences with intervals, a test, effect sizes, what the set can tell apart, and samples side by side."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.errors import LimnerError
from limner.evaluate.report.page import MOST, known_benchmark, templates
from limner.evaluate.report.shown import shown
from limner.evaluate.runner import addresses, stated
from limner.evaluate.samples import Sample, Samples
from limner.evaluate.statistics.paired import compare
from limner.evaluate.statistics.power import detectable

_LEVEL = 0.05


@dataclass
class _Scores:
    """A measure's scores by item in both runs, and the items' clusters."""

    a: dict[str, float]
    b: dict[str, float]
    failed: int = 0


def compared(run_a: Path, run_b: Path, common: bool = False) -> dict[str, Any]:
    """Every measure that both runs have, the second less the first, by the first judge of each. Items that one run lacks are an error unless only the
    `common` ones are asked for; items whose judge failed in either run are left out and counted."""
    a, b = stated(run_a), stated(run_b)
    if a["benchmark"] != b["benchmark"]:
        raise LimnerError(f"{run_a} is a run of {a['benchmark']}, {run_b} one of {b['benchmark']}: they have no items in common")
    judge_a, judge_b = addresses(a)[0], addresses(b)[0]
    clusters, measures, missing = _read(Samples(run_a), Samples(run_b), judge_a, judge_b)
    if missing and not common:
        named = ", ".join(sorted(missing)[:5])
        raise LimnerError(
            f"{len(missing)} items are in one of the runs only ({named}, …): finish the runs, or compare with --common"
        )
    scales = {m["name"]: m for m in a["measures"]}
    rows = [_row(name, each, clusters, scales.get(name)) for name, each in measures.items() if each.a]
    warnings = [
        f"the {what} are not the same" for what, same in (
            ("judges", judge_a == judge_b and a["judges"].get(judge_a) == b["judges"].get(judge_b)),
            ("benchmark's files", a["data"] == b["data"]), ("versions of the code", a["code"] == b["code"]),
        ) if not same
    ]  # fmt: skip
    return {
        "benchmark": a["benchmark"], "title": a["title"], "a": a["model"], "b": b["model"], "judge": judge_b, "warnings": warnings,
        "missing": sorted(missing), "items": len(clusters) - len(missing), "measures": rows,
    }  # fmt: skip


def _read(a: Samples, b: Samples, judge_a: str, judge_b: str) -> tuple[dict[str, str], dict[str, _Scores], set[str]]:
    clusters: dict[str, str] = {}
    sides: list[dict[str, Mapping[str, float]]] = []
    failed: list[dict[str, Mapping[str, str]]] = []
    for samples, judge in ((a, judge_a), (b, judge_b)):
        own: dict[str, Mapping[str, float]] = {}
        lost: dict[str, Mapping[str, str]] = {}
        for sample in samples:
            clusters[sample.id] = sample.cluster
            own[sample.id], lost[sample.id] = sample.judged[judge].values, sample.judged[judge].failed
        sides.append(own)
        failed.append(lost)
    missing = sides[0].keys() ^ sides[1].keys()
    measures: dict[str, _Scores] = {}
    for item in (item for item in sides[0] if item not in missing):
        for name in sides[0][item].keys() | sides[1][item].keys() | failed[0][item].keys() | failed[1][item].keys():
            each = measures.setdefault(name, _Scores({}, {}))
            if name in sides[0][item] and name in sides[1][item]:
                each.a[item], each.b[item] = sides[0][item][name], sides[1][item][name]
            else:
                each.failed += 1
    return clusters, dict(sorted(measures.items())), missing


def _row(name: str, each: _Scores, clusters: Mapping[str, str], measure: Mapping[str, Any] | None) -> dict[str, Any]:
    ends = (measure["low"], measure["high"]) if measure else None
    if ends and not all(ends[0] <= value <= ends[1] for side in (each.a, each.b) for value in side.values()):
        ends = None
    found = compare(each.b, each.a, clusters, ends)
    difference, tells = found.difference.row(), detectable(found.difference).row()
    better = found.difference.value > 0 if not (measure or {}).get("lower") else found.difference.value < 0
    verdict = "no difference shown" if found.p > _LEVEL else "b is better" if better else "a is better"
    row = found.row()
    return {
        "measure": name, "a": sum(each.a.values()) / len(each.a), "b": sum(each.b.values()) / len(each.b),
        "difference": difference["value"], "low": difference["low"], "high": difference["high"], "p": found.p, "exact": found.exact,
        "effect": row["effect"], "better": found.better, "same": found.same, "worse": found.worse, "detects": tells["detectable"],
        "items": len(each.a), "clusters": difference["clusters"], "not_compared": each.failed, "verdict": verdict,
    }  # fmt: skip


def page(run_a: Path, run_b: Path, found: Mapping[str, Any], data: Path | None = None) -> str:
    """The comparison as a page, with the samples that the systems are furthest apart on side by side."""
    a, b = Samples(run_a), Samples(run_b)
    judge_a, judge_b = addresses(stated(run_a))[0], addresses(stated(run_b))[0]
    order = [measure["name"] for measure in stated(run_a)["measures"]]
    rows = sorted(found["measures"], key=lambda row: order.index(row["measure"]) if row["measure"] in order else len(order))
    main = rows[0]["measure"] if rows else ""
    scores = {s.id: s.judged[judge_a].values[main] for s in a if main in s.judged[judge_a].values}

    def apart(sample: Sample) -> float:
        value = sample.judged[judge_b].values.get(main)
        return abs(value - scores[sample.id]) if value is not None and sample.id in scores else 0.0

    furthest = heapq.nlargest(MOST, (s for s in b if apart(s) > 0), key=lambda s: (apart(s), -s.number))
    wanted = {sample.id for sample in furthest}
    firsts = {sample.id: sample for sample in a if sample.id in wanted}
    bench = known_benchmark(found["benchmark"])
    left = shown([firsts[sample.id] for sample in furthest], a, bench, data)
    right = shown(furthest, b, bench, data)
    filled = templates().get_template("compare.html")
    title = f"{found['title']}: {found['a']} and {found['b']}"
    pairs = list(zip(left, right, strict=True))
    return filled.render(title=title, found=found, rows=rows, main=main, pairs=pairs, judge_a=judge_a, judge_b=judge_b)
