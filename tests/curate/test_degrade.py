"""Documents turned into pairs and into plain text."""

from __future__ import annotations

from limner.curate.degrade import Pairs, PlainText
from limner.document import Document, Image, Text, document_id

from .context import MemoryContext

PAGE = Document(
    "page",
    (
        Text(0, "Cropping", "heading", 1),
        Text(1, "Pick the crop tool."),
        Image(2, url="tool.png", alt="the tool in its box"),
        Text(4, "Figure 1. The crop tool", "caption", of=2),
        Image(5, url="frame.png", alt="a frame around a face"),
        Text(6, "Drag a frame."),
        Image(7, url="done.png"),
        Image(9, url="icon.png", alt="ok"),
    ),
    url="https://example.org/crop",
    language="en",
    meta={"license": "CC-BY"},
)


def test_each_image_takes_its_caption_then_its_alt_then_the_nearest_text():
    context = MemoryContext()
    pairs = list(Pairs()(PAGE, context))
    assert [(p.images[0].url, p.texts[0].text, p.meta["text"]) for p in pairs] == [
        ("tool.png", "Figure 1. The crop tool", "caption"),
        ("frame.png", "a frame around a face", "alt"),
        ("done.png", "Drag a frame.", "nearest"),
        ("icon.png", "Drag a frame.", "nearest"),
    ]
    assert context.dropped == []


def test_a_pair_knows_where_it_is_from_and_has_an_id_of_its_own():
    pair = next(iter(Pairs()(PAGE, MemoryContext())))
    assert (pair.id, pair.meta["of"], pair.meta["license"]) == (document_id("page", 2), "page", "CC-BY")
    assert (pair.url, pair.images[0].n, pair.texts[0].of) == (PAGE.url, 2, 2)
    assert len({p.id for p in Pairs()(PAGE, MemoryContext())}) == 4


def test_images_without_a_text_are_dropped_and_recorded():
    context = MemoryContext()
    pairs = list(Pairs(texts=("caption",))(PAGE, context))
    assert len(pairs) == 1
    assert [(n, r.reason) for _, n, r in context.dropped] == [(5, "no-text"), (7, "no-text"), (9, "no-text")]


def test_a_document_without_a_pair_goes():
    context = MemoryContext()
    assert list(Pairs()(Document("d", (Text(0, "No image here."),)), context)) == []
    assert context.dropped[0][2].reason == "no-pairs"


def test_plain_text_has_no_media_and_no_captions_of_them():
    context = MemoryContext()
    (left,) = PlainText()(PAGE, context)
    assert [p.n for p in left.parts] == [0, 1, 6]
    assert sorted(n for _, n, _ in context.dropped if n is not None) == [2, 4, 5, 7, 9]
    (left,) = PlainText(captions=True)(PAGE, context)
    assert [(p.n, p.role) for p in left.texts][2] == (4, "paragraph")
    assert list(PlainText()(Document("d", (Image(0, url="a.png"),)), context)) == []
