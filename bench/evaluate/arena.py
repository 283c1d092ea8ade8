"""OpenING's arena: the table of grades, agreement between judges, and win rates, recomputed from the published verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from figures import Figure, figure

from limner.evaluate.arena import agreements
from limner.evaluate.benchmarks.openingarena import Verdict, grades, published_table, table, unjudged, verdicts
from limner.evaluate.statistics.clusters import Resampling
from limner.evaluate.statistics.ranking import Ranking, Ties, rank

AGREEMENT = {
    ("gpt-judge", "GPT-4o"): {
        "FDT": (71.08, 73.33, 68.77, 70.98), "w/ Tie": (51.93, 54.95, 48.82, 51.70), "w/o Tie": (74.58, 77.54, 71.43, 74.36),
    },
    ("intjudge_rag-judge", "IntJudge-7B"): {
        "FDT": (82.42, 84.05, 80.75, 82.37), "w/ Tie": (66.45, 69.02, 63.80, 66.31), "w/o Tie": (91.11, 92.38, 89.55, 90.94),
    },
}  # fmt: skip
"""Agreement with people in percent: over all, over meetings of systems that IntJudge was trained on, over the others, and the harmonic mean of both;
read off static/images/judge.png of the project page (the table of the paper)."""

PARTS = ("Average", "Seen", "Unseen", "HM")

UNSEEN = ("anole", "SEED-LLaMA", "NExT-GPT")
"""Systems whose meetings are the others. The authors' script also names GPT-4+DALL-E3, which no verdict has (there it is GPT-4o+DALL-E3)."""

LEADERBOARD = {"Human Evaluation": "judge", "GPT Evaluation": "gpt-judge", "IntJudge Evaluation": "intjudge_rag-judge"}
AGREED = {"FDT": "lean", "w/ Tie": "tie", "w/o Tie": "drop"}
WAYS: dict[str, Ties] = {"FDT": "lean", "w/o Tie": "drop", "w/ Tie (0)": "nothing", "w/ Tie (5)": "half"}


def opening(root: Path) -> tuple[dict[str, Any], list[Path]]:
    """All of it."""
    arena = root / "Interleaved_Arena"
    files = [arena / f"{name}_modelAB_results.json" for name in LEADERBOARD.values()]
    judges = {name: verdicts(file) for name, file in zip(LEADERBOARD.values(), files, strict=True)}
    scores, summary = arena / "gpt-score_results.json", arena / "model_score_summaries.csv"
    result: dict[str, Any] = {
        "figures": _grades(scores, summary) + _agreements(judges),
        "answers without a grade": unjudged(scores),
    }
    result["ranking (Davidson), with intervals over items"] = {
        of: [_place(place.row()) for place in _ranked(judges[name], "davidson", 1_000).places] for of, name in LEADERBOARD.items()
    }
    files += [scores, summary]
    board = root.parent / "opening-benchmark.github.io" / "leaderboard_data.json"
    newer = arena / "intjudge_rag-judge_modelAB_results_new.json"
    if board.is_file():
        published = json.loads(board.read_text("utf-8"))["leaderboardData"]
        result["leaderboard of the project page"] = {
            "IntJudge's newer verdicts": _board(published, "IntJudge Evaluation", verdicts(newer), newer.name),
            **{of: _board(published, of, judges[name], f"{name}_modelAB_results.json") for of, name in LEADERBOARD.items()},
            "note": "the page was made of more verdicts than are published: only IntJudge's newer ones have the two systems that were added",
        }
        files += [board, newer]
    return result, files


def _place(row: dict[str, Any]) -> list[Any]:
    """System, strength, its interval, rank, its interval."""
    return [round(row[name], 3) if isinstance(row[name], float) else row[name]
            for name in ("system", "strength", "low", "high", "rank", "rank_low", "rank_high")]  # fmt: skip


def _grades(scores: Path, summary: Path) -> list[Figure]:
    ours = table(list(grades(scores)))
    return [
        figure(f"grades of {system}: {name}", value, summary.name, ours[system][name], 2)
        for system, row in published_table(summary).items()
        for name, value in row.items()
    ]


def _agreements(judges: Mapping[str, Sequence[Verdict]]) -> list[Figure]:
    people, found = judges["judge"], list[Figure]()
    for (name, title), published in AGREEMENT.items():
        parts = [
            [v for v in judges[name] if {v.a, v.b}.isdisjoint(UNSEEN) in which] for which in ((True, False), (True,), (False,))
        ]
        shares = [agreements(people, part, Resampling(resamples=100)) for part in parts]
        for ties, values in published.items():
            both, seen, unseen = (100 * share[AGREED[ties]]["agree"]["value"] for share in shares)
            found += [
                figure(f"agreement of {title} with people, {ties}, {part}", value, "judge.png", own, 2)
                for part, value, own in zip(PARTS, values, (both, seen, unseen, 2 * seen * unseen / (seen + unseen)), strict=True)
            ]
    return found


def _board(published: Sequence[Mapping[str, Any]], of: str, found: Sequence[Verdict], file: str) -> dict[str, Any]:
    """Win rates beside the page's: how many are the same, and the largest difference in percent."""
    figures: list[Figure] = []
    for ties, kind in WAYS.items():
        ours = {place.system: place.rate.value for place in _ranked(found, kind, 100).places}
        for row in published:
            name = row["info"]["name"].lower()
            if name in ours:
                value = float(row["validation"][of][ties].rstrip("%"))
                figures.append(figure(f"{row['info']['name']}, {ties}", value, "leaderboard_data.json", 100 * ours[name], 2))
    return {
        "verdicts": len(found), "from": file, "same": sum(one["same"] for one in figures), "of": len(figures),
        "largest difference": max(abs(one["difference"]) for one in figures),
        "mean difference": round(sum(abs(one["difference"]) for one in figures) / len(figures), 3), "figures": figures,
    }  # fmt: skip


def _ranked(found: Sequence[Verdict], ties: Ties, resamples: int) -> Ranking:
    """Systems by name in lower case, which the files do not agree on; intervals are over items."""
    lower = [Verdict(v.item, v.a.lower(), v.b.lower(), v.winner) for v in found]
    return rank(lower, [v.item for v in lower], ties, Resampling(resamples=resamples))
