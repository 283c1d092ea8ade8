"""What holds for every text operator: pure, its ledger complete, no part renumbered."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.curate import registry
from limner.document import Document, Image, Part, Text

from .context import MemoryContext

WORDS = ["the", "crop", "tool", "and", "das", "Bild", "porn", "buy", "a@b.de", "8.8.100.8", "#", "…", "{", "語", "42", "\n"]
TEXTS = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=80).map(" ".join),
    st.text(max_size=60),
    st.sampled_from(["", "Lorem ipsum.", "We use cookies.", "x" * 500]),
)
ROLES = st.sampled_from(["paragraph", "heading", "caption", "list", "quote", "code", "table", "ocr"])


@st.composite
def documents(draw: st.DrawFn) -> Document:
    ns = sorted(draw(st.sets(st.integers(0, 30), max_size=8)))
    parts: list[Part] = []
    for n in ns:
        if draw(st.booleans()):
            parts.append(Text(n, draw(TEXTS), draw(ROLES)))
        else:
            parts.append(Image(n, url="a.png", alt=draw(TEXTS)))
    url = draw(st.sampled_from(["", "https://example.org/a", "https://xxx.example/porn", "http://[bad"]))
    return Document(
        draw(st.sampled_from(["one", "two"])), tuple(parts), "s/x", url, language=draw(st.sampled_from(["", "en", "ja", "tlh"]))
    )


OPERATORS = [
    *(registry.operator(name) for name in ("url-rules", "language", "quality", "paragraph-quality", "repetition", "c4-rules")),
    *(registry.operator(name) for name in ("flagged-words", "pii", "plain-text", "sample", "text-length", "part-length")),
    registry.operator("require-images"),
    registry.operator("quality", preset="obelics"),
    registry.operator("quality", preset="gopher"),
    registry.operator("quality", preset="fineweb"),
    registry.operator("paragraph-quality", preset="obelics"),
    registry.operator("repetition", preset="gopher"),
    registry.operator("language", keep=["en", "ja"], tag_parts=True, min_letters=5),
    registry.operator("flagged-words", level="paragraph", max_count=0),
    registry.operator("pii", kinds=["email", "phone", "ip", "iban", "card"]),
]


@pytest.mark.parametrize("made", OPERATORS, ids=lambda made: type(made).__name__)
@given(document=documents())
@settings(max_examples=60, deadline=None)
def test_a_text_operator_is_pure_and_its_ledger_complete(made, document: Document):
    context, again = MemoryContext(), MemoryContext()
    left = list(made(document, context))
    assert list(pickle.loads(pickle.dumps(made))(document, again)) == left
    assert (again.dropped, again.notes) == (context.dropped, context.notes)

    assert len(left) <= 1
    whole = [entry for entry in context.dropped if entry[1] is None]
    gone = [entry[1] for entry in context.dropped if entry[1] is not None]
    assert len(whole) == 1 - len(left)
    assert len(set(gone)) == len(gone)
    if left:
        before, after = [part.n for part in document.parts], [part.n for part in left[0].parts]
        assert after == [n for n in before if n not in gone]
        assert left[0].id == document.id
        changed = {n for n in after if left[0].part(n) != document.part(n)}
        assert changed == {n for _, n, _ in context.notes if n is not None}
