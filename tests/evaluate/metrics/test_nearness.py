"""How near an answer is to a reference: an answer is nearest to itself, and each measure sees its own side."""

from __future__ import annotations

import pytest

pytest.importorskip("rouge_score")

from evaluate.judges.test_bundled import ONE, TWO
from limner.evaluate.metrics.nearness import Nearness

ANSWER = ("Select the tool and draw a box.", ONE, "Press Enter to crop the image.", TWO, "The image is smaller now.")
NAMES = ("rougeL", "tokens[bundled:minilm]", "images[bundled:efficientnet-lite0]", "text-image[bundled:limner-pairs]")


@pytest.fixture(scope="module")
def nearness() -> Nearness:
    return Nearness()


def test_an_answer_is_nearest_to_itself(nearness: Nearness) -> None:
    found = nearness.measures(ANSWER, ANSWER)
    assert tuple(found) == nearness.names == NAMES
    assert [found[name] for name in NAMES[:3]] == pytest.approx([1, 1, 1], abs=1e-4)


def test_texts_and_pictures_are_seen_apart(nearness: Nearness) -> None:
    whole = nearness.measures(ANSWER, ANSWER)
    swapped = nearness.measures((ANSWER[0], TWO, ANSWER[2], ONE, ANSWER[4]), ANSWER)
    assert swapped["rougeL"] == whole["rougeL"]
    assert swapped[NAMES[2]] < whole[NAMES[2]]
    other = nearness.measures(("Cows eat grass.", *ANSWER[1:]), ANSWER)
    assert other[NAMES[2]] == whole[NAMES[2]]
    assert other["rougeL"] < 1
    assert other[NAMES[1]] < whole[NAMES[1]]


def test_a_picture_that_is_missing_or_does_not_decode_counts_nothing(nearness: Nearness) -> None:
    assert nearness.measures(ANSWER[:3], ANSWER)[NAMES[2]] == pytest.approx(0.5, abs=1e-4)
    assert nearness.measures((ANSWER[0], b"no image", *ANSWER[2:]), ANSWER)[NAMES[2]] == pytest.approx(0.5, abs=1e-4)


def test_what_a_side_has_nothing_for_is_left_out(nearness: Nearness) -> None:
    assert set(nearness.measures(("Words alone.",), ("Words alone.",))) == set(NAMES[:2])
