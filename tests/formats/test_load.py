"""Importing into a corpus: batches, rejects, and going on after a stop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from formats.corpora import corpus_of
from limner.corpus import Corpus
from limner.errors import CorpusError, FormatError
from limner.formats import registry
from limner.formats.load import begin, load


class _Killed(Exception):
    pass


def rows(folder: Path, name: str, count: int, bad: tuple[int, ...] = ()) -> None:
    folder.mkdir(exist_ok=True)
    made = [json.dumps({"text_list": [f"{name} {i}"], "image_info": []}) if i not in bad else "no" for i in range(count)]
    (folder / name).write_text("\n".join(made))


@pytest.mark.parametrize("name", registry.names())
def test_a_corpus_goes_out_and_in(name: str, tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 5)
    format = registry.load(name)
    format.export(corpus, tmp_path / "out", shard=2, exif=True)
    imported = begin(format, tmp_path / "out", tmp_path / "in")
    report = load(format, tmp_path / "out", imported, batch=3)
    assert (report.documents, report.rejects) == (5, 0)
    again = Corpus.open(tmp_path / "in")
    assert sorted(again, key=lambda d: d.id) == sorted(corpus, key=lambda d: d.id)
    for document in again:
        for image in document.images:
            assert again.media(image.ref) == corpus.media(image.ref)
    assert again.facts["imported"] == {"format": name, "folder": "out"}


@pytest.mark.parametrize("stop", range(1, 24, 2))
def test_killed_anywhere_it_continues_and_nothing_is_lost_or_doubled(stop: int, tmp_path: Path) -> None:
    for name, count, bad in (("a.jsonl", 7, (2,)), ("b.jsonl", 1, ()), ("c.jsonl", 13, (0, 5, 12)), ("d.jsonl", 3, ())):
        rows(tmp_path / "data", name, count, bad)
    format = registry.load("mmc4")
    seen = 0

    def kill(n: int) -> None:
        nonlocal seen
        seen += n
        if seen == stop:
            raise _Killed

    corpus = begin(format, tmp_path / "data", tmp_path / "c")
    try:
        load(format, tmp_path / "data", corpus, batch=4, progress=kill)
    except _Killed:
        load(format, tmp_path / "data", begin(format, tmp_path / "data", tmp_path / "c"), batch=4)
    found = Corpus.open(tmp_path / "c")
    expected = [
        f"{n} {i}"
        for n, k, bad in (("a", 7, (2,)), ("b", 1, ()), ("c", 13, (0, 5, 12)), ("d", 3, ()))
        for i in range(k)
        if i not in bad
    ]
    assert [d.text.replace(".jsonl", "") for d in found] == expected
    rejects = [row["location"] for table in found.rows("rejects") for row in table.to_pylist()]
    assert rejects == ["a.jsonl line 3", "c.jsonl line 1", "c.jsonl line 6", "c.jsonl line 13"]
    report = load(format, tmp_path / "data", begin(format, tmp_path / "data", tmp_path / "c"))
    assert (report.documents, report.inputs_before, report.inputs) == (0, 4, 4)


def test_many_small_inputs_share_batches(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for i in range(25):
        (tmp_path / f"pages/{i:02}.md").write_text(f"# Page {i}\n\nWords.\n")
    format = registry.load("markdown")
    corpus = begin(format, tmp_path / "pages", tmp_path / "c")
    load(format, tmp_path / "pages", corpus, batch=10)
    assert [c.counts["documents"] for c in corpus.commits] == [10, 10, 5]
    assert len(corpus) == 25


def test_a_corpus_of_something_else_is_left_alone(tmp_path: Path) -> None:
    rows(tmp_path / "data", "a.jsonl", 1)
    corpus_of(tmp_path / "c", 1)
    with pytest.raises(FormatError, match="corpus of something else"):
        begin(registry.load("mmc4"), tmp_path / "data", tmp_path / "c")
    with pytest.raises(CorpusError, match="other things in it"):
        begin(registry.load("mmc4"), tmp_path / "data", tmp_path / "data")


def test_a_folder_without_files_of_the_format_makes_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(FormatError, match="no file that obelics reads"):
        begin(registry.load("obelics"), tmp_path / "data", tmp_path / "c")
    assert not (tmp_path / "c").exists()
