"""A take-down reaches the exports of a corpus: nothing of what is taken down stays in any of them, in any format."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from formats import corpora
from limner.cli.main import limner
from limner.corpus import Corpus
from limner.corpus.keeping import check, compact, read_list
from limner.corpus.keeping.exports import behind, exports
from limner.corpus.keeping.takedown import takedown as corpus_takedown
from limner.corpus.media import sha256
from limner.document import Document
from limner.errors import CorpusError, FormatError, LimnerError
from limner.formats import exif, registry
from limner.formats.exports import forget, reach, takedown

EVERY = registry.names()
GPS = b"HIDDEN-52.5N"


def page(i: int) -> tuple[Document, dict[str, bytes]]:
    """The `i`-th page, with a picture of a colour that no other of the first seven has once it is a JPEG."""
    return corpora.page(40 * i, GPS)


def corpus_of(path: Path, count: int) -> Corpus:
    """A corpus of so many pages."""
    corpus = Corpus.create(path)
    for i in range(count):
        document, media = page(i)
        corpus.append([document], media)
    return corpus


def listed(i: int) -> str:
    """The entry of a take-down list for the `i`-th page."""
    return page(i)[0].url


def everything(root: Path) -> bytes:
    """Every byte and name of a folder, Parquet also as it decompresses."""
    files = [p for p in root.rglob("*") if p.is_file()]
    out = [p.read_bytes() + str(p.relative_to(root)).encode() for p in files]
    out += [repr(pq.read_table(p).to_pylist()).encode() for p in files if p.suffix == ".parquet"]
    return b"\n".join(out)


def traces(i: int, image_only: bool = False) -> dict[str, list[bytes]]:
    """What tells of the `i`-th page: each as any format may write it. Of its picture, the bytes after its header."""
    document, media = page(i)
    [picture] = [data for data in media.values() if data.startswith(b"\xff\xd8")]
    shown = exif.strip(picture)[0]
    out = {
        "hash": [sha256(picture).encode(), sha256(shown).encode()],
        "bytes": [shown, repr(shown)[2:-1].encode(), base64.b64encode(shown)],
        "address of the picture": [f"example.org/{40 * i}.jpg".encode()],
        "caption": [f"Figure {40 * i}.".encode(), f"Figure {40 * i}\\.".encode()],
    }
    if not image_only:
        out |= {
            "text": [f"Words of page {40 * i}:".encode()],
            "id": [document.id.encode(), document.id[:12].encode()],
            "address": [f"example.org/page/{40 * i}".encode()],
        }
    return out


def held(root: Path, i: int, image_only: bool = False) -> set[str]:
    """Which traces of a page are in a folder."""
    found = everything(root)
    return {what for what, forms in traces(i, image_only).items() if any(form in found for form in forms)}


def picture_of(i: int) -> str:
    return next(part.ref for part in page(i)[0].images if part.ref)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("name", EVERY)
def test_nothing_taken_down_stays_in_an_export(name: str, plain: bool, tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 7)
    format = registry.load(name)
    assert format.export(corpus, tmp_path / "out", shard=3, own=not plain).known
    before = held(tmp_path / "out", 2)
    assert {"text", "hash" if name in ("mint-1t", "markdown", "html") else "text"} <= before
    assert held(tmp_path / "out", 4, image_only=True)
    done, exported = takedown(corpus, read_list(f"{listed(2)}\nsha256:{picture_of(4)}"))
    assert (done.documents, done.parts) == (1, 2)
    assert (exported.rewritten, exported.missed, exported.unknown) == ((str(tmp_path / "out"),), {}, ())
    assert held(tmp_path / "out", 2) == set()
    assert held(tmp_path / "out", 4, image_only=True) == set()
    assert "text" in held(tmp_path / "out", 4)
    assert held(tmp_path / "out", 3) == held(tmp_path / "out", 6) == before
    # It is what an export made now would be.
    format.export(corpus, tmp_path / "now", shard=3, own=not plain)
    assert contents(tmp_path / "out") == contents(tmp_path / "now")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c", "now", "out"]
    assert check(corpus.store) == []


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "limner-export.json"
    }


def call(*arguments: str | Path, input: str | None = None) -> Result:
    return CliRunner().invoke(limner, [str(a) for a in arguments], input=input)


def test_only_exports_that_may_hold_it_are_written_anew(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 5)
    registry.load("obelics").export(corpus, tmp_path / "before")
    takedown(corpus, read_list(listed(1)))
    registry.load("llava").export(corpus, tmp_path / "after")
    one, two = (os.stat(tmp_path / name).st_ino for name in ("before", "after"))
    compact(corpus)
    assert takedown(corpus, read_list(listed(1)))[1].rewritten == ()
    assert (one, two) == tuple(os.stat(tmp_path / name).st_ino for name in ("before", "after"))
    # What the corpus no longer had when it was taken down is in an older export all the same.
    assert takedown(corpus, read_list("nowhere.example"))[1].rewritten == tuple(made.folder for made in exports(corpus.store))


def test_the_corpus_alone_says_which_exports_are_behind(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 3)
    registry.load("mmc4").export(corpus, tmp_path / "out")
    assert corpus_takedown(corpus, read_list(listed(1))).behind == (str(tmp_path / "out"),)
    assert [made.format for made in behind(corpus.store)] == ["mmc4"]
    assert reach(corpus).rewritten == (str(tmp_path / "out"),)
    assert behind(corpus.store) == []


def test_an_export_that_was_moved_is_named_until_it_is_found_or_forgotten(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 4)
    assert call("export", tmp_path / "c", "--to", "html", "-o", tmp_path / "out").exit_code == 0
    (tmp_path / "out").rename(tmp_path / "elsewhere")
    for _ in range(2):
        result = call("takedown", tmp_path / "c", "-", input=listed(1))
        assert isinstance(result.exception, LimnerError)
        assert f"{tmp_path / 'out'}: it is not there any more" in str(result.exception)
        assert held(tmp_path / "elsewhere", 1)
    done = call("takedown", tmp_path / "c", "-", "--export", tmp_path / "elsewhere", "--json", input="")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["exports"] == {"rewritten": [str(tmp_path / "elsewhere")], "missed": {}, "unknown": []}
    assert not held(tmp_path / "elsewhere", 1)
    assert call("takedown", tmp_path / "c", "-", input=listed(2)).exit_code == 0
    assert not held(tmp_path / "elsewhere", 2)
    shutil.rmtree(tmp_path / "elsewhere")
    assert call("takedown", tmp_path / "c", "-", input=listed(3)).exception
    assert call("takedown", tmp_path / "c", "-", "--forget", tmp_path / "elsewhere", input="").exit_code == 0
    with pytest.raises(FormatError, match="knows of no export"):
        forget(corpus, tmp_path / "elsewhere")


def test_a_copy_of_an_export_that_is_named_is_known_beside_the_first(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 4)
    registry.load("markdown").export(corpus, tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "copy")
    done = takedown(corpus, read_list(listed(1)), [tmp_path / "copy"])[1]
    assert set(done.rewritten) == {str(tmp_path / "copy"), str(tmp_path / "out")}
    done = takedown(corpus, read_list(listed(2)))[1]
    assert set(done.rewritten) == {str(tmp_path / "copy"), str(tmp_path / "out")}
    with pytest.raises(FormatError, match=r"no export that .* knows of"):
        takedown(corpus, read_list(listed(3)), [tmp_path])
    assert listed(3) in {d.url for d in corpus}  # a wrong name is told of before anything is done


def test_what_others_wrote_or_changed_is_not_lost(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 4)
    registry.load("markdown").export(corpus, tmp_path / "out")
    (tmp_path / "out/README.md").write_text("My notes.")
    (tmp_path / "out/sub").mkdir()
    (tmp_path / "out/sub/x").write_text("Mine.")
    done = takedown(corpus, read_list(listed(1)))[1]
    assert done.unknown == (f"{tmp_path}/out/README.md", f"{tmp_path}/out/sub/x")
    assert (tmp_path / "out/README.md").read_text() == "My notes."
    assert not held(tmp_path / "out", 1)
    [edited] = (tmp_path / "out").glob("page-80-*.md")
    edited.write_text("Corrected by hand.")
    [moved] = (tmp_path / "out").glob("page-120-*.md")
    done = takedown(corpus, read_list(listed(3)))[1]
    assert "1 of its files are not as limner wrote them" in done.missed[str(tmp_path / "out")]
    assert edited.read_text() == "Corrected by hand."
    moved.rename(tmp_path / "out/renamed.md")
    done = takedown(corpus, read_list(""), [tmp_path / "out"])[1]
    assert done.rewritten == (str(tmp_path / "out"),)
    assert "Words of page 80" in edited.read_text()
    assert not held(tmp_path / "out", 3)  # what limner wrote goes under any name
    (tmp_path / "out/SHA256SUMS").unlink()
    assert (
        "no readable SHA256SUMS" in takedown(corpus, read_list("x.example"), [tmp_path / "out"])[1].missed[str(tmp_path / "out")]
    )


def test_a_copy_of_the_corpus_does_not_own_its_exports(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 4)
    registry.load("openai").export(corpus, tmp_path / "out")
    before = contents(tmp_path / "out")
    shutil.copytree(tmp_path / "c", tmp_path / "copy")
    done = takedown(Corpus.open(tmp_path / "copy"), read_list(listed(1)))[1]
    assert f"it was made of the corpus at {tmp_path / 'c'}" in done.missed[str(tmp_path / "out")]
    assert contents(tmp_path / "out") == before


def test_another_export_in_its_place_is_its_successor(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 4)
    registry.load("llava").export(corpus, tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    registry.load("webdataset").export(corpus, tmp_path / "out")
    assert takedown(corpus, read_list(listed(1)))[1].missed == {}
    assert [made.format for made in exports(corpus.store)] == ["webdataset"]
    assert not held(tmp_path / "out", 1)


def test_an_export_that_failed_is_not_known(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("x")
    with pytest.raises(FormatError, match="there already"):
        registry.load("llava").export(corpus, tmp_path / "out")
    assert exports(corpus.store) == []


def test_a_take_down_during_an_export_stops_it(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 40)
    other = Corpus.open(tmp_path / "c")
    steps: list[int] = []

    def step(n: int) -> None:
        steps.append(n)
        if len(steps) == 39:
            takedown(other, read_list(listed(1)))

    with pytest.raises(LimnerError):
        registry.load("llava").export(corpus, tmp_path / "out", progress=step)
    assert not (tmp_path / "out").exists()
    assert exports(corpus.store) == []


def test_a_damaged_record_of_an_export_is_found(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 2)
    registry.load("llava").export(corpus, tmp_path / "out")
    [record] = (tmp_path / "c/exports").iterdir()
    record.write_text(record.read_text().replace("llava", "mmc4"))
    assert [(d.level, d.file) for d in check(corpus.store)] == [("error", f"exports/{record.name}")]
    with pytest.raises(CorpusError, match="the record of an export, is damaged"):
        takedown(corpus, read_list("x.example"))


@pytest.mark.skipif(os.geteuid() == 0, reason="to root every folder can be written to")
def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 3)
    registry.load("llava").export(corpus, tmp_path / "x/out")
    (tmp_path / "x").chmod(0o555)
    try:
        done = takedown(corpus, read_list(listed(1)))[1]
        assert "cannot be written" in done.missed[str(tmp_path / "x/out")]
    finally:
        (tmp_path / "x").chmod(0o755)


TAKEDOWN = """
import sys
from limner.corpus import Corpus
from limner.corpus.keeping import read_list
from limner.formats.exports import takedown
print("began", flush=True)
takedown(Corpus.open(sys.argv[1]), read_list("https://example.org/page/40"))
"""


def test_killed_at_any_moment_an_export_is_the_old_one_or_the_new(tmp_path: Path) -> None:
    corpus = corpora.corpus_of(tmp_path / "c", 60)
    registry.load("html").export(corpus, tmp_path / "out")
    old = contents(tmp_path / "out")
    [gone] = (name for name in old if name.startswith("page-40-"))
    kills, wait = 0, 0.0
    new = {}
    while True:
        process = subprocess.Popen([sys.executable, "-c", TAKEDOWN, str(tmp_path / "c")], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode != 0
        there = contents(tmp_path / "out") if (tmp_path / "out").exists() else contents(tmp_path / ".out.replaced")
        if process.returncode == 0:
            new = there
            break
        assert there == old or set(there) == set(old) - {gone}
        wait += 0.02
    assert kills
    assert takedown(Corpus.open(tmp_path / "c"), read_list(""))[1].missed == {}
    assert contents(tmp_path / "out") == new != old
    assert not {"text", "id", "address"} & held(tmp_path, 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c", "out"]
