"""What each kind of element becomes: one behaviour a test, on snippets (a fragment is content as a whole)."""

from __future__ import annotations

import pytest

from limner.document import Document, Image, Text
from limner.sources.html import extract


def texts(html: str, role: str = "") -> list[str]:
    return [part.text for part in extract(html, name="t").texts if not role or part.role == role]


def images(html: str, **given: str) -> list[str]:
    return [image.url for image in extract(html, name="t", **given).images]


def only(document: Document, role: str) -> Text:
    (part,) = [part for part in document.texts if part.role == role]
    return part


def test_white_space_collapses_as_in_a_browser() -> None:
    assert texts("<p>one\n  two <b>three</b>\tfour<b>five</b>") == ["one two three fourfive"]


def test_a_no_break_space_is_kept() -> None:
    assert texts("<p>10\xa0km  away") == ["10\xa0km away"]


def test_a_line_break_is_a_line_and_two_are_a_paragraph() -> None:
    assert texts("<div>one<br>two<br><br>three</div>") == ["one\ntwo", "three"]


def test_headings_have_their_level() -> None:
    document = extract("<h1>A</h1><p>x y z</p><h3>B <button>v</button></h3><p>x y z</p>", name="t")
    assert [(t.text, t.level) for t in document.texts if t.role == "heading"] == [("A", 1), ("B v", 3)]


def test_headerlink_pilcrows_go() -> None:
    assert texts('<h2>Crop<a class="headerlink" href="#crop">¶</a></h2>') == ["Crop"]


def test_a_list_is_one_part_with_nested_items_indented() -> None:
    html = "<ul><li>a<ol start=1><li>b<li>c</ol><li>d<p>more</ul>"
    assert texts(html, "list") == ["- a\n  1. b\n  2. c\n- d\n  more"]


def test_a_list_item_with_a_heading_is_a_card() -> None:
    document = extract("<ul><li><h3>Teapot</h3><p>A pot for tea.</p></li></ul>", name="t")
    assert [t.role for t in document.texts] == ["heading", "paragraph"]


def test_an_image_splits_the_list_it_stands_in() -> None:
    parts = extract("<ul><li>one</li><li>two <img src=a.png></li><li>three</li></ul>", name="t").parts
    assert [p.text if isinstance(p, Text) else p.url for p in parts if isinstance(p, Text | Image)] == [
        "- one\n- two",
        "a.png",
        "- three",
    ]


def test_an_image_inside_a_sentence_follows_its_paragraph() -> None:
    parts = extract("<p>press <img src=a.png> now</p><p>then wait</p>", name="t").parts
    assert [p.text if isinstance(p, Text) else "image" for p in parts] == ["press now", "image", "then wait"]


def test_a_table_is_github_markdown() -> None:
    html = "<table><thead><tr><th>a|b<th>c</thead><tr><td>1<td><p>2<p>3</table>"
    assert texts(html, "table") == ["| a\\|b | c |\n| --- | --- |\n| 1 | 2 3 |"]


def test_spans_leave_the_cells_they_cover_empty() -> None:
    html = "<table><tr><th colspan=2>x<th>y<tr><td rowspan=2>1<td>2<td>3<tr><td>4<td>5</table>"
    assert texts(html, "table") == ["| x |  | y |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n|  | 4 | 5 |"]


def test_a_layout_table_is_walked_through() -> None:
    html = "<table><tr><td><h2>Left</h2><p>text here</td><td><p>other text</td></tr></table>"
    assert texts(html, "table") == []
    assert texts(html) == ["Left", "text here", "other text"]


def test_images_of_a_table_follow_it_and_its_caption_belongs_to_it() -> None:
    html = "<table><caption>Sizes</caption><tr><th>a<th>b<tr><td><img src=i.png>1<td>2<tr><td>1<td>2</table>"
    document = extract(html, name="t")
    table = only(document, "table")
    assert only(document, "caption").of == table.n
    assert document.images[0].n == table.n + 1


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ("<pre><code class=language-rust>x</code></pre>", "rust"),
        ('<div class="highlight-python notranslate"><div class=highlight><pre>x</pre></div></div>', "python"),
        ('<pre class="brush: js">x</pre>', "javascript"),
        ("<pre data-lang=C++>x</pre>", "cpp"),
        ('<div class="highlight-default"><pre>x</pre></div>', ""),
        ("<pre>x</pre>", ""),
    ],
)
def test_code_has_its_language(html: str, language: str) -> None:
    assert only(extract(html, name="t"), "code").language == language


def test_code_keeps_its_lines_without_numbers_and_buttons() -> None:
    html = (
        "<table class=highlighttable><tr><td class=linenos><pre>1\n2</pre></td><td class=code><pre><button>Copy</button>"
        "def f():\n    return 1\n</pre></td></tr></table>"
    )
    assert texts(html) == ["def f():\n    return 1"]


def test_quotes_are_quotes() -> None:
    assert texts("<blockquote><p>To be.</blockquote>", "quote") == ["To be."]


@pytest.mark.parametrize(
    "html",
    [
        "<p>so <math><semantics><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation></semantics></math> is",
        "<p>so <math alttext='x^2'><mi>q</mi></math> is",
        "<p>so <math><msup><mi>x</mi><mn>2</mn></msup></math> is",
        "<p>so <span class=math>\\(x^2\\)</span> is",
        "<p>so \\(x^2\\) is",
        "<p>so <script type='math/tex'>x^2</script> is",
        "<p>so <img class=math src=x.png alt='x^2'> is",
        "<p>so <span class=katex><span class=katex-mathml><math><annotation encoding='application/x-tex'>x^2</annotation></math>"
        "</span><span class=katex-html aria-hidden=true>x2</span></span> is",
    ],
)
def test_inline_formulas_stand_between_dollar_signs(html: str) -> None:
    (text,) = texts(html)
    assert text.replace("{2}", "2") == "so $x^2$ is"


@pytest.mark.parametrize(
    "html",
    [
        "<div class='math notranslate'>\\[x = 1\\]</div>",
        "<p>$$x = 1$$</p>",
        "<math display=block alttext='x = 1'></math>",
        "<p>So<script type='math/tex; mode=display'>x = 1</script>",
    ],
)
def test_display_formulas_are_parts(html: str) -> None:
    assert texts(html, "formula") == ["x = 1"]


def test_a_fraction_in_mathml_becomes_latex() -> None:
    html = "<math display=block><mfrac><msqrt><mi>α</mi></msqrt><mn>2</mn></mfrac></math>"
    assert texts(html, "formula") == [r"\frac{\sqrt{\alpha}}{2}"]


@pytest.mark.parametrize(
    "html",
    [
        "<figure><img src=a.png><figcaption>A cat</figcaption></figure>",
        "<figure><figcaption>A cat</figcaption><img src=a.png></figure>",
        '<div class="figure"><img src=a.png><p class="caption"><span class="caption-text">A cat</span></p></div>',
        '<div class="figure"><p class="title"><b>A cat</b></p><div class="mediaobject"><img src=a.png></div></div>',
        '<div class="thumb"><img src=a.png><div class="thumbcaption">A cat</div></div>',
        '<div class="wp-caption"><img src=a.png><p class="wp-caption-text">A cat</p></div>',
        '<div><img src=a.png></div><p class="image-caption">A cat</p>',
    ],
)
def test_a_caption_names_its_image(html: str) -> None:
    document = extract(html + "<p>Something else here.</p>", name="t")
    caption = only(document, "caption")
    assert caption.text == "A cat"
    assert caption.of == document.images[0].n


@pytest.mark.parametrize(
    "attributes",
    [
        "src=a.png",
        "data-src=a.png",
        'src="data:image/gif;base64,R0lGOD" data-original=a.png',
        'src="blank.gif" data-lazy-src=a.png',
        'srcset="b.png 300w, a.png 1200w, c.png 4000w"',
        'src="" data-srcset="a.png 2x"',
    ],
)
def test_the_address_an_image_shows(attributes: str) -> None:
    assert images(f"<p>text</p><img {attributes}>") == ["a.png"]


def test_a_picture_falls_back_to_its_sources() -> None:
    assert images("<picture><source srcset=a.webp><img alt=x></picture>") == ["a.webp"]


def test_a_lazy_image_and_its_noscript_are_one() -> None:
    assert images("<p>x</p><img data-src=a.png><noscript><img src=a.png></noscript>") == ["a.png"]
    assert images("<p>x</p><img src='data:,'><noscript><img src=a.png></noscript>") == ["a.png"]


def test_addresses_are_absolute_where_the_page_has_one() -> None:
    assert images("<img src=../a.png>", url="https://x.org/d/p.html") == ["https://x.org/a.png"]
    assert images("<base href=/b/><img src=a.png>", url="https://x.org/d/p.html") == ["https://x.org/b/a.png"]


def test_tracking_pixels_are_no_images() -> None:
    assert images("<p>text</p><img src=t.gif width=1 height=1>") == []


def test_hidden_text_is_not_read() -> None:
    html = "<p>Seen. <span hidden>no</span><span style='display: none'>no</span></p><p hidden>no</p><p style=display:none>no"
    assert texts(html) == ["Seen."]


def test_scripts_styles_and_navigation_are_not_read() -> None:
    html = "<nav>Home</nav><script>x()</script><style>p{}</style><template><p>no</template><p>Yes, this.</p>"
    assert texts(html) == ["Yes, this."]


def test_places_name_the_element() -> None:
    document = extract("<div><p>one</p><p>two</p></div>", name="t")
    assert [part.place for part in document] == ["dom:1/0/0", "dom:1/0/1"]


def test_a_page_inside_noscript_is_read() -> None:
    post = "<p>" + "Some words of a post in a forum, which are shown without scripts. " * 8
    assert len(texts(f"<noscript>{post}</noscript>")) == 1


def test_a_numbered_caption_is_one_part() -> None:
    html = (
        '<div class="figure"><img src=a.png><p class="caption"><span class="caption-number">Fig. 2 </span>'
        '<span class="caption-text">A cat</span></p></div>'
    )
    assert [p.text for p in extract(html, name="t").texts] == ["Fig. 2 A cat"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>10<sup>-6</sup>Å<sup>−2</sup></p>", "10⁻⁶Å⁻²"),
        ("<p>10<sup>15</sup> cm<sup>3</sup>, x<sub>i</sub><sup>2</sup>, CO<sub>2</sub></p>", "10¹⁵ cm³, xᵢ², CO₂"),
        (
            '<p>the 2<sup>nd</sup>, noted<sup><a href="#c">[1]</a></sup> twice<sup><a href="#d">2,3</a></sup></p>',
            "the 2nd, noted[1] twice²,³",
        ),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>m<sup>2</sup></td><td>H<sub>2</sub>O</td></tr></table>", "| m² | H₂O |"),
    ],
)
def test_raised_and_lowered_characters_stay_so(html: str, text: str) -> None:
    assert texts(html)[0].splitlines()[-1] == text


def test_lists_count_as_the_page_says_and_tasks_keep_their_state() -> None:
    assert texts("<ol start=5><li>five<li>six<li value=9>nine</ol>") == ["5. five\n6. six\n9. nine"]
    assert texts("<ul><li><input type=checkbox disabled checked>done<li><input type=checkbox disabled>open</ul>") == [
        "- [x] done\n- [ ] open"
    ]


def test_mathjax_that_was_rendered_keeps_its_formula() -> None:
    math = "<mjx-assistive-mml><math><mi>E</mi><mo>=</mo><mi>m</mi></math></mjx-assistive-mml>"
    assert texts(f'<p>Thus <mjx-container class="MathJax"><svg></svg>{math}</mjx-container> holds.</p>') == [
        "Thus $E = m$ holds."
    ]
    assert texts(f'<mjx-container class="MathJax" display="true"><svg></svg>{math}</mjx-container>', "formula") == ["E = m"]


def test_a_drawing_in_a_figure_is_its_image() -> None:
    document = extract('<figure><svg viewBox="0 0 9 9"><rect/></svg><figcaption>A chart</figcaption></figure>', name="t")
    assert document.images[0].url.startswith("data:image/svg+xml;base64,")
    assert only(document, "caption").of == document.images[0].n
    assert images("<p>Press <svg viewBox='0 0 9 9'><rect/></svg> now.</p>") == []


def test_a_cell_that_is_a_picture_says_what_it_shows() -> None:
    html = "<table><tr><th>plan</th><th>free</th></tr><tr><td>small</td><td><img src=tick.png alt=yes></td></tr></table>"
    assert texts(html)[0].splitlines()[-1] == "| small | yes |"
    assert texts(html.replace("alt=yes", "width=30 height=30"))[0].splitlines()[-1] == "| small | tick |"
    assert texts(html.replace("alt=yes", "alt=plot_001"))[0].splitlines()[-1] == "| small |  |"


def test_emoji_are_text_and_a_file_name_is_no_description() -> None:
    assert texts('<p>Nice <img class="emoji" src=s.png alt="😀"> day</p>') == ["Nice 😀 day"]
    found = extract('<p>Look:</p><img src="x/_images/a.png" alt="_images/a.png"><img src=b.png title="A cat">', name="t").images
    assert [image.alt for image in found] == ["", "A cat"]


def test_what_is_never_seen_is_not_in_the_text() -> None:
    assert texts("<p>soft&shy;hyphen, zero&#8203;width, caf&eacute;</p>") == ["softhyphen, zerowidth, café"]
    assert texts("<div><button>Copy</button><pre>ls -l</pre></div>") == ["ls -l"]


def test_a_picture_shown_again_is_one_image() -> None:
    html = "<img src=boat-300x200.jpg><p>The boat.</p><img src=boat.jpg?w=900><img src=like.png><p>And so.</p><img src=like.png>"
    assert images(html) == ["boat-300x200.jpg", "like.png"]
    figure = "<figure><img src=boat.jpg><figcaption>The boat at sea</figcaption></figure>"
    assert images("<img src=boat.jpg><p>First.</p>" + figure + figure) == ["boat.jpg", "boat.jpg"]
