"""PDFs to documents against pdfium's own text and images: pages a second, one core.

    python bench/pdf/speed.py            # the manuals of DataLab and of expEYES, SasView's tutorials (limner data get datalab expeyes-doc sasview)

The peer loads each page, takes its text and extracts every image (pypdfium2's `extract`), which is what limner cannot do without; limner
makes the document. Both in turn, on the same files, in this run. Writes bench/results/pdf.json; exits 1 where limner has less than half
of the pages a second.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import time
from pathlib import Path

import pypdfium2 as pdfium

from limner.corpus.probe import probe
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset
from limner.sources.pdf import extract

SETS = ("datalab", "expeyes-doc", "sasview")
RESULTS = Path(__file__).parents[1] / "results" / "pdf.json"
WANTED = 0.5


class Sink:
    """Looks at what is put, and forgets it."""

    def __init__(self) -> None:
        self.images = 0
        self.bytes = 0

    def put(self, data: bytes):
        """Counted."""
        self.images += 1
        self.bytes += len(data)
        return probe(data)


def by_pdfium(data: bytes) -> tuple[int, int]:
    """Pages and images of a file."""
    file = pdfium.PdfDocument(data)
    images = 0
    for number in range(len(file)):
        page = file[number]
        page.get_textpage().get_text_range()
        for thing in page.get_objects(filter=(pdfium.raw.FPDF_PAGEOBJ_IMAGE,), max_depth=1):
            images += 1
            try:
                thing.extract(io.BytesIO(), fb_format="png")
            except pdfium.PdfiumError:
                continue
        page.close()
    return len(file), images


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    files = sorted({path for name in SETS for path in dataset(name).data.rglob("*.pdf")})
    data = [path.read_bytes() for path in files]
    seconds: dict[str, list[float]] = {"limner": [], "pdfium": []}
    pages = images = 0
    sink = Sink()
    for _ in range(options.rounds):
        began = time.process_time()
        counted = [by_pdfium(each) for each in data]
        seconds["pdfium"].append(time.process_time() - began)
        pages, images = sum(p for p, _ in counted), sum(i for _, i in counted)
        sink = Sink()
        began = time.process_time()
        for path, each in zip(files, data, strict=True):
            extract(each, sink, name=path.name)
        seconds["limner"].append(time.process_time() - began)
    rate = {name: pages / statistics.median(found) for name, found in seconds.items()}
    result = {
        "files": len(files), "pages": pages, "images_pdfium": images, "images_limner": sink.images, "rounds": options.rounds,
        "pages_a_second": rate, "ratio": rate["limner"] / rate["pdfium"], "wanted": WANTED,
        "machine": machine(), "code": code_hash("limner.sources.pdf"), "data": {name: folder_hash(dataset(name).data) for name in SETS},
    }  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    sys.exit(result["ratio"] < WANTED)


if __name__ == "__main__":
    main()
