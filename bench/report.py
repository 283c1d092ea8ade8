"""Write docs/benchmarks.md and docs/scale.md from bench/results/*.json; what has not been measured here is said to be missing.

python bench/report.py
"""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from covering import covered
from covering import least as least_covered
from covering import most as most_covered
from judging import worths
from quality import OURS, images_f1, lowest, margin, section
from readers import furthest, sections, slowest_keys
from recomputed import recomputed
from recomputed import same as same_as_published
from scale import page as scale_page
from searching import answers, errors, images, known, least, nearest, worse

from limner.recipes.provenance import code_hash

RESULTS, DOCS = Path(__file__).parent / "results", Path(__file__).parent.parent / "docs"

Row = tuple[str, str, Callable[[Any], float], str, float, bool]
"""What it is, the result's name, where the figure stands in it, how it is written, the target, whether more is better."""

ROWS: list[Row] = [
    ("extraction over selectolax's bare parse-and-walk", "stages", lambda r: r["a_second"]["extract_over_parse_and_walk"], "{:.2f}", 1 / 3, True),
    ("... with the walk compiled (`make compiled`)", "stages", lambda r: r.get("compiled", {}).get("extract_over_parse_and_walk"), "{:.2f}", 1 / 3, True),
    ("extraction over trafilatura (fast, with images)", "stages", lambda r: r["a_second"]["extract_over_trafilatura"], "{:.1f}", 10, True),
    ("whole build over datatrove 0.10, processor time", "build", lambda r: r["ratio_processor"], "{:.2f}", 3, True),
    ("streaming shuffled documents with images over WebDataset, warm", "streaming", lambda r: r["warm ratio"], "{:.2f}", 1.5, True),
    ("a document and its images by id over a plain Parquet row", "random_access", lambda r: r["ratio to plain, with images"], "{:.0f}", 20, True),
    ("MiB for each 10,000 more documents, all processes (target ours)", "memory", lambda r: r["mib_for_10000_more"]["all_processes_peak"], "{:.1f}", 16, False),
    ("Ray over the process runner, 2 workers", "ray_throughput", lambda r: r["ratio"], "{:.2f}", 0.7, True),
    ("corpora equal after kills, share", "reliability-kills", lambda r: r["equal"] / r["corpora"], "{:.2f}", 1, True),
    ("corpus equal after a lost Ray worker", "reliability-ray", lambda r: float(r["holds"]), "{:.0f}", 1, True),
    ("broken pages not accounted for", "reliability-broken", lambda r: r["unaccounted"], "{:.0f}", 0, False),
    ("WCXB dev, word F1, cross-validated over sites", "extraction-wcxb", lambda r: r["systems"][OURS]["f1"], "{:.3f}", 0.86, True),
    ("WCXB dev, word F1 cross-validated less trafilatura's, on the worst page type", "extraction-wcxb", margin, "{:+.3f}", 0, True),
    ("Sphinx pages, figures in their place, least of three sets", "extraction-sphinx", lambda r: lowest(r, "figure"), "{:.4f}", 0.98, True),
    ("Sphinx pages, captions with their figure, least of three sets", "extraction-sphinx", lambda r: lowest(r, "caption"), "{:.4f}", 0.97, True),
    ("Sphinx pages, headings, code blocks and tables, least of all", "extraction-sphinx", lambda r: lowest(r, "heading", "code", "table"), "{:.4f}", 0.97, True),
    ("images of the content, F1 over all images, cross-validated", "extraction-images-cv", images_f1, "{:.3f}", 0.9, True),
    ("PDF: pages a second over pdfium's own text and images", "pdf", lambda r: r["ratio"], "{:.2f}", 0.5, True),
    ("PDF: captions with their figures, F1, files that were not looked at", "pdf-accuracy", lambda r: r["systems"]["limner"]["scores"]["held out"]["pairing_f1"][0], "{:.3f}", 0.9, True),
    ("PDF: order of words, share, files that were not looked at", "pdf-accuracy", lambda r: r["systems"]["limner"]["scores"]["held out"]["word_order"][0], "{:.3f}", 0.95, True),
    ("video: times real time where key frames suffice, five minutes at 360p", "video", slowest_keys, "{:.0f}", 100, True),
    ("video: seconds from a frame to what is said beside it, at most", "video", furthest, "{:.1f}", 2, False),
    ("hostile PDFs, videos, archives: inputs and files not accounted for", "hostile", lambda r: r["unaccounted_inputs"] + r["files_without_a_word"], "{:.0f}", 0, False),
    ("known items: tasks where the fused ranking is significantly worse than the better one", "search-known", worse, "{:.0f}", 0, False),
    ("images by description: tasks where all together is significantly worse", "search-images", worse, "{:.0f}", 0, False),
    ("nearest of 100,000 vectors: recall@10, the lower of two sets", "search-vectors", lambda r: least(r, "limner recall"), "{:.4f}", 0.98, True),
    ("nearest of 100,000 vectors: questions a second over faiss's HNSW, the lower of two sets", "search-vectors", lambda r: least(r, "ratio", "median"), "{:.2f}", 0.9, True),
    ("first answer by exact sentences, s", "write", lambda r: r["extractive"]["first"], "{:.2f}", 2, False),
    ("first answer by SmolLM2-135M, 2 cores, s", "write", lambda r: r["model"]["first"], "{:.1f}", 30, False),
    ("server, 100 clients at once: answers that were errors", "serve", errors, "{:.0f}", 0, False),
    ("training over transformers in a plain loop on padded batches by length: tokens a second, the same class", "train", lambda r: r["training"]["same class"]["ratio"]["median"], "{:.2f}", 1.3, True),
    ("... limner's own decoder of that shape", "train", lambda r: r["training"]["limner's decoder"]["ratio"]["median"], "{:.2f}", 1.3, True),
    ("share of a training step spent waiting for batches", "train", lambda r: r["loading"]["share"], "{:.3f}", 0.05, False),
    ("share of a batch that packing leaves empty", "train", lambda r: r["loading"]["waste"], "{:.4f}", 0.03, False),
    ("decoding over transformers' generate: new tokens a second, the lower of two models", "train", lambda r: min(d["ratio"]["median"] for d in r["decoding"].values()), "{:.2f}", 1, True),
    ("training runs killed 10 times with the log and the bytes of the run left alone, share", "resume", lambda r: sum(all(run.values()) for run in r["killed"]["runs"]) / len(r["killed"]["runs"]), "{:.2f}", 1, True),
    ("losses of 2 ranks (DDP, FSDP2) and of checkpoints taken up by others: apart from one process by at most", "resume", lambda r: r["ranks"]["most apart"], "{:.1e}", 1e-4, False),
    ("95 % intervals of means from 30 families on: least coverage", "evaluate-coverage", least_covered, "{:.3f}", 0.93, True),
    ("... and most", "evaluate-coverage", most_covered, "{:.3f}", 0.97, False),
    ("published figures recomputed from published outputs, share that is the same within rounding", "published", same_as_published, "{:.3f}", 1, True),
    ("evaluating 10,000 samples: MiB that the last tenth holds more than the first", "evaluate-many", lambda r: r["last tenth"] - r["first tenth"], "{:.1f}", 16, False),
    ("images of the content, F1 over all images, of the model that ships", "extraction-images", lambda r: r["systems"]["limner"]["micro_f1"], "{:.3f}", 0.9, True),
]  # fmt: skip


MODULES = {
    "stages": "limner.pipeline", "build": "limner.pipeline", "memory": "limner.pipeline", "ray_throughput": "limner.pipeline",
    "reliability-kills": "limner.pipeline", "reliability-ray": "limner.pipeline", "reliability-broken": "limner.pipeline",
    "streaming": "limner.corpus", "random_access": "limner.corpus", "compaction": "limner.corpus",
    "pdf": "limner.sources.pdf", "pdf-accuracy": "limner.sources.pdf", "video": "limner.sources.video", "hostile": "limner.sources.files",
    "search-known": "limner.search.searcher", "search-images": "limner.search.searcher", "search-vectors": "limner.search.vectors",
    "write": "limner.write.writing", "serve": "limner.serve.api", "evaluate-many": "limner.evaluate.runner",
    "train": "limner.train.method", "resume": "limner.train.method",
    "evaluate-coverage": "limner.evaluate.statistics.bootstrap", "published": "limner.evaluate.arena",
    "decide": "limner.curate.duplicates", "duplicate_images": "limner.curate.duplicate_images",
}  # fmt: skip
"""The module whose code, with all it imports, each benchmark puts into its result."""


@cache
def hash_now(name: str) -> str:
    """The hash that a benchmark would put into its result today."""
    if name.startswith("extraction-"):
        spec = importlib.util.spec_from_file_location("extraction_report", Path(__file__).parent / "extraction/report.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.code_hashes()["extractor"]
    return code_hash(MODULES[name])


def age(name: str, result: Any) -> str:
    """Whether the code that a result was measured with is the code that is here."""
    code = result.get("code") or result.get("systems", {}).get("limner", {}).get("version")
    if not code:
        return "not recorded"
    known = code.get("extractor", "") if isinstance(code, dict) else code
    return "this" if known == hash_now(name) else "earlier"


def held(name: str) -> Any:
    """A result, or None where its benchmark has not been run here."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def caveat(name: str, result: Any) -> str:
    """Why a figure does not decide whether its target is met, or ""."""
    if name == "extraction-images":
        return "in-sample, the weights were fitted to the same labels"
    if name == "hostile" and result["files"] < 2_000:
        return f"{result['files']:,} files, 2,000 asked"
    if name == "serve" and result["seconds"] < 120:
        return f"{result['seconds']:.0f} s, 120 asked"
    if name == "reliability-broken" and result["pages"] < 20_000:
        return f"{result['pages']:,} pages, 20,000 asked"
    if name == "reliability-kills" and result["kills"] < 50:
        return f"{result['kills']} kills, 50 asked"
    if name == "ray_throughput" and (shortest := min(ray_seconds(result))) < 570:
        return f"runs of {shortest:.0f} s and more, 600 s asked"
    if name == "memory" and max(run["inputs"] for run in result["runs"]) < 80_000:
        return f"up to {max(run['inputs'] for run in result['runs']):,} inputs, 80,000 asked"
    return ""


def _steps(runs: list[dict[str, Any]]) -> str:
    """How the parent's peak grows from each size to the next, in MiB for 10,000 inputs."""
    return ", ".join(
        f"{10_000 * (b['parent_peak'] - a['parent_peak']) / (b['inputs'] - a['inputs']):.1f}" for a, b in pairwise(runs)
    )


def ray_seconds(result: Any) -> list[float]:
    """How long each run took, its start-up apart."""
    return [run["seconds"] for runs in result["runs"].values() for run in runs]


def conditions() -> list[str]:
    """What one must know of the figures, from the results themselves."""
    lines: list[str] = []
    if r := held("stages"):
        lines.append(
            f"- Extraction: {r['pages']:,} pages of sklearn-doc and gimp-help-en, one process, processor time, {r.get('rounds', 1)} rounds; trafilatura on every eighth page."
        )
    if held("extraction-wcxb"):
        lines.append(
            "- WCXB, cross-validated in five folds over sites (`bench/extraction/train_blocks.py WCXB --likely FILE`, then `wcxb.py --likely FILE`): "
            "the extraction that ships, with the weights and the calibration of folds that lack the page's site. The size of the network, how long it is "
            "trained and the rules that make lists and gaps whole were chosen on the same folds."
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
        lines.append(
            f"- Memory: {r['what']}; peaks at {sizes}. From one size to the next the parent's peak grows by {_steps(r['runs'])} MiB for 10,000 more."
        )
    if r := held("ray_throughput"):
        lines.append(
            f"- Ray: {r['what']}; runs of {min(ray_seconds(r)):.0f} to {max(ray_seconds(r)):.0f} s, the first commit to the last."
        )
    if r := held("reliability-broken"):
        lines.append(f"- Broken pages: {r['pages']:,} of them.")
    return lines


def benchmarks() -> str:
    """The page of figures."""
    lines = [
        "# Benchmarks", "", "Written by `bench/report.py` from `bench/results/`, which `make bench` fills. Ratios compare runs in turn on one machine. *Code* says whether "
        "a figure was measured with this code or with an earlier one (a hash over all modules that it depends on has changed since).",
        "", "| what | figure | target | met | code |", "|---|---|---|---|---|",
    ]  # fmt: skip
    machines: set[str] = set()
    for what, name, find, form, target, more in ROWS:
        sign = "≥" if more else "≤"
        shown = f"{sign} {target:.2g}" if target < 1 else f"{sign} {target:g}"
        result = held(name)
        if result is None:
            lines.append(f"| {what} | not measured | {shown} | | |")
            continue
        figure = find(result)
        if isinstance(result.get("machine"), str):
            machines.add(result["machine"])
        met = "yes" if (figure >= target if more else figure <= target) else "no"
        if short := caveat(name, result):
            met = f"not decided: {short}"
        lines.append(f"| {what} | {form.format(figure)} | {shown} | {met} | {age(name, result)} |")
    lines += [
        "",
        *conditions(),
        "",
        f"Machine: {'; '.join(sorted(machines))}.",
        *quality(),
        *read_otherwise(),
        *asking(),
        *same_images(),
    ]
    return "\n".join(lines) + "\n"


def quality() -> list[str]:
    """How good extraction is."""
    names = ("wcxb", "sphinx", "images", "images-cv")
    return section(*(held(f"extraction-{name}") for name in names))


def read_otherwise() -> list[str]:
    """How well PDFs, scans, videos and hostile files are read."""
    return sections(*(held(name) for name in ("pdf-accuracy", "pdf", "ocr", "video", "hostile")))


def asking() -> list[str]:
    """How well limner searches, writes and serves."""
    return [
        *known(held("search-known"), held("search-tune")),
        *images(held("search-images")),
        *nearest(held("search-vectors")),
        *answers(held("write"), held("serve")),
        *covered(held("evaluate-coverage")),
        *recomputed(held("published")),
        *worths(held("judges-planted")),
    ]


def same_images() -> list[str]:
    """What perceptual hashes join, by the setting of the operator; nothing where it has not been measured."""
    r = held("duplicate_images")
    if r is None:
        return []
    kinds = r["planted"]
    lines = [
        "", "## Images that count as the same", "",
        f"`bench/duplicate_images.py`: {r['images']:,} distinct images of at least 150 pixels of {', '.join(r['sets'])}. First, how many "
        f"copies planted of {next(iter(kinds.values()))['copies']} of them count as the same image, by the settings `distance` and `apart` of "
        "`duplicate-images`; then how many pairs of the real images are joined directly, and how many of these differ visibly: in more than "
        "0.2 % of their pixels, at one size. The last row holds the planted copies against that measure: what it says of recompressed ones is wrong, so "
        "that the column is an upper bound. These sets are hard: steps of one filter on one picture, translated labels, the same "
        "plot of other data. A watermark over a fiftieth of the picture is a difference as such labels are.",
        "", f"| setting | {' | '.join(kinds)} | real pairs joined | differ visibly |", f"|---|{'---:|' * (len(kinds) + 2)}",
    ]  # fmt: skip
    for setting, counts in r["real_pairs"].items():
        found = " | ".join(f"{100 * kind['found'][setting]:.0f} %" for kind in kinds.values())
        lines.append(f"| {setting} | {found} | {counts['pairs']:,} | {counts['differ_visibly']:,} |")
    visible = " | ".join(f"{100 * kind['differ_visibly']:.0f} %" for kind in kinds.values())
    lines.append(f"| *planted copies that differ visibly* | {visible} | | |")
    return lines


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
