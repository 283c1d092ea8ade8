"""OCR against text that is known: character error rate and seconds a page, limner's reader beside tesseract.

    python bench/ocr/measure.py        # limner data get datalab sasview; the extra ocr; tesseract on PATH with eng and fra, or it is left out

Born-digital pages (drawn by chance, at least 800 letters of text each) are drawn at 150, 200 and 300 dots an inch; their text layer is what
should be read. A line of the layer is compared with the words that were read inside its box, so that neither the order of lines nor text
within pictures counts. Two pages of a scan are compared with what a person read (read_by_hand.json), each of their lines with the line that
is most like it. Both readers see the same pixels, on one thread. Error: edit distance over characters, both in NFKC, spaces as one.
Writes bench/results/ocr.json.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import random
import shutil
import subprocess
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from PIL import Image
from rapidfuzz.distance import Levenshtein

from limner.experts.ocr import DEFAULT, ocr
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset
from limner.sources.pdf.chars import lines
from limner.sources.pdf.layout import Frame
from limner.sources.pdf.scan import DPI

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "ocr.json"
DPIS = (150, 200, 300)
SCAN = "Fibre_Diffraction_Review_1994_3_25-29.pdf"
LETTERS = 800
SEED = 7


@dataclass(frozen=True)
class Word:
    """A word that was read: its text, the middle of its box in pixels, and its line."""

    text: str
    x: float
    y: float
    line: int


Reader = Callable[[Any, str], list[Word]]


def by_limner(pixels: Any, language: str) -> list[Word]:
    """limner's default, which reads all languages with one model."""
    found = ocr(DEFAULT).read([pixels])[0]
    return [
        Word(word, (x0 + x1) / 2, (line.box[1] + line.box[3]) / 2, number)
        for number, line in enumerate(found)
        for word, x0, x1 in line.words
    ]


def by_tesseract(pixels: Any, language: str) -> list[Word]:
    """tesseract, told the language."""
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    command = ["tesseract", "-", "-", "-l", language, "--psm", "3", "tsv"]
    done = subprocess.run(
        command, input=png.getvalue(), capture_output=True, check=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"}
    )
    words: list[Word] = []
    keys: dict[tuple[str, ...], int] = {}
    for row in csv.DictReader(io.StringIO(done.stdout.decode()), delimiter="\t", quoting=csv.QUOTE_NONE):
        if row["level"] == "5" and row["text"].strip():
            left, top, width, height = (int(row[k]) for k in ("left", "top", "width", "height"))
            number = keys.setdefault((row["block_num"], row["par_num"], row["line_num"]), len(keys))
            words.append(Word(row["text"], left + width / 2, top + height / 2, number))
    return words


def plain(text: str) -> str:
    """In NFKC, spaces as one."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def native(page: Any) -> list[Any]:
    """The lines of the text layer, in points."""
    left, bottom, right, top = page.get_cropbox()
    text_page = page.get_textpage()  # it must outlive what is asked of it
    return lines(text_page.raw, Frame(left, bottom, right - left, top - bottom, page.get_rotation() // 90))


def chosen(name: str, language: str, count: int, rng: random.Random) -> list[tuple[Path, int, str]]:
    """Pages drawn from the PDFs of a data set whose names say the language."""
    files = [
        path
        for path in sorted(dataset(name).data.rglob("*.pdf"))
        if path.name != SCAN and (name != "datalab" or ("_fr" in path.name) == (language == "fra"))
    ]
    pages = [(path, number) for path in files for number in range(len(pdfium.PdfDocument(path)))]
    rng.shuffle(pages)
    out: list[tuple[Path, int, str]] = []
    for path, number in pages:
        if sum(len(line.text) for line in native(pdfium.PdfDocument(path)[number])) >= LETTERS:
            out.append((path, number, language))
        if len(out) == count:
            break
    return out


def rate(found: Sequence[tuple[int, int]]) -> float:
    """Edits over characters."""
    return sum(edits for edits, _ in found) / sum(length for _, length in found)


def born_digital(pages: Sequence[tuple[Path, int, str]], readers: dict[str, Reader]) -> dict[str, Any]:
    """For each reader and resolution: the error rate and seconds a page."""
    out: dict[str, Any] = {name: {} for name in readers}
    for dpi in DPIS:
        counted: dict[str, list[tuple[int, int]]] = {name: [] for name in readers}
        seconds = dict.fromkeys(readers, 0.0)
        for path, number, language in pages:
            page = pdfium.PdfDocument(path)[number]
            pixels = np.asarray(page.render(scale=dpi / 72).to_pil().convert("RGB"))
            truth = [(line.box, plain(line.text)) for line in native(page)]
            for name, read in readers.items():
                began = time.perf_counter()
                words = read(pixels, language)
                seconds[name] += time.perf_counter() - began
                for box, text in truth:
                    inside = [
                        w for w in words if box.x0 - 2 <= w.x * 72 / dpi <= box.x1 + 2 and box.y0 <= w.y * 72 / dpi <= box.y1
                    ]
                    said = plain(" ".join(w.text for w in sorted(inside, key=lambda w: w.x)))
                    counted[name].append((Levenshtein.distance(text, said), len(text)))
        for name in readers:
            out[name][str(dpi)] = {"error": rate(counted[name]), "seconds_a_page": seconds[name] / len(pages)}
            print(dpi, name, out[name][str(dpi)], flush=True)
    return out


def scanned(readers: dict[str, Reader]) -> dict[str, Any]:
    """For each reader, the error rate on the pages that a person read."""
    truth: dict[str, list[str]] = json.loads((HERE / "read_by_hand.json").read_text("utf-8"))["pages"]
    path = next(dataset("sasview").data.rglob(SCAN))
    out: dict[str, Any] = {}
    for name, read in readers.items():
        counted: list[tuple[int, int]] = []
        for number, wanted in truth.items():
            pixels = np.asarray(pdfium.PdfDocument(path)[int(number)].render(scale=DPI / 72).to_pil().convert("RGB"))
            by_line: dict[int, list[Word]] = {}
            for word in read(pixels, "eng"):
                by_line.setdefault(word.line, []).append(word)
            said = [plain(" ".join(w.text for w in sorted(each, key=lambda w: w.x))) for each in by_line.values()]
            for line in map(plain, wanted):
                edits = min((Levenshtein.distance(line, each) for each in said), default=len(line))
                counted.append((min(edits, len(line)), len(line)))
        out[name] = {"error": rate(counted), "pages": len(truth), "characters": sum(length for _, length in counted)}
        print("scan", name, out[name], flush=True)
    return out


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pages", type=int, default=5, help="of each of three sets")
    options = parser.parse_args()
    readers: dict[str, Reader] = {"limner": by_limner}
    version = ""
    if shutil.which("tesseract"):
        readers["tesseract"] = by_tesseract
        version = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    rng = random.Random(SEED)
    sets = (("datalab", "eng"), ("datalab", "fra"), ("sasview", "eng"))
    pages = [page for name, language in sets for page in chosen(name, language, options.pages, rng)]
    ocr(DEFAULT).read([np.full((400, 400, 3), 255, np.uint8)])  # loaded, not measured
    result = {
        "reader": DEFAULT, "peer": version, "pages": len(pages), "seed": SEED,
        "born_digital": born_digital(pages, readers), "scan": scanned(readers), "machine": machine(),
        "code": code_hash("limner.experts.ocr"), "data": {n: folder_hash(dataset(n).data) for n in ("datalab", "sasview")},
    }  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
