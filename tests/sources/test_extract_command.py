"""`limner extract`, as a process."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sources.site import noise, page

SCRIPT = "from limner.cli.main import main; main()"


def extract(*arguments: str, data: bytes = b"") -> tuple[int, list[dict[str, object]], str]:
    command = [sys.executable, "-c", SCRIPT, "extract", *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    lines = done.stdout.decode().splitlines()
    return done.returncode, [json.loads(line) for line in lines] if "--json" in arguments else [{"": lines}], done.stderr.decode()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_line_for_each_input_in_order(tmp_path: Path, workers: str) -> None:
    (tmp_path / "a.html").write_text(page('<img src="i/a.png" alt="a cat"><img src="//b.org/b.png">', title="A"))
    (tmp_path / "b.html.gz").write_bytes(gzip.compress(page(title="B").encode()))
    (tmp_path / "c.bin").write_bytes(bytes(range(256)) * 4)
    names = ["a.html", "none.html", "c.bin", "b.html.gz", "."]
    paths = [str(tmp_path / name) for name in names]
    code, rows, _ = extract("--json", "--workers", workers, *paths)
    assert code == 1
    assert [row.get("title") for row in rows] == ["A", None, None, "B", None]
    assert [row.get("input") for row in rows] == [None, paths[1], paths[2], None, paths[4]]
    assert "No such file" in str(rows[1]["error"])
    first = rows[0]
    assert list(first)[:4] == ["id", "url", "title", "language"]
    assert (first["language"], first["url"]) == ("en", "")
    parts = first["parts"]
    assert isinstance(parts, list)
    assert parts[0]["type"] == "text"
    assert any(p["role"] == "paragraph" and "crop tool" in p["text"] for p in parts if p["type"] == "text")
    assert [(p["ref"], p["alt"]) for p in parts if p["type"] == "image"] == [("i/a.png", "a cat"), ("//b.org/b.png", "")]


def test_a_url_makes_images_absolute_and_stdin_is_read() -> None:
    code, rows, _ = extract("-", "--json", "--url", "https://a.org/x/y.html", data=page('<img src="i.png">').encode())
    assert code == 0
    parts = rows[0]["parts"]
    assert isinstance(parts, list)
    assert [p["ref"] for p in parts if p["type"] == "image"] == ["https://a.org/x/i.png"]
    assert rows[0]["url"] == "https://a.org/x/y.html"


def test_a_language_that_the_page_does_not_state_is_found_in_its_text(tmp_path: Path) -> None:
    words = "Das Zuschneidewerkzeug schneidet ein Bild oder eine Ebene zu und entfernt dabei leere Bereiche am Rand. " * 3
    for name, tag, text in (("said", ' lang="nds"', words), ("unsaid", "", words), ("short", "", "Ein Bild.")):
        (tmp_path / f"{name}.html").write_text(f"<!doctype html><html{tag}><title>T</title><body><main><p>{text}</p></main>")
    code, rows, _ = extract("--json", *(str(tmp_path / f"{name}.html") for name in ("said", "unsaid", "short")))
    assert code == 0
    assert [row["language"] for row in rows] == ["nds", "de", ""]


def test_without_json_it_is_a_page_to_read(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page(title="Cropping"))
    code, lines, errors = extract(str(tmp_path / "a.html"), str(tmp_path / "none"))
    assert code == 1
    assert "Cropping" in str(lines[0][""])
    assert "The crop tool" in str(lines)
    assert errors == f"limner: {tmp_path / 'none'}: No such file or directory\n"


def test_a_private_url_is_one_error_line() -> None:
    code, rows, _ = extract("--json", "http://127.0.0.1:9/x")
    assert code == 1
    assert "public internet" in str(rows[0]["error"])
    assert rows[0]["input"] == "http://127.0.0.1:9/x"


def test_a_bomb_is_an_error_line(tmp_path: Path) -> None:
    (tmp_path / "a.html.gz").write_bytes(gzip.compress(b"<html>" + bytes(40_000_000)))
    (tmp_path / "b.png").write_bytes(noise(30, 30))
    code, rows, _ = extract("--json", str(tmp_path / "a.html.gz"), str(tmp_path / "b.png"))
    assert code == 1
    assert "decompressed" in str(rows[0]["error"])
    assert "image/png" in str(rows[1]["error"])
