"""Files of benchmarks: a record says where it stands, and a bad one stops the benchmark."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from limner.evaluate.benchmark import BenchmarkError
from limner.evaluate.benchmarks import files


def _read(folder: Path, name: str, **how: bool) -> list[dict[str, object]]:
    return [dict(row.values) for row in files.rows(files.opened(folder, "items"), name, **how)]


ROWS = [{"id": "1", "text": "one\ttwo"}, {"id": "2", "text": 'a "quoted" word'}]


def test_json_lines_arrays_and_compressed_lines_hold_the_same_records(tmp_path: Path) -> None:
    lines = "\n".join(map(json.dumps, ROWS)) + "\n\n"
    (tmp_path / "a.jsonl").write_text(lines)
    (tmp_path / "b.json").write_text(json.dumps(ROWS, indent=2))
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert _read(tmp_path, "a.jsonl") == _read(tmp_path, "b.json") == _read(tmp_path, "c.jsonl.gz") == ROWS


def test_a_csv_has_quoted_cells_over_several_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfid,text\r\n1,"one,\ntwo"\r\n')
    assert _read(tmp_path, "a.csv") == [{"id": "1", "text": "one,\ntwo"}]


def test_a_carriage_return_in_a_line_does_not_end_it(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_bytes(b"id,seen\n1,mouse\rkeyboard\n")
    assert _read(tmp_path, "votes.csv") == [{"id": "1", "seen": "mouse keyboard"}]


def test_quotes_mean_nothing_in_a_tsv_without_quoting(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text('Prompt\tCategory\n"Gift of the Magi\tArts\n')
    assert _read(tmp_path, "a.tsv", quoted=False) == [{"Prompt": '"Gift of the Magi', "Category": "Arts"}]


def test_a_parquet_file_is_read_by_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": list(range(40)), "image": [b"x"] * 40}), tmp_path / "a.parquet")
    found = list(files.rows(files.opened(tmp_path, "items"), "a.parquet", columns=["id"]))
    assert [row.whole("id") for row in found] == list(range(40))
    assert found[0].get("image") is None


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b'{"id": 1}\n{"id": \n', "a.jsonl, line 2"),
        ("a.jsonl", b'{"id": 1}\n[1]\n', "line 2 is a list, not an object"),
        ("a.jsonl", b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}\n", "line 1"),
        ("a.json", b'[{"a": {"b": 1}}, {"a"', "a.json"),
        ("a.csv", b"id,id\n1,2\n", "names of its columns"),
        ("a.csv", b"id,text\n1\n", "a.csv, line 2"),
        ("a.parquet", b"PAR1 nonsense", "a.parquet"),
        ("a.pkl", b"\x80\x04.", "is not .json"),
    ],
)
def test_a_bad_record_stops_and_says_where(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BenchmarkError, match=says.replace("(", r"\(")):
        _read(tmp_path, name)


def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside.png").write_bytes(b"x")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link.png").symlink_to(tmp_path / "outside.png")
    folder = files.opened(tmp_path / "data", "images")
    row = files.Row("a.jsonl, line 1", {})
    for name in ("../outside.png", str(tmp_path / "outside.png"), "link.png", "missing.png"):
        with pytest.raises(BenchmarkError, match="line 1: it names"):
            row.file(folder, name)


def test_values_are_checked_where_they_are_read() -> None:
    row = files.Row("f, line 3", {"n": "4", "x": float("nan"), "list": ["a", 1], "flag": True, "gone": None})
    assert row.whole("n") == 4
    assert row.text("gone", "none") == "none"
    for wrong in (
        lambda: row.text("flag"),
        lambda: row.number("x"),
        lambda: row.texts("list"),
        lambda: row.text("gone"),
        lambda: row.row("n"),
    ):
        with pytest.raises(BenchmarkError, match=r"^f, line 3: "):
            wrong()


def test_a_benchmark_without_its_folder_says_what_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="--data: a file of items"):
        files.opened(None, "a file of items")
    with pytest.raises(BenchmarkError, match="a file of items"):
        files.opened(tmp_path / "gone", "a file of items")
