"""Visual Caption Restoration: the authors' parquet, items made from a corpus, and how answers are scored."""

from __future__ import annotations

import io
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
from limner.evaluate.benchmarks.typeset import fonts_for, lay
from limner.evaluate.benchmarks.vcr import VCR
from limner.evaluate.benchmarks.vcrmade import VCR_MADE, Making, restoration
from limner.evaluate.benchmarks.vcrscoring import restored

TEXT = (
    "The old mill stands beside a quiet river that runs through the valley. Every spring its wheel is turned by the water "
    "and children come to watch how it slowly begins to move again."
)
RUSSIAN = (
    "Старая мельница стоит возле тихой реки, которая течёт через долину. Каждую весну её колесо снова приводит в движение вода "
    "и дети приходят смотреть как оно медленно начинает вращаться."
)


def picture(width: int = 400, height: int = 200) -> bytes:
    with io.BytesIO() as out:
        Pillow.new("RGB", (width, height), "navy").save(out, "PNG")
        return out.getvalue()


def needs_fonts(text: str) -> None:
    if not fonts_for(text):
        pytest.skip("no font on this machine sets this text; $LIMNER_FONTS names a folder of some")


def of(text: str) -> Pictured:
    return Pictured(Pillow.open(io.BytesIO(picture())), "", text, Document("d"))


def made(text: str, difficulty: str) -> tuple[np.ndarray, list[str]]:
    found = restoration(of(text), difficulty, Making())
    assert found is not None
    return np.asarray(found[0].convert("L")).astype(int), found[1]


@pytest.mark.parametrize("text", [TEXT, RUSSIAN])
def test_five_words_are_covered_in_the_middle_of_their_letters_and_the_hard_ones_more(text: str):
    needs_fonts(text)
    (easy, stretches), (hard, same) = made(text, "easy"), made(text, "hard")
    assert stretches == same
    assert stretches
    assert all(len(stretch.split()) == 5 and stretch in text for stretch in stretches)
    whole = restoration(of(text), "easy", Making(share=0))
    assert whole is None  # nothing to cover is no item
    ink = (easy[200:] < 128).sum(), (hard[200:] < 128).sum()
    assert ink[1] < ink[0]
    # What is covered easily is covered in the hard picture too: it adds no ink.
    assert ((hard < 128) <= (easy < 128)).all()
    differs = (easy != hard).any(axis=1).nonzero()[0]
    assert len(differs) < 0.3 * (len(easy) - 200)  # a few rows at the edges of what is covered


def test_the_tops_and_bottoms_of_covered_letters_stay():
    needs_fonts(TEXT)
    pixels, _ = made(TEXT, "hard")
    plain = np.asarray(_plain(TEXT).convert("L")).astype(int) < 128
    left = pixels[200 : 200 + len(plain)] < 128
    covered = plain & ~left
    rows = np.flatnonzero(np.any(covered, axis=1))
    line = int(rows.min())
    columns = np.flatnonzero(np.any(covered[line : line + 3], axis=0))
    stretch = left[:, int(columns.min()) : int(columns.max())]
    assert np.any(stretch[line - 5 : line])  # ink above what is covered
    assert not np.any(stretch[line : line + 3])


def _plain(text: str) -> Any:
    from limner.evaluate.benchmarks.typeset import font

    block = lay(text, font(fonts_for(text, "LiberationSans-Regular", "DejaVuSans.ttf")[0], 20), 400).first(5)
    canvas = Pillow.new("RGB", (400, block.height + 2), "white")
    block.draw(canvas, (0, 0))
    return canvas


def test_names_numbers_and_marks_are_not_covered():
    text = "In Paris we saw Anna Maria and the 12 towers, which are 30 metres high, near the Seine with our old friend Peter, who lives there."
    needs_fonts(text)
    assert restoration(of(text), "easy", Making()) is None


def test_a_corpus_gives_each_picture_twice_and_passes_over_what_has_no_words(tmp_path: Path):
    needs_fonts(TEXT)
    corpus = Corpus.create(str(tmp_path / "c"))
    media = {sha256(data): data for data in (picture(), picture(300, 150), picture(60, 60))}
    a, b, small = media
    corpus.append(
        [
            Document("one", (Image(0, a), Text(1, "A mill", "caption", of=0), Text(2, TEXT)), language="en"),
            Document("bare", (Image(0, b),)),
            Document("small", (Image(0, small), Text(1, TEXT))),
        ],
        media,
    )
    easy, hard = VCR_MADE.items(tmp_path / "c")
    assert easy.cluster == hard.cluster
    assert (easy.categories["difficulty"], hard.categories["difficulty"], easy.categories["language"]) == ("easy", "hard", "en")
    assert easy.expected == hard.expected
    assert [item.asked for item in VCR_MADE.items(tmp_path / "c")] == [easy.asked, hard.asked]  # the same each time
    assert VCR_MADE.messages(easy, [])[0].parts[0] == easy.asked[0]
    right = VCR_MADE.score(easy, Output((("; ".join(easy.expected),),)), None)
    assert right.values == {"exact match": 1.0, "jaccard": 1.0}
    assert VCR_MADE.score(easy, Output(), None).values == {"exact match": 0.0, "jaccard": 0.0}


def test_what_reads_from_the_right_or_has_no_font_is_not_set():
    assert fonts_for("שלום עולם") == []
    assert fonts_for("\U0001f9a1") == []


def test_a_reader_of_text_reads_what_is_open(tmp_path: Path):
    """The text that is not covered is set so that it can be read."""
    pytest.importorskip("rapidocr")
    needs_fonts(TEXT)
    from limner.experts.ocr import ocr

    found = restoration(of(TEXT), "hard", Making())
    assert found is not None
    (lines,) = ocr().read([np.asarray(found[0])])
    read = " ".join(line.text for line in lines).replace(" ", "")
    covered = set(" ".join(found[1]).split())
    visible = [word.text for word in lay(TEXT, _font(), 400).first(5).words if word.text not in covered and len(word.text) > 3]
    assert sum(word.strip(".,") in read for word in visible) > 0.8 * len(visible)


def _font() -> Any:
    from limner.evaluate.benchmarks.typeset import font

    return font(fonts_for(TEXT, "LiberationSans-Regular", "DejaVuSans.ttf")[0], 20)


@pytest.mark.parametrize(
    ("covered", "answer", "exact", "near"),
    [
        ("a quiet river that runs", "It says: a quiet river that runs through", 1, 1),
        ("a quiet river that runs", "a quite river that runs", 0, 4 / 6),
        ("a quiet river that runs", "nothing of the kind", 0, 0),
        ("a quiet river that runs", "", 0, 0),
        ("a quiet river that runs", "A quiet river that runs", 0, 4 / 6),
        ("机器学习研究", "答案：机器学习研究。", 1, 1),
        ("机器学习研究", "机器学刁研究", 0, 5 / 7),
    ],
)
def test_answers_are_scored_by_their_most_similar_stretch(covered: str, answer: str, exact: float, near: float):
    assert restored(covered, answer) == pytest.approx((exact, near))


def parquet(folder: Path, name: str, **more: Any) -> Path:
    row = {
        "question_id": 7, "image": {"bytes": b"x", "path": ""}, "caption": TEXT,
        "stacked_image": {"bytes": png(Pillow.new("RGB", (9, 9))), "path": ""},
        "only_it_image": {"bytes": png(Pillow.new("RGB", (9, 9))), "path": ""}, "crossed_text": ["a quiet river that runs", "is turned by the water"],
    } | more  # fmt: skip
    path = folder / name / "test-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([row]), path)
    return folder


def test_the_authors_sets_are_told_by_their_names(tmp_path: Path):
    parquet(tmp_path, "VCR-wiki-en-hard-test")
    parquet(tmp_path, "VCR-wiki-zh-easy-test/data")
    found: list[Item] = list(VCR.items(tmp_path))
    assert [(i.categories["language"], i.categories["difficulty"], i.categories["shown"]) for i in found] == [
        ("en", "hard", "picture and text"), ("en", "hard", "text alone"), ("zh", "easy", "picture and text"), ("zh", "easy", "text alone"),
    ]  # fmt: skip
    assert len({i.id for i in found}) == 4
    assert VCR.score(found[0], Output((("a quiet river that runs, is turned by water",),)), None).values["exact match"] == 0.5


@pytest.mark.parametrize(
    ("change", "says"), [({"crossed_text": []}, "covered texts"), ({"stacked_image": {"bytes": None, "path": "x"}}, "no bytes")]
)
def test_a_row_without_its_parts_stops_it(tmp_path: Path, change: dict[str, Any], says: str):
    with pytest.raises(BenchmarkError, match=says):
        list(VCR.items(parquet(tmp_path, "VCR-wiki-en-easy", **change)))
