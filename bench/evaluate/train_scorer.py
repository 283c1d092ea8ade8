"""Train `bundled:trained` on passages with planted defects: src/limner/evaluate/judges/trained.json.

    python bench/evaluate/train_scorer.py [--folder CORPORA] [--most 50]

On documentation that may be built upon freely (BSD, Apache-2.0) and that its worth is not measured on. How strongly weights are held small and how
much pairs count is chosen by leaving out one set after the other. The joint encoder was trained on captions of the same three sets, so its
measures look better here than they are elsewhere; bench/evaluate/planted.py says how the scorer does on sets that neither has seen.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from corpora import built

from limner.evaluate.judges import coherent, defects, layout, passages, structural, trained, training
from limner.evaluate.judges.defects import DEFECTS, planted
from limner.evaluate.judges.worth.detection import detection
from limner.recipes.provenance import data_hashes

SETS = ("sklearn-doc", "opencv-doc", "skimage-doc")
SEEDS = (1,)
"""Of the defects planted, none of which planted.py plants."""


def measured_by() -> str:
    """A hash of the code that measures and plants."""
    modules = (structural, coherent, layout, defects, passages)
    return hashlib.sha256(b"".join(Path(str(module.__file__)).read_bytes() for module in modules)).hexdigest()[:16]


def rows(name: str, folder: Path, most: int) -> dict[str, Any]:
    """The measures of passages of a set and of each of their defects; kept in the folder."""
    file = folder / f"{name}-{most}-measures.json"
    if file.is_file() and (kept := json.loads(file.read_text("utf-8")))["code"] == measured_by():
        return kept
    corpus = built(name, folder)
    taken = list(islice(passages.passages(corpus, corpus.media), most))
    coherence = coherent.Coherence()
    found: dict[str, Any] = {"clean": [], "worse": [], "of": [], "defect": [], "code": measured_by()}

    def row(case: Any) -> list[float]:
        return trained.row({**structural.measures(case), **coherence.measures(case)})

    for number, each in enumerate(taken):
        found["clean"].append(row(each.case()))
        for defect, seed in itertools.product(DEFECTS, SEEDS):
            if worse := planted(each, taken, defect, seed):
                found["worse"].append(row(worse.case()))
                found["of"].append(number)
                found["defect"].append(defect)
        print(name, number, flush=True)
    file.write_text(json.dumps(found), "utf-8")
    return found


def measured(held: dict[str, Any]) -> training.Measured:
    """A set as what is fitted."""
    clean, worse = (np.array(held[name], float) for name in ("clean", "worse"))
    return training.Measured(clean, worse, tuple(held["of"]), tuple(DEFECTS[d][0] for d in held["defect"]))


def scored(scorer: trained.Scorer, held: dict[str, Any]) -> float:
    """The mean AUC over defects on a set that was left out."""
    clean = scorer.logits(np.array(held["clean"], float), "whole")
    worse = scorer.logits(np.array(held["worse"], float), "whole")
    found = []
    for defect in DEFECTS:
        at = [i for i, d in enumerate(held["defect"]) if d == defect]
        if at:
            of = [held["of"][i] for i in at]
            found.append(detection(clean[of], worse[at], resamples=0).auc)
    return float(np.mean(found))


def main() -> None:
    """Measure, choose, fit, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, help="where corpora and measures are kept")
    parser.add_argument("--most", type=int, default=50, help="passages of a set")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        sets = [rows(name, folder, given.most) for name in SETS]
    every = [measured(held) for held in sets]
    choice = training.chosen(every, lambda scorer, number: scored(scorer, sets[number]))
    scorer = training.fitted(every, choice.penalty, choice.pairs)
    made = {
        "sets": data_hashes(SETS), "passages": {n: len(s["clean"]) for n, s in zip(SETS, sets, strict=True)},
        "defects": sum(len(s["worse"]) for s in sets), "penalty": choice.penalty, "pairs": choice.pairs, "left_out_auc": round(choice.left_out, 4),
    }  # fmt: skip
    trained.save(scorer, trained.WEIGHTS, made)
    print(json.dumps(made))


if __name__ == "__main__":
    main()
