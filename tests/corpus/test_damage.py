"""Whatever byte of a corpus is damaged: reading it works, or says so in one error. Nothing else comes up."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.strategies import pages
from corpus.test_check import files, make
from limner.corpus import Corpus, Store, ledger
from limner.corpus.card import card, describe
from limner.corpus.keeping import check
from limner.corpus.statistics import kept_statistics, statistics
from limner.corpus.why import why
from limner.errors import LimnerError
from limner.formats import registry

KNOWN = pages(40)[3]
ASKED = (KNOWN.id[:8], "https://example.org/page/51", KNOWN.images[0].ref)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus with files of every kind."""
    path = tmp_path_factory.mktemp("damage") / "c"
    corpus = make(path)
    corpus.update_facts(plan={"steps": [{"use": "quality"}], "sources": ["x"]})
    registry.load("llava").export(corpus, path.parent / "out")
    describe(corpus)
    return path


def streamed(corpus: Corpus) -> None:
    stream = corpus.stream(shuffle=True)
    for document in stream:
        for image in document.images:
            stream.media(image.ref)


def found(corpus: Corpus) -> None:
    corpus.find(KNOWN.id[:9])
    corpus.media(KNOWN.images[0].ref)


def asked(corpus: Corpus) -> None:
    for text in ASKED:
        why(corpus, text)


def viewed(corpus: Corpus) -> None:
    testclient = pytest.importorskip("starlette.testclient", reason="pages: pip install 'limner[serve]'")
    from limner.serve.app import application

    # It raises what a page did not answer for.
    with testclient.TestClient(application(corpus), base_url="http://127.0.0.1") as client:
        for path in ("/", "/documents?q=words", "/statistics", "/ledger", "/ledger/step?name=quality", "/rejects", "/card"):
            client.get(path)
        client.get(f"/d/{KNOWN.id}?dropped=1")
        client.get(f"/media/{KNOWN.images[0].ref}")


READERS: dict[str, Callable[[Corpus], object]] = {
    "iterate": list, "stream": streamed, "find": found, "statistics": statistics, "kept": kept_statistics, "card": card,
    "ledger": ledger.steps, "details": lambda c: ledger.details(c, "quality"), "why": asked, "view": viewed,
}  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**31), st.booleans())
def test_any_damage_is_an_error_that_says_so_or_no_harm(whole: Path, seed: int, cut: bool) -> None:
    chance = random.Random(seed)
    path = chance.choice(files(whole))
    before = path.read_bytes()
    at = chance.randrange(len(before))
    kept = {p: p.read_bytes() for p in (whole / "index").iterdir()}
    flipped = before[:at] + bytes([before[at] ^ 1 << chance.randrange(8)]) + before[at + 1 :]
    path.write_bytes(before[:at] if cut else flipped)
    try:
        check(Store(str(whole)))
        # Pages take as long as all the others: they are asked for a fifth of the time.
        for name in READERS if seed % 5 == 0 else READERS.keys() - {"view"}:
            with suppress(LimnerError):
                READERS[name](Corpus.open(whole))
    finally:
        path.write_bytes(before)
        for other in set((whole / "index").iterdir()) - kept.keys():
            other.unlink()
        for other, data in kept.items():
            other.write_bytes(data)


def test_what_is_whole_is_read_by_all(whole: Path) -> None:
    assert check(Store(str(whole))) == []
    for read in READERS.values():
        read(Corpus.open(whole))
