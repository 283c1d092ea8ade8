"""Slides: titles at their top, marks that are drawn, steps that show more and more, outlines at the side."""

from __future__ import annotations

from limner.document import Text
from limner.sources.pdf import extract

WIDE, HIGH = 400, 300


def slide(*lines: tuple[float, float, str], dots: tuple[tuple[float, float], ...] = ()) -> str:
    """A page's content: text of 12 points at places from the lower left, and discs of 4 points."""
    said = "".join(f"BT /F1 12 Tf {x} {y} Td ({text}) Tj ET\n" for x, y, text in lines)
    return said + "".join(f"{x} {y} 4 4 re f\n" for x, y in dots)


def deck(*slides: str) -> bytes:
    """A PDF of slides."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[str] = []
    for content in slides:
        number = len(objects) + 1
        kids.append(f"{number} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDE} {HIGH}] /Contents {number + 1} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out = b"%PDF-1.4\n"
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    start = len(out)
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\n".encode()
    return out + f"startxref\n{start}\n%%EOF".encode()


def texts(data: bytes) -> list[tuple[str, str]]:
    return [(part.role, part.text) for part in extract(data).parts if isinstance(part, Text)]


TITLE = (20.0, 270.0, "Cats at rest")


def test_the_line_at_the_top_is_the_title_and_drawn_marks_begin_items():
    page = slide(TITLE, (60, 200, "They purr"), (60, 180, "and they sleep"), dots=((50, 202), (50, 182)))
    assert texts(deck(page)) == [("heading", "Cats at rest"), ("list", "- They purr\n- and they sleep")]


def test_a_number_in_a_ball_numbers_its_item():
    page = slide(TITLE, (53, 200, "1"), (75, 200, "They purr"), (53, 170, "2"), (75, 170, "They sleep"))
    balls = "0.9 g 50 198 12 12 re f 50 168 12 12 re f 0 g\n"
    assert texts(deck(balls + page)) == [("heading", "Cats at rest"), ("list", "1. They purr\n2. They sleep")]


def test_of_the_steps_of_one_slide_the_last_is_read():
    first = slide(TITLE, (60, 200, "They purr while they rest"))
    last = slide(TITLE, (60, 200, "They purr while they rest"), (60, 120, "They sleep for most of the day"))
    other = slide((20, 270, "Dogs at rest"), (60, 200, "They sleep with their legs in the air"))
    said = [text for _, text in texts(deck(first, last, other))]
    assert said == [
        "Cats at rest", "They purr while they rest", "They sleep for most of the day", "Dogs at rest", "They sleep with their legs in the air",
    ]  # fmt: skip


def test_an_outline_at_the_side_of_every_slide_is_no_text():
    slides = [
        slide((20, 270, f"Cat number {n}"), (20, 150, f"It purrs {n} times a day"), (300, 200, "Outline of it all"))
        for n in range(8)
    ]
    said = [text for _, text in texts(deck(*slides))]
    assert "Outline of it all" not in said
    assert len(said) == 16


def test_pages_that_stand_upright_are_no_slides():
    pages = [slide((20, 270, "Cats at rest"), (60, 200, "They purr while they rest"))] * 2
    upright = deck(*pages).replace(b"[0 0 400 300]", b"[0 0 300 400]")
    assert [text for _, text in texts(upright)].count("They purr while they rest") == 2
