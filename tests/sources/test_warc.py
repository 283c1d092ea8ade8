"""WARC files: written here by FastWARC and by hand, read whole and in ranges, damaged and hostile."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import subprocess
import sys
import zlib
from pathlib import Path

import brotli
import pytest
from fastwarc.warc import WarcRecord, WarcRecordType
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.document import Document
from limner.errors import SourceError
from limner.sources.kinds import READERS, reader
from limner.sources.warc import WarcSource
from sources.site import Held, Reply, Request, Site, page, png


def record(
    url: str, body: bytes, ctype: str = "text/html", status: str = "200 OK", extra: str = "", kind: str = "response"
) -> bytes:
    """One WARC record, uncompressed."""
    http = f"HTTP/1.1 {status}\r\nContent-Type: {ctype}\r\n{extra}\r\n".encode() + body if kind == "response" else body
    made = WarcRecord()
    made.init_headers(getattr(WarcRecordType, kind))
    made.set_bytes_content(http)
    made.headers["WARC-Target-URI"] = url
    made.headers["Content-Type"] = "application/http; msgtype=response" if kind == "response" else ctype
    out = io.BytesIO()
    made.write(out)
    return out.getvalue()


def pages(count: int) -> list[bytes]:
    return [record(f"http://a.org/{i}", page(title=f"Page {i}").encode()) for i in range(count)]


def write(path: Path, records: list[bytes]) -> Path:
    packed = path.name.endswith(".gz")
    path.write_bytes(b"".join(gzip.compress(r) if packed else r for r in records))
    return path


def read(source: WarcSource, held: Held) -> list[Document]:
    copy = pickle.loads(pickle.dumps(source))
    return [document for input in source.inputs() for document in copy.read(input, held)]


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
def test_ranges_hold_every_page_once(tmp_path: Path, held: Held, name: str) -> None:
    path = write(tmp_path / name, pages(25))
    whole = read(WarcSource(str(path), pages=1000), held)
    cut = read(WarcSource(str(path), pages=4), held)
    assert [d.title for d in cut] == [d.title for d in whole] == [f"Page {i}" for i in range(25)]
    assert len({d.id for d in cut}) == 25
    inputs = list(WarcSource(str(path), pages=4).inputs())
    assert len(inputs) == 7
    assert sum(input.size for input in inputs) == path.stat().st_size
    assert inputs == list(WarcSource(str(path), pages=4).inputs())
    assert whole[3].url == "http://a.org/3"
    assert whole[3].source == f"{name}@0"


def test_only_good_answers_count(tmp_path: Path, held: Held) -> None:
    path = write(
        tmp_path / "a.warc.gz",
        [
            record("http://a.org/gone", page().encode(), status="404 Not Found"),
            record("http://a.org/moved", page().encode(), status="301 Moved"),
            record("http://a.org/ask", b"GET / HTTP/1.1\r\n\r\n", kind="request"),
            record("http://a.org/data", b"{}", ctype="application/json"),
            record("http://a.org/here", page(title="Here").encode()),
            record("http://a.org/raw", page(title="Raw").encode(), kind="resource"),
        ],
    )
    assert [d.title for d in read(WarcSource(str(path)), held)] == ["Here", "Raw"]
    assert held.rejects == []


def test_images_of_the_same_file_are_attached(tmp_path: Path, held: Held) -> None:
    body = page('<img src="/i/a.png"><img src="http://b.org/b.png"><img src="none.png" width=90 height=90>').encode()
    path = write(
        tmp_path / "a.warc.gz",
        [
            record("http://a.org/x", body),
            *pages(9),
            record("http://a.org/i/a.png", png(), "image/png"),
            record("http://b.org/b.png", gzip.compress(png(60, 20)), "image/png", extra="Content-Encoding: gzip\r\n"),
            record("http://a.org/none.png", png(), "image/png", status="404 Not Found"),
        ],
    )
    document = read(WarcSource(str(path), pages=3), held)[0]
    assert [(i.url, i.width, bool(i.ref)) for i in document.images] == [
        ("http://a.org/i/a.png", 40, True),
        ("http://b.org/b.png", 60, True),
        ("http://a.org/none.png", 90, False),
    ]
    bare = read(WarcSource(str(path), images=False), held)[0]
    assert [bool(i.ref) for i in bare.images] == [False] * 3


def chunked(data: bytes) -> bytes:
    half = len(data) // 2
    return b"".join(b"%x;ext=1\r\n%s\r\n" % (len(p), p) for p in (data[:half], data[half:])) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("pack", "header"),
    [
        (gzip.compress, "Content-Encoding: gzip\r\n"),
        (zlib.compress, "Content-Encoding: deflate\r\n"),
        (lambda d: zlib.compress(d, wbits=-15), "Content-Encoding: deflate\r\n"),
        (brotli.compress, "Content-Encoding: br\r\n"),
        (chunked, "Transfer-Encoding: chunked\r\n"),
        (lambda d: chunked(gzip.compress(d)), "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n"),
        (lambda d: brotli.compress(gzip.compress(d)), "Content-Encoding: gzip, br\r\n"),
        # Archivers that undo an encoding and leave its header.
        (lambda d: d, "Content-Encoding: gzip\r\n"),
        (lambda d: d, "Content-Encoding: br\r\n"),
        (lambda d: d, "Transfer-Encoding: chunked\r\n"),
    ],
)
def test_encodings_are_undone(tmp_path: Path, held: Held, pack: object, header: str) -> None:
    assert callable(pack)
    path = write(tmp_path / "a.warc.gz", [record("http://a.org/", pack(page(title="Packed").encode()), extra=header)])
    assert [d.title for d in read(WarcSource(str(path)), held)] == ["Packed"], held.rejects


def test_the_charset_of_the_header_counts(tmp_path: Path, held: Held) -> None:
    body = page("<p>Привет, мир: эта страница написана в старой кодировке и всё же читается.</p>").encode("windows-1251")
    path = write(tmp_path / "a.warc.gz", [record("http://a.org/", body, "text/html; charset=windows-1251")])
    assert "Привет, мир" in read(WarcSource(str(path)), held)[0].text


def test_what_its_owner_reserves_is_left_out_and_reported(tmp_path: Path, held: Held) -> None:
    body = page('<img src="a.png">', '<meta name=robots content="noimageai">').encode()
    path = write(
        tmp_path / "a.warc.gz",
        [
            record("http://a.org/1", page().encode(), extra="X-Robots-Tag: noai\r\n"),
            record("http://a.org/2", page(head='<meta name="tdm-reservation" content="1">').encode()),
            record("http://a.org/3", body),
            record("http://a.org/a.png", png(), "image/png"),
        ],
    )
    (document,) = read(WarcSource(str(path)), held)
    assert [image.ref for image in document.images] == [""]
    assert ["noai" in held.rejects[0][1], "tdm-reservation" in held.rejects[1][1]] == [True, True]
    assert len(read(WarcSource(str(path), optouts=False), Held())) == 3


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
@pytest.mark.parametrize("every", [1000, 3])
def test_damage_costs_itself_only(tmp_path: Path, held: Held, name: str, every: int) -> None:
    records = pages(12)
    packed = [gzip.compress(r) if name.endswith("gz") else r for r in records]
    broken = bytearray(packed[5])
    at = 40 if name.endswith("gz") else broken.index(b"Content-Length")
    broken[at : at + 8] = b"\xff" * 8
    packed[5] = bytes(broken)
    (tmp_path / name).write_bytes(b"".join(packed))
    titles = [d.title for d in read(WarcSource(str(tmp_path / name), pages=every), held)]
    assert [t for t in titles if t != "Page 5"] == [f"Page {i}" for i in range(12) if i != 5]
    assert held.rejects


def test_a_file_cut_short_gives_what_is_whole(tmp_path: Path, held: Held) -> None:
    path = write(tmp_path / "a.warc.gz", pages(9))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 150])
    titles = [d.title for d in read(WarcSource(str(path)), held)]
    assert titles[:8] == [f"Page {i}" for i in range(8)]


def test_too_large_pages_and_bombs_are_refused(tmp_path: Path, held: Held) -> None:
    bomb = gzip.compress(b"<html>" + b"a" * 20_000_000)
    path = write(
        tmp_path / "a.warc.gz",
        [
            record("http://a.org/1", b"<html>" + b"x" * 3_000_000),
            record("http://a.org/2", bomb, extra="Content-Encoding: gzip\r\n"),
            record("http://a.org/3", page(title="Small").encode()),
        ],
    )
    assert [d.title for d in read(WarcSource(str(path), max_page=1_000_000), held)] == ["Small"]
    assert len(held.rejects) == 2


def test_what_is_no_warc_raises_when_read(tmp_path: Path, held: Held) -> None:
    path = tmp_path / "a.warc.gz"
    for data in (b"", b"hello " * 1000, gzip.compress(b"hello"), os.urandom(5000)):
        path.write_bytes(data)
        with pytest.raises(SourceError, match="no WARC record"):
            read(WarcSource(str(path)), held)
    with pytest.raises(SourceError, match="no such"):
        list(WarcSource(str(tmp_path / "none.warc")).inputs())


def test_a_folder_of_warcs(tmp_path: Path, held: Held) -> None:
    (tmp_path / "crawl" / "b").mkdir(parents=True)
    write(tmp_path / "crawl" / "b" / "1.warc.gz", pages(2))
    write(tmp_path / "crawl" / "a.warc", pages(2))
    names = [input.name for input in WarcSource(str(tmp_path / "crawl")).inputs()]
    assert names == ["crawl/a.warc@0", "crawl/b/1.warc.gz@0"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_warc_on_the_web_is_read_by_ranges_and_survives_broken_connections(site: Site, held: Held, ranges: bool) -> None:
    data = b"".join(gzip.compress(r) for r in [*pages(40), record("http://a.org/a.png", png(), "image/png")])
    breaks = iter([True, False, True] if ranges else [])

    def answer(request: Request) -> Reply:
        asked = request.headers.get("range", "bytes=0-")
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if ranges else 0
        rest = data[start:]
        headers = {"Content-Length": str(len(rest)), "ETag": '"1"'}
        if ranges:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        body = [rest[: len(rest) // 2]] if next(breaks, False) else [rest]
        return Reply(body, 206 if ranges else 200, headers)

    site["/a.warc.gz"] = answer
    source = WarcSource(f"{site.url}/a.warc.gz", pages=15 if ranges else 1000, allow_private=True)
    assert [d.title for d in read(source, held)] == [f"Page {i}" for i in range(40)]
    assert [d.title for d in read(source, held)] == [f"Page {i}" for i in range(40)]


def test_a_warc_on_a_private_address_is_refused(site: Site, held: Held) -> None:
    site["/a.warc.gz"] = b""
    with pytest.raises(SourceError, match="public"):
        read(WarcSource(f"{site.url}/a.warc.gz"), held)
    assert site.seen == []


RECORDS = pages(6)


@settings(max_examples=40, deadline=None)
@given(
    packed=st.booleans(),
    every=st.integers(1, 7),
    damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=6),
    cut=st.floats(0.2, 1),
)
def test_any_damage_is_survived(
    tmp_path_factory: pytest.TempPathFactory, packed: bool, every: int, damage: list[tuple[float, int]], cut: float
) -> None:
    data = bytearray(b"".join(gzip.compress(r) if packed else r for r in RECORDS))
    for where, value in damage:
        data[int(where * (len(data) - 1))] = value
    path = tmp_path_factory.mktemp("warc") / "a.warc"
    path.write_bytes(data[: int(len(data) * cut)])
    source = WarcSource(str(path), pages=every, cache=str(path.parent))
    try:
        assert len(read(source, Held())) <= len(RECORDS) + len(damage)
    except SourceError:
        assert damage or cut < 1


def test_several_large_files_are_indexed_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(3):
        write(tmp_path / f"{i}.warc.gz", pages(5))
    apart = list(WarcSource(str(tmp_path), pages=2, cache=str(tmp_path / "x")).inputs())
    monkeypatch.setattr("limner.sources.warc._PARALLEL", 0)
    assert list(WarcSource(str(tmp_path), pages=2, cache=str(tmp_path / "y")).inputs()) == apart
    assert len(apart) == 9


def test_a_page_that_breaks_its_reader_costs_itself_only(tmp_path: Path, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader is one that has a bug: it fails on one page."""
    monkeypatch.setitem(READERS, "html", "sources.failing:read_html")
    reader.cache_clear()
    path = write(tmp_path / "a.warc.gz", pages(4))
    assert [d.title for d in read(WarcSource(str(path)), held)] == ["Page 0", "Page 1", "Page 3"]
    assert [error for _, error in held.rejects] == ["Page 2 is too much for me"]
    reader.cache_clear()


@pytest.mark.parametrize(("scheme", "package", "install"), [("s3", "s3fs", "limner[s3]"), ("gs", "gcsfs", "gcsfs")])
def test_a_package_that_a_store_needs_is_named(scheme: str, package: str, install: str) -> None:
    url = f"{scheme}://bucket/crawl.warc.gz"
    script = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from limner.errors import MissingExtra\nfrom limner.sources.remote import open_binary\n"
        f"try:\n    open_binary({url!r})\nexcept MissingExtra as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{url} needs {package}, which is not installed: pip install '{install}'\n"
