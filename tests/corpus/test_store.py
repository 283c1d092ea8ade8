"""A store is one folder: whole writes, no way out, the same on a disk and in memory."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from limner.corpus import Store
from limner.errors import CorpusError


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "c") if request.param == "disk" else f"memory://{uuid.uuid4().hex}/c")


def test_what_is_written_is_read(store: Store, tmp_path: Path) -> None:
    store.write("a/b.bin", b"0123456789")
    assert store.read("a/b.bin") == b"0123456789"
    assert store.read_range("a/b.bin", 3, 6) == b"345"
    assert store.size("a/b.bin") == 10
    with store.open("a/b.bin") as file:
        assert file.read(4) == b"0123"
    store.write("a/b.bin", b"new")
    assert store.read("a/b.bin") == b"new"
    local = tmp_path / "made"
    local.write_bytes(b"moved")
    store.put(local, "a/c.bin")
    assert store.read("a/c.bin") == b"moved"
    assert not local.exists()


def test_listing(store: Store) -> None:
    assert store.names("nowhere") == [] == store.folders("nowhere")
    for name in ("x/2", "x/1", "x/deep/3", "top"):
        store.write(name, b"")
    assert store.names("x") == ["1", "2"]
    assert store.names("") == ["top"]
    assert store.folders() == ["x"]
    assert store.folders("x") == ["deep"]
    assert store.exists("x/1")
    assert not store.exists("x/9")


def test_removal_of_a_file_of_a_folder_and_of_nothing(store: Store) -> None:
    for name in ("x/1", "x/2", "y/1"):
        store.write(name, b"z")
    store.remove("x/1")
    store.remove("y")
    store.remove("never")
    assert store.names("x") == ["2"]
    assert not store.exists("y/1")


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/etc/passwd", ".."])
def test_no_path_leaves_the_folder(store: Store, name: str) -> None:
    for call in (store.read, store.remove, store.size, store.open, lambda n: store.write(n, b"")):
        with pytest.raises(CorpusError, match="not a path inside"):
            call(name)


def test_a_missing_file_is_one_clear_error(store: Store) -> None:
    for call in (store.read, store.size, store.open, lambda n: store.read_range(n, 0, 1)):
        with pytest.raises(CorpusError, match="gone is missing; `limner check`"):
            call("gone")


def test_a_store_travels_to_another_process(store: Store) -> None:
    store.write("a", b"1")
    assert pickle.loads(pickle.dumps(store)).read("a") == b"1"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.write("d/a", b"old")
    with pytest.raises(TypeError):
        store.write("d/a", "not bytes")  # type: ignore[arg-type]
    assert store.read("d/a") == b"old"
    assert os.listdir(tmp_path / "d") == ["a"]


def test_an_unknown_protocol_says_so() -> None:
    with pytest.raises(CorpusError, match="nonsense"):
        Store("nonsense://x")


@pytest.mark.parametrize(
    ("url", "package", "install"),
    [("s3://b/c", "s3fs", "limner[s3]"), ("gs://b/c", "gcsfs", "gcsfs"), ("https://e.example/c", "aiohttp", "aiohttp")],
)
def test_a_package_that_a_url_needs_is_named_with_its_install_command(url: str, package: str, install: str) -> None:
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from limner.corpus import Corpus\nfrom limner.errors import MissingExtra\n"
        f"try:\n    Corpus.open({url!r})\nexcept MissingExtra as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{url} needs {package}, which is not installed: pip install '{install}'\n"


def test_the_files_of_a_folder_and_of_all_its_folders(store: Store) -> None:
    assert store.below() == []
    for name in ("b/c/d", "a", "b/c.x", "bc/e"):
        store.write(name, b"x")
    assert store.below() == ["a", "b/c.x", "b/c/d", "bc/e"]
    assert store.below("b") == ["c.x", "c/d"]
    assert store.below("none") == []


def test_a_kind_of_url_that_nobody_knows() -> None:
    with pytest.raises(CorpusError, match="nope; name a folder"):
        Store("nope://x")
