"""Who speaks of which figure: in documents of several kinds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.document import Document, Image, Text
from limner.document.references import mentions, normal, references
from limner.sources.kinds import Page, documents
from limner.sources.pdf import extract
from sources.pdf.test_pdf import LEFT, Kept
from sources.pdf.write import Sheet, pdf, png_image, png_rows


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("as Figure 3 shows", [("figure", "3")]),
        ("(Fig. 3a and Fig. 3b)", [("figure", "3")]),
        ("see Figs. 1, 2 and 4", [("figure", "1"), ("figure", "2"), ("figure", "4")]),
        ("Figures 2–4", [("figure", "2"), ("figure", "3"), ("figure", "4")]),
        ("wie Abb. 4.1 (und Tabelle 2) zeigt", [("figure", "4.1"), ("table", "2")]),
        ("la figure 12 et le tableau 3", [("figure", "12"), ("table", "3")]),
        ("Table IV", [("table", "4")]),
        ("Figure A.2", [("figure", "A.2")]),
        ("shown in figure2.19, using", [("figure", "2.19")]),
        ("configure 3 tables 5 times", [("table", "5")]),
        ("a figure of 3 metres, the figures show", []),
    ],
)
def test_mentions(text, found):
    assert mentions(text) == found


def test_a_caption_does_not_speak_of_its_own_figure_but_may_of_others():
    document = Document(
        "d",
        (
            Image(0),
            Text(1, "Figure 1: As in Figure 2.", "caption", of=0),
            Image(2),
            Text(3, "Figure 2: The same.", "caption", of=2),
            Text(4, "Figures 1 and 2."),
        ),
    )
    assert references(document) == {0: (4,), 2: (1, 4)}


def test_where_chapters_count_anew_the_nearest_is_meant():
    parts = [Text(0, "Look at Fig. 1."), Image(1), Text(2, "Fig. 1: One", "caption", of=1)]
    parts += [Text(3, "x")] * 0 + [Image(4), Text(5, "Fig. 1: Other", "caption", of=4), Text(6, "Fig. 1 again.")]
    assert references(Document("d", tuple(parts))) == {1: (0,), 4: (6,)}


def test_a_caption_that_stands_alone_is_that_of_the_table_below():
    document = Document(
        "d", (Text(0, "Table 2 counts them."), Text(1, "Table 2: Moons", "caption"), Text(2, "| a |\n| --- |\n| 1 |", "table"))
    )
    assert references(document) == {2: (0,)}


def test_in_a_pdf():
    sheet = Sheet()
    sheet.paragraph(72, 100, [*LEFT, "moons of Jupiter could be seen (see Fig. 7)."])
    sheet.image("P", 200, 170, 120, 90, png_image(4, 3), png_rows(4, 3, (200, 30, 40)))
    sheet.text(200, 280, "Figure 7: The mirror before it was silvered.")
    document = extract(pdf([sheet]), Kept())
    (image,) = document.images
    (paragraph,) = [part for part in document.texts if part.role == "paragraph"]
    assert references(document) == {image.n: (paragraph.n,)}


def test_in_a_page():
    page = b"""<html><body><article><h1>Glass</h1><p>The mirror, which Figure 2 shows before it was silvered, was ground by hand from the
    bottom of a bottle, and for many years it was the only one in the valley.</p><figure><img src="m.png" width="400" height="300">
    <figcaption>Figure 2: The mirror.</figcaption></figure><p>Nobody has seen it since the flood, and nobody expects to.</p></article>"""
    (document,) = documents(Page(page, "a.html", "1", url="http://a.example/"), None, limit=10**6)
    (image,) = document.images
    ((n, by),) = references(document).items()
    assert n == image.n
    assert [document.part(i).text[:10] for i in by if isinstance(document.part(i), Text)] == ["The mirror"]


@given(st.lists(st.text(max_size=200), max_size=8))
def test_whatever_is_said_every_reference_is_a_part(said):
    parts = [Text(n, text, "caption" if n % 2 else "paragraph", of=n - 1 if n % 2 else None) for n, text in enumerate(said)]
    document = Document("d", tuple(parts))
    ns = {part.n for part in parts}
    for n, by in references(document).items():
        assert {n, *by} <= ns
        assert n not in by


@given(st.integers(1, 49))
def test_roman_numbers_are_read(number):
    tens, ones = divmod(number, 10)
    roman = ["", "X", "XX", "XXX", "XL"][tens] + ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"][ones]
    assert normal(roman) == str(number)
