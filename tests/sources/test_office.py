"""Documents of office programs: Word, PowerPoint, OpenDocument."""

from __future__ import annotations

import io
import zipfile

import pytest

from limner.document import Document, Text
from limner.errors import SourceError
from limner.sources.kinds import Page, documents
from sources.site import png
from sources.test_books import Kept, roles

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zipped(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()


def read(data: bytes, name: str) -> tuple[Document, Kept]:
    kept = Kept()
    (document,) = documents(Page(data, name, "1"), kept, limit=10**7)
    return document, kept


def word() -> bytes:
    def paragraph(text: str, style: str = "") -> str:
        look = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
        return f"<w:p>{look}<w:r><w:t>{text}</w:t></w:r></w:p>"

    picture = (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
        '<wp:docPr id="1" name="p" descr="A cat"/><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture">'
        '<pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill>'
        f'<a:blip xmlns:r="{R}" r:embed="rId2"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>'
    )
    body = paragraph("Cats", "Heading1") + paragraph("They purr.") + picture + paragraph("For long.")
    styles = f'<w:styles xmlns:w="{W}"><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>'
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="png" ContentType="image/png"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    return zipped(
        {
            "[Content_Types].xml": types,
            "_rels/.rels": f'<Relationships xmlns="{space}"><Relationship Id="rId1" Type="{R}/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
            "word/document.xml": f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>',
            "word/styles.xml": styles,
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{space}"><Relationship Id="rId1" Type="{R}/styles" '
            f'Target="styles.xml"/><Relationship Id="rId2" Type="{R}/image" Target="media/cat.png"/></Relationships>',
            "word/media/cat.png": png(60, 40),
        }
    )


def test_a_word_document_has_its_headings_and_its_pictures_in_place():
    pytest.importorskip("mammoth", reason="limner[office] is not installed")
    document, kept = read(word(), "cats.docx")
    assert document.title == "Cats"
    assert roles(document) == ["heading", "paragraph", "image", "paragraph"]
    (image,) = document.images
    assert (image.ref in kept.files, image.width, image.alt) == (True, 60, "A cat")


def test_slides_have_titles_texts_pictures_tables_and_notes():
    pptx = pytest.importorskip("pptx", reason="limner[office] is not installed")
    from pptx.util import Inches

    made = pptx.Presentation()
    slide = made.slides.add_slide(made.slide_layouts[1])
    slide.shapes.title.text = "Purring"
    slide.placeholders[1].text = "at rest\nin pain"
    slide.shapes.add_picture(io.BytesIO(png(80, 60)), Inches(1), Inches(5))
    table = slide.shapes.add_table(2, 2, Inches(1), Inches(6), Inches(4), Inches(1)).table
    for at, text in enumerate(("cat", "hertz", "Tom", "25")):
        table.cell(at // 2, at % 2).text = text
    slide.notes_slide.notes_text_frame.text = "Speak softly here."
    out = io.BytesIO()
    made.save(out)
    document, kept = read(out.getvalue(), "purring.pptx")
    assert document.title == "Purring"
    assert roles(document) == ["heading", "list", "image", "table", "speech"]
    assert [p.text for p in document.texts] == [
        "Purring", "- at rest\n- in pain", "| cat | hertz |\n| --- | --- |\n| Tom | 25 |", "Speak softly here.",
    ]  # fmt: skip
    assert all(part.place == "page:1" for part in document.parts)
    assert document.images[0].ref in kept.files


OFFICE = "urn:oasis:names:tc:opendocument:xmlns"
SPACES = (
    f'xmlns:office="{OFFICE}:office:1.0" xmlns:text="{OFFICE}:text:1.0" xmlns:table="{OFFICE}:table:1.0" '
    f'xmlns:draw="{OFFICE}:drawing:1.0" xmlns:presentation="{OFFICE}:presentation:1.0" xmlns:svg="{OFFICE}:svg-compatible:1.0" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"'
)


def opendocument(body: str) -> bytes:
    content = f"<office:document-content {SPACES}><office:body>{body}</office:body></office:document-content>"
    kind = "application/vnd.oasis.opendocument.text"
    return zipped({"mimetype": kind, "content.xml": content, "Pictures/cat.png": png(70, 30)})


def test_an_opendocument_text_has_its_headings_lists_tables_and_pictures():
    frame = '<draw:frame><draw:image xlink:href="Pictures/cat.png"/><svg:desc>A cat</svg:desc></draw:frame>'
    body = (
        '<office:text><text:h text:outline-level="1">Cats</text:h><text:p>They<text:s text:c="2"/>purr<text:tab/>softly.'
        f"{frame}</text:p><text:list><text:list-item><text:p>at rest</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p>"
        "</table:table-cell></table:table-row><table:table-row><table:table-cell><text:p>1</text:p></table:table-cell>"
        "<table:table-cell><text:p>2</text:p></table:table-cell></table:table-row></table:table>"
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes></office:text>"
    )
    document, kept = read(opendocument(body), "cats.odt")
    assert document.title == "Cats"
    assert roles(document) == ["heading", "paragraph", "image", "list", "table"]
    assert [p.text for p in document.texts if isinstance(p, Text)][:2] == ["Cats", "They purr softly."]
    assert (document.images[0].ref in kept.files, document.images[0].alt) == (True, "A cat")


def test_opendocument_slides_begin_with_their_titles():
    title = '<draw:frame presentation:class="title"><draw:text-box><text:p>Purring</text:p></draw:text-box></draw:frame>'
    notes = "<presentation:notes><draw:frame><draw:text-box><text:p>Speak softly.</text:p></draw:text-box></draw:frame></presentation:notes>"
    text = "<draw:frame><draw:text-box><text:p>At rest.</text:p></draw:text-box></draw:frame>"
    body = f"<office:presentation><draw:page>{text}{title}{notes}</draw:page></office:presentation>"
    document, _ = read(opendocument(body), "purring.odp")
    assert [p.text for p in document.texts] == ["Purring", "At rest.", "Speak softly."]


def test_archives_and_damaged_files_say_what_they_are():
    with pytest.raises(SourceError, match=r"a\.zip/a\.txt: plain text: there is no reader"):
        read(zipped({"a.txt": "a"}), "a.zip")
    with pytest.raises(SourceError, match="damaged XML"):
        read(zipped({"mimetype": "x", "content.xml": "<a"}), "a.odt")
    pytest.importorskip("mammoth", reason="limner[office] is not installed")
    with pytest.raises(SourceError, match="damaged Word document"):
        read(zipped({"word/document.xml": "<a"}), "a.docx")
