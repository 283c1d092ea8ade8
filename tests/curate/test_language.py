"""The language of documents."""

from __future__ import annotations

import pytest

from limner.curate.language import LanguageFilter
from limner.document import Document, Text
from limner.errors import PlanError

from .context import MemoryContext

TEXTS = {
    "en": "The crop tool cuts off what stands around the part of an image that you want to keep.",
    "de": "Das Werkzeug schneidet alles ab, was um den Teil eines Bildes steht, den Sie behalten möchten.",
    "fr": "L'outil coupe tout ce qui se trouve autour de la partie de l'image que vous voulez garder.",
    "ja": "このツールは画像の不要な部分を切り取るために使います。すべてのレイヤーに適用されます。",
    "ru": "Инструмент обрезает всё, что находится вокруг той части изображения, которую вы хотите сохранить.",
}


def run(made: LanguageFilter, *texts: str, language: str = "", role: str = "paragraph"):
    context = MemoryContext()
    document = Document("d", tuple(Text(i, t, role) for i, t in enumerate(texts)), language=language)  # type: ignore[arg-type]
    return next(iter(made(document, context)), None), context


@pytest.mark.parametrize(("code", "text"), TEXTS.items())
def test_the_language_is_found_and_written(code: str, text: str):
    document, context = run(LanguageFilter(), text)
    assert document is not None
    assert document.language == code
    assert context.dropped == context.notes == []


def test_only_languages_to_keep_are_kept():
    assert run(LanguageFilter(keep=("de", "fr")), TEXTS["de"])[0] is not None
    left, context = run(LanguageFilter(keep=("de", "fr")), TEXTS["ru"])
    assert left is None
    assert context.dropped[0][2].reason == "language"
    assert context.dropped[0][2].detail == "ru"


def test_a_region_is_not_lost_and_a_wrong_tag_is_corrected_with_a_note():
    document, context = run(LanguageFilter(), TEXTS["de"], language="de-AT")
    assert document is not None
    assert document.language == "de-AT"
    document, context = run(LanguageFilter(), TEXTS["de"], language="en")
    assert document is not None
    assert document.language == "de"
    assert context.notes[0][2].reason == "language-changed"
    assert context.notes[0][2].detail == "en to de"


def test_short_text_keeps_what_its_page_says():
    document, _ = run(LanguageFilter(), "OK", language="fi")
    assert document is not None
    assert document.language == "fi"
    assert run(LanguageFilter(keep=("de",)), "OK")[0] is not None
    left, context = run(LanguageFilter(short="drop"), "OK")
    assert left is None
    assert context.dropped[0][2].reason == "language-unknown"
    assert run(LanguageFilter(keep=("de",)), "OK", language="fi")[0] is None


def test_code_says_nothing_of_the_language_where_there_is_prose():
    document, _ = run(LanguageFilter(), TEXTS["de"])
    context = MemoryContext()
    code = Text(0, "for item in the_list_of_all_the_things: print(item.name, item.value) # and so on\n" * 20, "code")
    (found,) = LanguageFilter()(Document("d", (code, Text(1, TEXTS["de"]))), context)
    assert document is not None
    assert found.language == document.language == "de"


def test_candidates_are_the_only_answers():
    document, _ = run(LanguageFilter(candidates=("en", "fr")), TEXTS["de"])
    assert document is not None
    assert document.language in ("en", "fr")
    with pytest.raises(PlanError, match="xx"):
        run(LanguageFilter(candidates=("xx",)), TEXTS["de"])


def test_paragraphs_in_another_language_are_tagged():
    document, context = run(LanguageFilter(tag_parts=True), TEXTS["de"] * 3, TEXTS["fr"] * 2)
    assert document is not None
    assert (document.language, [t.language for t in document.texts]) == ("de", ["", "fr"])
    assert [(n, r.reason) for _, n, r in context.notes] == [(1, "language-tagged")]
