"""Folders of mixed files: each is what its bytes say, and what nobody reads is told with its reason."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from limner import Corpus
from limner.document import Document
from limner.errors import SourceError
from limner.pipeline import Plan, build
from limner.sources.files import FolderSource
from limner.sources.kinds import recognise
from sources.pdf.write import Sheet, pdf
from sources.site import Held, noise, page, png


def docx(text: str) -> bytes:
    out = io.BytesIO()
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(
            "[Content_Types].xml",
            '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" '
            'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
        )
        file.writestr(
            "_rels/.rels",
            '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
            "</Relationships>",
        )
        file.writestr(
            "word/document.xml",
            f'<?xml version="1.0"?><w:document xmlns:w="{space}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>',
        )
    return out.getvalue()


def one_page(text: str) -> bytes:
    sheet = Sheet()
    sheet.text(72, 100, text)
    return pdf([sheet])


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()


def names(folder: Path) -> list[str]:
    return [input.name for input in FolderSource(str(folder), label="x").inputs()]


def read(folder: Path, held: Held) -> tuple[dict[str, Document], dict[str, str]]:
    """The documents and the reasons, by name."""
    made: dict[str, Document] = {}
    refused: dict[str, str] = {}
    source = FolderSource(str(folder), label="x")
    for input in source.inputs():
        try:
            (made[input.name],) = source.read(input, held)
        except SourceError as error:
            refused[input.name] = str(error)
    return made, refused


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("picture.png", page(title="Not a picture").encode(), "crop tool"),
        ("notes.txt", one_page("A telescope of bottle glass"), "A telescope of bottle glass"),
        ("letter.zip", docx("Dear Madam, the mirror is here."), "the mirror is here"),
        ("style.css", page(title="Not a style").encode(), "crop tool"),
        ("page.html", one_page("A telescope of bottle glass"), "A telescope of bottle glass"),
        (
            "data.json",
            b'{"cells": [{"cell_type": "markdown", "source": ["The *mirror*"]}], "nbformat": 4, "metadata": {}}',
            "mirror",
        ),
        ("table.csv", gzip.compress(page().encode()), "crop tool"),
        ("film.mp4", b"\xef\xbb\xbf" + page().encode(), "crop tool"),
        ("no-name", docx("Dear Madam, the mirror is here."), "the mirror is here"),
    ],
)
def test_a_file_is_what_its_bytes_say_whatever_it_is_called(
    tmp_path: Path, held: Held, name: str, data: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(data)
    made, refused = read(tmp_path, held)
    assert list(made) == [f"x/{name}"], refused
    assert said in made[f"x/{name}"].text


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("sums.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an Office file of before 2007, or one with a password"),
        ("sums.xlsx", zipped({"[Content_Types].xml": b"<a/>", "xl/workbook.xml": b"<a/>"}), "a spreadsheet: there is no reader"),
        ("unknown.bin", bytes(range(256)) * 4, "of a kind that is not known: there is no reader"),
        ("backup.rar", b"Rar!\x1a\x07\x01\0" + bytes(100), "a RAR archive; unpack it"),
        ("shop.db", b"SQLite format 3\0" + bytes(100), "a database"),
        ("letter.rtf", b"{\\rtf1 Dear Madam}", "RTF"),
        ("notes.txt", b"Milk, eggs.", "plain text: there is no reader"),
        ("empty.pdf", b"", "an empty file"),
        ("broken.pdf", b"%PDF-1.7 and no more", "cannot be opened"),
        ("broken.zip", b"PK\3\4 and no more", "damaged"),
        ("broken.png", png()[:40], "cannot be decoded"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_reason(tmp_path: Path, held: Held, name: str, data: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(data)
    made, refused = read(tmp_path, held)
    assert not made
    assert list(refused) == [f"x/{name}"]
    assert reason in refused[f"x/{name}"]
    assert refused[f"x/{name}"].startswith(f"x/{name}: ")


def test_what_belongs_to_the_pages_of_a_site_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "static" / "img").mkdir(parents=True)
    (tmp_path / "index.html").write_text(page('<img src="static/img/a.png">'))
    for name in ("a.png", "never-named.png", "icon.svg"):
        (tmp_path / "static" / "img" / name).write_bytes(noise(60, 60) if name.endswith("png") else b"<svg xmlns='x'/>")
    for name in (
        "a.css",
        "a.js",
        "a.woff2",
        "a.txt",
        "a.csv",
        "a.map",
        "searchindex.json",
        "sitemap.xml",
        "objects.inv",
        "robots",
    ):
        (tmp_path / "static" / name).write_bytes(b"p { background: url(x.png) }")
    (tmp_path / "static" / "script.js").write_text("var a = '<html><body>';")
    assert names(tmp_path) == ["x/index.html"]


def test_pictures_that_no_page_names_are_documents(tmp_path: Path, held: Held) -> None:
    for folder in ("photos", "docs", "docs/img"):
        (tmp_path / folder).mkdir()
    (tmp_path / "docs" / "guide.md").write_text("# A guide\n\n![a](img/my%20a.png)\n")
    (tmp_path / "docs" / "img" / "my a.png").write_bytes(png())
    (tmp_path / "photos" / "beach.png").write_bytes(png(90, 60))
    made, refused = read(tmp_path, held)
    assert not refused
    assert list(made) == ["x/docs/guide.md", "x/photos/beach.png"]
    (photo,) = made["x/photos/beach.png"].images
    assert held.files[photo.ref] == png(90, 60)
    assert (photo.width, photo.height) == (90, 60)
    assert [image.ref for image in made["x/docs/guide.md"].images] != [""]


def test_the_text_in_a_picture_is_read_where_a_reader_is_named(tmp_path: Path, held: Held) -> None:
    pytest.importorskip("rapidocr", reason="the extra ocr is not installed")
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (640, 120), "white")
    ImageDraw.Draw(image).text((30, 40), "Opening hours from nine to five", font=ImageFont.load_default(28), fill="black")
    image.save(tmp_path / "sign.png")
    source = FolderSource(str(tmp_path), label="x", experts={"ocr": "bundled:rapidocr"})
    (document,) = [d for i in source.inputs() for d in source.read(i, held)]
    assert [part.role for part in document.texts] == ["ocr"]
    assert document.text == "Opening hours from nine to five"
    assert document.meta["ocr"] == "bundled:rapidocr"


def test_a_build_of_a_mixed_folder_has_documents_and_reasons(tmp_path: Path) -> None:
    stuff = tmp_path / "stuff"
    stuff.mkdir()
    (stuff / "report.txt").write_bytes(one_page("A telescope of bottle glass"))
    (stuff / "sums.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    (stuff / "saved.zip").write_bytes(zipped({"a.html": page().encode(), "../../evil.html": page().encode(), "b.bin": b"\1\2\3"}))
    build(Plan(), str(tmp_path / "corpus"), sources=[FolderSource(str(stuff))])
    corpus = Corpus.open(tmp_path / "corpus")
    assert sorted(document.source for document in corpus) == ["stuff/report.txt", "stuff/saved.zip/a.html"]
    reasons = {row["input"]: row["message"] for table in corpus.rows("rejects") for row in table.to_pylist()}
    assert sorted(reasons) == ["stuff/saved.zip/../../evil.html", "stuff/saved.zip/b.bin", "stuff/sums.xls"]
    assert "leads out of the archive" in reasons["stuff/saved.zip/../../evil.html"]


@pytest.mark.parametrize("pack", ["bytes", "gzip", "bz2", "lzma", "zstd"])
def test_a_tar_is_one_however_it_is_compressed(tmp_path: Path, held: Held, pack: str) -> None:
    import bz2
    import lzma
    import tarfile

    import pyarrow

    packers = {"bytes": bytes, "gzip": gzip.compress, "bz2": bz2.compress, "lzma": lzma.compress}
    packers["zstd"] = lambda data: pyarrow.compress(data, codec="zstd", asbytes=True)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in (("noise.html", page(str(noise(200, 200))).encode()), ("a/b.html", page(title="Within").encode())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    (tmp_path / "some.file").write_bytes(packers[pack](out.getvalue()))
    made, refused = read(tmp_path, held)
    assert not refused
    assert list(made) == ["x/some.file/noise.html", "x/some.file/a/b.html"]
    assert made["x/some.file/a/b.html"].title == "Within"


def test_what_is_compressed_and_no_tar_is_told() -> None:
    import lzma

    assert recognise(bytes(1024)) == ""
    assert recognise(gzip.compress(b"plain words"), "words.gz") == "gzip"
    assert recognise(lzma.compress(b"plain words")) == "xz"
