r"""Formulas of pages, Markdown, notebooks and reStructuredText: each form that sites write them in, and real pages against their sources."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.document import Document
from limner.errors import MissingExtra
from limner.sources.datasets import dataset
from limner.sources.html import extract
from limner.sources.kinds import Page
from limner.sources.markdown import read_markdown, to_html
from limner.sources.notebook import read_notebook


def parts(document: Document) -> list[tuple[str, str]]:
    return [(part.role, part.text) for part in document.texts]


def markdown(text: str) -> list[tuple[str, str]]:
    (document,) = read_markdown(Page(text.encode(), "t.md", "t"), None)
    return parts(document)


@pytest.mark.parametrize(
    "html",
    [
        r'<img class="formulaInl" alt="$x^2$" src="form_1.png">',
        r'<img src="img1.png" alt="$x^2$" align="MIDDLE">',
        r'<img class="mwe-math-fallback-image-inline" src="/svg/ab12" alt="{\displaystyle x^2}">',
        r'<img src="https://latex.codecogs.com/gif.latex?\inline&space;x^2">',
        r'<img src="https://s0.wp.com/latex.php?latex=x%5E2&bg=ffffff&s=0">',
        r'<img src="https://www.zhihu.com/equation?tex=x%5E2" eeimg="1">',
        r'<img src="/cgi-bin/mathtex.cgi?x^2">',
        r'<img src="https://chart.googleapis.com/chart?cht=tx&chl=x%5E2">',
        r'<code class="code math js-render-math" data-math-style="inline">x^2</code>',
        r'<tt class="math">x^2</tt>',
        r'<span class="tex" role="math">x^2</span>',
        r'<span class="ztext-math" data-tex="x^2">x2</span>',
        r'<math-renderer class="js-inline-math">$x^2$</math-renderer>',
        r'<script type="math/mml"><math><msup><mi>x</mi><mn>2</mn></msup></math></script>',
    ],
)
def test_inline_formulas_of_other_sites_stand_between_dollar_signs(html: str):
    ((role, text),) = parts(extract(f"<p>so {html} is", name="t"))
    assert (role, text.replace("{2}", "2")) == ("paragraph", "so $x^2$ is")


@pytest.mark.parametrize(
    "html",
    [
        '<p class="formulaDsp"><img class="formulaDsp" alt="\\[ x = 1 \\]" src="form_1.png"></p>',
        '<div class="math"><p><img src="_images/math/ab12.png" alt="x = 1"></p></div>',
        '<pre class="code math js-render-math" data-math-style="display"><code>x = 1</code></pre>',
        '<div class="math notranslate">\\[\\begin{equation} x = 1 \\end{equation}\\]</div>',
    ],
)
def test_display_formulas_of_other_sites_are_parts(html: str):
    assert parts(extract(html, name="t")) == [("formula", "x = 1")]


def test_the_number_of_a_formula_is_its_tag():
    html = '<div class="math"><span class="eqno">(3)<a class="headerlink" href="#e">¶</a></span>\\[x = 1\\]</div>'
    assert parts(extract(html, name="t")) == [("formula", r"x = 1 \tag{3}")]


@pytest.mark.parametrize("shown", [r"\[ x = 1 \]", "$$x = 1$$", r"\begin{equation} x = 1 \end{equation}"])
def test_a_display_formula_within_a_paragraph_stands_apart(shown: str):
    assert parts(extract(f"<p>It says {shown} and no more.", name="t")) == [
        ("paragraph", "It says"),
        ("formula", "x = 1"),
        ("paragraph", "and no more."),
    ]
    assert parts(extract(f"<ul><li>It says {shown} here</ul>", name="t")) == [("list", "- It says $x = 1$ here")]


def test_listings_of_latex_brackets_and_pictures_are_no_formulas():
    html = (
        '<pre class="highlight latex">\\frac{a}{b}</pre><p>Escape \\[ and \\] there.<p><img src="a.png?v=2" alt="A photo of $5">'
    )
    document = extract(html, name="t")
    assert [role for role, _ in parts(document)] == ["code", "paragraph"]
    assert [image.alt for image in document.images] == ["A photo of $5"]


def test_markdown_keeps_formulas_as_they_are():
    text = "# T\n\nThen $a_1*b_2*c$ and \\\\(d_1\\\\) cost $5 or $6.\n\n$$\nq &= r \\\\\ns &= *t*\n$$\n\n- in a list $z_1$\n\n  $$w_1$$\n"
    assert markdown(text) == [
        ("heading", "T"),
        ("paragraph", "Then $a_1*b_2*c$ and $d_1$ cost $5 or $6."),
        ("formula", r"q &= r \\ s &= *t*"),
        ("list", "- in a list $z_1$"),
        ("formula", "w_1"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\\\\[x_1 = 1\\\\]",
        "\\begin{equation}\nx_1 = 1\n\\end{equation}",
        "$$ x_1 = 1 $$ (label)",
        "```math\nx_1 = 1\n```",
        "```{math}\n:label: a\nx_1 = 1\n```",
    ],
)
def test_display_formulas_of_markdown_are_parts(text: str):
    assert markdown(f"Before.\n\n{text}\n\nAfter.") == [("paragraph", "Before."), ("formula", "x_1 = 1"), ("paragraph", "After.")]


@pytest.mark.parametrize("text", ["a \\(see below\\) c", "cost $ 5 $ now", "from $5-$6", "`$x$`", "\\$x\\$", "$$", "\\["])
def test_markdown_without_formulas_has_none(text: str):
    assert "math" not in to_html(text)


@given(st.text(alphabet="$\\([])a_ \n>-{}begined", max_size=60))
def test_markdown_is_read_whatever_stands_in_it(text: str):
    assert isinstance(to_html(text), str)


def test_a_notebook_keeps_its_formulas():
    cell = {
        "cell_type": "markdown",
        "metadata": {},
        "source": ["Say\n", "\\begin{align}\n", "a_1 &= *b* \\\\\n", "c &= d\n", "\\end{align}\n"],
    }
    notebook = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]})
    (document,) = read_notebook(Page(notebook.encode(), "n.ipynb", "n"), None)
    assert parts(document) == [("paragraph", "Say"), ("formula", r"\begin{align} a_1 &= *b* \\ c &= d \end{align}")]


def test_rst_keeps_formulas_that_have_a_label():
    pytest.importorskip("docutils")
    from limner.sources.rst import read_rst

    text = "T\n=\n\nSee :math:`x<2`.\n\n.. math::\n   :label: e\n   :nowrap:\n\n   E = m c^2\n\n.. math:: F < m\n"
    try:
        (document,) = read_rst(Page(text.encode(), "t.rst", "t"), None)
    except MissingExtra:
        pytest.skip("docutils is not here")
    assert parts(document)[1:] == [("paragraph", "See $x<2$."), ("formula", "E = m c^2"), ("formula", "F < m")]


def test_formulas_of_real_pages_are_those_of_their_sources():
    sasview = dataset("sasview")
    if not sasview.here:
        pytest.skip("no sasview below LIMNER_DATA (limner data get sasview)")
    (source,) = Path(sasview.data).rglob("_sources/**/polydispersity.rst.txt")
    (html,) = [p for p in Path(sasview.data).rglob("polydispersity.html") if "_sources" not in p.parts]
    written = source.read_text("utf-8")
    document = extract(html.read_bytes(), name="t")
    labels = len(re.findall(r"^ +:label:", written, re.MULTILINE))
    shown = [text for role, text in parts(document) if role == "formula"]
    assert labels > 5
    assert sum(r"\tag{" in tex for tex in shown) == labels
    squeezed = re.sub(r"\s", "", document.text)
    for tex in re.findall(r":math:`([^`]+)`", written):
        assert f"${re.sub(chr(92) + 's', '', tex)}$" in squeezed
