"""Main content on WCXB's development split, with the benchmark's own word-level F1.

    python bench/extraction/wcxb.py --data WCXB [--system NAME ...] [--likely FILE] [--predictions NAME=FILE ...] [--show N]
        [--json OUT]

WCXB (Foley 2026) takes the words of prediction and truth (`\\w+` in lower case), counts what they share as multisets, and
means precision, recall and F1 over pages. limner's shipped block classifier was trained on this split, so its direct
figure is in-sample. The cross-validated one is what counts: give what `train_blocks.py WCXB --likely FILE` wrote, and the
same extraction runs with the probabilities of networks that saw no page of the site. `--predictions` are texts from
elsewhere, {file_id: text}.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import report
from systems import TEXT_SYSTEMS, chosen, versions

SEED = 2026
DRAWS = 2_000
CROSS_VALIDATED = "limner, cross-validated"
IN_SAMPLE = "limner's direct figure is in-sample: its block classifier was trained on this split"

_WORDS = re.compile(r"\w+")


def word_scores(predicted: str, truth: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of the words of two texts, counted as multisets."""
    given, wanted = Counter(_WORDS.findall(predicted.lower())), Counter(_WORDS.findall(truth.lower()))
    if not wanted or not given:
        both = float(not wanted and not given)
        return both, both, both
    shared = sum((given & wanted).values())
    precision, recall = shared / given.total(), shared / wanted.total()
    return precision, recall, 2 * precision * recall / (precision + recall) if shared else 0.0


def interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean over pages."""
    rng = np.random.default_rng(SEED)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)


def summary(scores: list[tuple[float, float, float]]) -> dict[str, Any]:
    """Means over pages, with the interval of F1."""
    table = np.array(scores)
    precision, recall, f1 = (round(float(x), 4) for x in table.mean(axis=0))
    return {"pages": len(scores), "precision": precision, "recall": recall, "f1": f1, "f1_interval": interval(table[:, 2])}


def paired(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, Any]:
    """The mean difference of F1 over the same pages, with its bootstrap interval."""
    difference = np.array([ours[i] - theirs[i] for i in ours])
    return {"difference": round(float(difference.mean()), 4), "interval": interval(difference)}


def truths(data: Path) -> dict[str, tuple[str, str]]:
    """Page type and text of every page of the split."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted((data / "dev/ground-truth").glob("*.json")):
        page = json.loads(path.read_text("utf-8"))
        kind = page["_internal"]["page_type"]["primary"]
        found[path.stem] = ("collection" if kind == "category" else kind, page["ground_truth"].get("main_content") or "")
    if not found:
        raise SystemExit(f"{data}: no dev/ground-truth/*.json; give the folder of WCXB")
    return found


def run(system: Callable[[bytes], Any], data: Path, file_ids: list[str]) -> dict[str, str]:
    """The text a system finds on every page."""
    return {i: system(gzip.decompress((data / "dev/html" / f"{i}.html.gz").read_bytes())).text for i in file_ids}


def cross_validated(data: Path, file_ids: list[str], file: Path) -> dict[str, str]:
    """The text limner finds on every page with the probabilities in `file`."""
    from limner.sources.html import Limits
    from limner.sources.html.extract import content, document, parse
    from limner.sources.html.metadata import metadata

    texts: dict[str, str] = {}
    limits = Limits()
    with np.load(file, allow_pickle=False) as likely:
        for i in file_ids:
            page, tree = parse(gzip.decompress((data / "dev/html" / f"{i}.html.gz").read_bytes()), "", i, limits)
            blocks, kept = content(page, tree, limits, likely.get(i))
            texts[i] = document(blocks, kept, metadata(tree, ""), url="", name=i).text
    return texts


def elsewhere(file: Path, truth: dict[str, tuple[str, str]]) -> dict[str, str]:
    """The text of every page from a file."""
    found = json.loads(file.read_text("utf-8"))
    if missing := sorted(set(truth) - set(found)):
        raise SystemExit(f"{file}: {len(missing)} pages have no prediction, among them {missing[0]}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of WCXB")
    parser.add_argument("--system", action="append", help=f"one of {', '.join(TEXT_SYSTEMS)} (default: all)")
    parser.add_argument("--likely", type=Path, help=f"what train_blocks.py wrote: adds {CROSS_VALIDATED}")
    parser.add_argument("--predictions", action="append", default=[], metavar="NAME=FILE", help="texts from elsewhere, as JSON")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="list the N worst pages of each system")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the result, e.g. bench/results/extraction-wcxb.json")
    options = parser.parse_args()
    truth = truths(options.data)
    texts: dict[str, dict[str, str]] = {}
    if options.likely:
        texts[CROSS_VALIDATED] = cross_validated(options.data, list(truth), options.likely)
    texts |= {n: run(system, options.data, list(truth)) for n, system in chosen(options.system, TEXT_SYSTEMS).items()}
    for name, _, file in (p.partition("=") for p in options.predictions):
        texts[name] = elsewhere(Path(file), truth)
    pages = {n: {i: word_scores(found[i], text) for i, (_, text) in truth.items()} for n, found in texts.items()}
    results: dict[str, Any] = {}
    f1: dict[str, dict[str, float]] = {}
    for name, scores in pages.items():
        by_type: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for i, (kind, _) in truth.items():
            by_type[kind].append(scores[i])
        f1[name] = {i: s[2] for i, s in scores.items()}
        results[name] = summary(list(scores.values())) | {"types": {t: summary(s) for t, s in sorted(by_type.items())}}
        for i in sorted(f1[name], key=f1[name].__getitem__)[: options.show]:
            print(f"{name} {i} {truth[i][0]}: P {scores[i][0]:.3f} R {scores[i][1]:.3f} F1 {scores[i][2]:.3f}")
    first, *others = results
    against = {name: paired(f1[first], f1[name]) for name in others}
    kinds = sorted({kind for kind, _ in truth.values()})
    head = ["system", "P", "R", "F1", "95 %", *kinds]
    rows = [
        [
            n,
            r["precision"],
            r["recall"],
            r["f1"],
            "{:.3f}-{:.3f}".format(*r["f1_interval"]),
            *(r["types"][k]["f1"] for k in kinds),
        ]
        for n, r in results.items()
    ]
    print(report.table(head, rows))
    for name, r in against.items():
        low, high = r["interval"]
        print(f"{first} - {name}: {r['difference']:+.4f} ({low:+.4f} to {high:+.4f}, paired)")
    if "limner" in results:
        print(f"note: {IN_SAMPLE}")
    if options.json:
        files = [
            options.data / part / f"{i}{end}"
            for part, end in (("dev/html", ".html.gz"), ("dev/ground-truth", ".json"))
            for i in truth
        ]
        result = {
            "measure": "wcxb",
            "split": "dev",
            "note": IN_SAMPLE,
            "versions": versions(),
            "code": report.code_hashes("wcxb.py"),
        }
        result |= {"data": report.digest(files, options.data), "systems": results, f"{first} against": against}
        report.write(options.json, result)


if __name__ == "__main__":
    main()
