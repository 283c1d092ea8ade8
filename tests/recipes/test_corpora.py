"""The corpus recipes: what was left after each step adds up, and both run on the data set that CI has."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as Pillow

from limner.corpus import Corpus
from limner.errors import LimnerError
from limner.pipeline.build import build
from limner.pipeline.plan import Plan, load, step
from limner.recipes.moscar import Settings as Multilingual
from limner.recipes.moscar import plan_of, spoken
from limner.recipes.omnicorpus import CROSS_VALIDATED, WHOLE_SPLIT, benched, labelled, word_f1
from limner.recipes.recipe import recipe
from limner.recipes.run import run
from limner.recipes.stages import changed, kept
from limner.sources.datasets import dataset
from limner.sources.files import FolderSource


def picture(colour: str, size: int) -> bytes:
    with io.BytesIO() as file:
        Pillow.new("RGB", (size, size), colour).save(file, "PNG")
        return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    """Three pages: one with a large and a small image, one that repeats its paragraph, one without an image."""
    (tmp_path / "big.png").write_bytes(picture("red", 200))
    (tmp_path / "small.png").write_bytes(picture("blue", 20))
    notice = "<p>This same paragraph of more than eight words stands on two pages.</p>"
    pages = {
        "de/one": f'{notice}<p>The first page.</p><img src="../big.png" alt="Red"><img src="../small.png" alt="Blue">',
        "de/two": f'{notice}<p>The second page has other words.</p><img src="../big.png" alt="Red">',
        "en/three": "<p>The third page has no image at all.</p>",
    }
    for name, body in pages.items():
        path = tmp_path / f"{name}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"<html><body><article>{body}</article></body></html>")
    return tmp_path


def test_what_is_left_adds_up_from_the_last_step_to_what_was_read(folder, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("out") / "corpus")
    images = step("image-rules", min_width=100, min_height=100, words=[])
    plan = Plan(steps=(images, step("require-images"), step("duplicate-paragraphs")))
    source = FolderSource(str(folder), label="pages")
    build(plan, out, sources=[source])
    corpus = Corpus.open(out)
    groups = kept(corpus, lambda source: source.split("/")[1])
    table = {name: [(s.step, s.documents, s.images) for s in stages] for name, stages in groups.items()}
    steps = ["read", "image-rules", "require-images", "duplicate-paragraphs"]
    assert table["de"] == list(zip(steps, [2, 2, 2, 2], [3, 2, 2, 2], strict=True))
    assert table["en"] == list(zip(steps, [1, 1, 0, 0], [0, 0, 0, 0], strict=True))
    words = [stage.words for stage in groups["de"]]
    assert words[0] == words[1] == words[2] == words[3] + 12
    raw = str(tmp_path_factory.mktemp("raw") / "corpus")
    build(Plan(), raw, sources=[source])
    read = Counter[str]()
    for document in Corpus.open(raw):
        read["documents"] += 1
        read["images"] += len(document.images)
    assert read == {what: sum(getattr(stages[0], what) for stages in groups.values()) for what in ("documents", "images")}


@pytest.mark.parametrize("name", ["omnicorpus", "moscar"])
def test_the_plans_load_and_a_step_can_be_changed_or_left_out(name):
    plan = load(name)
    names = [s.name for s in plan.steps]
    assert {"near-duplicates", "duplicate-images", "image-rules", "unsafe-images"} <= set(names)
    stricter = changed(plan, "near-duplicates", threshold=0.5)
    assert [s.name for s in stricter.steps] == names
    assert stricter.digest() != plan.digest()
    assert [s.name for s in changed(plan, "unsafe-images", drop=True).steps] == [n for n in names if n != "unsafe-images"]


def test_the_joint_filter_stands_before_the_last_step_where_an_encoder_is_given():
    without, given = plan_of(Multilingual(unsafe="")), plan_of(Multilingual(unsafe="", joint="hf:some/encoder"))
    assert [s.name for s in given.steps[:-2]] == [s.name for s in without.steps[:-1]]
    assert [s.name for s in given.steps[-2:]] == ["joint-rank", "images-left"]
    assert given.steps[-2].operator.model == "hf:some/encoder"


@pytest.mark.parametrize(
    ("source", "language"),
    [("gimp-help-ja/a/b.html", "ja"), ("debian-handbook/zh-TW/index.html", "zh"), ("debian-handbook/nb-NO/x.html", "nb")],
)
def test_the_language_of_a_folder(source, language):
    assert spoken(source) == language


def test_word_f1_counts_multisets():
    assert word_f1("", "") == word_f1("a b", "B a") == 1.0
    assert word_f1("a a b", "a b b") == pytest.approx(2 / 3)
    assert word_f1("a", "") == word_f1("", "a") == 0.0


@pytest.mark.parametrize("slug", ["omnicorpus", "moscar"])
def test_smoke_measures_what_it_names(slug):
    if not dataset("sasview").here:
        pytest.skip("no sasview below LIMNER_DATA (limner data get sasview)")
    known = recipe(slug)
    result = run(replace(known, seeds={**known.seeds, "smoke": 1}), "smoke")
    figures = {name: figure["mean"] for name, figure in result["figures"].items()}
    steps = [name.removesuffix(".documents") for name in figures if name.endswith(".documents") and "plain" not in name]
    for what in ("documents", "images", "words"):
        left = [figures[f"{s}.{what}"] for s in steps if s != "share"]
        assert left == sorted(left, reverse=True)
        assert left[0] > left[-1] > 0
    assert {c["key"]: c["word"] for c in result["claims"]}["training"] not in ("waits", "not measured")
    assert set(result["data"]) == {"sasview"}
    if slug == "omnicorpus":
        last = steps[-1] if steps[-1] != "share" else steps[-2]
        assert figures["pairs"] == sum(figures[f"pairs.{s}"] for s in ("caption", "alt", "nearest")) <= figures[f"{last}.images"]
        assert figures["plain.documents"] <= figures[f"{last}.documents"]
        assert figures["extraction.speed"] > 0
    else:
        assert figures["identified"] > 80


def test_what_the_benches_measured_is_read_with_its_hash_and_without_the_in_sample_figure(tmp_path):
    assert list(benched(tmp_path)) == []
    (tmp_path / "bench/results").mkdir(parents=True)
    types = {"forum": {"f1": 0.7, "pages": 1}}
    systems = {
        "limner": {"f1": 0.99, "pages": 2},
        CROSS_VALIDATED: {"f1": 0.8, "pages": 2, "types": types},
        "other (recall)": {"f1": 0.6, "pages": 2},
    }
    (tmp_path / WHOLE_SPLIT).write_text(json.dumps({"systems": systems}))
    found = {m.name.removeprefix("extraction.f1."): m for m in benched(tmp_path)}
    assert {name: m.value for name, m in found.items()} == {
        "cross-validated": 0.8, "cross-validated.forum": 0.7, "other-recall": 0.6,
    }  # fmt: skip
    digest = hashlib.sha256((tmp_path / WHOLE_SPLIT).read_bytes()).hexdigest()[:16]
    assert digest in found["cross-validated"].note
    assert "2 pages" in found["cross-validated"].note
    (tmp_path / WHOLE_SPLIT).write_text("{")
    with pytest.raises(LimnerError, match="is not a result of bench"):
        list(benched(tmp_path))


def test_the_results_that_the_repository_has_can_be_read():
    root = Path(__file__).parents[2]
    if not (root / WHOLE_SPLIT).is_file():
        pytest.skip("no bench/results/extraction-wcxb.json: bench/extraction/wcxb.py --likely writes it")
    figures = {m.name: m.value for m in benched(root)}
    assert 0.5 < figures["extraction.f1.cross-validated"] < 1


def test_labelled_pages_are_scored_and_one_without_main_content_too(tmp_path):
    (tmp_path / "html").mkdir()
    (tmp_path / "ground-truth").mkdir()
    with pytest.raises(LimnerError, match="set wcxb to the folder"):
        list(labelled(tmp_path))
    text = "The crop tool cuts off what stands around the part of an image that you want to keep, on all layers at once."
    for name, body, truth in (("1", f"<article><p>{text}</p></article>", {"main_content": text}), ("2", "", {"title": "x"})):
        (tmp_path / "html" / f"{name}.html.gz").write_bytes(gzip.compress(f"<html><body>{body}</body></html>".encode()))
        (tmp_path / "ground-truth" / f"{name}.json").write_text(json.dumps({"ground_truth": truth}))
    assert list(labelled(tmp_path)) == [1.0, 1.0]
