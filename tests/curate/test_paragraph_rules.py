"""Rules on single paragraphs, and on how long the paragraphs of a document are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.curate import registry
from limner.curate.images import ImageCount
from limner.curate.paragraph_rules import ParagraphRules
from limner.curate.shape import ParagraphLengths, TextLength
from limner.document import Document, Image, Text

from .context import MemoryContext

PLAIN = "The crop tool cuts off what stands around the part of an image that you want to keep."


def preset(name: str) -> ParagraphRules:
    return registry.operator("paragraph-rules", preset=name)


def judged(made: ParagraphRules, text: str, role: str = "paragraph") -> str | None:
    reason = made.judge(Text(0, text, role), Document("d"), MemoryContext())  # type: ignore[arg-type]
    return reason and reason.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PLAIN, None),
        ("Das Werkzeug schneidet ab, was um den Teil eines Bildes steht, den Sie behalten möchten.", None),
        ("切り抜きツールは、残したい部分の周りを切り取るために使います。", None),
        ("Too short", "few-bytes"),
        ("短い文", "few-bytes"),
        ("Newsletter", "few-bytes"),
        ("follow us", "few-bytes"),
        ("Please enable JavaScript to read on.", "phrase"),
        ("Lorem ipsum dolor sit amet.", "phrase"),
        ("Call 0123 456789 or 9876 543210 now.", "digits"),
        (
            "First on 2023-01-05, and then again in the long and unforgettable days of 2 March 2024, they happened to encounter somebody.",
            "dates",
        ),
        ("Something unforgettable happened on 2023-01-05, and nothing comparable on another afternoon.", None),
        ("A -- B -- C -- D -- E ------------ F", "non-letters"),
        ("BUY NOW AND SAVE A LOT OF MONEY", "capitals"),
        ("aaaaaaaaaaaaaaaab cd", "one-character"),
        ("something > another and another > different, wherefore something > different holds throughout", "comparisons"),
        ("for (i = 0; i < n; i++) { print }", "braces"),
    ],
)
def test_the_heuristics_of_moscar(text, reason):
    assert judged(preset("moscar"), text) == reason


def test_an_exact_phrase_goes_and_one_inside_a_sentence_stays():
    made = ParagraphRules(exact=("share",))
    assert judged(made, " Share ") == "exact-phrase"
    assert judged(made, "Share it with others.") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PLAIN, None),
        ("Four words, no more.", "few-words"),
        ("Five words are just enough.", None),
        ("You may sign up for it here.", "short-phrase"),
        (PLAIN + " Sign up for more.", None),
        ("There are now three hundred comments", "ending"),
        ("These are the most read stories of the week, and they were chosen by hand.", "phrase"),
        ("1234567 8901234 5678901 2345678 9012345", "digits"),
        ("THIS IS SHOUTED AT EVERYONE", "capitals"),
    ],
)
def test_the_rules_of_omnicorpus(text, reason):
    assert judged(preset("omnicorpus"), text) == reason


def test_only_the_roles_named_are_judged():
    assert judged(preset("omnicorpus"), "Contents", "heading") is None
    assert judged(preset("moscar"), "x = {1: 2}", "code") is None


@given(st.text(max_size=60))
def test_any_text_is_judged_without_error_and_alike_twice(text):
    for name in ("moscar", "omnicorpus"):
        assert judged(preset(name), text) == judged(preset(name), text)


def test_without_settings_nothing_goes():
    assert all(judged(ParagraphRules(), text) is None for text in ("", "x", "{", "1 2 3", PLAIN))


def page(*texts: str, images: int = 0) -> Document:
    parts = [Text(i, text) for i, text in enumerate(texts)]
    return Document("d", (*parts, *(Image(100 + i, url=f"{i}.png") for i in range(images))))


def test_a_page_of_short_paragraphs_goes_and_one_long_one_saves_it():
    context = MemoryContext()
    assert list(ParagraphLengths()(page("One two three.", "Four five."), context)) == []
    assert [(r.reason, r.value) for _, _, r in context.dropped] == [("short-paragraphs", 2.5)]
    assert list(ParagraphLengths()(page("One two three.", "word " * 35), context))
    assert list(ParagraphLengths()(page("word " * 12, "word " * 12), context))


def test_few_texts_and_words_an_image_from_so_many_images_on():
    context = MemoryContext()
    assert list(TextLength(min_texts=3)(page("a", "b"), context)) == []
    assert context.dropped[-1][2][:3] == ("few-texts", 2, 3)
    made = ImageCount(min_words=5, from_images=3)
    assert list(made(page("two words", images=2), context))
    assert not list(made(page("two words", images=3), context))
