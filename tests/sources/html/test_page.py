"""Whole pages: what is content, what a page says of itself, encodings, hostile input."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.document import Document, Image, Text, document_id
from limner.errors import SourceError
from limner.sources.html import Limits, decode, extract

ARTICLE = """<!doctype html><html lang="en-gb"><head><title>How cats purr</title>
<meta property="article:published_time" content="2021-03-05T10:00:00Z"><meta name=author content="A. Writer">
<meta property="og:site_name" content="The Cat Times"><link rel=canonical href="/cats/purr">
<link rel=license href="https://creativecommons.org/licenses/by/4.0/"></head><body>
<header class="site-header"><a href="/"><img src="/logo.png" alt="The Cat Times"></a>
<ul class="menu"><li><a href="/news">News</a></li><li><a href="/about">About</a></li><li><a href="/shop">Shop</a></li></ul></header>
<div id="cookie-notice" class="cookie-notice"><p>We use cookies to improve your experience.</p><button>Accept</button></div>
<main><article class="post"><h1>How cats purr</h1>
<p>For a long time nobody knew how a cat purrs, because the sound comes from deep inside the throat, where it is hard to look.</p>
<figure><img src="/img/larynx.jpg" width="800" height="600" alt="A larynx"><figcaption>The larynx of a cat.</figcaption></figure>
<p>It was found that the muscles of the larynx open and close the glottis up to thirty times a second, which gives the hum.</p>
<h2>Why they do it</h2>
<p>Cats purr when they are content, but also when they are hurt; the low hum may help their bones and tissues to heal faster.</p>
<p>Kittens purr while they drink, so that their mother knows where they are, and that nothing is wrong with them at all.</p>
</article></main>
<aside class="sidebar"><h3>Related articles</h3><ul><li><a href="/1">Ten cats you must see</a></li><li><a href="/2">Dogs</a></li></ul></aside>
<footer class="site-footer"><p>Copyright 2021 The Cat Times. <a href="/privacy">Privacy</a> <a href="/terms">Terms</a></p></footer>
</body></html>"""


def test_an_article_without_what_surrounds_it() -> None:
    document = extract(ARTICLE, url="https://cats.example/cats/purr?utm=1", name="purr.html")
    assert [p.text[:20] if isinstance(p, Text) else getattr(p, "url", "") for p in document] == [
        "How cats purr",
        "For a long time nobo",
        "https://cats.example/img/larynx.jpg",
        "The larynx of a cat.",
        "It was found that th",
        "Why they do it",
        "Cats purr when they ",
        "Kittens purr while t",
    ]
    image = document.parts[2]
    assert isinstance(image, Image)
    assert (image.alt, image.width, image.height) == ("A larynx", 800, 600)


def test_what_a_page_says_of_itself() -> None:
    document = extract(ARTICLE, url="https://cats.example/cats/purr?utm=1", name="purr.html")
    assert (document.title, document.language, document.url) == ("How cats purr", "en-GB", "https://cats.example/cats/purr")
    assert document.id == document_id("purr.html")
    assert document.meta == {
        "date": "2021-03-05T10:00:00+00:00",
        "author": "A. Writer",
        "site": "The Cat Times",
        "license": "https://creativecommons.org/licenses/by/4.0/",
    }


def test_a_canonical_address_on_another_host_is_not_believed() -> None:
    page = "<link rel=canonical href=https://evil.example/><p>text</p>"
    assert extract(page, url="https://cats.example/a").url == "https://cats.example/a"
    assert extract(page, name="a").url == "https://evil.example/"


def test_pages_of_sphinx_give_all_of_their_body() -> None:
    page = (
        '<script src="_static/documentation_options.js"></script><div class="related"><p>next</p></div>'
        '<div class="body" role="main"><h1>T</h1><p>x</p><img src="icon.png"></div><div class="footer">(c)</div>'
    )
    document = extract(page, name="t")
    assert [t.text for t in document.texts] == ["T", "x"]
    assert document.images[0].url == "icon.png"


@pytest.mark.parametrize(
    ("data", "header", "text"),
    [
        (b"\xef\xbb\xbfcaf\xc3\xa9", "text/html; charset=latin1", "café"),
        (b"caf\xe9", "text/html; charset=ISO-8859-1", "café"),
        (b"<meta charset=windows-1251>\xea\xee\xf2", "", "<meta charset=windows-1251>кот"),
        (b'<meta http-equiv=content-type content="text/html; charset=shift_jis">\x94\x4c', "", None),
        ("кот".encode("utf-16-le"), "utf-16", "кот"),
        ("naïve café — déjà vu".encode(), "", "naïve café — déjà vu"),
        (b"<meta charset=utf-16>caf\xc3\xa9", "", "<meta charset=utf-16>café"),
        (b"caf\xe9", "no-such-charset", None),
    ],
)
def test_encodings_as_browsers_read_them(data: bytes, header: str, text: str | None) -> None:
    found = decode(data, header)
    assert found == text if text is not None else found[-1] in "猫é"


@pytest.mark.parametrize(
    "tag", ["<div>", "<ul><li>", "<b>", "<table><tr><td>", "<blockquote>", "<span>", "<x-y>", "<p><b id={}>"]
)
def test_100000_open_elements(tag: str) -> None:
    start = time.perf_counter()
    document = extract("".join(tag.format(i) for i in range(100_000)) + "deep text", name="deep")
    assert "deep text" in document.text
    assert time.perf_counter() - start < 20


def test_a_page_that_is_too_large_is_refused() -> None:
    with pytest.raises(SourceError, match=r"page\.html: 100 bytes"):
        extract(b"x" * 100, name="page.html", limits=Limits(max_bytes=99))


def test_nodes_and_parts_are_bounded() -> None:
    page = "<div><h2>t</h2><p>x</p></div>" * 500
    assert len(extract(page, name="t", limits=Limits(max_parts=10))) == 10
    assert 0 < len(extract(page, name="t", limits=Limits(max_nodes=100))) < 200


@given(st.binary(max_size=400) | st.text(max_size=400), st.sampled_from(["", "utf-8", "utf-16", "gbk", "nonsense"]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_document(data: bytes | str, charset: str) -> None:
    assert isinstance(extract(data, name="x", charset=charset, url="http://h/p"), Document)


_PIECES = st.sampled_from(
    "<p> </p> <div> </div> <ul> <li> </ul> <table> <tr> <td> <th> </table> <pre> </pre> <a> <a href=x> </a> <math> <mi> </math> <img> "
    "<img src=a> <figure> <figcaption> </figure> <noscript> <svg> <template> <select> <br> <h1> </h1> <span class=katex> <dl> <dt "
    "class=sig> <colspan=99999999> <td colspan=1000 rowspan=1000> <object data=a.png> <script type=math/tex> <!-- x \\( \\[ $$ &amp; "
    "&#0; <frameset> <body> <html> <base href=//[> <link rel=canonical href=//[> <img src=//[> ".split(" ")
)


@given(st.lists(_PIECES, max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_markup_gives_a_document(pieces: list[str]) -> None:
    assert isinstance(extract(" ".join(pieces), name="x", url="http://h/p"), Document)


_WORDS = st.text(st.characters(whitelist_categories=("Ll", "Lu", "Lo", "Nd")), min_size=1, max_size=12)


@given(st.lists(_WORDS, min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_the_words_of_a_paragraph_survive(words: list[str]) -> None:
    (part,) = extract("<p>" + " <i>".join(words) + "</p>", name="x").texts
    assert part.text == " ".join(words)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>the <b>W</b><i>iki</i>, and <b>x</b><i>.</i></p>", "the Wiki, and x."),  # running text reads as it is written
        ("<div><span>12 May</span><span>A. Writer</span></div>", "12 May A. Writer"),  # a row of facts, set apart by its style
        ("<div><a href=/d>DJI</a><span>, or</span> <b>(</b><i>so</i><b>)</b></div>", "DJI, or (so)"),
        ("<p>as shown <a href=/1>here</a><sup>2</sup></p>", "as shown here²"),
    ],
)
def test_white_space_between_inline_elements(page: str, text: str) -> None:
    assert extract(page, name="t").text == text


@pytest.mark.parametrize(
    ("html", "wanted"),
    [
        ("<dl><dt>Weight</dt><dd>4.5 kg</dd><dt>Voice</dt><dd>25 Hz</dd></dl>", ["Weight", "4.5 kg", "Voice", "25 Hz"]),
        (
            "<figure><table><tr><th>k</th><th>v</th></tr><tr><td>1</td><td>2</td></tr></table><figcaption>Table 1: values</figcaption>"
            "</figure>",
            ["Table 1: values"],
        ),
    ],
)
def test_short_things_between_content_stay(html: str, wanted: list[str]) -> None:
    page = ARTICLE.replace("<h2>Why they do it</h2>", html + "<p>The figures were measured on forty cats over two years.</p>")
    texts = [part.text for part in extract(page, name="t").texts]
    assert [text for text in texts if text in wanted] == wanted


@pytest.mark.parametrize(
    "wrapped",
    [
        '<main id="skip-to-content">{}</main>',  # the target of a skip link
        '<section class="gutter">{}</section>',  # a layout's gutter is not that of line numbers
        '<div class="abstract mathjax">{}</div>',  # text for MathJax to look through
        '<div class="math">{} where <math><mi>x</mi></math> is small.</div>',
        "<noscript><iframe src='/tag'></noscript>{}",  # a frame left open
    ],
)
def test_content_is_not_lost_for_the_name_of_what_holds_it(wrapped: str) -> None:
    assert (
        "For a long time nobody knew"
        in extract(wrapped.format("<p>For a long time nobody knew how a cat purrs.</p>"), name="t").text
    )
