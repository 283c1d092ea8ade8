"""PDFs, each with one thing in it that is easily read wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.corpus.media import MediaInfo
from limner.corpus.probe import probe
from limner.document import Document, Image, Text
from limner.errors import LimnerError, SourceError
from limner.sources.kinds import Page, documents
from limner.sources.pdf import extract
from sources.pdf.write import Sheet, pdf, png_image, png_rows

LEFT = [
    "The telescope on the hill was built by",
    "hand, and for many years it was the only",
    "instrument in the valley with which the",
]
MORE = [
    "moons of Jupiter could be seen. Its mirror",
    "was ground from the bottom of a bottle",
    "that a traveller had left at the inn.",
]
RIGHT = [
    "In the year after the flood the mirror",
    "was replaced. The new one came from a",
    "workshop in Jena, and with it the rings",
]


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, data: bytes) -> MediaInfo:
        info = probe(data)
        self.files[info.ref] = data
        return info


def texts(document: Document, role: str = "paragraph") -> list[str]:
    return [part.text for part in document.texts if part.role == role]


def columned() -> Sheet:
    sheet = Sheet()
    sheet.text(72, 80, "A telescope of bottle glass", 20, "B")
    # Written across, line by line: what stands beside each other comes after each other in the file.
    for i in range(3):
        sheet.text(72, 140 + 12 * i, LEFT[i])
        sheet.text(330, 140 + 12 * i, RIGHT[i])
    for i in range(3):
        sheet.text(72, 176 + 12 * i, MORE[i])
        sheet.text(330, 176 + 12 * i, RIGHT[i])
    return sheet


def test_columns_are_read_one_after_the_other():
    document = extract(pdf([columned()]), name="a.pdf")
    assert texts(document, "heading") == ["A telescope of bottle glass"]
    running = " ".join(texts(document))
    assert running.index("moons of Jupiter") < running.index("In the year after")
    assert "the only instrument in the valley" in running


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_turned_page_is_read_as_it_is_shown(turned):
    upright, sheet = columned(), columned()
    sheet.turned = turned
    for one in (upright, sheet):
        one.image("P", 200, 400, 120, 90, png_image(4, 3), png_rows(4, 3, (200, 30, 40)))
    assert extract(pdf([sheet])).parts == extract(pdf([upright])).parts


def test_a_word_divided_at_the_end_of_a_line_is_mended_and_a_hyphen_of_its_own_stays():
    sheet = Sheet()
    sheet.paragraph(
        72,
        100,
        ["The observatory keeps its re-", "cords in a well-known book, and each obser-", "vatory sends a copy of a well-"],
    )
    sheet.paragraph(72, 136, ["known page to the others once a year."])
    text = " ".join(texts(extract(pdf([sheet]))))
    assert "records" in text
    assert "each observatory" in text
    assert "copy of a well-known page" in text


def test_heads_and_numbers_of_pages_are_left_out():
    sheets = []
    for n in range(6):
        sheet = Sheet()
        sheet.text(72, 40, "Annals of the Valley Observatory", 9)
        sheet.paragraph(72, 120, [f"Page of the year {1700 + n}: {line}" for line in LEFT])
        sheet.text(300, 760, str(n + 1), 9)
        sheets.append(sheet)
    document = extract(pdf(sheets))
    assert not any("Annals" in text for text in texts(document))
    assert len(texts(document)) == 6
    assert all(text.startswith("Page of the year") for text in texts(document))


def test_a_figure_has_its_caption_and_its_pixels_are_those_of_the_file():
    sheet = Sheet()
    sheet.paragraph(72, 100, LEFT)
    sheet.image("P", 200, 160, 120, 90, png_image(4, 3), png_rows(4, 3, (200, 30, 40)))
    sheet.text(200, 270, "Figure 7: The mirror before it was silvered.")
    sheet.paragraph(72, 300, MORE)
    kept = Kept()
    document = extract(pdf([sheet]), kept)
    (image,) = document.images
    (caption,) = [part for part in document.texts if part.role == "caption"]
    assert caption.of == image.n
    assert caption.text == "Figure 7: The mirror before it was silvered."
    assert (image.width, image.height) == (4, 3)
    assert image.place == "page:1 box:200,160,320,250"
    assert kept.files[image.ref].startswith(b"\x89PNG")
    before, after = texts(document)
    assert document.parts.index(image) == [p.n for p in document.parts if isinstance(p, Text)].index(0) + 1
    assert before.startswith("The telescope")
    assert after.startswith("moons")


def test_a_drawing_is_drawn_where_its_caption_stands():
    sheet = Sheet()
    sheet.paragraph(72, 100, [*LEFT, "and a fourth line that is long enough to be a paragraph's"])
    for i in range(6):
        sheet.curve(150 + 30 * i, 180, 80)
    sheet.text(150, 290, "Fig. 2: The path of the light.")
    kept = Kept()
    document = extract(pdf([sheet]), kept)
    (image,) = document.images
    assert (image.width or 0) > 300
    assert [part.of for part in document.texts if part.role == "caption"] == [image.n]


def test_what_stands_on_every_page_is_no_figure_and_a_scan_is_one():
    ornament, scanned = [], []
    for _ in range(5):
        sheet = Sheet()
        sheet.paragraph(72, 200, LEFT)
        sheet.image("L", 500, 20, 40, 40, png_image(2, 2), png_rows(2, 2, (0, 0, 0)))
        ornament.append(sheet)
        page = Sheet()
        page.image("S", 0, 0, 612, 792, png_image(8, 8), png_rows(8, 8, (250, 250, 250)))
        scanned.append(page)
    assert not extract(pdf(ornament), Kept()).images
    assert len(extract(pdf(scanned), Kept()).images) == 5


def test_bookmarks_say_what_a_heading_is():
    sheet = Sheet()
    sheet.text(72, 100, "Of glass")
    sheet.paragraph(72, 130, LEFT)
    document = extract(pdf([sheet], title="A book", bookmarks=[("Of glass", 0)]))
    assert document.title == "A book"
    assert [(p.text, p.level) for p in document.texts if p.role == "heading"] == [("Of glass", 1)]


def test_code_keeps_its_lines_and_a_list_its_items():
    sheet = Sheet()
    sheet.paragraph(72, 100, LEFT)
    sheet.paragraph(72, 160, ["def focus(mirror):"], font="M")
    sheet.paragraph(96, 172, ["return mirror / 2"], font="M")
    sheet.text(72, 220, "• a bottle")
    sheet.text(72, 232, "• sand of three kinds")
    document = extract(pdf([sheet]))
    assert texts(document, "code") == ["def focus(mirror):\n    return mirror / 2"]
    assert texts(document, "list") == ["- a bottle\n- sand of three kinds"]


def test_a_table_is_one():
    sheet = Sheet()
    sheet.paragraph(72, 100, LEFT)
    for i, row in enumerate([("Planet", "Moons"), ("Mars", "2"), ("Jupiter", "95"), ("Saturn", "274")]):
        sheet.text(100, 160 + 14 * i, row[0])
        sheet.text(250, 160 + 14 * i, row[1])
    sheet.rule(100, 300, 164)
    (table,) = texts(extract(pdf([sheet])), "table")
    assert table.splitlines() == ["| Planet | Moons |", "| --- | --- |", "| Mars | 2 |", "| Jupiter | 95 |", "| Saturn | 274 |"]


def test_what_is_no_pdf_is_said_to_be_none():
    with pytest.raises(SourceError, match=r"a\.pdf: it cannot be opened"):
        extract(b"%PDF-1.7\nnothing", name="a.pdf")


@settings(max_examples=60)
@given(st.data())
def test_a_broken_file_costs_itself_only(data: st.DataObject):
    whole = bytearray(pdf([columned()], title="Broken", bookmarks=[("A telescope of bottle glass", 0)]))
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(20, len(whole)))
    try:
        found = extract(bytes(whole[:cut]), Kept())
    except LimnerError:
        return
    assert all(isinstance(part, Text | Image) for part in found.parts)


def test_a_pdf_is_known_by_its_bytes_wherever_it_is_read():
    kept = Kept()
    (document,) = documents(Page(pdf([columned()]), "paper.html", "1"), kept, limit=10**6)
    assert texts(document, "heading") == ["A telescope of bottle glass"]
