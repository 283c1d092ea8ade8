"""What other programs read on the labelled pages; run with an interpreter that has them (bench/peers/requirements.txt), never imported.

    python bench/pdf/peers.py NAME < JOBS.json > FOUND.json        # NAME: pdfplumber or pymupdf4llm

JOBS: [{"path": …, "pages": [1, 4, …]}]. FOUND: {"version": …, "files": [{"seconds": …, "pages": {"1": {"text": …, "figures": [[box, caption]]}}}]}.
pdfplumber takes 0.15 of a letter's size for a space, since by default (3 points) it runs the words of TeX's pages together; the rest is as it comes.
Neither pairs figures with captions. A picture of theirs is given the paragraph next to it that begins as a caption does.
"""

from __future__ import annotations

import json
import re
import sys
import time
from importlib.metadata import version

_LABEL = re.compile(r"[\s>*_#`]*(?:fig(?:ure|\.)|abb(?:ildung|\.))[\s*_`]*\d", re.IGNORECASE)
_REFERENCE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
NEAR = 60  # points


def pdfplumber_pages(path: str, pages: list[int]) -> dict[str, dict]:
    import pdfplumber

    out: dict[str, dict] = {}
    with pdfplumber.open(path) as pdf:
        for number in pages:
            page = pdf.pages[number - 1]
            figures = []
            for image in page.images:
                box = [image["x0"], image["top"], image["x1"], image["bottom"]]
                figures.append([box, _below(page, box)])
            out[str(number)] = {"text": page.extract_text(x_tolerance_ratio=0.15) or "", "figures": figures}
            page.close()
    return out


def _below(page, box: list[float]) -> str:
    """The lines under a picture, from one that begins as a caption up to the next gap."""
    top, bottom = max(box[3] - 2, 0), min(box[3] + 4 * NEAR, float(page.height))
    if bottom - top < 5:
        return ""
    lines = page.crop((0, top, page.width, bottom), strict=False).extract_text_lines(return_chars=False, x_tolerance_ratio=0.15)
    said: list[str] = []
    last = top
    for line in lines:
        if not said and (line["top"] - box[3] > NEAR or line["x1"] < box[0] or line["x0"] > box[2]):
            continue
        if not said and not _LABEL.match(line["text"]):
            continue
        if said and line["top"] - last > 0.8 * (line["bottom"] - line["top"]):
            break
        said.append(line["text"])
        last = line["bottom"]
    return " ".join(said)


def pymupdf4llm_pages(path: str, pages: list[int]) -> dict[str, dict]:
    import tempfile

    import pymupdf4llm

    with tempfile.TemporaryDirectory() as folder:
        chunks = pymupdf4llm.to_markdown(
            path, pages=[n - 1 for n in pages], page_chunks=True, write_images=True, image_path=folder, show_progress=False
        )
    out: dict[str, dict] = {}
    for number, chunk in zip(pages, chunks, strict=True):
        text = chunk["text"]
        boxes = [list(image["bbox"]) for image in chunk["images"]]
        # The references stand in the text in the order of reading; the boxes are listed by place. Paired by number, where there are as many.
        references = list(_REFERENCE.finditer(text))
        figures = []
        for at, box in enumerate(sorted(boxes, key=lambda b: (b[1], b[0]))):
            after = text[references[at].end() :] if at < len(references) else ""
            following = next((p for p in after.split("\n\n") if p.strip()), "")
            figures.append([box, following if _LABEL.match(following) else ""])
        out[str(number)] = {"text": _REFERENCE.sub("", text), "figures": figures}
    return out


READERS = {"pdfplumber": pdfplumber_pages, "pymupdf4llm": pymupdf4llm_pages}


def main() -> None:
    """Read, time, write."""
    name = sys.argv[1]
    out, answers = sys.stdout, []
    sys.stdout = sys.stderr
    for job in json.load(sys.stdin):
        began = time.process_time()
        pages = READERS[name](job["path"], job["pages"])
        answers.append({"seconds": time.process_time() - began, "pages": pages})
    json.dump({"version": version(name), "files": answers}, out)


if __name__ == "__main__":
    main()
