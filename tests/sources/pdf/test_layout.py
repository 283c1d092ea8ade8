"""Figures, footnotes and formulas of pages, each with one thing in it that is easily read wrong."""

from __future__ import annotations

import pytest

from limner.document import Image, Text
from limner.sources.pdf import extract
from sources.pdf.test_pdf import LEFT, MORE, RIGHT, Kept, columned, texts
from sources.pdf.write import Sheet, pdf, png_image, png_rows

FIRST = [
    "A mirror of bottle glass is heavier than it looks, and the men",
    "who carried it up the hill in that winter were paid by the mile.",
]


def picture(sheet: Sheet, name: str, x: float, y: float, width: float = 120, height: float = 90) -> None:
    sheet.image(name, x, y, width, height, png_image(4, 3), png_rows(4, 3, (200, 30, 40)))


def drawing(sheet: Sheet, x: float, y: float) -> None:
    for i in range(5):
        sheet.curve(x + 25 * i, y, 60)


def captioned(sheet: Sheet) -> list[tuple[str, str]]:
    document = extract(pdf([sheet]), Kept())
    return [(image.place.partition("box:")[2], " ".join(c.text for c in document.captions(image.n))) for image in document.images]


def test_two_drawings_below_each_other_have_their_own_captions():
    sheet = Sheet()
    sheet.paragraph(72, 80, FIRST)
    drawing(sheet, 150, 120)
    sheet.text(150, 200, "Figure 1: The lens.")
    drawing(sheet, 150, 240)
    sheet.text(150, 320, "Figure 2: The mirror.")
    found = captioned(sheet)
    assert [c for _, c in found] == ["Figure 1: The lens.", "Figure 2: The mirror."]
    tops = [[float(x) for x in place.split(",")] for place, _ in found]
    assert tops[0][3] < 200 < tops[1][1]


def test_parts_of_one_figure_are_one_picture_and_what_is_written_under_them_is_its_alt_text():
    sheet = Sheet()
    sheet.paragraph(72, 80, FIRST)
    picture(sheet, "P", 150, 120)
    picture(sheet, "Q", 300, 120)
    sheet.text(170, 222, "(a) By day")
    sheet.text(320, 222, "(b) By night")
    sheet.text(150, 250, "Figure 3: The observatory by day and by night.")
    document = extract(pdf([sheet]), Kept())
    (image,) = document.images
    assert image.alt == "(a) By day (b) By night"
    assert document.captions(image.n)[0].text.startswith("Figure 3: The observatory")
    x0, y0, x1, y1 = (float(x) for x in image.place.partition("box:")[2].split(","))
    assert x0 <= 150
    assert x1 >= 420
    assert 118 <= y0 <= 121
    assert 215 <= y1 <= 226


def test_a_sentence_that_begins_with_a_figure_is_no_caption():
    sheet = Sheet()
    drawing(sheet, 150, 100)
    sheet.paragraph(
        72,
        180,
        [
            "Figure 4 shows how the light falls through the lens and onto the",
            "mirror, from which it goes back into the eye of whoever looks.",
        ],
    )
    document = extract(pdf([sheet]), Kept())
    assert not [part for part in document.texts if part.role == "caption"]


def test_a_caption_in_a_column_takes_what_is_drawn_in_its_column():
    sheet = columned()
    for i in range(3):
        sheet.text(72, 212 + 12 * i, LEFT[i])
        sheet.text(330, 212 + 12 * i, RIGHT[i])
    drawing(sheet, 340, 300)
    sheet.text(330, 380, "Figure 5: A rainbow.")
    for i in range(6):
        sheet.text(72, 300 + 12 * i, MORE[i % 3])
    ((place, caption),) = captioned(sheet)
    assert caption == "Figure 5: A rainbow."
    assert float(place.split(",")[0]) > 300


def test_a_thick_line_is_as_long_as_it_is():
    sheet = Sheet()
    sheet.paragraph(72, 80, FIRST)
    sheet.content.append(f"q 70 w 150 {sheet.height - 180} m 450 {sheet.height - 180} l S Q")
    sheet.text(150, 240, "Figure 6: A placeholder.")
    ((place, _),) = captioned(sheet)
    assert place == "150,145,450,215"


def test_what_a_clip_cuts_off_is_no_part_of_a_picture():
    sheet = Sheet()
    sheet.paragraph(72, 80, FIRST)
    sheet.content.append(f"q 200 {sheet.height - 220} 100 80 re W n")
    picture(sheet, "P", 150, 120, 240, 180)
    sheet.content.append("Q")
    sheet.text(200, 240, "Figure 7: The middle of the mirror.")
    ((place, caption),) = captioned(sheet)
    assert place == "200,140,300,220"
    assert caption.startswith("Figure 7")


def noted() -> list[Sheet]:
    first, second = Sheet(), Sheet()
    first.paragraph(72, 100, [*LEFT, *MORE] * 5, 11)
    first.text(72, 640, "moons that were seen by everyone who came to the hill", 11)
    first.rule(72, 200, 660)
    first.text(80, 672, "1 The inn has burnt down since.", 8)
    first.text(72, 682, "Nothing is left of it.", 8)
    second.paragraph(72, 100, ["in that year were four, as they are today, and more", *MORE] * 3, 11)
    return [first, second]


def test_footnotes_stand_at_the_end_of_their_page_and_never_in_a_paragraph_that_runs_on():
    document = extract(pdf(noted()))
    (note,) = [part for part in document.texts if part.role == "note"]
    assert note.text == "1 The inn has burnt down since. Nothing is left of it."
    assert note.place.startswith("page:1 ")
    assert any("came to the hill in that year were four" in text for text in texts(document))
    assert not any("burnt" in text for text in texts(document))


def formula() -> Sheet:
    sheet = Sheet()
    sheet.paragraph(72, 100, [*LEFT, *MORE])
    sheet.text(250, 190, "a + b = g", font="S")
    sheet.text(400, 190, "(1)")
    sheet.paragraph(72, 220, RIGHT)
    return sheet


def test_a_displayed_formula_is_a_picture_with_its_glyphs_for_alt_text():
    kept = Kept()
    document = extract(pdf([formula()]), kept)
    (image,) = document.images
    assert image.alt == "α + β = γ (1)"
    assert image.ref in kept.files
    at = document.parts.index(image)
    assert [type(part) for part in document.parts[at - 1 : at + 2]] == [Text, Image, Text]
    assert not document.captions(image.n)


@pytest.mark.parametrize("line", ["α", "• an item", "= = ="])
def test_what_only_looks_like_a_formula_stays_text(line):
    sheet = Sheet()
    sheet.paragraph(72, 100, LEFT)
    sheet.text(72, 180, line.replace("α", "a"), font="F")
    assert not extract(pdf([sheet]), Kept()).images
