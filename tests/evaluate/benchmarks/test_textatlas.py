"""TextAtlasEval: the authors' parquet, pages made from a corpus whose every word is known, and what an OCR reads in them."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from limner import Corpus
from limner.corpus.media import sha256
from limner.document import Document, Image, Text
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.pictured import Pictured, png
from limner.evaluate.benchmarks.textatlas import TEXT_ATLAS, TextAtlas, read_text
from limner.evaluate.benchmarks.textatlasmade import KINDS, TEXT_ATLAS_MADE, Page, made_of
from limner.evaluate.benchmarks.typeset import fonts_for

PROSE = (
    "The old mill stands beside a quiet river. Every spring its wheel is turned by the water, and children come to watch how it slowly "
    "begins to move. In summer the meadow is full of flowers. When autumn comes the miller closes the gate. "
    "Snow then lies on the roof until the first warm days."
)


def found(prose: str = PROSE, title: str = "The quiet mill") -> Pictured:
    draw = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8)
    image = Pillow.fromarray(draw).resize((320, 240), Pillow.Resampling.BICUBIC)
    return Pictured(image, "A mill in spring", prose, Document("d", title=title, language="en"))


def page(kind: str) -> Page:
    if not fonts_for(PROSE):
        pytest.skip("no font on this machine; $LIMNER_FONTS names a folder of some")
    made = made_of(found(), kind)
    assert made is not None
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_of_a_page_is_known_with_its_place(kind: str):
    made = page(kind)
    assert " ".join(word for word, _ in made.words) == made.text
    assert len(made.text.split()) > 20
    pixels = np.asarray(made.image.convert("L")).astype(int)
    for word, (left, top, right, bottom) in made.words:
        assert 0 <= left < right <= made.image.width, word
        assert 0 <= top < bottom <= made.image.height, word
        inside = pixels[round(top) : round(bottom), round(left) : round(right)]
        assert inside.max() - inside.min() > 60, word  # there is ink on ground
    for (_, a), (_, b) in zip(made.words, made.words[1:], strict=False):
        assert a[2] <= b[0] + 1 or a[3] <= b[3] + 1  # words follow each other
    assert f"“{made.text}”" in made.prompt


@pytest.mark.parametrize("kind", ["clean", "on picture", "slide"])
def test_an_ocr_reads_what_was_set(kind: str):
    pytest.importorskip("rapidocr")
    made = page(kind)
    item = asked(made, kind)
    scored = TEXT_ATLAS_MADE.score(item, Output(((png(made.image),),)), None)
    assert scored.values["accuracy"] > 0.85, scored.reasons
    assert scored.values["cer"] < 0.2
    assert "bundled:rapidocr" in scored.reasons["f1"]


def asked(made: Page, kind: str) -> Item:
    return Item(kind, ((made.prompt,),), made.text)


def test_another_text_or_no_image_scores_low():
    pytest.importorskip("rapidocr")
    item = asked(page("clean"), "clean")
    blank = png(Pillow.new("RGB", (300, 300), "white"))
    nothing = {"f1": 0.0, "accuracy": 0.0, "cer": 1.0}
    assert TEXT_ATLAS_MADE.score(item, Output(((blank,),)), None).values == nothing | {"image": 1.0}
    assert TEXT_ATLAS_MADE.score(item, Output((("words",),)), None).values == nothing | {"image": 0.0}
    assert TEXT_ATLAS_MADE.score(item, Output(((b"no image",),)), None).values == nothing | {"image": 0.0}


def test_a_corpus_gives_all_kinds_and_passes_over_what_has_little_text(tmp_path: Path):
    page("clean")
    with io.BytesIO() as out:
        found().image.save(out, "PNG")
        data = out.getvalue()
    corpus = Corpus.create(str(tmp_path / "c"))
    parts = (Image(0, sha256(data)), Text(1, "A mill", "caption", of=0), Text(2, PROSE))
    corpus.append([Document("a", parts, title="Mill", language="en"), Document("b", (Text(0, PROSE),))], {sha256(data): data})
    items = list(TEXT_ATLAS_MADE.items(tmp_path / "c"))
    assert [item.categories["subset"] for item in items] == list(KINDS)
    assert len({item.cluster for item in items}) == 1
    assert [item.reference for item in TEXT_ATLAS_MADE.items(tmp_path / "c")] == [item.reference for item in items]
    assert all(item.expected in item.asked[0] for item in items)  # type: ignore[operator]
    assert made_of(found("Too short."), "clean") is None
    assert made_of(found("שלום עולם " * 30), "clean") is None


def test_any_text_gives_a_page_or_none():
    page("clean")
    draw = random.Random(0)
    letters = "abc DEF ghi{}%“”…–, . ! ? éß ж 日\n"
    for n in range(25):
        prose = "".join(draw.choice(letters) for _ in range(400)) + "W" * draw.choice((0, 200))
        for kind in KINDS:
            made = made_of(found(prose, "{title} " * draw.choice((0, 1, 30))), kind, n)
            if made:
                assert " ".join(word for word, _ in made.words).replace(" ", "") == made.text.replace(" ", "")


def test_lines_are_read_from_left_to_right_and_down(monkeypatch: pytest.MonkeyPatch):
    from limner.experts.ocr import Line

    class Reader:
        def read(self, images: Any) -> list[list[Line]]:
            boxes = {"c": (0, 40, 20, 60), "b": (50, 2, 80, 22), "a": (0, 0, 20, 20)}
            return [[Line(text, box, 1.0, ()) for text, box in boxes.items()]]

    monkeypatch.setattr("limner.evaluate.benchmarks.textatlas.ocr", lambda address: Reader())
    assert read_text(np.zeros((80, 80, 3), np.uint8)) == "a b c"


def parquet(folder: Path, **more: Any) -> Path:
    row = {
        "image": {"bytes": png(Pillow.new("RGB", (9, 9))), "path": ""},
        "annotation": "A sign with the text 'Open'",
        "image_path": "1.png",
        "raw_text": "Open",
    }
    path = folder / "TextScenesHQ" / "train-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([row | more]), path)
    return folder


def test_the_authors_sets(tmp_path: Path):
    (item,) = TEXT_ATLAS.items(parquet(tmp_path))
    assert item.asked == ("A sign with the text 'Open'",)
    assert item.expected == "Open"
    assert item.categories == {"subset": "textsceneshq"}
    assert item.reference[0][:4] == b"\x89PNG"  # type: ignore[index]
    assert TextAtlas("hf:other").reader == "hf:other"


def test_a_row_with_nothing_to_write_stops_it(tmp_path: Path):
    with pytest.raises(BenchmarkError, match="nothing is to be written"):
        list(TEXT_ATLAS.items(parquet(tmp_path, raw_text=" ")))
