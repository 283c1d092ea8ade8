"""Shingles and signatures: what they are on small texts, and the estimate's error against the exact similarity."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.curate.minhash import band_hashes, bands_for, minhash, similarity
from limner.curate.shingles import characters, digest, mix, shingles, words

from .pages import texts


def test_words_are_the_runs_of_letters_and_digits():
    assert len(words("The crop-tool, it's 3 PM; naïve ﬁne.")) == 9
    assert len(words("")) == len(words(" \n -- ,.!")) == 0


def test_normalisation_makes_alike():
    assert words("ＧＩＭＰ ﬁle Ⅳ").tolist() == words("gimp file iv").tolist()
    assert words("page 12").tolist() == words("page 98").tolist()
    assert words("page 12", digits=False).tolist() != words("page 98", digits=False).tolist()
    assert words("a\u00a0b").tolist() == words("a b").tolist()


def test_writing_without_spaces_gives_a_word_a_character():
    assert len(words("画像を切り抜く")) == 7
    assert len(words("GIMPの画像")) == 4
    assert words("の画像")[1] == words("画")[0]
    assert len(words("한국어 문서")) == 2


@given(st.lists(st.text(alphabet=st.characters(categories=["L"], max_codepoint=0x24F), min_size=1), min_size=1))
def test_a_word_hashes_alike_wherever_it_stands(parts):
    expected = np.concatenate([words(part) for part in parts])
    assert words(" ".join(parts)).tolist() == expected.tolist()


@given(st.text())
def test_any_text_is_taken(text):
    assert len(words(text)) <= max(len(words(text + " end")) - 1, len(text) * 18)
    characters(text, 5)


def test_long_texts_hash_as_their_parts():
    text = "word after word, " * 20_000
    assert len(words(text)) == 60_000
    assert len(set(words(text).tolist())) == 2
    assert len(words("x" * 200_000)) >= 1


def test_no_two_words_of_the_manual_share_a_hash():
    found: dict[int, str] = {}
    for text in texts()[:200]:
        for word in {w for w in text.lower().split() if w.isascii() and w.isalpha()}:
            assert found.setdefault(int(words(word)[0]), word) == word
    assert len(found) > 3000


def test_shingles_are_runs_of_words():
    hashes = words("a b c a b c d")
    assert len(shingles(hashes, 3)) == 5
    assert shingles(hashes, 3)[0] == shingles(hashes, 3)[3]
    assert len(set(shingles(hashes, 3).tolist())) == 4
    assert len(shingles(hashes[:2], 3)) == 1
    assert len(shingles(hashes[:0], 3)) == 0
    assert shingles(words("b a"), 2).tolist() != shingles(words("a b"), 2).tolist()


def test_character_shingles():
    assert len(characters("abcdef", 5)) == 2
    assert characters("ab  -- cd", 5).tolist() == characters("AB cd", 5).tolist()


def test_digest_tells_order():
    assert digest(words("a b")) == digest(words("A  b."))
    assert digest(words("a b")) != digest(words("b a"))


@pytest.mark.parametrize("jaccard", [0.2, 0.5, 0.8, 0.95])
def test_the_estimate_has_the_error_of_theory(jaccard):
    random_numbers = np.random.default_rng(5)
    size, runs, count = 300, 400, 128
    shared = round(2 * size * jaccard / (1 + jaccard))
    exact = shared / (2 * size - shared)
    errors = []
    for _ in range(runs):
        pool = mix(random_numbers.integers(0, 1 << 63, 2 * size - shared).astype(np.uint64))
        errors.append(float(similarity(minhash(pool[:size], count), minhash(pool[size - shared :], count))) - exact)
    deviation = (exact * (1 - exact) / count) ** 0.5
    assert abs(np.mean(errors)) < 4 * deviation / runs**0.5
    assert 0.85 < np.std(errors) / deviation < 1.15


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40))
@settings(max_examples=50)
def test_order_and_repetition_of_shingles_do_not_matter(values):
    array = np.array(values, np.uint64)
    shuffled = array.copy()
    random.Random(1).shuffle(shuffled)
    assert minhash(array).tolist() == minhash(np.concatenate([shuffled, array])).tolist()


def test_bands_have_their_least_error_where_datasketch_has_it():
    # Its table for 128 permutations and equal weights (datasketch.lsh._optimal_param).
    assert [bands_for(t) for t in (0.5, 0.7, 0.8, 0.9)] == [(25, 5), (14, 9), (9, 13), (5, 25)]


def test_equal_bands_and_only_those_meet():
    signature = minhash(words("one two three four five six"))
    other = signature.copy()
    other[20] += 1
    same = band_hashes(signature, 8, 16) == band_hashes(other, 8, 16)
    assert same.tolist() == [True, False] + [True] * 6
    assert len(set(band_hashes(np.zeros(128, np.uint32), 8, 16).tolist())) == 8


def test_signatures_of_real_pages_a_second():
    pages = texts()[:300]
    words("warm up")
    started = time.process_time()
    for text in pages:
        band_hashes(minhash(shingles(words(text), 5)), 12, 10)
    # A guard against a slip of an order of magnitude; `make bench` has the figure.
    assert len(pages) / (time.process_time() - started) > 300
