"""The recipe seed-bench-2: questions whose words tell nothing, files as the authors have them, the smoke run measures what its data allow."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from limner import Corpus
from limner.evaluate.benchmark import Item
from limner.evaluate.benchmarks.seedbench2 import SEED_BENCH_2, SEED_BENCH_2_BLANK
from limner.recipes.levels import Composer, Question, answered, written
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.recipes.sprites import scene
from limner.sources.datasets import dataset

THINGS = {f"thing {n}": np.full((16, 16, 3), 20 * n, np.uint8) for n in range(8)}


def composed(each: int = 40) -> list[Question]:
    return list(Composer(THINGS, 32, random.Random(0)).questions(each))


def items(folder: Path, questions: list[Question]) -> list[Item]:
    written(questions, folder)
    return list(SEED_BENCH_2.items(folder))


def test_questions_of_all_levels_are_read_as_the_authors_files_are(tmp_path: Path):
    found = items(tmp_path, composed(1))
    assert [item.categories["level"] for item in found] == ["L1"] * 3 + ["L2"] + ["L3"] * 3
    assert [len([p for p in item.asked if isinstance(p, Path)]) for item in found] == [1, 1, 1, 3, 0, 3, 0]
    assert all(isinstance(choice[-1], Path) for item in found[4:] for choice in item.choices)


def test_no_choice_is_right_more_often_than_another():
    questions = composed(200)
    for dimension in {question.dimension for question in questions}:
        rights = Counter(question.right for question in questions if question.dimension == dimension)
        assert all(25 <= rights[n] <= 80 for n in range(4)), dimension  # 50 expected; four deviations


def test_what_comes_next_goes_on_round_the_corners():
    (question,) = [q for q in Composer(THINGS, 32, random.Random(3)).questions(1) if q.dimension == 26]
    corners = [_corner(pixels) for pixels in (*question.images[:3], question.images[3 + question.right])]
    steps = {(b - a) % 4 for a, b in pairwise(corners)}
    assert steps in ({1}, {3})
    assert sorted(_corner(pixels) for pixels in question.images[3:]) == [0, 1, 2, 3]


def _corner(pixels: np.ndarray) -> int:
    """The number of the darkest corner, clockwise."""
    quarters = [pixels[:16, :16], pixels[:16, 16:], pixels[16:, 16:], pixels[16:, :16]]
    return int(np.argmin([quarter.mean() for quarter in quarters]))


def test_only_the_right_answers_image_shows_what_its_text_says():
    from limner.recipes.levels import PLACES

    for question in (q for q in composed(20) if q.dimension == 27):
        agree = [
            text == f"At the {PLACES[_corner(image)]}." for text, image in zip(question.choices, question.images, strict=True)
        ]
        assert agree == [n == question.right for n in range(4)]


def test_a_document_to_learn_from_is_the_question_and_its_right_choice(tmp_path: Path):
    found = items(tmp_path / "files", composed(1))
    corpus = Corpus.create(str(tmp_path / "corpus"))
    answered(iter(found), corpus)
    documents = {document.id: document for document in corpus}
    first = documents[found[0].id]
    assert [text.text for text in first.texts] == ["What is this?", found[0].choices["ABCD".index(found[0].expected)][0]]
    assert len(documents[found[5].id].images) == 4  # three steps and the next


def test_blanked_questions_keep_their_words(tmp_path: Path):
    seen = items(tmp_path, composed(1))
    blank = list(SEED_BENCH_2_BLANK.items(tmp_path))
    assert [[p for p in i.asked if isinstance(p, str)] for i in seen] == [
        [p for p in i.asked if isinstance(p, str)] for i in blank
    ]
    assert not any(isinstance(piece, Path) for item in blank for choice in item.choices for piece in choice)


def test_a_scene_is_the_product_of_ground_and_sprites():
    half = np.full((4, 4, 3), 128, np.uint8)
    pixels = scene(8, (200, 255, 255), [(half, 0.0, 0.5, 0.5)])
    assert pixels[0, 0].tolist() == [200, 255, 255]
    assert pixels[7, 0].tolist() == [100, 128, 128]


def test_the_smoke_run():
    pytest.importorskip("emoji")
    for name in ("fluent-emoji", "openmoji"):
        if not dataset(name).here:
            pytest.skip(f"needs `limner data get {name}`")
    result = run(recipe("seed-bench-2"), "smoke")
    figures = {name: found["mean"] for name, found in result["figures"].items()}
    assert figures["L1.ranked"] == figures["L2.ranked"] == figures["L3.ranked"] == 100
    assert figures["rescored.changed"] == figures["rescored.apart"] == 0
    assert figures["text-to-image-generation.blank"] == figures["next-image-prediction.blank"] == 25
    verdicts = {claim["key"]: claim["word"] for claim in result["claims"]}
    assert verdicts["identical"] == "held"
    assert verdicts["text"] == "not measured"
    assert verdicts["published"] == "waits"
