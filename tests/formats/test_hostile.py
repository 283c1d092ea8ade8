"""Data sets that mean harm: nothing outside the folder is read, nothing grows without bound, one bad row costs one row."""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formats.corpora import corpus_of, picture
from limner.errors import FormatError
from limner.formats import lines, registry, tarfiles
from limner.formats.format import Rejected

EVERY = registry.names()
PATHS = [
    "../secret.png",
    "/secret.png",
    "images/../../secret.png",
    "link.png",
    "..\\secret.png",
    "%2e%2e/secret.png",
    "file:///secret.png",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside a picture that must not be read, with a link to it inside."""
    (tmp_path / "secret.png").write_bytes(picture(1))
    made = tmp_path / "data"
    (made / "images").mkdir(parents=True)
    os.symlink(tmp_path / "secret.png", made / "link.png")
    return made


def everything(name: str, folder: Path) -> tuple[list[Any], list[Rejected]]:
    rejected: list[Rejected] = []
    return list(registry.load(name).read(folder, rejected.append)), rejected


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leaves_the_folder(folder: Path, path: str) -> None:
    absolute = str(folder.parent / "secret.png")
    for address in (path, absolute):
        (folder / "a.jsonl").write_text(
            json.dumps({"text_list": ["x"], "image_info": [{"image_name": address, "matched_text_index": 0}]})
        )
        (folder / "b.json").write_text(json.dumps([{"image": address, "conversations": [{"from": "human", "value": "<image>"}]}]))
        (folder / "c.md").write_text(f"![x]({address})\n")
        (folder / "d.html").write_text(
            f"<p>Words enough to be kept here, one hopes.</p><img src='{address}'><p>More words to keep, surely so.</p>"
        )
        metadata = json.dumps([{"file": address, "src": address}])
        row = {"images": [address], "texts": [None], "metadata": metadata, "general_metadata": "{}", "limner": None, "url": ""}
        pq.write_table(pa.Table.from_pylist([row]), folder / "e.parquet")
        own = {"version": 1, "document": {"id": "x", "parts": []}, "files": {"0" * 64: address}}
        pq.write_table(
            pa.Table.from_pylist([{"images": [], "texts": [], "general_metadata": json.dumps({"limner": own})}]),
            folder / "f.parquet",
        )
        for name in ("mmc4", "llava", "markdown", "html", "obelics", "omnicorpus", "mint-1t"):
            read, _ = everything(name, folder)
            assert read
            assert not any(media for _, media in read), name


def test_members_of_an_archive_are_never_written(folder: Path) -> None:
    with tarfile.open(folder / "x.tar", "w") as archive:
        for name in ("../out.json", "/abs.json", "a.json"):
            info = tarfile.TarInfo(name)
            info.size = 2
            archive.addfile(info, io.BytesIO(b"{}"))
        link = tarfile.TarInfo("b.png")
        link.type, link.linkname = tarfile.SYMTYPE, "../secret.png"
        archive.addfile(link)
    before = sorted(p for p in folder.parent.rglob("*"))
    read, rejected = everything("webdataset", folder)
    assert (len(read), len(rejected)) == (3, 0)
    assert not any(media for _, media in read)
    assert sorted(p for p in folder.parent.rglob("*")) == before


def test_a_member_beyond_the_bound_costs_its_sample_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tarfiles, "MAX_MEMBER", 1_000)
    with tarfile.open(folder / "x.tar", "w") as archive:
        for name, size in (("a.txt", 10), ("b.txt", 2_000), ("c.txt", 10)):
            info = tarfile.TarInfo(name)
            info.size = size
            archive.addfile(info, io.BytesIO(b"x" * size))
    read, rejected = everything("webdataset", folder)
    assert len(read) == 2
    assert [r.message for r in rejected] == ["txt is too large"]


def test_a_line_beyond_the_bound_costs_that_line_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_ROW", 1_000)
    good = json.dumps({"text_list": ["x"], "image_info": []})
    (folder / "a.jsonl").write_text("\n".join([good, '"' + "y" * 5_000 + '"', good, "[" * 400, "not json", good, "7"]))
    read, rejected = everything("mmc4", folder)
    assert len(read) == 3
    assert [r.location for r in rejected] == ["a.jsonl line 2", "a.jsonl line 4", "a.jsonl line 5", "a.jsonl line 7"]


def test_without_a_place_for_rejects_the_first_is_an_error(folder: Path) -> None:
    (folder / "a.jsonl").write_text("no")
    with pytest.raises(FormatError, match=r"a\.jsonl line 1: not JSON"):
        list(registry.load("mmc4").read(folder))


def test_deep_nesting_and_endless_items_are_rejected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a.json").write_text("[" + '{"a":' * 200_000)
    read, rejected = everything("llava", folder)
    assert (read, len(rejected)) == ([], 1)
    monkeypatch.setattr(lines, "MAX_ROW", 3 << 20)
    (folder / "a.json").write_text('[{"conversations": []}, "' + "x" * (5 << 20))
    read, rejected = everything("llava", folder)
    assert (len(read), len(rejected)) == (1, 1)


def test_an_array_is_read_in_pieces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_CHUNK", 7)
    rows = [{"id": i, "conversations": [{"from": "human", "value": f"é{i}" * i}]} for i in range(40)]
    for text in (json.dumps(rows), json.dumps(rows, indent=2, ensure_ascii=False), "\ufeff" + json.dumps(rows)):
        (folder / "a.json").write_text(text, encoding="utf-8")
        read, rejected = everything("llava", folder)
        assert rejected == []
        assert [d.meta["original_id"] for d, _ in read] == [str(i) for i in range(40)]


class _Exploit:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch exploited",)


def test_pickles_are_bytes(folder: Path) -> None:
    data = pickle.dumps(_Exploit())
    with tarfile.open(folder / "x.tar", "w") as archive:
        for name, content in (("a.pkl", data), ("a.json", b'{"texts": ["x"]}'), ("a.pyd", data)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    (folder / "features.pkl").write_bytes(data)
    [(document, _)], _ = everything("webdataset", folder)
    assert document.text == "x"
    assert not Path("exploited").exists()


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    changes=st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), min_size=1, max_size=20), cut=st.integers(0, 2**20)
)
def test_damaged_files_end_in_rejects_and_nothing_else(
    name: str, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], cut: int
) -> None:
    folder = _export(name, tmp_path_factory)
    format = registry.load(name)
    chosen = format.inputs(folder)[0]
    whole = (folder / chosen).read_bytes()
    data = bytearray(whole)
    for place, value in changes:
        data[place % len(data)] = value
    try:
        (folder / chosen).write_bytes(bytes(data[: max(cut % (2 * len(data)), 1)]))
        rejected: list[Rejected] = []
        for _ in format.read_input(folder, chosen, rejected.append):
            pass
    finally:
        (folder / chosen).write_bytes(whole)


_made: dict[str, Path] = {}


def _export(name: str, factory: pytest.TempPathFactory) -> Path:
    if name not in _made:
        base = factory.mktemp(name)
        registry.load(name).export(corpus_of(base / "c", 2), base / "out")
        _made[name] = base / "out"
    return _made[name]
