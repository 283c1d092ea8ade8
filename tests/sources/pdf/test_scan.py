"""Pages that are scans."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from limner.document import Text
from limner.sources.datasets import dataset
from limner.sources.pdf import extract
from limner.sources.pdf.layout import Box, Line
from limner.sources.pdf.scan import share_garbled
from sources.pdf.test_pdf import LEFT, MORE, Kept
from sources.pdf.write import Sheet, pdf, png_image, png_rows

READER = {"ocr": "bundled:rapidocr"}
PROSE = [*LEFT, *MORE]


def scanned(lines: list[str]) -> bytes:
    """A PDF whose only page is a picture, of A5 at 150 dots an inch."""
    image = Image.new("L", (874, 1240), 250)
    pen = ImageDraw.Draw(image)
    for at, line in enumerate(lines):
        pen.text((90, 120 + 34 * at), line, font=ImageFont.load_default(24), fill=20)
    out = io.BytesIO()
    image.save(out, "PDF", resolution=150)
    return out.getvalue()


def with_layer(words: str) -> bytes:
    """A page that is a picture, and has text besides it that nobody sees."""
    sheet = Sheet()
    sheet.image("P", 0, 0, 612, 792, png_image(4, 4), png_rows(4, 4, (240, 240, 240)))
    for at in range(8):
        sheet.text(72, 80 + 14 * at, words)
    return pdf([sheet])


def words_of(*said: str) -> list[Line]:
    return [Line(Box(0, 0, 1, 1), [(word, 0.0, 1.0) for word in text.split()], 10, "", 400) for text in said]


def test_without_a_reader_a_scan_keeps_its_picture_and_says_that_nobody_read_it() -> None:
    media = Kept()
    document = extract(scanned(PROSE), media, name="a.pdf")
    assert not [part for part in document.parts if isinstance(part, Text)]
    (page,) = document.images
    assert page.ref in media.files
    assert document.meta["unread"].startswith("1 page without text")
    assert "--expert ocr=" in document.meta["unread"]


def test_a_scan_is_read_into_paragraphs_with_places_and_keeps_its_picture() -> None:
    pytest.importorskip("rapidocr", reason="the extra ocr is not installed")
    media = Kept()
    document = extract(scanned(PROSE), media, name="a.pdf", experts=READER)
    (page,), (paragraph,) = document.images, [part for part in document.parts if isinstance(part, Text)]
    assert page.ref in media.files
    assert page.n == 0
    assert (paragraph.role, paragraph.text) == ("paragraph", " ".join(PROSE))
    x0, y0, _, y1 = (float(side) for side in paragraph.place.partition("box:")[2].split(","))
    assert abs(x0 - 90 * 72 / 150) < 6
    assert abs(y0 - 120 * 72 / 150) < 8
    assert 90 < y1 - y0 < 120
    assert document.meta["ocr"] == "1 page by bundled:rapidocr"
    assert "unread" not in document.meta


def test_a_text_layer_that_is_good_is_preferred_and_needs_no_reader() -> None:
    said = "The telescope on the hill was built by hand in the year 1871"
    document = extract(with_layer(said), name="a.pdf", experts={"ocr": "nobody:asked"})
    assert said in " ".join(part.text for part in document.parts if isinstance(part, Text))
    assert not {"ocr", "unread"} & set(document.meta)


def test_a_text_layer_that_is_garbled_is_told_from_one_that_is_not() -> None:
    assert extract(with_layer("T1~e te|esc()pe 0n +he hi|| w4s bu!lt ^y #and 1n ~"), name="a.pdf").meta.get("unread")
    good = words_of(
        "In 1994 (see [12]) the co-ordinates, it's said, were x = 3.5 mm.",
        "„Größe“ – et l’été dernier: 20 % de plus, n'est-ce pas ?",
        "Мама мыла раму, 1:250 — и всё.",
        "図を見る。 これは文章です。",
        "def main(): return self.value",
    )
    assert share_garbled(good) < 0.4
    assert share_garbled(words_of("\ufffd\ufffd\ufffd \ue001\ue002 \x01\x02 w0rd")) > 0.9
    assert share_garbled(words_of("T h e t e l e s c o p e o n")) > 0.8
    assert share_garbled([]) == 0


def test_a_real_scan_is_read() -> None:
    pytest.importorskip("rapidocr", reason="the extra ocr is not installed")
    data = dataset("sasview")
    if not data.here:
        pytest.skip("sasview is not here: limner data get sasview")
    import pypdfium2

    path: Path = next(data.data.rglob("Fibre_Diffraction_Review_1994_3_25-29.pdf"))
    one = pypdfium2.PdfDocument.new()
    one.import_pages(pypdfium2.PdfDocument(path), [1])
    out = io.BytesIO()
    one.save(out)
    document = extract(out.getvalue(), name="scan.pdf", experts=READER)
    text = document.text
    assert "The programs were written in a modular form to enable the code to be incorporated in the GUI" in text
    assert text.index("Program structure") < text.index("either a Porod") < text.index("should avoid any detector noise.")
