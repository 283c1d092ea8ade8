"""Folders and files: what is listed, how images are found, and that nothing outside the root is."""

from __future__ import annotations

import base64
import gzip
import os
import pickle
from pathlib import Path

import pytest

from limner.document import Document, document_id
from limner.errors import SourceError
from limner.sources.datasets import dataset
from limner.sources.files import FolderSource
from limner.sources.source import Source
from sources.site import Held, noise, page, png


def read(source: FolderSource, held: Held) -> dict[str, Document]:
    return {input.name: document for input in source.inputs() for document in source.read(input, held)}


def site_folder(root: Path) -> Path:
    (root / "docs" / "img").mkdir(parents=True)
    (root / "docs" / "img" / "a b.png").write_bytes(png())
    (root / "figure.png").write_bytes(png(60, 40, "blue"))
    (root / "docs" / "page.html").write_text(page('<img src="img/a%20b.png" alt=A><img src="/figure.png">'))
    (root / "index.html").write_text(page())
    return root


def test_inputs_are_the_pages_by_path_and_named_after_the_folder(tmp_path: Path) -> None:
    root = site_folder(tmp_path / "manual")
    (root / "docs" / "no-suffix").write_text(page())
    (root / "docs" / "code.py").write_text("print()")
    (root / "style.css").write_text("p { color: red }")
    (root / ".git").mkdir()
    (root / ".git" / "x.html").write_text(page())
    (root / "old.html.gz").write_bytes(gzip.compress(page().encode()))
    source = FolderSource(str(root))
    names = [input.name for input in source.inputs()]
    assert names == ["manual/docs/no-suffix", "manual/docs/page.html", "manual/index.html", "manual/old.html.gz"]
    assert names == [input.name for input in pickle.loads(pickle.dumps(source)).inputs()]
    assert isinstance(source, Source)


def test_a_page_has_its_images_and_an_id_from_its_name(tmp_path: Path, held: Held) -> None:
    documents = read(FolderSource(str(site_folder(tmp_path / "manual"))), held)
    document = documents["manual/docs/page.html"]
    assert document.id == document_id("manual/docs/page.html")
    assert document.source == "manual/docs/page.html"
    first, second = document.images
    assert (first.width, first.height, first.alt, first.url) == (40, 30, "A", "img/a%20b.png")
    assert held.files[first.ref] == png()
    assert held.files[second.ref] == png(60, 40, "blue")


def test_gzip_pages_read_like_others(tmp_path: Path, held: Held) -> None:
    (tmp_path / "a.html.gz").write_bytes(gzip.compress(page(title="Packed").encode()))
    assert [d.title for d in read(FolderSource(str(tmp_path)), held).values()] == ["Packed"]


def test_one_file_has_the_same_name_as_in_its_folder(tmp_path: Path, held: Held) -> None:
    root = site_folder(tmp_path / "manual")
    assert list(read(FolderSource(str(root / "index.html")), held)) == ["manual/index.html"]


def test_images_that_are_not_there_keep_their_url_made_absolute_where_the_page_says_from_what(tmp_path: Path, held: Held) -> None:
    (tmp_path / "a.html").write_text(page('<img src="gone.png" width=300 height=200>'))
    head = '<link rel=canonical href="https://example.org/en/b.html">'
    (tmp_path / "b.html").write_text(page('<img src="gone.png" width=300 height=200>', head))
    head = '<base href="https://example.org/base/">'
    (tmp_path / "c.html").write_text(page('<img src="gone.png" width=300 height=200>', head))
    a, b, c = read(FolderSource(str(tmp_path)), held).values()
    assert [d.images[0].url for d in (a, b, c)] == [
        "gone.png",
        "https://example.org/en/gone.png",
        "https://example.org/base/gone.png",
    ]
    assert not any(d.images[0].ref for d in (a, b, c))


def test_what_lies_here_wins_over_where_the_page_says_it_is_from(tmp_path: Path, held: Held) -> None:
    (tmp_path / "en" / "img").mkdir(parents=True)
    (tmp_path / "en" / "img" / "a.png").write_bytes(png())
    head = '<link rel=canonical href="https://example.org/en/a.html">'
    (tmp_path / "en" / "a.html").write_text(page('<img src="img/a.png"><img src="https://example.org/en/img/a.png">', head))
    (tmp_path / "en" / "b.html").write_text(page('<img src="a.png">', '<base href="img/">'))
    for document in read(FolderSource(str(tmp_path)), held).values():
        assert all(image.ref for image in document.images), document.images
        assert document.images


@pytest.mark.parametrize(
    "bad",
    [
        "../secret.png",
        "%2e%2e/secret.png",
        "..%2fsecret.png",
        "link/secret.png",
        "link.png",
        "ROOT",
        "file:ROOT",
        "..\\secret.png",
    ],
)
def test_no_image_leads_out_of_the_folder(tmp_path: Path, held: Held, bad: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    os.symlink(tmp_path, root / "link")
    os.symlink(tmp_path / "secret.png", root / "link.png")
    bad = bad.replace("file:ROOT", f"file://{tmp_path}/secret.png").replace("ROOT", f"{tmp_path}/secret.png")
    (root / "a.html").write_text(page(f'<img src="{bad}" width=200 height=200>'))
    (document,) = read(FolderSource(str(root)), held).values()
    assert [image.ref for image in document.images] == [""]
    assert not held.files


def test_a_linked_page_outside_is_no_input(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "out.html").write_text(page())
    os.symlink(tmp_path / "out.html", root / "out.html")
    os.symlink(tmp_path, root / "loop")
    assert list(FolderSource(str(root)).inputs()) == []


def test_what_is_no_page_raises_when_it_is_given(tmp_path: Path, held: Held) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 9)
    with pytest.raises(SourceError, match=r"a\.bin"):
        read(FolderSource(str(path)), held)
    with pytest.raises(SourceError, match="no such file"):
        FolderSource(str(tmp_path / "none"))


def test_sizes_are_bounded(tmp_path: Path, held: Held) -> None:
    (tmp_path / "big.png").write_bytes(png() + bytes(5000))
    (tmp_path / "a.html").write_text(page('<img src="big.png" width=99 height=99>'))
    (document,) = read(FolderSource(str(tmp_path), max_image=2000), held).values()
    assert not document.images[0].ref
    with pytest.raises(SourceError, match="at most 500 bytes"):
        read(FolderSource(str(tmp_path), max_page=500), held)
    (tmp_path / "a.html").unlink()
    (tmp_path / "bomb.html.gz").write_bytes(gzip.compress(b"<html>" + bytes(10_000_000)))
    with pytest.raises(SourceError, match="decompressed"):
        read(FolderSource(str(tmp_path), max_page=1_000_000), held)


def test_a_pipe_in_place_of_an_image_does_not_hang(tmp_path: Path, held: Held) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "a.html").write_text(page('<img src="a.png" width=99 height=99>'))
    (document,) = read(FolderSource(str(tmp_path)), held).values()
    assert not document.images[0].ref


def test_images_written_into_the_page_are_stored(tmp_path: Path, held: Held) -> None:
    picture = noise(70, 50)
    uri = "data:image/png;base64," + base64.b64encode(picture).decode()
    (tmp_path / "a.html").write_text(page(f'<img src="{uri}" alt=drawn>'))
    (document,) = read(FolderSource(str(tmp_path)), held).values()
    (image,) = document.images
    assert (image.url, image.width, image.height) == ("data:image/png;base64", 70, 50)
    assert held.files[image.ref] == picture


def test_names_that_are_not_unicode_are_read(tmp_path: Path, held: Held) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9.html", "w") as file:
        file.write(page(title="Coffee"))
    documents = read(FolderSource(str(tmp_path), label="menu"), held)
    assert [d.title for d in documents.values()] == ["Coffee"]
    assert list(documents) == ["menu/caf\ufffd.html"]


def test_every_image_of_the_sasview_pages_is_found(held: Held) -> None:
    found = dataset("sasview")
    if not found.here:
        pytest.skip("the data set sasview is not here: limner data get sasview")
    source = FolderSource(str(found.data), label="sasview")
    documents = read(source, held)
    images = [image for document in documents.values() for image in document.images]
    assert sum(name.endswith(".html") for name in documents) == 310
    assert sum(name.endswith(".pdf") for name in documents) == 10
    assert len(images) > 200
    assert all(image.ref and image.width for image in images)
