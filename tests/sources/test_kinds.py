"""What a file is, by its bytes."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.errors import SourceError
from limner.sources.attach import decode_data_uri
from limner.sources.kinds import Page, documents, gunzip, recognise
from sources.site import page, png


def epub() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("mimetype", "application/epub+zip")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"<!DOCTYPE html>", "", "html"),
        (b"\n\t <!-- saved -->\n<HTML>", "x.bin", "html"),
        (b'<?xml version="1.0"?>\n<html xmlns="x">', "", "html"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html><head><meta content="DocBook XSL Stylesheets"/>', "", "html"),
        (b'<html xmlns="x" xmlns:db="http://docbook.org/ns/docbook">', "", "html"),
        (b'<?xml version="1.0"?><!DOCTYPE book PUBLIC "-//OASIS//DTD DocBook XML V4.5//EN" "x"><book>', "", "xml"),
        (b"\xef\xbb\xbf<html>", "", "html"),
        ("\ufeff<html>".encode("utf-16-le"), "", "html"),
        ("<html>".encode("utf-16-be"), "", "html"),
        (b"<html>\0\0\0", "a.html", "html"),
        (b"just words", "a.html", "html"),
        (b"just words", "a", ""),
        (b"just words", "a.txt", "text"),
        (b"", "a.html", "html"),
        (b"\x00\x01\x02", "a.html", ""),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">', "a.html", "image/svg+xml"),
        (b'<?xml version="1.0"?><urlset xmlns="x">', "", "sitemap"),
        (b"%PDF-1.7", "", "pdf"),
        (b"WARC/1.1\r\n", "", "warc"),
        (gzip.compress(b"WARC/1.0\r\nWARC-Type: warcinfo", mtime=0), "", "warc"),
        (gzip.compress(gzip.compress(b"<html>", mtime=0), mtime=0), "", "gzip"),
        (png(), "page.html", "image/png"),
        (epub(), "", "epub"),
    ],
)
def test_recognise(data: bytes, name: str, kind: str) -> None:
    assert recognise(data, name) == kind


@given(st.binary(max_size=300), st.sampled_from(["", "a.html", "a.png", "a.html.gz"]))
def test_any_bytes_have_an_answer(data: bytes, name: str) -> None:
    assert isinstance(recognise(data, name), str)


def test_a_kind_nobody_reads_says_who_could() -> None:
    with pytest.raises(SourceError, match=r"x\.pdf.*'zstd'.*html"):
        list(documents(Page(b"\x28\xb5\x2f\xfd", "x.pdf", "1"), limit=100))


def test_the_reader_is_told_the_transports_charset() -> None:
    data = page("<p>Grüße aus Köln, wo der Dom am Rhein steht und die Züge halten.</p>").encode("iso-8859-15")
    (document,) = documents(Page(data, "x", "1", "https://example.org/", "iso-8859-15"), limit=10**6)
    assert "Grüße aus Köln" in document.text


def test_gzip_is_bounded_and_damage_is_named() -> None:
    with pytest.raises(SourceError, match="more than 100"):
        gunzip(gzip.compress(bytes(101)), 100)
    with pytest.raises(SourceError, match="damaged"):
        gunzip(gzip.compress(b"hello there", mtime=0)[:-9], 100)


@pytest.mark.parametrize("uri", ["data:", "data:image/png;base64", "data:;base64,@@@=", "http://x/", "data:image/png;base64,A"])
def test_damaged_data_uris_are_nothing(uri: str) -> None:
    assert not decode_data_uri(uri)


@given(st.binary(max_size=60))
def test_data_uris_round_trip(data: bytes) -> None:
    assert decode_data_uri("data:image/png;base64," + base64.b64encode(data).decode()) == data
    assert decode_data_uri("data:image/png;BASE64," + base64.urlsafe_b64encode(data).decode().rstrip("=")) == data
    assert decode_data_uri("data:," + quote_from_bytes(data)) == data
    assert decode_data_uri("data:," + quote_from_bytes(data), limit=len(data) - 1) is None
