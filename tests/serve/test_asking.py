"""The pages that answer and search, in a real browser: with script and without, on a phone, and with a corpus and questions full of script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus.reading import ATTACK, make_corpus, png
from experts.test_encoder import onnx_folder
from limner.search import Search, Settings, index

pytest.importorskip("fastapi", reason="limner[serve] is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from limner.serve.api import served
from limner.serve.server import running

QUESTION = "How do I crop, which tool?"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("asking")
    corpus = make_corpus(str(folder / "corpus"), pages=12)
    index(corpus)
    with running(served(Search.open(corpus)), port=0) as url:
        yield url


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def page(browser, url: str, request):
    """A page that fails the test for any error in its console and any request that leaves the server."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, base_url=url, java_script_enabled=request.param)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith(url) else wrong.append(f"request to {sent.url}"))
    page.on("dialog", lambda dialog: (wrong.append("a dialog"), dialog.dismiss()))
    yield page
    context.close()
    assert wrong == []


def ask(page, question: str) -> None:
    page.fill("#question", question)
    page.click("text=Ask >> nth=-1")


def test_a_question_is_answered_with_pictures_and_asked_on(page):
    page.goto("/chat")
    ask(page, QUESTION)
    page.wait_for_selector(".turn .answer")
    assert page.locator(".turn h2").first.inner_text() == QUESTION
    assert "Pick the tool" in page.locator(".answer").inner_text()
    pictures = page.locator(".answer img")
    assert pictures.count() >= 1
    assert pictures.first.get_attribute("src").startswith("/media/")
    ask(page, "And how is it done again?")
    page.wait_for_selector(".turn:nth-child(2)")
    assert page.locator(".turn").count() == 2
    address = page.url
    page.goto(address)  # what was said can be read again
    assert page.locator(".turn").count() == 2
    page.locator(".sources a").first.click()
    page.wait_for_selector("#at")


def test_a_search_shows_pictures_that_lead_to_their_place(page):
    page.goto("/search")
    page.fill("input[name=q] >> nth=-1", "the crop tool")
    page.select_option("select[name=kind]", "image")
    page.click("button:has-text('Search')")
    page.wait_for_selector(".gallery img")
    page.locator(".gallery a").first.click()
    page.wait_for_selector("#at img")


@pytest.mark.parametrize(
    "attack", [ATTACK, "javascript:window.owned=1", '"><svg onload="window.owned=1">', "{{7*7}}${7*7}", "text " + ATTACK]
)
def test_nothing_runs_that_a_question_or_a_document_brings(browser, url: str, attack: str):
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.on("dialog", lambda dialog: pytest.fail("a dialog"))
    for path in ("/chat", "/search"):
        page.goto(path)
        if path == "/chat":
            ask(page, attack)
            page.wait_for_selector(".turn")
        else:
            page.fill("input[name=q] >> nth=-1", attack)
            page.click("button:has-text('Search')")
            page.wait_for_load_state()
        assert page.evaluate("window.owned") is None, path
        assert page.evaluate(
            "[...document.querySelectorAll('*')].every(e => [...e.attributes].every(a => !a.name.startsWith('on')))"
        )
        assert page.evaluate("[...document.links].every(a => /^https?:$/.test(a.protocol))")
        assert page.evaluate("[...document.scripts].every(s => s.src.startsWith(location.origin + '/static/'))")
        assert "49" not in page.locator(".turn h2, input[name=q]").first.inner_text()
    context.close()


def test_a_page_fits_a_phone(browser, url: str):
    context = browser.new_context(viewport={"width": 360, "height": 740}, base_url=url)
    page = context.new_page()
    for path in ("/chat", "/search", "/search?q=crop", "/search?q=crop&kind=image", "/search?q=crop&kind=document"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    page.goto("/chat")
    ask(page, QUESTION)
    page.wait_for_selector(".turn")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_a_picture_is_searched_for_and_a_wrong_one_refused(browser, tmp_path: Path):
    """With a joint encoder in the index, the pages take a picture."""
    where = f"onnx:{onnx_folder(tmp_path)}"
    corpus = make_corpus(str(tmp_path / "corpus"), pages=4)
    index(corpus, Settings(encoder=where))
    (tmp_path / "a.png").write_bytes(png(240, 160, 0))
    (tmp_path / "b.png").write_bytes(b"no picture")
    with running(served(Search.open(corpus)), port=0) as url:
        context = browser.new_context(base_url=url)
        page = context.new_page()
        page.goto("/search")
        page.set_input_files("input[name=picture]", tmp_path / "a.png")
        page.click("button:has-text('Search')")
        page.wait_for_selector(".gallery img")
        page.goto("/search")
        page.set_input_files("input[name=picture]", tmp_path / "b.png")
        page.click("button:has-text('Search')")
        assert "does not decode" in page.locator("[role=alert]").inner_text()
        context.close()
