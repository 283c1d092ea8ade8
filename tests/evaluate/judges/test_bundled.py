"""Judges without a language model: what each measure sees, which aspects they can grade, and that the scorer that ships prefers whole answers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from limner.errors import ExpertError
from limner.evaluate.judges import coherent, structural, trained
from limner.evaluate.judges.address import DEFAULT, judge
from limner.evaluate.judging import Aspect, Case
from limner.experts.language import Content

OVERALL = Aspect("overall quality", "", 0, 10)


def picture(seed: int, size: tuple[int, int] = (96, 64)) -> bytes:
    chance = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(chance.integers(0, 255, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = chance.integers(0, size[0]), chance.integers(0, size[1])
        draw.rectangle([int(x), int(y), int(x) + 20, int(y) + 12], tuple(chance.integers(0, 255, 3).tolist()))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


ONE, TWO = picture(1), picture(2)
GOOD: tuple[Content, ...] = (
    "# Crop",
    "The crop tool removes the outer parts of an image. Figure 1 shows the tool with its options.",
    ONE,
    "Figure 1. The crop tool",
    "Draw a box with the crop tool over the part of the image to keep. Drag a corner of the box to change its size.",
    "Press Enter to crop the image to the box. What lies outside of the box is gone from the image.",
    TWO,
    "Figure 2. The image after the crop",
)


def measures(
    answer: Sequence[Content], request: str = "Write about the crop tool.", sources: tuple[str, ...] = ()
) -> dict[str, float]:
    return structural.measures(Case((request,), tuple(answer), (), sources))


def without(at: int) -> list[Content]:
    return [part for i, part in enumerate(GOOD) if i != at]


def instead(at: int, part: Content) -> list[Content]:
    return [part if i == at else each for i, each in enumerate(GOOD)]


def test_a_good_answer_has_no_fault():
    found = measures(GOOD)
    assert {name: value for name, value in found.items() if value != 1.0}.keys() <= {"topic"}


@pytest.mark.parametrize(
    ("answer", "measure"),
    [
        (without(2), "captions_with_pictures"),
        (instead(6, ONE), "distinct_pictures"),
        (instead(6, b"not a picture"), "readable"),
        ([*GOOD[:2], *GOOD[6:], *GOOD[2:6]], "figure_numbers"),
        (instead(4, "Draw a box with the crop tool over the part of the image to"), "whole_sentences"),
        (instead(5, f"{GOOD[5]} The crop tool removes the outer parts of an image."), "distinct_sentences"),
        (instead(5, "Drücken Sie die Eingabetaste, damit das Bild auf den Rahmen zugeschnitten und der Rest entfernt wird."), "language"),
        (instead(5, "Of the three handles two are red. These two handles move the box."), "counts"),
        ([*GOOD[:1], "The picture below shows the crop tool:", "It is a tool among others, and has options."], "pointing"),
    ],
)  # fmt: skip
def test_each_fault_is_seen_by_its_measure(answer: list[Content], measure: str):
    assert measures(answer)[measure] < measures(GOOD).get(measure, 1.0)


def test_a_sentence_off_the_topic_is_least_like_the_others():
    long = [
        *GOOD,
        "The box of the crop tool can be moved over the image with the mouse. The crop tool keeps the size of the box.",
    ]
    foreign = [*long, "Cows eat some forty kilos of fresh grass on every day of spring."]
    assert measures(foreign)["topic"] < measures(long)["topic"]


def test_the_number_of_pictures_asked_for_is_counted():
    assert measures(GOOD, "Show how to crop with two pictures.")["pictures_asked"] == 1.0
    assert measures(GOOD, "Show how to crop with four images.")["pictures_asked"] == 0.5
    assert "pictures_asked" not in measures(GOOD, "Two images or three images?")
    assert "pictures_asked" not in measures(GOOD)


def test_a_picture_that_is_saved_again_is_the_same():
    out = io.BytesIO()
    Image.open(io.BytesIO(ONE)).convert("RGB").save(out, "JPEG", quality=90)
    assert measures(instead(6, out.getvalue()))["distinct_pictures"] == 0.5


def test_the_structural_judge_grades_on_the_scale_and_says_why():
    good, bad, empty = judge("bundled:structural").grade(
        [Case(("Crop.",), GOOD), Case(("Crop.",), tuple(without(2))), Case(("Crop.",), (" ",))], OVERALL
    )
    assert good.value is not None
    assert bad.value is not None
    assert 0 <= bad.value < good.value <= 10
    assert "captions with pictures" in bad.reason
    assert (empty.value, empty.reason) == (0.0, "the answer is empty")


@pytest.mark.parametrize("address", ["bundled:structural", "bundled:coherent"])
def test_what_no_measure_tells_is_unable(address: str):
    made = judge(address)
    (found,) = made.grade([Case(("Crop.",), GOOD)], Aspect("perceptual quality", "Is it sharp?"))
    assert (found.value, found.failed) == (None, "unable")
    (found,) = made.grade([Case(("Crop.",), GOOD)], Aspect("factual correctness", "Is it true?"))
    assert (found.value, found.failed) == (None, "unable"), "without sources nobody here knows"
    assert made.choose(Case(("Crop.",), GOOD), "Which?", ("a", "b")).failed == "unable"
    assert made.settings["version"]


def test_hostile_answers_are_graded_in_bounds():
    long = Case(("x",), ("word " * 200_000, "a.\n" * 50_000, *([ONE] * 200), "(" * 10_000, "Figure 1-99999. x"))
    (found,) = judge("bundled:structural").grade([long], OVERALL)
    assert found.value is not None


@pytest.fixture(scope="module")
def coherence() -> coherent.Coherence:
    pytest.importorskip("transformers")
    from limner.packages.cachedir import cache_folder

    for name in ("all-minilm-l6-v2", "efficientnet-lite0"):
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights of {name} are not here: they come with the first use of bundled:coherent")
    return coherent.Coherence()


def test_encoders_see_what_is_foreign_double_and_unsupported(coherence: coherent.Coherence):
    good = coherence.measures(Case(("Write about the crop tool.",), GOOD))
    foreign = coherence.measures(Case(("Write about the crop tool.",), (*GOOD, "Cows eat forty kilos of grass on a day in May.")))
    assert foreign["least_sentence"] < good["least_sentence"]
    double = coherence.measures(Case(("Crop.",), tuple(instead(6, ONE))))
    assert double["distinct_looks"] < good["distinct_looks"]
    source = " ".join(part for part in GOOD if isinstance(part, str))
    held = coherence.measures(Case(("Crop.",), GOOD, (), (source,)))
    turned = coherence.measures(Case(("Crop.",), tuple(instead(5, "Press Enter not to crop. Cows eat grass.")), (), (source,)))
    assert turned["supported"] < held["supported"]
    assert all(0 <= value <= 1 for found in (good, foreign, double, held, turned) for value in found.values())


def test_the_trained_scorer_prefers_whole_answers(coherence: coherent.Coherence):
    made = judge()
    assert made.name == DEFAULT == "bundled:trained"
    cases = [GOOD, tuple(instead(6, ONE)), tuple(instead(4, "Draw a box with the crop tool over the part of the image to"))]
    good, *bad = made.grade([Case(("Write about the crop tool.",), answer) for answer in cases], OVERALL)
    assert good.value is not None
    assert all(grade.value is not None and grade.value < good.value for grade in bad)
    assert "distinct" in bad[0].reason
    (text,) = made.grade([Case(("Crop.",), GOOD)], Aspect("text quality", "", 1, 5))
    assert text.value is not None
    assert 1 <= text.value <= 5
    (supported,) = made.grade(
        [Case(("Crop.",), GOOD, (), (" ".join(p for p in GOOD if isinstance(p, str)),))], Aspect("support", "")
    )
    assert supported.value is not None
    assert supported.value > 4
    assert made.choose(Case(("Crop.",), GOOD), "Which?", ("a", "b")).failed == "unable"


def test_a_scorer_that_is_fitted_finds_what_differs_and_is_read_as_it_was_written(tmp_path: Path):
    chance = np.random.default_rng(0)
    clean = chance.random((60, len(trained.SEEN)))
    clean[:, 3] = np.nan
    worse = np.concatenate([clean, clean])
    worse[:60, 0] -= 0.4
    worse[60:, 5] -= 0.4
    made = trained.fit(clean, worse, [*range(60), *range(60)], ["image"] * 60 + ["text"] * 60)
    assert made.weights["image"][0] > 5 * abs(made.weights["image"][5])
    assert made.weights["text"][5] > 5 * abs(made.weights["text"][0])
    assert (made.logits(clean, "whole") > made.logits(worse[:60], "whole")).mean() > 0.9
    trained.save(made, tmp_path / "s.json", {"from": "a test"})
    assert np.array_equal(trained.load(tmp_path / "s.json").logits(worse, "whole"), made.logits(worse, "whole"))


@pytest.mark.parametrize("text", ["", "{}", '{"measures": ["a"]}', "[1]"])
def test_weights_that_are_none_are_refused(text: str, tmp_path: Path):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(ExpertError, match=r"s\.json"):
        trained.load(tmp_path / "s.json")
