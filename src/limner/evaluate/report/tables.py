"""Samples of a run as CSV: a row a sample, a column a measure and judge."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from limner.evaluate.runner import addresses, stated
from limner.evaluate.samples import Samples

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def samples_csv(folder: Path) -> str:
    """All samples in the benchmark's order. Texts that a spreadsheet would take for a formula are quoted."""
    judges = addresses(stated(folder))
    samples = sorted(Samples(folder), key=lambda sample: sample.number)
    measures = sorted({name for s in samples for one in s.judged.values() for name in (*one.values, *one.failed)})
    categories = sorted({name for sample in samples for name in sample.categories})
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    heads = [f"{measure} ({judge})" if judge else measure for judge in judges for measure in measures]
    table.writerow(["id", "cluster", *categories, "error", "text", "images", *heads])
    for sample in samples:
        parts = [part for turn in sample.turns for part in turn]
        text = "\n".join(part["text"] for part in parts if "text" in part)
        scores: list[object] = []
        for judge in judges:
            one = sample.judged[judge]
            scores += [one.values.get(name, f"failed: {one.failed[name]}" if name in one.failed else "") for name in measures]
        own = [sample.id, sample.cluster, *(sample.categories.get(name, "") for name in categories), sample.error, text]
        table.writerow([*map(_plain, own), sum("image" in part for part in parts), *scores])
    return out.getvalue()


def _plain(text: str) -> str:
    """
    >>> _plain("=1+1")
    "'=1+1"
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
