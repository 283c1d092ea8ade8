"""The pages in a real browser: they load without an error, answer to keys, fit a phone, and run nothing that a page brought."""

from __future__ import annotations

import re

import pytest

from corpus.reading import make_corpus
from limner.document import document_id

pytest.importorskip("uvicorn", reason="limner[serve] is not installed")
pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from limner.serve.server import serving

EVIL = document_id("manual/evil.html")
PAGE = document_id("manual/page-03.html")
PATHS = [
    "", "documents", "documents?q=crop&images=1&order=title", "documents?q=nothing+at+all", f"d/{PAGE}", f"d/{PAGE}?dropped=1",
    f"d/{document_id('manual/copy-0.html')}", f"d/{EVIL}", f"d/{EVIL}?dropped=1", "statistics", "ledger",
    "ledger/step?name=images", "ledger/step?name=near-duplicates", "ledger/step?name=language", "rejects", "card", "why",
    f"why?q={PAGE[:9]}", "why?q=icon-2.png",
]  # fmt: skip


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    corpus = make_corpus(str(tmp_path_factory.mktemp("view") / "corpus"), pages=40)
    with serving(corpus, port=0) as address:
        yield address


@pytest.fixture
def page(browser, url):
    """A page that fails the test for any error in its console and any request that leaves the server."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=url)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(url) else wrong.append(f"request to {request.url}"))
    page.on("dialog", lambda dialog: (wrong.append("a dialog"), dialog.dismiss()))
    yield page
    context.close()
    assert wrong == []


def test_every_page_loads_and_nothing_of_a_document_runs(page, url):
    for path in PATHS:
        answer = page.goto(url + path)
        assert answer.status == 200, path
        assert page.evaluate("window.owned") is None, path
        assert page.evaluate("document.querySelectorAll('script').length") == 1, path
        assert (
            page.evaluate("[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))")
            is False
        )
        assert page.evaluate("[...document.links].every(a => /^https?:$/.test(a.protocol))"), path


def test_no_page_is_wider_than_a_phone(browser, url):
    context = browser.new_context(viewport={"width": 360, "height": 740}, base_url=url)
    page = context.new_page()
    for path in PATHS:
        page.goto(url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    context.close()


def test_an_svg_with_script_is_shown_and_does_not_run(page, url):
    page.goto(f"{url}d/{EVIL}")
    image = page.locator("article img").first
    image.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('article img').complete")
    assert image.evaluate("i => i.naturalWidth") == 80
    source = image.get_attribute("src")
    page.close()
    # Opened by itself it is a document of its own: the policy takes its script.
    alone = page.context.new_page()
    messages: list[str] = []
    alone.on("console", lambda message: messages.append(message.text))
    alone.goto(url.rstrip("/") + source)
    assert alone.evaluate("window.owned") is None
    assert any("script" in message for message in messages)


def test_keys_lead_through_a_list_and_its_documents(page, url):
    page.goto(f"{url}documents?order=title&images=2")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("[...document.querySelectorAll('[data-entry]')].indexOf(document.activeElement)") == 1
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "order=title" in page.url
    first = page.url
    for key, back in (("j", "k"), ("ArrowRight", "ArrowLeft")):
        with page.expect_navigation():
            page.keyboard.press(key)
        assert page.url != first
        assert "order=title" in page.url
        with page.expect_navigation():
            page.keyboard.press(back)
        assert page.url == first
    with page.expect_navigation():
        page.keyboard.press("u")
    assert "/documents?" in page.url


def test_a_key_shows_what_was_dropped_in_its_place(page, url):
    page.goto(f"{url}d/{PAGE}")
    assert page.locator(".gone").count() == 0
    with page.expect_navigation():
        page.keyboard.press("d")
    gone = page.locator(".gone")
    assert gone.count() == 2
    assert "images dropped this: too-small (16 against a threshold of 150)" in gone.first.inner_text()
    assert "icon-3.png" in gone.first.inner_text()
    # Part 8 stood between the table (7) and the formula (9).
    assert page.evaluate("document.querySelector('.gone').previousElementSibling.className") == "table"
    assert page.evaluate("document.querySelector('.gone').nextElementSibling.className") == "formula"


def test_search_theme_and_help_have_keys(page, url):
    page.goto(url)
    page.keyboard.press("/")
    page.keyboard.type("crop, part 7")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator(".list li").count() == 1
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.keyboard.press("t")
    dark = page.evaluate(background)
    assert light != dark
    page.goto(f"{url}statistics")
    assert page.evaluate(background) == dark
    page.keyboard.press("?")
    assert page.locator("dialog[open]").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0


def test_dark_is_followed_when_the_system_asks(browser, url):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(url)
    red, green, blue = map(int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3])
    assert max(red, green, blue) < 60
    context.close()


def test_a_document_reads_as_it_was_written(page, url):
    page.goto(f"{url}d/{PAGE}")
    article = page.locator("article")
    assert article.locator("figure img + figcaption").inner_text() == "Figure 3: the tool and its options."
    assert article.locator("table th").all_inner_texts() == ["key", "what it does"]
    assert article.locator("table td").all_inner_texts()[-1] == "from a | b"
    assert article.locator("ol > li").count() == 3
    assert article.locator("ol ul > li").count() == 2
    assert article.locator("pre code").inner_text() == "image.crop((0, 0, 40, 30))"
    assert article.locator(".formula math mfrac").count() == 1
    assert article.locator("p math").count() == 1
    assert "$5 or $6" in article.inner_text()
    # The longest line of running text, in characters of its own size.
    assert article.evaluate("a => a.getBoundingClientRect().width") <= 720


def test_a_title_is_plain_text_without_its_site(browser, tmp_path):
    from limner.corpus import Corpus
    from limner.document import Document, Text
    from limner.serve.server import serving

    long = "g = " + " + ".join(rf"\frac{{a_{i}}}{{b_{i}}}" for i in range(30))
    parts = (Text(0, "Fitting $P(Q)$", "heading", 1), Text(1, f"It is ${long}$ in all.", "paragraph"))
    corpus = Corpus.create(tmp_path / "c")
    corpus.append([Document("c0ffee", parts, title=r"Fitting \(P(Q)\) — SasView 6.1 documentation")])
    with serving(corpus, port=0) as url:
        page = browser.new_context(viewport={"width": 390, "height": 800}, base_url=url).new_page()
        page.goto(f"{url}documents")
        assert page.locator(".list strong").inner_text() == "Fitting P(Q)"
        page.goto(f"{url}d/c0ffee")
        assert page.title().startswith("Fitting P(Q) · ")
        assert page.locator(".site").inner_text() == "SasView 6.1 documentation"
        # The formula scrolls in a box of its own, the page does not.
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator(".long-formula").evaluate("e => e.scrollWidth > e.clientWidth")
        page.context.close()


def test_a_table_of_the_card_is_not_cut_at_the_width_of_prose(page, url):
    page.goto(f"{url}card")
    assert page.locator(".prose .table").count() > 0
    assert page.evaluate("[...document.querySelectorAll('.prose .table')].every(e => e.scrollWidth <= e.clientWidth)")
