"""The labelled pages: bench/pdf/labels.json, the files it speaks of, and the words of their pages in the order of reading.

The words and where they stand are the text layer's (pdfium's, one character at a time); the order is that of the boxes which were written
down by looking, from the top left inside of each. pdfium's own order is not used.
"""

from __future__ import annotations

import atexit
import ctypes
import gzip
import hashlib
import json
import re
import shutil
import tempfile
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from limner.packages.cachedir import data_folder

LABELS = Path(__file__).parent / "labels.json"
Box = tuple[float, float, float, float]
_LINK = re.compile(r"\]\([^)\s]*\)")
_CUT = re.compile(r"[\s|]+|<br\s*/?>")
_HYPHENS = "-\x02\ufffe\u00ad\u2010\u2011"


@dataclass(frozen=True)
class Figure:
    """A labelled figure; `also` is a second box that is as right."""

    box: Box
    caption: str
    also: Box | None = None


@dataclass(frozen=True)
class LabelledPage:
    """A page (from 1) with its figures, its words in order, and the words that are scored neither way."""

    file: str
    number: int
    columns: int
    figures: tuple[Figure, ...]
    words: tuple[str, ...]
    end: tuple[str, ...] = ()  # the last words before the notes
    free: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class LabelledFile:
    """A file that is here."""

    name: str
    half: str
    path: Path
    sha256: str
    pages: tuple[LabelledPage, ...]


def labelled(folder: Path | None = None) -> tuple[list[LabelledFile], list[str]]:
    """The labelled files that lie below a folder (limner's data folder by default), and the names of those that do not."""
    root = folder or data_folder()
    found: dict[str, list[Path]] = {}
    for path in root.rglob("*.pdf*"):
        if path.suffix in (".pdf", ".gz"):
            found.setdefault(path.name.removesuffix(".gz"), []).append(path)
    here: list[LabelledFile] = []
    missing: list[str] = []
    for entry in json.loads(LABELS.read_text())["files"]:
        candidates = found.get(Path(entry["path"]).name, [])
        unpacked = map(_unpacked, candidates)
        path = next((p for p in unpacked if hashlib.sha256(p.read_bytes()).hexdigest() == entry["sha256"]), None)
        if path is None:
            missing.append(f"{entry['name']} ({entry['package']})")
            continue
        pdf = pdfium.PdfDocument(path)
        pages = tuple(_page(pdf, entry["name"], page) for page in entry["pages"])
        here.append(LabelledFile(entry["name"], entry["half"], path, entry["sha256"], pages))
        pdf.close()
    return here, missing


def _unpacked(path: Path) -> Path:
    """A file as it is without gzip, in a folder that lasts as long as this program: Debian compresses what is long."""
    if path.suffix != ".gz":
        return path
    out = _unpacked_folder() / hashlib.sha256(str(path).encode()).hexdigest()[:16] / path.name.removesuffix(".gz")
    out.parent.mkdir(exist_ok=True)
    if not out.exists():
        out.write_bytes(gzip.decompress(path.read_bytes()))
    return out


@cache
def _unpacked_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="limner-pdf-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def tokens(text: str) -> list[str]:
    """Words by their letters and digits only, so that neither Markdown nor punctuation is counted.

    >>> tokens("**Fig. 3** | re-used [a](http://x)")
    ['fig', '3', 'reused', 'a']
    """
    text = _LINK.sub("]", unicodedata.normalize("NFKC", text)).lower()
    words = ("".join(c for c in word if c.isalnum()) for word in _CUT.split(text) if word)
    return [word for word in words if word]


def _page(pdf: pdfium.PdfDocument, name: str, entry: dict) -> LabelledPage:
    figures = tuple(Figure(tuple(f["box"]), f["caption"], tuple(f["also"]) if "also" in f else None) for f in entry["figures"])
    words = placed_words(pdf[entry["page"] - 1])
    out_of_flow = [tuple(f["box"]) for f in entry["figures"]] + [
        tuple(f["caption_box"]) for f in entry["figures"] if f["caption"]
    ]
    notes, ignored = entry.get("notes", []), entry.get("ignore", [])
    free: Counter[str] = Counter()
    flow: list[tuple[str, Box]] = []
    for word, box in words:
        if any(_inside(box, b) for b in (*out_of_flow, *ignored)):
            free.update(tokens(word))
        else:
            flow.append((word, box))
    text: list[str] = []
    end: tuple[str, ...] = ()
    for at, region in enumerate([*entry["read"], *notes]):
        others = [] if at >= len(entry["read"]) else notes
        text += _in_order([(w, b) for w, b in flow if _inside(b, region) and not any(_inside(b, n) for n in others)])
        if at < len(entry["read"]):
            end = tuple(tokens(" ".join(text[-10:])))[-4:]
    return LabelledPage(name, entry["page"], entry["columns"], figures, tuple(tokens(" ".join(text))), end, free)


def placed_words(page: pdfium.PdfPage) -> list[tuple[str, Box]]:
    """The words of a page with their boxes, from its top left corner as it is shown (pages that are not turned)."""
    _, height = page.get_size()
    left, bottom, _, _ = page.get_cropbox()
    text_page = page.get_textpage()
    sides = [ctypes.c_double() for _ in range(4)]
    out: list[tuple[str, Box]] = []
    word, box = "", (0.0, 0.0, 0.0, 0.0)
    for i in range(text_page.count_chars()):
        code = raw.FPDFText_GetUnicode(text_page, i)
        char = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " "
        if char.isspace() or raw.FPDFText_IsGenerated(text_page, i) == 1:
            if word:
                out.append((word, box))
            word = ""
            continue
        raw.FPDFText_GetCharBox(text_page, i, *sides)
        x0, x1, y0, y1 = (side.value for side in sides)
        here = (x0 - left, height - (y1 - bottom), x1 - left, height - (y0 - bottom))
        if word and (abs(here[0] - box[2]) > 20 or here[1] > box[3] + 2 or here[3] < box[1] - 2):
            out.append((word, box))
            word = ""
        box = (min(box[0], here[0]), min(box[1], here[1]), max(box[2], here[2]), max(box[3], here[3])) if word else here
        word += char
    if word:
        out.append((word, box))
    return out


def _inside(box: Box, region: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return region[0] <= x <= region[2] and region[1] <= y <= region[3]


def _in_order(words: list[tuple[str, Box]]) -> list[str]:
    """Words line by line; those divided at the end of a line put together, without their hyphen (tokens have none)."""
    lines: list[list[tuple[str, Box]]] = []
    for word, box in sorted(words, key=lambda w: (w[1][1] + w[1][3]) / 2):
        middle = (box[1] + box[3]) / 2
        line = next((x for x in lines[-3:] if _beside(x[0][1], box, middle)), None)
        if line is None:
            lines.append([(word, box)])
        else:
            line.append((word, box))
    out: list[str] = []
    for line in lines:
        found = [w for w, _ in sorted(line, key=lambda w: w[1][0])]
        if out and len(out[-1]) > 1 and out[-1][-1] in _HYPHENS and found[0][:1].islower():
            out[-1] += found.pop(0)
        out += found
    return out


def _beside(first: Box, box: Box, middle: float) -> bool:
    return first[1] - 2.5 <= middle <= first[3] + 2.5 and abs(middle - (first[1] + first[3]) / 2) < 6
