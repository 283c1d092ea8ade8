"""Sheets of pages to look at, two side by side under a grid in points, for writing bench/pdf/labels.json by hand.

    python bench/pdf/label_pages.py FILE.pdf --pages 3,7,12 --out FOLDER
    python bench/pdf/label_pages.py FILE.pdf --captions --out FOLDER    # the pages on which a line begins with "Figure 3" or the like

A number at the edge is that of its line: points from the left, or from the top. Nothing of limner's reading is shown.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pypdfium2 as pdfium
from PIL import Image, ImageDraw

WIDTH = 780  # pixels of a page
STEP = 50  # points between the lines of the grid
_CAPTION = re.compile(r"(?m)^\s*(?:fig(?:ure|\.)|abb(?:ildung|\.)|figura)\s*\d", re.IGNORECASE)


def page_picture(file: pdfium.PdfDocument, number: int) -> Image.Image:
    """A page with its grid; `number` counts from 1."""
    page = file[number - 1]
    scale = WIDTH / page.get_size()[0]
    picture = page.render(scale=scale).to_pil().convert("RGB")
    draw = ImageDraw.Draw(picture, "RGBA")
    for at in range(0, int(picture.width / scale), STEP):
        draw.line([(at * scale, 0), (at * scale, picture.height)], fill=(255, 0, 0, 70))
        draw.text((at * scale + 1, 0), str(at), fill=(200, 0, 0))
    for at in range(STEP, int(picture.height / scale), STEP):
        draw.line([(0, at * scale), (picture.width, at * scale)], fill=(0, 0, 255, 70))
        draw.text((1, at * scale), str(at), fill=(0, 0, 200))
    draw.text((picture.width - 90, 0), f"PAGE {number}", fill=(200, 0, 0))
    return picture


def captioned(file: pdfium.PdfDocument) -> list[int]:
    """Pages, from 1, that seem to have a caption: a search in pdfium's text, to know where to look."""
    return [i + 1 for i in range(len(file)) if _CAPTION.search(file[i].get_textpage().get_text_range())]


def main() -> None:
    """Write the sheets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--pages", default="")
    parser.add_argument("--captions", action="store_true")
    parser.add_argument("--most", type=int, default=1_000)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    file = pdfium.PdfDocument(options.file)
    pages = captioned(file) if options.captions else [int(n) for n in options.pages.split(",") if n] or range(1, len(file) + 1)
    options.out.mkdir(parents=True, exist_ok=True)
    pages = list(pages)[: options.most]
    for at in range(0, len(pages), 2):
        pictures = [page_picture(file, number) for number in pages[at : at + 2]]
        sheet = Image.new("RGB", (sum(p.width for p in pictures), max(p.height for p in pictures)), "white")
        left = 0
        for picture in pictures:
            sheet.paste(picture, (left, 0))
            left += picture.width
        sheet.save(options.out / f"{options.file.stem}-{'-'.join(map(str, pages[at : at + 2]))}.png")


if __name__ == "__main__":
    main()
