"""CIDEr-D against the authors' program (pycocoevalcap 1.2 with Stanford's tokenizer under Java), whose numbers stand here."""

from __future__ import annotations

import pytest

from limner.errors import LimnerError
from limner.evaluate.metrics.cider import cider, frequencies, tokens

SAID = [
    "A man rides a horse on the beach",
    "Two dogs play with a red ball in the grass",
    "A bowl of fruit on a table",
    "a city city city skyline at night",
    "A child holds a red kite",
]
REFERENCES = [
    ["A man rides a brown horse on the beach.", "A man riding a horse along the shore", "Someone on horseback at the beach"],
    [
        "Two dogs play with a ball in the grass",
        "Two brown dogs are playing in a green field.",
        "Dogs chasing a ball",
    ],
    ["A bowl of ripe bananas and apples on a wooden table.", "Fruit in a bowl, on a table"],
    [
        "The city's skyline at night, with lights that don't go out",
        "A skyline at night",
        "Tall buildings lit up at night in the city",
        "Night view of a city's buildings",
    ],
    ["A child isn't looking at the camera; he's holding a red kite."],
]
BY_THE_AUTHORS = [3.2746366732663192, 2.8488058248929464, 3.1276574671350477, 1.3759533592665836, 1.061773893018333]


def test_scores_are_those_of_the_authors_program():
    assert cider(SAID, REFERENCES) == pytest.approx(BY_THE_AUTHORS, rel=1e-9)


def test_words_are_cut_as_stanfords_tokenizer_cuts_them():
    assert " ".join(tokens(REFERENCES[4][0])) == "a child is n't looking at the camera he 's holding a red kite"
    assert " ".join(tokens(REFERENCES[3][0])) == "the city 's skyline at night with lights that do n't go out"
    assert tokens("U.S. flag (1.5 m), it cannot “wave” vs. Mr. Smith's") == [
        *("u.s.", "flag", "(", "1.5", "m", ")", "it", "can", "not", "wave", "vs.", "mr.", "smith", "'s"),
    ]


def test_the_same_caption_scores_ten_and_another_none():
    references = [["a red kite over the sea"], ["two dogs chase one ball"]]
    assert cider(["a red kite over the sea", "a green kite"], references) == pytest.approx([10.0, 0.0])


def test_repeating_a_word_does_not_pay():
    references = [["a skyline of a city at night"], ["two dogs chase one ball"]]
    plain, repeated = ("a city at night", "a city city city at night")
    assert cider([repeated, ""], references)[0] < cider([plain, ""], references)[0]


def test_one_image_needs_the_frequencies_of_others():
    assert cider(SAID[:1], REFERENCES[:1]) == [0.0]
    assert cider(SAID[:1], REFERENCES[:1], frequencies(REFERENCES)) == pytest.approx(BY_THE_AUTHORS[:1])
    with pytest.raises(LimnerError, match="one at least"):
        cider(["x"], [[]])
