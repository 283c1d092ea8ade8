"""What is seen of a page: the figures that it has, or pictures of it as a browser shows it.

A screenshot is of the document as limner holds it, written as HTML of its own: the page's scripts and styles are long gone, its pictures are in
it, and nothing is asked of any network. As in MMSearch (arXiv 2409.12959) a page has a picture of its top, and one of all of it that has lost its
blank rows and is cut into slices.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from markupsafe import Markup
from PIL import Image as Picture

from limner.corpus.pixels import Pixels, decode, thumbnail
from limner.document import Document, Image, Part
from limner.document.render import html
from limner.errors import LimnerError, MediaError
from limner.search import Search
from limner.write.render import data_address

_SIDE = 512  # of a figure
_SECONDS = 60.0
_KEPT = 64  # screenshots, as PNG
_BLANK = 15  # rows in a run that say nothing; as many stay
_PAGE = (
    '<!doctype html>\n<html lang="{}"><head><meta charset="utf-8">\n'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
    "<title>{}</title><style>body {{ margin: 1rem auto; max-width: 44rem; }}</style></head>\n<body>{}</body></html>\n"
)


class Figures:
    """The first `most` stored figures of a page, as PNG; no browser is asked. Its top is the first."""

    def __init__(self, search: Search, most: int = 4) -> None:
        self._search, self._most = search, most

    def top(self, document: Document) -> tuple[bytes, ...]:
        """See `limner.write.engine.Views`."""
        return self._of(document, 1)

    def whole(self, document: Document) -> tuple[bytes, ...]:
        """See `limner.write.engine.Views`."""
        return self._of(document, self._most)

    def _of(self, document: Document, most: int) -> tuple[bytes, ...]:
        found: list[bytes] = []
        for ref in dict.fromkeys(image.ref for image in document.images if image.ref):
            data = self._search.media(ref)
            if data is None or len(found) == most:
                continue
            try:
                found.append(_png(thumbnail(data, _SIDE)))
            except MediaError:
                continue  # one that does not decode costs itself
        return tuple(found)


class Screenshots:
    """Pages as Chromium shows them, `width` pixels wide: `top` is `height` of them high, `whole` at most `slices` of `slice` rows each.

    `browser` is the program, by default `$LIMNER_CHROMIUM` or the one that is installed. Raises `LimnerError` where there is none, and `MediaError`
    for a page that it does not show within a minute.
    """

    def __init__(
        self, search: Search, browser: str = "", *, width: int = 1024, height: int = 768, slice: int = 512, slices: int = 10
    ) -> None:
        names = ("chromium", "chromium-browser", "google-chrome")
        found = browser or os.environ.get("LIMNER_CHROMIUM", "") or next(filter(None, map(shutil.which, names)), "")
        if not found or not shutil.which(found):
            raise LimnerError(
                f"there is no Chromium{f' at {found}' if found else ''}; install one, or name it in LIMNER_CHROMIUM"
            )
        self._search, self._browser = search, found
        self._width, self._height, self._slice, self._slices = width, height, slice, slices
        self._shown = lru_cache(_KEPT)(self._shot)

    def top(self, document: Document) -> tuple[bytes, ...]:
        """See `limner.write.engine.Views`."""
        return (_png(decode(self._shown(document.id))[: self._height]),)

    def whole(self, document: Document) -> tuple[bytes, ...]:
        """See `limner.write.engine.Views`."""
        rows = slimmed(decode(self._shown(document.id)))
        cuts = range(0, min(len(rows), self._slice * self._slices), self._slice)
        return tuple(_png(rows[at : at + self._slice]) for at in cuts)

    def _shot(self, id: str) -> bytes:
        document = self._search.document(id)
        picture = data_address(self._search.media)

        def source(part: Part) -> str:
            return picture(part) if isinstance(part, Image) else ""

        page = Markup(_PAGE).format(document.language or "en", document.title, Markup(html(document, source)))
        # Browsers load an image that is far below only when one scrolls there, and nobody does.
        page = page.replace(' loading="lazy"', "")
        # Slimming takes away: twice as much is looked at as may be left.
        high = 2 * self._slice * self._slices
        with TemporaryDirectory(prefix="limner-view-") as folder:
            (Path(folder) / "page.html").write_text(page, "utf-8", errors="replace")
            out = Path(folder) / "page.png"
            command = [
                self._browser, "--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile",
                f"--window-size={self._width},{high}", f"--screenshot={out}", (Path(folder) / "page.html").as_uri(),
            ]  # fmt: skip
            if os.geteuid() == 0:
                command.insert(1, "--no-sandbox")  # Chromium has no sandbox for root
            try:
                subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL)
                return _png(trimmed(decode(out.read_bytes())))
            except (OSError, subprocess.TimeoutExpired) as error:
                raise MediaError(f"{self._browser} does not show {document.source or document.id}: {error}") from None


def trimmed(rows: Pixels) -> Pixels:
    """An image without the blank rows at its end; at least one row stays."""
    said = np.flatnonzero(~_blank(rows))
    return rows[: (said[-1] + 1 if len(said) else 1)]


def slimmed(rows: Pixels) -> Pixels:
    """An image whose runs of blank rows (of one colour) are cut to `_BLANK` rows.

    >>> import numpy as np
    >>> page = np.full((100, 4, 3), 255, np.uint8); page[[0, 90], 1] = 0
    >>> slimmed(page).shape
    (26, 4, 3)
    """
    kept = np.ones(len(rows), bool)
    run = 0
    for at, blank in enumerate(_blank(rows)):
        run = run + 1 if blank else 0
        kept[at] = run <= _BLANK
    return rows[kept]


def _blank(rows: Pixels) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return (rows == rows[:, :1]).all(axis=(1, 2))


def _png(pixels: Pixels) -> bytes:
    with io.BytesIO() as out:
        Picture.fromarray(pixels).save(out, "PNG")
        return out.getvalue()
