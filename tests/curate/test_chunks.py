"""Documents cut into chunks: nothing is lost, nothing is twice, and no chunk crosses a section."""

from __future__ import annotations

from hypothesis import given

from limner.curate.chunks import PROSE, chunks
from limner.document import Document, Image, Text
from strategies import documents


@given(documents())
def test_every_paragraph_and_every_picture_is_in_one_chunk(document):
    cut = chunks(document, words=5)
    found = [n for chunk in cut for n in chunk.n]
    alone = [p.n for p in document.parts if isinstance(p, Text) and p.role in PROSE and p.of is None and p.text.strip()]
    shown = [p.n for p in document.parts if isinstance(p, Image) or (isinstance(p, Text) and p.role == "table")]
    assert sorted(n for n in found if n in set(alone)) == sorted(alone)
    assert sorted(chunk.n[0] for chunk in cut if chunk.kind != "text") == sorted(shown)


def test_a_chunk_ends_with_its_section_or_when_it_is_long():
    parts = (
        Text(0, "One", "heading", 1), Text(1, "a b c"), Text(2, "d e f"), Text(3, "g"), Text(4, "Two", "heading", 1), Text(5, "h"),
        Text(6, "| x |\n| --- |", "table"), Text(7, "Table 1: Letters.", "caption", of=6),
    )  # fmt: skip
    cut = chunks(Document("d", parts), words=6)
    assert [(c.kind, c.section, c.n) for c in cut] == [
        ("text", "One", (1, 2)),
        ("text", "One", (3,)),
        ("text", "Two", (5,)),
        ("table", "Two", (6, 7)),
    ]
