"""Paragraphs, images, sets of images and addresses that come again."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from limner.curate.duplicate_images import DuplicateImages, RepeatedImages, groups_of
from limner.curate.duplicate_paragraphs import DuplicateParagraphs, RepeatedParagraphs
from limner.curate.duplicate_sets import DuplicateSets, DuplicateUrls, canonical
from limner.document import Document, Image, Text

from .context import MemoryContext, apply, sign

NOTICE = "All rights reserved by the people who wrote this page in 2019."


def document(name: str, *texts: str) -> Document:
    return Document(name, tuple(Text(i, text) for i, text in enumerate(texts)))


def test_a_paragraph_repeated_in_a_document_stays_once():
    context = MemoryContext()
    texts = document("d", "See the crop tool.", "More.", "see the CROP-tool", "More.", "Other words are here.")
    (left,) = RepeatedParagraphs()(texts, context)
    assert [part.n for part in left] == [0, 1, 3, 4]
    assert [(n, r.reason, r.detail) for _, n, r in context.dropped] == [(2, "repeated-paragraph", "0")]


def test_other_roles_are_not_judged():
    parts = (Text(0, "one two three", role="code"), Text(1, "one two three", role="code"))
    assert list(RepeatedParagraphs()(Document("d", parts), MemoryContext())) == [Document("d", parts)]


def test_a_paragraph_of_earlier_documents_goes(tmp_path):
    documents = [document("a", "A first page.", NOTICE), document("b", NOTICE.upper()), document("c", "x", NOTICE, NOTICE)]
    left, context = apply(DuplicateParagraphs(), documents, tmp_path)
    assert [(d.id, [part.n for part in d]) for d in left] == [("a", [0, 1]), ("c", [0])]
    reasons = {r for _, _, r in context.dropped if r.reason == "duplicate-paragraph"}
    assert {(r.value, r.threshold, r.detail) for r in reasons} == {(4, 1, "a")}


@pytest.mark.parametrize(("most", "stays"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_the_first_most_paragraphs_stay(tmp_path, most, stays):
    documents = [document(str(i), NOTICE) for i in range(3)]
    assert [d.id for d in apply(DuplicateParagraphs(most=most), documents, tmp_path)[0]] == ["0", "1", "2"][:stays]


def test_short_paragraphs_stay(tmp_path):
    documents = [document("a", "See also:"), document("b", "See also:")]
    assert apply(DuplicateParagraphs(), documents, tmp_path)[0] == documents


def drawn(seed: int, format: str = "PNG", **options) -> bytes:
    """A smooth random image: eight by eight random colours, scaled up."""
    colours = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    with io.BytesIO() as file:
        Pillow.fromarray(colours).resize((96, 96), Pillow.Resampling.BICUBIC).save(file, format, **options)
        return file.getvalue()


def with_images(name: str, context: MemoryContext, *files: bytes) -> Document:
    images = tuple(Image(i, ref=context.put(data).ref) for i, data in enumerate(files))
    return Document(name, (*images, Text(100, "text")))


def test_an_image_repeated_in_a_document_stays_once():
    context = MemoryContext()
    copy = drawn(1, "JPEG", quality=80)
    (left,) = RepeatedImages()(with_images("d", context, drawn(1), drawn(2), drawn(1), copy), context)
    assert [image.n for image in left.images] == [0, 1, 3]
    (left,) = RepeatedImages(distance=4)(with_images("d", context, drawn(1), drawn(2), drawn(1), copy), context)
    assert [image.n for image in left.images] == [0, 1]
    assert context.dropped[-1][2].reason == "repeated-image"
    assert context.dropped[-1][2].detail == "0"


def test_unstored_images_go_by_their_url_and_nameless_ones_stay():
    parts = (Image(0, url="a"), Image(1, url="a"), Image(2), Image(3), Image(4, url="b"))
    (left,) = RepeatedImages(distance=4)(Document("d", parts), MemoryContext())
    assert [image.n for image in left.images] == [0, 2, 3, 4]


def decided(operator, documents, context, folder) -> list[tuple[int, int]]:
    signatures = sign(operator, documents, folder, context)
    return sorted((verdict.order, verdict.part) for verdict in operator.decide(signatures))


def test_an_image_that_stands_too_often_goes_everywhere(tmp_path):
    context = MemoryContext()
    documents = [with_images(str(i), context, drawn(0), drawn(10 + i)) for i in range(4)]
    assert decided(DuplicateImages(most=4), documents, context, tmp_path) == []
    assert decided(DuplicateImages(most=3), documents, context, tmp_path) == [(i, 0) for i in range(4)]
    assert decided(DuplicateImages(most=3, keep=1), documents, context, tmp_path) == [(i, 0) for i in range(1, 4)]
    signatures = sign(DuplicateImages(most=3), documents, tmp_path, context)
    assert {v.reason for v in DuplicateImages(most=3).decide(signatures)} == {("duplicate-image", 4, 3, "0")}


def test_copies_that_look_alike_count_together(tmp_path):
    context = MemoryContext()
    files = [drawn(0), drawn(0, "JPEG", quality=85), drawn(0, "WEBP", quality=70)]
    documents = [with_images(str(i), context, data, drawn(10 + i)) for i, data in enumerate(files)]
    assert decided(DuplicateImages(most=1), documents, context, tmp_path) == []
    assert decided(DuplicateImages(most=1, keep=1, distance=4), documents, context, tmp_path) == [(1, 0), (2, 0)]


def test_flat_images_count_by_their_bytes_alone(tmp_path):
    context = MemoryContext()
    flat = []
    for colour in ("red", "blue", "blue"):
        with io.BytesIO() as file:
            Pillow.new("RGB", (50, 50), colour).save(file, "PNG")
            flat.append(file.getvalue())
    documents = [with_images(str(i), context, data) for i, data in enumerate(flat)]
    assert decided(DuplicateImages(most=1, distance=4), documents, context, tmp_path) == [(1, 0), (2, 0)]


def test_unstored_images_count_by_their_url(tmp_path):
    documents = [Document(str(i), (Image(0, url="http://e.org/x.png"), Text(1, "t"))) for i in range(3)]
    assert len(decided(DuplicateImages(most=2), documents, MemoryContext(), tmp_path)) == 3


def test_the_same_set_of_images_in_any_order(tmp_path):
    def page(name: str, *urls: str) -> Document:
        return Document(name, (*(Image(i, url=url) for i, url in enumerate(urls)), Text(50, name)))

    documents = [page("a", "1", "2"), page("b", "2", "1", "1"), page("c", "1"), page("d", "1"), page("e", "1", "2", "3")]
    left, context = apply(DuplicateSets(), documents, tmp_path)
    assert [d.id for d in left] == ["a", "c", "d", "e"]
    assert context.dropped[0][2] == ("duplicate-image-set", 2, 2, "a")


@pytest.mark.parametrize(("keep", "expected"), [("first", "a"), ("last", "c"), ("latest", "b")])
def test_one_document_of_each_address(tmp_path, keep, expected):
    pages = {"a": ("http://e.org/x", "2020-01-01"), "b": ("https://www.e.org/x/", "2022-05-05"), "c": ("https://E.org/x#y", "")}
    documents = [Document(n, (Text(0, n),), url=url, meta={"date": date}) for n, (url, date) in pages.items()]
    documents.append(Document("d", (Text(0, "d"),), url="https://e.org/other"))
    documents.append(Document("e", (Text(0, "e"),), source="folder/page.html"))
    documents.append(Document("f", (Text(0, "f"),), source="folder/page.html"))
    left, context = apply(DuplicateUrls(keep=keep), documents, tmp_path)
    assert [d.id for d in left] == [expected, "d", "e", "f"]
    assert {r.detail for _, _, r in context.dropped} == {expected}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.org", "example.org"),
        ("http://example.org:8080/a?", "example.org:8080/a"),
        ("https://example.org/a%7Eb/?z=1&a=&fbclid=3", "example.org/a~b?a=&z=1"),
        ("https://example.org/?id=2", "example.org?id=2"),
        ("ftp://example.org/a", ""),
        ("folder/a.html", ""),
        ("http://[bad", ""),
        ("http://e.org:99999/", ""),
    ],
)
def test_canonical_addresses(url, expected):
    assert canonical(url) == expected


@given(st.text())
def test_any_text_is_taken_for_an_address(text):
    canonical(text)
    found = canonical("http://example.org/" + text)
    assert found in ("", canonical("https://" + found)) or "?" in found or "#" in text or "%" in found


def test_images_are_counted_apart_for_each_language(tmp_path):
    def shown(name: str, language: str) -> Document:
        return Document(name, (Image(0, ref="a" * 64), Text(1, name)), language=language)

    pages = [shown(f"{language}{i}", language) for language, many in (("de", 2), ("fr", 3)) for i in range(many)]
    left, _ = apply(DuplicateImages(most=2, within="language"), pages, tmp_path / "apart")
    assert [len(document.images) for document in left] == [1, 1, 0, 0, 0]
    left, _ = apply(DuplicateImages(most=2), pages, tmp_path / "together")
    assert [len(document.images) for document in left] == [0] * 5


def tinted(data: bytes, factor: float) -> bytes:
    """The same picture with its colours swapped round as far as the factor says; its brightness hardly changes."""
    with Pillow.open(io.BytesIO(data)) as image, io.BytesIO() as file:
        grey = image.convert("L").convert("RGB")
        Pillow.blend(image.convert("RGB"), grey, factor).save(file, "PNG")
        return file.getvalue()


def test_pictures_with_one_hash_and_other_colours_are_told_apart_where_asked(tmp_path):
    context = MemoryContext()
    colour = drawn(5)
    grey, same = tinted(colour, 1.0), drawn(5, "JPEG", quality=90)
    page = with_images("d", context, colour, grey, same)
    (left,) = RepeatedImages(distance=4)(page, context)
    assert [image.n for image in left.images] == [0]
    (left,) = RepeatedImages(distance=4, apart=12)(page, context)
    assert [image.n for image in left.images] == [0, 1]
    documents = [with_images(str(i), context, data) for i, data in enumerate((colour, grey, same, grey))]
    alone = DuplicateImages(most=2, distance=4)
    assert decided(alone, documents, context, tmp_path / "all") == [(0, 0), (1, 0), (2, 0), (3, 0)]
    apart = DuplicateImages(most=1, keep=1, distance=4, apart=12)
    assert decided(apart, documents, context, tmp_path / "apart") == [(2, 0), (3, 0)]


def test_groups_do_not_depend_on_how_many_share_a_hash():
    # 100 looks with one hash, in two colours that are far apart, and one near hash that joins neither.
    grids = [bytes([10 * (i % 2)] * 768) for i in range(100)] + [bytes([200] * 768)]
    hashes = np.array([7] * 100 + [4], np.uint64)
    order = np.argsort(hashes, kind="stable")
    roots = groups_of(hashes[order], [grids[i] for i in order], 4, 5)
    assert len(set(roots)) == 3
    assert len(set(groups_of(hashes[order], [grids[i] for i in order], 4, 255))) == 1
    assert groups_of(np.empty(0, np.uint64), [], 4, 5) == []


@pytest.mark.parametrize("given", [{"apart": 5}, {"distance": 4, "apart": 256}, {"distance": 4, "apart": -1}])
def test_a_check_of_colours_needs_a_distance_and_a_level(given):
    with pytest.raises(ValueError, match="apart"):
        DuplicateImages(**given)


def test_the_latest_document_of_a_set_of_images_stays_where_asked(tmp_path):
    context = MemoryContext()
    dates = {"a": "2020-01-01", "b": "2024-05-05", "c": ""}
    documents = [with_images(name, context, drawn(1), drawn(2)).evolve(meta={"date": date}) for name, date in dates.items()]
    left, _ = apply(DuplicateSets(keep="latest"), documents, tmp_path)
    assert [d.id for d in left] == ["b"]
