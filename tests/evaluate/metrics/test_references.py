"""Whether texts speak of images that are there."""

from __future__ import annotations

import time

import pytest

from limner.evaluate.metrics.references import references

A, B, C = b"a", b"b", b"c"


def images_of(parts: list[str | bytes]) -> list[int | None]:
    return [mention.image for mention in references(parts).mentions]


@pytest.mark.parametrize(
    ("said", "image"),
    [
        ("As image 2 shows, it is red.", 1),
        ("As Figure 2 shows, it is red.", 1),
        ("Wie Abb. 2 zeigt, ist es rot.", 1),
        ("See <image 1>.", 0),
        ("The second picture is red.", 1),
        ("The last of the images is red.", 1),
        ("In the picture above it is red.", 0),
        ("In the following image it is red.", 1),
        ("It is pictured below.", 1),
        ("Image 3 is red.", None),
        ("The fourth photo is red.", None),
        ("See [Image_2].", 1),
    ],
)
def test_what_is_said_of_images_between_two(said: str, image: int | None):
    assert images_of([A, said, B]) == [image]


def test_there_is_nothing_above_the_first_part():
    found = references(["The picture above is red.", A, "The picture below is blue."])
    assert found.resolved == 0.0
    assert found.dangling == ("picture above", "picture below")


@pytest.mark.parametrize(
    "said", ["The image is red.", "Save it as image2.png.", "We saw 2 images.", "Picture this: 3 cats.", "A figure of speech."]
)
def test_what_is_no_reference(said: str):
    found = references([A, said])
    assert found.mentions == ()
    assert found.resolved is None
    assert found.mentioned == 0.0


def test_captions_number_images_and_are_no_mentions():
    parts = ["Figure 7 and Figure 8 differ.", A, "Figure 7: A lens.", B, "Figure 8: A prism."]
    assert images_of(parts) == [0, 1]
    assert references(parts).mentioned == 1.0


def test_captions_may_stand_above():
    parts = ["Image 1: A lens.", A, "Image 2: A prism.", B, "Image 2 is clear, as is Image 5."]
    found = references(parts)
    assert [mention.image for mention in found.mentions] == [1, None]
    assert found.mentioned == 0.5


def test_a_caption_without_an_image_is_dangling():
    found = references(["Figure 1: A lens.", "It is round.", A, "Figure 2: A prism."])
    assert found.dangling == ("Figure 1",)


def test_a_caption_may_mention_another_image():
    assert images_of([A, "Figure 1: A lens, as in Figure 2.", B, "Figure 2: Another."]) == [1]


def test_the_sentence_is_told():
    found = references(["It is late. As image 1 shows, it is dark. It rains.", A])
    assert found.mentions[0].sentence == "As image 1 shows, it is dark."


def test_no_images_no_share():
    assert references(["Nothing here."]).mentioned is None


def test_hostile_texts_are_quick():
    started = time.process_time()
    references(["image " * 100_000 + "1", A, "the " * 50_000 + "picture " * 50_000, "Figures 1" + ", 2" * 50_000])
    assert time.process_time() - started < 5
