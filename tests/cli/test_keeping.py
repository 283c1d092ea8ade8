"""The commands that keep a corpus, as they are called."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from corpus.strategies import corpus_of, page, pages
from limner.cli.main import limner
from limner.corpus import Corpus
from limner.corpus.card import card
from limner.errors import CorpusError


def call(*arguments: str | Path, input: str | None = None) -> Result:
    return CliRunner().invoke(limner, [str(a) for a in arguments], input=input)


def said(result: Result) -> Any:
    return json.loads(result.stdout)


def test_check_is_silent_about_nothing_and_names_damage(tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", pages(20))
    whole = call("check", tmp_path / "c")
    assert whole.exit_code == 0
    assert "nothing is damaged" in whole.stdout
    assert said(call("check", tmp_path / "c", "--json")) == []
    path = tmp_path / "c/documents/00000001.parquet"
    data = bytearray(path.read_bytes())
    data[100] ^= 4
    path.write_bytes(data)
    assert call("check", tmp_path / "c", "--quick").exit_code == 0
    damaged = call("check", tmp_path / "c")
    assert damaged.exit_code == 1
    assert "documents/00000001.parquet" in damaged.stdout
    assert ("error", "changed") in {(d["level"], d["kind"]) for d in said(call("check", tmp_path / "c", "--json"))}
    path.unlink()
    assert "missing" in call("check", tmp_path / "c", "--quick").stdout


def test_check_of_what_is_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    (tmp_path / "folder").mkdir()
    for name, why in (("nowhere", "is not a corpus"), ("folder", "is not a corpus"), ("file", "is a file")):
        for flags in ((), ("--json",)):
            result = call("check", tmp_path / name, *flags)
            assert isinstance(result.exception, CorpusError), name
            assert why in str(result.exception)
            assert result.stdout == ""


def test_check_of_a_corpus_whose_facts_are_gone_names_them(tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", pages(5))
    (tmp_path / "c/corpus.json").unlink()
    damaged = call("check", tmp_path / "c")
    assert damaged.exit_code == 1
    assert "corpus.json" in damaged.stdout


def test_compact_says_what_it_won(tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", pages(50), batch=5)
    done = said(call("compact", tmp_path / "c", "--json"))
    assert (done["batches_before"], done["batches_after"]) == (10, 1)
    assert done["won"] == done["bytes_before"] - done["bytes_after"] > 0
    assert list(Corpus.open(tmp_path / "c")) == pages(50)
    assert "compact already" in call("compact", tmp_path / "c").stdout


def test_merge_and_diff(tmp_path: Path) -> None:
    corpus_of(tmp_path / "a", pages(10))
    corpus_of(tmp_path / "b", pages(15)[8:])
    assert said(call("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "m", "--json"))["documents"] == 15
    assert list(Corpus.open(tmp_path / "m")) == pages(15)
    same = call("diff", tmp_path / "m", tmp_path / "m")
    assert (same.exit_code, same.stdout) == (0, "15 documents are the same\n")
    other = call("diff", tmp_path / "a", tmp_path / "m")
    assert other.exit_code == 1
    assert "5 added" in other.stdout
    assert said(call("diff", tmp_path / "a", tmp_path / "m", "--json"))["added"] == [d.id for d in pages(15)[10:]]
    again = call("merge", tmp_path / "a", "-o", tmp_path / "m")
    assert isinstance(again.exception, CorpusError)


def test_a_merge_that_fails_leaves_nothing(tmp_path: Path) -> None:
    corpus_of(tmp_path / "a", pages(10), batch=5)
    other = [page.evolve(title="another") for page in pages(10)]
    corpus_of(tmp_path / "b", other)
    failed = call("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "m", "--json")
    assert isinstance(failed.exception, CorpusError)
    assert failed.stdout == ""
    assert not (tmp_path / "m").exists()
    assert (
        said(call("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "m", "--clash", "suffix", "--json"))["documents"]
        == 20
    )
    (tmp_path / "file").write_text("hello")
    below = call("merge", tmp_path / "a", "-o", tmp_path / "file/m")
    assert "below the file" in str(below.exception)


def test_takedown_from_a_file_and_from_standard_input(tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", [*pages(5), page(9, "bad.example")])
    (tmp_path / "list.txt").write_text("# asked for by mail\nbad.example\n")
    assert said(call("takedown", tmp_path / "c", tmp_path / "list.txt", "--json"))["documents"] == 1
    assert list(Corpus.open(tmp_path / "c")) == pages(5)
    done = call("takedown", tmp_path / "c", "-", input=pages(5)[2].url)
    assert "taken down: 1 document, " in done.stdout
    wrong = call("takedown", tmp_path / "c", "-", input="what is this")
    assert isinstance(wrong.exception, CorpusError)
    (tmp_path / "c/renderings").mkdir()
    assert "not looked into: renderings/" in call("takedown", tmp_path / "c", "-", input="").stdout


def test_one_of_a_thing_is_said_so(tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", [page(1, images=(1,))])
    told = [
        call("stats", tmp_path / "c"),
        call("compact", tmp_path / "c"),
        call("diff", tmp_path / "c", tmp_path / "c"),
        call("merge", tmp_path / "c", "-o", tmp_path / "m"),
        call("export", tmp_path / "c", "--to", "obelics", "-o", tmp_path / "out"),
        call("import", tmp_path / "out", "--from", "obelics", "-o", tmp_path / "in"),
        call("takedown", tmp_path / "in", "-", input=page(1).url),
    ]
    for result in told:
        assert result.exit_code == 0, result.output
        assert re.findall(r"1 (?:document|batch|image|file|input|word|part|stored)\w*", result.stdout)
    said = "\n".join([*(result.stdout for result in told), repr(Corpus.open(tmp_path / "c")), card(Corpus.open(tmp_path / "c"))])
    assert not re.findall(r"(?<![\d,.])1 (?:documents|batches|images|files|inputs|words|parts|captions|rows|rejects)\b", said)


@pytest.mark.parametrize("name", ["check", "compact", "merge", "diff", "takedown"])
def test_help_has_examples(name: str) -> None:
    result = call(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.count(f"limner {name} ") + result.stdout.count(f"| limner {name}") >= 2
