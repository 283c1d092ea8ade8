"""An arena: systems ranked by verdicts between two, under each way of treating ties, and how far two judges of the same meetings agree.

Verdicts are read as OpenING publishes them (JSON, `limner.evaluate.benchmarks.openingarena`), or from a table (.csv, .tsv) with the columns
item, a, b, winner.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast, get_args

from limner.evaluate.benchmarks.files import opened, rows
from limner.evaluate.benchmarks.openingarena import WINNERS, Verdict, Winner, verdicts
from limner.evaluate.statistics.agreement import agreement
from limner.evaluate.statistics.clusters import Resampling, StatisticsError
from limner.evaluate.statistics.ranking import Ties, rank, verdict

_SAID = {"a": 0.0, "b": 1.0, "tie": 2.0}


def read(file: Path) -> list[Verdict]:
    """The verdicts of a file. Names of systems count without their case, on which published files do not agree. Raises `BenchmarkError` for what is
    none."""
    if file.suffix.lower() not in (".csv", ".tsv"):
        return [Verdict(v.item, v.a.lower(), v.b.lower(), v.winner) for v in verdicts(file)]
    found: list[Verdict] = []
    for row in rows(opened(file.parent, "a table of verdicts"), file.name):
        winner = row.text("winner")
        if winner not in WINNERS:
            raise row.wrong(f"its winner is {winner[:40]!r}, none of {', '.join(WINNERS)}")
        found.append(Verdict(row.text("item"), row.text("a").lower(), row.text("b").lower(), cast("Winner", winner)))
    return found


def ranked(file: Path, other: Path | None = None, resamples: int = 1_000) -> dict[str, Any]:
    """Rankings under each way of treating ties, the strongest system first, with intervals over items; a way under which the systems cannot be ranked
    says why. With the file of another judge, the agreement of both."""
    found = read(file)
    settings = Resampling(resamples=resamples)
    rankings: dict[str, Any] = {}
    for ties in get_args(Ties):
        try:
            rankings[ties] = rank(found, [one.item for one in found], ties, settings).row()
        except StatisticsError as error:
            rankings[ties] = {"error": str(error)}
    out: dict[str, Any] = {
        "verdicts": len(found), "ties": sum(verdict(one.winner)[0] == "tie" for one in found),
        "systems": sorted({name for one in found for name in (one.a, one.b)}), "rankings": rankings,
    }  # fmt: skip
    if other is not None:
        out["agreement"] = agreements(found, read(other), settings)
    return out


def agreements(ones: Sequence[Verdict], others: Sequence[Verdict], settings: Resampling | None = None) -> dict[str, Any]:
    """Agreement of two judges on the meetings that both judged, whichever side a system stood on: a tie is a verdict of its own (`tie`), leaves the
    meeting out (`drop`), or is the side that it leans to (`lean`; a tie without a side stays one). Shares and Cohen's kappa with their intervals
    over items."""
    theirs = dict(map(_sided, others))
    both = [(one.item, side, theirs[key]) for one in ones for key, side in [_sided(one)] if key in theirs]
    ways: dict[str, list[tuple[str, str, str]]] = {
        "tie": [(item, a[0], b[0]) for item, a, b in both],
        "drop": [(item, a[0], b[0]) for item, a, b in both if "tie" not in (a[0], b[0])],
        "lean": [(item, a[1] or a[0], b[1] or b[0]) for item, a, b in both],
    }
    return {ties: _agreed(said, settings) for ties, said in ways.items()}


def _agreed(said: Sequence[tuple[str, str, str]], settings: Resampling | None) -> dict[str, Any]:
    if not said:
        return {"both": 0}
    ratings = [[_SAID[row[column]] for row in said] for column in (1, 2)]
    items = [item for item, _, _ in said]
    return {
        "both": len(said),
        "agree": agreement("percent", ratings, items, settings).row(),
        "kappa": agreement("kappa", ratings, items, settings).row(),
    }


def _sided(one: Verdict) -> tuple[tuple[str, str, str], tuple[str, str]]:
    """A meeting with its systems in order of their names, and who won and which side a tie leans to, by that order."""
    won, lean = verdict(one.winner)
    if one.a <= one.b:
        return (one.item, one.a, one.b), (won, lean)
    other = {"a": "b", "b": "a"}
    return (one.item, one.b, one.a), (other.get(won, won), other.get(lean, lean))
