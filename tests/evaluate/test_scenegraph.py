"""Interleaved scene graphs: requests parsed by rule and by a model, and their questions as ISG-Bench has them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from limner.errors import ExpertError
from limner.evaluate.scenegraph import Block, SceneGraph, asked, parsed, request
from limner.experts.language import Answer, Message, Sampling

GRAPH = SceneGraph((Block("text", ("frog",)), Block("image", ("frog", "gem stone"), "above"), Block("image", ("frog",))))


class Says:
    sees = False

    def __init__(self, text: str) -> None:
        self.text = text

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Answer]:  # noqa: B008
        return [Answer((self.text,)) for _ in prompts]


def test_a_request_is_parsed_to_the_graph_it_was_made_of():
    assert parsed("Answer with texts and images.\n" + request(GRAPH)) == GRAPH


@pytest.mark.parametrize(
    "text", ["How is rice fried?", "Answer in this order: a poem.", "Answer in this order: " + "a picture of the a, " * 99]
)
def test_a_request_in_another_form_is_not(text: str):
    assert parsed(text) is None


def test_neighbours_and_images_that_show_the_same_are_related():
    assert list(GRAPH.related()) == [(0, 1, ("frog",)), (1, 2, ("frog",))]


def test_a_relation_is_asked_after_the_things_it_is_of():
    questions = GRAPH.questions()["image_qa"]["questions"]
    assert [one["Question"] for one in questions[:3]] == [
        "Is there a frog in the picture?", "Is there a gem stone in the picture?", "Is the frog above the gem stone?",
    ]  # fmt: skip
    assert [one["Preliminary"] for one in questions] == [[], [], [0, 1], []]


def test_any_request_is_put_to_a_language_model():
    stated = {
        "blocks": [
            {"kind": "text", "shows": ["rice"], "relation": ""},
            {"kind": "image", "shows": ["egg", "pan"], "relation": "above"},
        ]
    }
    assert asked(Says(f"Sure: {json.dumps(stated)}"), "Fry rice") == SceneGraph(
        (Block("text", ("rice",)), Block("image", ("egg", "pan"), "above"))
    )


@pytest.mark.parametrize(
    "said",
    [
        "no",
        "{}",
        '{"blocks": []}',
        '{"blocks": [{"kind": "sound", "shows": ["a"]}]}',
        '{"blocks": [{"kind": "text", "shows": "a"}]}',
    ],
)
def test_an_answer_that_is_no_graph_is_an_error(said: str):
    with pytest.raises(ExpertError, match="scene graph"):
        asked(Says(said), "Fry rice")
