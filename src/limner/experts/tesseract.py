"""Tesseract as a reader of text in pixels: `tesseract:LANG`, or `tesseract:LANG@MODE` with one of its modes of segmenting pages.

The program (Apache-2.0) is not a Python package: on Debian `apt-get install tesseract-ocr` brings it with English, `tesseract-ocr-deu` and the like
other languages; `LANG` may be several, as `eng+deu`. Mode 3, its own default, takes the image for a page; 11 looks for text anywhere in it.
Importing this module registers the scheme.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from itertools import groupby

from PIL import Image

from limner.corpus.pixels import Pixels
from limner.errors import ExpertError
from limner.experts.address import register
from limner.experts.ocr import Line, Ocr

_PROGRAM = "tesseract"
_PATIENCE = 60.0  # seconds an image
_LEAST_SIDE = 8
_PLACE = ("block_num", "par_num", "line_num")
_REST = re.compile(r"(?P<languages>\w+(?:\+\w+)*)(?:@(?P<mode>\d{1,2}))?")


def here() -> bool:
    """Whether the program is on this machine."""
    return shutil.which(_PROGRAM) is not None


class Tesseract:
    """One process an image, on one thread. Languages and mode are as the program names them."""

    def __init__(self, languages: str, mode: int) -> None:
        if not here():
            raise ExpertError("the program tesseract is not here: `apt-get install tesseract-ocr`, or another reader of text")
        known = _said(["--list-langs"], b"").split()
        missing = [language for language in languages.split("+") if language not in known]
        if missing:
            raise ExpertError(
                f"tesseract does not have the language {missing[0]!r} (on Debian tesseract-ocr-{missing[0].replace('_', '-')})"
            )
        self.languages, self.mode = languages, mode

    def read(self, images: Sequence[Pixels]) -> list[list[Line]]:
        """See `Ocr`. Raises `ExpertError` where the program fails, or takes more than a minute."""
        return [self._one(pixels) for pixels in images]

    def _one(self, pixels: Pixels) -> list[Line]:
        if min(pixels.shape[:2]) < _LEAST_SIDE:
            return []
        with io.BytesIO() as out:
            Image.fromarray(pixels).save(out, "PNG")
            table = _said(["stdin", "stdout", "-l", self.languages, "--psm", str(self.mode), "tsv"], out.getvalue())
        rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
        words = [row for row in rows if row["level"] == "5" and (row["text"] or "").strip()]
        lines = [_line(list(line)) for _, line in groupby(words, lambda row: tuple(row[name] for name in _PLACE))]
        return sorted(lines, key=lambda line: (line.box[1], line.box[0]))


def _line(words: Sequence[dict[str, str]]) -> Line:
    sides = [tuple(float(word[name]) for name in ("left", "top", "width", "height", "conf")) for word in words]
    box = (
        min(left for left, *_ in sides),
        min(top for _, top, *_ in sides),
        max(left + wide for left, _, wide, *_ in sides),
        max(top + high for _, top, _, high, _ in sides),
    )
    texts = [word["text"].strip() for word in words]
    placed = tuple((text, left, left + wide) for text, (left, _, wide, *_) in zip(texts, sides, strict=True))
    sure = sum(sure for *_, sure in sides) / len(sides) / 100
    return Line(" ".join(texts), box, min(max(sure, 0.0), 1.0), placed)


def _said(arguments: list[str], given: bytes) -> str:
    try:
        done = subprocess.run(
            [_PROGRAM, *arguments],
            input=given,
            capture_output=True,
            timeout=_PATIENCE,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
    except subprocess.TimeoutExpired:
        raise ExpertError(f"tesseract took more than {_PATIENCE:.0f} seconds for an image") from None
    except OSError as error:
        raise ExpertError(f"tesseract does not run: {error.strerror}") from None
    if done.returncode:
        raise ExpertError(f"tesseract failed: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}")
    return done.stdout.decode("utf-8", "replace")


@register("ocr", "tesseract")
def tesseract(rest: str) -> Ocr:
    """The port `ocr` at `tesseract:LANG` or `tesseract:LANG@MODE`. Raises `ExpertError` where the program or a language is not here."""
    found = _REST.fullmatch(rest)
    mode = int(found["mode"] or 3) if found else -1
    if found is None or not 1 <= mode <= 13 or mode == 2:
        raise ExpertError(f"'tesseract:{rest}' is not tesseract:LANG or tesseract:LANG@MODE, as in tesseract:eng+deu@11")
    return Tesseract(found["languages"], mode)
