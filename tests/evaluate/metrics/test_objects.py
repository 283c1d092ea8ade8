"""Things mentioned and things there: CHAIR by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner.errors import LimnerError
from limner.evaluate.metrics.objects import Hallucination, Vocabulary, hallucination, singular, there

VOCABULARY = Vocabulary(
    {
        "person": ("man", "woman", "child", "rider", "baby"),
        "dog": ("puppy",),
        "bear": (),
        "chair": ("seat", "stool"),
        "toilet": (),
        "hot dog": (),
        "wine glass": (),
        "tie": (),
    },
    {"baby bear": "bear", "toilet seat": "toilet", "bow tie": "tie", "home plate": ""},
)


def test_synonyms_and_plurals_mean_a_thing():
    assert VOCABULARY.mentioned("Two women and a rider's puppies, near the CHAIRS.") == ["person", "person", "dog", "chair"]


def test_the_longest_words_count():
    assert VOCABULARY.mentioned("A baby bear eats a hot dog on a toilet seat by two wine glasses.") == [
        *("bear", "hot dog", "toilet", "wine glass"),
    ]
    assert VOCABULARY.mentioned("A man in a bow tie at home plate") == ["person", "tie"]


def test_chair_of_captions():
    # Of four mentions (man, dog, dog, chair) one is of nothing there; of three texts one has such; of three things there two are told.
    total = (
        hallucination("A man walks a dog.", {"person", "dog"}, VOCABULARY)
        + hallucination("A dog on a chair.", {"dog"}, VOCABULARY)
        + hallucination("A view.", {"bear"}, VOCABULARY)
    )
    assert total == Hallucination(mentions=4, wrong=1, texts=3, wrong_texts=1, there=4, told=3)
    assert total.chair_i == 0.25
    assert total.chair_s == pytest.approx(1 / 3)
    assert total.recall == 0.75


def test_saying_nothing_is_no_hallucination_and_no_recall():
    found = hallucination("", {"dog"}, VOCABULARY)
    assert (found.chair_i, found.chair_s, found.recall) == (0.0, 0.0, 0.0)


def test_what_captions_mention_is_there():
    assert there({"dog"}, ["A woman with a puppy", "Someone on a stool"], VOCABULARY) == {"dog", "person", "chair"}


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        *(("dogs", "dog"), ("buses", "bus"), ("benches", "bench"), ("knives", "knife"), ("sheep", "sheep"), ("skis", "ski")),
        *(("glass", "glass"), ("glasses", "glass"), ("bus", "bus"), ("policemen", "policeman"), ("tennis", "tennis")),
        *(("berries", "berry"), ("tomatoes", "tomato"), ("couches", "couch"), ("toothbrushes", "toothbrush"), ("vases", "vase")),
        *(("horses", "horse"), ("oranges", "orange"), ("boxes", "box"), ("zebras", "zebra"), ("scissors", "scissor")),
    ],
)
def test_plurals(word: str, wanted: str):
    assert singular(word) == wanted


def test_the_authors_files_are_read(tmp_path: Path):
    # The schema of data/synonyms.txt of LisaAnne/Hallucination, not checked on the real file here.
    file = tmp_path / "synonyms.txt"
    file.write_text("person, girl, boy\nskis, ski\n\ndining table, table\n", "utf-8")
    vocabulary = Vocabulary.read(file)
    assert vocabulary.mentioned("Girls on skis behind a table") == ["person", "skis", "dining table"]
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(LimnerError, match="cannot be read"):
        Vocabulary.read(file)
