"""The measures of extraction, on pages small enough to count by hand."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "bench" / "extraction"


@pytest.fixture(scope="module")
def load() -> Any:
    """Imports a script of bench/extraction by name."""
    pytest.importorskip("docutils")
    pytest.importorskip("rapidfuzz")
    names = {path.stem for path in FOLDER.glob("*.py")}
    before = {name: sys.modules.pop(name) for name in names & set(sys.modules)}
    sys.path.insert(0, str(FOLDER))

    def get(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield get
    sys.path.remove(str(FOLDER))
    for name in names & set(sys.modules):
        del sys.modules[name]
    sys.modules.update(before)


# --- words ---------------------------------------------------------------------------------------------------------


def test_word_f1_counts_words_as_often_as_they_stand(load: Any) -> None:
    wcxb = load("wcxb")
    assert wcxb.word_scores("The cat, the CAT!", "the cat sat") == (0.5, pytest.approx(2 / 3), pytest.approx(4 / 7))
    assert wcxb.word_scores("", "") == (1, 1, 1)
    assert wcxb.word_scores("a", "") == wcxb.word_scores("", "a") == (0, 0, 0)


def test_a_paired_difference_of_equals_is_zero(load: Any) -> None:
    wcxb = load("wcxb")
    assert wcxb.paired({"a": 0.5, "b": 1.0}, {"a": 0.5, "b": 1.0}) == {"difference": 0.0, "interval": (0.0, 0.0)}


# --- images --------------------------------------------------------------------------------------------------------

LABEL = {
    "content": [["https://a.org/1.png", "https://a.org/1-large.png"], ["https://a.org/2.png"]],
    "other": [["https://a.org/logo.png"], ["https://a.org/2.png"]],
    "doubtful": [["https://a.org/icon.png"]],
}


def test_any_address_of_a_content_image_counts_once(load: Any) -> None:
    counts = load("images").compare(["https://a.org/1-large.png", "http://a.org/1.png"], LABEL)
    assert (counts.found, counts.wrong, counts.missed) == (1, (), ("https://a.org/2.png",))


def test_other_and_unknown_images_are_wrong_doubtful_and_data_are_left_out(load: Any) -> None:
    given = ["https://a.org/logo.png", "https://a.org/logo.png", "https://a.org/new.png", "https://a.org/icon.png", ""]
    counts = load("images").compare(given, LABEL)
    assert counts.wrong == ("https://a.org/logo.png", "https://a.org/new.png")
    assert counts.scores == (0, 0, 0)


def test_a_page_without_content_images_is_right_when_empty(load: Any) -> None:
    images = load("images")
    empty = {"content": [], "other": [["https://a.org/logo.png"]], "doubtful": []}
    assert images.compare([], empty).scores == (1, 1, 1)
    assert images.compare(["https://a.org/logo.png"], empty).scores == (0, 0, 0)


def test_lazy_addresses_are_candidates_and_placeholders_are_none(load: Any) -> None:
    pages = load("label_pages")
    survey = [
        {"attrs": {"src": "/blank.gif", "data-src": f"/photo-{n}.jpg", "alt": "x/y.png"}, "sources": []} for n in range(2)
    ] + [{"attrs": {"src": "/photo-0.jpg", "srcset": "/a.jpg 1x, /b,c.jpg 2x"}, "sources": []}]
    groups = [image["urls"] for image in pages.group(survey, "https://a.org/page")]
    assert groups == [
        ["https://a.org/photo-0.jpg", "https://a.org/a.jpg", "https://a.org/b,c.jpg"],
        ["https://a.org/photo-1.jpg"],
    ]


def test_decisions_join_and_range(load: Any) -> None:
    assert load("label_pages").numbers("1-3, 7+9,12") == [[1], [2], [3], [7, 9], [12]]


# --- structure -----------------------------------------------------------------------------------------------------

SOURCE = """
.. |unit| replace:: cm

Title with :func:`~pkg.run` and |unit|
======================================

.. figure:: img/cat.png
   :scale: 50

   A *cat* of :ref:`animals`.

   With a legend.

.. only:: latex

   .. image:: never.png

.. unknown-directive:: x
   :option: y

   .. image-sg:: /deep/inside.png
      :alt: not a word of it

Look::

    def f():

        return 1   # doctest: +SKIP

.. note:: Title in the note

   ====  =====
   a     b
   ====  =====
   1     $x$
   ====  =====

.. raw:: html

   <img src="raw.png">

Undefined |nothing|
-------------------
"""


@pytest.fixture(scope="module")
def truth(load: Any) -> list[Any]:
    rst = load("rst_source")
    titles = rst.Titles(labels={"animals": "All animals"})
    return rst.expected(rst.parse(SOURCE, rst.Project(dollars=True), titles))[0]


def test_the_source_tells_what_its_page_shows_in_order(truth: list[Any]) -> None:
    assert [item.kind for item in truth] == ["heading", "figure", "figure", "code", "table"]
    heading, cat, inside, code, table = truth
    assert heading.text == "Title with run() and cm"
    assert (cat.url, cat.captions) == ("img/cat.png", ["A cat of All animals.", "With a legend."])
    assert (inside.url, inside.captions) == ("/deep/inside.png", [])
    assert code.text.startswith("def f():\n\n    return 1")
    assert table.rows == [["a", "b"], ["1", "x"]]


def test_what_a_page_gives_is_matched_by_the_published_rules(load: Any, truth: list[Any]) -> None:
    structure, item = load("structure"), load("systems").Item
    rules = structure.Rules(renamed=frozenset({"cat.png"}))
    heading, cat, _, code, table = truth
    assert rules.heading(heading, item("heading", "1.2. Title with run() and cm"))
    assert not rules.heading(heading, item("heading", "Title with run() and cm¶"))
    assert rules.figure(cat, item("figure", url="../_images/cat3.png"))
    assert not structure.Rules().figure(cat, item("figure", url="../_images/cat3.png"))
    right = item("figure", url="cat.png", captions=["Fig. 9 A cat of All animals.", "With a legend."])
    assert rules.caption(cat, right)
    assert not rules.caption(cat, item("figure", url="cat.png", captions=["Fig. 9", "A cat of All animals.", "With a legend."]))
    assert not rules.caption(cat, item("figure", url="dog.png", captions=right.captions))
    assert rules.code(code, item("code", "def f():\n    return 1"))
    assert rules.code_exact(code, item("code", "  def f():\n\n      return 1 \n"))
    assert not rules.code_exact(code, item("code", "def f(): return 1"))
    assert rules.table(table, item("table", rows=[["a", "b"], ["1", "$x$"], ["", ""]]))
    assert not rules.table(table, item("table", rows=[["a", "1"], ["b", "x"]]))


def test_matching_is_one_to_one_and_order_is_told_apart(load: Any) -> None:
    matched = load("structure").matched
    pairs, in_order = matched("abc", "cab", str.__eq__)
    assert (sorted(pairs), in_order) == ([(0, 1), (1, 2), (2, 0)], 2)
    assert matched("aa", "a", str.__eq__) == ([(0, 0)], 1)


def test_what_the_built_page_lacks_is_not_expected(load: Any) -> None:
    structure, item = load("structure"), load("systems").Item
    shown = structure.Shown(b"<body><h1>Cats&nbsp;purr</h1><img src=_images/a.png><script>var x = 'gone'</script></body>")
    rules = structure.Rules()
    assert shown.has("heading", item("heading", "Cats purr"), rules)
    assert not shown.has("heading", item("heading", "gone"), rules)
    assert shown.has("figure", item("figure", url="img/a.png"), rules)
    assert not shown.has("figure", item("figure", url="img/b.png"), rules)


def test_trees_are_written_as_scikit_learn_has_them(load: Any) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble", reason="scikit-learn is not installed")
    train = load("train_images")
    draw = np.random.default_rng(0)
    rows = draw.random((300, 6)).astype(np.float32)
    content = rows[:, 2] + 0.3 * draw.random(300) > 0.6
    keys = [("content" if c else "other", i) for i, c in enumerate(content)]
    pages = [train.Page("a.org", int(content.sum()), rows, keys, np.zeros(300, bool))]
    ours = train.Trees(train.grown(pages)).probabilities(rows)
    model = ensemble.GradientBoostingClassifier(**train.SETTINGS, max_depth=train.DEPTH, random_state=train.SEED)
    theirs = model.fit(rows, content, sample_weight=np.ones(300)).predict_proba(rows)[:, 1]
    assert ours == pytest.approx(theirs, abs=1e-5)
    assert train.counted(pages, [ours])[0] > 0.9 * content.sum()
