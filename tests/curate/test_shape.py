"""Rules on the shape of documents."""

from __future__ import annotations

import pytest

from limner.curate.shape import PartLength, RequireImages, TextLength
from limner.document import Document, Image, Text

from .context import MemoryContext

PAGE = Document("d", (Text(0, "One two three."), Image(1, url="a.png"), Text(2, "Hm", "heading", 1), Text(3, "四五")))


@pytest.mark.parametrize(
    ("made", "dropped"),
    [
        (TextLength(), []),
        (TextLength(min_words=6), []),
        (TextLength(min_words=7), [(None, "few-words", 6)]),
        (TextLength(max_words=5), [(None, "many-words", 6)]),
        (TextLength(min_characters=19), [(None, "few-characters", 18)]),
        (TextLength(max_characters=17), [(None, "many-characters", 18)]),
        (PartLength(min_words=3), [(3, "few-words", 2)]),
        (PartLength(max_words=2), [(0, "many-words", 3)]),
        (RequireImages(), []),
        (RequireImages(least=2), [(None, "few-images", 1)]),
        (RequireImages(stored=True), [(None, "few-images", 0)]),
    ],
)
def test_each_limit_records_the_count(made, dropped):
    context = MemoryContext()
    left = list(made(PAGE, context))
    assert [(n, r.reason, r.value) for _, n, r in context.dropped] == dropped
    assert bool(left) == (not dropped or dropped[0][0] is not None)
