"""The joint filter by rank, through an encoder of colours that is exact."""

from __future__ import annotations

import pytest

from limner.curate.joint import JointRank
from limner.document import Document, Image, Text
from limner.experts import address

from .colours import COLOURS, ColourEncoder, flat
from .context import MemoryContext


@pytest.fixture(autouse=True)
def _colours():
    address.register("encoder", "colours")(lambda rest: ColourEncoder())
    yield
    del address._registered["encoder", "colours"]
    address.resolve.cache_clear()


def page(context: MemoryContext, name: str, colour: str, *texts: str, language: str = "en") -> Document:
    image = Image(0, ref=context.put(flat(colour)).ref)
    return Document(name, (image, *(Text(1 + i, text) for i, text in enumerate(texts))), language=language)


def crowd(context: MemoryContext, language: str = "en") -> list[Document]:
    """Pages that each show a colour and name it, four of each."""
    return [page(context, f"{c}{i}", c, f"All {c} here.", language=language) for i in range(4) for c in COLOURS]


def rank(**given) -> JointRank:
    return JointRank("colours:x", **{"negatives": 20, "top": 6, **given})


def dropped(context: MemoryContext) -> dict[tuple[str, int | None], str]:
    return {(document, n): reason.reason for document, n, reason in context.dropped if reason.reason.endswith("unmatched")}


def test_pages_that_show_what_they_say_stay():
    context = MemoryContext()
    pages = crowd(context)
    assert list(rank().batch(pages, context)) == pages
    assert context.dropped == []


def test_an_image_that_no_text_of_its_page_fits_goes_and_the_rest_stays():
    context = MemoryContext()
    odd = page(context, "odd", "blue", "Yellow, only yellow.")
    left = list(rank().batch([*crowd(context), odd], context))
    assert dropped(context) == {("odd", 0): "image-unmatched"}
    assert left[-1] == odd.without({0})
    ((_, _, reason),) = context.dropped
    assert reason.threshold == 6
    assert 6 < reason.value <= 21


def test_texts_without_an_image_go_only_when_asked():
    context = MemoryContext()
    mixed = page(context, "mixed", "blue", "Something blue.", "Yellow, only yellow.")
    (*_, left) = rank().batch([*crowd(context), mixed], context)
    assert left == mixed
    (*_, left) = rank(drop="both").batch([*crowd(context), mixed], context)
    assert left == mixed.without({2})
    assert dropped(context) == {("mixed", 2): "text-unmatched"}


def test_negatives_come_from_the_same_language_and_too_few_judge_nothing():
    context = MemoryContext()
    odd = page(context, "odd", "blue", "Yellow, only yellow.", language="de")
    assert odd in list(rank().batch([*crowd(context), odd], context))
    list(rank().batch([*crowd(context, "de"), odd], context))
    assert dropped(context) == {("odd", 0): "image-unmatched"}


def test_fewer_negatives_ask_for_a_better_rank_in_proportion():
    context = MemoryContext()
    # Of 24 other pages, 4 name magenta, which an image of magenta finds closer than red: a share of one sixth.
    close = page(context, "close", "magenta", "All red here.")
    kept = list(rank(negatives=63, top=12).batch([*crowd(context), close], context))
    assert close in kept
    list(rank(negatives=63, top=9).batch([*crowd(context), close], context))
    assert ("close", 0) in dropped(context)


def test_each_side_is_judged_by_its_own_negatives():
    context = MemoryContext()
    # Half the other images are red and blue mixed, so that a text of red is one of many for them, but its image has no better text.
    many = [page(context, f"m{i}", "magenta", "All cyan here.") for i in range(30)]
    odd = page(context, "odd", "magenta", "Red or so.")
    left = list(rank(drop="both", negatives=20, top=6).batch([*many, odd], context))
    assert ("odd", 0) not in dropped(context)
    assert odd in left


def test_the_draw_is_the_same_in_any_order_of_asking():
    pages = [*crowd(context := MemoryContext()), page(context, "odd", "cyan", "Red and a bit of blue.")]
    runs = []
    for _ in range(2):
        context.dropped.clear()
        list(rank(negatives=8, top=2, seed=3).batch(pages, context))
        runs.append(list(context.dropped))
    assert runs[0] == runs[1]


def test_what_cannot_be_compared_is_left_alone():
    context = MemoryContext()
    parts = (Image(0, url="a.png"), Image(1, ref=context.put(b"no image").ref), Text(2, "Yellow."), Text(3, "red", role="code"))
    bare = [
        Document("x", parts),
        Document("y", (Image(0, ref=context.put(flat("red")).ref),)),
        Document("z", (Text(0, "Blue."),)),
    ]
    assert list(rank(drop="both").batch([*crowd(context), *bare], context))[-3:] == bare


@pytest.mark.parametrize("bad", [{"top": 0}, {"top": 64, "negatives": 63}, {"least": 0}, {"least": 99, "negatives": 63}])
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match="top and least"):
        JointRank("colours:x", **bad)
