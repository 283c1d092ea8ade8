"""PDFs for tests: content streams, fonts and images, written by hand so that a test says all there is in them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from sources.pdf.encrypt import ID, Lock

FONTS = {"F": "Times-Roman", "B": "Helvetica-Bold", "M": "Courier", "S": "Symbol"}


@dataclass
class Sheet:
    """A page of 612 x 792 points; `y` counts from the top, as limner does."""

    content: list[str] = field(default_factory=list)
    images: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    height: float = 792
    turned: int = 0  # degrees; what is written is turned the other way, so that it is shown upright

    def text(self, x: float, y: float, text: str, size: float = 10, font: str = "F") -> None:
        escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        self.content.append(f"BT /{font} {size} Tf {x} {self.height - y} Td ({escaped}) Tj ET")

    def paragraph(self, x: float, y: float, lines: Sequence[str], size: float = 10, font: str = "F") -> float:
        for line in lines:
            self.text(x, y, line, size, font)
            y += 1.2 * size
        return y

    def rule(self, x0: float, x1: float, y: float) -> None:
        self.content.append(f"{x0} {self.height - y} m {x1} {self.height - y} l 0.5 w S")

    def curve(self, x: float, y: float, size: float) -> None:
        low = self.height - y - size
        self.content.append(f"{x} {low} m {x + size} {low} {x + size} {low + size} {x} {low + size} c S")

    def image(self, name: str, x: float, y: float, width: float, height: float, dictionary: str, data: bytes) -> None:
        """An image with its top left corner at x, y; `dictionary` is what its object says besides its length."""
        self.images[name] = dictionary, data
        self.content.append(f"q {width} 0 0 {height} {x} {self.height - y - height} cm /{name} Do Q")


def png_rows(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """The compressed rows of a PNG of one colour, as TeX puts them into a PDF."""
    return zlib.compress(b"".join(b"\0" + bytes(colour) * width for _ in range(height)))


def png_image(width: int, height: int) -> str:
    """What the PDF says of such an image."""
    return (
        f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8 /ColorSpace /DeviceRGB "
        f"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors 3 /Columns {width} >>"
    )


def pdf(
    sheets: Sequence[Sheet], title: str = "", bookmarks: Sequence[tuple[str, int]] = (), passwords: tuple[str, str] | None = None
) -> bytes:
    """The file. `bookmarks` are titles and pages, counted from 0; `passwords` the user's and the owner's (then without title and
    bookmarks, whose strings would have to be encrypted too)."""
    lock = Lock(*passwords) if passwords else None
    objects: list[bytes] = [b"", b""]  # the catalogue and the tree of pages, known last

    def add(body: str | bytes, stream: bytes | None = None) -> int:
        data = body if isinstance(body, bytes) else body.encode("latin-1")
        if stream is not None:
            stream = lock.locked(stream, len(objects) + 1) if lock else stream
            data = b"<< %s /Length %d >>\nstream\n%s\nendstream" % (data, len(stream), stream)
        objects.append(data)
        return len(objects)

    fonts = {
        name: add(f"<< /Type /Font /Subtype /Type1 /BaseFont /{base} /Encoding /WinAnsiEncoding >>")
        for name, base in FONTS.items()
    }
    pages: list[int] = []
    for sheet in sheets:
        turn = {0: "", 90: "0 1 -1 0 792 0 cm ", 180: "-1 0 0 -1 612 792 cm ", 270: "0 -1 1 0 0 612 cm "}[sheet.turned]
        content = add("", (turn + "\n".join(sheet.content)).encode("cp1252"))
        images = {name: add(dictionary, data) for name, (dictionary, data) in sheet.images.items()}
        resources = f"/Font << {' '.join(f'/{k} {v} 0 R' for k, v in fonts.items())} >>"
        if images:
            resources += f" /XObject << {' '.join(f'/{k} {v} 0 R' for k, v in images.items())} >>"
        size = f"{sheet.height} 612" if sheet.turned % 180 else f"612 {sheet.height}"
        pages.append(
            add(
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size}] /Rotate {sheet.turned} "
                f"/Resources << {resources} >> /Contents {content} 0 R >>"
            )
        )
    outline = ""
    if bookmarks:
        first = len(objects) + 2
        items = [first + i for i in range(len(bookmarks))]
        root = add(f"<< /Type /Outlines /First {items[0]} 0 R /Last {items[-1]} 0 R /Count {len(items)} >>")
        for i, (text, page) in enumerate(bookmarks):
            more = (f"/Next {items[i] + 1} 0 R " if i + 1 < len(items) else "") + (f"/Prev {items[i] - 1} 0 R " if i else "")
            add(f"<< /Title ({text}) /Parent {root} 0 R {more}/Dest [{pages[page]} 0 R /Fit] >>")
        outline = f" /Outlines {root} 0 R"
    info = add("<< >>" if lock else f"<< /Title ({title}) >>")
    encrypt = f" /Encrypt {add(lock.dictionary)} 0 R /ID [<{ID.hex()}> <{ID.hex()}>]" if lock else ""
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R{outline} >>".encode("latin-1")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(f'{n} 0 R' for n in pages)}] /Count {len(pages)} >>".encode()
    out = bytearray(b"%PDF-1.7\n")
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R%s >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        info,
        encrypt.encode(),
        start,
    )
    return bytes(out)
