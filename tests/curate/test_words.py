"""Words, word lists, and repetition measured with n-grams."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.curate import words
from limner.curate.measure import Measured, code_like, count_letters, duplicates
from limner.curate.ngrams import character_ngrams, character_repetition, ngram_shares, ngrams, word_codes, word_repetition
from limner.errors import PlanError

LANGUAGES = "ar cs da de el en es fi fr hu it ja ko nl no pl pt ro ru sv tr uk zh".split()
SOME_WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "d", "ee"]), max_size=40)


@pytest.mark.parametrize("language", LANGUAGES)
def test_function_words_are_words_as_texts_are_split(language: str):
    listed = words.stop_words(language)
    assert len(listed) >= 40
    assert all(words.words(word) == (word,) for word in listed)


def test_a_language_tag_finds_the_list_of_its_language():
    assert words.stop_words("pt-BR") == words.stop_words("pt") != frozenset()
    assert words.stop_words("nb") == words.stop_words("no")
    assert words.stop_words("tlh") == frozenset()


@pytest.mark.parametrize("language", ["de", "en", "fr", "ja", "ru", "zh"])
def test_the_share_of_function_words_was_measured(language: str):
    share = words.stop_word_share(language)
    assert share is not None
    assert 0.2 < share < 0.7


def test_scripts_without_spaces_are_split_into_characters_and_others_are_not():
    assert words.words("GIMPを使う") == ("gimp", "を", "使", "う")
    assert words.words("Мой кот") == ("мой", "кот")


def test_a_list_of_words_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(PlanError, match=r"none\.txt"):
        words.read_words(str(tmp_path / "none.txt"))


@given(st.text())
def test_words_have_no_white_space_and_are_not_more_than_the_pieces(text: str):
    found = words.words(text)
    assert all(word and not any(c.isspace() for c in word) for word in found)
    assert len(found) <= words.tokens(text) + text.count("\x1c")


@given(st.text(alphabet="ab é語😀", max_size=60), st.integers(1, 12))
def test_hashes_of_characters_tell_equal_runs_and_no_others(text: str, n: int):
    units = text.encode("utf-16-le")
    runs = [units[2 * i : 2 * (i + n)] for i in range(len(units) // 2 - n + 1)]
    hashes = character_ngrams(text, n)
    assert sorted(Counter(hashes.tolist()).values()) == sorted(Counter(runs).values())


@given(SOME_WORDS, st.integers(1, 10))
def test_hashes_of_words_tell_equal_runs_and_no_others(found: list[str], n: int):
    runs = [tuple(found[i : i + n]) for i in range(len(found) - n + 1)]
    assert sorted(Counter(ngrams(word_codes(found), n).tolist()).values()) == sorted(Counter(runs).values())


@given(st.text(alphabet="ab ", max_size=80))
def test_character_repetition_is_that_of_its_definition(text: str):
    counts = sorted(Counter(text[i : i + 10] for i in range(len(text) - 9)).values(), reverse=True)
    top = min(int(len(counts) ** 0.5), sum(count > 1 for count in counts))
    expected = sum(counts[:top]) / sum(counts) if counts else 0.0
    assert character_repetition(text) == pytest.approx(expected)


@given(SOME_WORDS, st.integers(2, 6))
def test_word_repetition_is_that_of_its_definition(found: list[str], n: int):
    counts = Counter(tuple(found[i : i + n]) for i in range(len(found) - n + 1))
    expected = sum(c for c in counts.values() if c > 1) / counts.total() if counts else 0.0
    assert word_repetition(found, n) == pytest.approx(expected)


@given(SOME_WORDS.filter(bool), st.integers(2, 6))
def test_duplicate_ngrams_cover_what_stood_before(found: list[str], n: int):
    lengths = Measured([" ".join(found)], "en").lengths
    seen: set[tuple[str, ...]] = set()
    covered: set[int] = set()
    counts = Counter[tuple[str, ...]]()
    for i in range(len(found) - n + 1):
        run = tuple(found[i : i + n])
        counts[run] += 1
        covered |= set(range(i, i + n)) if run in seen else set()
        seen.add(run)
    total = sum(map(len, found))
    most = max(counts.values(), default=0)
    top = max((c * sum(map(len, run)) for run, c in counts.items() if c == most), default=0) if most > 1 else 0
    shares = ngram_shares(word_codes(found), lengths, n)
    assert shares.duplicate == pytest.approx(sum(len(found[i]) for i in covered) / total)
    assert shares.top == pytest.approx(min(top / total, 1.0))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_letters_are_counted_the_same_in_both_ways(text: str):
    # A character outside Windows' code page sends the text the slow way.
    letters, marks = count_letters(text)
    assert count_letters(text + "语") == (letters + 1, marks)


def test_repeated_lines_weigh_by_their_characters():
    assert duplicates(["aaaa", "b", "aaaa"]) == (1 / 3, 4 / 9)


def test_a_text_in_another_language_has_function_words_of_its_own():
    german = "Das ist ein Satz, der nicht in der Sprache der Seite steht und den man doch lesen kann."
    assert (Measured([german], "en").stop_words or 0) < 0.1
    assert (Measured([german], "en", any_language=True).stop_words or 0) > 0.4


def test_signatures_read_as_code_and_prose_does_not():
    assert code_like("__init__(self, parent: QWidget | None = None, flags: Qt.WindowType = Default(Qt.WindowFlags))")
    assert not code_like("Open the file gimp.rc, change the value (5 by default), and start GIMP again.")
