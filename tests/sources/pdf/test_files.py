"""Files as they come: encrypted, damaged, long; pages as pictures."""

from __future__ import annotations

import io
import resource
import time

import pytest
from PIL import Image as Picture

from limner.errors import SourceError
from limner.sources.pdf import extract
from limner.sources.pdf.pages import render
from sources.pdf.write import Sheet, pdf

LINES = ["The telescope on the hill was built by", "hand, and for many years it was the only", "instrument in the valley."]


def written() -> Sheet:
    sheet = Sheet()
    sheet.paragraph(72, 100, LINES)
    return sheet


def test_a_file_that_only_its_owner_locked_is_read():
    document = extract(pdf([written()], passwords=("", "owner")), name="a.pdf")
    assert document.text == " ".join(LINES)


def test_a_file_that_opens_with_a_password_says_so():
    with pytest.raises(SourceError, match=r"a\.pdf: it is encrypted and opens with a password only"):
        extract(pdf([written()], passwords=("user", "owner")), name="a.pdf")


@pytest.mark.parametrize("damage", ["table", "start", "tail"])
def test_a_damaged_cross_reference_costs_nothing(damage):
    data = pdf([written()])
    if damage == "table":
        at = data.index(b"xref\n0")
        data = data[:at] + data[at:].replace(b"00000 n", b"99999 n").replace(b"0000000", b"7777777")
    elif damage == "start":
        at = data.index(b"startxref\n") + len(b"startxref\n")
        data = data[:at] + b"12345678\n%%EOF\n"
    else:
        data = data[: data.index(b"xref\n0")] + b"trailer\n<< /Root 1 0 R >>\n"
    assert extract(data).text == " ".join(LINES)


def test_a_thousand_pages_take_seconds_and_little_memory():
    pages = []
    for n in range(1_000):
        sheet = Sheet()
        for i in range(12):
            sheet.paragraph(72, 80 + 50 * i, [f"{line} {n}" for line in LINES])
        pages.append(sheet)
    data = pdf(pages)
    extract(pdf(pages[:50]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    document = extract(data)
    assert time.process_time() - began < 30
    # KiB: half a megabyte a page would be 500 MiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 250 * 1024
    assert document.meta["pages"] == "1000"
    assert len(document.texts) == 12_000


def test_a_page_is_drawn_as_it_is_shown():
    sheet = written()
    sheet.turned = 90
    picture = Picture.open(io.BytesIO(render(pdf([written(), sheet]), 2, dpi=36)))
    assert picture.size == (306, 396)
    dark = picture.convert("L").point(lambda v: 255 if v < 200 else 0).getbbox()
    assert dark is not None
    assert dark[1] < 60, "the text stands at the top"


def test_pages_that_are_not_there_or_too_large_are_refused(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf([written()]))
    with pytest.raises(SourceError, match="no page 2; it has 1"):
        render(path, 2)
    with pytest.raises(SourceError, match="too large; choose fewer"):
        render(path, 1, dpi=10_000)


def test_a_page_that_cannot_be_loaded_costs_itself():
    data = pdf([written(), written(), written()])
    page = data.index(b"/Type /Page\n") if b"/Type /Page\n" in data else data.index(b"/Type /Page ")
    document = extract(data[:page] + data[page:].replace(b"/Type /Page ", b"/Type /Pagx ", 1), name="a.pdf")
    assert document.meta["pages"] == "3"
    assert document.meta["damaged"] == "1"
    assert document.text.count("The telescope on the hill") == 2
    with pytest.raises(SourceError, match="none of its 3 pages"):
        extract(data.replace(b"/Type /Page ", b"/Type /Pagx "), name="a.pdf")
