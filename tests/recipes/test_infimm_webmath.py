"""The recipe on pages of mathematics: what counts as one, what the classifier sees, formulas against sources, the comparison of losses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limner.document import Document, Text
from limner.errors import LimnerError
from limner.experts.extractor import Page
from limner.pipeline.plan import Plan
from limner.recipes.formulas import FORMS, composed, squeezed, systems, written
from limner.recipes.infimm_webmath import Read, _crossed, _formulas_in, _held, _learnt, _sites, best, marked, plan_of, precision
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.recipes.taught import TINY
from limner.sources.datasets import dataset

RST = r"""
Lenses
======

A lens of :math:`r_1 < 2` bends light.

.. math::
   :label: lens

   \frac{1}{f} &= (n-1) \\
   f &= 2

   g = h + 1

.. math:: E = m c^2
"""
HTML = r"""<html><body><main><h1>Lenses</h1>
<p>A lens of <span class="math notranslate nohighlight">\(r_1 &lt; 2\)</span> bends light,
which is why it is used by so many people.</p>
<div class="math notranslate nohighlight" id="lens"><span class="eqno">(1)<a class="headerlink" href="#lens">¶</a></span>
\[\begin{split}\frac{1}{f} &amp;= (n-1) \\
f &amp;= 2\end{split}\]</div>
<p>Light that is bent by it meets in one point, as everybody can see who has one.</p>
<div class="math notranslate nohighlight">\[E = m c^2\]</div></main></body></html>"""


SMALL = replace(TINY, taught=20_000)


def page(site: str, maths: bool, text: str) -> Read:
    return Read(site, maths, text, text)


def test_formulas_of_a_source_are_those_that_were_written(tmp_path):
    (tmp_path / "_sources" / "user").mkdir(parents=True)
    (tmp_path / "_sources" / "user" / "lens.rst.txt").write_text(RST)
    found = [squeezed(formula) for formula in written(tmp_path, "user/lens.html")]
    assert found == [r"\frac{1}{f}=(n-1)f=2", "g=h+1", "E=mc^2", "r_1<2"]
    assert written(tmp_path, "user/other.html") == []


@pytest.mark.parametrize("form", ["", *FORMS])
def test_limner_keeps_the_formulas_of_a_page_in_each_form(form):
    given = Page(HTML.encode(), name="lens.html")
    read = systems()["limner"](composed(given, form) if form else given)
    for formula in ("r_1 < 2", r"\frac{1}{f} = (n-1)", "E = m c^2"):
        assert squeezed(formula) in squeezed(read)
    assert read.count("meets in one point") == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_composed_page_has_lost_the_form_that_it_had(form):
    made = composed(Page(HTML.encode(), name="lens.html"), form).data.decode()
    assert "\\(" not in made
    assert "\\[" not in made
    assert made.count({"images": "<img", "scripts": "<script", "katex": "<annotation"}[form]) == 3
    assert "meets in one point" in made


def test_a_plain_extractor_does_not_see_scripts():
    pytest.importorskip("resiliparse")
    given = composed(Page(HTML.encode(), name="lens.html"), "scripts")
    assert "bends light" in systems()["resiliparse"](given)
    assert "r_1" not in systems()["resiliparse"](given)


def test_pages_are_marked_by_formulas_and_not_by_scripts():
    assert marked(HTML.encode())
    assert not marked(rb"<script>tex = [['\\(', '\\)']]; a = '\(x\) \(y\) \(z\)'</script><p>\(x\)</p>")
    assert marked(b"<math><mi>x</mi></math>" * 3)


def test_thresholds_and_ranks():
    scores, truth = np.array([0.9, 0.8, 0.4, 0.1]), np.array([True, False, True, False])
    assert best(scores, truth) == 0.4
    assert precision(scores, truth) == pytest.approx((1 + 2 / 3) / 2)
    assert precision(scores, np.zeros(4, bool)) == 0


def test_a_site_is_judged_by_what_others_taught():
    # The word of each site stands on its pages of mathematics alone: a classifier that had seen the site would know it.
    rest = tuple(
        page(site, maths, f"{word} {site}word" if maths else f"{other} {other}")
        for site, word, other in (("a", "tensor", "cat"), ("b", "tensor", "cat"), ("c", "dog", "tensor"))
        for maths in (True, False) * 4
    )
    scores = dict(zip((p.site + str(p.maths) for p in rest), _crossed(rest), strict=False))
    assert scores["aTrue"] > scores["aFalse"]
    assert scores["cTrue"] < scores["cFalse"]


def test_what_is_held_out_is_not_learnt_from():
    read = [page("a", True, "x"), page("b", False, "y"), page("c", True, "z")]
    assert _sites(read) == ["a", "c"]
    rest, apart = _held(read, "a")
    assert {p.site for p in apart} == {"a"}
    assert {p.site for p in rest} == {"b", "c"}
    one = [page("a", n % 2 == 0, str(n)) for n in range(9)]
    rest, apart = _held(one, "a")
    assert sorted([*rest, *apart], key=lambda p: p.text) == one


def test_pages_of_the_class_teach_it_better_at_as_many_words():
    def of(site: str) -> list[Read]:
        maths = [page(site, True, f"the norm of a matrix is a sum over its rows number {n}") for n in range(20)]
        return maths + [page(site, False, f"the cat sleeps in a box all day long and purrs number {n}") for n in range(60)]

    read = [*of("a"), *of("b"), *of("c")]
    found = {m.name: m.value for m in _learnt(read, ["a"], 2_000, SMALL, 0)}
    assert found["loss.filtered"] == found["loss.filtered.a"]
    assert found["loss.filtered"] < found["loss.unfiltered"] - 0.2
    assert found["loss.filtered"] == pytest.approx(found["loss.marked"], abs=0.2)


def test_formulas_are_counted_once_and_prices_are_none():
    parts = (Text(0, "from $5 to $6 for $x$ and $y + z$"), Text(1, "x = 1", "formula"), Text(2, "$a$", "code"))
    assert _formulas_in(Document("d", parts)) == 3


def test_the_plan_has_the_stages_of_the_paper():
    plan = plan_of("maths.npz", 0.3)
    assert isinstance(plan, Plan)
    assert [s.name for s in plan.steps] == ["language", "text-class", "duplicate-urls", "near-duplicates", "image-rules"]


def test_smoke_measures_what_it_names():
    known = recipe("infimm-webmath")
    for name in known.data("smoke"):
        if not dataset(name).here:
            pytest.skip(f"no {name} below LIMNER_DATA (limner data get {name})")
    result = run(replace(known, seeds={**known.seeds, "smoke": 1}), "smoke", {"most": 45})
    figures = {name: figure["mean"] for name, figure in result["figures"].items()}
    assert figures["formulas.limner"] == 100
    assert figures["leak"] < 20
    assert 0 < figures["text-class.documents"] < figures["language.documents"]
    assert figures["kept.formulas"] > 100
    assert {c["key"]: c["word"] for c in result["claims"]}["training"] == "waits"


def test_data_without_mathematics_is_refused():
    if not dataset("gimp-help-en").here:
        pytest.skip("no gimp-help-en below LIMNER_DATA (limner data get gimp-help-en)")
    known = recipe("infimm-webmath")
    with pytest.raises(LimnerError, match="mathematics"):
        run(known, "smoke", {"data": '["gimp-help-en"]', "most": 5})
