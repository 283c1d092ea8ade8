"""Any document there can be, for properties of whatever reads or writes documents.

`documents()` draws text with any character but lone surrogates (which no store holds), every role and kind of part,
images with and without stored bytes, and ids of any kind. The bytes behind its refs are `MEDIA`. Ask for less where a
format holds less: `documents(kinds=("text", "image"), roles=("paragraph",))`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from PIL import Image as Pillow

from limner.corpus.media import sha256
from limner.document import ROLES, Audio, Document, Image, Mesh, Part, Text, Video

INT32 = 2**31 - 1
KINDS = ("text", "image", "audio", "video", "mesh")

characters = st.characters(exclude_categories=["Cs"])
strings = st.text(characters, max_size=24)
# What goes wrong more often than chance would find it.
awkward = st.sampled_from(
    ["", " ", "\n", "a\n\nb", "\x00", "\u2028", "<image>", "<script>alert(1)</script>", "# x", "- x", "1. x", "```", "$$", "---",
     "| a | b |\n| --- | --- |\n| 1 | 2 |", "\U0001f600", "שלום", "e\u0301", "../../etc/passwd", "a\rb", "\ufeff", "&amp;", "*x*"]
)  # fmt: skip
texts = strings | awkward
addresses = (
    st.just("")
    | st.sampled_from(["https://example.org/a.png", "http://example.org/ä b?c=d#e", "img/a (1).png", "../up.gif"])
    | strings
)
seconds = st.floats(0, 1e9)
spans = st.tuples(seconds, seconds).map(lambda s: (s[0], s[0] + s[1])) | seconds.map(lambda s: (s, 0.0))


def _files() -> dict[str, bytes]:
    found: list[bytes] = []
    for i, kind in enumerate(("PNG", "JPEG", "GIF", "WEBP", "BMP")):
        with io.BytesIO() as file:
            Pillow.new("RGB", (3 + i, 2), (40 * i, 90, 200)).save(file, kind)
            found.append(file.getvalue())
    found.append(b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="4"><rect width="9" height="4"/></svg>')
    found.append(b"OggS" + bytes(60))
    found.append(b"bytes of no kind that is known")
    return {sha256(data): data for data in found}


MEDIA: dict[str, bytes] = _files()
"""The bytes of every ref that `documents` draws, but one that is stored nowhere: images of six kinds, a sound, something."""

IMAGES = tuple(ref for ref, data in MEDIA.items() if not data.startswith((b"OggS", b"bytes")))
MISSING = sha256(b"stored nowhere")


@st.composite
def parts(draw: st.DrawFn, n: int, kinds: Sequence[str] = KINDS, roles: Sequence[str] = tuple(sorted(ROLES))) -> Part:
    """Any part with that ordinal."""
    kind = draw(st.sampled_from(kinds))
    place = draw(st.just("") | strings)
    if kind == "text":
        of = draw(st.none() | st.integers(0, 40).filter(lambda i: i != n))
        return Text(n, draw(texts), draw(st.sampled_from(roles)), draw(st.integers(0, 6)), draw(st.just("") | strings), place, of)  # type: ignore[arg-type]
    url = draw(addresses)
    if kind == "image":
        ref = draw(st.sampled_from(["", MISSING, *IMAGES]))
        width, height = draw(st.tuples(st.integers(0, INT32), st.integers(0, INT32)))
        return Image(n, ref, url, draw(texts), width, height, place)
    ref = draw(st.sampled_from(["", MISSING, *MEDIA]))
    if kind == "mesh":
        return Mesh(n, ref, url, place)
    start, end = draw(spans)
    return Audio(n, ref, url, start, end, place) if kind == "audio" else Video(n, ref, url, start, end, place)


@st.composite
def documents(
    draw: st.DrawFn, max_parts: int = 6, kinds: Sequence[str] = KINDS, roles: Sequence[str] = tuple(sorted(ROLES))
) -> Document:
    """Any document."""
    ns = draw(st.lists(st.integers(0, 200) | st.just(INT32), max_size=max_parts, unique=True))
    return Document(
        id=draw((strings | awkward).filter(bool)),
        parts=tuple(draw(parts(n, kinds, roles)) for n in ns),
        source=draw(addresses),
        url=draw(addresses),
        title=draw(texts),
        language=draw(st.sampled_from(["", "en", "zh-Hant", '"><b>'])),
        meta=draw(st.dictionaries(texts, texts, max_size=3)),
    )


def lists_of_documents(max_size: int = 6, **settings: Any) -> st.SearchStrategy[list[Document]]:
    """Documents whose ids differ."""
    return st.lists(documents(**settings), max_size=max_size, unique_by=lambda d: d.id)


def stored_of(document: Document) -> dict[str, bytes]:
    """The bytes that the parts of a document refer to."""
    return {part.ref: MEDIA[part.ref] for part in document.parts if not isinstance(part, Text) and part.ref in MEDIA}
