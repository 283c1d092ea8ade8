"""PDFs against hand-checked labels: words in the order of reading, figures, figures with their captions; beside other programs.

    python bench/pdf/accuracy.py [--data FOLDER] [--peers PYTHON] [--half tune] [--only NAME] [--out FILE]

Labels: bench/pdf/labels.json (how they were made, it says). A figure is found where a box overlaps it by half (intersection over union); it is
paired where also its caption is the printed one to nine tenths (normalised similarity of letters and digits). Words: the longest common subsequence
with the page's words in the order of reading; what stands in figures, captions and boxes of authors counts neither way, what stands in running heads
counts against. Intervals: 95 %, bootstrap over files. PYTHON has the peers (bench/peers/requirements.txt; .venvs/bench by default).
docling's models lie on a model hub only; it is not measured where none can be reached. Writes bench/results/pdf-accuracy.json.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from labelled import LABELS, LabelledFile, labelled, tokens
from scores import ALIKE, OVERLAP, Found, PageScore, score, summary

from limner.document import Document, Image, Text
from limner.recipes.provenance import code_hash, machine
from limner.sources.pdf import extract

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench" / "results" / "pdf-accuracy.json"
PEERS = ("pdfplumber", "pymupdf4llm")
_LIKE = 4  # words by which the beginning or end of a page is found again in a paragraph that runs on


def by_limner(file: LabelledFile) -> tuple[dict[int, Found], float, int]:
    """What limner reads on the labelled pages of a file, the seconds for the whole of it, its pages."""
    data = file.path.read_bytes()
    began = time.process_time()
    document = extract(data, None, name=file.path.name)
    seconds = time.process_time() - began
    return (
        {page.number: found(document, page.number, page.words, page.end) for page in file.pages},
        seconds,
        int(document.meta["pages"]),
    )


def found(document: Document, number: int, words: tuple[str, ...], end: tuple[str, ...]) -> Found:
    """One page of a document. A paragraph that runs on from page to page is one part: it is cut where the page's words begin or end."""
    before = [p for p in document.texts if p.place.startswith(f"page:{number - 1} ") and p.role == "paragraph"]
    here = [p for p in document.parts if p.place.startswith(f"page:{number} ")]
    # A displayed formula is a picture with its glyphs as alt text: words of the page, and no figure.
    formulas = {p.n for p in here if isinstance(p, Image) and p.alt and not document.captions(p.n)}
    parts = [p for p in here if p.n in formulas or (isinstance(p, Text) and p.of is None)]
    text = [p.text if isinstance(p, Text) else p.alt for p in parts]
    if before and words:
        tail = next((t for p in reversed(before) if (t := _tail(p.text, words[:_LIKE]))), "")
        text = [tail, *text]
    if text and words:
        last = max((i for i, p in enumerate(parts) if isinstance(p, Text) and p.role == "paragraph"), default=None)
        if last is not None:
            at = last + (len(text) - len(parts))
            text[at] = _head(text[at], end)
    figures = []
    for image in document.images:
        if image.place.startswith(f"page:{number} box:") and image.n not in formulas:
            box = tuple(float(x) for x in image.place.partition("box:")[2].split(","))
            figures.append((box, " ".join(c.text for c in document.captions(image.n))))
    return Found("\n".join(text), figures)


def _tail(text: str, first: tuple[str, ...]) -> str:
    words = text.split()
    for at in range(len(words) - 1, 0, -1):
        if tokens(" ".join(words[at : at + len(first) + 3]))[: len(first)] == list(first):
            return " ".join(words[at:])
    return ""


def _head(text: str, last: tuple[str, ...]) -> str:
    words = text.split()
    if tokens(text)[-len(last) :] == list(last):
        return text
    for at in range(len(words) - 2, len(last), -1):
        if tokens(" ".join(words[max(at - len(last) - 3, 0) : at]))[-len(last) :] == list(last):
            return " ".join(words[:at])
    return text


def by_peer(name: str, python: Path, files: list[LabelledFile]) -> tuple[list[dict[int, Found]], list[float], str]:
    """The same of another program, on the labelled pages only."""
    jobs = [{"path": str(f.path), "pages": [p.number for p in f.pages]} for f in files]
    done = subprocess.run(
        [python, Path(__file__).parent / "peers.py", name], input=json.dumps(jobs), capture_output=True, text=True, check=True, timeout=3_000
    )  # fmt: skip
    answer = json.loads(done.stdout)
    pages = [
        {int(n): Found(p["text"], [(tuple(b), c) for b, c in p["figures"]]) for n, p in f["pages"].items()}
        for f in answer["files"]
    ]
    return pages, [f["seconds"] for f in answer["files"]], f"{name} {answer['version']}"


def scored(files: list[LabelledFile], pages: list[dict[int, Found]]) -> list[PageScore]:
    return [score(page, by_page[page.number]) for file, by_page in zip(files, pages, strict=True) for page in file.pages]


def groups(files: list[LabelledFile], scores: list[PageScore]) -> dict[str, dict[str, list[float]]]:
    half = {f.name: f.half for f in files}
    many = [page.columns > 1 for file in files for page in file.pages]
    chosen = {
        "all": scores,
        "tune": [s for s in scores if half[s.file] == "tune"],
        "held out": [s for s in scores if half[s.file] != "tune"],
        "columns": [s for s, columns in zip(scores, many, strict=True) if columns],
    }
    return {name: summary(some) for name, some in chosen.items() if some}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peers", type=Path, default=ROOT / ".venvs" / "bench" / "bin" / "python")
    parser.add_argument("--half", help="only the files of this half: nothing is written")
    parser.add_argument("--only", help="only this file, page by page: nothing is written")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    files, missing = labelled(options.data)
    files = [f for f in files if (options.half or f.half) == f.half and (options.only or f.name) == f.name]
    if missing:
        print("not here, and not measured:", *missing, sep="\n  ", file=sys.stderr)
    results: dict[str, dict] = {}
    read = [by_limner(file) for file in files]
    scores = scored(files, [pages for pages, _, _ in read])
    results["limner"] = {
        "version": code_hash("limner.sources.pdf"), "scores": groups(files, scores),
        "pages_a_second": round(sum(n for _, _, n in read) / sum(s for _, s, _ in read), 1),
    }  # fmt: skip
    if options.half or options.only:
        show(files, scores, results)
        return
    for name in PEERS if options.peers.exists() else ():
        pages, seconds, version = by_peer(name, options.peers, files)
        rate = sum(len(f.pages) for f in files) / sum(seconds)
        results[name] = {"version": version, "scores": groups(files, scored(files, pages)), "pages_a_second": round(rate, 1)}
    result = {
        "files": len(files), "missing": missing, "pages": sum(len(f.pages) for f in files),
        "pages_in_columns": sum(p.columns > 1 for f in files for p in f.pages), "pages_of_words": sum(bool(p.words) for f in files for p in f.pages),
        "figures": sum(s.figures for s in scores), "captioned": sum(s.captioned for s in scores),
        "overlap": OVERLAP, "alike": ALIKE, "interval": "95 %, bootstrap over files, 1,000 draws, seed 7",
        "speed": "limner: whole files, without pictures' bytes; the others: the labelled pages; CPU seconds, one core",
        "docling": "not measured: its models are on a model hub, which this machine does not reach",
        "systems": results, "machine": machine(), "labels": code_hash_of(LABELS), "data": {f.name: f.sha256[:16] for f in files},
    }  # fmt: skip
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    show(files, scores, results)


def code_hash_of(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def show(files: list[LabelledFile], scores: list[PageScore], results: dict[str, dict]) -> None:
    """A line a file (limner's), then a table a group."""
    for file in files:
        mine = [s for s in scores if s.file == file.name]
        words = sum(s.in_order for s in mine) / max(sum(s.words for s in mine), 1)
        print(
            f"{file.name:32} {file.half:9} recall {words:.3f}  precision {sum(s.in_order for s in mine) / max(sum(s.said for s in mine), 1):.3f}"
            f"  figures {sum(s.right for s in mine)}/{sum(s.figures for s in mine)} of {sum(s.proposed for s in mine)}"
            f"  paired {sum(s.paired for s in mine)}/{sum(s.captioned for s in mine)} of {sum(s.claimed for s in mine)}"
        )
        if len(files) == 1:
            for page, s in zip(file.pages, mine, strict=True):
                print("  page", page.number, s)
    for name, system in results.items():
        print(f"\n{name} {system['version']}: {system['pages_a_second']} pages/s")
        for group, found_scores in system["scores"].items():
            print(
                f"  {group:9}",
                *(f"{m} {v[0]:.3f} [{v[1]:.3f},{v[2]:.3f}]" for m, v in found_scores.items() if m in SHOWN),
                sep="  ",
            )


SHOWN = ("word_order", "word_f1", "figure_f1", "pairing_f1")


if __name__ == "__main__":
    main()
