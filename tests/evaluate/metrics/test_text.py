"""Measures of texts against published examples and other programs."""

from __future__ import annotations

import random
import time

import pytest

from limner.errors import LimnerError
from limner.evaluate.metrics import text

for package in ("sacrebleu", "rapidfuzz", "rouge_score", "anls_star"):
    pytest.importorskip(package)

WORDS = "the cat sat on a mat and dog ran to it with an old hat".split()


def sentences(seed: int, count: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, 12))) for _ in range(count)]


def test_rouge_has_the_values_of_lins_paper():
    # Lin 2004, section 3.1: both candidates share one pair of words with the reference; three words in order against two.
    reference = ["police killed the gunman"]
    assert text.rouge("police kill the gunman", reference)["rougeL"] == 0.75
    assert text.rouge("the gunman kill police", reference)["rougeL"] == 0.5
    assert text.rouge("police kill the gunman", reference)["rouge2"] == pytest.approx(1 / 3)
    assert text.rouge("the gunman kill police", reference)["rouge2"] == pytest.approx(1 / 3)


def test_rouge_is_that_of_googles_package():
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for one, other in zip(sentences(0, 40), sentences(1, 40), strict=True):
        wanted = {kind: score.fmeasure for kind, score in scorer.score(other, one).items()}
        assert text.rouge(one, [other]) == pytest.approx(wanted)


def test_rouge_of_other_scripts_needs_their_words():
    said, reference = "собака укусила человека", ["собака укусила его"]
    assert text.rouge(said, reference)["rouge1"] == 0.0
    assert text.rouge(said, reference, scripts=True)["rouge1"] == pytest.approx(2 / 3)


def test_rouge_of_long_texts_takes_no_table():
    started = time.process_time()
    long = " ".join(random.Random(0).choices(WORDS, k=20_000))
    assert text.rouge(long, [long[::-1]])["rouge1"] < 1
    assert time.process_time() - started < 5


def test_bleu_and_chrf_have_the_values_of_sacrebleus_example():
    # The example of its documentation, "Using SacreBLEU from Python".
    said = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    references = [
        ["The dog bit the man.", "The dog had bit the man."],
        ["It was not unexpected.", "No one was surprised."],
        ["The man bit him first.", "The man had bitten the dog."],
    ]
    assert text.bleu(said, references).value == pytest.approx(48.53, abs=0.005)
    assert text.chrf(said, references).value == pytest.approx(59.73, abs=0.005)
    assert "nrefs:2" in text.bleu(said, references).signature
    with pytest.raises(LimnerError, match="as many references"):
        text.bleu(said, references[:2])


def test_answers_are_compared_as_squad_does():
    functional = pytest.importorskip("torchmetrics.functional.text")
    cases = [("The Eiffel Tower!", ["Eiffel  tower"]), ("a dog", ["the cat", "dog and cat"]), ("the", ["a"]), ("", ["x"])]
    cases += [(one, [two, three]) for one, two, three in zip(sentences(2, 30), sentences(3, 30), sentences(4, 30), strict=True)]
    for said, references in cases:
        target = {"answers": {"answer_start": [0] * len(references), "text": references}, "id": "1"}
        wanted = functional.squad({"prediction_text": said, "id": "1"}, target)
        assert 100 * text.exact_match(said, references) == float(wanted["exact_match"])
        assert 100 * text.token_f1(said, references) == pytest.approx(float(wanted["f1"]), abs=1e-3)


def test_anls_has_the_value_of_its_packages_example():
    expected = {"a": ("hello", "world"), "b": ["this", "is", "a", "test"]}
    assert text.anls({"a": "hello!", "b": ["a", "test", "this", "be"]}, expected) == pytest.approx(0.7667, abs=1e-3)


def test_anls_of_texts_is_a_similarity_with_a_bound():
    assert text.anls("Paris", ["London", "paris"]) == 1.0
    assert text.anls("color", ["colour"]) == pytest.approx(5 / 6)
    assert text.anls("abcd", ["abxy"]) == 0.5
    assert text.anls("abcd", ["axyz"]) == 0.0


def test_anls_of_hostile_answers_is_quick():
    started = time.process_time()
    assert text.anls("a" * 1_000_000, ["b" * 200]) == 0.0
    assert text.anls(["x"] * 5_000, ["x"]) == 0.0
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    assert text.anls(deep, ["x"]) == 0.0
    assert time.process_time() - started < 3


def test_error_rates_are_those_of_torchmetrics():
    functional = pytest.importorskip("torchmetrics.functional.text")
    said, wanted = sentences(5, 30), sentences(6, 30)
    pairs = list(zip(said, wanted, strict=True))
    words = sum((text.word_errors(*pair) for pair in pairs), text.Errors(0, 0, 0))
    characters = sum((text.character_errors(*pair) for pair in pairs), text.Errors(0, 0, 0))
    assert words.rate == pytest.approx(float(functional.word_error_rate(said, wanted)))
    assert characters.rate == pytest.approx(float(functional.char_error_rate(said, wanted)))


def test_distances_are_bounded_and_rates_are_not():
    made_up = text.character_errors("abcdefgh", "xy")
    assert made_up.rate == 4.0
    assert made_up.distance == 1.0
    assert text.character_errors("", "").rate == text.character_errors("", "").distance == 0.0
    assert text.character_errors("a", "").rate == 1.0


def test_jaccard_is_of_sets():
    assert text.jaccard(text.words("A cat, a CAT"), text.words("the cat")) == pytest.approx(1 / 3)
    assert text.jaccard([], []) == 1.0
    assert text.jaccard(["a"], []) == 0.0
