"""One writer a corpus: whoever comes second is told so, in one clear error, and has changed nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.strategies import corpus_of, page, pages
from limner.corpus import Corpus
from limner.corpus.keeping import compact, merge, read_list, replace_inputs, takedown
from limner.corpus.lock import writing
from limner.corpus.store import Store
from limner.errors import CorpusError

WRITERS: dict[str, Callable[[Corpus], object]] = {
    "append": lambda corpus: corpus.append([page(99)]),
    "compact": compact,
    "takedown": lambda corpus: takedown(corpus, read_list("x.example")),
    "recrawl": lambda corpus: replace_inputs(corpus, {}),
    "sweep": lambda corpus: corpus.sweep(),
}


HOLD = """
import sys
from limner.corpus import Store
from limner.corpus.lock import writing
with writing(Store(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def files(path: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in path.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", WRITERS)
def test_a_second_writer_is_refused_whatever_it_does(name: str, tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(20), batch=5)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "c")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "held\n"
        before = files(tmp_path / "c")
        with pytest.raises(CorpusError, match="another limner is writing to it; wait or stop it"):
            WRITERS[name](corpus)
        assert files(tmp_path / "c") == before
        assert list(Corpus.open(tmp_path / "c")) == pages(20)  # readers need no lock
    finally:
        process.communicate()
    WRITERS[name](corpus)


def test_a_merge_holds_its_folder(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(5))
    errors: list[str] = []

    def second() -> None:
        try:
            merge([corpus], str(tmp_path / "m"))
        except CorpusError as error:
            errors.append(str(error))

    with writing(Store(str(tmp_path / "m"))):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(errors) == 1
    assert "another limner is writing" in errors[0]
    assert len(merge([corpus], str(tmp_path / "m"))) == 5


def test_a_writer_may_call_another(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(5))
    with writing(corpus.store):
        corpus.append([page(50)])
        compact(corpus)
    with writing(corpus.store), writing(Store(str(tmp_path / "c/../c"))):
        takedown(corpus, read_list(page(50).id))
    assert list(corpus) == pages(5)


def test_it_ends_with_an_error(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(5))
    with pytest.raises(ZeroDivisionError), writing(corpus.store):
        raise ZeroDivisionError
    thread = threading.Thread(target=lambda: corpus.append([page(50)]))
    thread.start()
    thread.join()
    assert len(Corpus.open(tmp_path / "c")) == 6


def test_what_another_wrote_before_is_not_written_over(tmp_path: Path) -> None:
    first = corpus_of(tmp_path / "c", pages(5))
    second = Corpus.open(tmp_path / "c")
    second.append([page(50)])
    first.append([page(51)])
    assert list(Corpus.open(tmp_path / "c")) == list(first) == [*pages(5), page(50), page(51)]
