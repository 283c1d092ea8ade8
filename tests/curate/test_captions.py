"""Which texts beside images are taken for their captions, in many languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.curate.captions import CaptionDetection
from limner.document import Document, Image, Part, Text

from .context import MemoryContext


def captions(*parts: Part) -> dict[int, int]:
    """The n of every caption found, with the n it belongs to."""
    (document,) = CaptionDetection()(Document("d", parts), MemoryContext())
    assert [part.n for part in document.parts] == [part.n for part in parts]
    return {text.n: text.of for text in document.texts if text.role == "caption"}


@pytest.mark.parametrize(
    "text",
    [
        "Figure 3: The crop tool",
        "Figure 3. The crop tool in the toolbox.",
        "Figure 3 The crop tool",
        "FIG. 2.1 — Layers",
        "Fig.4 Layers",
        "Fig. 3a: Layers",
        "Figure A.2: Layers",
        "Figure IV. The old town",
        "**Figure 3:** Layers",
        "Figure 17.12",
        "Image: the toolbox",
        "Abbildung 5: Das Werkzeug",
        "Abb. 2.1 Das Zuschneidewerkzeug",
        "Figura 3.2. Herramienta",
        "Рис. 4. Инструмент",
        "Рисунок 12 — Слои",
        "図5 切り抜きツール",
        "図 3.2: レイヤー",
        "图3：图层",
        "그림 2. 레이어",
        "Εικόνα 3: Εργαλεία",
        "Şekil 2: Katmanlar",
        "Hình 4: Công cụ",
        "الشكل 3: الأدوات",
        "Photo: A. Person",
        "Photo by A. Person",
        "© 2020 A. Person",
        "Quelle: Statistisches Amt",
        "*The toolbox after a click*",
        "The toolbox",
    ],
)
def test_a_text_after_an_image_that_reads_as_a_caption(text):
    image = Image(1, url="a.png", alt="the toolbox")
    assert captions(Text(0, "Some prose."), image, Text(2, text), Text(3, "More prose.")) == {2: 1}


@pytest.mark.parametrize(
    "text",
    [
        "Figure 3 shows that the crop tool cuts.",
        "Figures are often used.",
        "Image processing is an art.",
        "Map of the world and other stories.",
        "Table of contents",
        "Table 3: not about an image",
        "As Figure 3: shows",
        "Abbildung 5 zeigt das Werkzeug.",
        "На рис. 4 показан инструмент",
        "Source code is read by people.",
        "*One* word in *emphasis*",
        "Figure 3: " + "a long text " * 60,
        "Photo: " + "a long text " * 20,
        "",
    ],
)
def test_prose_beside_an_image_stays(text):
    assert captions(Image(1, url="a.png", alt="the toolbox"), Text(2, text)) == {}


def test_only_neighbours_count():
    assert captions(Image(0, url="a.png"), Text(1, "Prose."), Text(2, "Figure 1: far away")) == {}


def test_headings_and_captions_are_left_alone():
    parts = Image(0, url="a.png"), Text(1, "Figure 1: a", role="caption", of=0), Text(2, "Figure 2: b")
    assert captions(*parts) == {1: 0}
    assert captions(Image(0, url="a.png"), Text(1, "Figure 1: a", role="heading")) == {}


def test_between_two_images_the_document_decides():
    below = [Image(0, url="a"), Text(1, "Figure 1: a"), Image(2, url="b"), Text(3, "Figure 2: b")]
    assert captions(*below) == {1: 0, 3: 2}
    above = [Text(0, "Figure 1: a"), Image(1, url="a"), Text(2, "Figure 2: b"), Image(3, url="b")]
    assert captions(*above) == {0: 1, 2: 3}


def test_a_table_has_its_caption_above():
    table = Text(1, "| a |\n|---|\n| 1 |", role="table")
    other = Text(3, "| b |\n|---|\n| 2 |", role="table")
    assert captions(Text(0, "Table 1: first"), table, Text(2, "Table 2. Second"), other) == {0: 1, 2: 3}
    assert captions(Text(0, "Tabelle 1: Werte"), table) == {0: 1}
    assert captions(Text(0, "Figure 1: no table"), table) == {}


def test_what_was_found_is_noted():
    context = MemoryContext()
    document = Document("d", (Image(4, url="a.png"), Text(7, "Figure 1: a")))
    (after,) = CaptionDetection()(document, context)
    ((name, n, reason),) = context.notes
    assert (name, n, reason.reason, reason.detail) == ("d", 7, "caption", "label of 4")
    assert after.captions(4)[0].text == "Figure 1: a"
    assert list(CaptionDetection()(after, context)) == [after]
    assert len(context.notes) == 1


parts = st.lists(
    st.one_of(
        st.tuples(st.just("image"), st.text(max_size=10)),
        st.tuples(st.sampled_from(["paragraph", "table"]), st.sampled_from(["Figure 1: a", "Table 2: b", "x", "Foto: y"])),
        st.tuples(st.just("paragraph"), st.text(max_size=60)),
    ),
    max_size=12,
)


@given(parts)
def test_each_part_gets_at_most_one_caption_and_no_text_changes(chosen):
    built = tuple(
        Image(i, url="u", alt=text) if kind == "image" else Text(i, text, role=kind) for i, (kind, text) in enumerate(chosen)
    )
    found = captions(*built)
    assert len(set(found.values())) == len(found)
    assert all(abs(n - of) == 1 for n, of in found.items())
