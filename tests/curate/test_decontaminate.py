"""Decontamination against benchmark texts and images in files the test writes."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image as Pillow

from limner.corpus.media import sha256
from limner.corpus.pixels import decode
from limner.curate.decontaminate import Decontaminate
from limner.curate.phash import phash
from limner.document import Document, Image, Text
from limner.errors import PlanError

from .context import MemoryContext

QUESTION = "Which of the tools in the toolbox cuts an image down to the part that was chosen before?"
SHORT = "How many layers may one image have here"
FILLER = "Nothing in this paragraph has been asked in any benchmark as far as anybody knows so it stays."


def drawn(seed: int, format: str = "PNG", size: int = 96, **options) -> bytes:
    colours = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    with io.BytesIO() as file:
        Pillow.fromarray(colours).resize((size, size), Pillow.Resampling.BICUBIC).save(file, format, **options)
        return file.getvalue()


def judged(operator, *texts: str) -> tuple[list[int], MemoryContext]:
    context = MemoryContext()
    left = list(operator(Document("d", tuple(Text(i, text) for i, text in enumerate(texts))), context))
    return [part.n for document in left for part in document], context


@pytest.fixture(params=["txt", "json", "jsonl", "folder"])
def benchmark(request, tmp_path) -> str:
    if request.param == "json":
        (tmp_path / "b.json").write_text(json.dumps({"items": [{"q": QUESTION, "n": 3}, [SHORT, None]]}))
        return str(tmp_path / "b.json")
    if request.param == "jsonl":
        (tmp_path / "b.jsonl").write_text(json.dumps({"q": QUESTION}) + "\n\n" + json.dumps({"q": SHORT}) + "\n")
        return str(tmp_path / "b.jsonl")
    (tmp_path / "b.txt").write_text(f"{QUESTION}\n{SHORT}\n")
    return str(tmp_path / "b.txt") if request.param == "txt" else str(tmp_path)


def test_a_run_of_words_gives_a_document_away(benchmark):
    operator = Decontaminate(texts=(benchmark,))
    left, context = judged(operator, FILLER, "They ask: " + QUESTION.upper().replace("?", " -- please."))
    assert left == []
    ((_, n, reason),) = context.dropped
    # 18 words have 6 runs of 13.
    assert (n, reason.reason, reason.value, reason.threshold) == (None, "benchmark-text", 6, 1)


def test_one_word_less_than_a_run_does_not(benchmark):
    operator = Decontaminate(texts=(benchmark,))
    words = QUESTION.split()
    assert judged(operator, FILLER, " ".join(words[:12]) + " " + " ".join(words[13:]))[0] == [0, 1]
    assert judged(operator, " ".join(words[:13]))[0] == []
    assert judged(Decontaminate(texts=(benchmark,), min_runs=2), " ".join(words[:13]))[0] == [0]


def test_a_short_benchmark_text_counts_whole(benchmark):
    assert judged(Decontaminate(texts=(benchmark,)), FILLER + " " + SHORT + ", they say")[0] == []
    assert judged(Decontaminate(texts=(benchmark,), shortest=9), SHORT)[0] == [0]


def test_only_the_parts_go_where_asked(benchmark):
    left, context = judged(Decontaminate(texts=(benchmark,), drop="part"), FILLER, QUESTION, FILLER)
    assert left == [0, 2]
    assert [(n, r.reason) for _, n, r in context.dropped] == [(1, "benchmark-text")]


def with_images(context: MemoryContext, *files: bytes) -> Document:
    images = tuple(Image(i, ref=context.put(data).ref) for i, data in enumerate(files))
    return Document("d", (*images, Text(9, "text")))


def test_images_by_how_they_look(tmp_path):
    (tmp_path / "a.png").write_bytes(drawn(1))
    (tmp_path / "notes.md").write_text("no image")
    operator = Decontaminate(images=(str(tmp_path),), drop="part")
    context = MemoryContext()
    page = with_images(context, drawn(1), drawn(1, "JPEG", size=150, quality=70), drawn(2), b"no image")
    (left,) = operator(page, context)
    assert [image.n for image in left.images] == [2, 3]
    assert {r.reason for _, _, r in context.dropped} == {"benchmark-image"}
    assert list(Decontaminate(images=(str(tmp_path),))(page, context)) == []


def test_images_by_a_list_of_hashes(tmp_path):
    listed = tmp_path / "hashes.txt"
    listed.write_text(f"{sha256(drawn(1))}\n{phash(decode(drawn(2))):016x}\n")
    operator = Decontaminate(images=(str(listed),), drop="part")
    context = MemoryContext()
    (left,) = operator(with_images(context, drawn(1), drawn(2, "WEBP", quality=80), drawn(3)), context)
    assert [image.n for image in left.images] == [2]


def test_settings_that_make_no_sense_are_refused(tmp_path):
    with pytest.raises(PlanError, match="name benchmark"):
        Decontaminate()
    with pytest.raises(ValueError, match="shortest"):
        Decontaminate(texts=("a",), shortest=20)
    (tmp_path / "bad.txt").write_text("not a hash")
    (tmp_path / "bad.json").write_text("{")
    for operator in (
        Decontaminate(texts=(str(tmp_path / "none.txt"),)),
        Decontaminate(texts=(str(tmp_path / "bad.json"),)),
        Decontaminate(images=(str(tmp_path / "bad.txt"),)),
    ):
        with pytest.raises(PlanError, match="decontaminate"):
            list(operator(Document("d", (Image(0, url="a"), Text(1, FILLER))), MemoryContext()))
