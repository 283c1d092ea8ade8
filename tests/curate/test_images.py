"""Rules on single images, on their number, and flat ones: one behaviour each, on real encodings."""

from __future__ import annotations

import io

import pytest
from PIL import Image as Pillow

from limner.corpus.probe import probe
from limner.curate.images import FlatImages, ImageCount, ImageRules
from limner.document import Document, Image, Text
from limner.errors import PlanError

from .context import MemoryContext


def drawn(format: str = "PNG", size: tuple[int, int] = (200, 100), flat: bool = False) -> bytes:
    image = Pillow.new("RGB", size, (40, 120, 200))
    if not flat:
        image.paste((250, 250, 10), (0, 0, size[0] // 2, size[1] // 3))
    with io.BytesIO() as file:
        image.save(file, format)
        return file.getvalue()


class Store(MemoryContext):
    """A memory context that knows files as the corpus does."""

    def put(self, data):
        info = probe(data)
        self.files[info.ref], self.infos[info.ref] = data, info
        return info


def judged(operator, *files: bytes, **fields) -> list[str]:
    """Why each of these images is dropped from a document that holds them; "" for those that stay."""
    context = Store()
    images = [Image(i, ref=context.put(data).ref, **fields) for i, data in enumerate(files)]
    return reasons(operator, context, *images)


def reasons(operator, context, *images: Image) -> list[str]:
    list(operator(Document("d", (*images, Text(99, "text"))), context))
    dropped = {n: reason.reason for _, n, reason in context.dropped}
    return [dropped.get(image.n, "") for image in images]


def test_formats():
    files = drawn("PNG"), drawn("GIF"), b'<svg xmlns="x" width="90" height="90"/>', b"%PDF-1.4"
    assert judged(ImageRules(), *files) == ["", "", "", "image-format"]
    assert judged(ImageRules(formats=("png",)), *files)[1:] == ["image-format"] * 3
    assert judged(ImageRules(formats=()), files[3]) == [""]
    with pytest.raises(PlanError, match="jpg"):
        ImageRules(formats=("jpg",))


def test_sizes_and_aspect():
    rules = ImageRules(min_width=50, min_height=50, max_width=500, max_height=500, max_aspect=3)
    sizes = [(200, 100), (49, 100), (100, 49), (501, 200), (200, 501), (301, 100), (300, 100), (100, 301)]
    expected = ["", "image-width", "image-height", "image-width", "image-height", "image-aspect", "", "image-aspect"]
    assert judged(rules, *(drawn(size=size) for size in sizes)) == expected


def test_the_value_and_the_threshold_are_recorded():
    context = Store()
    image = Image(3, ref=context.put(drawn(size=(40, 80))).ref)
    list(ImageRules()(Document("d", (image, Text(4, "x"))), context))
    ((_, n, reason),) = context.dropped
    assert (n, reason.value, reason.threshold) == (3, 40, 48)


def test_a_small_svg_stays():
    assert judged(ImageRules(), b'<svg xmlns="x" width="20" height="20"/>') == [""]


def test_an_image_that_is_not_stored_is_judged_by_what_the_page_says():
    images = [Image(0, url="a.png"), Image(1, url="a.png", width=10, height=10), Image(2, url="a.png", width=90)]
    assert reasons(ImageRules(), Store(), *images) == ["", "image-width", ""]
    assert reasons(ImageRules(not_stored="drop"), Store(), *images) == ["image-not-stored"] * 3


def test_bytes():
    assert judged(ImageRules(min_bytes=10_000), drawn()) == ["image-bytes"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://e.org/img/logo.png", "image-word"),
        ("https://e.org/img/company-logo_2.png", "image-word"),
        ("https://e.org/img/siteLogo.png", "image-word"),
        ("https://e.org/icons/crop.png", "image-word"),
        ("https://e.org/a%20banner.png", "image-word"),
        ("https://e.org/ads/1.png", "image-word"),
        ("https://e.org/logology.png", ""),
        ("https://e.org/lexicon.png", ""),
        ("https://e.org/uploads/1.png", ""),
        ("https://logo.example.org/photo.png", ""),
        ("images/photo.png?icon=1", ""),
        ("http://[broken/photo.png", ""),
        ("data:image/png;base64,iconlogo", ""),
        ("", ""),
    ],
)
def test_words_in_the_path_of_a_url(url, reason):
    assert judged(ImageRules(), drawn(), url=url) == [reason]


def test_alternative_text_and_data_uris():
    assert judged(ImageRules(need_alt=True), drawn(), alt=" ") == ["image-no-alt"]
    assert judged(ImageRules(need_alt=True), drawn(), alt="a") == [""]
    assert judged(ImageRules(alt_words=("advert",)), drawn(), alt="An Advert!") == ["image-alt-word"]
    assert judged(ImageRules(data_uris="drop"), drawn(), url="DATA:image/png,x") == ["image-data-uri"]


def test_the_caption_goes_with_its_image():
    context = Store()
    image, caption = Image(0, url="logo.png"), Text(1, "Our logo", role="caption", of=0)
    (left,) = ImageRules()(Document("d", (image, caption, Text(2, "x"))), context)
    assert [part.n for part in left] == [2]


def counted(operator, images: int, words: int = 100) -> str:
    context = MemoryContext()
    document = Document("d", (*(Image(i, url=f"{i}.png") for i in range(images)), Text(99, "word " * words)))
    kept = list(operator(document, context))
    assert bool(kept) != bool(context.dropped)
    return context.dropped[0][2].reason if context.dropped else ""


def test_the_number_of_images():
    assert [counted(ImageCount(), n) for n in (0, 1, 30, 31)] == ["few-images", "", "", "many-images"]


def test_the_share_of_text():
    assert counted(ImageCount(min_words=30), 3) == ""
    assert counted(ImageCount(min_words=34), 3) == "little-text-for-images"
    assert counted(ImageCount(max_words=33), 3) == "few-images-for-text"
    assert counted(ImageCount(min_images=0, min_words=10), 0) == ""


def test_flat_images_go():
    files = drawn(), drawn(flat=True), drawn("JPEG", flat=True), drawn()[:90], b"no image"
    assert judged(FlatImages(), *files) == ["", "flat-image", "flat-image", "image-undecodable", "image-undecodable"]
    assert judged(FlatImages(undecodable="keep"), *files)[3:] == ["", ""]


@pytest.mark.parametrize(("side", "reasons"), [(299, ["image-word"]), (300, [""])])
def test_a_large_image_stays_whatever_it_is_called(side, reasons):
    assert judged(ImageRules(), drawn(size=(side, 100)), url="img/p_and_s_buttons.png") == reasons
