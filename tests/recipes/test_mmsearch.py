"""The recipe mmsearch: questions have the answers of their pages, marks are the paper's, the smoke run goes through."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.colours import ColourEncoder, flat
from experts.test_language import Served
from limner.corpus import Corpus
from limner.corpus.media import sha256
from limner.document import Document, Image, Text, document_id
from limner.experts import address
from limner.recipes.lookups import DEFAULT, KEYS, MENU, SHOWN_NAME, Lookup, keys, lookups, menu
from limner.recipes.mmsearch import WEIGHTS, Bench, Settings, _measured, alike, f1
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.search import Search, index
from limner.search import Settings as Indexing
from limner.sources.datasets import dataset


def page(name: str, *said: str, of: str = "gimp-help-en", role: str = "paragraph") -> Document:
    source = f"{of}/{name}.html"
    parts = (Text(0, name, "heading", 1), *(Text(n, text, role) for n, text in enumerate(said, 1)))  # type: ignore[arg-type]
    return Document(document_id(source), parts, source=source, title=name, language="en")


CROP = page(
    "4.4. Crop", "Open Windows → Dockable Dialogs, or Tools → Transform Tools → Crop…, or use the keyboard shortcut Shift+C."
)
SPHERE = page(
    "sphere",
    "| Parameter | Description | Units | Default value |\n| --- | --- | --- | --- |\n| scale | Scale | None | 1 |\n| radius | Size | Å | 50 |",
    of="sasview",
    role="table",
)


def test_a_place_in_the_menus_is_that_of_what_the_page_is_about():
    assert menu(CROP) == "Tools → Transform Tools → Crop"
    assert menu(page("Scale", "Use Tools → Transform Tools → Crop first.")) == ""


def test_keys_are_asked_for_where_a_page_names_one_way():
    assert keys(CROP) == "Shift+C"
    assert keys(page("Align", "by pressing the Q keyboard shortcut")) == "Q"
    assert keys(page("Both", "keyboard shortcut Ctrl+A", "keyboard shortcut Ctrl+B")) == ""
    assert keys(page("None", "There is no default keyboard shortcut.")) == ""


def test_a_question_is_of_one_page_and_its_answer_stands_there():
    pages = [CROP, SPHERE, page("Tile", "Filters → Map → Tile"), page("Words", "Nothing to be asked.")]
    for seed in range(10):
        found = lookups(pages, seed, 10)
        assert len({each.document for each in found}) == len(found) == 3
        by_page = {each.document: each for each in found}
        assert by_page[CROP.id].kind in (MENU, KEYS)
        assert by_page[CROP.id].answer == {MENU: "Tools → Transform Tools", KEYS: "Shift+C"}[by_page[CROP.id].kind]
        assert (by_page[SPHERE.id].kind, by_page[SPHERE.id].answer) == (DEFAULT, "50")
        assert "radius" in by_page[SPHERE.id].question
        assert lookups(pages, seed, 10) == found
    assert len(lookups(pages, 0, 2)) == 2


def test_marks_against_figures_worked_out_by_hand():
    # 2 of 3 words in order: ROUGE-L 2*2/6; BLEU-1 2/3, no penalty
    assert alike("gimp crop keys", "gimp crop menu") == pytest.approx(2 / 3)
    # a shorter query: precision 1, penalty exp(1 - 4/2), ROUGE-L 2*2/6
    assert alike("gimp crop", "gimp crop menu place") == pytest.approx((2 / 3 + 0.36787944) / 2)
    assert f1("The answer is Ctrl+A", "Ctrl+A") == pytest.approx(2 * 2 / (5 + 2))
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)


@given(st.text(max_size=30), st.text(max_size=30))
def test_marks_are_shares(ours: str, theirs: str):
    for mark in (alike, f1):
        assert 0.0 <= mark(ours, theirs) <= 1.0 + 1e-9


def test_a_model_that_sees_is_measured_with_what_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("openai")
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    address.register("encoder", "colours")(lambda rest: ColourEncoder())
    colours = ("red", "green", "blue", "yellow", "cyan", "magenta")
    files = {sha256(flat(colour, 80)): flat(colour, 80) for colour in colours}
    pages = [
        page(colour, f"Filters → Map → {colour}").evolve(
            parts=(
                Text(0, colour, "heading", 1),
                Text(1, f"It is at Filters → Map → {colour}."),
                Image(2, sha256(flat(colour, 80))),
            )
        )
        for colour in colours
    ]
    corpus = Corpus.create(tmp_path / "corpus")
    corpus.append(pages, files)
    index(corpus, Indexing(encoder="colours:x"))
    found = [
        Lookup(SHOWN_NAME, p.id, p.title, "What is this map called?", f"{p.title} map", p.title, flat(p.title, 30)) for p in pages
    ]
    server = Served(refuse=0)
    try:
        given = Settings(model=f"openai:seeing@{server.url}", views="figures", text="", encoder="colours:x")
        figures = {m.name: m.value for m in _measured(Bench(Search.open(corpus), found, given))}
    finally:
        server.server.shutdown()
        server.server.server_close()
        del address._registered["encoder", "colours"]
        address.resolve.cache_clear()
    assert figures["rules-images.image.requery"] > figures["rules.image.requery"]  # image search names the colour
    assert figures["rules-images.right"] == 100
    assert {f"model-images.{task}" for task in WEIGHTS} | {"model-alone.end", "paired.search.gain"} <= set(figures)
    sent = [
        sum(part["type"] == "image_url" for m in body["messages"] for part in m["content"] if isinstance(part, dict))
        for body in server.asked
    ]
    assert max(sent) > 2  # the question's image and those of websites


def test_the_smoke_run():
    if not dataset("sasview").here:
        pytest.skip("needs `limner data get sasview`")
    result = run(recipe("mmsearch"), "smoke")
    figures = {name: each["mean"] for name, each in result["figures"].items()}
    assert figures["questions.default"] == 10
    whole = sum(weight * figures[f"rules.{task}"] for task, weight in WEIGHTS.items())
    assert figures["rules.all"] == pytest.approx(whole, abs=0.01)
    assert figures["rules.right"] > 0
    verdicts = {claim["key"]: claim["word"] for claim in result["claims"]}
    assert verdicts["search"] == "not measured"  # no model is asked
    assert verdicts["engine-rules"] in ("held", "contradicted", "underpowered")
