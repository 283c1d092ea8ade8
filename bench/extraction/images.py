"""Content images on 100 pages of WCXB's development split, against labels made by looking (README.md, image_labels.json).

    python bench/extraction/images.py --data WCXB [--system NAME ...] [--show N] [--json OUT]

An image an extractor gives is right where its address is one of a content image, wrong where it is one of another image
or of none, and left out where the label is doubtful or it is a data URI. Micro figures count images over all pages;
macro figures are means over pages, where a page without content images has F1 1 if none is given, else 0.
limner's choice of images is fitted to these labels and its choice of text to these pages: its figure here is in-sample,
and train_images.py prints the cross-validated one.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import report
from label_pages import LABELS, absolute, base_of
from systems import SYSTEMS, chosen, versions

IN_SAMPLE = "limner's direct figure is in-sample: train_images.py fits it to these labels and prints the cross-validated one"


@dataclass(frozen=True)
class Counts:
    """Of one page: content images found, missed, and images wrongly given (`given` are their addresses)."""

    found: int
    missed: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def scores(self) -> tuple[float, float, float]:
        """Precision, recall, F1; all 1 where nothing was to be found and nothing was given."""
        return ratios(self.found, len(self.wrong), len(self.missed))


def ratios(found: int, wrong: int, missed: int) -> tuple[float, float, float]:
    """Precision, recall and F1 of counts; an empty question is answered rightly by an empty answer."""
    precision = found / (found + wrong) if found + wrong else float(missed == 0)
    recall = found / (found + missed) if found + missed else float(wrong == 0)
    return precision, recall, 2 * found / (2 * found + wrong + missed) if found + wrong + missed else 1.0


def compare(given: list[str], label: dict[str, Any]) -> Counts:
    """The addresses an extractor gave (absolute, "" for data URIs) against a page's label."""
    known: dict[str, tuple[str, int]] = {}
    # A picture that is content somewhere on the page is content, wherever else it stands.
    for kind in ("other", "doubtful", "content"):
        for number, urls in enumerate(label[kind]):
            known |= {_key(url): (kind, number) for url in urls}
    hits: set[int] = set()
    wrong: dict[object, str] = {}
    for url in filter(None, given):
        kind, number = known.get(_key(url), ("unknown", url))
        if kind == "content" and isinstance(number, int):
            hits.add(number)
        elif kind != "doubtful":
            wrong[kind, number] = url
    missed = tuple(urls[0] for n, urls in enumerate(label["content"]) if n not in hits)
    return Counts(len(hits), missed, tuple(wrong.values()))


def _key(url: str) -> str:
    # `//host/a.png` is read as http or https: both are the same picture.
    return url.partition(":")[2] if url.startswith(("http://", "https://")) else url


def summary(pages: list[Counts]) -> dict[str, float | int]:
    """Micro and macro figures of pages."""
    found, wrong, missed = (sum(x) for x in zip(*((c.found, len(c.wrong), len(c.missed)) for c in pages), strict=True))
    micro = ratios(found, wrong, missed)
    macro = [sum(s) / len(pages) for s in zip(*(c.scores for c in pages), strict=True)]
    names = ("precision", "recall", "f1")
    out: dict[str, float | int] = {"pages": len(pages), "found": found, "wrong": wrong, "missed": missed}
    out |= {f"micro_{n}": round(v, 4) for n, v in zip(names, micro, strict=True)}
    return out | {f"macro_{n}": round(v, 4) for n, v in zip(names, macro, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of WCXB")
    parser.add_argument("--system", action="append", help=f"one of {', '.join(n for n in SYSTEMS if n != 'resiliparse')}")
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="list the first N wrong and missed images of each system"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the result, e.g. bench/results/extraction-images.json")
    options = parser.parse_args()
    labels = json.loads(LABELS.read_text("utf-8"))
    systems = chosen(options.system, {n: s for n, s in SYSTEMS.items() if n != "resiliparse"})
    pages: dict[str, dict[str, Counts]] = {name: {} for name in systems}
    files = [options.data / "dev/html" / f"{file_id}.html.gz" for file_id in labels]
    for file_id, path in zip(labels, files, strict=True):
        html = gzip.decompress(path.read_bytes())
        truth = json.loads((options.data / "dev/ground-truth" / f"{file_id}.json").read_text("utf-8"))
        base = base_of(html.decode("utf-8", "replace"), truth["url"])
        for name, system in systems.items():
            given = [absolute(item.url, base) for item in system(html).items if item.kind == "figure"]
            pages[name][file_id] = compare(given, labels[file_id])
    results: dict[str, Any] = {}
    for name, by_page in pages.items():
        by_type: dict[str, list[Counts]] = defaultdict(list)
        for file_id, counts in by_page.items():
            by_type[labels[file_id]["type"]].append(counts)
        results[name] = summary(list(by_page.values())) | {"types": {t: summary(c) for t, c in sorted(by_type.items())}}
        lines = [
            f"{i} {kind}: {u}" for i, c in by_page.items() for kind, us in (("wrong", c.wrong), ("missed", c.missed)) for u in us
        ]
        if options.show:
            print(f"{name}:", *lines[: options.show], sep="\n  ")
    head = ["system", "type", "P", "R", "F1", "macro P", "macro R", "macro F1", "found", "wrong", "missed"]
    keys = [
        "micro_precision",
        "micro_recall",
        "micro_f1",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "found",
        "wrong",
        "missed",
    ]
    rows = [[n, t, *(r[k] for k in keys)] for n, all_ in results.items() for t, r in [("all", all_), *all_["types"].items()]]
    print(report.table(head, rows))
    if "limner" in results:
        print(f"note: {IN_SAMPLE}")
    if options.json:
        code = report.code_hashes("images.py", "label_pages.py", "image_labels.json")
        data = report.digest(files, options.data)
        report.write(
            options.json,
            {"measure": "images", "note": IN_SAMPLE, "versions": versions(), "code": code, "data": data, "systems": results},
        )


if __name__ == "__main__":
    main()
