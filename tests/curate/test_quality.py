"""Rules on the quality of text, of documents and of paragraphs."""

from __future__ import annotations

import pytest

from limner.curate import registry
from limner.curate.c4 import C4Rules
from limner.curate.identify import other_language
from limner.curate.quality import ParagraphQuality, Quality
from limner.curate.repetition import Repetition
from limner.document import Document, Image, Text

from .context import MemoryContext

PROSE = (
    "The crop tool is used to cut off what stands around the part of an image that you want to keep. It works on all "
    "layers, unless you ask it to work on the active one only. Click and drag, then move the handles until the frame "
    "is where it should be; a double click inside the frame cuts the image. If you change your mind, press the escape "
    "key, and nothing will have happened to your picture."
)
GERMAN = (
    "Das Werkzeug dient dazu, alles abzuschneiden, was um den Teil eines Bildes steht, den Sie behalten möchten. Es "
    "wirkt auf alle Ebenen, sofern Sie nicht nur die aktive wählen. Ziehen Sie mit der Maus, und verschieben Sie dann "
    "die Griffe, bis der Rahmen dort ist, wo er sein soll; ein Doppelklick im Rahmen schneidet das Bild zu. Wenn Sie "
    "es sich anders überlegen, drücken Sie die Taste Esc, und es wird mit Ihrem Bild nichts geschehen sein."
)


def page(*texts: str, language: str = "en", role: str = "paragraph") -> Document:
    return Document("d", tuple(Text(i, t, role) for i, t in enumerate(texts)), language=language)  # type: ignore[arg-type]


def reasons(op, document: Document) -> list[tuple[int | None, str]]:
    context = MemoryContext()
    list(op(document, context))
    return [(n, reason.reason) for _, n, reason in context.dropped]


@pytest.mark.parametrize("made", [Quality(), Quality.obelics(), Quality.gopher(), Quality.fineweb()])
def test_running_text_is_kept_by_every_preset(made: Quality):
    assert reasons(made, page(PROSE)) == []


@pytest.mark.parametrize("made", [Quality(), Quality.obelics(), Quality.gopher()])
def test_thresholds_hold_for_german_as_for_english(made: Quality):
    assert reasons(made, page(GERMAN, language="de")) == []


@pytest.mark.parametrize(
    ("made", "text", "reason"),
    [
        (Quality(), "Only four words here", "few-words"),
        (Quality.obelics(), "word " * 2_001, "many-words"),
        (Quality.gopher(), PROSE.replace(" ", " # "), "symbols"),
        (Quality.gopher(), "the and of to " + "incomprehensibilities " * 60, "word-length"),
        (Quality.gopher(), "\n".join(f"- the {w} and that" for w in PROSE.split()), "bullet-lines"),
        (Quality.gopher(), "the and of a page that goes on …\n" * 2 + PROSE, "ellipsis-lines"),
        (Quality.gopher(), PROSE + " 12" * 60, "alphabetic-words"),
        (Quality.gopher(), " ".join(f"Name{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(80)), "stop-words"),
        (Quality.obelics(), " ".join(f"Name{chr(97 + i % 26)}{chr(97 + i // 26)}," for i in range(80)), "stop-words"),
        (Quality.obelics(), PROSE + " 1234567890" * 15, "special-characters"),
        (Quality.obelics(), PROSE.replace(",", "").replace(".", "").replace(";", ""), "punctuation"),
        (Quality.obelics(), PROSE + " porn xxx sluts!", "flagged-words"),
        (Quality.obelics(), PROSE + " buy, shop, sale, coupon, discount, offer, deals, subscribe now:" * 3, "spam-words"),
        (Quality.obelics(), PROSE + " Click here to read more of the same." * 6, "character-repetition"),
        (Quality.fineweb(), "\n".join(PROSE.split()), "terminal-lines"),
        (Quality.fineweb(), "\n".join(w + "." for w in PROSE.split()), "short-lines"),
        (Quality.fineweb(), PROSE + "\n" + PROSE, "duplicate-lines"),
    ],
)
def test_each_rule_drops_what_it_is_for(made: Quality, text: str, reason: str):
    assert reasons(made, page(text)) == [(None, reason)]


def test_the_reason_has_the_value_and_the_limit():
    context = MemoryContext()
    list(Quality(min_words=10)(page("Only four words here"), context))
    assert context.dropped[0][2][1:3] == (4, 10)


def test_code_tables_and_headings_count_for_length_but_not_as_prose():
    code = "for (int i = 0; i < n; i++) { sum += values[i]; }\n" * 20
    parts = (Text(0, PROSE), Text(1, code, "code"), Text(2, "| 1 | 2 |\n" * 40, "table"))
    assert reasons(Quality(), Document("d", parts, language="en")) == []
    assert reasons(Quality(), Document("d", parts[1:], language="en")) == []


def test_a_signature_is_not_judged_as_prose():
    signature = "resize(self, width: int = 640, height: int = 480, *, filter: Filter = Filter.LANCZOS, box=None,"
    signature += " mode: Mode, gamma: float, depth: int, dither: bool = False) -> Image"
    assert reasons(ParagraphQuality(), page(PROSE, signature)) == []
    assert reasons(ParagraphQuality(exempt_code=False), page(PROSE, signature)) == [(1, "stop-words")]


def test_a_paragraph_in_another_language_stays_unless_told_otherwise():
    assert reasons(ParagraphQuality(), page(PROSE, GERMAN)) == []
    assert reasons(ParagraphQuality.obelics(), page(PROSE, GERMAN)) == [(1, "stop-words")]


def test_short_paragraphs_are_dropped_by_obelics_and_headings_are_not():
    document = Document("d", (Text(0, "Share this"), Text(1, "Cropping", "heading", 1), Text(2, PROSE)), language="en")
    assert reasons(ParagraphQuality.obelics(), document) == [(0, "few-words")]


def test_the_caption_of_nothing_dropped_stays():
    document = Document("d", (Image(0, url="a.png"), Text(1, "Figure 3", "caption", of=0), Text(2, PROSE)), language="en")
    assert reasons(ParagraphQuality.obelics(), document) == []


def test_common_words_come_from_a_file(tmp_path):
    listed = tmp_path / "common.txt"
    listed.write_text("# the words of the page\n" + "\n".join(PROSE.lower().replace(",", "").replace(".", "").split()))
    made = Quality.obelics(common_words=str(listed))
    assert reasons(made, page(PROSE)) == []
    assert reasons(made, page(PROSE + " Quux, frobnicate, xyzzy, plugh, grault, waldo, thud, fred and barney.")) == [
        (None, "common-words")
    ]


def test_japanese_is_counted_by_characters():
    text = "このツールは画像の不要な部分を切り取るために使います。すべてのレイヤーに適用されます。" * 1
    assert reasons(Quality(min_measured=10), page(text, language="ja")) == []
    assert reasons(Quality(min_words=100), page(text, language="ja")) == [(None, "few-words")]


def test_repetition_keeps_prose_and_drops_a_page_that_says_the_same_again():
    assert reasons(Repetition.gopher(), page(PROSE, GERMAN)) == []
    assert reasons(Repetition(), page(PROSE, PROSE, PROSE)) == [(None, "duplicate-paragraphs")]
    lines = "\n".join([*PROSE.split(". "), *["The same line stands here again."] * 5])
    assert reasons(Repetition.gopher(), page(lines)) == [(None, "duplicate-lines")]
    # The same long phrase in sentences that differ.
    phrase = "to the left of the toolbox in the main window of the program"
    assert reasons(Repetition(), page(" ".join(f"{w} {phrase}." for w in ["One", "Two", "Six", "Ten", "Red", "Old"]))) == [
        (None, "top-4-gram")
    ]


def test_c4_keeps_sentences_only():
    other = "It does what it says. It is fast. It is small. And it is free!"
    document = page(PROSE, other, "Read more", "Please enable JavaScript to view this page.", "We use cookies on this site.")
    assert reasons(C4Rules(), document) == [(2, "no-sentence-end"), (3, "javascript"), (4, "policy")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PROSE + " Lorem ipsum dolor sit amet.", "lorem-ipsum"),
        (PROSE + " { color: red }", "curly-bracket"),
        ("One sentence only.", "few-sentences"),
    ],
)
def test_c4_drops_pages_that_are_no_prose(text: str, reason: str):
    assert reasons(C4Rules(), page(text)) == [(None, reason)]


def test_every_preset_is_named_in_the_registry():
    assert registry.operator("quality", preset="obelics") == Quality.obelics()
    assert registry.operator("paragraph-quality", preset="obelics") == ParagraphQuality.obelics()
    assert registry.operator("repetition", preset="gopher") == Repetition.gopher()


VIETNAMESE = (
    "Việc phân vùng ổ đĩa là một bước không thể thiếu trong quá trình cài đặt, gồm việc chia không gian có sẵn trên ổ cứng dựa "
    "trên dữ liệu được lưu trữ và mục đích sử dụng của máy tính. Bước này cũng bao gồm việc chọn hệ thống tập tin sẽ được dùng."
)
INDONESIAN = (
    "Pembagian partisi adalah langkah yang sangat diperlukan dalam instalasi, yang terdiri dari membagi ruang yang tersedia pada "
    "hard drive sesuai dengan data yang akan disimpan di dalamnya dan kegunaan komputer yang dimaksudkan."
)


@pytest.mark.parametrize("text", [VIETNAMESE, INDONESIAN])
def test_a_paragraph_in_another_language_than_the_page_says_is_judged_as_in_that_one(text):
    assert reasons(ParagraphQuality(), page(text, PROSE)) == []
    assert reasons(Quality(min_measured=30), page(text)) == []
    assert reasons(ParagraphQuality(any_language=False), page(text, PROSE)) == [(0, "stop-words")]


def test_a_list_of_names_is_no_language_of_its_own():
    names = "Nokia Samsung Motorola Siemens Ericsson Alcatel Philips Panasonic Sagem Sony Sharp Toshiba Mitsubishi Sanyo Kyocera"
    assert reasons(ParagraphQuality(), page(names, PROSE)) == [(0, "stop-words")]


def test_a_short_paragraph_is_taken_for_the_language_of_its_document():
    short = "Bab ini menjelaskan langkah berikutnya. Tabel simbol membantu pengembang memahami pesan."
    alone, among = page(short), page(short, INDONESIAN, INDONESIAN)
    assert other_language(short, "en") == "" or reasons(ParagraphQuality(min_measured=8), alone) == []
    assert reasons(ParagraphQuality(min_measured=8), among) == []
