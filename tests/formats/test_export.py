"""What an export promises: whole or not at all, so many documents a file, losses counted, hashes of what is written."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from formats.corpora import corpus_of, page
from limner.corpus import Corpus
from limner.corpus.keeping import check
from limner.corpus.media import sha256
from limner.document import Document, Image, Text
from limner.errors import FormatError
from limner.formats import registry
from limner.formats.fileformat import FileFormat
from limner.formats.format import Format
from limner.formats.htmlfolder import POLICY
from limner.formats.load import begin, load
from limner.formats.output import Item, Shard

EVERY = registry.names()
SECRET = b"SECRET-52.5200N"


@pytest.mark.parametrize("name", EVERY)
def test_every_format_says_what_it_is(name: str) -> None:
    format = registry.load(name)
    assert isinstance(format, Format)
    assert format.name == name
    assert "\n" not in format.description
    assert format.cannot_hold
    assert isinstance(format, FileFormat)
    assert format.published.startswith("https://")


def test_a_wrong_name_is_answered_with_the_right_one() -> None:
    with pytest.raises(FormatError, match="did you mean 'obelics'"):
        registry.load("obelisk")


@pytest.mark.parametrize("name", EVERY)
def test_shards_have_so_many_documents_and_read_back_in_order(name: str, tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 7)
    steps: list[int] = []
    format = registry.load(name)
    report = format.export(corpus, tmp_path / "out", shard=3, progress=steps.append, exif=True)
    assert (report.documents, report.images, sum(steps)) == (7, 14, 7)
    found = [d for d, _ in format.read(tmp_path / "out")]
    assert sorted(d.id for d in found) == sorted(d.id for d in corpus)
    sizes = [len(list(format.read_input(tmp_path / "out", f))) for f in format.inputs(tmp_path / "out")]
    assert sizes == ([1] * 7 if name in ("markdown", "html") else [3, 3, 1])
    assert report.files == sum(len(names) for _, _, names in os.walk(tmp_path / "out")) - 1  # the report itself


@pytest.mark.parametrize("name", EVERY)
def test_an_empty_corpus_makes_an_empty_data_set(name: str, tmp_path: Path) -> None:
    report = registry.load(name).export(Corpus.create(tmp_path / "c"), tmp_path / "out")
    assert report.documents == 0
    assert (tmp_path / "out/limner-export.json").exists()


def test_the_report_counts_what_was_lost_and_says_what_is_kept(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 3)
    report = registry.load("obelics").export(corpus, tmp_path / "out")
    lost = {loss.what: (loss.count, loss.kept) for loss in report.lost}
    assert lost["captions become plain paragraphs"] == (3, True)
    assert lost["sounds are left out"] == (3, True)
    assert "alternative texts of images are left out" not in lost
    assert json.loads((tmp_path / "out/limner-export.json").read_text())["lost"][0]["count"] == max(c for c, _ in lost.values())
    plain = registry.load("obelics").export(corpus, tmp_path / "plain", own=False)
    assert not any(loss.kept for loss in plain.lost)


def test_files_that_no_line_holds_lie_beside_and_are_lost_without_limners_own(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 2)
    what = "stored files of images that go by their address, and of sounds, videos and models"
    format = registry.load("openai")
    for own in (True, False):
        report = format.export(corpus, tmp_path / f"own-{own}", own=own)
        assert [(loss.count, loss.kept) for loss in report.lost if loss.what == what] == [(2, own)]
        assert (tmp_path / f"own-{own}/media").exists() is own
        sounds = [media for _, media in format.read(tmp_path / f"own-{own}")]
        assert [any(data.startswith(b"OggS") for data in media.values()) for media in sounds] == [own, own]


def test_a_drawing_in_a_message_comes_back(tmp_path: Path) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="5"/></svg>'
    uri = "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
    (tmp_path / "in").mkdir()
    said = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": uri}}]},
        {"role": "assistant", "content": "a box"},
    ]
    (tmp_path / "in/a.jsonl").write_text(json.dumps({"messages": said}) + "\n")
    format = registry.load("openai")
    corpora: list[Corpus] = []
    for given, name in (("in", "first"), ("out", "second")):
        corpora.append(begin(format, tmp_path / given, tmp_path / name))
        load(format, tmp_path / given, corpora[-1])
        assert check(corpora[-1].store) == []
        if name == "first":
            format.export(corpora[-1], tmp_path / "out")
    first, second = corpora
    assert list(second) == list(first)
    assert second.media(sha256(svg)) == svg


@pytest.mark.parametrize("name", EVERY)
def test_paragraphs_that_are_cut_and_alternative_texts_that_go_are_told(name: str, tmp_path: Path) -> None:
    parts = (Text(0, "One.\n\nTwo."), Image(1, "", "https://example.org/far.png", "far away"))
    corpus = Corpus.create(tmp_path / "c")
    corpus.append([Document("a" * 20, parts, title="Title")])
    format = registry.load(name)
    report = format.export(corpus, tmp_path / "plain", own=False)
    lost = {loss.what for loss in report.lost}
    [(document, _)] = format.read(tmp_path / "plain")
    whole = any("One.\n\nTwo." in text.text for text in document.texts)
    assert whole is ("texts with empty lines in them become several paragraphs" not in lost)
    seen = name == "html" or any(image.alt == "far away" for image in document.images)
    assert seen is not any(what.startswith(("alternative texts of images", "images that are not stored")) for what in lost)


@pytest.mark.parametrize("name", EVERY)
def test_metadata_of_images_are_removed_and_hashes_are_of_what_is_written(name: str, tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 2, SECRET)
    format = registry.load(name)
    report = format.export(corpus, tmp_path / "out")
    assert report.stripped == 2
    for base, _, names in os.walk(tmp_path / "out"):
        for file in names:
            assert SECRET not in (Path(base) / file).read_bytes()
    for document, media in format.read(tmp_path / "out"):
        [stored] = [i for i in document.images if i.ref]
        assert stored.ref not in {i.ref for d in corpus for i in d.images}
        assert sha256(media[stored.ref]) == stored.ref
    kept = format.export(corpus, tmp_path / "kept", exif=True)
    assert kept.stripped == 0
    assert {i.ref for d, _ in format.read(tmp_path / "kept") for i in d.images} == {i.ref for d in corpus for i in d.images}


def test_the_notes_name_licences_and_sources(tmp_path: Path) -> None:
    registry.load("mmc4").export(corpus_of(tmp_path / "c", 4), tmp_path / "out")
    notes = (tmp_path / "out/SOURCES.txt").read_text()
    assert "licence: CC-BY-4.0" in notes
    assert "         4  example.org" in notes


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(FormatError, match="name a new folder"):
        registry.load("obelics").export(corpus_of(tmp_path / "c", 1), tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mine.txt"]


class _Failing(FileFormat):
    name = "failing"
    description = "fails at its second shard"
    published = "https://example.org"
    holds = frozenset()
    suffixes = (".x",)

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        shard.path(f"{shard.label}.x").write_text(str(len(list(items))))
        if shard.number:
            raise RuntimeError("the disk caught fire")

    def rows(self, folder: Any, name: str) -> list[Any]:
        return []


def test_a_failed_export_leaves_nothing_and_a_killed_one_is_swept(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 4)
    with pytest.raises(RuntimeError):
        _Failing().export(corpus, tmp_path / "out", shard=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c"]
    (tmp_path / ".out.writing").mkdir()
    (tmp_path / ".out.writing/old").write_text("left by a kill")
    _Failing().export(corpus, tmp_path / "out", shard=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c", "out"]
    assert not (tmp_path / "out/old").exists()


def test_an_unknown_setting_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no setting 'colour'"):
        registry.load("obelics").export(corpus_of(tmp_path / "c", 1), tmp_path / "out", colour="red")


def test_the_same_corpus_gives_the_same_bytes(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 3)
    for name in EVERY:
        made = []
        for i in range(2):
            registry.load(name).export(corpus, tmp_path / f"{name}-{i}")
            files = sorted(p for p in (tmp_path / f"{name}-{i}").rglob("*") if p.is_file() and p.name != "limner-export.json")
            made.append({p.relative_to(tmp_path / f"{name}-{i}"): p.read_bytes() for p in files})
        assert made[0] == made[1]


def test_rows_that_another_tool_changed_are_believed_and_not_limners_own_field(tmp_path: Path) -> None:
    registry.load("obelics").export(corpus_of(tmp_path / "c", 1), tmp_path / "out")
    [path] = (tmp_path / "out/data").iterdir()
    [row] = pq.read_table(path).to_pylist()
    keep = [i for i, name in enumerate(row["images"]) if name is None]
    row |= {"images": [None] * len(keep), "texts": [row["texts"][i] for i in keep], "metadata": json.dumps([None] * len(keep))}
    import pyarrow as pa

    pq.write_table(pa.Table.from_pylist([row]), path)
    [(document, media)] = registry.load("obelics").read(tmp_path / "out")
    assert document.images == ()
    assert media == {}


@pytest.mark.parametrize("name", ["markdown", "html"])
def test_an_edited_page_is_believed(name: str, tmp_path: Path) -> None:
    format = registry.load(name)
    format.export(corpus_of(tmp_path / "c", 2), tmp_path / "out")
    first, second = format.inputs(tmp_path / "out")
    path = tmp_path / "out" / first
    path.write_text(
        path.read_text().replace(
            "Words of page", "Edited words of this page, which is long enough now to be taken for what it is: a paragraph of"
        )
    )
    [(edited, media)] = format.read_input(tmp_path / "out", first)
    assert "Edited words of this page" in edited.text
    if name == "markdown":  # limner's extractor passes over pictures of so few pixels in a page
        assert [i.ref for i in edited.images if i.ref] == list(media)
    [(untouched, _)] = format.read_input(tmp_path / "out", second)
    assert untouched in [page(i)[0].evolve(parts=untouched.parts) for i in range(2)]


def test_pages_of_html_run_nothing(tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    from limner.document import Text

    parts = (
        Text(0, evil, "heading", 1),
        Text(1, evil),
        Text(2, evil, "code", language=evil),
        Image(3, "", evil, evil),
        Text(4, f"${evil}$"),
    )
    corpus = Corpus.create(tmp_path / "c")
    corpus.append([Document("a/../b", parts, evil, "javascript:alert(1)", evil, evil, {"author": evil})])
    registry.load("html").export(corpus, tmp_path / "out")
    pages = list((tmp_path / "out").glob("*.html"))
    assert len(pages) == 2
    for path in pages:
        page_text = path.read_text()
        assert "<script" not in page_text
        assert "<img src=x" not in page_text
        assert 'href="javascript' not in page_text
        assert POLICY.replace("'", "&#39;") in page_text


def test_markdown_of_hostile_text_has_no_tags_and_one_heading(tmp_path: Path) -> None:
    from markdown_it import MarkdownIt

    from limner.document import Text

    evil = "<script>alert(1)</script>\n# not a heading\n- not a list\n1. nor this\n![x](http://e/x.png) [l](javascript:x) `c` *e* &lt; a_b_c"
    roles = ("paragraph", "list", "quote", "caption", "table", "ocr")
    parts = tuple(Text(i, evil, role) for i, role in enumerate(roles))  # type: ignore[arg-type]
    corpus = Corpus.create(tmp_path / "c")
    corpus.append([Document("x", (Text(9, "Title\n# two", "heading", 1), *parts), title='"]\n---\n# x')])
    registry.load("markdown").export(corpus, tmp_path / "out")
    [path] = (tmp_path / "out").glob("*.md")
    tokens = MarkdownIt("commonmark").parse(path.read_text().split("\n---\n", 1)[1])
    inline = [child for token in tokens for child in token.children or []]
    assert not [t for t in (*tokens, *inline) if t.type in ("html_block", "html_inline", "link_open")]
    assert sum(t.type == "heading_open" for t in tokens) == 1
    [(document, _)] = registry.load("markdown").read(tmp_path / "out")
    assert document.title == '"]\n---\n# x'


def test_the_documentation_names_every_format_and_its_schema() -> None:
    written = (Path(__file__).parents[2] / "docs/formats.md").read_text(encoding="utf-8")
    for name in EVERY:
        format = registry.load(name)
        assert isinstance(format, FileFormat)
        assert f"| `{name}` |" in written
        assert f"({format.published})" in written
