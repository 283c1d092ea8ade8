"""Recompute figures that benchmarks' authors published, from the outputs that they published, with limner's readers and scorers.

    python bench/evaluate/published.py --data PATH

PATH holds the authors' repositories, each in a folder of its name; a part whose folder is absent is left out, and said to be:

    OpenING                       github.com/LanceZPF/OpenING: Interleaved_Arena
    opening-benchmark.github.io   github.com/opening-benchmark/opening-benchmark.github.io: leaderboard_data.json
    MMDocRAG                      github.com/MMDocRAG/MMDocRAG: response/evaluation
    geneval                       github.com/djghosh13/geneval: annotations, prompts, README.md
    MMLongBench-Doc               github.com/mayubo2333/MMLongBench-Doc: data/samples.json, eval/eval_score.py
    WISE                          github.com/PKU-YuanGroup/WISE: leadboard.md

The result (bench/results/published.json) has for each figure what was published, where, what limner comes to, and the difference; and the sha256 of
every file that was read. Nothing of the authors' data is in this repository.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import arena
import theirs
from figures import Figure, figure

from limner.evaluate.benchmarks import genevalvotes, wise
from limner.evaluate.benchmarks.files import Row, digest, markdown_table, opened
from limner.evaluate.benchmarks.mmdocragjudged import average, judged
from limner.recipes.provenance import code_hash

RESULTS = Path(__file__).parent.parent / "results" / "published.json"


def mmdocrag(root: Path) -> tuple[dict[str, Any], list[Path]]:
    """Averages of the judged answers."""
    files = sorted((root / "response" / "evaluation").glob("*_llm-judge.jsonl"))
    read = {file.name.removesuffix("_llm-judge.jsonl"): judged(file) for file in files}
    exact = {name: average(answers, as_published=True)["Avg"] for name, answers in read.items()}
    meant = {name: average(answers, as_published=False)["Avg"] for name, answers in read.items()}
    twenty = sorted((name for name in read if name.endswith("quotes20")), key=lambda name: -exact[name])
    furthest = max(read, key=lambda name: abs(meant[name] - exact[name]))
    best, page = "gpt-4.1_multimodal_quotes20", "project page (index.html of the repository)"
    return {
        "figures": [
            figure("answer quality of GPT-4.1, multimodal, 20 quotes", 4.14, page, exact[best], 2),
            figure("its rank among all with 20 quotes", 1, f"{page}: the highest", twenty.index(best) + 1, 0),
        ],
        "of names": {
            "files": len(files), "answers": sum(map(len, read.values())),
            "answers with a grade under another name or none": sum(len(one.exact) < 5 for answers in read.values() for one in answers),
            "of these, still without a grade once names are read as meant": sum(not one.whole for answers in read.values() for one in answers),
            "largest change of an average by it": [furthest, round(meant[furthest] - exact[furthest], 4)],
            "first ten with 20 quotes, as published": [[name, round(exact[name], 3)] for name in twenty[:10]],
            "first ten with 20 quotes, as meant": [[name, round(meant[name], 3)] for name in sorted(twenty, key=lambda name: -meant[name])[:10]],
        },
        "not recomputed": "quote F1, BLEU and ROUGE-L: dataset/evaluation_20.jsonl, with the gold quotes and answers, could not be had here",
    }, files  # fmt: skip


def geneval(root: Path) -> tuple[dict[str, Any], list[Path]]:
    """Votes of people, and the table of the readme."""
    prompts = root / "prompts" / "evaluation_metadata.jsonl"
    asked = genevalvotes.prompts(prompts)
    files = sorted((root / "annotations").glob("annotations_*.csv"))
    votes = {file.stem.removeprefix("annotations_"): genevalvotes.votes(file) for file in files}
    every = [vote for name, found in votes.items() for vote in _apart(name, found)]
    agreement = genevalvotes.pairwise_agreement(every, asked)
    tasks = ("Single object", "Two object", "Counting", "Colors", "Position", "Color attribution")
    table = markdown_table(opened(root, "geneval"), "README.md", "Model", "Overall", *tasks)
    source = "the paper (arXiv 2310.11513) as it is commonly quoted; its text could not be had here to check"
    return {
        "figures": [
            figure("agreement of two people on whether an image is right, all pairs", 0.88, source, agreement["all"], 2),
            *(_overall(row, [row.number(task) for task in tasks]) for row in table),
        ],
        "votes": len(every), "images": len(genevalvotes.by_image(every, asked)),
        "agreement by task": {name: round(value, 4) for name, value in agreement.items()},
        "images of which all five say the same": round(genevalvotes.unanimous(every, asked), 4),
        "right by most people": {name: {k: round(v, 4) for k, v in genevalvotes.shares(found, asked).items()} for name, found in votes.items()},
        "not recomputed": "GenEval's agreement with people: what its detector said of each image is not published with the votes",
    }, [*files, prompts, root / "README.md"]  # fmt: skip


def _overall(row: Row, tasks: Sequence[float]) -> Figure:
    """A system's score in all, from its scores by task, which are rounded to two places."""
    return figure(
        f"overall of {row.text('Model')}: mean of six tasks", row.number("Overall"), "README.md", sum(tasks) / 6, 2, 0.005
    )


def _apart(name: str, found: Sequence[genevalvotes.Vote]) -> list[genevalvotes.Vote]:
    """Votes whose images are told apart from those of other systems."""
    return [genevalvotes.Vote(f"{name}/{v.image}", v.prompt, v.counts, v.colours, v.places, v.fits) for v in found]


def mmlongbenchdoc(root: Path) -> tuple[dict[str, Any], list[Path]]:
    """The scorer against the authors'."""
    found = theirs.compared(root)
    return {
        "figures": [figure("answers scored as by the authors' script, of those it scores", 1.0, theirs.SCRIPT,
                           found["scored the same"] / (found["answers"] - found["their script stops at"]), 6)],
        "scorer": found,
        "not recomputed": "scores of models: no outputs are published with the repository",
    }, [root / theirs.SCRIPT, root / theirs.SAMPLES]  # fmt: skip


def wise_board(root: Path) -> tuple[dict[str, Any], list[Path]]:
    """The scores in all from those by category."""
    board = wise.leaderboard(root / "leadboard.md")
    found = {name: wise.overall(scores, wise.UPDATED) or 0.0 for name, scores in board.items()}
    # One system's scores by category stand with two places.
    slack = {
        name: 0.005 if all(round(value, 2) == value for value in scores.values()) else 0.00005 for name, scores in board.items()
    }
    return {
        "figures": [
            figure(f"WISE_Verified overall of {name}", board[name]["overall"], "leadboard.md", value, 4, slack[name])
            for name, value in found.items()
        ],
        "not recomputed": "scores by category: grades of single images are not published",
    }, [root / "leadboard.md"]  # fmt: skip


PARTS: dict[str, tuple[str, Callable[[Path], tuple[dict[str, Any], list[Path]]]]] = {
    "OpenING": ("OpenING", arena.opening),
    "MMDocRAG": ("MMDocRAG", mmdocrag),
    "GenEval": ("geneval", geneval),
    "MMLongBench-Doc": ("MMLongBench-Doc", mmlongbenchdoc),
    "WISE": ("WISE", wise_board),
}


def recomputed(data: Path, parts: Sequence[str] = tuple(PARTS)) -> dict[str, Any]:
    """The result of the parts whose files are there."""
    result: dict[str, Any] = {}
    for name in parts:
        folder, compute = PARTS[name]
        if not (data / folder).is_dir():
            result[name] = {"absent": f"{folder} is not in --data"}
            continue
        found, files = compute(data / folder)
        figures = found["figures"]
        result[name] = {
            "same": sum(one["same"] for one in figures), "within rounding": sum(one["within rounding"] for one in figures), "of": len(figures),
            "largest difference": max((abs(one["difference"]) for one in figures), default=0),
            **found,
            "files": {str(file.relative_to(data)): digest(file) for file in files},
        }  # fmt: skip
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the authors' repositories")
    result = recomputed(parser.parse_args().data)
    told = result | {"code": code_hash("limner.evaluate.arena")}
    RESULTS.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for name, found in result.items():
        print(
            f"{name}: {found.get('absent') or '{same} of {of} figures the same, largest difference {}'.format(found['largest difference'], **found)}"
        )


if __name__ == "__main__":
    main()
