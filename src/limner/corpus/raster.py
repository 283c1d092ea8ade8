"""SVG to pixels by resvg, after the file has been written anew without anything that reaches outside it.

resvg reads no network, but it would read files that `<image href>` names, and it draws what `<use>` repeats however
often. So the file is read once by expat and written again: no document type, no scripts, no reference but to
the file's own elements and to small raster images inside it; depth, elements, and what all references would expand
to are bounded. Text is drawn with the machine's fonts.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import zlib
from urllib.parse import unquote_to_bytes
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from PIL import Image

from limner.corpus import headers, svg
from limner.corpus.pixels import Pixels
from limner.corpus.probe import mime
from limner.errors import MediaError, MissingExtra

MAX_BYTES = 16 << 20
MAX_DEPTH = 256
MAX_ELEMENTS = 200_000
DEFAULT_SIZE = (300, 150)
"""The size of an SVG that gives none (CSS 2.1, 10.3.2)."""

_REFERENCE = re.compile(r"#([^\s\"')]+)")
_LEFT_OUT = frozenset({"script", "foreignObject", "iframe", "audio", "video"})


def rasterise(data: bytes, max_pixels: int, side: int = 0) -> Pixels:
    """The SVG `data` over white as height x width x 3 bytes, in its own size or, with `side`, scaled down to fit a
    square of that many pixels. Raises `MediaError` for what is damaged or passes a bound, `MissingExtra` without
    resvg-py."""
    try:
        import resvg_py
    except ImportError:
        raise MissingExtra("svg", "resvg-py", "drawing an SVG image") from None
    width, height = svg.size(svg.head(data) or b"")
    if not width:
        width, height = DEFAULT_SIZE
    if side and max(width, height) > side:
        scale = side / max(width, height)
        width, height = max(round(width * scale), 1), max(round(height * scale), 1)
    if width * height > max_pixels:
        raise MediaError(f"the SVG is {width} x {height}, more than the bound of {max_pixels} pixels")
    text = rewrite(data, max_pixels)
    try:
        drawn = resvg_py.svg_to_bytes(svg_string=text, width=width, height=height)
    except (ValueError, RuntimeError) as error:
        raise MediaError(f"cannot draw the SVG of {len(data)} bytes: {error}") from None
    with Image.open(io.BytesIO(drawn), formats=("PNG",)) as image:
        front = image.convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", front.size, "white"), front).convert("RGB"))


def rewrite(data: bytes, max_pixels: int) -> str:
    """The SVG without what reaches outside it, as text. Raises `MediaError` for what is not well-formed or too big."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = zlib.decompressobj(wbits=31).decompress(data, MAX_BYTES + 1)
        except zlib.error as error:
            raise MediaError(f"cannot decompress the SVG: {error}") from None
    if len(data) > MAX_BYTES:
        raise MediaError(f"the SVG has more than {MAX_BYTES} bytes")
    writer = _Writer(max_pixels)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = writer.start
    parser.EndElementHandler = writer.end
    parser.CharacterDataHandler = writer.text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MediaError(f"the SVG is not well-formed XML: {error}") from None
    writer.check()
    return "".join(writer.out)


class _Writer:
    """Writes what expat reads, less what is left out, and keeps the graph of references."""

    def __init__(self, max_pixels: int) -> None:
        self.out: list[str] = []
        self.written = 0
        self.elements = 0
        self.pixels = max_pixels
        self.skipping = 0
        self.open: list[str] = []  # the ids of the open elements, "" for one without
        self.weight: dict[str, int] = {"": 0}
        self.refers: dict[str, list[str]] = {"": []}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1
        if len(self.open) >= MAX_DEPTH or self.elements > MAX_ELEMENTS:
            raise MediaError(f"the SVG is nested deeper than {MAX_DEPTH} or has more than {MAX_ELEMENTS} elements")
        if self.skipping or name.rpartition(":")[2] in _LEFT_OUT:
            self.skipping += 1
            return
        kept: list[str] = []
        targets: list[str] = []
        for key, value in attributes.items():
            if key.rpartition(":")[2] == "href" and not self._stays_inside(value):
                continue
            if "#" in value and not value.startswith("data:"):
                targets += _REFERENCE.findall(value)
            kept.append(f" {key}={quoteattr(value)}")
        # Each element counts for itself and once in the nearest element around it that has an id, whose weight
        # counts again in the next: what a reference repeats.
        identity = attributes.get("id", "")
        around = next((i for i in reversed(self.open) if i), "")
        if identity and identity not in self.weight:
            self.weight[identity], self.refers[identity] = 1, list(targets)
            self.refers[around].append(identity)
        else:
            identity = ""
            self.weight[around] += 1
            self.refers[around] += targets
        self.open.append(identity)
        self._write(f"<{name}{''.join(kept)}>")

    def end(self, name: str) -> None:
        if self.skipping:
            self.skipping -= 1
            return
        self.open.pop()
        self._write(f"</{name}>")

    def text(self, text: str) -> None:
        if not self.skipping:
            self._write(escape(text))

    def check(self) -> None:
        """Raise `MediaError` when drawing every reference wherever it stands would take too many elements."""
        known: dict[str, int] = {}
        path: list[tuple[str, int]] = [("", 0)]
        inside = {""}
        totals = {"": self.weight[""]}
        while path:
            identity, at = path.pop()
            targets = self.refers[identity]
            while at < len(targets):
                target = targets[at]
                if target in known:
                    totals[identity] += known[target]
                elif target in self.weight and target not in inside:
                    break
                at += 1
            if totals[identity] > MAX_ELEMENTS:
                raise MediaError(f"the SVG draws more than {MAX_ELEMENTS} elements through its references")
            if at < len(targets):
                path += [(identity, at), (targets[at], 0)]
                inside.add(targets[at])
                totals[targets[at]] = self.weight[targets[at]]
            else:
                known[identity] = totals[identity]
                inside.discard(identity)

    def _stays_inside(self, value: str) -> bool:
        """Whether a reference is to an element of the file, or a raster image of bounded size inside it."""
        value = value.strip()
        if value.startswith("#"):
            return True
        header, comma, body = value.partition(",")
        if not comma or not header.startswith("data:image/"):
            return False
        try:
            content = base64.b64decode(body) if header.endswith(";base64") else unquote_to_bytes(body)
        except (binascii.Error, ValueError):
            return False
        kind = mime(content)
        if kind not in ("image/png", "image/jpeg", "image/gif", "image/webp"):
            return False
        width, height = headers.size(kind, content)
        self.pixels -= width * height
        return self.pixels >= 0

    def _write(self, text: str) -> None:
        self.written += len(text)
        if self.written > 2 * MAX_BYTES:
            raise MediaError(f"the SVG has more than {2 * MAX_BYTES} characters once its entities are written out")
        self.out.append(text)
