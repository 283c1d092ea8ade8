"""Write docs/benchmarks.md and docs/scale.md from bench/results/*.json; what has not been measured here is said to be missing.

python bench/report.py
"""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from scale import page as scale_page

RESULTS, DOCS = Path(__file__).parent / "results", Path(__file__).parent.parent / "docs"

Row = tuple[str, str, Callable[[Any], float], str, float, bool]
"""What it is, the result's name, where the figure stands in it, how it is written, the target, whether more is better."""

ROWS: list[Row] = [
    ("extraction over selectolax's bare parse-and-walk", "stages", lambda r: r["a_second"]["extract_over_parse_and_walk"], "{:.2f}", 1 / 3, True),
    ("extraction over trafilatura (fast, with images)", "stages", lambda r: r["a_second"]["extract_over_trafilatura"], "{:.1f}", 10, True),
    ("whole build over datatrove 0.10, processor time", "build", lambda r: r["ratio_processor"], "{:.2f}", 3, True),
    ("streaming shuffled documents with images over WebDataset, warm", "streaming", lambda r: r["warm ratio"], "{:.2f}", 1.5, True),
    ("a document and its images by id over a plain Parquet row", "random_access", lambda r: r["ratio to plain, with images"], "{:.0f}", 20, True),
    ("MiB for each 10,000 more documents, all processes (target ours)", "memory", lambda r: r["mib_for_10000_more"]["all_processes_peak"], "{:.1f}", 16, False),
    ("Ray over the process runner, 2 workers", "ray_throughput", lambda r: r["ratio"], "{:.2f}", 0.7, True),
    ("corpora equal after kills, share", "reliability-kills", lambda r: r["equal"] / r["corpora"], "{:.2f}", 1, True),
    ("corpus equal after a lost Ray worker", "reliability-ray", lambda r: float(r["holds"]), "{:.0f}", 1, True),
    ("broken pages not accounted for", "reliability-broken", lambda r: r["unaccounted"], "{:.0f}", 0, False),
    ("WCXB dev, word F1, cross-validated over sites", "extraction-wcxb-cv", lambda r: r["all"], "{:.3f}", 0.86, True),
    ("WCXB dev, word F1, of the model that ships", "extraction-wcxb", lambda r: r["systems"]["limner"]["f1"], "{:.3f}", 0.86, True),
    ("images of the content, F1 over all images", "extraction-images", lambda r: r["systems"]["limner"]["micro_f1"], "{:.3f}", 0.9, True),
]  # fmt: skip


def held(name: str) -> Any:
    """A result, or None where its benchmark has not been run here."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def caveat(name: str, result: Any) -> str:
    """Why a figure does not decide whether its target is met, or ""."""
    if name == "extraction-wcxb":
        return "in-sample, the target is by cross-validation over sites"
    if name == "extraction-images":
        return "in-sample, the weights were fitted to the same labels"
    if name == "reliability-broken" and result["pages"] < 20_000:
        return f"{result['pages']:,} pages, 20,000 asked"
    if name == "reliability-kills" and result["kills"] < 50:
        return f"{result['kills']} kills, 50 asked"
    if name == "ray_throughput" and result["minutes_asked"] < 10:
        return f"runs of {result['minutes_asked']:g} minutes, 10 asked"
    if name == "memory" and max(run["inputs"] for run in result["runs"]) < 80_000:
        return f"up to {max(run['inputs'] for run in result['runs']):,} inputs, 80,000 asked"
    return ""


def conditions() -> list[str]:
    """What one must know of the figures, from the results themselves."""
    lines: list[str] = []
    if r := held("stages"):
        lines.append(
            f"- Extraction: {r['pages']:,} pages of sklearn-doc and gimp-help-en, one process, processor time, {r.get('rounds', 1)} rounds; trafilatura on every eighth page."
        )
    if r := held("extraction-wcxb-cv"):
        types = ", ".join(f"{name} {value:.3f}" for name, value in r.items() if name not in ("all", "pages"))
        lines.append(
            f"- WCXB, cross-validated in five folds over sites (`bench/extraction/train_blocks.py WCXB --cv`): {types}. The threshold and the "
            "smoothing were chosen on the same folds, single runs vary by about 0.01, and the walk has changed a little since this run."
        )
    if r := held("build"):
        lines.append(
            f"- Build: {r['pages']:,} pages; limner kept {r['limner_kept']['documents']:,} documents and stored {r['limner_kept']['stored']:,} images, "
            f"datatrove kept {r['datatrove_kept']['documents']:,} documents and no image; {len(r['limner']['wall'])} rounds in turn, one core; "
            f"by the clock the ratio was {r['ratio_wall']:.2f}."
        )
    if r := held("streaming"):
        lines.append(
            f"- Streaming: cold ratio {r['cold ratio']}, from an S3 server on the same machine {r['s3 on this machine documents/s']} documents/s."
        )
    if r := held("memory"):
        sizes = ", ".join(
            f"{run['inputs']:,} ({run['parent_peak']} MiB parent, {run['worker_peak']} MiB largest worker)" for run in r["runs"]
        )
        grows = r["mib_for_10000_more"]
        lines.append(
            f"- Memory: {r['what']}; peaks at {sizes}. The parent's {grows['parent_peak']} MiB for 10,000 more include what DuckDB takes "
            "of its budget before it spills, and mapped pages of the signature file, which the system can take back; how much of it is either was not measured apart."
        )
    if r := held("ray_throughput"):
        runs = r["runs"]["processes"] + r["runs"]["ray"]
        lines.append(
            f"- Ray: {r['what']}; runs of {min(x['seconds'] for x in runs):.0f} to {max(x['seconds'] for x in runs):.0f} s, "
            "the first commit to the last."
        )
    if r := held("reliability-broken"):
        lines.append(f"- Broken pages: {r['pages']:,} of them.")
    return lines


def benchmarks() -> str:
    """The page of figures."""
    lines = [
        "# Benchmarks", "", "Written by `bench/report.py` from `bench/results/`, which `make bench` fills. Ratios compare runs in turn on one machine.",
        "", "| what | figure | target | met |", "|---|---|---|---|",
    ]  # fmt: skip
    machines: set[str] = set()
    for what, name, find, form, target, more in ROWS:
        sign = "≥" if more else "≤"
        shown = f"{sign} {target:.2g}" if target < 1 else f"{sign} {target:g}"
        result = held(name)
        if result is None:
            lines.append(f"| {what} | not measured | {shown} | |")
            continue
        figure = find(result)
        if isinstance(result.get("machine"), str):
            machines.add(result["machine"])
        met = "yes" if (figure >= target if more else figure <= target) else "no"
        if short := caveat(name, result):
            met = f"not decided: {short}"
        lines.append(f"| {what} | {form.format(figure)} | {shown} | {met} |")
    lines += ["", *conditions(), "", f"Machine: {'; '.join(sorted(machines))}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write both pages."""
    (DOCS / "benchmarks.md").write_text(benchmarks(), "utf-8")
    needed = {name: held(name) for name in ("stages", "decide", "ray_throughput")}
    if missing := [name for name, result in needed.items() if result is None]:
        print(f"docs/scale.md is left as it is: no result of {', '.join(missing)}")
        return
    (DOCS / "scale.md").write_text(scale_page(needed["stages"], needed["decide"], needed["ray_throughput"]), "utf-8")


if __name__ == "__main__":
    main()
