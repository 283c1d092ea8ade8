"""`limner export` and `limner import` as a person calls them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from formats.corpora import corpus_of
from limner.corpus import Corpus
from limner.formats import registry


def limner(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "limner", *map(os.fspath, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


def test_there_and_back(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 4)
    done = limner("export", tmp_path / "c", "--to", "llava", "-o", tmp_path / "out", "--shard", "3", "--exif")
    assert done.returncode == 0, done.stderr
    assert "captions become plain paragraphs: 4" in done.stdout
    done = limner("import", tmp_path / "out", "--from", "llava", "-o", tmp_path / "in", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["documents"] == 4
    assert list(Corpus.open(tmp_path / "in")) == list(corpus)
    done = limner("import", tmp_path / "out", "--from", "llava", "-o", tmp_path / "in")
    assert "(2 of them before)" in done.stdout


def test_the_report_as_json(tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", 2)
    done = limner("export", tmp_path / "c", "--to", "obelics", "-o", tmp_path / "out", "--json", "--plain")
    report = json.loads(done.stdout)
    assert (report["documents"], report["format"]) == (2, "obelics")
    assert not any(loss["kept"] for loss in report["lost"])


def test_the_list_of_formats(tmp_path: Path) -> None:
    for command in (["export", "x", "--to", "list"], ["import", "x", "--from", "list"]):
        done = limner(*command)
        assert done.returncode == 0
        assert [line.split()[0] for line in done.stdout.splitlines()] == registry.names()
        listed = json.loads(limner(*command, "--json").stdout)
        assert [format["name"] for format in listed] == registry.names()
        assert all(format["description"] and isinstance(format["cannot_hold"], list) for format in listed)


def test_errors_are_one_line(tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", 1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/a.jsonl").write_text("{}")
    for arguments, said in (
        (["export", tmp_path / "c", "--to", "parquet", "-o", tmp_path / "x"], "there is no format 'parquet'"),
        (["export", tmp_path / "c", "--to", "obelix", "-o", tmp_path / "x"], "did you mean 'obelics'?"),
        (["import", tmp_path / "bad", "--from", "web-dataset", "-o", tmp_path / "x"], "did you mean 'webdataset'?"),
        (["export", tmp_path / "none", "--to", "obelics", "-o", tmp_path / "x"], "is not a corpus"),
        (["export", tmp_path / "c", "--to", "obelics", "-o", tmp_path / "c"], "name a new folder"),
        (["import", tmp_path / "empty", "--from", "obelics", "-o", tmp_path / "x"], "no file that obelics reads"),
        (["import", tmp_path / "none", "--from", "obelics", "-o", tmp_path / "x"], "is not a folder"),
        (["import", tmp_path / "bad", "--from", "openai", "-o", tmp_path / "y"], "no document was read"),
    ):
        done = limner(*arguments)
        assert done.returncode == 1, arguments
        errors = [line for line in done.stderr.splitlines() if line.startswith("limner:")]
        assert len(errors) == 1
        assert said in errors[0]
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "x").exists()
        assert not (tmp_path / "y").exists()


def test_an_import_of_nothing_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/a.jsonl").write_text("{}\n{}\n")
    (tmp_path / "c").mkdir()
    for place in ("new", "c"):
        done = limner("import", tmp_path / "bad", "--from", "openai", "-o", tmp_path / place, "--json")
        assert done.returncode == 1
        assert done.stdout == ""
        assert "it has no messages" in done.stderr
        assert (tmp_path / place).exists() is (place == "c")
    place = tmp_path / "bad/a.jsonl/corpus"
    assert "below the file" in limner("import", tmp_path / "bad", "--from", "openai", "-o", place).stderr
