"""An export in an object store is what it would be on a disk, whole or not at all, and take-downs reach it."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from click.testing import CliRunner
from fsspec.implementations.memory import MemoryFileSystem

from formats.corpora import corpus_of, page
from limner.cli.main import limner
from limner.corpus import Corpus
from limner.corpus.keeping import read_list
from limner.corpus.keeping.exports import behind, exports
from limner.errors import FormatError, LimnerError
from limner.formats import registry
from limner.formats.exports import forget, takedown
from limner.formats.output import place as place_of
from limner.formats.place import REPORT

pytest.importorskip("s3fs", reason="the client of object stores: pip install s3fs")
moto = pytest.importorskip("moto.server", reason="an S3 server to test against: pip install 'moto[server]' s3fs")


MANY = 10**9


class Failing(MemoryFileSystem):
    """A store in memory to which there is no way after so many more changes of it, for as many calls as `gone` says."""

    protocol = "failing"
    store: dict[str, Any] = {}  # noqa: RUF012 - as in the class it derives from
    pseudo_dirs = [""]  # noqa: RUF012
    left = MANY
    gone = MANY

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.replace("failing://", "memory://", 1))

    def _change(self) -> None:
        Failing.left -= 1
        if Failing.left < 0 and Failing.gone > 0:
            Failing.gone -= 1
            raise ConnectionError("no way to the server")

    def pipe_file(self, *arguments: Any, **settings: Any) -> None:
        self._change()
        super().pipe_file(*arguments, **settings)

    def put_file(self, *arguments: Any, **settings: Any) -> None:
        self._change()
        super().put_file(*arguments, **settings)

    def rm(self, *arguments: Any, **settings: Any) -> None:
        self._change()
        super().rm(*arguments, **settings)


@pytest.fixture
def failing() -> Iterator[str]:
    fsspec.register_implementation("failing", Failing, clobber=True)
    Failing.left = Failing.gone = MANY
    yield "failing://bucket"
    Failing.store.clear()


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    made = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    made.start()
    host, port = made.get_host_and_port()
    yield {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    made.stop()


@pytest.fixture
def bucket(server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    name = f"bucket{time.time_ns()}"
    s3fs.S3FileSystem().mkdir(name)
    return f"s3://{name}"


def files(place: str) -> dict[str, bytes]:
    """The files of an export there, without its report, which names the place."""
    filesystem, root = fsspec.core.url_to_fs(place)
    filesystem.invalidate_cache()
    found = {path.removeprefix(f"{root}/"): filesystem.cat_file(path) for path in filesystem.find(root)}
    return {name: data for name, data in found.items() if name != REPORT}


def call(*arguments: str | Path, input: str | None = None) -> str:
    result = CliRunner().invoke(limner, [str(a) for a in arguments], input=input, catch_exceptions=False)
    return result.stdout


@pytest.mark.parametrize("name", registry.names())
def test_the_same_files_as_on_a_disk(name: str, tmp_path: Path, failing: str) -> None:
    corpus = corpus_of(tmp_path / "c", 7)
    format = registry.load(name)
    here = format.export(corpus, tmp_path / "out", shard=3)
    there = format.export(corpus, f"{failing}/out/", shard=3)
    assert files(f"{failing}/out") == files(str(tmp_path / "out"))
    assert {**there.to_dict(), "folder": ""} == {**here.to_dict(), "folder": ""}
    assert {made.folder for made in exports(corpus.store)} == {str(tmp_path / "out"), f"{failing}/out"}
    with pytest.raises(FormatError, match="there already"):
        format.export(corpus, f"{failing}/out")
    format.export(corpus, f"file://{tmp_path}/url", shard=3)
    assert files(str(tmp_path / "url")) == files(str(tmp_path / "out"))


def test_the_commands_with_a_bucket(bucket: str, tmp_path: Path) -> None:
    corpus_of(tmp_path / "c", 5)
    assert f"{bucket}/set" in call("export", tmp_path / "c", "--to", "markdown", "-o", f"{bucket}/set")
    filesystem = fsspec.filesystem("s3")
    filesystem.pipe_file(f"{bucket}/set/README.md", b"My notes.")
    said = call("takedown", tmp_path / "c", "-", input=page(2)[0].url)
    assert f"exported again: {bucket}/set" in said
    assert f"not looked into: {bucket}/set/README.md" in said
    call("export", tmp_path / "c", "--to", "markdown", "-o", tmp_path / "now")
    assert files(f"{bucket}/set") == {**files(str(tmp_path / "now")), "README.md": b"My notes."}
    filesystem.get(f"{bucket}/set/", f"{tmp_path}/back/", recursive=True)
    (tmp_path / "back/README.md").unlink()
    read = registry.load("markdown").read
    assert list(read(tmp_path / "back")) == list(read(tmp_path / "now"))
    with pytest.raises(FormatError, match="copy the data set to a folder of this machine"):
        call("import", f"{bucket}/set", "--from", "markdown", "-o", tmp_path / "again")
    filesystem.pipe_file(f"{bucket}/set/SOURCES.txt", b"Edited.")
    with pytest.raises(LimnerError, match=r"not as limner wrote them \(SOURCES.txt\)"):
        call("takedown", tmp_path / "c", "-", input=page(3)[0].url)
    call("takedown", tmp_path / "c", "-", "--export", f"{bucket}/set", input="")
    assert not any(b"Words of page 3" in data for data in files(f"{bucket}/set").values())
    filesystem.rm(f"{bucket}/set", recursive=True)
    with pytest.raises(LimnerError, match="it is not there any more"):
        call("takedown", tmp_path / "c", "-", input="other.example")
    call("takedown", tmp_path / "c", "-", "--forget", f"{bucket}/set", "--forget", tmp_path / "now", input="")
    assert exports(Corpus.open(tmp_path / "c").store) == []


def test_a_store_that_says_no(bucket: str, tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 2)
    with pytest.raises(FormatError, match=r"s3://no-such-bucket/out cannot be .*; check its name and your credentials"):
        registry.load("llava").export(corpus, "s3://no-such-bucket/out")
    assert exports(corpus.store) == []


def test_an_export_that_fails_at_any_change_is_not_there_and_the_next_one_is_whole(tmp_path: Path, failing: str) -> None:
    corpus = corpus_of(tmp_path / "c", 3)
    format = registry.load("html")
    format.export(corpus, tmp_path / "whole")
    forget(corpus, tmp_path / "whole")
    # The report and the sums are written twice.
    for changes in range(len(files(str(tmp_path / "whole"))) + 3):
        place = f"{failing}/{changes}"
        Failing.left = changes
        with pytest.raises(FormatError, match="no way to the server"):
            format.export(corpus, place)
        assert exports(corpus.store) == []
        assert not place_of(place).report().get("id")
        Failing.left = MANY
        format.export(corpus, place)
        assert files(place) == files(str(tmp_path / "whole"))
        forget(corpus, place)


def test_where_only_one_change_fails_nothing_is_left(tmp_path: Path, failing: str) -> None:
    corpus = corpus_of(tmp_path / "c", 3)
    for changes in (0, 1, 5):
        Failing.left, Failing.gone = changes, 1
        with pytest.raises(FormatError, match="no way to the server"):
            registry.load("html").export(corpus, f"{failing}/out")
        assert Failing.store == {}


@pytest.mark.parametrize("name", ["html", "obelics"])
def test_a_take_down_that_fails_at_any_change_is_finished_by_the_next(name: str, tmp_path: Path, failing: str) -> None:
    format = registry.load(name)
    whole: dict[str, bytes] = {}
    for changes in itertools.count():
        corpus = corpus_of(tmp_path / f"{changes}", 4)
        place = f"{failing}/{changes}"
        Failing.left = MANY
        format.export(corpus, place, shard=2)
        fsspec.filesystem("failing").pipe_file(f"{place}/mine.txt", b"Mine.")
        Failing.left = changes
        done = takedown(corpus, read_list(page(1)[0].url))[1]
        if done.rewritten:
            break
        assert "no way to the server" in done.missed[place]
        assert [made.folder for made in behind(corpus.store)] == [place]
        Failing.left = MANY
        done = takedown(corpus, read_list(""))[1]
        assert (done.rewritten, done.missed, done.unknown) == ((place,), {}, (f"{place}/mine.txt",))
        if not whole:
            format.export(corpus, tmp_path / "out", shard=2)
            whole = {**files(str(tmp_path / "out")), "mine.txt": b"Mine."}
        assert files(place) == whole
        assert behind(corpus.store) == []
    assert changes > 10
    assert files(place) == whole


EXPORT = """
import sys
from limner.corpus import Corpus
from limner.formats import registry
registry.load("html").export(Corpus.open(sys.argv[1]), sys.argv[2])
"""


def test_what_a_killed_export_left_is_removed_by_a_take_down(bucket: str, tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", 60)
    with subprocess.Popen([sys.executable, "-c", EXPORT, str(tmp_path / "c"), f"{bucket}/out"]) as process:
        until = time.monotonic() + 60
        while len(place_of(f"{bucket}/out").names()) < 5 and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert place_of(f"{bucket}/out").report() == {"on_its_way": True}
    assert takedown(corpus, read_list(page(1)[0].url))[1].missed == {}
    assert files(f"{bucket}/out") == {}
    assert exports(corpus.store) == []
