"""The commands that read a corpus, as they are called: output, JSON, one-line errors, exit status."""

from __future__ import annotations

import json
import sys

import pytest

from corpus.reading import make_corpus
from limner.cli.main import main
from limner.document import document_id, loads

PAGE = document_id("manual/page-03.html")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("reading") / "corpus")
    make_corpus(path, pages=6)
    return path


@pytest.fixture
def limner(capsys, monkeypatch):
    """Call the command line as a shell would: exit status, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["limner", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        out, err = capsys.readouterr()
        return status, out, err

    return call


def test_stats_prints_a_page_and_complete_json(limner, corpus):
    status, out, _ = limner("stats", corpus)
    assert status == 0
    assert "7 documents" in out
    assert "near-duplicates" in out
    assert "near-duplicate 2" in out
    status, out, _ = limner("stats", corpus, "--json")
    data = json.loads(out)
    assert (data["documents"], data["documents_read"], data["images"]) == (7, 10, 14)
    assert [stage["documents_dropped"] for stage in data["stages"]] == [1, 0, 2]
    assert data["rejects"] == {"SourceError": 1, "timeout": 1}


def test_show_prints_json_and_writes_html(limner, corpus, tmp_path):
    status, out, _ = limner("show", corpus, PAGE[:8])
    assert status == 0
    assert "# How to crop, part 3" in out
    assert "[image 240x160] The crop tool" in out
    status, out, _ = limner("show", corpus, PAGE, "--json")
    assert loads(out).id == PAGE
    target = tmp_path / "page.html"
    assert limner("show", corpus, PAGE, "--html", str(target))[0] == 0
    html = target.read_text("utf-8")
    assert html.count("data:image/png;base64,") == 2
    assert "default-src 'none'" in html
    status, _, err = limner("show", corpus, PAGE, "--html", str(tmp_path / "no" / "page.html"))
    assert (status, err.count("\n")) == (1, 1)
    assert "cannot be written" in err


def test_show_prints_nothing_that_a_terminal_obeys(limner, tmp_path):
    from limner.corpus import Corpus
    from limner.document import Document, Text

    path = str(tmp_path / "c")
    Corpus.create(path).append([Document("aa", (Text(0, "a\x1b]0;owned\x07\x9b31mb"),), title="t\x1b[2J")])
    status, out, _ = limner("show", path, "aa")
    assert status == 0
    assert not {"\x1b", "\x07", "\x9b"} & set(out)


def test_why_says_which_value_met_which_threshold(limner, corpus):
    status, out, _ = limner("why", corpus, "icon-3.png")
    assert status == 0
    assert "too-small (16 against a threshold of 150)" in out
    assert "kept, less some parts" in out
    status, out, _ = limner("why", corpus, "manual/copy-0.html", "--json")
    assert json.loads(out)["fates"][0]["events"][0]["threshold"] == 0.7
    status, out, _ = limner("why", corpus, "manual/slow.html")
    assert "could not be read (timeout): took longer than 120 s" in out
    assert "… 1 more row (--most)" in limner("why", corpus, PAGE, "--most", "2")[1]


def test_errors_are_one_line_that_says_what_to_do(limner, corpus, tmp_path):
    for arguments in (
        ("why", corpus, "nobody-knows"),
        ("show", corpus, "ffffffffff"),
        ("stats", str(tmp_path / "nothing")),
        ("show", str(tmp_path / "nothing"), "aa"),
        ("view", str(tmp_path / "nothing"), "--once"),
    ):
        status, _, err = limner(*arguments)
        assert status == 1, arguments
        assert err.startswith("limner: ")
        assert err.count("\n") == 1, err


@pytest.mark.parametrize("name", ["stats", "show", "why", "view"])
def test_help_has_an_example(limner, name):
    status, out, _ = limner(name, "--help")
    assert status == 0
    assert f"limner {name} corpus" in out


def test_view_once_asks_for_every_kind_of_page(limner, corpus):
    pytest.importorskip("uvicorn", reason="limner[serve] is not installed")
    status, out, err = limner("view", corpus, "--once")
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["200"] * 7
