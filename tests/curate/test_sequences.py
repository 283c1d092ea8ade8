"""CoMM's three filters, through models of colours and letters that are exact: what they find is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from limner.curate.coherence import TextSequence
from limner.curate.imagesequence import ImageSequence, appearance, progress
from limner.curate.imagewords import ImageWords
from limner.curate.registry import operator
from limner.curate.steps import image_words, steps, title
from limner.document import Document, Image, Text
from limner.errors import ExpertError
from limner.experts import address
from limner.experts.language import Answer, Message, Sampling

from .colours import ColourEncoder, flat
from .context import MemoryContext


class Colours:
    """The encoder of colours as one of images, or of texts."""

    def __init__(self, texts: bool) -> None:
        self._embed = ColourEncoder().embed_texts if texts else ColourEncoder().embed_images

    def embed(self, given: Sequence) -> np.ndarray:
        return self._embed(given)


class Counting:
    """A text is likelier after one with its words, and most likely after one with a smaller number in it; asked, it gives a number's digits."""

    sees = False
    asked: ClassVar[list[str]] = []

    def likelihood(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, int]]:
        found = []
        for before, after in pairs:
            words = after.split()
            shared = len(set(words) & set(before.split()))
            numbers = [[int(w) for w in text.split() if w.isdigit()] for text in (before, after)]
            grown = bool(numbers[0] and numbers[1] and numbers[0][-1] < numbers[1][0])
            found.append((-3.0 * len(words) + shared + 2 * grown, len(words)))
        return found

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Answer]:  # noqa: B008
        out = []
        for prompt in prompts:
            self.asked.append(prompt[-1].text)
            good = "muddled" not in prompt[-1].text
            said = json.dumps({"development": 9 if good else 1, "coherence": 9, "completeness": 9})
            out.append(Answer((said if "blank" not in prompt[-1].text else "I cannot say.",)))
        return out


class Silent(Counting):
    """The same, without likelihoods."""

    likelihood = None  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def _models():
    made = {("text", "colours"): Colours(True), ("image", "colours"): Colours(False), ("language", "counting"): Counting()}
    for (port, scheme), model in made.items():
        address.register(port, scheme)(lambda rest, model=model: model)
    yield
    for key in made:
        del address._registered[key]
    address.resolve.cache_clear()


def told(*texts: str, name: str = "How to count") -> Document:
    return Document(
        name, tuple(part for n, text in enumerate(texts) for part in (Text(2 * n, text), Image(2 * n + 1))), title=name
    )


def test_steps_that_count_upwards_get_on_and_those_that_count_down_do_not():
    judge = TextSequence("counting:x")
    texts = ("step 1 count on", "step 2 count on", "step 3 count on")
    up, down = judge.scores([told(*texts), told(*texts[::-1])])
    assert up is not None
    assert down is not None
    assert up.development > 0 > down.development
    assert up.coherence > 0
    assert up.completeness > 0


def test_documents_that_fall_are_dropped_with_the_score_and_short_ones_are_kept():
    context = MemoryContext()
    keep = operator("text-sequence", model="counting:x", development=0.0, coherence=None, completeness=None)
    good = told("one step 1 here", "one step 2 here", name="good")
    bad = told("one step 2 here", "one step 1 here", name="bad")
    short = told("all alone in here", name="short")
    assert [d.id for d in keep.batch([good, bad, short], context)] == ["good", "short"]
    ((id, _, reason),) = context.dropped
    assert (id, reason.reason, reason.threshold) == ("bad", "text-development", 0.0)
    assert reason.value < 0


def test_a_model_can_be_asked_and_an_answer_that_is_none_drops_nothing():
    keep = TextSequence("counting:x", how="ask", development=5, coherence=5, completeness=5)
    documents = [told(first, "and so on it goes") for first in ("a coherent text", "a muddled text", "a blank page here")]
    left = list(keep.batch(documents, MemoryContext()))
    assert left == [documents[0], documents[2]]
    assert "Step 2: and so on it goes" in Counting.asked[-1]


def test_a_model_without_likelihoods_says_what_to_write_instead():
    address.register("language", "silent")(lambda rest: Silent())
    try:
        with pytest.raises(ExpertError, match='how = "ask"'):
            TextSequence("silent:x").scores([told("one text that is said", "another text that is said")])
    finally:
        del address._registered["language", "silent"]


def test_the_numbers_of_headings_tell_a_model_nothing():
    Counting.asked.clear()
    parts = (
        Text(0, "2.1. Boxes", "heading", 2), Text(1, "draw a box there"), Image(2),
        Text(3, "2.2. Circles", "heading", 2), Text(4, "draw a circle there"), Image(5),
    )  # fmt: skip
    list(TextSequence("counting:x", how="ask").batch([Document("d", parts, title="2. Shapes")], MemoryContext()))
    (asked,) = Counting.asked
    assert "Step 1: Boxes draw a box there" in asked
    assert "Step 2: Circles draw a circle there" in asked
    assert "2." not in asked


def shown(context: MemoryContext, *colours: str) -> Document:
    return Document("-".join(colours), tuple(Image(n, ref=context.put(flat(colour)).ref) for n, colour in enumerate(colours)))


def test_images_of_one_kind_stay_and_a_jumble_goes():
    context = MemoryContext()
    keep = ImageSequence("colours:x", progress=None, entities=0.2, style=None)
    alike, jumble, alone = shown(context, "red", "red"), shown(context, "red", "cyan", "red"), shown(context, "green")
    assert [d.id for d in keep.batch([alike, jumble, alone], context)] == ["red-red", "green"]
    assert context.dropped[0][2].reason == "image-entities"


def test_what_gets_on_step_by_step_has_more_progress_than_what_jumps():
    angles = np.array([0, 0.4, 0.8, 1.2])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    jumbled = points[[0, 3, 1, 2]]
    assert progress(points @ points.T) > progress(jumbled @ jumbled.T)
    assert np.isnan(progress(np.ones((2, 2))))


def test_pictures_that_look_the_same_have_the_same_appearance():
    red, blue = np.full((40, 60, 3), (220, 20, 20), np.uint8), np.full((40, 60, 3), (20, 20, 220), np.uint8)
    assert np.abs(appearance(red) - appearance(red[::2])).max() < 0.01
    assert np.abs(appearance(red) - appearance(blue)).max() > 0.5
    assert len(appearance(np.zeros((1, 1, 3), np.uint8))) == 9


def test_an_image_whose_words_fit_nothing_around_it_goes():
    context = MemoryContext()
    keep = ImageWords("colours:x", threshold=0.5)
    parts = (
        Text(0, "Take the red paint."), Image(1, alt="red paint"), Text(2, "Then the green one."), Image(3, alt="magenta paint"),
        Text(4, "And green again."), Image(5, alt="x.png"),
    )  # fmt: skip
    (left,) = keep.batch([Document("d", parts)], context)
    assert [image.n for image in left.images] == [1, 5]
    assert context.dropped[0][2].reason == "image-unrelated"


def test_steps_begin_with_a_text_after_images_and_with_headings():
    parts = (
        Text(0, "Crop", "heading", 1), Text(1, "Pick it."), Image(2), Text(3, "A tool", "caption", of=2), Text(4, "Draw."),
        Text(5, "Save", "heading", 2), Text(6, "Press."),
    )  # fmt: skip
    found = [(step.text, [image.n for image in step.images]) for step in steps(Document("d", parts))]
    assert found == [("Crop\nPick it.", [2]), ("Draw.", []), ("Save\nPress.", [])]
    assert image_words(Document("d", parts), parts[2]) == "A tool"


@pytest.mark.parametrize(("given", "about"), [("2.1. Crop - GIMP", "Crop"), ("OpenCV: Crop", "Crop"), ("Crop", "Crop")])
def test_titles_lose_the_names_of_sites_and_numbers(given, about):
    assert title(Document("d", (), title=given)) == about
